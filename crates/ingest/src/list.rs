use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{self, HeaderValue};
use http::{StatusCode, Uri};
use jobs::{Filter, JobId};
use serde::Serialize;

use crate::Status;
use crate::auth::Caller;
use crate::problem::{Fault, Kind, Problem};
use crate::router::{Api, store_problem};
use crate::view::{JobView, circuit, json, rfc3339};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// Records read from the store at once: each may carry a spec as large as a body.
const SLICE: usize = 32;
/// A page ends early past this many bytes of what callers chose.
const PAGE_BYTES: usize = 4 << 20;
/// First byte of a cursor. A change of meaning takes the next number.
const CURSOR_VERSION: u8 = 1;

#[derive(Serialize)]
struct Page {
    jobs: Vec<JobView>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// `GET /v1/jobs`
pub(crate) async fn jobs(Caller(api): Caller, uri: Uri) -> Result<Response, Problem> {
    let query = Query::read(uri.query().unwrap_or_default(), true)?;
    let _slot = api.listings.acquire().await.expect("the semaphore is never closed");
    let (jobs, last) = page(&api, &query).await?;
    let next_cursor = last.map(cursor);
    let link = next_cursor.as_ref().map(|cursor| link(&query, cursor));
    let mut response = json(StatusCode::OK, &Page { jobs, next_cursor });
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// One page, and the last job it passed over when there may be more after it.
async fn page(api: &Api, query: &Query) -> Result<(Vec<JobView>, Option<JobId>), Problem> {
    let filter = query.status.map_or_else(Filter::default, |status| api.pipeline.filter(status));
    let mut jobs = Vec::new();
    let mut bytes = 0;
    let mut before = query.before;
    loop {
        // One more than wanted tells whether there is a next page.
        let wanted = (query.limit - jobs.len() + 1).min(SLICE);
        let failed = |error| store_problem(&error);
        let records = api.store.list(filter.clone(), before, wanted).await.map_err(failed)?;
        let exhausted = records.len() < wanted;
        for record in records {
            if jobs.len() == query.limit || bytes > PAGE_BYTES {
                return Ok((jobs, before));
            }
            before = Some(record.id);
            if query.status.is_none_or(|status| api.pipeline.status(&record) == status) {
                let job = JobView::of(api, record)?;
                bytes += job.weight();
                jobs.push(job);
            }
        }
        if exhausted {
            return Ok((jobs, None));
        }
    }
}

#[derive(Serialize)]
struct Lanes {
    lanes: Vec<Lane>,
}

#[derive(Serialize)]
struct Lane {
    stage: String,
    key: String,
    waiting: u64,
    in_flight: u64,
    circuit: &'static str,
    #[serde(skip_serializing_if = "is_nothing")]
    interval_ms: u64,
    #[serde(skip_serializing_if = "is_nothing")]
    failures: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<jiff::Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_nothing(count: &u64) -> bool {
    *count == 0
}

/// `GET /v1/lanes`: busiest first.
pub(crate) async fn lanes(Caller(api): Caller, uri: Uri) -> Result<Response, Problem> {
    let query = Query::read(uri.query().unwrap_or_default(), false)?;
    let lanes = api.store.lanes(query.limit, api.clock.now()).into_iter().map(|lane| Lane {
        stage: lane.stage.to_string(),
        key: lane.key.to_string(),
        waiting: lane.waiting,
        in_flight: lane.in_flight,
        circuit: circuit(lane.circuit),
        interval_ms: u64::try_from(lane.interval.as_millis()).unwrap_or(u64::MAX),
        failures: u64::from(lane.failures),
        failing_since: lane.failing_since.map(rfc3339),
        paused_until: lane.paused_until.map(rfc3339),
    });
    Ok(json(StatusCode::OK, &Lanes { lanes: lanes.collect() }))
}

/// What a listing asks for.
struct Query {
    status: Option<Status>,
    limit: usize,
    before: Option<JobId>,
}

impl Query {
    /// Each parameter at most once, and none that is not known. `filtered` lists have all of
    /// them, others only `limit`.
    fn read(text: &str, filtered: bool) -> Result<Self, Problem> {
        let (mut status, mut limit, mut before) = (None, None, None);
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let refused = |detail: String| {
                Problem::faulty(Kind::BadRequest, vec![Fault::parameter(&name, detail)])
            };
            let again = match &*name {
                "limit" => {
                    let given = value.parse().ok().filter(|n| (1..=MAX_LIMIT).contains(n));
                    let detail = || refused(format!("not a number from 1 to {MAX_LIMIT}"));
                    limit.replace(given.ok_or_else(detail)?).is_some()
                }
                "status" if filtered => {
                    let given: Result<Status, _> = value.parse();
                    status.replace(given.map_err(|e| refused(e.to_string()))?).is_some()
                }
                "cursor" if filtered => {
                    let detail = || refused("not a cursor of this server".to_owned());
                    before.replace(uncursor(&value).ok_or_else(detail)?).is_some()
                }
                _ if filtered => {
                    return Err(refused("unknown; known are status, limit, cursor".to_owned()));
                }
                _ => return Err(refused("unknown; known is limit".to_owned())),
            };
            if again {
                return Err(refused("given twice".to_owned()));
            }
        }
        Ok(Self { status, limit: limit.unwrap_or(DEFAULT_LIMIT), before })
    }
}

/// A place in the listing: after this job. Jobs come newest first by id, so that new ones never
/// move the place.
fn cursor(after: JobId) -> String {
    let mut bytes = [CURSOR_VERSION; 17];
    bytes[1..].copy_from_slice(after.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn uncursor(text: &str) -> Option<JobId> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (&CURSOR_VERSION, id) = bytes.split_first()? else {
        return None;
    };
    Some(JobId::from_bytes(id.try_into().ok()?))
}

/// The next page's address (RFC 8288).
fn link(query: &Query, cursor: &str) -> HeaderValue {
    let status = query.status.map(|status| format!("status={status}&")).unwrap_or_default();
    let limit = query.limit;
    HeaderValue::try_from(format!("</v1/jobs?{status}limit={limit}&cursor={cursor}>; rel=\"next\""))
        .expect("base64url, digits and names are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back() {
        let id = JobId::draw();
        assert_eq!(uncursor(&cursor(id)), Some(id));
        for other in ["", "AA", "!!!!", &cursor(id)[1..], &format!("{}A", cursor(id))] {
            assert_eq!(uncursor(other), None, "{other}");
        }
    }
}
