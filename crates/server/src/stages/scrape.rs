//! Turns a claimed job into a fetch, and what came of it into the job's next step.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use egress::Reservation;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ingest::{JobSpec, Refusal};
use jobs::{
    Claimed, Clock, Finish, JobId, LaneNews, NewNote, Outcome, Store, Timestamp, Verdict, Why, Work,
};
use metrics::{counter, histogram};
use rand::RngExt as _;
use scrape::{Kind, Scraper, Validators};
use tokio::time::Instant;

use super::ledger::Entry;
use super::memory::{self, Known};
use super::options::options;
use super::{Order, host, proxy, spec_of, unreadable};
use crate::event::{self, About, Earlier, Fetch, Reason, Sign, TooLarge};
use crate::logs::millis;
use crate::metrics::{FETCH_SECONDS, FETCHES};
use crate::span::Span;

/// Waits are longer by up to this share at random, so that what failed together does not come
/// back together.
const JITTER_SHARE: f64 = 0.2;
/// Attempts that end in a defect of this program are charged but decide nothing; after this many
/// beyond the schedule the job is given up.
const SPARE_ATTEMPTS: u32 = 3;
/// The error code of a job whose time is up.
const DEADLINE: &str = "deadline";
/// The error code of a job whose host has been failing for too long.
const HOST_UNAVAILABLE: &str = "host_unavailable";
/// The error code of a job that this version would not accept.
pub(super) const INVALID: &str = "invalid";
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
    /// How long it is remembered what a page was like.
    pub(crate) remember: Duration,
}

/// The work of the scrape stage.
pub(crate) struct ScrapeWork {
    /// Where jobs go next.
    pub(crate) order: Arc<Order>,
    /// Has what earlier jobs brought.
    pub(crate) store: Arc<dyn Store>,
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
            store: Arc::clone(&self.store),
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
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    terms: Arc<Terms>,
    started: Timestamp,
    job: Claimed,
}

/// What an attempt ends with that went well.
struct Brought {
    verdict: Verdict,
    event: Bytes,
    held: Option<Reservation>,
    note: Option<NewNote>,
    lane: LaneNews,
    status: Option<u16>,
    /// For whoever watches.
    page: Option<event::Page>,
}

impl Brought {
    fn of(verdict: Verdict, event: Bytes, held: Option<Reservation>) -> Self {
        let lane = LaneNews::default();
        Self { verdict, event, held, note: None, lane, status: None, page: None }
    }
}

/// What was made of an answer.
struct Built {
    page: event::Page,
    what: Result<What, TooLarge>,
    known: Option<Known>,
    lane: LaneNews,
    status: Option<u16>,
    held: Reservation,
}

enum What {
    /// The event that has the page.
    Page(Bytes),
    /// Nothing new.
    Same(Sign),
}

/// Why an attempt failed.
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) detail: String,
    pub(super) transient: bool,
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
    /// What the site's robots.txt asks for, when it was read: least time between two fetches.
    pub(super) crawl_delay: Option<Duration>,
    /// Whether it is the job's own host that is to blame, and not one it redirected to.
    pub(super) of_host: bool,
}

impl Fault {
    pub(super) fn new(code: &'static str, detail: impl Into<String>, transient: bool) -> Self {
        Self {
            code,
            detail: detail.into(),
            transient,
            status: None,
            retry_after: None,
            crawl_delay: None,
            of_host: false,
        }
    }

    fn worn_out() -> Self {
        Self::new("internal", "the job was tried too often without an answer", true)
    }

    fn out_of_proportion(bytes: u64) -> Self {
        let detail = format!(
            "what was made of the page takes {bytes} bytes in JSON, out of all proportion to it: \
             ask for fewer formats, or for `raw` alone"
        );
        Self::new(Kind::TooLarge.code(), detail, false)
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
            crawl_delay: error.crawl_delay(),
            of_host: error.is_of_first_origin(),
        }
    }
}

/// Whoever accepted the job took selectors that this version does not.
impl From<Refusal> for Fault {
    fn from(Refusal { pointer, detail }: Refusal) -> Self {
        Self::new(INVALID, format!("select{pointer}: {detail}"), false)
    }
}

