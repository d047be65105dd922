//! A sink as people write it, the same in a request and in the operator's file.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::description::{EventType, SecretText, SinkName};
use crate::fields::{self, Owner};
use crate::problem::Fault;
use crate::quantity::{DurationText, RateText, SizeText, duration_text, rate_text};
use crate::submission::Pairs;
use crate::validate::{any_url, millis, within};
use crate::{BatchSpec, EventFormat, SinkSecret, SinkSpec};

/// The scheme of sinks whose events are fetched.
const PULL: &str = "pull";
/// What a sink can be told of.
const EVENTS: [&str; 6] = [
    "job.succeeded",
    "job.failed",
    "job.cancelled",
    "job.unchanged",
    "sink.disabled",
    "batch.completed",
];
/// Longest name in bytes.
const MAX_NAME_BYTES: usize = 64;
/// Longest secret in bytes: 64 of them in base64 take 88.
const MAX_SECRET_BYTES: usize = 256;
/// POSTs in flight at once.
const MAX_CONCURRENCY: u64 = 1000;
/// One attempt's time.
const MAX_TIMEOUT: Duration = Duration::from_mins(5);
/// Attempts of one delivery.
const MAX_WAITS: usize = 30;
/// The wait before one of them.
const MAX_WAIT: Duration = Duration::from_hours(30 * 24);
/// Events of one POST.
const BATCH_EVENTS: std::ops::RangeInclusive<u64> = 2..=1000;
/// What the first of them waits for the others.
const MAX_BATCH_WAIT: Duration = Duration::from_mins(1);

/// Secrets are pasted by people: the padding may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A sink as its owner writes it. What is not here is refused by name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"url\": \"https://example.com\"}")]
#[schema(as = SinkDefinition)]
pub(crate) struct Definition<'a> {
    /// What jobs call it by.
    #[serde(borrow)]
    #[schema(value_type = SinkName)]
    pub(crate) name: Option<Cow<'a, str>>,
    /// Where events go: http or https, without credentials; or `pull:`, for events that are
    /// pulled.
    #[serde(borrow)]
    #[schema(required = true, nullable = false, max_length = 8192)]
    url: Option<Cow<'a, str>>,
    /// Extra header fields of each POST; none starts with `webhook-`.
    #[serde(borrow)]
    headers: Option<Pairs<'a>>,
    /// What signs; one is made when it is left out.
    #[serde(borrow)]
    #[schema(value_type = Option<SecretText>)]
    secret: Option<Cow<'a, str>>,
    /// What the secret that is made is for; `v1` by default.
    signature: Option<Signature>,
    /// The types of events that are sent; all when it is left out.
    #[schema(value_type = Option<Vec<EventType>>, min_items = 1)]
    events: Option<Vec<String>>,
    /// Most POSTs in a time.
    rate: Option<RateText>,
    /// POSTs in flight at once.
    #[schema(minimum = 1, maximum = 1000)]
    concurrency: Option<u32>,
    /// One attempt's time, up to `5m`.
    timeout: Option<DurationText>,
    /// Waits before each attempt, the first included.
    #[schema(min_items = 1, max_items = 30)]
    schedule: Option<Vec<DurationText>>,
    /// An event that is longer comes with a link to its content.
    inline_limit: Option<SizeText>,
    /// What a body looks like.
    format: Option<EventFormat>,
    /// Whether bodies are compressed.
    gzip: Option<bool>,
    /// How events travel together; not with `ordered`.
    batch: Option<BatchText>,
    /// One event at a time, in the order in which they came to be.
    ordered: Option<bool>,
    /// `false` while nothing is to be sent.
    enabled: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = SinkBatching)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"max_events\": 100, \"max_wait\": \"1s\"}"
)]
struct BatchText {
    /// Most events of one POST.
    #[schema(required = true, nullable = false, minimum = 2, maximum = 1000)]
    max_events: Option<u32>,
    /// What the first of them waits for the others, up to `1m`.
    #[schema(value_type = DurationText)]
    max_wait: Option<DurationText>,
}

/// How events are signed: the versions of Standard Webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Signature {
    /// HMAC-SHA256, by a secret that the receiver has too.
    V1,
    /// ed25519, by a secret that nobody else has.
    V1a,
}

impl Signature {
    /// What a secret's text is for.
    pub(crate) fn of(secret: &str) -> Self {
        if secret.starts_with("whsk_") { Self::V1a } else { Self::V1 }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }
}

/// A sink that was read, and is not known yet.
pub(crate) struct Draft {
    /// With the secret that was given, if one was.
    pub(crate) spec: SinkSpec,
    /// How it is to be signed, if that was said.
    pub(crate) signature: Option<Signature>,
    /// Whether anything is to be sent.
    pub(crate) enabled: bool,
}

