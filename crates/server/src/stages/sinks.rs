//! The sinks: the operator's, those defined through the API, and those that jobs bring along.
//!
//! What is asked for each delivery is worked out once, when a sink is defined or changed.

mod desk;
mod resolve;
mod switch;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bytes::Bytes;
use forward::{Batch, Schedule, Secret};
use http::HeaderMap;
use ingest::{Disabled, EventFormat, JobSpec, NamedSink, SinkSpec};
use jobs::{LaneKey, LaneLimit, Stage, Timestamp};
use tokio::sync::Notify;
use url::Url;

pub(crate) use self::desk::Desk;
pub(crate) use self::switch::{HELD, Switch, held, missing, moved};
use super::{DELIVER, PULL, lane};
use crate::cli::ForwardTo;

/// Most lanes without a name that are remembered as disabled: jobs bring their addresses.
const MOST_DISABLED_LANES: usize = 10_000;

/// A sink, ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    /// `None` for one that is only an address.
    pub(crate) name: Option<String>,
    /// Where its deliveries wait.
    pub(crate) lane: LaneKey,
    /// Where to.
    pub(crate) url: Url,
    /// Whether the operator names it, and not a client.
    pub(crate) trusted: bool,
    /// Extra header fields.
    pub(crate) headers: HeaderMap,
    /// Who signs, newest first, until when; empty for the server's own secrets.
    pub(crate) secrets: Vec<(Secret, Option<Timestamp>)>,
    /// The types of events that are sent; empty for all.
    pub(crate) events: Vec<String>,
    /// When a delivery is tried.
    pub(crate) schedule: Arc<Schedule>,
    /// One attempt's time, when it is not the usual.
    pub(crate) timeout: Option<Duration>,
    /// Bytes of a body; what is above is sent as a link.
    pub(crate) inline_limit: u64,
    /// What a body looks like.
    pub(crate) format: EventFormat,
    /// Whether bodies are compressed.
    pub(crate) gzip: bool,
    /// How events travel together.
    pub(crate) batch: Option<Batch>,
    /// Whether the next event waits for the one before.
    pub(crate) ordered: bool,
    /// What its lane is held to.
    pub(crate) limit: LaneLimit,
    /// Set while nothing is sent.
    pub(crate) disabled: Option<Disabled>,
}

impl Sink {
    /// Whether it is told of such events.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|wanted| wanted == kind)
    }

    /// Whether its events wait for whoever fetches them.
    pub(crate) fn is_pull(&self) -> bool {
        self.url.scheme() == "pull"
    }

    /// Where its events wait.
    pub(crate) fn stage(&self) -> Stage {
        if self.is_pull() { PULL } else { DELIVER }
    }

    /// Who signs at `now`: `own` unless it has secrets.
    pub(crate) fn secrets_at(&self, now: Timestamp, own: &[Secret]) -> Vec<Secret> {
        let valid = |end: &Option<Timestamp>| end.is_none_or(|end| end > now);
        let mut signing: Vec<_> =
            self.secrets.iter().filter(|(_, end)| valid(end)).map(|(key, _)| key.clone()).collect();
        if signing.is_empty() {
            signing = own.to_vec();
        }
        signing
    }
}

/// Where an event goes.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// Nobody is to be told.
    Nobody,
    /// There.
    Sink(Arc<Sink>),
    /// To a sink of this name, which is not there.
    Missing(String),
}

impl Destination {
    /// Where the event waits to be sent there; `None` when nobody is to be told.
    pub(crate) fn place(&self) -> Option<(Stage, LaneKey)> {
        match self {
            Self::Nobody => None,
            Self::Sink(sink) => Some((sink.stage(), sink.lane.clone())),
            // There it is said what is wrong.
            Self::Missing(name) => Some((DELIVER, lane::of_name(name))),
        }
    }

    /// Whether such events are sent there.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::Sink(sink) => sink.wants(kind),
            Self::Missing(_) => true,
        }
    }
}

/// What holds for a sink that does not say otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    /// When a delivery is tried.
    pub(crate) schedule: Arc<Schedule>,
    /// What a sink's lane is held to.
    pub(crate) limit: LaneLimit,
    /// Bytes of a body.
    pub(crate) inline_limit: u64,
}

/// Every sink that is known. Its lock is held for moments only and never across a call of the
/// store, which asks it for limits.
#[derive(Debug)]
pub(crate) struct Registry {
    defaults: Defaults,
    /// What `--forward-to` says.
    fallback: Option<Fallback>,
    known: RwLock<Known>,
    news: Notify,
}

#[derive(Debug)]
enum Fallback {
    Url(Arc<Sink>),
    Named(String),
}

