use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use jobs::Timestamp;
use url::Url;

use crate::fields::{self, Owner};
use crate::problem::{Fault, Kind, Problem};
use crate::quantity::DurationText;
use crate::submission::{CacheText, Retry, SinkGiven, SinkText, Submission};
use crate::{
    Cache, Format, JobSpec, Limits, Pipeline, Refusal, Robots, Select, Sink, Sinks, definition,
    nearest,
};

/// Longest URL in bytes.
const MAX_URL_BYTES: usize = 8 << 10;
/// Most tags of one job.
const MAX_TAGS: usize = 32;
/// Longest tag in bytes.
const MAX_TAG_BYTES: usize = 128;

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// A job that can be accepted.
pub(crate) struct Valid {
    pub(crate) spec: JobSpec,
    /// Not to be fetched before this.
    pub(crate) due: Timestamp,
}

/// What a submission is held to.
pub(crate) struct Rules<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) pipeline: &'a dyn Pipeline,
    pub(crate) sinks: &'a dyn Sinks,
    pub(crate) now: Timestamp,
}

impl Rules<'_> {
    /// Checks everything, so that all faults are told at once.
    pub(crate) fn check(&self, given: Submission<'_>) -> Result<Valid, Problem> {
        let mut faults = Vec::new();
        let url = self.target(given.url.as_deref(), &mut faults);
        let body = body(given.body, given.body_base64.as_deref(), &mut faults);
        let mut headers = given.headers.map_or_else(Vec::new, |headers| {
            fields::headers(headers, Owner::Fetch, "/headers", &mut faults)
        });
        if let Some(cookies) = given.cookies.and_then(|c| fields::cookies(c, &mut faults)) {
            if headers.iter().any(|(name, _)| name == "cookie") {
                faults.push(Fault::at("/cookies", "give `cookies` or `headers.cookie`, not both"));
            }
            headers.push(("cookie".to_owned(), cookies));
        }
        let method = method(given.method.as_deref(), &mut faults);
        let timeout = given.timeout.map(|t| t.0);
        self.timeout(timeout, &mut faults);
        let limits = self.limits;
        within("/max_bytes", given.max_bytes.map(|m| m.0), 1, limits.max_bytes, &mut faults);
        let most = u64::from(limits.max_redirects);
        within("/max_redirects", given.max_redirects.map(u64::from), 0, most, &mut faults);
        let Retry { max_attempts, schedule } = given.retry.unwrap_or_default();
        let most = u64::from(limits.max_attempts);
        within("/retry/max_attempts", max_attempts.map(u64::from), 1, most, &mut faults);
        let waits_ms = self.waits(schedule, &mut faults);
        let proxy = self.proxy(given.proxy, &mut faults);
        self.robots(given.robots, &mut faults);
        let delay = given.delay.map(|d| d.0);
        let due = self.due(delay, given.not_before.as_deref(), &mut faults);
        let deadline = self.deadline(given.deadline.as_deref(), due, &mut faults);
        let formats = formats(given.formats, &mut faults);
        self.select(given.select.as_ref(), &mut faults);
        let (sink, sink_name) = match given.sink {
            Some(sink) => self.sink(sink, &mut faults),
            None => (None, None),
        };
        let metadata = given.metadata.map(ToOwned::to_owned);
        if metadata.as_ref().is_some_and(|metadata| !metadata.get().starts_with('{')) {
            faults.push(Fault::at("/metadata", "must be an object"));
        }
        let tags = tags(given.tags.unwrap_or_default(), &mut faults);
        let (Some(url), true) = (url, faults.is_empty()) else {
            return Err(Problem::faulty(Kind::Invalid, faults));
        };
        let spec = JobSpec {
            url,
            method,
            headers,
            body,
            timeout_ms: timeout.map(millis),
            deadline_ms: deadline.map(Timestamp::as_millis),
            max_bytes: given.max_bytes.map(|m| m.0),
            max_redirects: given.max_redirects,
            proxy,
            robots: given.robots,
            cache: given.cache.map(cache),
            only_if_changed: given.only_if_changed.unwrap_or_default(),
            formats,
            scope: given.scope.unwrap_or_default(),
            select: given.select,
            sink,
            sink_name,
            notice: None,
            max_attempts,
            waits_ms,
            metadata,
            tags,
            priority: given.priority.unwrap_or_default(),
            owner: None,
            batch: None,
            html_names: Vec::new(),
        };
        Ok(Valid { spec, due })
    }

    fn target(&self, given: Option<&str>, faults: &mut Vec<Fault>) -> Option<Url> {
        let url = web_url(given)
            .and_then(|url| self.pipeline.admit_target(&url).map(|()| url).map_err(Cow::Owned));
        url.map_err(|detail| faults.push(Fault::at("/url", detail))).ok()
    }

    /// A sink of the job's own, or the name of one.
    pub(crate) fn sink(
        &self,
        given: SinkGiven<'_>,
        faults: &mut Vec<Fault>,
    ) -> (Option<Sink>, Option<String>) {
        let (at_name, at_url, given) = match given {
            SinkGiven::Text(given) => ("/sink", "/sink", given),
            SinkGiven::Object(given) => ("/sink/name", "/sink/url", given),
        };
        match given.name {
            Some(_) => (None, self.named_sink(given, at_name, faults)),
            None => (self.own_sink(given, at_url, faults), None),
        }
    }

    fn named_sink(&self, given: SinkText<'_>, at: &str, faults: &mut Vec<Fault>) -> Option<String> {
        let SinkText { name, url, headers, format, events } = given;
        let others = [
            ("url", url.is_some()),
            ("headers", headers.is_some()),
            ("format", format.is_some()),
            ("events", events.is_some()),
        ];
        for (field, _) in others.into_iter().filter(|(_, is_given)| *is_given) {
            let detail = "is the named sink's own to say: give `name` alone, or none";
            faults.push(Fault::at(format!("/sink/{field}"), detail));
        }
        let name = name?;
        if definition::is_name(&name) && self.sinks.sink(&name).is_some() {
            return Some(name.into_owned());
        }
        faults.push(Fault::at(at, self.unknown_sink(&name)));
        None
    }

    fn unknown_sink(&self, name: &str) -> String {
        if !definition::is_name(name) {
            return "neither an absolute URL nor the name of a sink".to_owned();
        }
        let known: Vec<_> = self.sinks.sinks().into_iter().map(|sink| sink.name).collect();
        match nearest::names(name, &known).as_slice() {
            [] => format!("there is no sink `{name}`; GET /v1/sinks lists those there are"),
            near => format!("there is no sink `{name}`; did you mean {}?", near.join(" or ")),
        }
    }

    fn own_sink(&self, given: SinkText<'_>, at: &str, faults: &mut Vec<Fault>) -> Option<Sink> {
        let url = web_url(given.url.as_deref())
            .and_then(|url| self.pipeline.admit_sink(&url).map(|()| url).map_err(Cow::Owned))
            .map_err(|detail| faults.push(Fault::at(at, detail)));
        let headers = given.headers.map_or_else(Vec::new, |headers| {
            fields::headers(headers, Owner::Sink, "/sink/headers", faults)
        });
        let events = definition::events(given.events, "/sink/events", faults);
        Some(Sink { url: url.ok()?, headers, format: given.format.unwrap_or_default(), events })
    }

    fn proxy(&self, given: Option<Cow<'_, str>>, faults: &mut Vec<Fault>) -> Option<String> {
        let proxy = given?;
        let admitted = match proxy.len() {
            ..=MAX_URL_BYTES => self.pipeline.admit_proxy(&proxy),
            _ => Err(format!("longer than {MAX_URL_BYTES} bytes")),
        };
        admitted.map_err(|detail| faults.push(Fault::at("/proxy", detail))).ok()?;
        Some(proxy.into_owned())
    }

    fn robots(&self, given: Option<Robots>, faults: &mut Vec<Fault>) {
        if let Some(Err(detail)) = given.map(|robots| self.pipeline.admit_robots(robots)) {
            faults.push(Fault::at("/robots", detail));
        }
    }

    /// Waits between attempts, each at most as long as a job may live.
    fn waits(&self, given: Option<Vec<DurationText>>, faults: &mut Vec<Fault>) -> Vec<u64> {
        let Some(given) = given else {
            return Vec::new();
        };
        let (count, most) = (given.len() as u64, u64::from(self.limits.max_attempts));
        if count == 0 {
            faults.push(Fault::at("/retry/schedule", "give at least one wait, or leave it out"));
        }
        within("/retry/schedule", Some(count.max(1)), 1, most, faults);
        let longest = self.limits.max_deadline;
        for (at, wait) in given.iter().enumerate().filter(|(_, wait)| wait.0 > longest) {
            let detail = format!("{:?} is over this server's limit of {longest:?}", wait.0);
            faults.push(Fault::at(format!("/retry/schedule/{at}"), detail));
        }
        given.into_iter().map(|wait| millis(wait.0)).collect()
    }

    /// Selectors are read only when their shape is within bounds.
    fn select(&self, given: Option<&Select>, faults: &mut Vec<Fault>) {
        let Some(select) = given else {
            return;
        };
        let known = faults.len();
        select.check(faults);
        if faults.len() == known {
            let refused = self.pipeline.admit_select(select).err().unwrap_or_default();
            let fault = |Refusal { pointer, detail }| Fault::at(select.place(&pointer), detail);
            faults.extend(refused.into_iter().map(fault));
        }
    }

    fn timeout(&self, given: Option<Duration>, faults: &mut Vec<Fault>) {
        let most = self.limits.max_timeout;
        match given {
            Some(timeout) if timeout.is_zero() => {
                faults.push(Fault::at("/timeout", "must be longer than nothing"));
            }
            Some(timeout) if timeout > most => {
                faults.push(Fault::at("/timeout", format!("over this server's limit of {most:?}")));
            }
            _ => {}
        }
    }
}

