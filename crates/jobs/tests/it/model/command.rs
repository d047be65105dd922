//! What can be asked of a store.

use std::time::Duration;

use bytes::Bytes;
use jobs::{
    Filter, Health, JobId, LaneKey, LaneNews, Lease, NewJob, NewNote, Next, Outcome, Priority,
    Settlement, Stage, State, Timestamp, Verdict,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::backend::{DELIVER, FETCH};
use crate::rig::{Differently, at, job};

/// One step of a sequence; times are relative to the sequence's clock, in milliseconds.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Submit(Vec<Draft>),
    Claim { deliver: bool, max: usize, lease_ms: u64 },
    Extend { which: Vec<Index>, by_ms: u64 },
    Settle(Vec<Saying>),
    Cancel { job: u64, tell: Option<u64> },
    ClaimLane { deliver: bool, lane: u8, max: usize, lease_ms: u64 },
    Tell { deliver: bool, lane: u8, news: News },
    Relimit { deliver: bool },
    Put { document: u8, bytes: Option<usize> },
    List(Wanted),
    ForgetGroup { group: u8 },
    Redrive { job: u64, deliver: bool, lane: u8, in_ms: u64 },
    Sweep { older_than_ms: u64, any: bool },
    Pass { ms: u64 },
    StepBack { ms: u64 },
    Reopen,
}

/// Which jobs to list.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    states: Vec<State>,
    lane: Option<u8>,
    since: Option<u64>,
    until: Option<u64>,
    verdict: Option<Verdict>,
    kin: Kin,
}

/// Of which owner and group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kin {
    owner: Option<u8>,
    group: Option<u8>,
}

impl Wanted {
    pub(super) fn filter(&self) -> Filter {
        Filter {
            states: self.states.clone(),
            lane: self.lane.map(key),
            since: self.since.map(accepted),
            until: self.until.map(accepted),
            verdict: self.verdict,
            owner: self.kin.owner.map(|n| owner(n).into()),
            group: self.kin.group.map(group),
            ..Filter::default()
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) job: u64,
    pub(super) deliver: bool,
    pub(super) lane: u8,
    pub(super) in_ms: u64,
    pub(super) bytes: usize,
    /// With its fingerprint, and how old its holder may be.
    pub(super) key: Option<(u8, u8, u64)>,
    pub(super) expires_ms: Option<u64>,
    pub(super) kin: Kin,
    pub(super) priority: Priority,
}

/// What to say under which of the leases given out so far.
#[derive(Clone, Debug)]
pub(super) struct Saying {
    pub(super) which: Index,
    pub(super) what: What,
    pub(super) news: News,
    /// Length of the entry.
    pub(super) attempt: Option<usize>,
    pub(super) note: Option<(u8, u64)>,
}

/// Of the job's lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct News {
    pause_ms: Option<u64>,
    interval_ms: Option<u64>,
    resume: bool,
    health: Option<Health>,
}

impl News {
    /// What is told, with what a restart forgets only when that may be.
    pub(super) fn told(self, now: Timestamp, lasting: bool) -> LaneNews {
        LaneNews {
            pause_until: self.pause_ms.map(|ms| after(now, ms)),
            interval: self.interval_ms.map(Duration::from_millis),
            resume: self.resume && !lasting,
            health: self.health,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Advance { lane: u8, in_ms: u64, bytes: usize },
    Retry { in_ms: u64 },
    Release { in_ms: u64 },
    Done { result: Option<usize>, note: bool },
    Dead,
}

/// Few enough that sequences meet the same job again.
const JOBS: u64 = 24;
const LANES: u8 = 3;
/// Groups that jobs may be in.
pub(super) const GROUPS: u8 = 2;
const OWNERS: u8 = 2;
/// Keys of notes.
pub(super) const NOTES: u8 = 3;
/// No longer than what passes at least with a restart.
pub(super) const LONGEST_INTERVAL_MS: u64 = 50;

fn in_ms() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0), 1 => 1_u64..3_000]
}

