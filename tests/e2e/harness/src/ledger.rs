use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{Sink, SinkReport};

/// Ids or messages of one kind that a failed verdict shows.
const SHOWN: usize = 5;

/// One acknowledged job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The id in the 202.
    pub id: String,
    /// The URL that was submitted.
    pub url: String,
    /// Microseconds since 1970 when the request was sent.
    pub sent_us: u64,
    /// Microseconds since 1970 when the 202 was here.
    pub accepted_us: u64,
}

/// What was promised: every 202, and the requests whose answer never came. No URL may be submitted
/// twice.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Mutex<Entries>,
}

/// The ledger's content, for handing it to another process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Entries {
    /// Every 202.
    pub accepted: Vec<Accepted>,
    /// URLs of requests without an answer: each may or may not have been accepted.
    pub uncertain: HashSet<String>,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job was acknowledged.
    pub fn accept(&self, accepted: Accepted) {
        self.lock().accepted.push(accepted);
    }

    /// A request for `url` ended without an answer.
    pub fn doubt(&self, url: &str) {
        self.lock().uncertain.insert(url.to_owned());
    }

    /// How many jobs were acknowledged so far.
    pub fn len(&self) -> usize {
        self.lock().accepted.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its content.
    pub fn entries(&self) -> Entries {
        self.lock().clone()
    }

    /// Compares with what the sink has seen.
    pub fn verdict(&self, seen: &SinkReport) -> Verdict {
        Verdict::of(&self.entries(), seen)
    }

    /// Waits until every acknowledged job was delivered, then compares; fails unless all is
    /// conserved. `limit` is the longest wait without any progress.
    ///
    /// # Errors
    /// With what is missing, spurious or corrupted.
    pub async fn settle(&self, sink: &Sink, limit: Duration) -> anyhow::Result<Verdict> {
        let ids: Vec<String> = self.entries().accepted.into_iter().map(|job| job.id).collect();
        let mut missing: Vec<&String> = ids.iter().collect();
        let (mut seen, mut since) = (sink.delivered(), Instant::now());
        loop {
            let looked = Instant::now();
            missing.retain(|id| !sink.has(id));
            if missing.is_empty() || since.elapsed() > limit {
                break;
            }
            // Looking takes a while with many jobs: leave the processor to the server.
            tokio::time::sleep(looked.elapsed().mul_f32(5.0) + Duration::from_millis(10)).await;
            let now = sink.delivered();
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
        }
        let verdict = self.verdict(&sink.report());
        verdict.check()?;
        Ok(verdict)
    }
}

/// The oracle's word: what came out, measured against what was promised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Jobs acknowledged.
    pub accepted: u64,
    /// Of those, jobs whose event was delivered.
    pub delivered: u64,
    /// Acknowledged ids without a delivered event. Must be empty.
    pub missing: Vec<String>,
    /// Events nobody asked for, requests that were no sound delivery. Must be empty.
    pub spurious: Vec<String>,
    /// Events that do not hold what they should, or contradict each other. Must be empty.
    pub corrupted: Vec<String>,
    /// Deliveries beyond the first of their id. Allowed: delivery is at least once.
    pub duplicates: u64,
    /// POSTs whose body differed from the first of their id. Allowed after a crash.
    pub rewritten: u64,
    /// Delivered events by type.
    pub kinds: HashMap<String, u64>,
}