impl Definition<'_> {
    /// Checks everything but the name, so that all faults are told at once; `None` only when not
    /// even the URL can be used.
    pub(crate) fn check(self, faults: &mut Vec<Fault>) -> Option<Draft> {
        let url = any_url(self.url.as_deref())
            .and_then(|url| match (url.scheme(), url.as_str()) {
                (PULL, text) if text != "pull:" => Err("is just `pull:`".into()),
                _ => Ok(url),
            })
            .map_err(|detail| faults.push(Fault::at("/url", detail)))
            .ok();
        // What contradicts what does not depend on where a URL leads.
        let known = url.is_some();
        let mut spec = SinkSpec::new(url.unwrap_or_else(nowhere));
        spec.headers = self.headers.map_or_else(Vec::new, |headers| {
            fields::headers(headers, Owner::Sink, "/headers", faults)
        });
        if let Some(text) = self.secret.and_then(|text| secret(text, "/secret", faults)) {
            let is_other = |signature: &Signature| *signature != Signature::of(&text);
            if let Some(signature) = self.signature.filter(is_other) {
                let signature = signature.as_str();
                let detail = format!("the secret that is given is not for {signature}");
                faults.push(Fault::at("/signature", detail));
            }
            spec.secrets.push(SinkSecret { text, expires_ms: None });
        }
        spec.events = events(self.events, "/events", faults);
        spec.interval_us = self.rate.map(|rate| rate.0);
        let concurrency = self.concurrency.map(u64::from);
        within("/concurrency", concurrency, 1, MAX_CONCURRENCY, faults);
        spec.concurrency = self.concurrency;
        spec.timeout_ms = self.timeout.map(|timeout| {
            bounded(timeout.0, "/timeout", MAX_TIMEOUT, faults);
            millis(timeout.0)
        });
        spec.waits_ms = waits(self.schedule, faults);
        spec.inline_limit = self.inline_limit.map(|limit| limit.0);
        spec.format = self.format.unwrap_or_default();
        spec.gzip = self.gzip.unwrap_or_default();
        spec.batch = self.batch.and_then(|given| batch(&given, faults));
        spec.ordered = self.ordered.unwrap_or_default();
        contradictions(&spec, self.signature, faults);
        let enabled = self.enabled.unwrap_or(true);
        known.then_some(Draft { spec, signature: self.signature, enabled })
    }
}

fn nowhere() -> Url {
    Url::parse("https://nowhere.invalid").expect("a constant that is a URL")
}

/// Whether a text can be the name of a sink.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=MAX_NAME_BYTES).contains(&text.len())
        && text.bytes().all(|byte| plain(byte) || matches!(byte, b'-' | b'_'))
        && text.bytes().next().is_some_and(plain)
}

/// What a name has to be like.
pub(crate) const NAME_RULE: &str =
    "must be 1 to 64 of a-z, 0-9, `-` and `_`, and start with a letter or a digit";

/// Checks a filter of events.
pub(crate) fn events(
    given: Option<Vec<String>>,
    base: &str,
    faults: &mut Vec<Fault>,
) -> Vec<String> {
    let Some(given) = given else {
        return Vec::new();
    };
    if given.is_empty() {
        faults.push(Fault::at(base, "name at least one, or leave it out for all"));
    }
    for (at, event) in given.iter().enumerate() {
        let detail = if !EVENTS.contains(&event.as_str()) {
            format!("not one of {}", EVENTS.join(", "))
        } else if given[..at].contains(event) {
            "named twice".to_owned()
        } else {
            continue;
        };
        faults.push(Fault::at(format!("{base}/{at}"), detail));
        // One of a thousand is enough.
        break;
    }
    given
}

/// Checks the shape of a secret, and tells nothing of it.
pub(crate) fn secret(text: Cow<'_, str>, at: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let encoded = text.strip_prefix("whsec_").or_else(|| text.strip_prefix("whsk_"));
    let detail = match encoded {
        _ if text.len() > MAX_SECRET_BYTES => "too long for a secret",
        None => "starts neither with `whsec_` (HMAC-SHA256) nor with `whsk_` (ed25519)",
        Some("") => "has nothing after its prefix",
        Some(encoded) if BASE64.decode(encoded).is_err() => "is not base64 after its prefix",
        Some(_) => return Some(text.into_owned()),
    };
    faults.push(Fault::at(at, detail));
    None
}

fn bounded(given: Duration, at: &str, most: Duration, faults: &mut Vec<Fault>) {
    if given.is_zero() {
        faults.push(Fault::at(at, "must be longer than nothing"));
    } else if given > most {
        let most = duration_text(millis(most));
        faults.push(Fault::at(at, format!("over this server's limit of {most}")));
    }
}

