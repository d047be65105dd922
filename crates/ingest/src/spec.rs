use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jobs::{JobId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;
use utoipa::ToSchema;

use crate::{EventFormat, Select};

/// What a page is turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The body's bytes as received.
    Raw,
    /// The document's HTML as text.
    Html,
    /// Its visible text.
    Text,
    /// Its Markdown.
    Markdown,
    /// Its links.
    Links,
    /// What it says of itself: author, language, dates.
    Metadata,
    /// Its JSON-LD objects as they stand.
    JsonLd,
}

/// Which part of a page text and Markdown are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// What the page is there for, without navigation, advertising and the like.
    #[default]
    Main,
    /// All that is visible.
    Page,
}

/// Whether a site's robots.txt (RFC 9309) is heeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Robots {
    /// What it disallows is not fetched.
    Obey,
    /// It is not asked for.
    Ignore,
}

/// Which of the jobs that are due goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// When nothing else is due, and every so often.
    Low,
    /// As usual.
    #[default]
    Normal,
    /// Before the others.
    High,
}

impl From<Priority> for jobs::Priority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => Self::Low,
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
        }
    }
}

/// What Firecrawl calls a page's HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HtmlName {
    /// `html`
    Html,
    /// `rawHtml`
    RawHtml,
}

/// What may be used of an earlier fetch that asked for the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    /// A page that was fetched at most this long ago is delivered without asking the site again;
    /// milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_ms: Option<u64>,
    /// An older page is delivered when the site says that it still stands.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revalidate: bool,
}

impl Format {
    /// What a job gets that does not name its formats.
    pub const DEFAULT: [Self; 2] = [Self::Markdown, Self::Metadata];

    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Html => "html",
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Links => "links",
            Self::Metadata => "metadata",
            Self::JsonLd => "json_ld",
        }
    }
}

/// Where a job's event goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sink {
    /// http or https, without credentials.
    pub url: Url,
    /// Extra header fields, lower-case names; none starts with `webhook-`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// What its body looks like.
    #[serde(default, skip_serializing_if = "is_standard")]
    pub format: EventFormat,
    /// The types of events that are sent; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
}

impl Sink {
    /// A sink with nothing set but where to.
    pub const fn to(url: Url) -> Self {
        Self { url, headers: Vec::new(), format: EventFormat::Standard, events: Vec::new() }
    }

    /// The extra header fields.
    pub fn header_map(&self) -> HeaderMap {
        header_map(&self.headers)
    }
}

/// A validated job, as it is stored. Whatever is `None` was left to the server's defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobSpec {
    /// What to fetch: http or https, without credentials.
    pub url: Url,
    /// How.
    #[serde(default, with = "method", skip_serializing_if = "is_get")]
    pub method: Method,
    /// Header fields of the request, lower-case names, cookies included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The request's body.
    #[serde(default, with = "base64_bytes", skip_serializing_if = "Option::is_none")]
    pub body: Option<Bytes>,
    /// Time for the whole fetch, redirects included, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The job is worthless after this; milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// Bytes of decoded body kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Redirects followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_redirects: Option<u32>,
    /// The proxy to fetch through, as it was written: it may hold credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Whether robots.txt is heeded; `None` for the server's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robots: Option<Robots>,
    /// What may be used of an earlier fetch; `None` for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// Whether a page that has not changed since the last fetch is not delivered again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_if_changed: bool,
    /// What to make of the page; never empty, each once.
    pub formats: Vec<Format>,
    /// Of which part of it text and Markdown are made.
    #[serde(default, skip_serializing_if = "is_main")]
    pub scope: Scope,
    /// Fields to pick from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Where the event goes; `None` for a named or the server's default sink, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<Sink>,
    /// The name of the sink where the event goes; never together with `sink`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink_name: Option<String>,
    /// An event that is told as it stands: nothing is fetched. The server's own, never a caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Box<RawValue>>,
    /// Attempts to fetch, the first included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Waits before each attempt, the first included, in milliseconds; empty for the server's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_ms: Vec<u64>,
    /// A JSON object, byte for byte as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
    /// The owner's words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether it goes before or after others that are due.
    #[serde(default, skip_serializing_if = "is_normal")]
    pub priority: Priority,
    /// The id of the API key it was submitted with; `None` for a key that sees everything, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The batch it came with.
    #[serde(default, with = "job_id", skip_serializing_if = "Option::is_none")]
    pub batch: Option<JobId>,
    /// The names by which a client of Firecrawl asked for the page's HTML; empty for `html`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub html_names: Vec<HtmlName>,
}

/// First byte of a stored spec. A change of meaning takes the next digit.
const VERSION: u8 = b'2';
/// Written when there was no scope but the whole page, and jobs expected that.
const WHOLE_PAGE_VERSION: u8 = b'1';

/// Stored bytes that are not a spec this version can read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSpec {
    /// Written by a newer version, or not a spec at all.
    #[error("the stored job has an unknown format")]
    Version,
    /// Not what was written.
    #[error("the stored job cannot be read")]
    Damaged(#[source] serde_json::Error),
}

