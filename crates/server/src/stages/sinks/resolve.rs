//! From what was said of a sink to what is needed for a delivery.

use std::sync::Arc;
use std::time::Duration;

use egress::Policy;
use forward::{Batch, Schedule, Secret};
use ingest::{BatchSpec, EventFormat, Refusal, SinkSpec};
use jobs::{LaneLimit, Timestamp};
use url::Url;

use super::{Defaults, Sink};
use crate::stages::lane;

/// Most jobs in flight of a sink whose events travel together: those that wait for company take
/// places that others could have.
const MOST_IN_FLIGHT: u32 = 1_000;

/// `max_payload` of NATS and `message.max.bytes` of Kafka are 1 MiB, header fields included.
const MOST_FOR_BROKERS: u64 = 1_000_000;

/// A sink with a name.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn named(
    name: &str,
    spec: &SinkSpec,
    is_operators: bool,
    defaults: &Defaults,
) -> Result<Sink, String> {
    if is_operators {
        check_url(&spec.url)?;
    }
    let secrets = spec.secrets.iter().map(|secret| {
        let key = secret.text.parse().map_err(|error| format!("its secret: {error}"))?;
        Ok((key, secret.expires_ms.map(Timestamp::from_millis)))
    });
    let schedule = match spec.waits_ms.as_slice() {
        [] => Arc::clone(&defaults.schedule),
        waits => {
            let waits = waits.iter().copied().map(Duration::from_millis);
            Arc::new(Schedule::new(waits).map_err(|error| format!("its schedule: {error}"))?)
        }
    };
    let inline_limit = spec.inline_limit.unwrap_or_else(|| usual_limit(&spec.url, defaults));
    let batch = spec.batch.filter(|_| !spec.ordered);
    Ok(Sink {
        name: Some(name.to_owned()),
        lane: lane::of_name(name),
        url: spec.url.clone(),
        trusted: is_operators,
        headers: header_map(spec),
        secrets: secrets.collect::<Result<_, String>>()?,
        events: spec.events.clone(),
        schedule,
        timeout: spec.timeout(),
        inline_limit,
        format: spec.format,
        gzip: spec.gzip,
        batch: batch.map(|batch| batched(name, spec, batch, inline_limit)),
        ordered: spec.ordered,
        limit: limit(spec, batch, defaults.limit),
        disabled: spec.disabled.clone(),
    })
}

/// Those of one definition travel together: a change of headers or secrets begins a new batch.
fn batched(name: &str, spec: &SinkSpec, batch: BatchSpec, inline_limit: u64) -> Batch {
    Batch {
        key: format!("{name}@{}", spec.updated_ms).into(),
        max_events: batch.max_events as usize,
        max_bytes: usize::try_from(inline_limit).unwrap_or(usize::MAX),
        max_wait: Duration::from_millis(batch.max_wait_ms),
    }
}

/// What is said of POSTs, said of jobs in flight: a batch is one POST and many jobs.
fn limit(spec: &SinkSpec, batch: Option<BatchSpec>, usual: LaneLimit) -> LaneLimit {
    let per_post = batch.map_or(1, |batch| batch.max_events.max(1));
    let posts = if spec.ordered { 1 } else { spec.concurrency.unwrap_or(usual.concurrency).max(1) };
    let interval = spec.interval_us.map_or(usual.interval, Duration::from_micros);
    LaneLimit {
        concurrency: posts.saturating_mul(per_post).min(MOST_IN_FLIGHT.max(per_post)),
        interval: interval / per_post,
        in_order: spec.ordered,
        ..usual
    }
}

/// `--forward-to` with an address.
pub(super) fn operators_url(url: &Url, defaults: &Defaults) -> Result<Sink, String> {
    check_url(url)?;
    if url.scheme() == "pull" {
        return Err(
            "events are pulled from a sink by its name: put it into the --sinks file".into()
        );
    }
    Ok(Sink { trusted: true, ..plain(url, defaults) })
}