impl Attempt {
    async fn run(self, scraper: Scraper) -> Finish {
        let spec = match spec_of(&self.job) {
            Ok(spec) => spec,
            Err(note) => return unreadable(note),
        };
        if let Some(notice) = &spec.notice {
            // There is nothing to fetch: it is told as it stands.
            let event = Bytes::from(notice.get().to_owned());
            let now = self.clock.now();
            return self.order.after_scrape(&spec, Verdict::Succeeded, event, None, now).into();
        }
        if let Some(why) = self.job.without_work {
            return self.failed(&spec, &self.given_up(why));
        }
        if self.job.attempt > self.most_attempts(&spec).saturating_add(SPARE_ATTEMPTS) {
            return self.failed(&spec, &Fault::worn_out());
        }
        let Some(timeout) = self.time_left(&spec) else {
            return self.failed(&spec, &self.out_of_time());
        };
        let known = self.known(&spec).await;
        if let Some(kept) = self.young_enough(&scraper, &spec, known.as_ref()).await {
            counter!(FETCHES, "outcome" => "kept").increment(1);
            return self.brought(&spec, kept, Duration::ZERO);
        }
        let begun = Instant::now();
        let fetched = self.fetch(&scraper, &spec, known, timeout).await;
        let took = begun.elapsed();
        histogram!(FETCH_SECONDS).record(took);
        match fetched {
            Ok(brought) => {
                counter!(FETCHES, "outcome" => "ok").increment(1);
                tracing::debug!(job.id = %self.job.lease.id, url.host = spec.url.host_str(), attempt = self.job.attempt, duration_ms = millis(took), "fetched");
                self.brought(&spec, brought, took)
            }
            Err(fault) => {
                counter!(FETCHES, "outcome" => fault.code).increment(1);
                tracing::info!(job.id = %self.job.lease.id, url.host = spec.url.host_str(), attempt = self.job.attempt, duration_ms = millis(took), error = fault.detail, "fetch failed");
                self.settle(&spec, &fault, took)
            }
        }
    }