fn kin() -> impl Strategy<Value = Kin> {
    (option::of(0..OWNERS), option::of(0..GROUPS)).prop_map(|(owner, group)| Kin { owner, group })
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let verdict = option::weighted(0.2, select(vec![Verdict::Succeeded, Verdict::Failed]));
    let kin = prop_oneof![1 => Just(Kin { owner: None, group: None }), 2 => kin()];
    let lane = option::weighted(0.3, 0..LANES);
    let time = || option::weighted(0.3, 0..JOBS);
    (vec(state(), 0..3), lane, time(), time(), verdict, kin).prop_map(
        |(states, lane, since, until, verdict, kin)| Wanted {
            states,
            lane,
            since,
            until,
            verdict,
            kin,
        },
    )
}

fn draft() -> impl Strategy<Value = Draft> {
    let key = option::weighted(0.3, (0_u8..4, 0_u8..2, 0_u64..20_000));
    let expires_ms = option::weighted(0.2, 0_u64..4_000);
    let priority = select(vec![Priority::Low, Priority::Normal, Priority::High]);
    (0..JOBS, any::<bool>(), 0..LANES, in_ms(), 0_usize..80, key, expires_ms, kin(), priority)
        .prop_map(|(job, deliver, lane, in_ms, bytes, key, expires_ms, kin, priority)| Draft {
            job,
            deliver,
            lane,
            in_ms,
            bytes,
            key,
            expires_ms,
            kin,
            priority,
        })
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        3 => (0..LANES, in_ms(), 0_usize..80)
            .prop_map(|(lane, in_ms, bytes)| What::Advance { lane, in_ms, bytes }),
        2 => in_ms().prop_map(|in_ms| What::Retry { in_ms }),
        1 => in_ms().prop_map(|in_ms| What::Release { in_ms }),
        2 => (option::of(0_usize..80), any::<bool>())
            .prop_map(|(result, note)| What::Done { result, note }),
        1 => Just(What::Dead),
    ]
}

fn saying() -> impl Strategy<Value = Saying> {
    let attempt = option::weighted(0.5, 0_usize..3_000);
    let note = option::weighted(0.2, (0..NOTES, 0_u64..8_000));
    (any::<Index>(), what(), news(), attempt, note)
        .prop_map(|(which, what, news, attempt, note)| Saying { which, what, news, attempt, note })
}

fn news() -> impl Strategy<Value = News> {
    let pause_ms = option::weighted(0.15, 0_u64..4_000);
    let interval_ms = option::weighted(0.1, 0..=LONGEST_INTERVAL_MS);
    let health =
        prop_oneof![4 => Just(None), 1 => Just(Some(Health::Bad)), 1 => Just(Some(Health::Good))];
    let resume = prop_oneof![4 => Just(false), 1 => Just(true)];
    (pause_ms, interval_ms, resume, health).prop_map(|(pause_ms, interval_ms, resume, health)| {
        News { pause_ms, interval_ms, resume, health }
    })
}

/// Any command, the useful ones more often.
pub(super) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => vec(draft(), 0..5).prop_map(Command::Submit),
        8 => (any::<bool>(), 0_usize..6, 1_u64..4_000)
            .prop_map(|(deliver, max, lease_ms)| Command::Claim { deliver, max, lease_ms }),
        2 => (vec(any::<Index>(), 0..4), 0_u64..4_000)
            .prop_map(|(which, by_ms)| Command::Extend { which, by_ms }),
        8 => vec(saying(), 0..4).prop_map(Command::Settle),
        2 => (0..JOBS, option::of(in_ms()))
            .prop_map(|(job, tell)| Command::Cancel { job, tell }),
        2 => (0..JOBS, any::<bool>(), 0..LANES, in_ms())
            .prop_map(|(job, deliver, lane, in_ms)| Command::Redrive { job, deliver, lane, in_ms }),
        2 => (any::<bool>(), 0..LANES, 0_usize..4, 1_u64..4_000)
            .prop_map(|(deliver, lane, max, lease_ms)| Command::ClaimLane {
                deliver, lane, max, lease_ms,
            }),
        2 => (any::<bool>(), 0..LANES, news())
            .prop_map(|(deliver, lane, news)| Command::Tell { deliver, lane, news }),
        1 => any::<bool>().prop_map(|deliver| Command::Relimit { deliver }),
        1 => (0_u8..4, option::of(0_usize..80))
            .prop_map(|(document, bytes)| Command::Put { document, bytes }),
        2 => wanted().prop_map(Command::List),
        1 => (0..GROUPS).prop_map(|group| Command::ForgetGroup { group }),
        1 => (0_u64..6_000, any::<bool>())
            .prop_map(|(older_than_ms, any)| Command::Sweep { older_than_ms, any }),
        4 => (0_u64..2_500).prop_map(|ms| Command::Pass { ms }),
        1 => (0_u64..500).prop_map(|ms| Command::StepBack { ms }),
        1 => Just(Command::Reopen),
    ]
}

