//! What only a durable store promises: it is all there after the store was opened again.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use jobs::{
    Bounds, Circuit, Clock, Filter, Group, LaneKey, LaneNews, NewJob, Next, Outcome, Priority,
    Record, Settled, State, Submitted, SystemClock, Why,
};

use super::breaker::{breaking, view};
use super::documents::{found as found_documents, pairs, put, remove};
use super::groups::one_of_each_judgement;
use super::health::{BAD, GOOD};
use super::ledger::{attempts, enter};
use super::notes::{bring, found, note};
use super::pace::every;
use super::tell::{FOR_EVER, RESUME, told};
use crate::backend::{DELIVER, Durable, FETCH, config, database};
use crate::rig::{
    Differently, MANY, Rig, advance, at, dead, done, group, id, job, next, refetch, release, retry,
};

pub(super) async fn everything_acknowledged_is_there_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    for n in 0..50 {
        let new = job(n).lane(&format!("{}", n % 5)).due(n * 7).spec_of(n as usize * 31);
        rig.submit(vec![new], at(n)).await.expect("accepted");
    }
    let before = rig.all().await;
    assert_eq!(before.len(), 50);
    let rig = rig.reopened().await;
    assert_eq!(rig.all().await, before);
    rig.counts_add_up().await;
    assert_eq!(rig.take(&FETCH, MANY, 1_000).await.len(), 50);
}

pub(super) async fn what_was_settled_is_there_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept((0..7).map(|n| job(n).lane(&format!("{n}")))).await;
    let big = Bytes::from(vec![b'x'; 200_000]);
    let outcomes = [done(), dead(), retry(5_000), release(6_000), advance(b"page")];
    for claimed in rig.take(&FETCH, 5, 1).await {
        let n = (0..5).find(|&n| id(n) == claimed.lease.id).expect("one of five");
        rig.end(claimed.lease, outcomes[n as usize].clone(), 2).await;
    }
    for claimed in rig.take(&FETCH, 2, 3).await {
        let to = Next { result: big.clone(), ..next(0, b"") };
        rig.end(claimed.lease, Outcome::Advance(to), 4).await;
    }
    for claimed in rig.take(&DELIVER, 2, 5).await {
        rig.end(claimed.lease, retry(9), 6).await;
    }
    let before = rig.all().await;
    let mut results = Vec::new();
    for record in &before {
        results.push(rig.result(record.id).await.expect("read"));
    }
    let rig = rig.reopened().await;
    assert_eq!(rig.all().await, before);
    for (record, expected) in before.iter().zip(results) {
        assert!(rig.result(record.id).await.expect("read") == expected, "{}", record.id);
    }
    rig.counts_add_up().await;
    assert_eq!(rig.take(&FETCH, MANY, 4_999).await.len(), 0);
    assert_eq!(rig.take(&FETCH, MANY, 6_000).await.len(), 2);
    assert_eq!(rig.take(&DELIVER, MANY, 6_000).await.len(), 3);
}

pub(super) async fn leases_are_void_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, retry(0), 0).await;
    rig.take(&FETCH, MANY, 0).await;
    assert!(rig.take(&FETCH, MANY, 1).await.is_empty());
    let rig = rig.reopened().await;
    for n in [1, 2] {
        assert_eq!(rig.record(n).await.state, State::Waiting);
    }
    let claimed = rig.take(&FETCH, MANY, 1).await;
    let attempts: BTreeSet<_> = claimed.iter().map(|c| (c.lease.id, c.attempt)).collect();
    assert_eq!(attempts, BTreeSet::from([(id(1), 2), (id(2), 1)]), "nothing was charged");
}

pub(super) async fn a_lease_from_before_settles_nothing_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let old = rig.take_one(&FETCH, 0).await.lease;
    let rig = rig.reopened().await;
    assert_eq!(rig.say(old, done(), 1).await, Settled::LeaseLost);
    let kept = rig.extend(vec![old], at(9_000), at(1)).await.expect("answered");
    assert_eq!(kept, [false]);
    assert_eq!(rig.record(1).await.state, State::Waiting);
}

