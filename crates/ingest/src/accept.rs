use jobs::{JobId, NewJob, Submitted, Timestamp};

use crate::JobSpec;
use crate::auth::Caller;
use crate::problem::{Fault, Kind, Problem};
use crate::router::{Api, store_problem};
use crate::submission::Submission;
use crate::submit::IDEMPOTENCY_KEY;
use crate::validate::{Rules, Valid};

/// A job that may be accepted, by whatever way it came.
pub(crate) struct Ready {
    pub(crate) spec: JobSpec,
    /// The same as it is stored.
    pub(crate) job: NewJob,
}

/// A job that was accepted.
pub(crate) struct Accepted {
    pub(crate) id: JobId,
    pub(crate) created_at: Timestamp,
    pub(crate) spec: JobSpec,
    /// Whether it was accepted before, under the same idempotency key.
    pub(crate) is_replayed: bool,
}

impl Api {
    /// Makes a job of what was checked before.
    pub(crate) fn ready(&self, spec: JobSpec, due: Timestamp) -> Ready {
        let (stage, lane) = self.pipeline.first(&spec);
        let mut job = NewJob::new(JobId::draw(), stage, lane, due, spec.to_bytes());
        job.expires = spec.deadline();
        job.priority = spec.priority.into();
        job.owner = spec.owner.as_deref().map(Into::into);
        job.group = spec.batch;
        Ready { spec, job }
    }
}

impl Caller {
    /// Checks what was asked for, and makes a job of it: a single one, or one of a batch.
    pub(crate) fn prepare(
        &self,
        given: Submission<'_>,
        batch: Option<JobId>,
        now: Timestamp,
    ) -> Result<Ready, Problem> {
        let limits = &self.config.limits;
        let rules = Rules { limits, pipeline: &*self.pipeline, sinks: &*self.sinks, now };
        let Valid { mut spec, due } = rules.check(given)?;
        self.aim(&mut spec)?;
        spec.owner = self.owner().map(|owner| owner.as_ref().to_owned());
        spec.batch = batch;
        Ok(self.ready(spec, due))
    }

    /// Accepts a job. It is accepted even if the caller goes away meanwhile: the store promises it.
    pub(crate) async fn accept(&self, ready: Ready, now: Timestamp) -> Result<Accepted, Problem> {
        let Ready { spec, job } = ready;
        let id = job.id;
        self.charge(1)?;
        let answers = self.store.submit(vec![job], now).await;
        if !matches!(answers.as_deref(), Ok([Submitted::Created])) {
            self.give_back(1);
        }
        match answers.map_err(|e| store_problem(&e))?.into_iter().next() {
            Some(Submitted::Created) => {
                let host = spec.url.host_str();
                tracing::debug!(job.id = %id, url.host = host, "accepted");
                Ok(Accepted { id, created_at: now, spec, is_replayed: false })
            }
            Some(Submitted::Existing { id, created_at }) => {
                self.meters.replayed.increment(1);
                Ok(Accepted { id, created_at, spec, is_replayed: true })
            }
            Some(Submitted::Conflict { id }) => {
                let detail = format!("this key was used for another body, that of job {id}");
                let fault = Fault::header(&IDEMPOTENCY_KEY, detail);
                Err(Problem::faulty(Kind::KeyReused, vec![fault]))
            }
            Some(Submitted::Full) => Err(self.queue_full()),
            None => Err(Problem::new(Kind::Internal, "the store gave no answer")),
        }
    }
}
