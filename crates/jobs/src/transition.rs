//! What every event means: a pure function that all backends share.

use bytes::Bytes;

use crate::{LaneKey, Next, Outcome, Redrive, Stage, State, Timestamp, Verdict};

/// All of a job that a decision can depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it is in its life.
    pub state: State,
    /// Its stage.
    pub stage: Stage,
    /// Its lane in that stage.
    pub lane: LaneKey,
    /// While waiting: not to be claimed before this. While leased: when the lease ends.
    pub due: Timestamp,
    /// Grows whenever a lease is given or revoked.
    pub epoch: u32,
    /// Attempts charged in this stage.
    pub attempts: u32,
    /// When it is given out at once, due or not, if it still waits then; see
    /// [`crate::NewJob::expires`].
    pub expires: Option<Timestamp>,
    /// Set once a stage has passed judgement.
    pub verdict: Option<Verdict>,
}

/// Something that happens to a job.
#[derive(Clone, Debug)]
pub enum Event {
    /// A worker takes it until the given time.
    Claim {
        /// When the lease ends.
        until: Timestamp,
    },
    /// The worker needs longer.
    Extend {
        /// The lease's epoch.
        epoch: u32,
        /// When the lease ends now.
        until: Timestamp,
    },
    /// The worker is finished with it.
    Settle {
        /// The lease's epoch.
        epoch: u32,
        /// What it says.
        outcome: Outcome,
    },
    /// The lease's time is up.
    Expire,
    /// A caller calls it off.
    Cancel {
        /// Where it goes to tell of it.
        next: Option<Next>,
    },
    /// A caller takes it up again.
    Redrive(Redrive),
}

/// What an event changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The job from now on.
    pub row: Row,
    /// The stored result from now on; `None` leaves it as it is.
    pub result: Option<Bytes>,
    /// The note from now on; `None` leaves it as it is.
    pub note: Option<String>,
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not waiting, or neither due nor expired yet.
    NotClaimable,
    /// The lease is over, revoked or superseded.
    LeaseLost,
    /// The job is over.
    Over,
    /// The job is not over.
    Live,
}

/// Decides what `event` at `now` makes of `row`.
///
/// A lease is worth something until somebody else could have got the job: one that has run out
/// but was not yet given to another worker still settles, since the work is done and nobody
/// else's is lost.
pub fn transition(row: &Row, event: Event, now: Timestamp) -> Result<Change, Refusal> {
    match event {
        Event::Claim { until } => claim(row, until, now),
        Event::Extend { epoch, until } => {
            held(row, epoch)?;
            Ok(Change::of(Row { due: until, ..row.clone() }))
        }
        Event::Settle { epoch, outcome } => {
            held(row, epoch)?;
            Ok(settle(row, outcome, now))
        }
        Event::Expire => {
            if row.state != State::Leased || row.due > now {
                return Err(Refusal::NotClaimable);
            }
            let epoch = row.epoch.wrapping_add(1);
            Ok(Change::of(Row { state: State::Waiting, due: now, epoch, ..row.clone() }))
        }
        Event::Cancel { next } => cancel(row, next, now),
        Event::Redrive(to) => redrive(row, to),
    }
}

impl Change {
    const fn of(row: Row) -> Self {
        Self { row, result: None, note: None }
    }
}

fn held(row: &Row, epoch: u32) -> Result<(), Refusal> {
    if row.state == State::Leased && row.epoch == epoch { Ok(()) } else { Err(Refusal::LeaseLost) }
}

fn claim(row: &Row, until: Timestamp, now: Timestamp) -> Result<Change, Refusal> {
    let expired = row.expires.is_some_and(|expires| expires <= now);
    if row.state != State::Waiting || (row.due > now && !expired) {
        return Err(Refusal::NotClaimable);
    }
    let epoch = row.epoch.wrapping_add(1);
    Ok(Change::of(Row { state: State::Leased, due: until, epoch, ..row.clone() }))
}

fn settle(row: &Row, outcome: Outcome, now: Timestamp) -> Change {
    let row = row.clone();
    match outcome {
        Outcome::Advance(next) => Change {
            result: Some(next.result),
            note: None,
            row: Row {
                state: State::Waiting,
                stage: next.stage,
                lane: next.lane,
                due: next.due,
                attempts: 0,
                expires: None,
                verdict: Some(next.verdict),
                epoch: row.epoch,
            },
        },
        Outcome::Retry { at, note } => Change {
            result: None,
            note: Some(note),
            row: Row {
                state: State::Waiting,
                due: at,
                attempts: row.attempts + 1,
                expires: put_back(row.expires, at, now),
                ..row
            },
        },
        Outcome::Release { at } => {
            let expires = put_back(row.expires, at, now);
            Change::of(Row { state: State::Waiting, due: at, expires, ..row })
        }
        Outcome::Done { verdict, result, note } => Change {
            result,
            note,
            row: Row {
                state: State::Done,
                due: now,
                attempts: row.attempts + 1,
                expires: None,
                verdict: verdict.or(row.verdict),
                ..row
            },
        },
        Outcome::Dead { note } => Change {
            result: None,
            note: Some(note),
            row: Row {
                state: State::Dead,
                due: now,
                attempts: row.attempts + 1,
                expires: None,
                ..row
            },
        },
    }
}

/// A job that is put back although its time was up is given out again when it is put back to, not
/// over and over.
fn put_back(expires: Option<Timestamp>, to: Timestamp, now: Timestamp) -> Option<Timestamp> {
    expires.map(|expires| if expires <= now { expires.max(to) } else { expires })
}

fn cancel(row: &Row, next: Option<Next>, now: Timestamp) -> Result<Change, Refusal> {
    if row.state.is_terminal() {
        return Err(Refusal::Over);
    }
    let epoch = row.epoch.wrapping_add(1);
    match next {
        // In the stage that would tell of it there is nothing left but to stop.
        Some(next) if next.stage != row.stage => Ok(Change {
            result: Some(next.result),
            note: None,
            row: Row {
                state: State::Waiting,
                stage: next.stage,
                lane: next.lane,
                due: next.due,
                epoch,
                attempts: 0,
                expires: None,
                verdict: Some(next.verdict),
            },
        }),
        _ => Ok(Change::of(Row {
            state: State::Cancelled,
            due: now,
            epoch,
            expires: None,
            ..row.clone()
        })),
    }
}

fn redrive(row: &Row, to: Redrive) -> Result<Change, Refusal> {
    if !row.state.is_terminal() {
        return Err(Refusal::Live);
    }
    Ok(Change::of(Row {
        state: State::Waiting,
        stage: to.stage,
        lane: to.lane,
        due: to.due,
        epoch: row.epoch.wrapping_add(1),
        attempts: 0,
        expires: None,
        verdict: row.verdict,
    }))
}
