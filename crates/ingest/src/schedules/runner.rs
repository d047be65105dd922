//! Runs what is due.
//!
//! The id of a run's job is derived from the schedule and the planned time, so a run that is
//! submitted again after a crash, or because its schedule could not be kept, is there already.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jobs::{JobId, Timestamp};
use tokio_util::sync::CancellationToken;

use super::definition::ready;
use super::rule::Run;
use super::stored::{Known, Last, Missed, Outcome};
use super::table::Entry;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::router::Api;

/// Longest sleep: the clock may be set meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
const LEAST_PAUSE: Duration = Duration::from_millis(10);
/// A sleep that was longer than it should by this much was the machine's.
const ASLEEP: Duration = Duration::from_secs(60);
/// Schedules that are served at once.
const AT_ONCE: usize = 32;
/// Runs of one schedule that are made up for at once, the latest of them.
const MAX_RUNS: usize = 100;
/// First wait after a run that could not be accepted; twice as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(60);
/// When the schedules cannot be read.
const LOAD_AGAIN: Duration = Duration::from_secs(5);

/// Runs what is due until `stop`.
pub(crate) async fn run(api: Arc<Api>, stop: CancellationToken) {
    let running = Runner::new(api).run();
    // What is being submitted is found again at the next start.
    let _ = stop.run_until_cancelled_owned(running).await;
}

struct Runner {
    api: Arc<Api>,
    /// Runs before this were missed, if they were not made.
    awake: Timestamp,
    troubles: HashMap<JobId, Trouble>,
}

/// A schedule that is not looked at for a while.
#[derive(Clone, Copy)]
struct Trouble {
    until: Timestamp,
    wait: Duration,
}

/// How serving a schedule ended.
enum Served {
    /// There is nothing more to do before this; `None` for never.
    Until(Option<Timestamp>),
    /// Try again later.
    Again,
}

impl Runner {
    fn new(api: Arc<Api>) -> Self {
        let awake = api.clock.now();
        Self { api, awake, troubles: HashMap::new() }
    }

    async fn run(mut self) {
        let api = Arc::clone(&self.api);
        loop {
            let changed = api.schedules.changed.notified();
            let before = api.clock.now();
            let pause = match self.look(before).await {
                Ok(next) => next.map_or(LOOK_AGAIN, |next| next.since(api.clock.now())),
                Err(_) => LOAD_AGAIN,
            };
            let pause = pause.clamp(LEAST_PAUSE, LOOK_AGAIN);
            let before = api.clock.now();
            // Nothing is missed by one more look.
            let _ = tokio::time::timeout(pause, changed).await;
            let now = api.clock.now();
            if now.since(before) > pause + ASLEEP {
                self.awake = now;
            }
        }
    }

    /// Serves every schedule that has something due; when to look again.
    async fn look(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
        let entries = self.api.schedules.all(&self.api).await?;
        let mut next: Option<Timestamp> = None;
        let mut sooner = |at: Option<Timestamp>| next = next.into_iter().chain(at).min();
        let mut due = Vec::new();
        for entry in entries {
            let Some(known) = entry.known().filter(|known| known.schedule.paused_ms.is_none())
            else {
                continue;
            };
            match self.troubles.get(&known.id) {
                Some(trouble) if trouble.until > now => sooner(Some(trouble.until)),
                _ => match known.next(now) {
                    Some(run) if run.at <= now => due.push((entry, known)),
                    run => sooner(run.map(|run| run.at)),
                },
            }
        }
        let mut troubles = std::mem::take(&mut self.troubles);
        let mut serving = stream::iter(due.into_iter().map(|(entry, known)| {
            let (api, awake) = (&self.api, self.awake);
            async move { (known.id, serve(api, awake, &entry, &known, now).await) }
        }))
        .buffer_unordered(AT_ONCE);
        while let Some((id, served)) = serving.next().await {
            match served {
                Served::Until(next) => {
                    troubles.remove(&id);
                    sooner(next);
                }
                Served::Again => {
                    let wait = troubles
                        .get(&id)
                        .map_or(FIRST_WAIT, |before| MAX_WAIT.min(before.wait.saturating_mul(2)));
                    let until = now + wait;
                    troubles.insert(id, Trouble { until, wait });
                    sooner(Some(until));
                }
            }
        }
        drop(serving);
        // A clock that is set back must not make a wait longer.
        troubles.retain(|_, trouble| trouble.until.since(now) <= trouble.wait);
        self.troubles = troubles;
        Ok(next)
    }
}

