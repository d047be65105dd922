//! Turns a claimed job into a fetch, and what came of it into the job's next step.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use egress::Reservation;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ingest::{JobSpec, Refusal};
use jobs::{Claimed, Clock, Finish, LaneNews, Outcome, Timestamp, Verdict, Work};
use metrics::{counter, histogram};
use rand::RngExt as _;
use scrape::{Kind, Scraper};
use tokio::time::Instant;

use super::options::options;
use super::{Order, spec_of, unreadable};
use crate::event::{self, About, Fetch, Reason, TooLarge};
use crate::logs::millis;
use crate::metrics::{FETCH_SECONDS, FETCHES};

/// Longest that an origin's `Retry-After` is heeded: it is written by a stranger.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);
/// Waits are longer by up to this share at random, so that what failed together does not come
/// back together.
const JITTER_SHARE: f64 = 0.2;
/// Attempts that end in a defect of this program are charged but decide nothing; after this many
/// beyond the schedule the job is given up.
const SPARE_ATTEMPTS: u32 = 3;
/// The error code of a job whose time is up.
const DEADLINE: &str = "deadline";
/// The error code of a job that this version would not accept.
const INVALID: &str = "invalid";
/// A job for which there was no room is put back for this long, more or less.
const ROOM_AGAIN_AFTER: Duration = Duration::from_secs(3);
/// An event's page may be this many times as large as the page was allowed to be: with every format
/// asked for an honest page comes to less, and a hostile one to much more.
const MOST_GROWTH: u64 = 4;
/// Pages below this may grow as if they were this large.
const SMALL_PAGE_BYTES: u64 = 64 * 1024;
/// What an event has besides the page and the caller's metadata.
const EVENT_FRAME_BYTES: u64 = 2 * 1024;

/// When a fetch is tried again, and what limits it.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Wait before each attempt, the first included; as many attempts as entries.
    pub(crate) schedule: Vec<Duration>,
    /// How long after being accepted a job is still repeated.
    pub(crate) deadline: Duration,
    /// Longest fetch.
    pub(crate) timeout: Duration,
    /// Most bytes of a page.
    pub(crate) max_bytes: u64,
    /// Most redirects.
    pub(crate) max_redirects: u32,
}

/// The work of the scrape stage.
pub(crate) struct ScrapeWork {
    /// Where jobs go next.
    pub(crate) order: Arc<Order>,
    /// Fetches and extracts.
    pub(crate) scraper: Scraper,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// When and how often.
    pub(crate) terms: Arc<Terms>,
}

impl Work for ScrapeWork {
    fn run(&self, job: Claimed) -> BoxFuture<'static, Finish> {
        let attempt = Attempt {
            order: Arc::clone(&self.order),
            clock: Arc::clone(&self.clock),
            terms: Arc::clone(&self.terms),
            started: self.clock.now(),
            job,
        };
        let scraper = self.scraper.clone();
        async move { attempt.run(scraper).await }.boxed()
    }
}

/// One attempt at one job.
struct Attempt {
    order: Arc<Order>,
    clock: Arc<dyn Clock>,
    terms: Arc<Terms>,
    started: Timestamp,
    job: Claimed,
}

/// Why an attempt failed.
struct Fault {
    code: &'static str,
    detail: String,
    transient: bool,
    status: Option<u16>,
    retry_after: Option<Duration>,
}

impl Fault {
    fn worn_out() -> Self {
        Self {
            code: "internal",
            detail: "the job was tried too often without an answer".to_owned(),
            transient: true,
            status: None,
            retry_after: None,
        }
    }

    fn out_of_proportion(bytes: u64) -> Self {
        let detail = format!(
            "what was made of the page takes {bytes} bytes in JSON, out of all proportion to it: \
             ask for fewer formats, or for `raw` alone"
        );
        let code = Kind::TooLarge.code();
        Self { code, detail, transient: false, status: None, retry_after: None }
    }
}

