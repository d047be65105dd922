//! How pages are to be scraped, in Firecrawl's words.

use std::borrow::Cow;
use std::time::Duration;

use jobs::{JobId, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::accept::Ready;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::quantity::DurationText;
use crate::shim::{Fields, Undone};
use crate::submission::{CacheText, Pairs, Retry, SinkGiven, Submission};
use crate::{Format, HtmlName, Scope};

const NO_BROWSER: &str = "no browser runs here, pages are fetched as they are; leave it out";
const NO_MODEL: &str = "pages are not looked at by a model here; leave it out";
const PICK: &str = "parts of a page are picked by `select` of POST /v1/jobs; leave it out";
const OPERATOR: &str = "the operator decides about it for everybody; leave it out";

/// Fields of theirs that ask for what is not done here.
const UNDONE: &[Undone] = &[
    ("actions", &["[]"], NO_BROWSER),
    ("waitFor", &["0"], NO_BROWSER),
    ("mobile", &["false"], NO_BROWSER),
    ("location", &["{}"], "send an `Accept-Language` in `headers`; leave it out"),
    ("includeTags", &["[]"], PICK),
    ("excludeTags", &["[]"], PICK),
    ("skipTlsVerification", &["false"], "certificates are always verified; leave it out"),
    ("proxy", &["\"basic\"", "\"auto\""], "use `proxy` of POST /v1/jobs, or `basic`"),
    ("removeBase64Images", &["true"], "pictures are never part of the text; leave it out"),
    ("minAge", &["0"], "a page is fetched unless `maxAge` lets an earlier one do; leave it out"),
    (
        "storeInCache",
        &["true"],
        "what is kept, and how long, is the operator's --retain; leave it out",
    ),
    ("lockdown", &["false"], "a page that was not fetched before is fetched; leave it out"),
    ("zeroDataRetention", &["false"], "results are kept for the operator's --retain; leave it out"),
    ("redactPII", &["false"], NO_MODEL),
    ("checkPromptInjection", &["false"], NO_MODEL),
    ("domainTools", &["false"], NO_MODEL),
    ("toolDetail", &[], NO_MODEL),
    ("threatProtection", &[], OPERATOR),
    ("auditMetadata", &[], "nothing is logged of it; leave it out"),
    ("profile", &[], NO_BROWSER),
    ("useMock", &[], "pages are always the site's; leave it out"),
    ("agent", &[], NO_MODEL),
    // What these ask for is so anyway, or makes no difference.
    ("blockAds", &["*"], ""),
    ("fastMode", &["*"], ""),
    ("integration", &["*"], ""),
    ("origin", &["*"], ""),
];

/// The rest of them.
pub(super) const KNOWN: &str =
    "formats, onlyMainContent, headers, timeout and maxAge, and what is harmless of the others";

/// What can be asked for.
pub(super) struct Options<'a> {
    formats: Vec<Format>,
    html_names: Vec<HtmlName>,
    scope: Scope,
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Their `timeout`.
    pub(super) timeout: Option<Duration>,
    max_age: Option<Duration>,
}

/// A format, by its name or as an object that has it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a string, or an object with a `type`")]
enum Named {
    Text(String),
    Object {
        #[serde(rename = "type")]
        name: String,
    },
}

impl<'a> Options<'a> {
    /// Takes what is understood, and refuses the rest by name.
    pub(super) fn read(fields: &mut Fields<'a>) -> Self {
        fields.refuse_undone(UNDONE);
        parsers(fields);
        let (formats, html_names) = formats(fields);
        let whole = fields.take::<bool>("onlyMainContent") == Some(false);
        let headers = fields.take::<Pairs<'a>>("headers").map_or_else(Vec::new, |pairs| pairs.0);
        let timeout = fields.take::<u64>("timeout").map(Duration::from_millis);
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            fields.refuse("timeout", "must be at least 1 (milliseconds)");
        }
        let max_age = fields.take::<u64>("maxAge").filter(|ms| *ms > 0).map(Duration::from_millis);
        let scope = if whole { Scope::Page } else { Scope::Main };
        Self { formats, html_names, scope, headers, timeout, max_age }
    }

    /// Checks one page of it, and makes a job of that.
    pub(super) fn prepare(
        &self,
        caller: &Caller,
        url: &str,
        own: Own<'_>,
        now: Timestamp,
    ) -> Result<Ready, Problem> {
        // The time for the fetch is the server's unless less is asked for; what is more is only
        // waited for.
        let most = caller.config.limits.max_timeout;
        let headers = self.headers.clone();
        let given = Submission {
            url: Some(with_scheme(url)),
            headers: (!headers.is_empty()).then_some(Pairs(headers)),
            timeout: self.timeout.filter(|timeout| *timeout <= most).map(DurationText),
            cache: self
                .max_age
                .map(|age| CacheText { max_age: Some(DurationText(age)), revalidate: None }),
            formats: Some(self.formats.clone()),
            scope: Some(self.scope),
            sink: own.sink,
            metadata: own.metadata,
            retry: own.retry,
            ..Submission::default()
        };
        let Ready { mut spec, job } = caller.prepare(given, own.batch, now)?;
        spec.html_names.clone_from(&self.html_names);
        Ok(caller.ready(spec, job.due))
    }
}

/// What is one job's own.
#[derive(Default)]
pub(super) struct Own<'a> {
    pub(super) batch: Option<JobId>,
    pub(super) sink: Option<SinkGiven<'a>>,
    pub(super) metadata: Option<&'a RawValue>,
    pub(super) retry: Option<Retry>,
}

/// PDF is read in any case, and pictures never.
fn parsers(fields: &mut Fields<'_>) {
    let named: Option<Vec<Named>> = fields.take("parsers");
    let is_pdf = |parser: &Named| match parser {
        Named::Text(name) | Named::Object { name } => name == "pdf",
    };
    if named.is_some_and(|named| named.is_empty() || !named.iter().all(is_pdf)) {
        fields.refuse(
            "parsers",
            "cannot be done here: PDF is always read, and pictures never; leave it out",
        );
    }
}

fn formats(fields: &mut Fields<'_>) -> (Vec<Format>, Vec<HtmlName>) {
    let given: Option<Vec<Named>> = fields.take("formats");
    let given = given.unwrap_or_else(|| vec![Named::Text("markdown".to_owned())]);
    let (mut formats, mut html_names) = (vec![Format::Metadata], Vec::new());
    for named in given {
        let (Named::Text(name) | Named::Object { name }) = named;
        let (format, html) = match name.as_str() {
            "markdown" => (Format::Markdown, None),
            "html" => (Format::Html, Some(HtmlName::Html)),
            "rawHtml" => (Format::Html, Some(HtmlName::RawHtml)),
            "links" => (Format::Links, None),
            _ => {
                let detail =
                    format!("`{name}` cannot be made here: take markdown, html, rawHtml or links");
                fields.refuse("formats", detail);
                // One of a thousand is enough.
                break;
            }
        };
        if !formats.contains(&format) {
            formats.push(format);
        }
        html_names.extend(html.filter(|html| !html_names.contains(html)));
    }
    (formats, html_names)
}

/// As Firecrawl does: an address without a scheme is an http one.
pub(super) fn with_scheme(url: &str) -> Cow<'_, str> {
    let url = url.trim();
    if url.contains("://") { Cow::Borrowed(url) } else { Cow::Owned(format!("http://{url}")) }
}
