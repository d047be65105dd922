use std::fmt::Write as _;

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;

use crate::show::clean;

/// What the server says is wrong (RFC 9457).
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// From `Retry-After`, in seconds.
    pub(crate) retry_after_s: Option<u64>,
    said: Said,
    document: String,
}

#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Debug, Deserialize)]
struct Fault {
    pointer: Option<String>,
    parameter: Option<String>,
    header: Option<String>,
    #[serde(default)]
    detail: String,
}

impl Problem {
    /// Reads an answer that is no success. `None` when no pagewire speaks like that.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let retry_after_s =
            headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let said: Said = serde_json::from_slice(body).ok()?;
        let value: Value = serde_json::from_slice(body).ok()?;
        (!said.title.is_empty()).then(|| Self {
            status,
            retry_after_s,
            said,
            document: value.to_string(),
        })
    }

    /// Reads what a line of a batch was answered.
    pub(crate) fn of_line(error: &Value) -> Self {
        let said: Said = serde_json::from_value(error.clone()).unwrap_or_default();
        let status = StatusCode::from_u16(said.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        Self { status, retry_after_s: None, said, document: error.to_string() }
    }

    pub(crate) const fn is_not_found(&self) -> bool {
        self.status.as_u16() == 404
    }

    /// Whether the same may go well a little later.
    pub(crate) fn is_transient(&self) -> bool {
        let in_progress = self.status == StatusCode::CONFLICT && self.said.kind.contains("idem");
        let later = matches!(self.status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504);
        later || in_progress
    }

    /// The document as it came, on one line.
    pub(crate) fn document(&self) -> String {
        self.document.clone()
    }

    /// What is wrong, and where, on one line.
    pub(crate) fn brief(&self) -> String {
        let mut faults = self.said.errors.iter().map(Fault::text);
        match (faults.next(), self.said.detail.is_empty()) {
            (Some(first), _) => faults.fold(first, |all, next| format!("{all}; {next}")),
            (None, false) => clean(&self.said.detail),
            (None, true) => clean(&self.said.title),
        }
    }

    /// All that is wrong, with what to do.
    pub(crate) fn message(&self) -> String {
        let mut text = clean(&self.said.title);
        match self.said.errors.as_slice() {
            [] | [_] => {
                let _ = write!(text, ": {}", self.brief());
            }
            faults => {
                for fault in faults {
                    let _ = write!(text, "\n  {}", fault.text());
                }
            }
        }
        if let Some(remedy) = self.remedy() {
            let _ = write!(text, "\n  {remedy}");
        }
        text
    }

    fn remedy(&self) -> Option<String> {
        match (self.status.as_u16(), self.retry_after_s) {
            (401, _) => Some("give an API key with --key or PAGEWIRE_KEY".to_owned()),
            (403, _) => Some("give a key that may do this with --key or PAGEWIRE_KEY".to_owned()),
            (429 | 503, Some(seconds)) => Some(format!("try again in {seconds} s")),
            _ => None,
        }
    }
}

impl Fault {
    fn text(&self) -> String {
        let query = self.parameter.as_ref().map(|name| format!("?{name}"));
        let place = self.pointer.clone().or(query).or_else(|| self.header.clone());
        let place = place.filter(|place| !place.is_empty());
        clean(&place.map_or_else(|| self.detail.clone(), |at| format!("{at}: {}", self.detail)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: u16, body: &str) -> Option<Problem> {
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, 7.into())]);
        Problem::read(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let body = r#"{"type":"urn:x","title":"Invalid job","status":422,"detail":"two",
            "errors":[{"pointer":"/url","detail":"not a URL"},{"header":"prefer","detail":"no"}]}"#;
        let found = problem(422, body).unwrap();
        assert_eq!(found.message(), "Invalid job\n  /url: not a URL\n  prefer: no");
        assert_eq!(found.brief(), "/url: not a URL; prefer: no");
    }

    #[test]
    fn a_remedy_is_named_where_there_is_one() {
        let said = |status| problem(status, r#"{"title":"No","detail":"so"}"#).unwrap().message();
        assert_eq!(said(503), "No: so\n  try again in 7 s");
        assert!(said(401).contains("--key") && said(403).contains("--key"));
        assert_eq!(said(409), "No: so");
    }

    #[test]
    fn another_program_s_answer_is_no_problem_document() {
        assert!(problem(404, "<html>").is_none());
        assert!(problem(404, r#"{"error":"no"}"#).is_none());
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let found = problem(400, r#"{"title":"No","detail":"a\u001b[2Jb"}"#).unwrap();
        assert!(!found.message().contains('\u{1b}'));
    }
}
