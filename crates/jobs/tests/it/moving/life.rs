//! What a store sees in its life, and how that looks afterwards.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jobs::{
    Claimed, Filter, Health, LaneKey, LaneNews, NewJob, NewNote, Note, Outcome, Priority, Settled,
    Settlement, State, Store, Submitted, Verdict,
};

use super::place::Place;
use crate::backend::{DELIVER, FETCH};
use crate::rig::{
    Differently, LEASE_MS, MANY, advance, at, dead, done, group, id, job, refetch, retry,
};

/// Bytes that are no text.
const BINARY: &[u8] = b"\xff\x00\xfe result";

/// One job of every kind. Of those in lane `a`, the number says what became of it.
fn jobs() -> Vec<NewJob> {
    let mut jobs: Vec<_> = (0..12).map(job).collect();
    jobs[0] = job(0).key("held", 7).group(1).owner("ann");
    jobs[1] = job(1).key("freed by its failure", 8).group(1).owner("bob \"x\" ü");
    jobs[2] = job(2).group(1);
    jobs[3] = job(3).lane("b").priority(Priority::High);
    jobs[4] = job(4).lane("b").priority(Priority::Low).due(900_000);
    jobs[5] = NewJob { expires: Some(at(800_000)), ..job(5).lane("d").due(700_000) };
    jobs[6] = NewJob { spec: Bytes::from_static(BINARY), ..job(6).lane("in hand") };
    jobs[11] = NewJob { spec: Bytes::new(), ..job(11).lane("c").due(1_000_000) };
    jobs
}

/// Fills the store at a place, which is empty.
pub(super) async fn live(place: &impl Place) {
    let store = place.open().await.expect("it opens");
    let answers = store.submit(jobs(), at(0)).await.expect("accepted");
    assert!(answers.iter().all(|a| *a == Submitted::Created), "{answers:?}");
    let claimed = store.claim(&FETCH, MANY, at(LEASE_MS), at(0)).await.expect("claimed");
    for n in [0, 9, 10] {
        say(&store, &claimed, n, advance(if n == 0 { BINARY } else { b"{\"page\":\"\xc3\xbc\"}" }))
            .await;
    }
    say(&store, &claimed, 1, dead()).await;
    say(&store, &claimed, 2, done()).await;
    say(&store, &claimed, 7, retry(500_000)).await;
    say(&store, &claimed, 8, dead()).await;
    store.cancel(id(3), None, at(20)).await.expect("called off");
    store.redrive(id(8), refetch(600_000), at(30)).await.expect("taken up again");
    let delivered = store.claim(&DELIVER, MANY, at(LEASE_MS), at(40)).await.expect("claimed");
    let over = Outcome::Done {
        verdict: Some(Verdict::Unchanged),
        result: Some(Bytes::from(vec![b'z'; 100_000])),
        note: Some("told\nin two lines".to_owned()),
    };
    say(&store, &delivered, 9, over).await;
    let trouble = [
        ("b", LaneNews::paused(Some(at(9_000_000_000_000)))),
        ("c", LaneNews { interval: Some(Duration::from_secs(3)), ..LaneNews::default() }),
        ("d", LaneNews { health: Some(Health::Bad), ..LaneNews::default() }),
    ];
    for (lane, news) in trouble {
        store.tell(&FETCH, &LaneKey::new(lane), news, at(50)).await.expect("told");
    }
    for (space, key) in [("sinks", "b"), ("sinks", "a.z"), ("sinks", "a"), ("Keys", "ü")] {
        let value = Some(Bytes::from(format!("{{\"{space}\":\"{key}\"}}")));
        store.put_document(space, key.to_owned(), value).await.expect("kept");
    }
    store.close().await.expect("it closes");
}

/// Settles job `n`, with an entry and a note.
async fn say(store: &Arc<dyn Store>, claimed: &[Claimed], n: u64, outcome: Outcome) {
    let claimed = claimed.iter().find(|c| c.lease.id == id(n)).expect("it was claimed");
    let settlement = Settlement {
        attempt: Some(Bytes::from(format!("{{\"attempt\":{n}}}"))),
        notes: vec![note(n)],
        ..Settlement::new(claimed.lease, outcome)
    };
    let answer = store.settle(vec![settlement], at(10)).await.expect("settled");
    assert_eq!(answer, [Settled::Recorded]);
}

fn note(n: u64) -> NewNote {
    let value = Bytes::from(format!("note {n}"));
    NewNote { space: "pages", key: [n as u8 ^ 0xa5; 32], value, expires: at(9_000_000_000_000) }
}

