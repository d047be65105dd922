//! From lines to stored jobs, a group at a time.

use std::time::Duration;

use jobs::{Idempotency, JobId, NewJob, Submitted, Timestamp};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::lines::Line;
use super::verdicts::Verdicts;
use crate::auth::Caller;
use crate::parse;
use crate::problem::{Kind, Problem};
use crate::router::store_problem;
use crate::submission::Submission;

/// A group has at most so many lines,
const GROUP_LINES: usize = 1_000;
/// and so many bytes of them and what their jobs take, or one line more.
pub(crate) const GROUP_BYTES: usize = 512 << 10;
/// How long a group waits for room in the queue.
const ROOM_PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before looking for room again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Makes jobs of lines.
pub(crate) struct Intake<'a> {
    caller: &'a Caller,
    /// The batch.
    id: JobId,
    places: Option<&'a Places>,
    defaults: Option<Submission<'a>>,
    group: Group,
}

/// What an idempotency key means for the lines of a batch: each has a key of its own.
pub(crate) struct Places {
    batch: JobId,
    /// What the fingerprints of all lines begin with.
    begun: Sha256,
    /// The keys are free again when their jobs were accepted before this.
    since: Timestamp,
}

impl Places {
    /// For lines that all have these defaults.
    pub(crate) fn new(batch: JobId, defaults: Option<&str>, since: Timestamp) -> Self {
        let begun = Sha256::new_with_prefix(defaults.unwrap_or_default());
        Self { batch, begun: begun.chain_update([b'\n']), since }
    }

    fn of(&self, line: u64, text: &[u8]) -> Idempotency {
        let fingerprint = self.begun.clone().chain_update(text).finalize().into();
        // No caller's key begins with a line end.
        let key = format!("\n{}/{line}", self.batch);
        Idempotency { key, fingerprint, since: self.since }
    }
}

/// Lines that go to the store together.
#[derive(Default)]
pub(crate) struct Group {
    jobs: Vec<NewJob>,
    lines: Vec<(u64, Made)>,
    bytes: usize,
}

/// What was made of a line.
enum Made {
    /// The next one of the group's jobs.
    Job(JobId),
    Refused(Problem),
}

impl Group {
    pub(crate) const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.lines.len() >= GROUP_LINES || self.bytes >= GROUP_BYTES
    }
}

impl<'a> Intake<'a> {
    pub(crate) fn new(
        caller: &'a Caller,
        id: JobId,
        places: Option<&'a Places>,
        defaults: Option<Submission<'a>>,
    ) -> Self {
        Self { caller, id, places, defaults, group: Group::default() }
    }

    pub(crate) const fn group(&self) -> &Group {
        &self.group
    }

    /// Gives the group away and begins another.
    pub(crate) fn take_group(&mut self) -> Group {
        std::mem::take(&mut self.group)
    }

    pub(crate) fn take(&mut self, number: u64, line: &Line<'_>, now: Timestamp) {
        let made = match line {
            Line::Whole(text) => self.job(number, text, now),
            Line::TooLong => {
                let max = self.caller.config.max_body;
                Err(Problem::new(Kind::TooLarge, format!("the line is longer than {max} bytes")))
            }
        };
        let made = match made {
            Ok(job) => {
                self.group.bytes += job.spec.len();
                let id = job.id;
                self.group.jobs.push(job);
                Made::Job(id)
            }
            Err(problem) => Made::Refused(problem),
        };
        self.group.lines.push((number, made));
    }

    fn job(&self, number: u64, text: &[u8], now: Timestamp) -> Result<NewJob, Problem> {
        let mut given = parse::submission(text)?;
        if let Some(defaults) = &self.defaults {
            given.fill(defaults);
        }
        let mut job = self.caller.prepare(given, Some(self.id), now)?.job;
        job.idempotency = self.places.map(|places| places.of(number, text));
        Ok(job)
    }
}

/// A group that the store has answered.
pub(crate) struct Stored {
    lines: Vec<(u64, Made)>,
    answers: jobs::Result<Vec<Submitted>>,
}

/// Puts a group on disk. Jobs for which there is no room wait for it a little, and so do those that
/// come faster than the caller's key allows.
pub(crate) async fn store(caller: Caller, mut group: Group) -> Stored {
    if caller.key().is_some() {
        charge(&caller, &mut group).await;
    }
    let Group { jobs, lines, .. } = group;
    let answers = submit(&caller, &jobs).await;
    let is_new = |answer: &&Submitted| **answer == Submitted::Created;
    let accepted = answers.iter().flatten().filter(is_new).count();
    caller.give_back((jobs.len() - accepted) as u64);
    caller.meters.accepted.increment(accepted as u64);
    Stored { lines, answers }
}

/// Counts the jobs of a group one by one, and refuses those that are beyond the caller's limits.
async fn charge(caller: &Caller, group: &mut Group) {
    let patience = Instant::now() + ROOM_PATIENCE;
    let mut jobs = std::mem::take(&mut group.jobs).into_iter();
    for (_, made) in &mut group.lines {
        let Made::Job(_) = made else {
            continue;
        };
        let Some(job) = jobs.next() else {
            return;
        };
        let refused = loop {
            match caller.charge(1) {
                Ok(()) => break None,
                Err(problem) if is_soon_over(&problem) && Instant::now() < patience => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(problem) => break Some(problem),
            }
        };
        match refused {
            Some(problem) => *made = Made::Refused(problem),
            None => group.jobs.push(job),
        }
    }
}

/// Whether a limit is worth waiting for: a rate is, a quota is not.
fn is_soon_over(problem: &Problem) -> bool {
    problem.retry_after_s().is_some_and(|wait_s| wait_s <= ROOM_PATIENCE.as_secs())
}

async fn submit(caller: &Caller, jobs: &[NewJob]) -> jobs::Result<Vec<Submitted>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let mut answers = caller.store.submit(jobs.to_vec(), caller.clock.now()).await?;
    let patience = Instant::now() + ROOM_PATIENCE;
    loop {
        let is_full = |at: &usize| answers[*at] == Submitted::Full;
        let full: Vec<_> = (0..answers.len()).filter(is_full).collect();
        if full.is_empty() || Instant::now() >= patience {
            return Ok(answers);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        let again = full.iter().map(|at| jobs[*at].clone()).collect();
        // Whoever has an answer keeps it, whatever becomes of the others.
        let Ok(later) = caller.store.submit(again, caller.clock.now()).await else {
            return Ok(answers);
        };
        for (at, answer) in full.into_iter().zip(later) {
            answers[at] = answer;
        }
    }
}

impl Stored {
    /// Says what became of each line. When the store does not work, that is why no more is to be
    /// read.
    pub(crate) fn tell(self, caller: &Caller, verdicts: &mut Verdicts) -> Result<(), jobs::Error> {
        let Self { lines, answers } = self;
        let mut told = answers.iter().flatten();
        for (line, made) in lines {
            match (made, &answers) {
                (Made::Refused(problem), _) => verdicts.refused(caller, line, &problem),
                (Made::Job(_), Err(error)) => {
                    verdicts.refused(caller, line, &store_problem(error));
                }
                (Made::Job(id), Ok(_)) => match told.next() {
                    Some(answer) => verdicts.told(caller, line, id, answer),
                    None => {
                        let problem = Problem::new(Kind::Internal, "the store gave no answer");
                        verdicts.refused(caller, line, &problem);
                    }
                },
            }
        }
        match answers {
            Err(error) if !error.is_transient() => Err(error),
            _ => Ok(()),
        }
    }
}