/// Submits what is due of one schedule, and keeps how that went.
async fn serve(
    api: &Arc<Api>,
    awake: Timestamp,
    entry: &Arc<Entry>,
    known: &Known,
    now: Timestamp,
) -> Served {
    let due = known.rule.due(known.after(now), now, MAX_RUNS);
    let Some(latest) = due.last().copied() else {
        return Served::Until(known.next(now).map(|run| run.at));
    };
    let awake = awake.max(Timestamp::from_millis(known.schedule.awake_ms));
    let mut last = None;
    let mut done = None;
    for run in chosen(&due, known.schedule.missed, awake) {
        match submit(api, known, run).await {
            Ok(job) => {
                last = Some(told(api, run, Outcome::Submitted, Some(job), None));
                done = Some(run.planned);
            }
            Err(problem) if problem.is_transient() => {
                let told = told(api, run, Outcome::Retrying, None, Some(&problem));
                tracing::warn!(schedule.id = %known.id, reason = problem.kind().slug(), "run is tried again later");
                if let Some(done) = done {
                    let _ = keep(api, entry, known, last, done).await;
                }
                entry.show(|known| known.with(|schedule| schedule.last = Some(told)));
                return Served::Again;
            }
            Err(problem) => {
                let reason = problem.kind().slug();
                tracing::warn!(schedule.id = %known.id, reason, "run refused");
                last = Some(told(api, run, Outcome::Refused, None, Some(&problem)));
                done = Some(run.planned);
            }
        }
    }
    let last = last.or_else(|| Some(told(api, latest, Outcome::Skipped, None, None)));
    match keep(api, entry, known, last, latest.planned).await {
        Ok(()) => {
            let next = entry.known().and_then(|known| known.next(now));
            Served::Until(next.map(|run| run.at))
        }
        Err(_) => Served::Again,
    }
}

/// Those of the due runs that are made.
fn chosen(due: &[Run], missed: Missed, awake: Timestamp) -> impl Iterator<Item = Run> {
    let timely = due.iter().position(|run| run.at >= awake).unwrap_or(due.len());
    let from = match missed {
        Missed::Skip => timely,
        Missed::Once => timely.saturating_sub(1),
        Missed::All => 0,
    };
    due[from..].iter().copied()
}

/// Submits a run's job; the same job, whenever it is submitted again.
async fn submit(api: &Arc<Api>, known: &Known, run: Run) -> Result<JobId, Problem> {
    let owner = known.schedule.owner.as_deref().map(Arc::from);
    let caller = Caller::on_behalf(api, owner);
    let mut ready = ready(&caller, &known.schedule.name, &known.schedule.job)?;
    ready.job.id = known.rule.job_id(run.planned);
    let accepted = caller.accept(ready, api.clock.now()).await?;
    Ok(accepted.id)
}

fn told(
    api: &Api,
    run: Run,
    outcome: Outcome,
    job: Option<JobId>,
    problem: Option<&Problem>,
) -> Last {
    Last {
        at_ms: api.clock.now().as_millis(),
        planned_ms: Some(run.planned.as_millis()),
        outcome,
        job: job.map(|job| job.to_string()),
        detail: problem.map(|problem| problem.detail().to_owned()),
    }
}

/// Keeps that runs up to `done` are dealt with. When the rule was changed meanwhile it counts
/// from there.
async fn keep(
    api: &Arc<Api>,
    entry: &Arc<Entry>,
    served: &Known,
    last: Option<Last>,
    done: Timestamp,
) -> Result<(), Problem> {
    let before = served.schedule.after_ms;
    let kept = entry.change(Arc::clone(api), move |known| {
        let changed = known.with(|schedule| {
            schedule.last = last;
            if schedule.after_ms == before {
                schedule.after_ms = done.as_millis();
            }
        });
        Ok(Some(changed))
    });
    kept.await.map(drop)
}
