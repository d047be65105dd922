//! What a job of ScraperAPI's asks for.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jobs::Timestamp;
use serde_json::value::RawValue;
use url::Url;
use utoipa::ToSchema;

use crate::accept::Ready;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::shim::{Fields, Undone};
use crate::submission::{Pairs, SinkGiven, SinkText, Submission};
use crate::{EventFormat, Format, Scope};

const NO_BROWSER: &str = "no browser runs here, pages are fetched as they are; leave it out";
const NO_POOL: &str =
    "there are no proxies here but those that `proxy` of POST /v1/jobs may name; leave it out";
const NO: &[&str] = &["false", "\"false\"", "\"\""];

/// Parameters of theirs that ask for what is not done here.
const UNDONE: &[Undone] = &[
    ("render", NO, NO_BROWSER),
    ("wait_for_selector", NO, NO_BROWSER),
    ("screenshot", NO, NO_BROWSER),
    ("premium", NO, NO_POOL),
    ("ultra_premium", NO, NO_POOL),
    ("country_code", NO, NO_POOL),
    ("session_number", NO, NO_POOL),
    ("autoparse", NO, "pick fields by `select` of POST /v1/jobs; leave it out"),
    ("device_type", NO, "send a `User-Agent` in `headers`; leave it out"),
    (
        "follow_redirect",
        &["true", "\"true\""],
        "use `max_redirects` of POST /v1/jobs; leave it out",
    ),
    ("retry_404", NO, "use `retry` of POST /v1/jobs; leave it out"),
    ("max_cost", &["*"], ""),
    // Header fields of a job are always sent.
    ("keep_headers", &["*"], ""),
];

/// The fields that are understood, besides the address.
pub(super) const KNOWN: &str =
    "apiKey, method, headers, body, callback, expectsUnsuccessReport, meta and apiParams";

/// The body of a job.
#[derive(ToSchema)]
#[schema(as = ScraperApiJob)]
#[expect(dead_code, reason = "only tells what a body looks like")]
pub(super) struct Body {
    #[schema(rename = "apiKey")]
    api_key: Option<String>,
    /// http or https.
    #[schema(example = "https://example.com")]
    url: String,
    #[schema(inline)]
    method: Option<String>,
    headers: Option<std::collections::BTreeMap<String, String>>,
    body: Option<String>,
    /// `{"type": "webhook", "url": …}`
    #[schema(value_type = Option<Object>)]
    callback: Option<()>,
    /// Whether the callback is also told of a job that failed.
    #[schema(rename = "expectsUnsuccessReport")]
    expects_unsuccess_report: Option<bool>,
    /// Told back with the job.
    #[schema(value_type = Option<Object>)]
    meta: Option<()>,
    /// `binary_target`, `output_format`, and what is harmless of the others.
    #[schema(value_type = Option<Object>, rename = "apiParams")]
    api_params: Option<()>,
}

/// The body of a batch: as of a job, with `urls`.
#[derive(ToSchema)]
#[schema(as = ScraperApiBatch)]
#[expect(dead_code, reason = "only tells what a body looks like")]
pub(super) struct BatchBody {
    #[schema(rename = "apiKey")]
    api_key: Option<String>,
    /// 1 to 50,000; http or https.
    #[schema(example = json!(["https://example.com"]))]
    urls: Vec<String>,
    /// `{"type": "webhook", "url": …}`
    #[schema(value_type = Option<Object>)]
    callback: Option<()>,
    /// Told back with each job.
    #[schema(value_type = Option<Object>)]
    meta: Option<()>,
}

/// What is asked for, whatever the address.
pub(super) struct Asked<'a> {
    method: Option<String>,
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    body: Option<String>,
    callback: Option<Callback>,
    meta: Option<&'a RawValue>,
    formats: Vec<Format>,
}

struct Callback {
    url: String,
    /// Of the credentials in the address that was given.
    authorization: Option<String>,
    failures: bool,
}

impl<'a> Asked<'a> {
    /// Takes what is understood, and refuses the rest by name.
    pub(super) fn read(fields: &mut Fields<'a>) -> Self {
        let failures = fields.take("expectsUnsuccessReport").unwrap_or(false);
        let meta: Option<&RawValue> = fields.take("meta");
        if meta.is_some_and(|meta| !meta.get().starts_with('{')) {
            fields.refuse("meta", "must be an object");
        }
        Self {
            method: fields.take::<String>("method").map(|method| method.to_ascii_uppercase()),
            headers: fields.take::<Pairs<'a>>("headers").map_or_else(Vec::new, |pairs| pairs.0),
            body: fields.take("body"),
            callback: callback(fields, failures),
            meta,
            formats: formats(fields),
        }
    }