pub(super) async fn idempotency_survives_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).key("k", 1)]).await;
    let rig = rig.reopened().await;
    let existing = Submitted::Existing { id: id(1), created_at: at(0) };
    assert_eq!(rig.offer(job(1)).await, existing);
    assert_eq!(rig.offer(job(2).key("k", 1)).await, existing);
    assert_eq!(rig.offer(job(2).key("k", 2)).await, Submitted::Conflict { id: id(1) });
}

/// Lies in the future of the clock that opens the store, if it has one.
const FAR: u64 = 100 * 365 * 24 * 3_600_000;

pub(super) async fn a_key_that_was_taken_over_survives_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).key("k", 1), job(2).key("l", 1)]).await;
    for claimed in rig.take(&FETCH, 2, 0).await {
        rig.end(claimed.lease, dead(), 1).await;
    }
    rig.accept([job(3).key("k", 2)]).await;
    let rig = rig.reopened().await;
    let existing = Submitted::Existing { id: id(3), created_at: at(0) };
    assert_eq!(rig.offer(job(4).key("k", 2)).await, existing);
    assert_eq!(rig.offer(job(4).key("l", 2)).await, Submitted::Created, "it was free");
}

pub(super) async fn a_pause_survives_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    let far = FAR;
    rig.accept([job(1), job(2).lane("b"), job(3).lane("empty")]).await;
    for claimed in rig.take(&FETCH, MANY, 0).await {
        match claimed.lane.as_str() {
            "a" => rig.pause(claimed.lease, retry(0), 0, far).await,
            "empty" => rig.pause(claimed.lease, done(), 0, far).await,
            _ => rig.end(claimed.lease, retry(0), 0).await,
        }
    }
    let rig = rig.reopened().await;
    rig.accept([job(4).lane("empty")]).await;
    assert_eq!(rig.taken(&FETCH, MANY, far - 1).await, BTreeSet::from([id(2)]));
    let ready = rig.taken(&FETCH, MANY, far).await;
    assert!(ready.is_superset(&BTreeSet::from([id(1), id(4)])));
}

pub(super) async fn an_interval_that_was_asked_for_survives_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2), job(3), job(4).lane("b"), job(5).lane("b")]).await;
    for claimed in rig.take(&FETCH, MANY, 0).await {
        let a = claimed.lane.as_str() == "a";
        rig.tell(claimed.lease, retry(0), every(if a { 500 } else { 0 }), 0).await;
    }
    let rig = rig.reopened().await;
    let claimed = rig.take(&FETCH, MANY, FAR).await;
    assert_eq!(claimed.len(), 3, "one of a, two of b");
    let of_a = claimed.iter().find(|c| c.lane.as_str() == "a").expect("one of a");
    assert_eq!(of_a.interval, Duration::from_millis(500));
    assert!(rig.take(&FETCH, MANY, FAR + 499).await.is_empty());
    let of_a = rig.take_one(&FETCH, FAR + 500).await;
    rig.tell(of_a.lease, retry(0), every(0), FAR + 500).await;
    let rig = rig.reopened().await;
    assert_eq!(rig.take(&FETCH, MANY, FAR + 501).await.len(), 5, "taken back for good");
}

pub(super) async fn a_back_off_survives_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept((1..=3).map(job)).await;
    rig.accept((4..=6).map(|n| job(n).lane("b"))).await;
    let mut now = FAR;
    for _ in 0..2 {
        for claimed in rig.take(&FETCH, MANY, now).await {
            rig.tell(claimed.lease, retry(0), BAD, now).await;
        }
        now += 10_000;
    }
    let of_b = rig.take(&FETCH, MANY, now).await;
    let of_b = of_b.iter().find(|c| c.lane.as_str() == "b").expect("a probe of b");
    rig.tell(of_b.lease, retry(0), GOOD, now).await;
    let told = |rig: &Rig<B>| {
        let lanes = rig.lanes(MANY, at(now)).into_iter();
        lanes.map(|l| (l.key, l.failures, l.failing_since)).collect::<BTreeSet<_>>()
    };
    let before = told(&rig);
    assert_eq!(before.iter().map(|lane| lane.1).collect::<Vec<_>>(), [2, 0]);
    let rig = rig.reopened().await;
    assert_eq!(told(&rig), before);
    assert_eq!(rig.take(&FETCH, MANY, now).await.len(), 1 + 3, "a is probed, b is well");
}

