//! The process that gets killed: it submits and works jobs as fast as it can, and prints what
//! it was told is safe.

use std::env;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jobs::{
    Claimed, Clock, ErrorKind, JobId, LaneKey, NewJob, Next, Outcome, Settled, Settlement,
    SqliteStore, Stage, Store, Submitted, SystemClock, Verdict,
};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{DOCUMENTS, crash_config, document_of, note_of, result_of, spec_of};
use crate::backend::{DELIVER, FETCH};

/// Where the child finds its store; without it [`child_entry`] does nothing.
pub(super) const DIR: &str = "JOBS_CRASH_DIR";
pub(super) const SUBMITTERS: &str = "JOBS_CRASH_SUBMITTERS";
pub(super) const WORKERS: &str = "JOBS_CRASH_WORKERS";
/// When set, the child acknowledges before it knows: the tests must notice.
pub(super) const LIES: &str = "JOBS_CRASH_LIES";
/// The test to start the child by.
pub(super) const ENTRY: &str = "crash::child::child_entry";

/// Tries after the store has failed for good.
const STUBBORN: u32 = 20;
/// Enough work that workers never idle, little enough that a cycle can be checked quickly.
const BACKLOG: u64 = 1_000;

/// Not a test by itself: the process that the tests of this module start and kill.
#[test]
fn child_entry() {
    let Ok(dir) = env::var(DIR) else { return };
    let count = |name| env::var(name).map_or(0, |n| n.parse().expect("a number"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(live(Path::new(&dir), count(SUBMITTERS), count(WORKERS)));
}

async fn live(dir: &Path, submitters: usize, workers: usize) {
    // The test harness leaves an unfinished line behind.
    say("\n");
    let store: Arc<dyn Store> = match SqliteStore::open(dir, crash_config()) {
        Ok(store) => store,
        Err(error) => return say(&format!("refused {:?} {error}\n", error.kind())),
    };
    say("ready\n");
    let mut working = JoinSet::new();
    for n in 0..workers {
        let stage = if n % 2 == 0 { &FETCH } else { &DELIVER };
        working.spawn(work(Arc::clone(&store), stage));
    }
    let mut submitting = JoinSet::new();
    for n in 0..submitters {
        submitting.spawn(submit(Arc::clone(&store), n));
    }
    submitting.join_all().await;
    say("finished\n");
}

/// One write, so that a line is either there or not.
fn say(lines: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(lines.as_bytes()).and_then(|()| out.flush()).expect("the parent listens");
}

async fn submit(store: Arc<dyn Store>, submitter: usize) {
    let mut failures = 0;
    let lies = env::var_os(LIES).is_some();
    for round in 0_usize.. {
        while store.counts().live() > BACKLOG {
            sleep(Duration::from_millis(1)).await;
        }
        let now = SystemClock.now();
        let ids: Vec<_> = (0..=(round + submitter) % 8).map(|_| JobId::draw()).collect();
        let jobs = ids.iter().map(|&id| {
            let lane = LaneKey::new(&format!("host {}", round % 5));
            let group = Some(ids[0]);
            NewJob { group, ..NewJob::new(id, FETCH.clone(), lane, now, spec_of(id)) }
        });
        if round % 4 == 0 {
            put_document(&*store, submitter).await;
        }
        if lies {
            say(&ids.iter().map(|id| format!("ack {id}\n")).collect::<String>());
        }
        match store.submit(jobs.collect(), now).await {
            Ok(_) if lies => {}
            Ok(answers) => {
                let created = ids.iter().zip(answers).filter(|(_, a)| *a == Submitted::Created);
                say(&created.map(|(id, _)| format!("ack {id}\n")).collect::<String>());
            }
            Err(error) => {
                say(&format!("error {:?}\n", error.kind()));
                if error.kind() == ErrorKind::Unavailable {
                    failures += 1;
                    if failures == 1
                        && timeout(Duration::from_secs(5), store.failed()).await.is_ok()
                    {
                        say("failed\n");
                    }
                    if failures == STUBBORN {
                        return;
                    }
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

/// Replaces this submitter's document by one that was drawn later.
async fn put_document(store: &dyn Store, submitter: usize) {
    let id = JobId::draw();
    let key = format!("submitter {submitter}");
    if store.put_document(DOCUMENTS, key, Some(document_of(id))).await.is_ok() {
        say(&format!("document {submitter} {id}\n"));
    }
}

async fn work(store: Arc<dyn Store>, stage: &'static Stage) {
    for round in 0.. {
        let now = SystemClock.now();
        let until = now + Duration::from_secs(60);
        let claimed = store.claim(stage, 16, until, now).await.unwrap_or_default();
        if claimed.is_empty() {
            sleep(Duration::from_millis(1)).await;
            continue;
        }
        let settlements: Vec<_> = claimed.iter().map(settlement).collect();
        let Ok(answers) = store.settle(settlements.clone(), SystemClock.now()).await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        if round % 3 == 0 && store.flush().await.is_ok() {
            let said = settlements.iter().zip(answers).filter(|(_, a)| *a == Settled::Recorded);
            say(&said.map(|(s, _)| flushed(s)).collect::<String>());
        }
    }
}

/// Mostly onwards; some are retried, released or given up.
fn settlement(claimed: &Claimed) -> Settlement {
    let id = claimed.lease.id;
    let kind = crc32fast::hash(id.as_bytes()) % 20;
    let now = SystemClock.now();
    let outcome = if claimed.stage == DELIVER {
        Outcome::Done { verdict: None, result: None, note: None }
    } else {
        match (kind, claimed.attempt) {
            (0, 1) => Outcome::Retry { at: now, note: "once more".to_owned() },
            (1, _) => Outcome::Dead { note: "given up".to_owned() },
            _ => Outcome::Advance(Next {
                stage: DELIVER.clone(),
                lane: LaneKey::new("sink"),
                due: now,
                verdict: Verdict::Succeeded,
                result: result_of(id),
            }),
        }
    };
    let attempt = Bytes::from(format!("{id} {} {}", claimed.stage, claimed.attempt));
    let advances = matches!(outcome, Outcome::Advance(_));
    let notes = advances.then(|| note_of(id)).into_iter().collect();
    Settlement { attempt: Some(attempt), notes, ..Settlement::new(claimed.lease, outcome) }
}

/// What is on disk for sure now.
fn flushed(settlement: &Settlement) -> String {
    let id = settlement.lease.id;
    match settlement.outcome {
        Outcome::Advance(_) => format!("advanced {id}\n"),
        Outcome::Done { .. } => format!("done {id}\n"),
        Outcome::Dead { .. } => format!("dead {id}\n"),
        _ => String::new(),
    }
}