/// An http or https URL that can be stored and logged.
fn web_url(given: Option<&str>) -> Result<Url, Cow<'static, str>> {
    let url = any_url(given)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https are supported".into());
    }
    Ok(url)
}

/// A URL that can be stored and, when it is http or https, logged.
pub(crate) fn any_url(given: Option<&str>) -> Result<Url, Cow<'static, str>> {
    let text = given.ok_or("is required")?;
    if text.len() > MAX_URL_BYTES {
        return Err(format!("longer than {MAX_URL_BYTES} bytes").into());
    }
    let url = Url::parse(text).map_err(|error| format!("not an absolute URL: {error}"))?;
    let is_web = matches!(url.scheme(), "http" | "https");
    if is_web && (!url.username().is_empty() || url.password().is_some()) {
        return Err("holds credentials: send them as an `authorization` header instead".into());
    }
    // Percent-encoding can triple a text.
    if url.as_str().len() > MAX_URL_BYTES {
        return Err(format!("longer than {MAX_URL_BYTES} bytes once encoded").into());
    }
    Ok(url)
}

fn method(given: Option<&str>, faults: &mut Vec<Fault>) -> Method {
    let Some(name) = given else {
        return Method::GET;
    };
    METHODS.into_iter().find(|method| method.as_str() == name).unwrap_or_else(|| {
        let known = METHODS.each_ref().map(Method::as_str).join(", ");
        faults.push(Fault::at("/method", format!("not one of {known} (in capitals)")));
        Method::GET
    })
}