/// A sink that a job brings along.
pub(super) fn of_job(own: &ingest::Sink, defaults: &Defaults) -> Sink {
    Sink {
        headers: own.header_map(),
        events: own.events.clone(),
        format: own.format,
        ..plain(&own.url, defaults)
    }
}

fn plain(url: &Url, defaults: &Defaults) -> Sink {
    Sink {
        name: None,
        lane: lane::of_sink(url),
        url: url.clone(),
        trusted: false,
        headers: http::HeaderMap::new(),
        secrets: Vec::new(),
        events: Vec::new(),
        schedule: Arc::clone(&defaults.schedule),
        timeout: None,
        inline_limit: usual_limit(url, defaults),
        format: EventFormat::Standard,
        gzip: false,
        batch: None,
        ordered: false,
        limit: defaults.limit,
        disabled: None,
    }
}

/// How large a body may be unless told otherwise. What keeps events keeps them whole; brokers take
/// messages of a little more than a million bytes unless they are told to take more.
fn usual_limit(url: &Url, defaults: &Defaults) -> u64 {
    match url.scheme() {
        "file" | "folder" | "s3" | "stdout" => u64::MAX,
        "nats" | "kafka" => defaults.inline_limit.min(MOST_FOR_BROKERS),
        _ => defaults.inline_limit,
    }
}

fn header_map(spec: &SinkSpec) -> http::HeaderMap {
    let headers = spec.headers.clone();
    ingest::Sink { headers, ..ingest::Sink::to(spec.url.clone()) }.header_map()
}

/// Whether the operator may have such a sink: whether its scheme is known and its address can be
/// one.
///
/// # Errors
/// Why not, for people.
fn check_url(url: &Url) -> Result<(), String> {
    match url.scheme() {
        "http" | "https" => {
            let trusted = Policy::trusted(std::slice::from_ref(url));
            trusted.check_url(url).map(drop).map_err(|refused| refused.to_string())
        }
        "pull" => Ok(()),
        _ => forward::check_sink_url(url).map_err(|invalid| invalid.to_string()),
    }
}

/// Everything that is wrong with a sink that a client wants to define.
pub(super) fn refusals(spec: &SinkSpec, policy: &Policy) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut refuse = |pointer: String, detail: String| refusals.push(Refusal { pointer, detail });
    match spec.url.scheme() {
        "http" | "https" => {
            if let Err(refused) = policy.check_url(&spec.url) {
                refuse("/url".to_owned(), refused.to_string());
            }
        }
        "pull" => {}
        scheme => refuse(
            "/url".to_owned(),
            format!(
                "the scheme is {scheme}: expected http, https or pull; others are the operator's to define (--sinks)"
            ),
        ),
    }
    for (at, secret) in spec.secrets.iter().enumerate() {
        if let Err(error) = secret.text.parse::<Secret>() {
            refuse(format!("/secrets/{at}"), error.to_string());
        }
    }
    if !spec.waits_ms.is_empty()
        && let Err(error) = Schedule::new(spec.waits_ms.iter().copied().map(Duration::from_millis))
    {
        refuse("/schedule".to_owned(), error.to_string());
    }
    if spec.batch.is_some() && spec.ordered {
        refuse("/batch".to_owned(), "an ordered sink gets one event at a time".to_owned());
    }
    if spec.batch.is_some() && spec.format.stands_alone() {
        refuse("/batch".to_owned(), "bodies of this format travel one by one".to_owned());
    }
    refusals
}

/// A new signing secret, and what it is verified with when that is not the secret itself.
pub(super) fn new_secret(asymmetric: bool) -> (String, Option<String>) {
    let secret = if asymmetric { Secret::generate_asymmetric() } else { Secret::generate() };
    (secret.reveal(), public_key(&secret))
}

/// What a receiver verifies with, when that is not the secret itself.
pub(super) fn public_key(secret: &Secret) -> Option<String> {
    secret.public_key().map(|key| key.to_string())
}
