//! Disables sinks and opens them again, and keeps what the store knows of their lanes in step.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ingest::{Disabled, Feed, JobSpec, SINKS};
use jobs::{
    Clock, Health, JobId, LaneKey, LaneNews, LaneView, NewJob, Outcome, Settlement, Store,
    Submitted, Timestamp,
};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::{Disabling, Registry, Sink};
use crate::event;
use crate::span::Span;
use crate::stages::{DELIVER, PULL, lane};

/// Until when the lane of a disabled sink is paused: the year 2100. Nobody else asks for so long.
pub(crate) const HELD: Timestamp = Timestamp::from_millis(4_102_444_800_000);
/// How often every lane is looked at.
const ROUND: Duration = Duration::from_secs(10);
/// Most lanes that are looked at, busiest first.
const MOST_LANES: usize = 10_000;
/// Jobs that are taken in one round from a lane that has no sink any more.
const MOST_ORPHANS: usize = 100;
/// How long one of them may take.
const ORPHAN_LEASE: Duration = Duration::from_secs(60);
/// The type of the event that tells of it.
const EVENT: &str = "sink.disabled";

/// The space of the store's documents for disabled lanes that have no name.
pub(crate) const DISABLED_LANES: &str = "disabled-lanes";

/// Disables sinks and opens them again.
pub(crate) struct Switch {
    /// The sinks.
    pub(crate) registry: Arc<Registry>,
    /// Has their lanes.
    pub(crate) store: Arc<dyn Store>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Told of it.
    pub(crate) feed: Feed,
    /// How long a sink may fail; `None` for ever.
    pub(crate) disable_after: Option<Duration>,
}

/// What is to be done about a lane.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// Its sink is disabled: nothing is to be given out.
    Hold,
    /// Its sink is not disabled any more.
    LetGo,
    /// It has failed for too long, this long.
    Disable(Duration),
}

fn step(view: &LaneView, disabled: bool, disable_after: Option<Duration>, now: Timestamp) -> Step {
    let held = view.paused_until.is_some_and(|until| until >= HELD);
    match (disabled, held) {
        (true, false) => return Step::Hold,
        (false, true) => return Step::LetGo,
        (true, true) => return Step::Nothing,
        (false, false) => {}
    }
    let failing = view.failing_since.map(|since| now.since(since));
    match (failing, disable_after) {
        (Some(failing), Some(patience)) if failing >= patience => Step::Disable(failing),
        _ => Step::Nothing,
    }
}

/// Nothing is given out until it is taken back; its jobs are given up in time, as those of a sink
/// that fails.
pub(crate) fn held() -> LaneNews {
    LaneNews { pause_until: Some(HELD), health: Some(Health::Bad), ..LaneNews::default() }
}

/// As if nothing had been.
fn let_go() -> LaneNews {
    LaneNews { resume: true, health: Some(Health::Good), ..LaneNews::default() }
}

impl Switch {
    /// What an earlier run stored of sinks.
    ///
    /// # Errors
    /// The store cannot tell.
    pub(crate) async fn load(&self) -> jobs::Result<()> {
        let sinks = self.store.documents(SINKS).await?;
        let disabled = self.store.documents(DISABLED_LANES).await?;
        self.registry.load(sinks, disabled);
        self.relimit();
        Ok(())
    }

    /// The limits of sinks may be others now.
    pub(crate) fn relimit(&self) {
        self.store.relimit(&DELIVER);
    }

    /// Looks at every lane now and then, until `stop`.
    pub(crate) async fn keep_watch(self: Arc<Self>, stop: CancellationToken) {
        loop {
            // Nobody waits for a sink that was opened again until the next round.
            let pause = tokio::time::timeout(ROUND, self.registry.news());
            if stop.run_until_cancelled(pause).await.is_none()
                || stop.run_until_cancelled(self.look()).await.is_none()
            {
                return;
            }
        }
    }