impl From<scrape::Error> for Fault {
    fn from(error: scrape::Error) -> Self {
        Self {
            code: error.code(),
            detail: error.to_string(),
            transient: error.is_transient(),
            status: error.status(),
            retry_after: error.retry_after(),
        }
    }
}

/// Whoever accepted the job took selectors that this version does not.
impl From<Refusal> for Fault {
    fn from(Refusal { pointer, detail }: Refusal) -> Self {
        let detail = format!("select{pointer}: {detail}");
        Self { code: INVALID, detail, transient: false, status: None, retry_after: None }
    }
}

impl Attempt {
    async fn run(self, scraper: Scraper) -> Finish {
        let spec = match spec_of(&self.job) {
            Ok(spec) => spec,
            Err(note) => return unreadable(note),
        };
        if self.job.attempt > self.most_attempts(&spec).saturating_add(SPARE_ATTEMPTS) {
            return self.failed(&spec, &Fault::worn_out());
        }
        let Some(timeout) = self.time_left(&spec) else {
            return self.failed(&spec, &self.out_of_time());
        };
        let begun = Instant::now();
        let fetched = self.fetch(&scraper, &spec, timeout).await;
        let took = begun.elapsed();
        histogram!(FETCH_SECONDS).record(took);
        match fetched {
            Ok((event, held)) => {
                counter!(FETCHES, "outcome" => "ok").increment(1);
                tracing::debug!(job.id = %self.job.lease.id, url.host = spec.url.host_str(), attempt = self.job.attempt, duration_ms = millis(took), "fetched");
                let outcome = self.order.after_scrape(
                    &spec,
                    Verdict::Succeeded,
                    event,
                    None,
                    self.clock.now(),
                );
                Finish { held: Some(Box::new(held)), ..outcome.into() }
            }
            Err(fault) => {
                counter!(FETCHES, "outcome" => fault.code).increment(1);
                tracing::info!(job.id = %self.job.lease.id, url.host = spec.url.host_str(), attempt = self.job.attempt, duration_ms = millis(took), error = fault.detail, "fetch failed");
                self.settle(&spec, &fault)
            }
        }
    }

    /// How long this attempt may take; `None` when the job's time is up.
    ///
    /// A job's own deadline is always held. The server's only stops repetitions: a job that waited
    /// long because the server was down or busy still gets its first attempt. One that was judged
    /// before and is fetched anew has no deadline, since its time was that of the first life.
    fn time_left(&self, spec: &JobSpec) -> Option<Duration> {
        let longest = spec.timeout().unwrap_or(self.terms.timeout);
        if self.job.verdict.is_none()
            && let Some(deadline) = spec.deadline()
        {
            let left = deadline.since(self.started);
            return (!left.is_zero()).then(|| longest.min(left));
        }
        Some(longest)
    }

    /// The moment after which the fetch is not repeated.
    fn last_moment(&self, spec: &JobSpec) -> Timestamp {
        match spec.deadline() {
            _ if self.job.verdict.is_some() => self.started + self.terms.deadline,
            Some(deadline) => deadline,
            None => self.job.created_at + self.terms.deadline,
        }
    }

    async fn fetch(
        &self,
        scraper: &Scraper,
        spec: &Arc<JobSpec>,
        timeout: Duration,
    ) -> Result<(Bytes, Reservation), Fault> {
        let request = self.request(spec, timeout)?;
        let (id, clock, spec, fetch) =
            (self.job.lease.id, Arc::clone(&self.clock), Arc::clone(spec), self.about_fetch());
        let most_bytes = request.max_bytes.max(SMALL_PAGE_BYTES).saturating_mul(MOST_GROWTH);
        let build = move |response| {
            let about = About { id, spec: &spec, at: clock.now() };
            event::succeeded(about, fetch, &response, most_bytes)
        };
        let (event, held) = scraper.scrape_with(request, build).await?;
        let event = event.map_err(|TooLarge { bytes }| Fault::out_of_proportion(bytes))?;
        let held = scraper.cover(held, event.len() as u64).await?;
        Ok((event, held))
    }

