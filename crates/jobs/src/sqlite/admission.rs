use crate::sqlite::ram::Ram;
use crate::{NewJob, Result, Submitted};

/// What can be said of a submission before anything is written.
pub(super) struct Admission {
    /// `None` for those that were admitted.
    pub(super) answers: Vec<Option<Submitted>>,
    pub(super) admitted: Vec<NewJob>,
    /// Refused for want of room, but perhaps accepted before; with their places.
    pub(super) repeats: Vec<(usize, NewJob)>,
}

impl Admission {
    /// Sets room aside for what fits.
    pub(super) fn of(jobs: Vec<NewJob>, ram: &mut Ram) -> Result<Self> {
        ram.scheduler.check_jobs(&jobs)?;
        let mut answers = Vec::with_capacity(jobs.len());
        let mut admitted = Vec::with_capacity(jobs.len());
        let mut repeats = Vec::new();
        for (at, job) in jobs.into_iter().enumerate() {
            if ram.scheduler.admit(job.spec.len() as u64) {
                answers.push(None);
                admitted.push(job);
                continue;
            }
            answers.push(Some(Submitted::Full));
            // An id can only repeat when its drawer repeats itself; a read for each refusal
            // would be a poor answer to overload.
            if job.idempotency.is_some() || ram.scheduler.is_live(job.id) {
                repeats.push((at, job));
            }
        }
        Ok(Self { answers, admitted, repeats })
    }
}