    /// Looks at every lane once.
    pub(crate) async fn look(&self) {
        for lane in self.registry.reopened() {
            self.open(&lane).await;
        }
        let now = self.clock.now();
        for view in self.store.lanes(MOST_LANES, now) {
            if view.stage == PULL {
                self.see_to_orphans(&view.key).await;
            }
            if view.stage != DELIVER {
                continue;
            }
            let disabled = self.registry.disabled(&view.key).is_some();
            match step(&view, disabled, self.disable_after, now) {
                Step::Nothing => {}
                Step::Hold | Step::LetGo => self.apply(&view.key).await,
                Step::Disable(failing) => {
                    let days = Span(Duration::from_secs(failing.as_secs()));
                    self.disable(&view.key, format!("failing for {days}")).await;
                }
            }
        }
    }

    /// Tells the store what holds for the lane of a sink that was changed.
    pub(crate) async fn apply(&self, lane: &LaneKey) {
        let news = if self.registry.disabled(lane).is_some() { held() } else { let_go() };
        if let Err(error) = self.store.tell(&DELIVER, lane, news, self.clock.now()).await {
            tracing::warn!(lane = %lane, %error, "a lane could not be held or let go; trying again");
        }
    }

    /// A sink without a name is wanted again by somebody.
    async fn open(&self, lane: &LaneKey) {
        let key = lane.as_str().to_owned();
        if let Err(error) = self.store.put_document(DISABLED_LANES, key, None).await {
            tracing::warn!(lane = %lane, %error, "could not store that a sink is enabled");
        }
        self.apply(lane).await;
    }

    /// Nothing is sent from this lane until somebody enables its sink: whoever is responsible is
    /// told once.
    pub(crate) async fn disable(&self, lane: &LaneKey, reason: String) {
        let now = self.clock.now();
        let since = Disabled { since_ms: now.as_millis(), reason };
        let Some(disabling) = self.registry.disable(lane, since.clone()) else {
            return;
        };
        let name = lane::sink_name(lane).unwrap_or_else(|| lane.as_str());
        tracing::error!(
            sink = name,
            reason = since.reason,
            "sink disabled: its deliveries wait; enable it again when it is well"
        );
        let stored = match disabling {
            Disabling::Named(name, spec) => {
                self.store.put_document(SINKS, name, Some(spec.to_bytes())).await
            }
            Disabling::Lane(lane, since) => {
                let value = serde_json::to_vec(&since).expect("a number and a string");
                let key = lane.as_str().to_owned();
                self.store.put_document(DISABLED_LANES, key, Some(Bytes::from(value))).await
            }
        };
        if let Err(error) = stored {
            tracing::warn!(sink = name, %error, "could not store that a sink is disabled: after a restart it is tried again");
        }
        self.apply(lane).await;
        self.notify(name, lane, &since, now).await;
    }

    /// One event, for the sink of jobs that name none, unless that is the one.
    async fn notify(&self, name: &str, lane: &LaneKey, since: &Disabled, now: Timestamp) {
        let id = JobId::draw();
        let notice = event::sink_disabled(id, name, &since.reason, now);
        self.feed.publish(EVENT, id, None, notice.clone());
        let Some(to) = self.registry.fallback() else {
            return;
        };
        if to.lane == *lane || !to.wants(EVENT) {
            return;
        }
        let Some(job) = notice_job(id, &notice, &to, now) else {
            return;
        };
        match self.store.submit(vec![job], now).await.as_deref() {
            Ok([Submitted::Created | Submitted::Existing { .. }]) => {}
            Ok(_) => tracing::warn!(sink = name, "no room to tell that a sink is disabled"),
            Err(error) => {
                tracing::warn!(sink = name, %error, "could not tell that a sink is disabled");
            }
        }
    }

