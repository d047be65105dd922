//! A sink, as its owner sees it.

use std::collections::HashMap;

use jobs::{LaneKey, LaneView, Stage};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::definition::{Signature, Written, without_credentials};
use crate::description::{Circuit, DefinedBy};
use crate::router::Api;
use crate::view::{circuit, rfc3339};
use crate::{JobSpec, NamedSink, SinkSecret};

/// What a sink is, and how it fares. Secrets are shown when they come to be and never again;
/// header fields, which may hold some, by name only.
#[derive(Serialize, ToSchema)]
#[schema(as = Sink)]
pub(crate) struct SinkView {
    name: String,
    #[serde(flatten)]
    written: Written,
    /// The names of the extra header fields; their values may be secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    header_names: Vec<String>,
    /// What signs, the newest first.
    secrets: Vec<SecretView>,
    /// The newest secret: shown once, when it comes to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<DisabledView>,
    #[schema(value_type = DefinedBy)]
    defined_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<jiff::Timestamp>,
    /// Events that wait for it.
    waiting: u64,
    /// Events on their way to it.
    in_flight: u64,
    #[schema(value_type = Circuit)]
    circuit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<jiff::Timestamp>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SinkSecret)]
struct SecretView {
    signature: Signature,
    /// What a receiver verifies `v1a` signatures with.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    /// Until when it signs along.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<jiff::Timestamp>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SinkDisabled)]
struct DisabledView {
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<jiff::Timestamp>,
    reason: String,
}

impl SinkView {
    pub(crate) fn new(api: &Api, sink: NamedSink, lanes: &Lanes) -> Self {
        let lane = lanes.of(api, &sink);
        let NamedSink { name, spec, is_operators } = sink;
        let now_ms = api.clock.now().as_millis();
        let is_valid = |secret: &&SinkSecret| secret.expires_ms.is_none_or(|end| end > now_ms);
        let secret = |secret: &SinkSecret| SecretView {
            signature: Signature::of(&secret.text),
            public_key: api.sinks.public_key(&secret.text),
            expires_at: secret.expires_ms.and_then(time),
        };
        Self {
            written: Written::new(&spec),
            secrets: spec.secrets.iter().filter(is_valid).map(secret).collect(),
            secret: None,
            enabled: spec.disabled.is_none(),
            disabled: spec.disabled.map(|disabled| DisabledView {
                since: time(disabled.since_ms),
                reason: disabled.reason,
            }),
            header_names: spec.headers.into_iter().map(|(name, _)| name).collect(),
            defined_by: if is_operators { "operator" } else { "api" },
            created_at: time(spec.created_ms),
            updated_at: time(spec.updated_ms),
            waiting: lane.map_or(0, |lane| lane.waiting),
            in_flight: lane.map_or(0, |lane| lane.in_flight),
            circuit: circuit(lane.map(|lane| lane.circuit).unwrap_or_default()),
            paused_until: lane.and_then(|lane| lane.paused_until).map(rfc3339),
            failing_since: lane.and_then(|lane| lane.failing_since).map(rfc3339),
            name,
        }
    }

    /// With its newest secret, for whoever has just given it or is to give it to the receiver.
    pub(crate) fn with_secret(api: &Api, sink: NamedSink, lanes: &Lanes) -> Self {
        let secret = sink.spec.secrets.first().map(|secret| secret.text.clone());
        Self { secret, ..Self::new(api, sink, lanes) }
    }
}

/// 0 is no time at all.
fn time(ms: u64) -> Option<jiff::Timestamp> {
    (ms > 0).then(|| rfc3339(jobs::Timestamp::from_millis(ms)))
}

/// What waits for whom.
pub(crate) struct Lanes(HashMap<(Stage, LaneKey), LaneView>);

impl Lanes {
    pub(crate) fn now(api: &Api) -> Self {
        let lanes = api.store.lanes(usize::MAX, api.clock.now()).into_iter();
        Self(lanes.map(|lane| ((lane.stage.clone(), lane.key.clone()), lane)).collect())
    }

    /// The lane in which a sink's events wait, if any do.
    pub(crate) fn of(&self, api: &Api, sink: &NamedSink) -> Option<&LaneView> {
        self.0.get(&place(api, sink))
    }
}

/// Where a sink's events wait: where one begins that is for it alone.
fn place(api: &Api, sink: &NamedSink) -> (Stage, LaneKey) {
    let nothing = RawValue::from_string("{}".to_owned()).expect("an empty object is JSON");
    api.pipeline.first(&notice(sink, nothing))
}

/// A job that tells a sink of something, and fetches nothing.
pub(crate) fn notice(sink: &NamedSink, event: Box<RawValue>) -> JobSpec {
    let mut url = without_credentials(sink.spec.url.clone());
    url.set_query(None);
    let sink_name = Some(sink.name.clone());
    JobSpec { sink_name, notice: Some(event), ..JobSpec::new(url) }
}
