use ingest::{BatchSpec, SinkSecret};

use super::*;

pub(crate) fn defaults() -> Defaults {
    let limit = LaneLimit { concurrency: 32, ..LaneLimit::default() };
    Defaults { schedule: Arc::new(Schedule::default()), limit, inline_limit: 5_000_000 }
}

/// A sink that has a name.
pub(crate) fn sink(name: &str, url: &str, change: impl FnOnce(&mut SinkSpec)) -> Sink {
    let mut spec = SinkSpec::new(url.parse().unwrap());
    change(&mut spec);
    resolve::named(name, &spec, false, &defaults()).unwrap()
}

/// A sink that is only an address.
pub(crate) fn plain(url: &str) -> Sink {
    resolve::of_job(&ingest::Sink::to(url.parse().unwrap()), &defaults())
}

/// The operator's sinks, by name and address.
pub(crate) fn registry(forward_to: Option<&str>, operators: &[(&str, &str)]) -> Registry {
    let forward_to = forward_to.map(|text| text.parse().unwrap());
    let operators = operators
        .iter()
        .map(|(name, url)| ((*name).to_owned(), SinkSpec::new(url.parse().unwrap())));
    Registry::new(defaults(), forward_to.as_ref(), operators.collect()).unwrap()
}

fn spec(url: &str) -> SinkSpec {
    SinkSpec::new(url.parse().unwrap())
}

fn since(reason: &str) -> Disabled {
    Disabled { since_ms: 1, reason: reason.to_owned() }
}

#[test]
fn what_is_said_of_posts_holds_for_jobs_in_flight() {
    let limit = |change: fn(&mut SinkSpec)| sink("crm", "https://crm.example/", change).limit;
    assert_eq!(limit(|_| ()).concurrency, 32, "the usual");
    assert_eq!(limit(|spec| spec.concurrency = Some(3)).concurrency, 3);
    assert_eq!(limit(|spec| (spec.concurrency, spec.ordered) = (Some(3), true)).concurrency, 1);
    let paced = limit(|spec| spec.interval_us = Some(50_000));
    assert_eq!(paced.interval, Duration::from_millis(50));
    let batched = limit(|spec| {
        spec.batch = Some(BatchSpec { max_events: 100, max_wait_ms: 1_000 });
        (spec.concurrency, spec.interval_us) = (Some(2), Some(1_000_000));
    });
    assert_eq!((batched.concurrency, batched.interval), (200, Duration::from_millis(10)));
    let most = limit(|spec| {
        spec.batch = Some(BatchSpec { max_events: 1_000, max_wait_ms: 60_000 });
    });
    assert_eq!(most.concurrency, 1_000, "others have places too");
}

#[test]
fn what_keeps_events_keeps_them_whole_and_brokers_get_what_they_take() {
    let limit = |url| sink("x", url, |_| ()).inline_limit;
    assert_eq!(limit("https://crm.example/"), 5_000_000);
    assert_eq!(limit("file:///var/lib/events.ndjson"), u64::MAX);
    assert_eq!(limit("nats://127.0.0.1/events"), 1_000_000);
    assert_eq!(sink("x", "file:///a", |spec| spec.inline_limit = Some(9)).inline_limit, 9);
}

#[test]
fn a_secret_signs_until_it_expires_and_the_servers_own_when_there_is_none() {
    let (old, new, own) = (Secret::generate(), Secret::generate(), [Secret::generate()]);
    let secret = |key: &Secret, expires_ms| SinkSecret { text: key.reveal(), expires_ms };
    let rotated = sink("crm", "https://crm.example/", |spec| {
        spec.secrets = vec![secret(&new, None), secret(&old, Some(1_000))];
    });
    let at = |ms| rotated.secrets_at(Timestamp::from_millis(ms), &own);
    assert_eq!(at(999), [new.clone(), old]);
    assert_eq!(at(1_000), [new]);
    assert_eq!(plain("https://a.example/").secrets_at(Timestamp::from_millis(0), &own), own);
}

#[test]
fn the_default_sink_is_an_address_or_one_of_the_operators() {
    let named = registry(Some("crm"), &[("crm", "http://127.0.0.1:9/in")]);
    let sink = named.fallback().unwrap();
    assert_eq!((sink.lane.as_str(), sink.trusted), ("sink:crm", true));
    let address = registry(Some("http://127.0.0.1:9/in"), &[]);
    let sink = address.fallback().unwrap();
    assert_eq!((sink.lane.as_str(), sink.trusted), ("http://127.0.0.1:9/in", true));

    let forward_to = "crm".parse().ok();
    let missing = Registry::new(defaults(), forward_to.as_ref(), Vec::new()).unwrap_err();
    assert!(missing.contains("--sinks") && missing.contains("http://crm/"), "{missing}");
    let pull = "pull:".parse().ok();
    assert!(Registry::new(defaults(), pull.as_ref(), Vec::new()).is_err());
}

#[test]
fn a_sink_defined_through_the_api_is_not_trusted_and_comes_back() {
    let registry = registry(None, &[]);
    let defined = SinkSpec { created_ms: 1, ..spec("https://crm.example/") };
    registry.load(vec![("crm".to_owned(), defined.to_bytes())], Vec::new());
    let sink = registry.named("crm").unwrap();
    assert!(!sink.trusted);
    assert!(!registry.view("crm").unwrap().is_operators);
    registry.change("crm", None);
    assert!(registry.named("crm").is_none());
    let job = JobSpec {
        sink_name: Some("crm".into()),
        ..JobSpec::new("https://example.com/".parse().unwrap())
    };
    let gone = registry.of_spec(&job);
    assert!(matches!(&gone, Destination::Missing(name) if name == "crm"), "{gone:?}");
    assert_eq!(gone.place(), Some((DELIVER, lane::of_name("crm"))));
}