/// Holds the store at a place against what [`live`] made, and works with it.
pub(super) async fn looks_as_it_did(place: &impl Place) {
    let store = place.open().await.expect("it opens");
    ends_are_kept(&store).await;
    what_stands_beside_jobs_is_kept(&store).await;
    work_goes_on(&store).await;
    store.close().await.expect("it closes");
}

async fn ends_are_kept(store: &Arc<dyn Store>) {
    let all = store.list(Filter::default(), None, MANY).await.expect("listed");
    let states: Vec<_> = all.iter().rev().map(|record| record.state).collect();
    use State::{Cancelled, Dead, Done, Waiting};
    let expected = [
        Waiting, Dead, Done, Cancelled, Waiting, Waiting, Waiting, Waiting, Waiting, Done, Waiting,
        Waiting,
    ];
    assert_eq!(states, expected);
    let specs: Vec<_> = all.iter().rev().map(|record| record.spec.clone()).collect();
    assert_eq!(specs, jobs().into_iter().map(|job| job.spec).collect::<Vec<_>>());
    let counts = store.counts();
    assert_eq!((counts.done, counts.dead, counts.cancelled), (2, 1, 1));
    assert_eq!(counts.live(), 8);
    assert_eq!(all[11].owner.as_deref(), Some("ann"));
    assert_eq!(all[11].group, Some(group(1)));
    assert_eq!(all[2].verdict, Some(Verdict::Unchanged));
    assert_eq!(all[2].note.as_deref(), Some("told\nin two lines"));
    assert_eq!(all[2].updated_at, at(10));
    for (n, result) in [(0, BINARY), (10, b"{\"page\":\"\xc3\xbc\"}"), (9, &[b'z'; 100_000])] {
        assert_eq!(store.result(id(n)).await.expect("read").as_deref(), Some(result));
    }
    assert_eq!(store.result(id(7)).await.expect("read"), None);
    let attempts = store.attempts(id(9)).await.expect("read").expect("it is there");
    assert_eq!(attempts, ["{\"attempt\":9}"; 2]);
}

async fn what_stands_beside_jobs_is_kept(store: &Arc<dyn Store>) {
    let counted = store.group(group(1)).expect("it has jobs");
    assert_eq!((counted.jobs, counted.succeeded, counted.failed), (3, 2, 1));
    let kept = store.note("pages", note(7).key).await.expect("read");
    assert_eq!(kept, Some(Note { value: note(7).value, expires: note(7).expires }));
    let sinks = store.documents("sinks").await.expect("read");
    let keys: Vec<_> = sinks.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["a", "a.z", "b"]);
    let lanes = store.lanes(MANY, at(60));
    let lane = |key: &str| lanes.iter().find(|lane| lane.key.as_str() == key);
    assert_eq!(lane("b").expect("it is paused").paused_until, Some(at(9_000_000_000_000)));
    assert_eq!(lane("c").expect("it is slow").interval, Duration::from_secs(3));
    let failing = lane("d").expect("it fails");
    assert_eq!((failing.failures, failing.failing_since), (1, Some(at(50))));
}

/// What waits is given out when it is due, with what there is of it; keys are held.
async fn work_goes_on(store: &Arc<dyn Store>) {
    let repeats = vec![job(20).key("held", 7), job(21).key("held", 9)];
    let answers = store.submit(repeats, at(100)).await.expect("answered");
    let first = Submitted::Existing { id: id(0), created_at: at(0) };
    assert_eq!(answers, [first, Submitted::Conflict { id: id(0) }]);
    let claim = async |stage, now: u64| {
        let claimed = store.claim(stage, MANY, at(now + LEASE_MS), at(now)).await;
        let claimed = claimed.expect("claimed");
        let mut ids: Vec<_> = claimed.iter().map(|c| (c.lease.id, c.attempt)).collect();
        ids.sort_unstable();
        (ids, claimed)
    };
    let (ids, _) = claim(&FETCH, 100).await;
    assert_eq!(ids, [(id(6), 1)], "what was in hand waits again");
    let (ids, claimed) = claim(&DELIVER, 100).await;
    assert_eq!(ids, [(id(0), 1), (id(10), 1)]);
    assert!(claimed.iter().all(|c| c.verdict == Some(Verdict::Succeeded) && c.result_bytes > 0));
    let (ids, _) = claim(&FETCH, 1_000_000).await;
    // Job 11 is not among them: its lane's interval holds from the opening, which is later.
    assert_eq!(ids, [(id(5), 1), (id(6), 1), (id(7), 2), (id(8), 1)]);
}
