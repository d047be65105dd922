//! One secret takes another's place.

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderMap;
use jobs::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{add, conflict, invalid, is_signed};
use crate::body::{self, Received, Typing};
use crate::definition::{self, Signature};
use crate::description::SecretText;
use crate::problem::{Fault, Kind, Problem};
use crate::quantity::DurationText;
use crate::router::Api;
use crate::{NamedSink, SinkSecret, SinkSpec, parse};

/// How long the secret before signs along when nothing else is said.
const OVERLAP: Duration = Duration::from_hours(24);
/// How long it may at most.
const MAX_OVERLAP: Duration = Duration::from_hours(30 * 24);
/// Secrets of one sink at once: each is a signature in every POST.
const MAX_SECRETS: usize = 4;

/// A new secret, and how long the one before signs along.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"overlap\": \"24h\"}")]
#[schema(as = SecretRotation)]
pub(super) struct Rotation<'a> {
    /// The new secret, `whsec_…` or `whsk_…`; one is made when it is left out.
    #[serde(borrow)]
    #[schema(value_type = Option<SecretText>)]
    secret: Option<Cow<'a, str>>,
    /// What the secret that is made is for; as the one before it when it is left out.
    signature: Option<Signature>,
    /// How long the ones before it sign along, up to `30d`; `24h` by default.
    overlap: Option<DurationText>,
}

/// Reads what a rotation asks for: nothing, when the body is left out.
pub(super) fn rotation<'a>(
    headers: &HeaderMap,
    received: &'a Received,
) -> Result<Rotation<'a>, Problem> {
    if received.bytes.is_empty() {
        body::check_type(headers, Typing::AsTyped)?;
        return Ok(Rotation::default());
    }
    body::check_type(headers, Typing::Strict)?;
    parse::object(&received.bytes, Kind::InvalidSink)
}

/// A sink with a new secret, which the ones before it join for a while.
pub(super) fn rotated(
    api: &Api,
    sink: &NamedSink,
    rotation: Rotation<'_>,
) -> Result<SinkSpec, Problem> {
    let Rotation { secret, signature, overlap } = rotation;
    let mut spec = sink.spec.clone();
    if !is_signed(&spec) {
        return Err(conflict(format!("the events of `{}` are fetched, not signed", sink.name)));
    }
    let mut faults = Vec::new();
    let overlap = overlap.map_or(OVERLAP, |overlap| overlap.0);
    if overlap > MAX_OVERLAP {
        faults.push(Fault::at("/overlap", "over this server's limit of 30d"));
    }
    if secret.is_some() && signature.is_some() {
        faults.push(Fault::at("/signature", "is for a secret that is made: leave it out"));
    }
    let given = secret.map(|text| definition::secret(text, "/secret", &mut faults));
    if given.iter().flatten().any(|text| spec.secrets.iter().any(|old| old.text == *text)) {
        faults.push(Fault::at("/secret", "is one of the sink's already: give a new one"));
    }
    let current = spec.secrets.first().map(|secret| Signature::of(&secret.text));
    let is_v1a = signature.or(current) == Some(Signature::V1a);
    let text = given.unwrap_or_else(|| Some(api.sinks.new_secret(is_v1a).0));
    expire(&mut spec.secrets, api.clock.now(), overlap);
    if let Some(text) = text {
        spec.secrets.insert(0, SinkSecret { text, expires_ms: None });
    }
    if let Err(refused) = api.sinks.admit_sink_spec(&spec) {
        add(refused, &mut faults);
    }
    if !faults.is_empty() {
        return Err(invalid(faults));
    }
    if spec.secrets.len() > MAX_SECRETS {
        return Err(conflict(format!(
            "{MAX_SECRETS} secrets of `{}` sign at the moment; wait for one to expire, or end \
             them by \"overlap\": \"0s\"",
            sink.name
        )));
    }
    spec.updated_ms = api.clock.now().as_millis();
    Ok(spec)
}

/// Secrets that another takes the place of sign along for `overlap`, and no longer than they
/// would have; those that do not are forgotten.
fn expire(secrets: &mut Vec<SinkSecret>, now: Timestamp, overlap: Duration) {
    let end = (now + overlap).as_millis();
    for secret in &mut *secrets {
        secret.expires_ms = Some(secret.expires_ms.map_or(end, |earlier| earlier.min(end)));
    }
    secrets.retain(|secret| secret.expires_ms.is_some_and(|end| end > now.as_millis()));
}
