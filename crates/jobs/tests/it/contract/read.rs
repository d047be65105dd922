//! `get`, `list`, `counts`, `oldest_due`, `next_due`.

use jobs::{Filter, JobId, LaneKey, Record, State, Verdict};

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{
    Differently, LEASE_MS, MANY, Rig, advance, at, dead, done, id, job, next, refetch, release,
    retry,
};

fn ids(records: &[Record]) -> Vec<JobId> {
    records.iter().map(|r| r.id).collect()
}

/// Jobs 1..=6: waiting, leased, done, dead, cancelled, and waiting for delivery.
async fn one_of_each<B: Backend>() -> Rig<B> {
    let rig = Rig::<B>::new();
    rig.accept((1..=6).map(|n| job(n).lane(&format!("{n}")).due(if n == 1 { 9_999 } else { 0 })))
        .await;
    for claimed in rig.take(&FETCH, MANY, 0).await {
        match claimed.lease.id {
            n if n == id(3) => rig.end(claimed.lease, done(), 0).await,
            n if n == id(4) => rig.end(claimed.lease, dead(), 0).await,
            n if n == id(6) => rig.end(claimed.lease, advance(b"page"), 0).await,
            _ => {}
        }
    }
    rig.cancel(id(5), None, at(0)).await.expect("answered");
    rig
}

pub(super) async fn an_unknown_job_is_none<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    assert_eq!(rig.get(id(404)).await.expect("read"), None);
}

pub(super) async fn jobs_are_listed_newest_first<B: Backend>() {
    let rig = one_of_each::<B>().await;
    let all = rig.all().await;
    assert_eq!(ids(&all), [6, 5, 4, 3, 2, 1].map(id));
    for record in all {
        assert_eq!(rig.get(record.id).await.expect("read"), Some(record));
    }
}

pub(super) async fn a_filter_by_state_tells_apart<B: Backend>() {
    let rig = one_of_each::<B>().await;
    let cases: [(&[State], &[u64]); 7] = [
        (&[State::Waiting], &[6, 1]),
        (&[State::Leased], &[2]),
        (&[State::Done], &[3]),
        (&[State::Dead], &[4]),
        (&[State::Cancelled], &[5]),
        (&[State::Done, State::Waiting], &[6, 3, 1]),
        (&[], &[6, 5, 4, 3, 2, 1]),
    ];
    for (states, expected) in cases {
        let filter = Filter { states: states.to_vec(), ..Filter::default() };
        let found = rig.list(filter, None, MANY).await.expect("listed");
        assert_eq!(ids(&found), expected.iter().map(|&n| id(n)).collect::<Vec<_>>(), "{states:?}");
        assert!(found.iter().all(|r| states.is_empty() || states.contains(&r.state)));
    }
}

pub(super) async fn a_filter_by_stage_and_verdict_tells_apart<B: Backend>() {
    let rig = one_of_each::<B>().await;
    let listed = async |states: &[State], stage: Option<&jobs::Stage>, verdict| {
        let filter =
            Filter { states: states.to_vec(), stage: stage.cloned(), verdict, ..Filter::default() };
        ids(&rig.list(filter, None, MANY).await.expect("listed"))
    };
    assert_eq!(listed(&[], Some(&DELIVER), None).await, [id(6)]);
    assert_eq!(listed(&[], Some(&FETCH), None).await, [5, 4, 3, 2, 1].map(id));
    assert_eq!(listed(&[State::Waiting], Some(&FETCH), None).await, [id(1)]);
    assert_eq!(listed(&[], None, Some(Verdict::Succeeded)).await, [id(6)]);
    assert!(listed(&[], None, Some(Verdict::Failed)).await.is_empty());
    assert!(listed(&[State::Done], Some(&DELIVER), None).await.is_empty());
    let lease = rig.take_one(&DELIVER, 0).await.lease;
    rig.end(lease, dead(), 1).await;
    let succeeded = Some(Verdict::Succeeded);
    assert_eq!(listed(&[State::Dead], Some(&DELIVER), succeeded).await, [id(6)]);
}