#[test]
fn of_the_operators_sinks_the_api_only_disables() {
    let registry = registry(None, &[("crm", "http://127.0.0.1:9/in")]);
    let other = SinkSpec { disabled: Some(since("by hand")), ..spec("https://other.example/") };
    registry.change("crm", Some(other));
    let sink = registry.named("crm").unwrap();
    assert_eq!(sink.url.as_str(), "http://127.0.0.1:9/in");
    assert_eq!(sink.disabled, Some(since("by hand")));
    assert_eq!(registry.count_disabled(), 1);
    registry.change("crm", None);
    assert_eq!(registry.named("crm").unwrap().disabled, None);
}

#[test]
fn what_was_stored_of_the_operators_sinks_is_of_no_other() {
    let disabled = SinkSpec { disabled: Some(since("410 Gone")), ..spec("http://127.0.0.1:9/in") };
    let stored = || vec![("crm".to_owned(), disabled.to_bytes())];
    let with = registry(None, &[("crm", "http://127.0.0.1:9/in")]);
    with.load(stored(), Vec::new());
    assert_eq!(with.named("crm").unwrap().disabled, Some(since("410 Gone")));
    let without = registry(None, &[]);
    without.load(stored(), Vec::new());
    assert!(without.named("crm").is_none(), "the operator took it away");
    let with = registry(None, &[("crm", "http://127.0.0.1:9/in")]);
    let of_another = SinkSpec { created_ms: 1, ..disabled.clone() };
    with.load(vec![("crm".to_owned(), of_another.to_bytes())], Vec::new());
    assert_eq!(with.named("crm").unwrap().disabled, None);
}

#[test]
fn a_job_that_waits_for_a_name_goes_there_whatever_it_asked_for() {
    let registry = registry(Some("http://127.0.0.1:9/"), &[("crm", "http://127.0.0.1:8/")]);
    let job = JobSpec::new("https://example.com/".parse().unwrap());
    let url = |destination| match destination {
        Destination::Sink(sink) => sink.url.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(url(registry.of_job(&lane::of_name("crm"), &job)), "http://127.0.0.1:8/");
    let own = registry.fallback().unwrap();
    assert_eq!(url(registry.of_job(&own.lane, &job)), "http://127.0.0.1:9/");
}

#[test]
fn a_sink_is_disabled_once_and_open_again_when_it_is_enabled() {
    let registry = registry(None, &[("crm", "http://127.0.0.1:9/in")]);
    let crm = lane::of_name("crm");
    let first = registry.disable(&crm, since("410 Gone"));
    assert!(matches!(first, Some(Disabling::Named(..))), "{first:?}");
    assert!(registry.disable(&crm, since("again")).is_none());
    assert_eq!(registry.disabled(&crm), Some(since("410 Gone")));
    assert!(registry.disable(&lane::of_name("none"), since("x")).is_none());

    let job = JobSpec {
        sink: Some(ingest::Sink::to("https://a.example/in?token=x".parse().unwrap())),
        ..JobSpec::new("https://example.com/".parse().unwrap())
    };
    let state = || match registry.of_spec(&job) {
        Destination::Sink(sink) => (sink.lane.clone(), sink.disabled.is_some()),
        other => panic!("{other:?}"),
    };
    let (lane, disabled) = state();
    assert!(!disabled);
    assert!(matches!(registry.disable(&lane, since("x")), Some(Disabling::Lane(..))));
    assert!(state().1);
    registry.reopen(&lane);
    assert_eq!((state().1, registry.reopened()), (false, vec![lane]));
    assert!(registry.reopened().is_empty());
}

#[test]
fn what_a_client_may_not_define_is_refused_with_its_place() {
    let policy = egress::Policy::public_only();
    let places = |change: fn(&mut SinkSpec)| {
        let mut spec = spec("https://crm.example/in");
        change(&mut spec);
        let refusals = resolve::refusals(&spec, &policy);
        refusals.into_iter().map(|refusal| refusal.pointer).collect::<Vec<_>>()
    };
    assert!(places(|_| ()).is_empty());
    assert!(places(|spec| spec.url = "pull:".parse().unwrap()).is_empty());
    for url in ["http://127.0.0.1:9/", "http://10.0.0.1/", "file:///tmp/a", "stdout:"] {
        let mut own = spec("https://crm.example/in");
        own.url = url.parse().unwrap();
        let refusals = resolve::refusals(&own, &policy);
        assert_eq!(refusals.first().map(|refusal| &*refusal.pointer), Some("/url"), "{url}");
    }
    let secret = |spec: &mut SinkSpec| {
        spec.secrets = vec![SinkSecret { text: "hush".into(), expires_ms: None }];
    };
    assert_eq!(places(secret), ["/secrets/0"]);
    let both = |spec: &mut SinkSpec| {
        spec.batch = Some(BatchSpec { max_events: 2, max_wait_ms: 1 });
        (spec.ordered, spec.format) = (true, EventFormat::Raw);
    };
    assert_eq!(places(both), ["/batch", "/batch"]);
}
