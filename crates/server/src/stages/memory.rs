//! What is remembered of a page between jobs: whether it has changed, and where it is kept.
//!
//! Only jobs that ask for it (`cache`, `only_if_changed`) look here, and only they leave something.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ETAG, HeaderName, HeaderValue, LAST_MODIFIED};
use ingest::JobSpec;
use jobs::{JobId, NewNote, Timestamp};
use scrape::{Response, Validators};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::event::{Earlier, Sign};

/// Where notes on pages stand in the store.
pub(crate) const PAGES: &str = "page";

/// Longest validator that is kept, in bytes; a page with a longer one counts as having none.
const MAX_VALIDATOR_BYTES: usize = 1024;

/// Longest address that is kept with a page, in bytes; one with a longer one is not asked after.
const MAX_URL_BYTES: usize = 1536;

/// What is known of a page from the last time that a job asked for the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// The job that has the page as its result, for as long as it is kept.
    job: String,
    /// When the page was fetched, or the site last said that it still stands; ms since the epoch.
    at_ms: u64,
    /// Where it was found: its validators are of this URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    /// Of what was made of the page.
    hash: [u8; 32],
}

impl Known {
    /// Of a page that has just been fetched by `job`.
    pub(crate) fn of(job: JobId, at: Timestamp, response: &Response, hash: [u8; 32]) -> Self {
        let (url, headers) = (&response.final_url, &response.headers);
        let kept = |name: HeaderName| {
            let value = headers.get(name)?.to_str().ok()?;
            (value.len() <= MAX_VALIDATOR_BYTES).then(|| value.to_owned())
        };
        Self {
            job: job.to_string(),
            at_ms: at.as_millis(),
            url: (url.as_str().len() <= MAX_URL_BYTES).then(|| url.clone()),
            etag: kept(ETAG),
            last_modified: kept(LAST_MODIFIED),
            hash,
        }
    }

    /// Reads back a note; one that cannot be read is as good as none.
    pub(crate) fn read(note: &[u8]) -> Option<Self> {
        serde_json::from_slice(note).ok()
    }

    /// The same page, seen again now: its validators may be new.
    #[must_use]
    pub(crate) fn seen_again(&self, at: Timestamp, response: &Response) -> Self {
        let now = Self::of(JobId::floor(at), at, response, self.hash);
        Self {
            // A 304 need not repeat them (RFC 9110 section 15.4.5).
            etag: now.etag.or_else(|| self.etag.clone()),
            last_modified: now.last_modified.or_else(|| self.last_modified.clone()),
            job: self.job.clone(),
            ..now
        }
    }

    /// The job that has the page.
    pub(crate) fn job(&self) -> Option<JobId> {
        self.job.parse().ok()
    }

    /// When the page was last known to be like this.
    pub(crate) fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.at_ms)
    }

    /// What to tell of it; `None` when the note names no job.
    pub(crate) fn earlier(&self, by: Sign) -> Option<Earlier> {
        Some(Earlier { job: self.job()?, seen: self.at(), by })
    }

    /// Whether it was so at most `max_age` before `now`.
    pub(crate) fn is_fresh(&self, max_age: Duration, now: Timestamp) -> bool {
        now.since(self.at()) <= max_age
    }

    /// Whether what was made of the page then is what is made of it now.
    pub(crate) fn is_same(&self, hash: &[u8; 32]) -> bool {
        self.hash == *hash
    }

    /// What to ask the site with whether the page still stands.
    pub(crate) fn validators(&self) -> Validators {
        if self.url.is_none() {
            return Validators::default();
        }
        let value = |text: &Option<String>| HeaderValue::from_str(text.as_deref()?).ok();
        let (etag, last_modified) = (value(&self.etag), value(&self.last_modified));
        Validators { etag, last_modified, url: self.url.clone() }
    }

    /// The note to be kept until `expires`.
    pub(crate) fn note(&self, key: [u8; 32], expires: Timestamp) -> NewNote {
        let value = serde_json::to_vec(self).expect("strings, numbers and an array");
        NewNote { space: PAGES, key, value: Bytes::from(value), expires }
    }
}

