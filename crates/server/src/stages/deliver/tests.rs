use ingest::{Disabled, Feed, Links, SinkSpec};
use jobs::{Health, JobId, LaneKey, LaneLimit, Lease, MemoryStore, NewJob, Next, StageConfig};
use jobs::{Settlement, State};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::stages::sinks::tests::registry;
use crate::stages::sinks::{HELD, missing};
use crate::stages::{DELIVER, PULL, SCRAPE};

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);
const EVENT: &str = r#"{"type":"job.succeeded","timestamp":"T","data":{"id":"1","markdown":"A"}}"#;

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A receiver that answers every request like this, and hands on what it was told.
async fn receiver(status: &'static str) -> (String, tokio::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (told, hears) = tokio::sync::mpsc::channel(16);
    tokio_util::task::TaskTracker::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            // What these tests send is short and comes at once, the body behind the head.
            while !String::from_utf8_lossy(&request).contains("}") {
                match stream.read(&mut buffer).await {
                    Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
                    _ => break,
                }
            }
            let _ = told.send(String::from_utf8_lossy(&request).into_owned()).await;
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (format!("http://{address}/in"), hears)
}

/// A deliver stage with a store of its own.
fn work(registry: Registry, trusted: &[&str]) -> DeliverWork {
    let stages = [SCRAPE, DELIVER, PULL].map(|stage| StageConfig::new(stage, LaneLimit::default()));
    let store: Arc<dyn Store> =
        MemoryStore::new(jobs::Config { stages: stages.to_vec(), ..jobs::Config::default() });
    let (registry, clock): (_, Arc<dyn Clock>) = (Arc::new(registry), Arc::new(At(NOW)));
    let trusted = trusted.iter().map(|url| url.parse().unwrap()).collect();
    let config = forward::Config { trusted, ..forward::Config::default() };
    let (forwarder, _) = forward::start(config).unwrap();
    DeliverWork {
        switch: Arc::new(Switch {
            registry: Arc::clone(&registry),
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            feed: Feed::default(),
            disable_after: None,
        }),
        registry,
        bodies: Arc::new(Bodies {
            links: Links::new([1; 32], "https://pagewire.example/".parse().unwrap()),
            link_ttl: Duration::from_secs(60),
            clock: Arc::clone(&clock),
            source: "pagewire".to_owned(),
        }),
        forwarder,
        store,
        clock,
        budget: Budget::new(10_000_000),
        secrets: [Secret::generate()].into(),
        give_up_after: Duration::from_secs(75 * 3_600),
    }
}

fn job(sink_name: Option<&str>) -> JobSpec {
    JobSpec {
        sink_name: sink_name.map(ToOwned::to_owned),
        ..JobSpec::new("https://example.com/".parse().unwrap())
    }
}

/// A job as it is claimed in this lane, with an event unless it is a notice.
async fn claimed(work: &DeliverWork, spec: JobSpec, lane: &str) -> Claimed {
    let id = JobId::draw();
    let (stage, lane) = (if spec.notice.is_some() { DELIVER } else { SCRAPE }, LaneKey::new(lane));
    let new = NewJob::new(id, stage.clone(), lane.clone(), NOW, spec.to_bytes());
    work.store.submit(vec![new], NOW).await.unwrap();
    let until = NOW + Duration::from_secs(60);
    if stage == SCRAPE {
        let lease = work.store.claim(&SCRAPE, 1, until, NOW).await.unwrap()[0].lease;
        let (verdict, result) = (Verdict::Succeeded, Bytes::from_static(EVENT.as_bytes()));
        let next = Next { stage: DELIVER, lane, due: NOW, verdict, result };
        let settlement = Settlement::new(lease, Outcome::Advance(next));
        work.store.settle(vec![settlement], NOW).await.unwrap();
    }
    let mut claimed = work.store.claim(&DELIVER, 1, until, NOW).await.unwrap();
    claimed.pop().expect("the job is due")
}

fn note(finish: &Finish) -> &str {
    match &finish.outcome {
        Outcome::Dead { note } => note,
        other => panic!("expected a dead letter, not {other:?}"),
    }
}

