//! One page, waited for.

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use jobs::Record;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::document::Document;
use super::failure::{self, Failure};
use super::options::{KNOWN, Options, Own};
use crate::JobSpec;
use crate::auth::{Caller, Submitter};
use crate::body::busy;
use crate::problem::{Fault, Kind, Problem};
use crate::quantity::DurationText;
use crate::shim::{self, Fields, none_of};
use crate::stored::Event;
use crate::submission::Retry;
use crate::view::json;
use crate::wait;

/// How long a page is waited for when the request does not say.
const USUAL_WAIT: Duration = Duration::from_secs(60);
/// The longest that it may ask for.
const MOST_WAIT: Duration = Duration::from_mins(5);
/// Somebody waits: what may pass is tried once more, and soon.
const RETRY: [Duration; 2] = [Duration::ZERO, Duration::from_secs(1)];

/// What is asked for. The other fields of Firecrawl's are taken where they ask for nothing that
/// is not done here, and refused by name otherwise.
#[derive(ToSchema)]
#[schema(as = FirecrawlScrape)]
#[expect(dead_code, reason = "only tells what a body looks like")]
struct Asked {
    /// http or https.
    #[schema(example = "https://example.com")]
    url: String,
    /// Any of `markdown`, `html`, `rawHtml`, `links`, as strings or `{type}`; default `markdown`.
    formats: Option<Vec<String>>,
    /// Default `true`.
    only_main_content: Option<bool>,
    /// Header fields of the request.
    headers: Option<std::collections::BTreeMap<String, String>>,
    /// How long to wait for the page, in milliseconds; default 60,000, at most 300,000.
    timeout: Option<u64>,
    /// A page that was fetched at most so many milliseconds ago will do.
    max_age: Option<u64>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FirecrawlScraped)]
pub(super) struct Answer<'a> {
    /// `true`
    success: bool,
    data: Document<'a>,
}

/// Scrapes one page and waits for it, as Firecrawl's `/v2/scrape`.
#[utoipa::path(
    post, path = "/v2/scrape", tag = "Migration", operation_id = "firecrawlScrape",
    request_body = Asked,
    responses(
        (status = 200, description = "The page.", body = Answer),
        (status = 400, description = "Not understood, or not done here.", body = failure::Body),
        (status = 401, description = "No API key.", body = failure::Body),
        (status = 403, description = "The page, or this key, may not be used.", body = failure::Body),
        (status = 408, description = "The page, or the request, took too long.", body = failure::Body),
        (status = 409, description = "The job was called off.", body = failure::Body),
        (status = 413, description = "The body is too large.", body = failure::Body),
        (status = 415, description = "The body is no JSON.", body = failure::Body),
        (status = 422, description = "The page cannot be had.", body = failure::Body),
        (status = 429, description = "Too many requests.", body = failure::Body),
        (status = 503, description = "The server is full.", body = failure::Body),
    ),
)]
pub(super) async fn scrape(
    caller: Result<Submitter, Problem>,
    request: Request,
) -> Result<Response, Failure> {
    let Submitter(caller) = caller?;
    let answer = scraped(&caller, request).await;
    match &answer {
        Err(Refused::Problem(problem)) => caller.meters.refused(problem.kind()),
        Ok(_) | Err(Refused::NoPage(_)) => caller.meters.accepted.increment(1),
    }
    answer.map_err(|refused| match refused {
        Refused::Problem(problem) => problem.into(),
        Refused::NoPage(failure) => failure,
    })
}

/// Why there is no page to answer with.
enum Refused {
    /// Nothing was accepted, or it cannot be told how it went.
    Problem(Problem),
    /// A job was accepted and brought no page.
    NoPage(Failure),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

async fn scraped(caller: &Caller, request: Request) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let received = shim::read(caller, &parts.headers, body).await?;
    let mut fields = Fields::of(&received.bytes)?;
    let url: Option<String> = fields.take("url");
    let options = Options::read(&mut fields);
    let wait = options.timeout.unwrap_or(USUAL_WAIT);
    if wait > MOST_WAIT {
        fields.refuse("timeout", format!("over this server's limit of {}", MOST_WAIT.as_millis()));
    }
    none_of(fields.end(&format!("url, {KNOWN}")))?;
    let required = || Problem::faulty(Kind::Invalid, vec![Fault::at("/url", "is required")]);
    let url = url.ok_or_else(required)?;
    let until = Instant::now() + wait;
    let now = caller.clock.now();
    let own = Own { retry: Some(retry(caller)), ..Own::default() };
    let ready = options.prepare(caller, &url, own, now)?;
    let accepted = caller.accept(ready, now).await?;
    match wait::outcome(caller, accepted.id, until).await? {
        Some(record) => told(caller, &record, &accepted.spec).await,
        None => {
            let (record, spec) = caller.job(accepted.id).await?;
            shim::call_off(caller, &record, &spec).await?;
            match Instant::now() < until {
                true => Err(Refused::Problem(busy())),
                false => Err(Refused::NoPage(Failure::timeout())),
            }
        }
    }
}

fn retry(caller: &Caller) -> Retry {
    let most = caller.config.limits.max_attempts.min(2);
    let waits = RETRY.into_iter().take(most as usize).map(DurationText).collect();
    Retry { max_attempts: Some(most), schedule: Some(waits) }
}

/// How the job went.
async fn told(caller: &Caller, record: &Record, spec: &JobSpec) -> Result<Response, Refused> {
    let mut held = caller.budget.reservation();
    let event = shim::event(caller, record, &mut held).await?;
    let event = event.as_deref().and_then(Event::read);
    let Some(event) = event else {
        return Err(Refused::NoPage(Failure::ended(record.note.as_deref())));
    };
    if let Some(reason) = &event.data.error {
        return Err(Refused::NoPage(Failure::no_page(reason)));
    }
    if !shim::brought_a_page(record) {
        return Err(Refused::NoPage(Failure::ended(record.note.as_deref())));
    }
    let data = Document::new(record.id, event.data, &spec.html_names);
    let body = serde_json::to_vec(&Answer { success: true, data })
        .expect("string keys, and a Vec takes every byte");
    let mut response = json(StatusCode::OK, &());
    *response.body_mut() = held.bind(body.into()).into();
    Ok(response)
}
