//! Refusals in Firecrawl's shape.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Kind, Problem};
use crate::stored::Reason;
use crate::view::json;

/// What is answered in the place of a page.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FirecrawlError)]
pub(crate) struct Body {
    /// `false`
    success: bool,
    /// What is wrong, for people.
    error: String,
    /// The same for programs.
    #[schema(value_type = String, example = "BAD_REQUEST")]
    code: &'static str,
    /// What is wrong field by field; absent when the whole is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FirecrawlErrorDetail)]
struct Detail {
    /// Where in the body.
    path: Vec<String>,
    message: String,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, error: impl Into<String>) -> Self {
        let body = Body { success: false, error: error.into(), code, details: Vec::new() };
        Self { status, headers: HeaderMap::new(), body }
    }

    /// The page did not come in time.
    pub(super) fn timeout() -> Self {
        let error = "the page did not come within the request's timeout; the job was called off";
        Self::new(StatusCode::REQUEST_TIMEOUT, "SCRAPE_TIMEOUT", error)
    }

    /// There was no page to be had.
    pub(super) fn no_page(reason: &Reason<'_>) -> Self {
        let code = code(&reason.code);
        let status = match code {
            "SCRAPE_TIMEOUT" => StatusCode::REQUEST_TIMEOUT,
            ROBOTS | BLOCKED => StatusCode::FORBIDDEN,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, code, explained(reason))
    }

    /// Somebody called the job off, or nothing is known of how it went.
    pub(super) fn ended(note: Option<&str>) -> Self {
        let error = note.unwrap_or("the job was called off");
        Self::new(StatusCode::CONFLICT, "SCRAPE_CANCELLED", error)
    }
}

const ROBOTS: &str = "SCRAPE_ROBOTS_DISALLOWED";
const BLOCKED: &str = "SCRAPE_ADDRESS_BLOCKED";

/// What Firecrawl calls the reason why there is no page; its libraries know some of them.
pub(super) fn code(ours: &str) -> &'static str {
    match ours {
        "dns" => "SCRAPE_DNS_RESOLUTION_ERROR",
        "timeout" | "too_slow" | "deadline" => "SCRAPE_TIMEOUT",
        "status" => "SCRAPE_SITE_ERROR",
        "robots_disallowed" => ROBOTS,
        "blocked" => BLOCKED,
        tls if tls.starts_with("tls") => "SCRAPE_SSL_ERROR",
        _ => "SCRAPE_ALL_ENGINES_FAILED",
    }
}

/// The reason for people, with the remedy where there is one.
pub(super) fn explained(reason: &Reason<'_>) -> String {
    match &*reason.code {
        "robots_disallowed" => {
            format!("{}; the operator decides about robots.txt with --robots", reason.detail)
        }
        _ => reason.detail.to_string(),
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let status = match problem.kind() {
            Kind::Invalid | Kind::InvalidRequest => StatusCode::BAD_REQUEST,
            Kind::KeyReused => StatusCode::CONFLICT,
            _ => problem.status(),
        };
        let code = match status {
            StatusCode::BAD_REQUEST => "BAD_REQUEST",
            StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
            StatusCode::FORBIDDEN => "FORBIDDEN",
            StatusCode::NOT_FOUND => "NOT_FOUND",
            StatusCode::TOO_MANY_REQUESTS => "RATE_LIMITED",
            status if status.is_server_error() => "UNAVAILABLE",
            _ => "REFUSED",
        };
        let headers = problem.headers().clone();
        let mut failure = Self { headers, ..Self::new(status, code, problem.detail()) };
        for fault in problem.into_faults() {
            let (at, message) = fault.parts();
            let path: Vec<_> =
                theirs(at).split('/').filter(|step| !step.is_empty()).map(step).collect();
            if failure.body.details.is_empty() {
                failure.body.error = match path.as_slice() {
                    [] => message.to_owned(),
                    path => format!("{}: {message}", path.join(".")),
                };
            }
            failure.body.details.push(Detail { path, message: message.to_owned() });
        }
        if let more @ 1.. = failure.body.details.len().saturating_sub(1) {
            failure.body.error.push_str(&format!(" (and {more} more)"));
        }
        failure
    }
}

/// A step of a JSON Pointer, unescaped.
fn step(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// A place in a job, as it is called in a request of theirs.
fn theirs(at: &str) -> String {
    match at.strip_prefix("/sink") {
        Some(rest) => format!("/webhook{rest}"),
        None => match at.strip_prefix("/cache/max_age") {
            Some(rest) => format!("/maxAge{rest}"),
            None => at.to_owned(),
        },
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &self.body);
        response.headers_mut().extend(self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Fault;

    #[test]
    fn a_fault_is_told_by_the_name_that_the_client_gave() {
        let faults = vec![
            Fault::at("/sink/headers/a~1b", "given twice"),
            Fault::at("/cache/max_age", "too long"),
        ];
        let failure = Failure::from(Problem::faulty(Kind::Invalid, faults));
        assert_eq!(failure.status, 400);
        assert_eq!(failure.body.error, "webhook.headers.a/b: given twice (and 1 more)");
        assert_eq!(failure.body.details[0].path, ["webhook", "headers", "a/b"]);
        assert_eq!(failure.body.details[1].path, ["maxAge"]);
    }

    #[test]
    fn the_reasons_that_their_libraries_know_have_their_codes() {
        for (ours, theirs) in [
            ("dns", "SCRAPE_DNS_RESOLUTION_ERROR"),
            ("tls_expired", "SCRAPE_SSL_ERROR"),
            ("too_slow", "SCRAPE_TIMEOUT"),
            ("connect", "SCRAPE_ALL_ENGINES_FAILED"),
        ] {
            assert_eq!(code(ours), theirs);
        }
    }
}