    /// Jobs that wait to be pulled from a sink that is not there any more, or not one to pull
    /// from: they go where they belong now.
    async fn see_to_orphans(&self, lane: &LaneKey) {
        let Some(name) = lane::sink_name(lane) else {
            return;
        };
        let sink = self.registry.named(name);
        if sink.as_ref().is_some_and(|sink| sink.is_pull()) {
            return;
        }
        // One at a time: an event may be large.
        for _ in 0..MOST_ORPHANS {
            match self.see_to_orphan(lane, name, sink.as_deref()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(lane = %lane, %error, "could not see to events of a removed sink");
                    return;
                }
            }
        }
    }

    /// Sees to one such job; whether there may be more.
    async fn see_to_orphan(
        &self,
        lane: &LaneKey,
        name: &str,
        sink: Option<&Sink>,
    ) -> jobs::Result<bool> {
        let now = self.clock.now();
        let claimed = self.store.claim_lane(&PULL, lane, 1, now + ORPHAN_LEASE, now).await?;
        let Some(job) = claimed.into_iter().next() else {
            return Ok(false);
        };
        let outcome = match sink {
            Some(sink) => moved(self.store.as_ref(), &job, sink, now).await,
            None => Some(Outcome::Dead { note: missing(name) }),
        };
        let outcome = outcome.unwrap_or(Outcome::Release { at: now + ROUND });
        self.store.settle(vec![Settlement::new(job.lease, outcome)], now).await?;
        Ok(true)
    }
}

/// The job that tells of a notice.
fn notice_job(id: JobId, notice: &Bytes, to: &Arc<Sink>, now: Timestamp) -> Option<NewJob> {
    let text = String::from_utf8(notice.to_vec()).ok()?;
    let notice = RawValue::from_string(text).ok()?;
    let spec = JobSpec { notice: Some(notice), ..JobSpec::new(lane::bare(&to.url)) };
    let (stage, lane, spec) = (DELIVER, to.lane.clone(), spec.to_bytes());
    Some(NewJob::new(id, stage, lane, now, spec))
}

/// On to where the sink's events wait now; `None` when its event cannot be read just now.
pub(crate) async fn moved(
    store: &dyn Store,
    job: &jobs::Claimed,
    sink: &Sink,
    now: Timestamp,
) -> Option<Outcome> {
    let result = store.result(job.lease.id).await.ok()?;
    let spec = JobSpec::from_bytes(&job.spec).ok();
    let notice = || Some(Bytes::from(spec?.notice?.get().to_owned()));
    let Some(result) = result.or_else(notice) else {
        return Some(Outcome::Dead { note: "there is no result to deliver".to_owned() });
    };
    let verdict = job.verdict.unwrap_or(jobs::Verdict::Succeeded);
    let (stage, lane) = (sink.stage(), sink.lane.clone());
    Some(Outcome::Advance(jobs::Next { stage, lane, due: now, verdict, result }))
}

/// What is said of a job whose sink was removed.
pub(crate) fn missing(name: &str) -> String {
    format!("there is no sink named {name} any more: redeliver to another, or define it again")
}

#[cfg(test)]
mod tests {
    use jobs::Circuit;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn view(paused_until: Option<Timestamp>, failing: Option<Duration>) -> LaneView {
        LaneView {
            stage: DELIVER,
            key: lane::of_name("crm"),
            waiting: 1,
            in_flight: 0,
            paused_until,
            interval: Duration::ZERO,
            failures: 0,
            failing_since: failing.map(|since| NOW - since),
            circuit: Circuit::Closed,
        }
    }

    #[test]
    fn a_sink_is_disabled_once_it_has_failed_for_long_enough() {
        let patient = |failing| step(&view(None, failing), false, Some(5 * DAY), NOW);
        assert_eq!(patient(None), Step::Nothing);
        assert_eq!(patient(Some(4 * DAY)), Step::Nothing);
        assert_eq!(patient(Some(5 * DAY)), Step::Disable(5 * DAY));
        let failing = view(None, Some(500 * DAY));
        assert_eq!(step(&failing, false, None, NOW), Step::Nothing, "never is never");
        let held = view(Some(HELD), Some(500 * DAY));
        assert_eq!(step(&held, true, Some(DAY), NOW), Step::Nothing, "only once");
    }

    #[test]
    fn a_lane_is_held_as_long_as_its_sink_is_disabled_and_no_longer() {
        let soon = Some(NOW + DAY);
        assert_eq!(step(&view(soon, None), true, None, NOW), Step::Hold);
        assert_eq!(step(&view(Some(HELD), None), false, None, NOW), Step::LetGo);
        assert_eq!(step(&view(soon, None), false, None, NOW), Step::Nothing, "asked for");
    }
}