    /// Checks it for one address, and makes a job of that.
    pub(super) fn prepare(
        &self,
        caller: &Caller,
        url: &str,
        now: Timestamp,
    ) -> Result<Ready, Problem> {
        let headers = self.headers.clone();
        let given = Submission {
            url: Some(Cow::Borrowed(url.trim())),
            method: self.method.as_deref().map(Cow::Borrowed),
            headers: (!headers.is_empty()).then_some(Pairs(headers)),
            body: self.body.as_deref().map(Cow::Borrowed),
            formats: Some(self.formats.clone()),
            scope: Some(Scope::Page),
            sink: self.callback.as_ref().map(Callback::sink),
            metadata: self.meta,
            ..Submission::default()
        };
        caller.prepare(given, None, now)
    }
}

impl Callback {
    fn sink(&self) -> SinkGiven<'_> {
        let events: &[&str] =
            if self.failures { &["job.succeeded", "job.failed"] } else { &["job.succeeded"] };
        let authorization = self.authorization.as_deref();
        let headers = authorization.map(|own| Pairs(vec![("authorization".into(), own.into())]));
        SinkGiven::Object(SinkText {
            name: None,
            url: Some(Cow::Borrowed(&self.url)),
            headers,
            format: Some(EventFormat::ScraperApi),
            events: Some(events.iter().map(|event| (*event).to_owned()).collect()),
        })
    }
}

fn callback(fields: &mut Fields<'_>, failures: bool) -> Option<Callback> {
    let mut inner = fields.object("callback")?;
    if inner.take::<String>("type").is_some_and(|kind| kind != "webhook") {
        inner.refuse("type", "is `webhook`, the only kind there is");
    }
    let url: String = inner.take("url").unwrap_or_default();
    inner.end_within(fields, "type and url");
    let (url, authorization) = without_credentials(url);
    Some(Callback { url, authorization, failures })
}

/// Credentials may stand in the address; they are sent in a header field (RFC 7617 §2).
fn without_credentials(text: String) -> (String, Option<String>) {
    let Ok(mut url) = Url::parse(&text) else {
        return (text, None);
    };
    if url.username().is_empty() && url.password().is_none() {
        return (text, None);
    }
    let plain = |part: &str| percent_decoded(part);
    let pair = format!("{}:{}", plain(url.username()), plain(url.password().unwrap_or_default()));
    // Only an address that can have none refuses.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    (url.into(), Some(format!("Basic {}", STANDARD.encode(pair))))
}

/// Undoes percent-encoding, by the rules of a form without its plus signs.
fn percent_decoded(text: &str) -> String {
    let text = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

/// The page as text: as it came, or what is made of it.
fn formats(fields: &mut Fields<'_>) -> Vec<Format> {
    let page = vec![Format::Html, Format::Text];
    let Some(mut parameters) = fields.object("apiParams") else {
        return page;
    };
    parameters.refuse_undone(UNDONE);
    let output: Option<String> = parameters.take("output_format");
    let binary: Option<&RawValue> = parameters.take("binary_target");
    let formats = match (output.as_deref(), binary.map(RawValue::get)) {
        (None | Some(""), Some("true" | "\"true\"")) => vec![Format::Raw],
        (None | Some(""), _) => page,
        (Some("markdown"), _) => vec![Format::Markdown],
        (Some("text"), _) => vec![Format::Text],
        (Some(_), _) => {
            parameters.refuse("output_format", "cannot be made here: take markdown or text");
            page
        }
    };
    parameters
        .end_within(fields, "binary_target, output_format, and what is harmless of the others");
    formats
}

/// A fault, by the names of a request of theirs.
pub(super) fn told((at, detail): (&str, &str)) -> String {
    let theirs = match (at.strip_prefix("/sink"), at.strip_prefix("/metadata")) {
        (Some(rest), _) => format!("callback{rest}"),
        (_, Some(rest)) => format!("meta{rest}"),
        _ => at.strip_prefix('/').unwrap_or(at).to_owned(),
    };
    let theirs = theirs.replace('/', ".").replace("~1", "/").replace("~0", "~");
    if theirs.is_empty() { detail.to_owned() } else { format!("{theirs}: {detail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_a_callback_s_address_are_sent_in_a_header_field() {
        let (url, authorization) = without_credentials("https://me:a%40b+@h.example/x?y".into());
        assert_eq!(url, "https://h.example/x?y");
        assert_eq!(authorization.unwrap(), format!("Basic {}", STANDARD.encode("me:a@b+")));
        for plain in ["https://h.example/", "no address"] {
            assert_eq!(without_credentials(plain.into()), (plain.into(), None));
        }
    }

    #[test]
    fn a_fault_is_told_by_the_name_that_the_client_gave() {
        assert_eq!(told(("/sink/url", "is required")), "callback.url: is required");
        assert_eq!(told(("/headers/a~1b", "given twice")), "headers.a/b: given twice");
        assert_eq!(told(("", "no object")), "no object");
    }
}