    fn request(&self, spec: &JobSpec, timeout: Duration) -> Result<scrape::Request, Fault> {
        Ok(scrape::Request {
            url: spec.url.clone(),
            method: spec.method.clone(),
            headers: spec.header_map(),
            body: spec.body.clone().unwrap_or_default(),
            timeout,
            max_bytes: spec.max_bytes.unwrap_or(self.terms.max_bytes),
            max_redirects: spec.max_redirects.unwrap_or(self.terms.max_redirects),
            robots: scrape::Robots::Ignore,
            pace: Duration::ZERO,
            validators: scrape::Validators::default(),
            options: options(spec)?,
            extra_bytes: EVENT_FRAME_BYTES
                + spec.metadata.as_ref().map_or(0, |metadata| metadata.get().len() as u64),
        })
    }

    fn about_fetch(&self) -> Fetch {
        let queued = self.started.since(self.job.created_at);
        Fetch { queued_ms: millis(queued), attempt: self.job.attempt }
    }

    /// How long to wait before the next attempt; `None` when this was the last. A job that asks for
    /// more attempts than the schedule has gets the last wait over and over.
    fn wait_before_next(&self, spec: &JobSpec) -> Option<Duration> {
        let made = self.job.attempt;
        let waits = &self.terms.schedule;
        let next = waits.get(made as usize).or(waits.last()).copied();
        next.filter(|_| made < self.most_attempts(spec))
    }

    fn most_attempts(&self, spec: &JobSpec) -> u32 {
        let scheduled = u32::try_from(self.terms.schedule.len()).unwrap_or(u32::MAX);
        spec.max_attempts.unwrap_or(scheduled)
    }

    /// Again later when that can help, otherwise the end. That there was no room is nobody's fault
    /// but ours: the job is put back as if it had not been claimed.
    fn settle(&self, spec: &JobSpec, fault: &Fault) -> Finish {
        let now = self.clock.now();
        if fault.code == Kind::Busy.code() {
            return Outcome::Release { at: now + jittered(ROOM_AGAIN_AFTER) }.into();
        }
        let asked = fault.retry_after.map(|wait| wait.min(MAX_RETRY_AFTER));
        // Whoever asks for a pause gets it for all that is fetched there.
        let pause_until = match fault.status {
            Some(429 | 503) => asked.map(|wait| now + wait),
            _ => None,
        };
        let scheduled = fault.transient.then(|| self.wait_before_next(spec)).flatten();
        if let Some(wait) = scheduled {
            let at = now + jittered(wait.max(asked.unwrap_or_default()));
            if at < self.last_moment(spec) {
                let outcome = Outcome::Retry { at, note: fault.detail.clone() };
                return Finish { lane: LaneNews::paused(pause_until), ..outcome.into() };
            }
        }
        Finish { lane: LaneNews::paused(pause_until), ..self.failed(spec, fault) }
    }

    /// The end: the receiver is told why.
    fn failed(&self, spec: &JobSpec, fault: &Fault) -> Finish {
        let at = self.clock.now();
        let reason = Reason {
            code: fault.code,
            detail: &fault.detail,
            transient: fault.transient,
            status: fault.status,
        };
        let event =
            event::failed(About { id: self.job.lease.id, spec, at }, self.about_fetch(), &reason);
        let outcome =
            self.order.after_scrape(spec, Verdict::Failed, event, Some(fault.detail.clone()), at);
        outcome.into()
    }

    fn out_of_time(&self) -> Fault {
        counter!(FETCHES, "outcome" => DEADLINE).increment(1);
        tracing::info!(job.id = %self.job.lease.id, attempt = self.job.attempt, "deadline passed before the fetch");
        Fault {
            code: DEADLINE,
            detail: "the job's deadline passed before it could be fetched".to_owned(),
            transient: true,
            status: None,
            retry_after: None,
        }
    }
}

fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(1.0 + rand::rng().random_range(0.0..=JITTER_SHARE))
}

#[cfg(test)]
mod tests;