pub(super) async fn a_lane_is_claimed_in_its_order_across_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).due(10), job(2).due(30), job(3).due(50)]).await;
    let rig = rig.reopened().await;
    // These are still in memory, those before have to be read.
    rig.accept([job(4).due(20), job(5).due(40)]).await;
    let (lane, now) = (LaneKey::new("a"), at(FAR));
    let claimed = rig.claim_lane(&FETCH, &lane, MANY, at(FAR + 1), now).await.expect("claimed");
    let order: Vec<_> = claimed.iter().map(|c| (c.lease.id, c.spec.clone())).collect();
    let expected = [1, 4, 2, 5, 3].map(|n| (id(n), Bytes::from(format!("spec {n}"))));
    assert_eq!(order, expected);
}

pub(super) async fn since_when_a_lane_with_a_breaker_fails_survives_reopen<B: Durable>() {
    let rig = Rig::<B>::configured(config(breaking(10, 10, 5), Bounds::default()));
    rig.accept((0..9).map(job)).await;
    let fails = async |rig: &Rig<B>, news, now| {
        let claimed = rig.take_one(&FETCH, now).await;
        rig.tell(claimed.lease, retry(now), news, now).await;
        let lane = view(rig, now);
        (lane.circuit, lane.failing_since)
    };
    let closed = |since: u64| (Circuit::Closed, Some(at(since)));
    assert_eq!(fails(&rig, BAD, FAR).await, closed(FAR));
    assert_eq!(fails(&rig, BAD, FAR + 1).await, closed(FAR));
    // A sweep finds nothing to forget in it.
    rig.sweep(at(FAR), MANY).await.expect("swept");
    let rig = rig.reopened().await;
    assert_eq!(view(&rig, FAR + 1).failing_since, Some(at(FAR)));
    for n in 2..6 {
        assert_eq!(fails(&rig, BAD, FAR + n).await, closed(FAR), "it looks back on nothing");
    }
    assert_eq!(fails(&rig, BAD, FAR + 6).await, (Circuit::Open, Some(at(FAR))));
    let rig = rig.reopened().await;
    assert_eq!(view(&rig, FAR + 6).circuit, Circuit::Open);
    let later = FAR + 10_000;
    assert_eq!(rig.take(&FETCH, MANY, later).await.len(), 1, "one probes");
    let rig = rig.reopened().await;
    assert_eq!(fails(&rig, GOOD, later).await, (Circuit::Closed, None));
    let rig = rig.reopened().await;
    assert_eq!(view(&rig, later).failing_since, None);
}

pub(super) async fn what_was_told_of_a_lane_survives_reopen<B: Durable>() {
    let rig = Rig::<B>::lanes(10, 0);
    // Nothing but this is there to be written.
    told(&rig, LaneNews::paused(Some(FOR_EVER)), FAR).await;
    let rig = rig.reopened().await;
    rig.sweep(at(2 * FAR), MANY).await.expect("swept");
    let rig = rig.reopened().await;
    rig.accept((0..4).map(job)).await;
    assert!(rig.take(&FETCH, MANY, 2 * FAR).await.is_empty());
    told(&rig, RESUME, 2 * FAR).await;
    let rig = rig.reopened().await;
    assert_eq!(rig.take(&FETCH, MANY, 2 * FAR).await.len(), 4);
}

pub(super) async fn documents_survive_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    put(&rig, "a", "one").await;
    put(&rig, "b", "two").await;
    put(&rig, "a", "three").await;
    put(&rig, "c", "four").await;
    remove(&rig, "b").await;
    let rig = rig.reopened().await;
    assert_eq!(found_documents(&rig).await, pairs([("a", "three"), ("c", "four")]));
    rig.sweep(at(2 * FAR), MANY).await.expect("swept");
    remove(&rig, "a").await;
    let rig = rig.reopened().await;
    assert_eq!(found_documents(&rig).await, pairs([("c", "four")]));
}

