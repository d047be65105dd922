//! Changes of a sink that is there.

use serde_json::{Map, Value};

use super::{by_hand, invalid, is_signed, judged, operators};
use crate::definition::{self, Definition, Draft, Written};
use crate::problem::{Fault, Kind, Problem};
use crate::router::Api;
use crate::{Disabled, NamedSink, SinkSpec, parse};

/// A sink with a patch merged into what defined it.
pub(super) fn patched(
    api: &Api,
    sink: &NamedSink,
    mut patch: Map<String, Value>,
) -> Result<SinkSpec, Problem> {
    let old = &sink.spec;
    let mut faults = Vec::new();
    for field in ["secret", "signature"] {
        if patch.remove(field).is_some() {
            let detail = format!("is changed by POST /v1/sinks/{}/rotate", sink.name);
            faults.push(Fault::at(format!("/{field}"), detail));
        }
    }
    if patch.remove("name").is_some_and(|name| name != *sink.name) {
        faults.push(Fault::at("/name", "cannot be changed: define another sink"));
    }
    let merged = merged(old, patch);
    let merged = serde_json::to_vec(&merged).expect("every key is a string");
    let given: Definition<'_> = parse::object(&merged, Kind::InvalidSink)?;
    let mut draft = given.check(&mut faults);
    if let Some(Draft { spec, .. }) = &mut draft {
        if is_signed(spec) != is_signed(old) {
            let detail = "events that are sent and events that are fetched wait apart: define \
                          another sink";
            faults.push(Fault::at("/url", detail));
        }
        spec.secrets.clone_from(&old.secrets);
    }
    let Draft { mut spec, enabled, .. } = judged(api, draft, faults)?;
    let now_ms = api.clock.now().as_millis();
    spec.secrets.retain(|secret| secret.expires_ms.is_none_or(|end| end > now_ms));
    spec.disabled = (!enabled).then(|| old.disabled.clone().unwrap_or_else(|| by_hand(now_ms)));
    (spec.created_ms, spec.updated_ms) = (old.created_ms, now_ms);
    Ok(spec)
}

/// What a sink would have been defined by, with a patch merged in. A field that is `null` stays
/// there to be read: whether there is such a field is to be checked too.
fn merged(spec: &SinkSpec, patch: Map<String, Value>) -> Map<String, Value> {
    let written = serde_json::to_value(Written::new(spec)).expect("every key is a string");
    let Value::Object(mut target) = written else {
        return patch;
    };
    target.insert("url".to_owned(), spec.url.as_str().into());
    let headers = spec.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    target.insert("headers".to_owned(), Value::Object(headers.collect()));
    target.insert("enabled".to_owned(), Value::Bool(spec.disabled.is_none()));
    for (field, value) in patch {
        match (target.get_mut(&field), value) {
            (_, Value::Null) => {
                target.insert(field, Value::Null);
            }
            (Some(Value::Object(target)), Value::Object(patch)) if field == "headers" => {
                merge_headers(target, patch);
            }
            (Some(Value::Object(target)), Value::Object(patch)) => target.extend(patch),
            (_, value) => {
                target.insert(field, value);
            }
        }
    }
    target
}

/// Header fields are the same whatever their case is.
fn merge_headers(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        target.remove(&name.to_ascii_lowercase());
        if !value.is_null() {
            target.insert(name, value);
        }
    }
}

/// The only thing of an operator's sink that can be changed here.
pub(super) fn switched(
    api: &Api,
    sink: &NamedSink,
    patch: &Map<String, Value>,
) -> Result<Option<Disabled>, Problem> {
    if patch.keys().any(|field| field != "enabled") {
        return Err(operators(&sink.name));
    }
    let now_ms = api.clock.now().as_millis();
    match patch.get("enabled") {
        None => Ok(sink.spec.disabled.clone()),
        Some(Value::Bool(true) | Value::Null) => Ok(None),
        Some(Value::Bool(false)) => {
            Ok(Some(sink.spec.disabled.clone().unwrap_or_else(|| by_hand(now_ms))))
        }
        Some(_) => Err(invalid(vec![Fault::at("/enabled", "must be true or false")])),
    }
}

/// What is kept of an operator's sink: whether it is disabled, and no secret. That it was never
/// created tells it from others.
pub(super) fn switch(api: &Api, spec: &SinkSpec) -> SinkSpec {
    SinkSpec {
        disabled: spec.disabled.clone(),
        updated_ms: api.clock.now().as_millis(),
        ..SinkSpec::new(definition::without_credentials(spec.url.clone()))
    }
}