impl Verdict {
    /// Compares promises with deeds.
    pub fn of(promised: &Entries, seen: &SinkReport) -> Self {
        let mut verdict = Self { accepted: promised.accepted.len() as u64, ..Self::default() };
        let mut open: HashMap<&str, &str> = HashMap::with_capacity(promised.accepted.len());
        for job in &promised.accepted {
            if open.insert(&job.id, &job.url).is_some() {
                verdict.corrupted.push(format!("{} was given to two jobs", job.id));
            }
        }
        let mut doubtful: HashSet<&str> = HashSet::new();
        for event in &seen.events {
            match open.get(event.id.as_str()) {
                Some(url) if *url != event.url => {
                    verdict.corrupted.push(format!("{}: {url} became {}", event.id, event.url));
                }
                Some(_) => {}
                // Accepted perhaps, but only once.
                None if promised.uncertain.contains(&event.url) && doubtful.insert(&event.url) => {}
                None => verdict.spurious.push(format!("{} for {}", event.id, event.url)),
            }
            verdict.corrupted.extend(event.fault.clone());
            verdict.rewritten += u64::from(event.rewritten);
            if event.delivered > 0 {
                verdict.duplicates += u64::from(event.delivered - 1);
                *verdict.kinds.entry(event.kind.clone()).or_default() += 1;
                if open.remove(event.id.as_str()).is_some() {
                    verdict.delivered += 1;
                }
            }
        }
        verdict.missing = open.into_keys().map(str::to_owned).collect();
        verdict.spurious.extend(seen.strays.iter().cloned());
        verdict
    }

    /// Delivered events of that type.
    pub fn count(&self, kind: &str) -> u64 {
        self.kinds.get(kind).copied().unwrap_or(0)
    }

    /// Whether everything is conserved.
    ///
    /// # Errors
    /// With the first of what is not.
    pub fn check(&self) -> anyhow::Result<()> {
        let sound =
            [&self.missing, &self.spurious, &self.corrupted].iter().all(|list| list.is_empty());
        let first = |list: &[String]| list[..list.len().min(SHOWN)].join("; ");
        anyhow::ensure!(
            sound,
            "not conserved: {} accepted, {} delivered; {} missing [{}]; {} spurious [{}]; \
             {} corrupted [{}]",
            self.accepted,
            self.delivered,
            self.missing.len(),
            first(&self.missing),
            self.spurious.len(),
            first(&self.spurious),
            self.corrupted.len(),
            first(&self.corrupted),
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;

    fn job(id: &str) -> Accepted {
        Accepted { id: id.into(), url: format!("u/{id}"), sent_us: 0, accepted_us: 0 }
    }

    fn event(id: &str) -> Event {
        let (url, kind) = (format!("u/{id}"), "job.succeeded".to_owned());
        Event { id: id.into(), url, kind, attempts: 1, delivered: 1, ..Event::default() }
    }

    fn verdict(jobs: &[&str], doubts: &[&str], events: Vec<Event>) -> Verdict {
        let promised = Entries {
            accepted: jobs.iter().map(|id| job(id)).collect(),
            uncertain: doubts.iter().map(|id| format!("u/{id}")).collect(),
        };
        Verdict::of(&promised, &SinkReport { events, ..SinkReport::default() })
    }

    #[test]
    fn everything_delivered_is_conserved_and_duplicates_are_counted() {
        let twice = Event { delivered: 3, ..event("b") };
        let verdict = verdict(&["a", "b"], &["c"], vec![event("a"), twice, event("c")]);
        verdict.check().unwrap();
        assert_eq!((verdict.delivered, verdict.duplicates), (2, 2));
    }

    #[test]
    fn a_missing_or_unanswered_event_is_missing() {
        let refused = Event { delivered: 0, ..event("b") };
        let verdict = verdict(&["a", "b"], &[], vec![refused]);
        assert_eq!(verdict.missing.len(), 2);
        assert!(verdict.check().is_err());
    }

    #[test]
    fn an_event_nobody_asked_for_is_spurious_also_the_second_of_a_doubtful_job() {
        assert_eq!(verdict(&[], &[], vec![event("a")]).spurious.len(), 1);
        let again = Event { url: "u/c".into(), ..event("d") };
        assert_eq!(verdict(&[], &["c"], vec![event("c"), again]).spurious.len(), 1);
    }

    #[test]
    fn a_wrong_url_and_a_faulty_content_are_corrupted() {
        let wrong = Event { url: "u/z".into(), ..event("a") };
        let faulty = Event { fault: Some("cut".into()), ..event("b") };
        assert_eq!(verdict(&["a", "b"], &[], vec![wrong, faulty]).corrupted.len(), 2);
        assert_eq!(verdict(&["a", "a"], &[], vec![event("a")]).corrupted.len(), 1);
    }
}
