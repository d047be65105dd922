use egress::Policy;
use ingest::{Pick, Select, Sink};
use jobs::{LaneKey, LaneLimit, LaneLimits, Lease, MemoryStore, StageConfig};
use scrape::Scope;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::cli::RobotsRule;
use crate::stages::sinks::tests::registry;
use crate::stages::{DELIVER, SCRAPE};

const ACCEPTED: Timestamp = Timestamp::from_millis(1_000_000);
const MINUTE: Duration = Duration::from_secs(60);

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn spec() -> JobSpec {
    let sink = Sink::to("https://sink.example/".parse().unwrap());
    JobSpec { sink: Some(sink), ..JobSpec::new("https://example.com/".parse().unwrap()) }
}

fn order(robots: RobotsRule) -> Order {
    Order {
        sinks: Arc::new(registry(None, &[])),
        feed: ingest::Feed::default(),
        fetch_policy: Policy::public_only(),
        sink_policy: Policy::public_only(),
        robots,
        proxies: Vec::new(),
    }
}

/// The given attempt, made at the given time after the job was accepted.
fn attempt(number: u32, after: Duration) -> Attempt {
    let now = ACCEPTED + after;
    let order = order(RobotsRule::Obey);
    let terms = Terms {
        schedule: [0, 5, 30].map(Duration::from_secs).to_vec(),
        deadline: 15 * MINUTE,
        timeout: Duration::from_secs(30),
        max_bytes: 1_000,
        max_redirects: 3,
        remember: 100 * MINUTE,
    };
    let job = Claimed {
        lease: Lease { id: JobId::draw(), epoch: 1 },
        stage: SCRAPE,
        lane: LaneKey::new("example.com:443"),
        attempt: number,
        created_at: ACCEPTED,
        spec: spec().to_bytes(),
        verdict: None,
        result_bytes: 0,
        interval: Duration::ZERO,
        without_work: None,
    };
    let stages = vec![SCRAPE, DELIVER].into_iter().map(|stage| StageConfig {
        stage,
        lanes: LaneLimits::same(LaneLimit::default()),
        give_up_after: None,
    });
    let store =
        MemoryStore::new(jobs::Config { stages: stages.collect(), ..jobs::Config::default() });
    Attempt {
        order: Arc::new(order),
        store,
        clock: Arc::new(At(now)),
        terms: Arc::new(terms),
        started: now,
        job,
    }
}

fn fault(transient: bool, status: Option<u16>, retry_after: Option<Duration>) -> Fault {
    Fault { status, retry_after, of_host: true, ..Fault::new("status", "no", transient) }
}

/// What is made of a fault that took no time.
fn settled(attempt: &Attempt, spec: &JobSpec, fault: &Fault) -> Finish {
    attempt.settle(spec, fault, Duration::ZERO)
}

fn retry_at(finish: &Finish) -> Timestamp {
    match &finish.outcome {
        Outcome::Retry { at, .. } => *at,
        other => panic!("expected a retry, not {other:?}"),
    }
}