fn body(
    text: Option<Cow<'_, str>>,
    base64: Option<&str>,
    faults: &mut Vec<Fault>,
) -> Option<Bytes> {
    match (text, base64) {
        (None, None) => None,
        (Some(text), None) => Some(Bytes::from(text.into_owned())),
        (None, Some(base64)) => STANDARD
            .decode(base64)
            .map(Bytes::from)
            .map_err(|error| {
                let detail = format!("not base64 (RFC 4648 §4, with padding): {error}");
                faults.push(Fault::at("/body_base64", detail));
            })
            .ok(),
        (Some(_), Some(_)) => {
            faults.push(Fault::at("/body_base64", "give `body` or `body_base64`, not both"));
            None
        }
    }
}

pub(crate) fn within(
    pointer: &str,
    given: Option<u64>,
    least: u64,
    most: u64,
    faults: &mut Vec<Fault>,
) {
    match given {
        Some(value) if value < least => {
            faults.push(Fault::at(pointer, format!("must be at least {least}")));
        }
        Some(value) if value > most => {
            faults.push(Fault::at(pointer, format!("over this server's limit of {most}")));
        }
        _ => {}
    }
}

fn formats(given: Option<Vec<Format>>, faults: &mut Vec<Fault>) -> Vec<Format> {
    let Some(given) = given else {
        return Format::DEFAULT.to_vec();
    };
    if given.is_empty() {
        faults.push(Fault::at("/formats", "name at least one, or leave it out"));
    }
    let mut kept = Vec::with_capacity(Format::DEFAULT.len());
    for (at, format) in given.into_iter().enumerate() {
        if kept.contains(&format) {
            faults.push(Fault::at(format!("/formats/{at}"), "named twice"));
            break;
        }
        kept.push(format);
    }
    kept
}

fn tags(given: Vec<String>, faults: &mut Vec<Fault>) -> Vec<String> {
    if given.len() > MAX_TAGS {
        faults.push(Fault::at("/tags", format!("more than {MAX_TAGS} of them")));
        return Vec::new();
    }
    for (at, tag) in given.iter().enumerate() {
        let detail = if tag.is_empty() || tag.len() > MAX_TAG_BYTES {
            format!("must have 1 to {MAX_TAG_BYTES} bytes")
        } else if tag.chars().any(char::is_control) {
            "may not hold control characters".to_owned()
        } else if given[..at].contains(tag) {
            "given twice".to_owned()
        } else {
            continue;
        };
        faults.push(Fault::at(format!("/tags/{at}"), detail));
    }
    given
}

fn cache(CacheText { max_age, revalidate }: CacheText) -> Cache {
    let revalidate = revalidate.unwrap_or_default();
    Cache { max_age_ms: max_age.map(|age| millis(age.0)), revalidate }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
