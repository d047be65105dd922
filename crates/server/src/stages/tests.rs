use ingest::{Sink, SinkSpec};

use super::sinks::tests::registry;
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const CRM: &str = "http://127.0.0.1:9/crm";

fn order(forward_to: Option<&str>) -> Order {
    order_with(registry(forward_to, &[]))
}

fn order_with(sinks: Registry) -> Order {
    Order {
        sinks: Arc::new(sinks),
        feed: Feed::default(),
        fetch_policy: Policy::public_only(),
        sink_policy: Policy::public_only(),
        robots: RobotsRule::Obey,
        proxies: Vec::new(),
    }
}

fn spec(sink: Option<&str>) -> JobSpec {
    let sink = sink.map(|url| Sink::to(url.parse().unwrap()));
    JobSpec { sink, ..JobSpec::new("https://example.com/a".parse().unwrap()) }
}

fn record(state: State, stage: Stage, verdict: Option<Verdict>) -> Record {
    Record {
        id: JobId::draw(),
        state,
        stage,
        lane: LaneKey::new("lane"),
        due: NOW,
        attempts: 0,
        verdict,
        created_at: NOW,
        updated_at: NOW,
        spec: Bytes::new(),
        result_bytes: None,
        note: None,
        owner: None,
        group: None,
    }
}

fn matches(filter: &Filter, record: &Record) -> bool {
    (filter.states.is_empty() || filter.states.contains(&record.state))
        && filter.stage.as_ref().is_none_or(|stage| *stage == record.stage)
        && filter.verdict.is_none_or(|verdict| record.verdict == Some(verdict))
}

#[test]
fn every_record_is_found_by_its_status() {
    let pulling = registry(None, &[("inbox", "pull:")]);
    let order = order_with(pulling);
    let verdicts = [
        None,
        Some(Verdict::Succeeded),
        Some(Verdict::Unchanged),
        Some(Verdict::Failed),
        Some(Verdict::Cancelled),
    ];
    for state in [State::Waiting, State::Leased, State::Done, State::Dead, State::Cancelled] {
        for stage in [SCRAPE, DELIVER, PULL] {
            for verdict in verdicts {
                // Whatever is over in good order has been judged.
                if state == State::Done && verdict.is_none() {
                    continue;
                }
                let record = record(state, stage.clone(), verdict);
                let status = order.status(&record);
                assert!(matches(&order.filter(status), &record), "{status}: {record:?}");
            }
        }
    }
}

#[test]
fn a_job_goes_to_its_own_sink_first_then_to_the_operators() {
    let with = order(Some("http://127.0.0.1:9/hook"));
    let own = spec(Some("https://sink.example/in"));
    let to = |order: &Order, spec: &JobSpec| match order.sinks.of_spec(spec) {
        Destination::Sink(sink) => Some((sink.url.to_string(), sink.trusted)),
        _ => None,
    };
    assert_eq!(to(&with, &own), Some(("https://sink.example/in".to_owned(), false)));
    let plain = spec(None);
    assert_eq!(to(&with, &plain), Some(("http://127.0.0.1:9/hook".to_owned(), true)));
    assert_eq!(to(&order(None), &plain), None);
}

#[test]
fn without_a_sink_a_job_ends_where_it_was_fetched() {
    let event = Bytes::from_static(b"{}");
    let kept = order(None).after_scrape(&spec(None), Verdict::Succeeded, event.clone(), None, NOW);
    assert!(matches!(
        kept,
        Outcome::Done { verdict: Some(Verdict::Succeeded), result: Some(_), .. }
    ));
    let sink = spec(Some("https://sink.example/in?token=x"));
    let sent = order(None).after_scrape(&sink, Verdict::Failed, event, None, NOW);
    let Outcome::Advance(next) = sent else { panic!("{sent:?}") };
    assert_eq!((next.stage, next.lane.as_str()), (DELIVER, "https://sink.example/in"));
    assert_eq!((next.due, next.verdict), (NOW, Verdict::Failed));
}