fn assert_failed(finish: &Finish) {
    match &finish.outcome {
        Outcome::Advance(next) => {
            assert_eq!(next.verdict, Verdict::Failed);
            assert!(next.result.starts_with(br#"{"type":"job.failed""#));
        }
        other => panic!("expected the end, not {other:?}"),
    }
}

#[test]
fn what_may_yet_succeed_is_tried_as_often_as_the_schedule_says() {
    let trouble = fault(true, Some(500), None);
    for (number, wait_s) in [(1, 5), (2, 30)] {
        let at = retry_at(&settled(&attempt(number, Duration::ZERO), &spec(), &trouble));
        let wait = Duration::from_secs(wait_s);
        assert!((ACCEPTED + wait..=ACCEPTED + wait.mul_f64(1.2)).contains(&at), "{at}");
    }
    assert_failed(&settled(&attempt(3, Duration::ZERO), &spec(), &trouble));
}

#[test]
fn what_cannot_succeed_is_not_tried_again() {
    assert_failed(&settled(&attempt(1, Duration::ZERO), &spec(), &fault(false, Some(404), None)));
}

#[test]
fn a_job_may_ask_for_fewer_attempts_or_more() {
    let trouble = fault(true, None, None);
    let asking = |most: u32| JobSpec { max_attempts: Some(most), ..spec() };
    assert_failed(&settled(&attempt(1, Duration::ZERO), &asking(1), &trouble));
    let at = retry_at(&settled(&attempt(7, Duration::ZERO), &asking(8), &trouble));
    assert!(at >= ACCEPTED + Duration::from_secs(30), "the last wait is repeated");
    assert_failed(&settled(&attempt(8, Duration::ZERO), &asking(8), &trouble));
}

#[test]
fn retry_after_is_heeded_for_the_whole_lane_up_to_a_cap() {
    let asked = |wait: Duration| fault(true, Some(429), Some(wait));
    let finish = settled(&attempt(1, Duration::ZERO), &spec(), &asked(MINUTE));
    assert!(retry_at(&finish) >= ACCEPTED + MINUTE);
    assert_eq!(finish.lane.pause_until, Some(ACCEPTED + MINUTE));

    let finish = settled(&attempt(1, Duration::ZERO), &spec(), &asked(1_000 * MINUTE));
    assert_eq!(finish.lane.pause_until, Some(ACCEPTED + host::MAX_RETRY_AFTER));
    // Other trouble of one page is no reason to leave the site alone.
    let finish =
        settled(&attempt(1, Duration::ZERO), &spec(), &fault(true, Some(500), Some(MINUTE)));
    assert_eq!(finish.lane.pause_until, None);
}

#[test]
fn nothing_is_repeated_after_the_deadline() {
    let late = attempt(1, 15 * MINUTE - Duration::from_secs(1));
    assert_failed(&settled(&late, &spec(), &fault(true, None, None)));
}

#[test]
fn a_job_that_waited_long_still_gets_its_first_attempt() {
    let late = attempt(1, 600 * MINUTE);
    assert_eq!(late.time_left(&spec()), Some(Duration::from_secs(30)));
}

#[test]
fn a_jobs_own_deadline_cuts_the_fetch_and_then_forbids_it() {
    let own = JobSpec { deadline_ms: Some((ACCEPTED + MINUTE).as_millis()), ..spec() };
    let early = attempt(1, MINUTE - Duration::from_secs(2));
    assert_eq!(early.time_left(&own), Some(Duration::from_secs(2)));
    assert_eq!(attempt(1, MINUTE).time_left(&own), None);
    // Fetched anew after it was over: its deadline was for the first time.
    let mut again = attempt(1, 100 * MINUTE);
    again.job.verdict = Some(Verdict::Failed);
    assert_eq!(again.time_left(&own), Some(Duration::from_secs(30)));
}

#[test]
fn a_job_without_room_is_put_back_uncharged() {
    let busy = Fault { code: Kind::Busy.code(), ..fault(true, None, None) };
    // Even the last attempt, even late: it was none.
    let finish = settled(&attempt(3, 20 * MINUTE), &spec(), &busy);
    let Outcome::Release { at } = finish.outcome else { panic!("{finish:?}") };
    let now = ACCEPTED + 20 * MINUTE;
    assert!((now + ROOM_AGAIN_AFTER..=now + 2 * ROOM_AGAIN_AFTER).contains(&at), "{at}");
    assert_eq!(finish.lane.pause_until, None);
}

#[test]
fn a_request_has_the_jobs_wishes_and_the_servers_limits() {
    let wish = JobSpec { max_bytes: Some(10), formats: vec![ingest::Format::Raw], ..spec() };
    let request = attempt(1, Duration::ZERO).request(&wish, MINUTE).ok().unwrap();
    assert_eq!((request.max_bytes, request.max_redirects, request.timeout), (10, 3, MINUTE));
    let options = request.options;
    assert!(options.formats.raw && !options.formats.markdown);
    assert_eq!((options.scope, options.select.is_none()), (Scope::Main, true));

    let select = Select(vec![("a".into(), Pick::Css("h1".into()))]);
    let wish = JobSpec { scope: ingest::Scope::Page, select: Some(select), ..spec() };
    let options = attempt(1, Duration::ZERO).request(&wish, MINUTE).ok().unwrap().options;
    assert_eq!(
        (options.scope, options.select.unwrap().spec()["a"].css.as_str()),
        (Scope::Page, "h1")
    );
}

#[test]
fn a_stored_job_that_would_not_be_accepted_any_more_fails_for_good() {
    let select = Select(vec![("a".into(), Pick::Css("h1 >".into()))]);
    let wish = JobSpec { select: Some(select), ..spec() };
    let fault = attempt(1, Duration::ZERO).request(&wish, MINUTE).err().unwrap();
    assert_eq!((fault.code, fault.transient), ("invalid", false));
    assert!(fault.detail.starts_with("select/a/css: "), "{}", fault.detail);
}

/// Has a page of these bytes fetched, as HTML of at most 100 kB.
async fn fetched(page: Vec<u8>) -> Result<(Bytes, Reservation), Fault> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let origin = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&page).await.unwrap();
    };
    let policy = Policy::public_only().allow(&["127.0.0.1".parse().unwrap()]);
    let (scraper, _running) =
        scrape::start(scrape::Config { policy, cpu_threads: 1, ..scrape::Config::default() })
            .unwrap();
    let spec = JobSpec {
        formats: vec![ingest::Format::Html],
        max_bytes: Some(100_000),
        ..JobSpec::new(url.parse().unwrap())
    };
    let (mut attempt, spec) = (attempt(1, Duration::ZERO), Arc::new(spec));
    attempt.order = Arc::new(order(RobotsRule::Ignore));
    let brought = tokio::join!(attempt.fetch(&scraper, &spec, None, MINUTE), origin).0?;
    Ok((brought.event, brought.held.expect("it was fetched")))
}

#[tokio::test]
async fn the_whole_event_is_reserved_for() {
    // Escaped, the first takes three times its reservation, and the second next to nothing more.
    for page in [b"\x01".repeat(60_000), b"<p>page".repeat(10_000)] {
        let (event, held) = fetched(page).await.unwrap_or_else(|fault| panic!("{}", fault.detail));
        let (event, held) = (event.len() as u64, held.bytes());
        assert!((event..event + 1_024).contains(&held), "{held} for {event}");
    }
}

#[tokio::test]
async fn an_event_out_of_proportion_fails_for_good_as_too_large() {
    let fault = fetched(b"\x01".repeat(90_000)).await.expect_err("six times its length");
    assert_eq!((fault.code, fault.transient), ("too_large", false));
    assert!(fault.detail.contains("540"), "{}", fault.detail);
    assert_failed(&settled(&attempt(1, Duration::ZERO), &spec(), &fault));
}
