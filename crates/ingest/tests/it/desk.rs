//! The sinks of a small server.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ingest::{NamedSink, Refusal, SinkSpec, Sinks};
use jobs::{JobId, LaneKey, Stage};

/// Knows what it is told, and makes secrets by counting.
#[derive(Default)]
pub(crate) struct Desk {
    named: Mutex<BTreeMap<String, NamedSink>>,
    secrets: AtomicU64,
}

impl Desk {
    /// With a sink of the operator's.
    pub(crate) fn with_operators(name: &str, spec: SinkSpec) -> Self {
        let desk = Self::default();
        let sink = NamedSink { name: name.to_owned(), spec, is_operators: true };
        desk.named.lock().unwrap().insert(name.to_owned(), sink);
        desk
    }
}

/// The secret of this number, and its public half.
pub(crate) fn secret(number: u64, asymmetric: bool) -> (String, Option<String>) {
    let encoded = STANDARD.encode([u8::try_from(number).unwrap(); 32]);
    if asymmetric {
        (format!("whsk_{encoded}"), Some(format!("whpk_{encoded}")))
    } else {
        (format!("whsec_{encoded}"), None)
    }
}

impl Sinks for Desk {
    fn sinks(&self) -> Vec<NamedSink> {
        self.named.lock().unwrap().values().cloned().collect()
    }

    fn sink(&self, name: &str) -> Option<NamedSink> {
        self.named.lock().unwrap().get(name).cloned()
    }

    fn admit_sink_spec(&self, spec: &SinkSpec) -> Result<(), Vec<Refusal>> {
        let mut refused = Vec::new();
        let mut refuse = |pointer: &str, detail: &str| {
            refused.push(Refusal { pointer: pointer.to_owned(), detail: detail.to_owned() });
        };
        if !matches!(spec.url.scheme(), "http" | "https" | "pull") {
            refuse("/url", "only the operator may send there");
        }
        if spec.url.host_str() == Some("127.0.0.1") {
            refuse("/url", "127.0.0.1 may not be sent to");
        }
        if spec.secrets.iter().any(|secret| secret.text.len() < 30) {
            refuse("/secrets/0", "too short");
        }
        if refused.is_empty() { Ok(()) } else { Err(refused) }
    }

    fn sink_changed(&self, name: &str, spec: Option<SinkSpec>) {
        let mut named = self.named.lock().unwrap();
        match (named.get_mut(name), spec) {
            (Some(known), spec) if known.is_operators => {
                known.spec.disabled = spec.and_then(|spec| spec.disabled);
            }
            (_, Some(spec)) => {
                let sink = NamedSink { name: name.to_owned(), spec, is_operators: false };
                named.insert(name.to_owned(), sink);
            }
            (_, None) => {
                named.remove(name);
            }
        }
    }

    fn new_secret(&self, asymmetric: bool) -> (String, Option<String>) {
        secret(self.secrets.fetch_add(1, Ordering::Relaxed), asymmetric)
    }

    fn public_key(&self, secret: &str) -> Option<String> {
        Some(format!("whpk_{}", secret.strip_prefix("whsk_")?))
    }

    fn pulled(&self, name: &str) -> Option<(Stage, LaneKey)> {
        let sink = self.sink(name)?;
        (sink.spec.url.scheme() == "pull")
            .then(|| (Stage::from_static("deliver"), LaneKey::new(name)))
    }

    fn pulled_body(&self, _: &str, _: JobId, event: Bytes) -> Bytes {
        event
    }
}
