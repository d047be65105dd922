//! What the API may know and do of sinks.

use std::sync::Arc;

use bytes::Bytes;
use egress::Policy;
use forward::Secret;
use ingest::{NamedSink, Refusal, SinkSpec, Sinks};
use jobs::{JobId, LaneKey, Stage};
use tokio_util::task::TaskTracker;

use super::{Registry, Sink, Switch, resolve};
use crate::stages::body::Bodies;
use crate::stages::{PULL, lane};

/// The sinks as the API sees them.
pub(crate) struct Desk {
    /// The sinks.
    pub(crate) registry: Arc<Registry>,
    /// Holds lanes and lets them go.
    pub(crate) switch: Arc<Switch>,
    /// What is sent.
    pub(crate) bodies: Arc<Bodies>,
    /// Which addresses may be named by clients.
    pub(crate) policy: Policy,
    /// Runs what the store is told.
    pub(crate) chores: TaskTracker,
}

impl Sinks for Desk {
    fn sinks(&self) -> Vec<NamedSink> {
        self.registry.views()
    }

    fn sink(&self, name: &str) -> Option<NamedSink> {
        self.registry.view(name)
    }

    fn admit_sink_spec(&self, spec: &SinkSpec) -> Result<(), Vec<Refusal>> {
        let refusals = resolve::refusals(spec, &self.policy);
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }

    fn sink_changed(&self, name: &str, spec: Option<SinkSpec>) {
        // What was learned of the lane is of another address, or of a sink that was disabled.
        let fate =
            |sink: Option<Arc<Sink>>| sink.map(|sink| (sink.url.clone(), sink.disabled.clone()));
        let before = fate(self.registry.named(name));
        self.registry.change(name, spec);
        self.switch.relimit();
        if fate(self.registry.named(name)) != before {
            let (switch, lane) = (Arc::clone(&self.switch), lane::of_name(name));
            self.chores.spawn(async move { switch.apply(&lane).await });
        }
    }

    fn new_secret(&self, asymmetric: bool) -> (String, Option<String>) {
        resolve::new_secret(asymmetric)
    }

    fn public_key(&self, secret: &str) -> Option<String> {
        resolve::public_key(&secret.parse::<Secret>().ok()?)
    }

    fn pulled(&self, name: &str) -> Option<(Stage, LaneKey)> {
        let sink = self.registry.named(name).filter(|sink| sink.is_pull())?;
        Some((PULL, sink.lane.clone()))
    }

    fn pulled_body(&self, name: &str, id: JobId, event: Bytes) -> Bytes {
        match self.registry.named(name) {
            // The page alone is the best that there is of it, whatever its job asked for.
            Some(sink) => self.bodies.make(&sink, id, None, event).bytes,
            None => event,
        }
    }
}