#[test]
fn a_cancelled_job_tells_its_sink_and_nobody_else() {
    let id = JobId::draw();
    let next = order(None).cancelled(id, &spec(Some("https://sink.example/")), NOW).unwrap();
    assert_eq!((next.stage, next.verdict), (DELIVER, Verdict::Cancelled));
    let text = String::from_utf8(next.result.to_vec()).unwrap();
    assert!(text.contains("job.cancelled") && text.contains(&id.to_string()), "{text}");
    assert!(order(None).cancelled(id, &spec(None), NOW).is_none());
    assert!(order(None).redeliver(&spec(None), None, NOW).is_none());
}

#[test]
fn an_event_that_is_not_wanted_is_kept_where_it_was_made() {
    let order = order_with(registry(None, &[]));
    let only =
        SinkSpec { events: vec!["job.failed".into()], ..SinkSpec::new(CRM.parse().unwrap()) };
    order.sinks.change("crm", Some(only));
    let job = JobSpec { sink_name: Some("crm".into()), ..spec(None) };
    let after = |verdict| order.after_scrape(&job, verdict, Bytes::from_static(b"{}"), None, NOW);
    for unwanted in [Verdict::Succeeded, Verdict::Unchanged] {
        let kept = after(unwanted);
        assert!(matches!(kept, Outcome::Done { result: Some(_), .. }), "{kept:?}");
    }
    let Outcome::Advance(next) = after(Verdict::Failed) else { panic!("not sent") };
    assert_eq!((next.stage, next.lane.as_str()), (DELIVER, "sink:crm"));
    assert!(order.cancelled(JobId::draw(), &job, NOW).is_none());
}

#[test]
fn events_of_a_sink_to_pull_from_wait_there() {
    let order = order_with(registry(None, &[("inbox", "pull:")]));
    let job = JobSpec { sink_name: Some("inbox".into()), ..spec(None) };
    let sent = order.after_scrape(&job, Verdict::Failed, Bytes::new(), None, NOW);
    let Outcome::Advance(next) = sent else { panic!("{sent:?}") };
    assert_eq!((next.stage, next.lane.as_str()), (PULL, "sink:inbox"));
    assert_eq!(order.cancelled(JobId::draw(), &job, NOW).unwrap().stage, PULL);
}

#[test]
fn an_event_is_sent_again_to_another_sink_by_its_name() {
    let order = order_with(registry(None, &[("crm", CRM), ("inbox", "pull:")]));
    let own = spec(Some("https://sink.example/in"));
    let to = |name| {
        let redrive = order.redeliver(&own, name, NOW)?;
        Some((redrive.stage, redrive.lane.as_str().to_owned()))
    };
    assert_eq!(to(None), Some((DELIVER, "https://sink.example/in".to_owned())));
    assert_eq!(to(Some("crm")), Some((DELIVER, "sink:crm".to_owned())));
    assert_eq!(to(Some("inbox")), Some((PULL, "sink:inbox".to_owned())));
    assert_eq!(to(Some("none")), None);
}

#[test]
fn a_notice_is_told_and_never_fetched() {
    let notice = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
    let job = JobSpec { notice: Some(notice), ..spec(None) };
    let order = order(Some("http://127.0.0.1:9/hook"));
    assert_eq!(order.first(&job).0, DELIVER);
    assert_eq!(order.refetch(&job, NOW).stage, DELIVER);
    let pulling = order_with(registry(None, &[("inbox", "pull:")]));
    let to_pull = JobSpec { sink_name: Some("inbox".into()), ..job };
    assert_eq!(pulling.first(&to_pull), (DELIVER, LaneKey::new("sink:inbox")));
}

#[test]
fn the_first_wait_of_a_schedule_is_kept() {
    let order = order_with(registry(None, &[]));
    let late = SinkSpec { waits_ms: vec![5_000], ..SinkSpec::new(CRM.parse().unwrap()) };
    order.sinks.change("crm", Some(late));
    let job = JobSpec { sink_name: Some("crm".into()), ..spec(None) };
    let next = order.cancelled(JobId::draw(), &job, NOW).unwrap();
    assert_eq!(next.due, NOW + Duration::from_secs(5));
}