pub(super) async fn groups_survive_reopen<B: Durable>() {
    let (rig, expected) = one_of_each_judgement::<B>().await;
    let twice = (0..2).map(|n| job(100 + n).group(8));
    rig.accept(twice.chain([job(200).group(9)])).await;
    rig.forget_group(group(9)).await.expect("forgotten");
    let rig = rig.reopened().await;
    assert_eq!(rig.group(group(7)), Some(expected));
    assert_eq!(rig.group(group(8)), Some(Group { jobs: 2, ..Group::default() }));
    assert_eq!(rig.group(group(9)), None);
    rig.accept([job(102).group(8)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.end(lease, dead(), 1).await;
    let rig = rig.reopened().await;
    assert_eq!(rig.group(group(8)), Some(Group { jobs: 3, failed: 1, ..Group::default() }));
    rig.counts_add_up().await;
}

pub(super) async fn a_redriven_job_is_not_counted_again_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).group(7)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.end(lease, dead(), 1).await;
    rig.redrive(id(1), refetch(2), at(2)).await.expect("redriven");
    let rig = rig.reopened().await;
    let counted = Group { jobs: 1, failed: 1, ..Group::default() };
    assert_eq!(rig.group(group(7)), Some(counted));
    let lease = rig.take_one(&FETCH, 2).await.lease;
    rig.end(lease, advance(b"page"), 3).await;
    assert_eq!(rig.group(group(7)), Some(counted));
    let rig = rig.reopened().await;
    assert_eq!(rig.group(group(7)), Some(counted));
}

pub(super) async fn owners_survive_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).owner("a"), job(2).owner("b").group(3), job(3)]).await;
    let before = rig.all().await;
    let rig = rig.reopened().await;
    assert_eq!(rig.all().await, before);
    for states in [vec![], vec![State::Waiting]] {
        let filter = Filter { states, owner: Some("b".into()), ..Filter::default() };
        let found = rig.list(filter, None, MANY).await.expect("listed");
        assert_eq!(found.iter().map(|r| r.id).collect::<Vec<_>>(), [id(2)]);
        assert_eq!((found[0].owner.as_deref(), found[0].group), (Some("b"), Some(group(3))));
    }
}

pub(super) async fn priorities_survive_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    let of = |n: u64| [Priority::Low, Priority::Normal, Priority::High][n as usize % 3];
    rig.accept((0..6).map(|n| job(n).priority(of(n)))).await;
    rig.end(rig.take_one(&FETCH, 0).await.lease, dead(), 1).await;
    let rig = rig.reopened().await;
    rig.redrive(id(2), refetch(2), at(2)).await.expect("redriven");
    let rig = rig.reopened().await;
    let claimed = rig.take(&FETCH, MANY, 2).await;
    let order: Vec<_> = claimed.iter().map(|c| c.lease.id).collect();
    assert_eq!(order, [5, 2, 1, 4, 0, 3].map(id));
}

pub(super) async fn an_ordered_lane_goes_on_after_reopen<B: Durable>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept((0..5).map(|n| job(n).due(n))).await;
    let claimed = rig.take_one(&FETCH, FAR).await;
    let outcome = Outcome::Retry { at: claimed.created_at, note: "not now".to_owned() };
    rig.tell(claimed.lease, outcome, LaneNews::paused(Some(at(FAR + 9_000))), FAR).await;
    let rig = rig.reopened().await;
    let again = rig.take_one(&FETCH, FAR + 9_000).await;
    assert_eq!((again.lease.id, again.attempt), (id(0), 2));
    let rig = rig.reopened().await;
    let again = rig.take_one(&FETCH, FAR + 9_000).await;
    assert_eq!((again.lease.id, again.attempt), (id(0), 2), "also after a lease was lost so");
}