impl JobSpec {
    /// A GET of `url` in the default formats, everything else left to the server.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            method: Method::GET,
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
            deadline_ms: None,
            max_bytes: None,
            max_redirects: None,
            proxy: None,
            robots: None,
            cache: None,
            only_if_changed: false,
            formats: Format::DEFAULT.to_vec(),
            scope: Scope::Main,
            select: None,
            sink: None,
            sink_name: None,
            notice: None,
            max_attempts: None,
            waits_ms: Vec::new(),
            metadata: None,
            tags: Vec::new(),
            priority: Priority::Normal,
            owner: None,
            batch: None,
            html_names: Vec::new(),
        }
    }

    /// The stored form: a version digit and compact JSON.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(256);
        out.push(VERSION);
        serde_json::to_writer(&mut out, self)
            .expect("every key is a string and a Vec takes every byte");
        Bytes::from(out)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When the bytes were not written by [`JobSpec::to_bytes`] of this or an older version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidSpec> {
        let read = |json| serde_json::from_slice(json).map_err(InvalidSpec::Damaged);
        match bytes.split_first() {
            Some((&VERSION, json)) => read(json),
            Some((&WHOLE_PAGE_VERSION, json)) => Ok(Self { scope: Scope::Page, ..read(json)? }),
            _ => Err(InvalidSpec::Version),
        }
    }

    /// Time for the whole fetch, when the job asked for one.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout_ms.map(Duration::from_millis)
    }

    /// When the job becomes worthless, if ever.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline_ms.map(Timestamp::from_millis)
    }

    /// The request's header fields.
    pub fn header_map(&self) -> HeaderMap {
        header_map(&self.headers)
    }
}

/// Fields were validated when the job was accepted, so none is left out.
fn header_map(fields: &[(String, String)]) -> HeaderMap {
    let fields = fields.iter().filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    });
    fields.collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_standard(format: &EventFormat) -> bool {
    *format == EventFormat::Standard
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_main(scope: &Scope) -> bool {
    *scope == Scope::Main
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_normal(priority: &Priority) -> bool {
    *priority == Priority::Normal
}

fn is_get(method: &Method) -> bool {
    method == Method::GET
}

mod method {
    use std::borrow::Cow;

    use http::Method;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(method: &Method, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(method.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Method, D::Error> {
        let name = Cow::<'de, str>::deserialize(d)?;
        Method::from_bytes(name.as_bytes()).map_err(D::Error::custom)
    }
}

mod job_id {
    use std::borrow::Cow;

    use jobs::JobId;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &Option<JobId>, s: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => s.collect_str(id),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<JobId>, D::Error> {
        let text = Option::<Cow<'de, str>>::deserialize(d)?;
        text.map(|text| text.parse()).transpose().map_err(D::Error::custom)
    }
}

mod base64_bytes {
    use std::borrow::Cow;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(body: &Option<Bytes>, s: S) -> Result<S::Ok, S::Error> {
        match body {
            Some(body) => s.serialize_str(&STANDARD.encode(body)),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Bytes>, D::Error> {
        let text = Option::<Cow<'de, str>>::deserialize(d)?;
        let decode = |text: Cow<'de, str>| STANDARD.decode(text.as_bytes()).map(Bytes::from);
        text.map(decode).transpose().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pick;

    fn full() -> JobSpec {
        JobSpec {
            method: Method::POST,
            headers: vec![("accept".into(), "text/html".into())],
            body: Some(Bytes::from_static(b"\x00\xffbody")),
            timeout_ms: Some(5),
            deadline_ms: Some(6),
            max_bytes: Some(7),
            max_redirects: Some(8),
            proxy: Some("socks5://me:secret@proxy.example:1080".into()),
            robots: Some(Robots::Ignore),
            cache: Some(Cache { max_age_ms: Some(1), revalidate: true }),
            only_if_changed: true,
            formats: vec![Format::Raw, Format::JsonLd],
            scope: Scope::Page,
            select: Some(Select(vec![("a".into(), Pick::Css("h1".into()))])),
            sink: Some(Sink {
                url: "https://sink.example/in".parse().unwrap(),
                headers: vec![("authorization".into(), "Bearer x".into())],
                format: EventFormat::Raw,
                events: vec!["job.failed".into()],
            }),
            max_attempts: Some(9),
            waits_ms: vec![0, 10],
            metadata: Some(RawValue::from_string(r#"{"a": 1.10}"#.into()).unwrap()),
            tags: vec!["one".into()],
            priority: Priority::High,
            owner: Some("key".into()),
            batch: Some(JobId::draw()),
            ..JobSpec::new("https://example.com/a?b#c".parse().unwrap())
        }
    }

    #[test]
    fn the_stored_form_comes_back_whole() {
        let bytes = full().to_bytes();
        let back = JobSpec::from_bytes(&bytes).unwrap();
        assert_eq!(back.to_bytes(), bytes);
        assert_eq!(back.body.as_deref(), Some(&b"\x00\xffbody"[..]));
        assert_eq!(back.method, Method::POST);
        assert_eq!(back.metadata.unwrap().get(), r#"{"a": 1.10}"#);
    }

    #[test]
    fn the_smallest_job_is_stored_small() {
        let spec = JobSpec::new("https://example.com".parse().unwrap());
        let stored = spec.to_bytes();
        let text = r#"2{"url":"https://example.com/","formats":["markdown","metadata"]}"#;
        assert_eq!(stored, text.as_bytes());
    }

    #[test]
    fn jobs_of_the_first_version_keep_the_whole_page() {
        let stored = br#"1{"url":"https://example.com/","formats":["markdown"]}"#;
        let spec = JobSpec::from_bytes(stored).unwrap();
        assert_eq!((spec.scope, spec.select), (Scope::Page, None));
    }

    #[test]
    fn other_bytes_are_refused() {
        let damaged = |bytes: &[u8]| JobSpec::from_bytes(bytes).unwrap_err().to_string();
        assert_eq!(damaged(b""), "the stored job has an unknown format");
        assert_eq!(damaged(b"3{}"), "the stored job has an unknown format");
        assert_eq!(damaged(b"2{"), "the stored job cannot be read");
    }
}