#[test]
fn forbidden_targets_are_refused_in_words() {
    let order = order(Some("http://127.0.0.1:9/hook"));
    let url = |text: &str| text.parse::<Url>().unwrap();
    for forbidden in ["http://127.0.0.1:9/", "http://localhost/", "http://10.1.2.3/", "ftp://a/"] {
        assert!(!order.admit_target(&url(forbidden)).unwrap_err().is_empty(), "{forbidden}");
        assert!(!order.admit_sink(&url(forbidden)).unwrap_err().is_empty(), "{forbidden}");
    }
    assert_eq!(order.admit_target(&url("https://example.com/")), Ok(()));
}

#[test]
fn selectors_and_patterns_are_vetted_before_a_job_is_accepted() {
    let order = order(None);
    let vetted = |text: &str| order.admit_select(&serde_json::from_str(text).unwrap());
    let good = r#"{"a": "h1", "b": {"css": "li", "all": true, "fields": {"c": {"css": "a", "attr": "href"}}}}"#;
    assert_eq!(vetted(good), Ok(()));
    for (text, pointer) in [
        (r#"{"price": {"css": "h1 >"}}"#, "/price/css"),
        (r#"{"price": {"css": "h1", "regex": "("}}"#, "/price/regex"),
        (
            r#"{"a": {"css": "li", "fields": {"b/c": {"css": "p", "regex": "("}}}}"#,
            "/a/fields/b~1c/regex",
        ),
    ] {
        let refused = vetted(text).unwrap_err();
        assert_eq!(refused[0].pointer, pointer, "{refused:?}");
        assert!(!refused[0].detail.is_empty());
    }
}

#[test]
fn robots_are_obeyed_unless_operator_and_job_agree() {
    let rule = |robots| Order { robots, ..order(None) };
    let asking = |robots| JobSpec { robots, ..spec(None) };
    let (obey, ignore) = (Some(ingest::Robots::Obey), Some(ingest::Robots::Ignore));
    for (own, asked, obeyed, admitted) in [
        (RobotsRule::Obey, None, true, true),
        (RobotsRule::Obey, obey, true, true),
        (RobotsRule::Obey, ignore, true, false),
        (RobotsRule::Optional, None, true, true),
        (RobotsRule::Optional, ignore, false, true),
        (RobotsRule::Ignore, None, false, true),
        (RobotsRule::Ignore, obey, true, true),
    ] {
        let order = rule(own);
        let is_obeyed = order.robots(&asking(asked)) == ::scrape::Robots::Obey;
        assert_eq!(is_obeyed, obeyed, "{own:?} {asked:?}");
        if let Some(asked) = asked {
            assert_eq!(order.admit_robots(asked).is_ok(), admitted, "{own:?} {asked:?}");
        }
    }
}

#[test]
fn a_proxy_is_the_operators_to_allow() {
    let with = |allowed: &[&str]| Order {
        proxies: allowed.iter().map(|target| target.parse().unwrap()).collect(),
        ..order(None)
    };
    let refused = with(&[]).admit_proxy("http://me:secret@proxy.example:3128").unwrap_err();
    assert!(refused.contains("--proxy-allow") && !refused.contains("secret"), "{refused}");
    let some = with(&["proxy.example:3128", "10.0.0.0/8"]);
    for (proxy, admitted) in [
        ("http://proxy.example:3128", true),
        ("socks5://proxy.example:3128", true),
        ("http://10.1.2.3:8080", true),
        ("http://proxy.example:3129", false),
        ("http://11.1.2.3:8080", false),
        ("ftp://proxy.example:3128", false),
        ("proxy.example:3128", false),
    ] {
        assert_eq!(some.admit_proxy(proxy).is_ok(), admitted, "{proxy}");
    }
}
