use std::time::Duration;

use bytes::Bytes;
use jobs::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

/// A sink that has a name: where events go, and how. Defined by the operator's file or through the
/// API ([`SINKS`] is where those are kept), and what is left out is left to the server's defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SinkSpec {
    /// Where to: `http:` and `https:`; `pull:` for events that are fetched; and, the operator's
    /// alone, every other way out that the server knows.
    pub url: Url,
    /// Extra header fields, lower-case names; none starts with `webhook-`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Who signs, newest first: `whsec_…` or `whsk_…`. Empty for the server's own secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SinkSecret>,
    /// The types of events that are sent, such as `job.failed`; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// Least time between two POSTs, in microseconds: `rate` in the API is `R/s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_us: Option<u64>,
    /// POSTs in flight at once; at least 1. With `ordered` it is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// One attempt's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Waits before each attempt, the first included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_ms: Vec<u64>,
    /// A longer event is sent with a link to its content instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_limit: Option<u64>,
    /// What a body looks like.
    #[serde(default)]
    pub format: EventFormat,
    /// Whether bodies are compressed.
    #[serde(default)]
    pub gzip: bool,
    /// How events travel together; not with `ordered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchSpec>,
    /// One event at a time, in the order in which they came to be; the next waits for the one
    /// before it as long as that is tried again.
    #[serde(default)]
    pub ordered: bool,
    /// Set while nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// When it was defined; milliseconds since the Unix epoch, 0 for the operator's.
    #[serde(default)]
    pub created_ms: u64,
    /// When it was last changed.
    #[serde(default)]
    pub updated_ms: u64,
}

/// One of a sink's signing secrets. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkSecret {
    /// `whsec_…` or `whsk_…`.
    pub text: String,
    /// Until when it signs too, once another took its place; milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
}

impl std::fmt::Debug for SinkSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SinkSecret").field("expires_ms", &self.expires_ms).finish_non_exhaustive()
    }
}

/// What a sink's bodies look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventFormat {
    /// The event as it is: `type`, `timestamp`, `data`.
    #[default]
    Standard,
    /// The same in a CloudEvents 1.0 envelope (structured mode).
    CloudEvents,
    /// The page alone, as its first format has it, and what is said of it in header fields.
    Raw,
    /// What Firecrawl's webhooks are sent, signed as theirs are.
    Firecrawl,
    /// What ScraperAPI's callbacks are sent.
    ScraperApi,
}

impl EventFormat {
    /// Whether its bodies make sense only one by one, each pushed with what is said of its job.
    pub const fn stands_alone(self) -> bool {
        matches!(self, Self::Raw | Self::Firecrawl | Self::ScraperApi)
    }
}

/// How events travel together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSpec {
    /// Events of one POST: 2 to 1,000.
    pub max_events: u32,
    /// How long the first of them waits for more: up to 60 s.
    pub max_wait_ms: u64,
}

/// Why and since when nothing is sent to a sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when; milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// For people: `by hand`, `410 Gone`, `failing for 3 days`.
    pub reason: String,
}

/// The space of the store's documents that sinks are kept in, by their names.
pub const SINKS: &str = "sinks";

impl SinkSpec {
    /// A sink with nothing set but where to.
    pub const fn new(url: Url) -> Self {
        Self {
            url,
            headers: Vec::new(),
            secrets: Vec::new(),
            events: Vec::new(),
            interval_us: None,
            concurrency: None,
            timeout_ms: None,
            waits_ms: Vec::new(),
            inline_limit: None,
            format: EventFormat::Standard,
            gzip: false,
            batch: None,
            ordered: false,
            disabled: None,
            created_ms: 0,
            updated_ms: 0,
        }
    }

    /// The stored form.
    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("every key is a string").into()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When the bytes were not written by [`SinkSpec::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The texts of the secrets that sign at `now`, newest first.
    pub fn secrets_at(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let now_ms = now.as_millis();
        let valid = move |secret: &&SinkSecret| secret.expires_ms.is_none_or(|end| end > now_ms);
        self.secrets.iter().filter(valid).map(|secret| secret.text.as_str())
    }

    /// One attempt's time, when it is set.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout_ms.map(Duration::from_millis)
    }
}

/// A named sink, as the server knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedSink {
    /// Its name: 1 to 64 of `a-z`, `0-9`, `-` and `_`, the first a letter or a digit.
    pub name: String,
    /// What it is.
    pub spec: SinkSpec,
    /// Whether the operator's file defines it: then the API cannot change or remove it, only
    /// disable and enable it.
    pub is_operators: bool,
}