    /// On to the receiver with what there is.
    fn brought(&self, spec: &JobSpec, brought: Brought, took: Duration) -> Finish {
        let Brought { verdict, event, held, note, lane, status, page } = brought;
        let at = self.clock.now();
        let about = About { id: self.job.lease.id, spec, at };
        self.order.publish(verdict, about, page.as_ref(), None);
        let outcome = self.order.after_scrape(spec, verdict, event, None, at);
        Finish {
            outcome,
            lane,
            attempt: Some(self.entry("ok", status, None, took, None)),
            notes: note.into_iter().collect(),
            held: held.map(|held| Box::new(held) as _),
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

    /// Fetches, and fetches once more when the site stands by a page that is gone here.
    async fn fetch(
        &self,
        scraper: &Scraper,
        spec: &Arc<JobSpec>,
        known: Option<Known>,
        timeout: Duration,
    ) -> Result<Brought, Fault> {
        let known = known.map(Arc::new);
        let mut validators = self.validators(spec, known.as_deref()).await;
        loop {
            let asked = !validators.is_empty();
            let mut request = self.request(spec, timeout)?;
            request.validators = std::mem::take(&mut validators);
            let built = self.build(scraper, spec, known.clone(), request).await?;
            let Built { page, what, known: renewed, lane, status, held } = built;
            let note = renewed.as_ref().map(|known| self.note(spec, known));
            let by = match what.map_err(|TooLarge { bytes }| Fault::out_of_proportion(bytes))? {
                What::Page(event) => {
                    let held = scraper.cover(held, event.len() as u64).await?;
                    let (verdict, held) = (Verdict::Succeeded, Some(held));
                    let page = Some(page);
                    return Ok(Brought { verdict, event, held, note, lane, status, page });
                }
                What::Same(by) => by,
            };
            drop(held);
            let kept = match spec.only_if_changed {
                // Since when it has been so for sure: the last time before this one.
                true => known
                    .as_ref()
                    .and_then(|known| known.earlier(by))
                    .map(|earlier| self.unchanged(spec, earlier)),
                false => match renewed.as_ref().and_then(|known| known.earlier(by)) {
                    Some(earlier) => self.kept(scraper, spec, earlier).await,
                    None => None,
                },
            };
            match kept {
                Some(kept) => return Ok(Brought { note, lane, status, ..kept }),
                // Without validators the site cannot answer like this again.
                None if asked => {}
                None => return Err(Fault::worn_out()),
            }
        }
    }

    /// One request, and what is made of its answer.
    async fn build(
        &self,
        scraper: &Scraper,
        spec: &Arc<JobSpec>,
        known: Option<Arc<Known>>,
        request: scrape::Request,
    ) -> Result<Built, Fault> {
        let (id, clock, spec, fetch) =
            (self.job.lease.id, Arc::clone(&self.clock), Arc::clone(spec), self.about_fetch());
        let most_bytes = request.max_bytes.max(SMALL_PAGE_BYTES).saturating_mul(MOST_GROWTH);
        let (obeyed, keeps) = (request.robots == scrape::Robots::Obey, self.job.interval);
        let make = move |response: scrape::Response| {
            let at = clock.now();
            let status = Some(response.status.as_u16());
            let lane = host::after_answer(&spec.url, &response, obeyed, keeps, at);
            let (what, known) = judge(&spec, known.as_deref(), &response, id, at);
            let what = match what {
                Some(by) => Ok(What::Same(by)),
                None => {
                    event::succeeded(About { id, spec: &spec, at }, fetch, &response, most_bytes)
                        .map(What::Page)
                }
            };
            (event::Page::of(&response), what, known, lane, status)
        };
        let ((page, what, known, lane, status), held) = scraper.scrape_with(request, make).await?;
        Ok(Built { page, what, known, lane, status, held })
    }

    /// What is known of the page, when the job wants to know.
    async fn known(&self, spec: &JobSpec) -> Option<Known> {
        if !memory::is_wanted(spec) {
            return None;
        }
        match self.store.note(memory::PAGES, memory::key(spec)).await {
            Ok(note) => Known::read(&note?.value),
            Err(error) => {
                tracing::warn!(job.id = %self.job.lease.id, %error, "a note could not be read; fetching anew");
                None
            }
        }
    }

    /// The page without asking the site, when the job takes one of its age.
    async fn young_enough(
        &self,
        scraper: &Scraper,
        spec: &JobSpec,
        known: Option<&Known>,
    ) -> Option<Brought> {
        let max_age = Duration::from_millis(spec.cache?.max_age_ms?);
        let known = known.filter(|known| known.is_fresh(max_age, self.started))?;
        let earlier = known.earlier(Sign::Age)?;
        match spec.only_if_changed {
            true => Some(self.unchanged(spec, earlier)),
            false => self.kept(scraper, spec, earlier).await,
        }
    }

    /// What to ask with, when an answer without a page would do.
    async fn validators(&self, spec: &JobSpec, known: Option<&Known>) -> Validators {
        let Some(known) = known else {
            return Validators::default();
        };
        let revalidates = spec.cache.is_some_and(|cache| cache.revalidate);
        let usable = spec.only_if_changed || (revalidates && self.has_page(known).await);
        if usable { known.validators() } else { Validators::default() }
    }

    async fn has_page(&self, known: &Known) -> bool {
        let Some(job) = known.job() else {
            return false;
        };
        let record = self.store.get(job).await.ok().flatten();
        record.is_some_and(|record| record.result_bytes.is_some())
    }

    fn note(&self, spec: &JobSpec, known: &Known) -> NewNote {
        known.note(memory::key(spec), self.clock.now() + self.terms.remember)
    }

    fn unchanged(&self, spec: &JobSpec, earlier: Earlier) -> Brought {
        let about = About { id: self.job.lease.id, spec, at: self.clock.now() };
        Brought::of(Verdict::Unchanged, event::unchanged(about, self.about_fetch(), earlier), None)
    }

    /// The page as an earlier job has it; `None` when it is not there any more.
    async fn kept(&self, scraper: &Scraper, spec: &JobSpec, earlier: Earlier) -> Option<Brought> {
        let record = self.store.get(earlier.job).await.ok()??;
        // The stored event and the new one.
        let held = scraper.reserve(record.result_bytes?.saturating_mul(2)).await.ok()?;
        let stored = self.store.result(earlier.job).await.ok()??;
        let about = About { id: self.job.lease.id, spec, at: self.clock.now() };
        let event = event::again(about, self.about_fetch(), &stored, earlier)?;
        Some(Brought::of(Verdict::Succeeded, event, Some(held)))
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
            robots: self.order.robots(spec),
            pace: self.job.interval,
            validators: Validators::default(),
            proxy: proxy::of(&self.order.proxies, spec)?,
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
        let own = |at: usize| spec.waits_ms.get(at).copied().map(Duration::from_millis);
        let next = match spec.waits_ms.len() {
            0 => self.terms.schedule.get(made as usize).or(self.terms.schedule.last()).copied(),
            all => own(made as usize).or_else(|| own(all - 1)),
        };
        next.filter(|_| made < self.most_attempts(spec))
    }

    fn most_attempts(&self, spec: &JobSpec) -> u32 {
        let waits = match spec.waits_ms.len() {
            0 => self.terms.schedule.len(),
            own => own,
        };
        spec.max_attempts.unwrap_or(u32::try_from(waits).unwrap_or(u32::MAX))
    }

    /// Again later when that can help, otherwise the end. That there was no room is nobody's fault
    /// but ours, and that the site wants more time between fetches nobody's at all: the job is put
    /// back as if it had not been claimed.
    fn settle(&self, spec: &JobSpec, fault: &Fault, took: Duration) -> Finish {
        let now = self.clock.now();
        let lane = host::after_fault(fault, self.job.interval, now);
        let put_back = match fault.code {
            code if code == Kind::Busy.code() => Some(now + jittered(ROOM_AGAIN_AFTER)),
            code if code == Kind::Paced.code() => Some(now),
            _ => None,
        };
        if let Some(at) = put_back {
            return Finish { lane, ..Outcome::Release { at }.into() };
        }
        let asked = fault.retry_after.map(|wait| wait.min(host::MAX_RETRY_AFTER));
        let scheduled = fault.transient.then(|| self.wait_before_next(spec)).flatten();
        let next_at = scheduled
            .map(|wait| now + jittered(wait.max(asked.unwrap_or_default())))
            .filter(|at| *at < self.last_moment(spec));
        let attempt = self.entry(fault.code, fault.status, Some(&fault.detail), took, next_at);
        let finish = match next_at {
            Some(at) => Outcome::Retry { at, note: fault.detail.clone() }.into(),
            None => self.failed(spec, fault),
        };
        Finish { lane, attempt: Some(attempt), ..finish }
    }

    /// What the ledger keeps of this attempt.
    fn entry(
        &self,
        outcome: &str,
        status: Option<u16>,
        detail: Option<&str>,
        took: Duration,
        next_at: Option<Timestamp>,
    ) -> Bytes {
        let (attempt, at) = (self.job.attempt, self.started);
        Entry { stage: "fetch", attempt, at, took, outcome, status, detail, next_at }.to_bytes()
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
        let about = About { id: self.job.lease.id, spec, at };
        let event = event::failed(about, self.about_fetch(), &reason);
        self.order.publish(Verdict::Failed, about, None, Some(&reason));
        let outcome =
            self.order.after_scrape(spec, Verdict::Failed, event, Some(fault.detail.clone()), at);
        outcome.into()
    }

    fn out_of_time(&self) -> Fault {
        counter!(FETCHES, "outcome" => DEADLINE).increment(1);
        tracing::info!(job.id = %self.job.lease.id, attempt = self.job.attempt, "deadline passed before the fetch");
        Fault::new(DEADLINE, "the job's deadline passed before it could be fetched", true)
    }

    /// The queue gave the job out to be ended, not to be fetched.
    fn given_up(&self, why: Why) -> Fault {
        match why {
            Why::Expired => self.out_of_time(),
            Why::LaneFailing => {
                counter!(FETCHES, "outcome" => HOST_UNAVAILABLE).increment(1);
                let detail = format!(
                    "nobody was answered by the host for {}, and this job has waited as long",
                    Span(self.terms.deadline)
                );
                Fault::new(HOST_UNAVAILABLE, detail, true)
            }
        }
    }
}

/// Whether the answer brings nothing new, and what is known of the page from now on. Nothing is
/// reckoned for a job that does not want to know.
fn judge(
    spec: &JobSpec,
    known: Option<&Known>,
    response: &scrape::Response,
    id: JobId,
    at: Timestamp,
) -> (Option<Sign>, Option<Known>) {
    let again = |known: &Known| Some(known.seen_again(at, response));
    if response.not_modified {
        return (Some(Sign::Validators), known.and_then(again));
    }
    if !memory::is_wanted(spec) {
        return (None, None);
    }
    let hash = response.content_hash();
    match known.filter(|known| spec.only_if_changed && known.is_same(&hash)) {
        Some(known) => (Some(Sign::Content), again(known)),
        None => (None, Some(Known::of(id, at, response, hash))),
    }
}

fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(1.0 + rand::rng().random_range(0.0..=JITTER_SHARE))
}

#[cfg(test)]
mod tests;