/// Jobs 0..40 by four lanes, one accepted each second, in every state.
async fn many_in_lanes<B: Backend>() -> (Rig<B>, impl Fn(u64) -> JobId) {
    let drawn = |n: u64| {
        let mut bytes = *JobId::floor(at(n * 1_000)).as_bytes();
        bytes[15] = 7;
        JobId::from_bytes(bytes)
    };
    let rig = Rig::<B>::new();
    for n in 0..40 {
        let new = jobs::NewJob { id: drawn(n), ..job(n).lane(&format!("{}", n % 4)) };
        rig.accept([new]).await;
    }
    rig.flush().await.expect("flushed");
    for claimed in rig.take(&FETCH, MANY, 0).await {
        let n = (0..40).find(|n| drawn(*n) == claimed.lease.id).expect("one of forty");
        match n % 5 {
            0 => rig.end(claimed.lease, done(), 0).await,
            1 => rig.end(claimed.lease, dead(), 0).await,
            2 => rig.end(claimed.lease, retry(0), 0).await,
            // In another stage's lane from now on.
            3 => rig.end(claimed.lease, advance(b"page"), 0).await,
            _ => {}
        }
    }
    (rig, drawn)
}

pub(super) async fn a_filter_by_lane_tells_apart<B: Backend>() {
    let (rig, drawn) = many_in_lanes::<B>().await;
    for round in 0..2 {
        for states in [vec![], vec![State::Waiting], vec![State::Leased], vec![State::Dead]] {
            for lane in ["0", "3", "sink", "nobody's"] {
                let filter = Filter {
                    states: states.clone(),
                    lane: Some(LaneKey::new(lane)),
                    ..Filter::default()
                };
                let found = rig.list(filter, None, MANY).await.expect("listed");
                let is_in = |n: &u64| match n % 5 {
                    3 => lane == "sink" && (states.is_empty() || states[0] == State::Waiting),
                    of => {
                        let state = [State::Done, State::Dead, State::Waiting, State::Done];
                        let state = state.get(of as usize).copied().unwrap_or(State::Leased);
                        format!("{}", n % 4) == lane && (states.is_empty() || states[0] == state)
                    }
                };
                let expected: Vec<_> = (0..40).rev().filter(is_in).map(&drawn).collect();
                assert_eq!(ids(&found), expected, "{lane} {states:?} {round}");
                assert!(found.iter().all(|r| r.lane.as_str() == lane));
            }
        }
        rig.flush().await.expect("flushed");
    }
}

pub(super) async fn a_filter_by_time_tells_apart<B: Backend>() {
    let (rig, drawn) = many_in_lanes::<B>().await;
    let times = [None, Some(0), Some(9_999), Some(10_000), Some(10_001), Some(39_000)];
    for (since, until) in times.into_iter().flat_map(|s| times.map(|u| (s, u))) {
        for states in [vec![], vec![State::Waiting, State::Leased], vec![State::Dead]] {
            let filter = Filter {
                states: states.clone(),
                since: since.map(at),
                until: until.map(at),
                ..Filter::default()
            };
            let is_in = |n: &u64| {
                let state = match n % 5 {
                    0 => State::Done,
                    1 => State::Dead,
                    2 | 3 => State::Waiting,
                    _ => State::Leased,
                };
                since.is_none_or(|since| n * 1_000 >= since)
                    && until.is_none_or(|until| n * 1_000 < until)
                    && (states.is_empty() || states.contains(&state))
            };
            let expected: Vec<_> = (0..40).rev().filter(is_in).map(&drawn).collect();
            let found = rig.list(filter.clone(), None, MANY).await.expect("listed");
            assert_eq!(ids(&found), expected, "{since:?} {until:?} {states:?}");
            assert!(found.iter().all(|record| filter.matches(record)));
            let cursor = Some(drawn(20));
            let older: Vec<_> = expected.into_iter().filter(|id| *id < drawn(20)).collect();
            let found = rig.list(filter, cursor, 3).await.expect("listed");
            assert_eq!(ids(&found), older[..older.len().min(3)]);
        }
    }
}

pub(super) async fn a_limit_is_kept<B: Backend>() {
    let rig = one_of_each::<B>().await;
    for limit in [0, 1, 3, 6, 7] {
        let found = rig.list(Filter::default(), None, limit).await.expect("listed");
        assert_eq!(ids(&found), [6, 5, 4, 3, 2, 1].map(id)[..limit.min(6)]);
    }
}