#[derive(Debug, Default)]
struct Known {
    named: HashMap<String, Entry>,
    /// Lanes of sinks that have no name.
    disabled: HashMap<LaneKey, Disabled>,
    /// Of those, what was opened again and the store was not told of yet.
    reopened: Vec<LaneKey>,
}

#[derive(Debug)]
struct Entry {
    spec: SinkSpec,
    is_operators: bool,
    sink: Arc<Sink>,
}

/// What has to be stored so that a sink stays disabled.
#[derive(Debug)]
pub(crate) enum Disabling {
    /// A named sink, as it is from now on.
    Named(String, Box<SinkSpec>),
    /// A lane.
    Lane(LaneKey, Disabled),
}

impl Registry {
    /// The operator's sinks.
    ///
    /// # Errors
    /// What is wrong with one of them, or that `--forward-to` names none.
    pub(crate) fn new(
        defaults: Defaults,
        forward_to: Option<&ForwardTo>,
        operators: Vec<(String, SinkSpec)>,
    ) -> Result<Self, String> {
        let mut named = HashMap::new();
        for (name, spec) in operators {
            let sink = resolve::named(&name, &spec, true, &defaults)
                .map_err(|error| format!("--sinks: the sink {name}: {error}"))?;
            named.insert(name, Entry { spec, is_operators: true, sink: Arc::new(sink) });
        }
        let fallback = match forward_to {
            None => None,
            Some(ForwardTo::Named(name)) if named.contains_key(name) => {
                Some(Fallback::Named(name.clone()))
            }
            Some(ForwardTo::Named(name)) => {
                return Err(format!(
                    "--forward-to {name}: the --sinks file has no sink of that name; to send to a \
                     host, write http://{name}/"
                ));
            }
            Some(ForwardTo::Url(url)) => {
                let sink = resolve::operators_url(url, &defaults)
                    .map_err(|error| format!("--forward-to: {error}"))?;
                Some(Fallback::Url(Arc::new(sink)))
            }
        };
        let known = RwLock::new(Known { named, ..Known::default() });
        Ok(Self { defaults, fallback, known, news: Notify::new() })
    }

    /// Takes up what an earlier run stored: sinks by name, and disabled lanes.
    pub(crate) fn load(&self, sinks: Vec<(String, Bytes)>, disabled: Vec<(String, Bytes)>) {
        for (name, stored) in sinks {
            match SinkSpec::from_bytes(&stored) {
                // What was stored of one of the operator's is of no other, whoever is called so now.
                Ok(spec) if (spec.created_ms == 0) == self.is_operators(&name) => {
                    self.change(&name, Some(spec));
                }
                Ok(_) => tracing::warn!(
                    sink = name,
                    "a stored sink is left alone: the --sinks file has had one of this name, or has one now"
                ),
                Err(error) => {
                    tracing::error!(sink = name, %error, "a stored sink cannot be read");
                }
            }
        }
        let mut known = self.write();
        for (lane, stored) in disabled {
            if let Ok(since) = serde_json::from_slice(&stored) {
                known.disabled.insert(LaneKey::new(&lane), since);
            }
        }
    }

    fn is_operators(&self, name: &str) -> bool {
        self.read().named.get(name).is_some_and(|entry| entry.is_operators)
    }

    /// A sink is like this from now on, or not there any more. Of one of the operator's only
    /// whether it is disabled counts.
    pub(crate) fn change(&self, name: &str, spec: Option<SinkSpec>) {
        let mut known = self.write();
        if let Some(own) = known.named.get_mut(name).filter(|entry| entry.is_operators) {
            own.disable(spec.and_then(|spec| spec.disabled));
            return;
        }
        let Some(spec) = spec else {
            known.named.remove(name);
            return;
        };
        match resolve::named(name, &spec, false, &self.defaults) {
            Ok(sink) => {
                let entry = Entry { spec, is_operators: false, sink: Arc::new(sink) };
                known.named.insert(name.to_owned(), entry);
            }
            Err(error) => tracing::error!(sink = name, error, "a stored sink cannot be used"),
        }
    }

