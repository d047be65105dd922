use std::sync::Arc;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{self, HeaderValue};
use http::{StatusCode, Uri};
use jobs::{JobId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Status;
use crate::auth::{Admin, Reader};
use crate::description::{Circuit, JobIdText, MomentText};
use crate::problem::{Fault, Kind, Problem};
use crate::router::{Api, spec_of, store_problem};
use crate::selection::{self, Moment, Selection};
use crate::view::{JobView, circuit, json, rfc3339};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// Records read from the store at once: each may carry a spec as large as a body.
const SLICE: usize = 32;
/// A page ends early past this many bytes of what callers chose.
const PAGE_BYTES: usize = 4 << 20;
/// A page also ends when this many records were looked at: with a filter that little fits, the
/// caller gets an answer in time and goes on from there.
const PAGE_RECORDS: usize = 10_000;
/// First byte of a cursor. A change of meaning takes the next number.
const CURSOR_VERSION: u8 = 1;

#[derive(Serialize, ToSchema)]
#[schema(as = JobPage)]
struct Page {
    jobs: Vec<JobView>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Lists jobs, the newest first.
///
/// All that is given has to fit. Go on with `cursor` until there is no `next_cursor`: a page may
/// hold fewer jobs than `limit`, even none. Walking the pages neither skips nor repeats a job that
/// was there when the walk began; with `status`, one that changes meanwhile may be left out or not.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "Jobs", operation_id = "listJobs",
    params(
        ("status" = Option<Status>, Query, description = "Jobs of this status."),
        ("sink" = Option<String>, Query, description = "Whose event goes, or was last sent, to this sink: its name, its URL (with or without the query), or its lane.", min_length = 1, max_length = 2048),
        ("host" = Option<String>, Query, description = "Whose URL has this host.", example = "example.com"),
        ("tag" = Option<String>, Query, description = "With this tag.", min_length = 1, max_length = 2048),
        ("batch" = Option<JobIdText>, Query, description = "Of this batch."),
        ("since" = Option<MomentText>, Query, description = "Accepted at this time or later."),
        ("until" = Option<MomentText>, Query, description = "Accepted before this time."),
        ("limit" = Option<u32>, Query, description = "So many at most; 100 by default.", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, description = "Goes on after the page that gave it as `next_cursor`."),
    ),
    responses(
        (
            status = 200, body = Page, description = "A page of jobs.",
            headers(("Link" = String, description = "The next page (RFC 8288), while there may be one.")),
        ),
    ),
)]
pub(crate) async fn jobs(Reader(api): Reader, uri: Uri) -> Result<Response, Problem> {
    let query = Query::read(uri.query().unwrap_or_default(), true)?;
    let selection = query.selection(api.clock.now(), api.owner().cloned());
    let _slot = api.listings.acquire().await.expect("the semaphore is never closed");
    let (jobs, last) = page(&api, &query, &selection).await?;
    let next_cursor = last.map(cursor);
    let link = next_cursor.as_ref().map(|cursor| link(&selection, query.limit, cursor));
    let mut response = json(StatusCode::OK, &Page { jobs, next_cursor });
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// One page, and the last job it passed over when there may be more after it.
async fn page(
    api: &Api,
    query: &Query,
    selection: &Selection,
) -> Result<(Vec<JobView>, Option<JobId>), Problem> {
    let filter = selection.filter(&*api.pipeline);
    let mut jobs = Vec::new();
    let (mut bytes, mut looked_at) = (0, 0);
    let mut before = selection.begin(query.before);
    loop {
        // One more than wanted tells whether there is a next page.
        let most = if selection.is_narrow() { SLICE } else { query.limit - jobs.len() + 1 };
        let wanted = most.min(SLICE);
        let failed = |error| store_problem(&error);
        let records = api.store.list(filter.clone(), before, wanted).await.map_err(failed)?;
        let exhausted = records.len() < wanted;
        for record in records {
            if selection.is_past(record.id) {
                return Ok((jobs, None));
            }
            if jobs.len() == query.limit || bytes > PAGE_BYTES || looked_at == PAGE_RECORDS {
                return Ok((jobs, before));
            }
            before = Some(record.id);
            looked_at += 1;
            if !selection.admits(&*api.pipeline, &record) {
                continue;
            }
            let spec = spec_of(&record)?;
            if selection.admits_spec(&record, &spec) {
                let job = JobView::new(api, record, spec);
                bytes += job.weight();
                jobs.push(job);
            }
        }
        if exhausted {
            return Ok((jobs, None));
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = LaneList)]
struct Lanes {
    lanes: Vec<Lane>,
}

/// What waits for a host or a sink.
#[derive(Serialize, ToSchema)]
struct Lane {
    /// What is to be done: `scrape` or `deliver`.
    stage: String,
    /// The host and port, or the sink.
    key: String,
    waiting: u64,
    in_flight: u64,
    /// Whether jobs are given out: `closed` as the limits allow, `open` not at all until
    /// `paused_until`, `half_open` one at a time.
    #[schema(value_type = Circuit)]
    circuit: &'static str,
    /// What the host itself asks for between two fetches, in milliseconds.
    #[serde(skip_serializing_if = "is_nothing")]
    interval_ms: u64,
    /// Fetches in a row that found the host unwell.
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

/// Lists the lanes, the busiest first.
///
/// What waits for whom: a lane is a host to fetch from, or a sink to deliver to.
#[utoipa::path(
    get, path = "/v1/lanes", tag = "Operation", operation_id = "listLanes",
    params(
        ("limit" = Option<u32>, Query, description = "So many at most; 100 by default.", minimum = 1, maximum = 1000),
    ),
    responses((status = 200, body = Lanes, description = "The lanes.")),
)]
pub(crate) async fn lanes(Admin(api): Admin, uri: Uri) -> Result<Response, Problem> {
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
#[derive(Default)]
struct Query {
    status: Option<Status>,
    sink: Option<String>,
    host: Option<String>,
    tag: Option<String>,
    since: Option<Moment>,
    until: Option<Moment>,
    batch: Option<JobId>,
    limit: usize,
    before: Option<JobId>,
}

impl Query {
    /// Each parameter at most once, and none that is not known. `filtered` lists have all of
    /// them, others only `limit`.
    fn read(text: &str, filtered: bool) -> Result<Self, Problem> {
        let mut query = Self::default();
        let mut limit = None;
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let refused = |detail: String| {
                Problem::faulty(Kind::BadRequest, vec![Fault::parameter(&name, detail)])
            };
            let again = if name == "limit" {
                let given = value.parse().ok().filter(|n| (1..=MAX_LIMIT).contains(n));
                let detail = || refused(format!("not a number from 1 to {MAX_LIMIT}"));
                limit.replace(given.ok_or_else(detail)?).is_some()
            } else if filtered {
                query.take(&name, &value).map_err(refused)?
            } else {
                return Err(refused("unknown; known is limit".to_owned()));
            };
            if again {
                return Err(refused("given twice".to_owned()));
            }
        }
        Ok(Self { limit: limit.unwrap_or(DEFAULT_LIMIT), ..query })
    }

    /// Takes one of a filtered list's parameters; answers whether it was there before.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        Ok(match name {
            "status" => {
                let status = value.parse::<Status>().map_err(|error| error.to_string())?;
                self.status.replace(status).is_some()
            }
            "sink" => self.sink.replace(selection::sink(value)?).is_some(),
            "host" => self.host.replace(selection::host(value)?).is_some(),
            "tag" => self.tag.replace(selection::words(value)?).is_some(),
            "since" => self.since.replace(Moment::read(value)?).is_some(),
            "until" => self.until.replace(Moment::read(value)?).is_some(),
            "batch" => {
                let id = value.parse().map_err(|_| "not the id of a batch")?;
                self.batch.replace(id).is_some()
            }
            "cursor" => {
                let place = uncursor(value).ok_or("not a cursor of this server")?;
                self.before.replace(place).is_some()
            }
            _ => {
                let known = "status, sink, host, tag, batch, since, until, limit, cursor";
                return Err(format!("unknown; known are {known}"));
            }
        })
    }

    fn selection(&self, now: Timestamp, owner: Option<Arc<str>>) -> Selection {
        Selection {
            statuses: self.status.into_iter().collect(),
            sink: self.sink.clone(),
            host: self.host.clone(),
            tag: self.tag.clone(),
            since: self.since.map(|moment| moment.at(now)),
            until: self.until.map(|moment| moment.at(now)),
            batch: self.batch,
            owner,
        }
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

/// The next page's address (RFC 8288), with the same filters; times that were told as so long ago
/// stay where they were.
fn link(selection: &Selection, limit: usize, cursor: &str) -> HeaderValue {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let [status] = selection.statuses.as_slice() {
        query.append_pair("status", status.as_str());
    }
    if let Some(batch) = selection.batch {
        query.append_pair("batch", &batch.to_string());
    }
    let texts = [("sink", &selection.sink), ("host", &selection.host), ("tag", &selection.tag)];
    for (name, text) in texts {
        text.as_ref().map(|text| query.append_pair(name, text));
    }
    for (name, at) in [("since", selection.since), ("until", selection.until)] {
        at.map(|at| query.append_pair(name, &rfc3339(at).to_string()));
    }
    let query = query.append_pair("limit", &limit.to_string()).append_pair("cursor", cursor);
    HeaderValue::try_from(format!("</v1/jobs?{}>; rel=\"next\"", query.finish()))
        .expect("what is form-encoded is visible ASCII")
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