#[tokio::test]
async fn an_event_goes_to_the_sink_that_the_job_names() {
    let (url, mut hears) = receiver("204 No Content").await;
    let work = work(registry(None, &[("crm", &url)]), &[&url]);
    let job = claimed(&work, job(Some("crm")), "sink:crm").await;
    let id = job.lease.id.to_string();
    let finish = work.deliver(job).await;
    assert!(matches!(finish.outcome, Outcome::Done { result: None, .. }), "{finish:?}");
    assert_eq!(finish.lane.health, Some(Health::Good));
    let request = hears.recv().await.unwrap();
    assert!(
        request.contains(&format!("webhook-id: {id}")) && request.ends_with(EVENT),
        "{request}"
    );
    let entry: serde_json::Value = serde_json::from_slice(&finish.attempt.unwrap()).unwrap();
    assert_eq!((&entry["outcome"], &entry["status"]), (&"ok".into(), &204.into()));
}

#[tokio::test]
async fn a_notice_is_told_as_it_stands_and_kept_as_the_result() {
    let (url, mut hears) = receiver("200 OK").await;
    let work = work(registry(Some(&url), &[]), &[&url]);
    let notice = RawValue::from_string(EVENT.replace("job.succeeded", "sink.disabled")).unwrap();
    let job = claimed(&work, JobSpec { notice: Some(notice), ..job(None) }, "http://x/").await;
    let finish = work.deliver(job).await;
    assert!(hears.recv().await.unwrap().contains("sink.disabled"));
    let Outcome::Done { verdict, result, .. } = finish.outcome else { panic!("{finish:?}") };
    assert_eq!(verdict, Some(Verdict::Succeeded));
    assert!(result.unwrap().starts_with(br#"{"type":"sink.disabled""#));
}

#[tokio::test]
async fn nothing_is_sent_to_a_sink_that_is_disabled_or_not_there() {
    let (url, mut hears) = receiver("200 OK").await;
    let work = work(registry(None, &[("crm", &url)]), &[&url]);
    let waiting = claimed(&work, job(Some("crm")), "sink:crm").await;
    let mut disabled = SinkSpec::new(url.parse().unwrap());
    disabled.disabled = Some(Disabled { since_ms: 1, reason: "by hand".into() });
    work.registry.change("crm", Some(disabled));
    let finish = work.deliver(waiting.clone()).await;
    assert!(matches!(finish.outcome, Outcome::Release { .. }), "not charged: {finish:?}");
    assert_eq!(finish.lane.pause_until, Some(HELD));

    let over = Claimed { without_work: Some(Why::LaneFailing), ..waiting };
    let finish = work.deliver(over).await;
    let text = note(&finish);
    assert!(text.contains("by hand") && text.contains("75h"), "{text}");

    let removed = claimed(&work, job(Some("gone")), "sink:gone").await;
    assert_eq!(note(&work.deliver(removed).await), missing("gone"));
    assert!(hears.try_recv().is_err());
}

#[tokio::test]
async fn who_answers_410_is_disabled() {
    let (url, _hears) = receiver("410 Gone").await;
    let work = work(registry(None, &[("crm", &url)]), &[&url]);
    let job = claimed(&work, job(Some("crm")), "sink:crm").await;
    let finish = work.deliver(job).await;
    assert!(matches!(finish.outcome, Outcome::Retry { .. }), "it waits: {finish:?}");
    assert_eq!(finish.lane.pause_until, Some(HELD));
    let view = work.registry.view("crm").unwrap();
    assert_eq!(view.spec.disabled.unwrap().reason, "410 Gone");
    let entry: serde_json::Value = serde_json::from_slice(&finish.attempt.unwrap()).unwrap();
    assert_eq!((&entry["outcome"], entry.get("next_at")), (&"gone".into(), None));
}

#[tokio::test]
async fn a_sink_that_is_pulled_from_by_now_gets_what_waited_to_be_sent() {
    let work = work(registry(None, &[("inbox", "pull:")]), &[]);
    let job = claimed(&work, job(Some("inbox")), "sink:inbox").await;
    let finish = work.deliver(job).await;
    let Outcome::Advance(next) = finish.outcome else { panic!("{finish:?}") };
    assert_eq!((next.stage, next.lane.as_str()), (PULL, "sink:inbox"));
    assert_eq!(
        (next.verdict, next.result),
        (Verdict::Succeeded, Bytes::from_static(EVENT.as_bytes()))
    );
}

#[tokio::test]
async fn a_disabled_sink_is_told_of_once_to_the_default_sink() {
    let work = work(registry(Some("http://127.0.0.1:9/"), &[("crm", "http://127.0.0.1:8/")]), &[]);
    let crm = LaneKey::new("sink:crm");
    for _ in 0..2 {
        work.switch.disable(&crm, "failing for 5d".to_owned()).await;
    }
    let until = NOW + Duration::from_secs(60);
    let told = work.store.claim(&DELIVER, 10, until, NOW).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].lane.as_str(), "http://127.0.0.1:9/");
    let spec = JobSpec::from_bytes(&told[0].spec).unwrap();
    let notice: serde_json::Value = serde_json::from_str(spec.notice.unwrap().get()).unwrap();
    assert_eq!(notice["type"], "sink.disabled");
    assert_eq!(notice["data"]["id"], told[0].lease.id.to_string());
    assert_eq!(
        (&notice["data"]["sink"], &notice["data"]["reason"]),
        (&"crm".into(), &"failing for 5d".into())
    );

    // Nobody is told by the one that is disabled.
    work.switch.disable(&LaneKey::new("http://127.0.0.1:9/"), "410 Gone".to_owned()).await;
    assert!(work.store.claim(&DELIVER, 10, until, NOW).await.unwrap().is_empty());
    let record = work.store.get(told[0].lease.id).await.unwrap().unwrap();
    assert_eq!(record.state, State::Leased);
    assert_eq!(told[0].lease, Lease { id: record.id, epoch: told[0].lease.epoch });
}