fn state() -> impl Strategy<Value = State> {
    use State::{Cancelled, Dead, Done, Leased, Waiting};
    select(vec![Waiting, Leased, Done, Dead, Cancelled])
}

/// The id of job `n`: accepted one second after the one before it, by its id.
pub(super) fn id(n: u64) -> JobId {
    JobId::floor(accepted(n))
}

/// When job `n` was accepted, by its id.
pub(super) fn accepted(n: u64) -> Timestamp {
    at(n * 1_000)
}

impl Draft {
    pub(super) fn job(&self, now: Timestamp, lasting: bool) -> NewJob {
        let new = job(self.job).stage(stage(self.deliver)).spec_of(self.bytes);
        let new = NewJob { id: id(self.job), ..new };
        let expires = self.expires_ms.map(|ms| after(now, ms));
        let new = NewJob { due: after(now, self.in_ms), lane: key(self.lane), expires, ..new };
        let owner = self.kin.owner.map(|n| owner(n).into());
        let new = NewJob { owner, group: self.kin.group.map(group), ..new };
        // Whose turn it is among priorities is forgotten by a restart.
        let new = if lasting { new } else { new.priority(self.priority) };
        match self.key {
            Some((key, fingerprint, ms)) => {
                let mut new = new.key(&format!("key {key}"), fingerprint);
                if let Some(idempotency) = &mut new.idempotency {
                    idempotency.since = now - Duration::from_millis(ms);
                }
                new
            }
            None => new,
        }
    }
}

impl Saying {
    pub(super) fn settlement(&self, lease: Lease, now: Timestamp, lasting: bool) -> Settlement {
        let note = self.note.map(|(n, ms)| NewNote {
            space: "model",
            key: [n; 32],
            value: lease.id.as_bytes().to_vec().into(),
            expires: after(now, ms),
        });
        Settlement {
            lease,
            outcome: self.outcome(now),
            lane: self.news.told(now, lasting),
            attempt: self.attempt.map(body),
            notes: note.into_iter().collect(),
        }
    }

    fn outcome(&self, now: Timestamp) -> Outcome {
        match self.what {
            What::Advance { lane, in_ms, bytes } => {
                Outcome::Advance(next(now, lane, in_ms, bytes, Verdict::Succeeded))
            }
            What::Retry { in_ms } => {
                Outcome::Retry { at: after(now, in_ms), note: "again".to_owned() }
            }
            What::Release { in_ms } => Outcome::Release { at: after(now, in_ms) },
            What::Done { result, note } => Outcome::Done {
                verdict: note.then_some(Verdict::Failed),
                result: result.map(body),
                note: note.then(|| "done".to_owned()),
            },
            What::Dead => Outcome::Dead { note: "dead".to_owned() },
        }
    }
}

pub(super) fn next(now: Timestamp, lane: u8, in_ms: u64, bytes: usize, verdict: Verdict) -> Next {
    let due = after(now, in_ms);
    Next { stage: DELIVER.clone(), lane: key(lane), due, verdict, result: body(bytes) }
}

pub(super) fn stage(deliver: bool) -> &'static Stage {
    if deliver { &DELIVER } else { &FETCH }
}

fn owner(n: u8) -> &'static str {
    if n == 0 { "an owner" } else { "another" }
}

pub(super) fn group(n: u8) -> JobId {
    JobId::from_bytes([n; 16])
}

pub(super) fn key(lane: u8) -> LaneKey {
    LaneKey::new(&format!("lane {lane}"))
}

fn after(now: Timestamp, ms: u64) -> Timestamp {
    now + Duration::from_millis(ms)
}

pub(super) fn body(bytes: usize) -> Bytes {
    Bytes::from((0..bytes).map(|i| (i * 7 + bytes) as u8).collect::<Vec<_>>())
}