pub(super) async fn a_lane_waits_one_interval_after_reopen<B: Durable>() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let rig = Rig::<B>::lanes(10, 3_600_000);
    rig.accept([job(1), job(2)]).await;
    let first = rig.take_one(&FETCH, 0).await;
    rig.end(first.lease, retry(0), 0).await;
    // Nobody can know how long ago a lane was served by the process before.
    let earliest = SystemClock.now() + HOUR;
    let rig = rig.reopened().await;
    let latest = SystemClock.now() + HOUR;
    let claim = async |now| rig.claim(&FETCH, MANY, now + HOUR, now).await.expect("answered");
    assert!(claim(SystemClock.now()).await.is_empty());
    let due = rig.next_due(&FETCH).expect("they wait");
    assert!((earliest..=latest).contains(&due), "{due} is not from {earliest} to {latest}");
    rig.submit(vec![job(3).lane("new")], SystemClock.now()).await.expect("accepted");
    assert!(claim(due - Duration::from_millis(1)).await.is_empty(), "a new lane may be an old one");
    assert_eq!(claim(latest).await.len(), 2, "one of each");
}

pub(super) async fn what_was_forgotten_of_lanes_stays_forgotten_after_reopen<B: Durable>() {
    let bounds = Bounds { lanes: 2, ..Bounds::default() };
    let rig = Rig::<B>::with(10, Duration::ZERO, bounds);
    for n in 1..=4 {
        rig.accept([job(n).lane(&format!("{n}"))]).await;
        let claimed = rig.take_one(&FETCH, n).await;
        rig.tell(claimed.lease, done(), every(500), n * 1_000).await;
        rig.flush().await.expect("flushed");
    }
    rig.sweep(at(3_500), MANY).await.expect("swept");
    let rig = rig.reopened().await;
    rig.accept((1..=4).map(|n| job(10 + n).lane(&format!("{n}")))).await;
    let known = rig.take(&FETCH, MANY, FAR).await.into_iter().filter(|c| !c.interval.is_zero());
    let known: Vec<_> = known.map(|c| c.lane.as_str().to_owned()).collect();
    assert_eq!(known, ["4"], "1 and 2 were too many, 3 was swept");
}

pub(super) async fn expiry_survives_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    let expiring = |n, at_ms| NewJob { expires: Some(at(FAR + at_ms)), ..job(n) };
    rig.accept([expiring(1, 500), expiring(2, 500), expiring(3, 700).due(FAR + 90_000)]).await;
    for claimed in rig.take(&FETCH, MANY, 0).await {
        let advances = claimed.lease.id == id(1);
        let outcome = if advances { advance(b"page") } else { retry(FAR + 90_000) };
        rig.end(claimed.lease, outcome, 0).await;
    }
    let rig = rig.reopened().await;
    assert_eq!(rig.next_due(&FETCH), Some(at(FAR + 500)));
    assert!(rig.take(&FETCH, MANY, FAR + 499).await.is_empty());
    let claimed = rig.take(&FETCH, MANY, FAR + 700).await;
    assert!(claimed.iter().all(|c| c.without_work == Some(Why::Expired)));
    assert_eq!(claimed.iter().map(|c| c.lease.id).collect::<Vec<_>>(), [id(2), id(3)]);
    assert_eq!(rig.take_one(&DELIVER, FAR + 700).await.without_work, None, "it went on");
}

pub(super) async fn attempts_survive_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let mut expected = Vec::new();
    let mut rig = rig;
    for n in 0..30 {
        let claimed = rig.take_one(&FETCH, 0).await;
        expected.push(format!("attempt {n}"));
        enter(&rig, claimed.lease, retry(0), expected[n].clone()).await;
        if n % 10 == 9 {
            rig = rig.reopened().await;
        }
        assert_eq!(attempts(&rig, 1).await, expected);
    }
}