/// Whether the job uses or leaves a note.
pub(crate) fn is_wanted(spec: &JobSpec) -> bool {
    spec.cache.is_some() || spec.only_if_changed
}

/// What two jobs share that ask for the same: the request, with every header field, and what is
/// to be made of the answer.
pub(crate) fn key(spec: &JobSpec) -> [u8; 32] {
    let mut url = spec.url.clone();
    url.set_fragment(None);
    let mut headers = spec.headers.clone();
    headers.sort();
    let asked = (
        url.as_str(),
        spec.method.as_str(),
        headers,
        spec.body.as_deref(),
        (&spec.formats, spec.scope, &spec.select, spec.max_bytes),
    );
    let text = serde_json::to_vec(&asked).expect("every key is a string");
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::response;

    fn spec(url: &str) -> JobSpec {
        JobSpec::new(url.parse().unwrap())
    }

    /// An answer with these header fields.
    fn answer(fields: &[(&'static str, &str)]) -> Response {
        let fields = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        Response { headers: fields.collect(), ..response(scrape::Page::default()) }
    }

    #[test]
    fn jobs_share_a_note_when_they_ask_for_the_same() {
        let plain = spec("https://example.com/a");
        assert_eq!(key(&plain), key(&spec("https://example.com/a#part")));
        let with = |fields: &[(&str, &str)]| JobSpec {
            headers: fields.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
            ..plain.clone()
        };
        let both = [("accept", "text/html"), ("cookie", "a=1")];
        assert_eq!(key(&with(&both)), key(&with(&[both[1], both[0]])), "in whatever order");
        let others = [
            spec("https://example.com/b"),
            with(&[("cookie", "a=1")]),
            JobSpec { body: Some(Bytes::from_static(b"x")), ..plain.clone() },
            JobSpec { formats: vec![ingest::Format::Text], ..plain.clone() },
            JobSpec { scope: ingest::Scope::Page, ..plain.clone() },
        ];
        for other in &others {
            assert_ne!(key(&plain), key(other), "{other:?}");
        }
    }

    #[test]
    fn a_note_comes_back_and_is_renewed() {
        let (job, at) = (JobId::draw(), Timestamp::from_millis(5_000));
        let first =
            answer(&[("etag", "\"1\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        let known = Known::of(job, at, &first, [7; 32]);
        let note = known.note([1; 32], at + Duration::from_secs(60));
        let back = Known::read(&note.value).unwrap();
        assert_eq!((&back, back.job(), back.at()), (&known, Some(job), at));
        assert_eq!(back.validators().etag.unwrap(), "\"1\"");
        assert_eq!(back.validators().url, Some(first.final_url));
        assert!(back.is_same(&[7; 32]) && !back.is_same(&[8; 32]));

        let later = at + Duration::from_secs(10);
        assert!(back.is_fresh(Duration::from_secs(10), later));
        assert!(!back.is_fresh(Duration::from_secs(9), later));
        let again = back.seen_again(later, &answer(&[("etag", "\"2\"")]));
        assert_eq!((again.at(), again.job()), (later, Some(job)));
        assert_eq!(again.etag.as_deref(), Some("\"2\""));
        assert_eq!(again.last_modified, known.last_modified);
        assert_eq!(Known::read(b"{}"), None);
    }

    #[test]
    fn a_validator_without_measure_is_not_kept() {
        let long = "x".repeat(MAX_VALIDATOR_BYTES + 1);
        let known = Known::of(
            JobId::draw(),
            Timestamp::from_millis(0),
            &answer(&[("etag", &long)]),
            [0; 32],
        );
        assert_eq!(known.validators().etag, None);
    }
}