fn waits(given: Option<Vec<DurationText>>, faults: &mut Vec<Fault>) -> Vec<u64> {
    let Some(given) = given else {
        return Vec::new();
    };
    if given.is_empty() {
        faults.push(Fault::at("/schedule", "give at least one wait, or leave it out"));
    } else if given.len() > MAX_WAITS {
        faults.push(Fault::at("/schedule", format!("more than {MAX_WAITS} of them")));
    }
    for (at, _) in given.iter().enumerate().filter(|(_, wait)| wait.0 > MAX_WAIT).take(1) {
        let most = duration_text(millis(MAX_WAIT));
        let detail = format!("over this server's limit of {most}");
        faults.push(Fault::at(format!("/schedule/{at}"), detail));
    }
    given.into_iter().map(|wait| millis(wait.0)).collect()
}

fn batch(given: &BatchText, faults: &mut Vec<Fault>) -> Option<BatchSpec> {
    let events = given.max_events.map(u64::from);
    match events {
        Some(_) => {
            let (least, most) = (*BATCH_EVENTS.start(), *BATCH_EVENTS.end());
            within("/batch/max_events", events, least, most, faults);
        }
        None => faults.push(Fault::at("/batch/max_events", "is required")),
    }
    match given.max_wait {
        Some(wait) => bounded(wait.0, "/batch/max_wait", MAX_BATCH_WAIT, faults),
        None => faults.push(Fault::at("/batch/max_wait", "is required")),
    }
    Some(BatchSpec { max_events: given.max_events?, max_wait_ms: millis(given.max_wait?.0) })
}

/// What each says is fine, and what they say together is not.
fn contradictions(spec: &SinkSpec, signature: Option<Signature>, faults: &mut Vec<Fault>) {
    let mut refuse = |at: &str, detail: &str| faults.push(Fault::at(at, detail));
    if spec.url.scheme() == PULL {
        let stands_alone = spec.format.stands_alone();
        for (at, is_set) in [
            ("/headers", !spec.headers.is_empty()),
            ("/secret", !spec.secrets.is_empty()),
            ("/signature", signature.is_some()),
            ("/rate", spec.interval_us.is_some()),
            ("/concurrency", spec.concurrency.is_some()),
            ("/timeout", spec.timeout_ms.is_some()),
            ("/schedule", !spec.waits_ms.is_empty()),
            ("/format", stands_alone),
            ("/gzip", spec.gzip),
            ("/batch", spec.batch.is_some()),
            ("/ordered", spec.ordered),
        ] {
            if is_set {
                refuse(at, "is for events that are sent; those of `pull:` are fetched");
            }
        }
        return;
    }
    if spec.ordered && spec.batch.is_some() {
        refuse("/batch", "does not go with `ordered`, which sends one event at a time");
    }
    if spec.ordered && spec.concurrency.is_some_and(|most| most > 1) {
        refuse("/concurrency", "is 1 with `ordered`, which sends one event at a time");
    }
    if spec.format.stands_alone() && spec.batch.is_some() {
        let detail =
            "goes with the formats `standard` and `cloudevents` only: others tell of one page";
        refuse("/batch", detail);
    }
}

/// A sink's definition as it is shown: what was given to define it, in the same words. Secrets
/// and the values of header fields are left out.
#[derive(Serialize, ToSchema)]
#[schema(as = SinkSettings)]
pub(crate) struct Written {
    url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    schedule: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_limit: Option<u64>,
    format: EventFormat,
    gzip: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<WrittenBatch>,
    ordered: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SinkBatch)]
struct WrittenBatch {
    max_events: u32,
    max_wait: String,
}

impl Written {
    pub(crate) fn new(spec: &SinkSpec) -> Self {
        let batch = |batch: BatchSpec| WrittenBatch {
            max_events: batch.max_events,
            max_wait: duration_text(batch.max_wait_ms),
        };
        Self {
            url: without_credentials(spec.url.clone()).into(),
            events: spec.events.clone(),
            rate: spec.interval_us.map(rate_text),
            concurrency: spec.concurrency,
            timeout: spec.timeout_ms.map(duration_text),
            schedule: spec.waits_ms.iter().copied().map(duration_text).collect(),
            inline_limit: spec.inline_limit,
            format: spec.format,
            gzip: spec.gzip,
            batch: spec.batch.map(batch),
            ordered: spec.ordered,
        }
    }
}

/// Only the operator's URLs have any.
pub(crate) fn without_credentials(mut url: Url) -> Url {
    // Refused by a URL that can have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}