    /// The sink of this name.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Sink>> {
        self.read().named.get(name).map(|entry| Arc::clone(&entry.sink))
    }

    /// The sink of this name, as its owner sees it.
    pub(crate) fn view(&self, name: &str) -> Option<NamedSink> {
        self.read().named.get(name).map(|entry| entry.view(name))
    }

    /// All sinks that have names, by name.
    pub(crate) fn views(&self) -> Vec<NamedSink> {
        let mut views: Vec<_> =
            self.read().named.iter().map(|(name, entry)| entry.view(name)).collect();
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    /// The lanes of sinks that have names, with the names; the operator's first.
    pub(crate) fn lanes(&self) -> Vec<(LaneKey, String)> {
        let mut views = self.views();
        views.sort_by_key(|view| !view.is_operators);
        views.into_iter().map(|view| (lane::of_name(&view.name), view.name)).collect()
    }

    /// The sink of jobs that name none.
    pub(crate) fn fallback(&self) -> Option<Arc<Sink>> {
        match self.fallback.as_ref()? {
            Fallback::Url(sink) => Some(self.with_state(Sink::clone(sink))),
            Fallback::Named(name) => self.named(name),
        }
    }

    /// Whether there is a sink that is pulled from.
    pub(crate) fn has_pull(&self) -> bool {
        self.read().named.values().any(|entry| entry.sink.is_pull())
    }

    /// Where a job's event goes, by what was asked for.
    pub(crate) fn of_spec(&self, spec: &JobSpec) -> Destination {
        if let Some(name) = &spec.sink_name {
            return self.by_name(name);
        }
        if let Some(own) = &spec.sink {
            return Destination::Sink(self.with_state(resolve::of_job(own, &self.defaults)));
        }
        self.fallback().map_or(Destination::Nobody, Destination::Sink)
    }

    /// Where a job's event goes that waits in this lane: the lane of a name wins, since the job
    /// may have been sent there by hand.
    pub(crate) fn of_job(&self, lane: &LaneKey, spec: &JobSpec) -> Destination {
        match lane::sink_name(lane) {
            Some(name) => self.by_name(name),
            None => self.of_spec(spec),
        }
    }

    fn by_name(&self, name: &str) -> Destination {
        match self.named(name) {
            Some(sink) => Destination::Sink(sink),
            None => Destination::Missing(name.to_owned()),
        }
    }

    /// A sink without a name, with what is known of its lane.
    fn with_state(&self, mut sink: Sink) -> Arc<Sink> {
        sink.disabled = self.read().disabled.get(&sink.lane).cloned();
        Arc::new(sink)
    }

    /// What the lane of a named sink is held to.
    pub(crate) fn limit(&self, lane: &LaneKey) -> Option<LaneLimit> {
        let name = lane::sink_name(lane)?;
        self.read().named.get(name).map(|entry| entry.sink.limit)
    }

    /// Since when and why nothing is sent from this lane.
    pub(crate) fn disabled(&self, lane: &LaneKey) -> Option<Disabled> {
        let known = self.read();
        match lane::sink_name(lane) {
            Some(name) => known.named.get(name)?.spec.disabled.clone(),
            None => known.disabled.get(lane).cloned(),
        }
    }

    /// How many sinks are disabled.
    pub(crate) fn count_disabled(&self) -> usize {
        let known = self.read();
        let named = known.named.values().filter(|entry| entry.spec.disabled.is_some());
        named.count() + known.disabled.len()
    }

    /// Nothing is sent from this lane any more; what to store, or `None` when that was so before,
    /// or cannot be remembered.
    pub(crate) fn disable(&self, lane: &LaneKey, since: Disabled) -> Option<Disabling> {
        let mut known = self.write();
        let Some(name) = lane::sink_name(lane) else {
            if known.disabled.contains_key(lane) || known.disabled.len() >= MOST_DISABLED_LANES {
                return None;
            }
            known.disabled.insert(lane.clone(), since.clone());
            return Some(Disabling::Lane(lane.clone(), since));
        };
        let entry = known.named.get_mut(name).filter(|entry| entry.spec.disabled.is_none())?;
        entry.disable(Some(since));
        Some(Disabling::Named(name.to_owned(), Box::new(entry.spec.clone())))
    }

    /// A lane without a name is open again, if it was not. [`Registry::reopened`] tells of it.
    pub(crate) fn reopen(&self, lane: &LaneKey) {
        let mut known = self.write();
        if known.disabled.remove(lane).is_some() {
            known.reopened.push(lane.clone());
            drop(known);
            self.news.notify_one();
        }
    }

    /// Waits until there may be something in [`Registry::reopened`].
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    /// Lanes that were opened again since this was last asked.
    pub(crate) fn reopened(&self) -> Vec<LaneKey> {
        std::mem::take(&mut self.write().reopened)
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn disable(&mut self, disabled: Option<Disabled>) {
        self.spec.disabled.clone_from(&disabled);
        self.sink = Arc::new(Sink { disabled, ..(*self.sink).clone() });
    }

    fn view(&self, name: &str) -> NamedSink {
        NamedSink {
            name: name.to_owned(),
            spec: self.spec.clone(),
            is_operators: self.is_operators,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