pub(super) async fn a_cursor_neither_skips_nor_repeats<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept((0..50).map(|n| job(2 * n))).await;
    for states in [vec![], vec![State::Waiting, State::Leased, State::Done]] {
        let filter = Filter { states, ..Filter::default() };
        let (mut seen, mut before, mut page) = (Vec::new(), None, 0);
        loop {
            let found = rig.list(filter.clone(), before, 7).await.expect("listed");
            let Some(last) = found.last() else { break };
            before = Some(last.id);
            seen.extend(ids(&found));
            // Meanwhile the world goes on: newer jobs come, and jobs change their state.
            page += 1;
            rig.offer(job(1_000 + page)).await;
            let lease = rig.take_one(&FETCH, 0).await.lease;
            let outcome = if page % 2 == 0 { done() } else { release(0) };
            rig.end(lease, outcome, 0).await;
        }
        let old: Vec<_> = seen.iter().copied().filter(|&s| s < id(1_000)).collect();
        assert_eq!(old, (0..50).rev().map(|n| id(2 * n)).collect::<Vec<_>>());
    }
    let found = rig.list(Filter::default(), Some(id(51)), 2).await.expect("listed");
    assert_eq!(ids(&found), [50, 48].map(id), "a cursor need not be a job");
}

pub(super) async fn counts_add_up_after_every_operation<B: Backend>() {
    let rig = Rig::<B>::lanes(2, 0);
    rig.counts_add_up().await;
    rig.accept((0..10).map(|n| job(n).lane(&format!("{}", n % 3)).spec_of(n as usize * 10))).await;
    rig.counts_add_up().await;
    rig.offer(job(3)).await;
    rig.counts_add_up().await;
    let outcomes =
        [done(), dead(), advance(b"first"), retry(0), release(0), advance(b"another page")];
    let claimed = rig.take(&FETCH, MANY, 0).await;
    rig.counts_add_up().await;
    assert_eq!(claimed.len(), outcomes.len());
    for (claimed, outcome) in claimed.into_iter().zip(outcomes) {
        rig.end(claimed.lease, outcome.clone(), 1).await;
        rig.counts_add_up().await;
        rig.say(claimed.lease, outcome, 1).await;
        rig.counts_add_up().await;
    }
    for claimed in rig.take(&DELIVER, MANY, 1).await {
        let result = Some(bytes::Bytes::from_static(b"short"));
        let outcome = jobs::Outcome::Done { verdict: None, result, note: None };
        rig.end(claimed.lease, outcome, 1).await;
        rig.counts_add_up().await;
    }
    rig.take(&FETCH, 1, 2).await;
    rig.take(&FETCH, MANY, LEASE_MS + 3).await;
    rig.counts_add_up().await;
    for n in 0..10 {
        rig.cancel(id(n), (n % 2 == 0).then(|| next(0, b"off")), at(LEASE_MS + 4))
            .await
            .expect("ok");
        rig.counts_add_up().await;
    }
    for n in 0..10 {
        rig.redrive(id(n), refetch(0), at(LEASE_MS + 5)).await.expect("answered");
        rig.counts_add_up().await;
    }
    rig.cancel(id(7), None, at(0)).await.expect("answered");
    rig.sweep(at(9 * LEASE_MS), MANY).await.expect("swept");
    rig.counts_add_up().await;
}

pub(super) async fn every_change_is_dated<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.submit(vec![job(1)], at(1)).await.expect("accepted");
    assert_eq!(rig.record(1).await.updated_at, at(1));
    let lease = rig.take_one(&FETCH, 2).await.lease;
    rig.end(lease, retry(0), 3).await;
    assert_eq!(rig.record(1).await.updated_at, at(3));
    let lease = rig.take_one(&FETCH, 4).await.lease;
    rig.end(lease, advance(b"r"), 5).await;
    assert_eq!(rig.record(1).await.updated_at, at(5));
    rig.cancel(id(1), None, at(6)).await.expect("answered");
    assert_eq!(rig.record(1).await.updated_at, at(6));
    rig.redrive(id(1), refetch(0), at(7)).await.expect("answered");
    let record = rig.record(1).await;
    assert_eq!((record.updated_at, record.created_at), (at(7), at(1)));
}