pub(super) async fn notes_survive_reopen<B: Durable>() {
    let bounds = Bounds { notes: 3, ..Bounds::default() };
    let rig = Rig::<B>::with(10, Duration::ZERO, bounds);
    bring(&rig, 1, vec![note(1, "one", 100), note(2, "two", 200), note(3, "three", 300)]).await;
    let rig = rig.reopened().await;
    assert_eq!(found(&rig, 2).await.as_deref(), Some(&b"two"[..]));
    bring(&rig, 2, vec![note(4, "four", 400)]).await;
    rig.flush().await.expect("flushed");
    assert_eq!(found(&rig, 1).await, None, "the bound counts what was there");
    rig.sweep(at(201), MANY).await.expect("swept");
    let rig = rig.reopened().await;
    assert_eq!(found(&rig, 2).await, None);
    assert_eq!(found(&rig, 3).await.as_deref(), Some(&b"three"[..]));
    assert_eq!(found(&rig, 4).await.as_deref(), Some(&b"four"[..]));
}

pub(super) async fn a_job_that_goes_well_costs_one_row<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([NewJob { expires: Some(at(9_000)), ..job(1) }]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    let news = LaneNews { interval: Some(Duration::ZERO), ..GOOD };
    rig.tell(claimed.lease, advance(b"page"), news, 0).await;
    let claimed = rig.take_one(&DELIVER, 0).await;
    rig.tell(claimed.lease, done(), GOOD, 0).await;
    rig.close().await.expect("closed");
    let db = rusqlite::Connection::open(database(rig.backend().dir())).expect("opened");
    let rows = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        db.query_row(&sql, [], |row| row.get(0)).expect("counted")
    };
    assert_eq!(["jobs", "lanes", "notes"].map(rows), [1, 0, 0]);
}

pub(super) async fn bounds_hold_after_reopen<B: Durable>() {
    let bounds = Bounds { jobs: 3, bytes: 1_000, ..Bounds::default() };
    let rig = Rig::<B>::with(100, Duration::ZERO, bounds);
    rig.accept([job(1).spec_of(100), job(2).spec_of(10)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.end(lease, advance(&[b'r'; 800]), 0).await;
    let counts = rig.counts();
    let rig = rig.reopened().await;
    assert_eq!(rig.counts(), counts);
    assert_eq!(rig.offer(job(3).spec_of(100)).await, Submitted::Full, "by bytes");
    assert_eq!(rig.offer(job(3).spec_of(1)).await, Submitted::Created);
    assert_eq!(rig.offer(job(4).spec_of(1)).await, Submitted::Full, "by jobs");
}

pub(super) async fn cancellations_and_redrives_survive_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept((1..=4).map(|n| job(n).lane(&format!("{n}")))).await;
    rig.cancel(id(1), None, at(1)).await.expect("answered");
    rig.cancel(id(2), Some(next(9, b"called off")), at(2)).await.expect("answered");
    for claimed in rig.take(&FETCH, MANY, 3).await {
        rig.end(claimed.lease, dead(), 3).await;
    }
    rig.redrive(id(3), refetch(50), at(4)).await.expect("answered");
    let before = rig.all().await;
    let rig = rig.reopened().await;
    assert_eq!(rig.all().await, before);
    assert_eq!(rig.taken(&FETCH, MANY, 50).await, BTreeSet::from([id(3)]));
    assert_eq!(rig.taken(&DELIVER, MANY, 50).await, BTreeSet::from([id(2)]));
}

pub(super) async fn swept_jobs_stay_away_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept((0..6).map(|n| job(n).key(&format!("k{n}"), 1))).await;
    for claimed in rig.take(&FETCH, 4, 0).await {
        rig.end(claimed.lease, done(), 1).await;
    }
    assert_eq!(rig.sweep(at(2), 3).await.expect("swept").jobs, 3);
    let before: Vec<Record> = rig.all().await;
    let rig = rig.reopened().await;
    assert_eq!(rig.all().await.len(), before.len());
    rig.counts_add_up().await;
    assert_eq!(rig.sweep(at(2), MANY).await.expect("swept").jobs, 1);
    assert_eq!(rig.offer(job(10).key("k0", 2)).await, Submitted::Created);
}