#[tokio::test]
async fn what_waits_for_a_disabled_sink_waits_over_a_restart_and_goes_on_once_it_is_enabled() {
    let own = [("crm", "http://127.0.0.1:8/")];
    let work = work(registry(None, &own), &[]);
    let crm = LaneKey::new("sink:crm");
    let waiting = claimed(&work, job(Some("crm")), "sink:crm").await;
    let back = Settlement::new(waiting.lease, Outcome::Release { at: NOW });
    work.store.settle(vec![back], NOW).await.unwrap();
    work.switch.disable(&crm, "410 Gone".to_owned()).await;

    let until = NOW + Duration::from_secs(60);
    let later = NOW + Duration::from_secs(3_600);
    assert!(
        work.store
            .claim(&DELIVER, 10, later + Duration::from_secs(60), later)
            .await
            .unwrap()
            .is_empty()
    );
    let again = Switch {
        registry: Arc::new(registry(None, &own)),
        store: Arc::clone(&work.store),
        clock: Arc::clone(&work.clock),
        feed: Feed::default(),
        disable_after: None,
    };
    again.load().await.unwrap();
    assert_eq!(again.registry.disabled(&crm).unwrap().reason, "410 Gone");

    again.registry.change("crm", Some(SinkSpec::new("http://127.0.0.1:8/".parse().unwrap())));
    again.apply(&crm).await;
    let claimed = work.store.claim(&DELIVER, 10, until, NOW).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].lease.id, waiting.lease.id);
}

#[tokio::test]
async fn events_that_nobody_can_pull_any_more_are_dead_letters() {
    let work = work(registry(None, &[]), &[]);
    let pulled = claimed(&work, job(Some("inbox")), "sink:inbox").await;
    let (lane, result) = (LaneKey::new("sink:inbox"), Bytes::from_static(EVENT.as_bytes()));
    let next = Next { stage: PULL, lane, due: NOW, verdict: Verdict::Succeeded, result };
    let settlement = Settlement::new(pulled.lease, Outcome::Advance(next));
    work.store.settle(vec![settlement], NOW).await.unwrap();
    work.switch.look().await;
    let record = work.store.get(pulled.lease.id).await.unwrap().unwrap();
    assert_eq!((record.state, record.note), (State::Dead, Some(missing("inbox"))));
}

#[tokio::test]
async fn an_address_is_open_again_once_somebody_delivers_to_it_again() {
    let work = work(registry(None, &[]), &[]);
    let sink = ingest::Sink::to("https://a.example/in".parse().unwrap());
    let spec = JobSpec { sink: Some(sink), ..job(None) };
    let lane = LaneKey::new("https://a.example/in");
    work.switch.disable(&lane, "410 Gone".to_owned()).await;
    let stored = async || work.store.documents("disabled-lanes").await.unwrap().len();
    assert_eq!(stored().await, 1);
    work.registry.reopen(&lane);
    work.switch.look().await;
    assert_eq!(stored().await, 0);
    assert!(work.registry.disabled(&lane).is_none());
    let open = claimed(&work, spec, lane.as_str()).await;
    assert_eq!(open.lane, lane);
}
