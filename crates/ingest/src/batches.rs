//! `/v1/batches`: many jobs in one request, counted together, and told of when the last is over.

mod called_off;
mod completion;
mod intake;
mod lines;
mod options;
mod upload;
mod verdicts;

use std::sync::Arc;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{StatusCode, Uri};
use jobs::{JobId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::called_off::call_off;
pub(crate) use self::completion::keep_up;
use self::verdicts::BATCHES_AT;
use crate::auth::{Caller, Reader};
use crate::batch::{Batch, Phase};
use crate::problem::{Fault, Kind, Problem};
use crate::read::{PathParts, path_id};
use crate::router::{Api, store_problem};
use crate::view::{NO_METADATA, json, rfc3339};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// First byte of a cursor. A change of meaning takes the next number.
const CURSOR_VERSION: u8 = 1;

/// `/v1/batches`.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list, upload::start))
        .routes(routes!(show, called_off::cancel))
}

/// A batch, as its owner sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Batch)]
pub(crate) struct BatchView {
    id: String,
    /// `receiving`, then `running` until every outcome is known, then `completed`.
    status: &'static str,
    /// Whether it ended before its sender said that it was whole.
    interrupted: bool,
    status_url: String,
    jobs_url: String,
    /// Jobs accepted.
    jobs: u64,
    /// Of those, the ones whose outcome is not known yet.
    open: u64,
    succeeded: u64,
    failed: u64,
    cancelled: u64,
    unchanged: u64,
    /// Lines that have no job.
    refused: u64,
    #[schema(value_type = Object)]
    metadata: Box<RawValue>,
    #[schema(value_type = String)]
    created_at: jiff::Timestamp,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<jiff::Timestamp>,
}

impl BatchView {
    pub(crate) fn new(api: &Api, id: JobId, batch: Batch) -> Self {
        let (phase, upload) = match api.batches.phase(id) {
            Some((phase, upload)) => (Some(phase), upload),
            None => (None, None),
        };
        let group = api.batch_jobs(id);
        let completed_ms = match phase {
            Some(Phase::Completed(at)) => Some(at),
            _ => None,
        };
        let is_receiving = upload.is_some() || phase == Some(Phase::Open);
        let status = match completed_ms {
            _ if is_receiving => "receiving",
            Some(_) => "completed",
            None => "running",
        };
        Self {
            id: id.to_string(),
            status,
            interrupted: !is_receiving && (batch.is_interrupted || !batch.is_closed),
            status_url: format!("{BATCHES_AT}{id}"),
            jobs_url: format!("/v1/jobs?batch={id}"),
            jobs: group.jobs,
            open: group.open(),
            succeeded: group.succeeded,
            failed: group.failed,
            cancelled: group.cancelled,
            unchanged: group.unchanged,
            refused: batch.refused,
            metadata: batch.metadata.unwrap_or_else(|| NO_METADATA.clone()),
            created_at: rfc3339(Timestamp::from_millis(batch.created_ms)),
            completed_at: completed_ms.map(|at| rfc3339(Timestamp::from_millis(at))),
        }
    }
}

/// Shows a batch and how its jobs went.
#[utoipa::path(
    get, path = "/v1/batches/{id}", tag = "Batches", operation_id = "getBatch",
    params(("id" = String, Path, description = "The batch's id.")),
    responses(
        (status = 200, description = "The batch.", body = BatchView),
    ),
)]
pub(crate) async fn show(Reader(caller): Reader, path: PathParts) -> Result<Response, Problem> {
    let id = path_id(path)?;
    caller.load_batches().await.map_err(|error| store_problem(&error))?;
    let batch = caller.batch(id).await?;
    Ok(json(StatusCode::OK, &BatchView::new(&caller, id, batch)))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BatchPage {
    batches: Vec<BatchView>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Lists batches, newest first.
#[utoipa::path(
    get, path = "/v1/batches", tag = "Batches", operation_id = "listBatches",
    params(
        ("limit" = Option<u32>, Query, description = "This many, 1 to 1000; default 100.", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, description = "After those of the answer before."),
    ),
    responses(
        (status = 200, description = "A page of batches.", body = BatchPage),
    ),
)]
pub(crate) async fn list(Reader(caller): Reader, uri: Uri) -> Result<Response, Problem> {
    let query = Query::read(uri.query().unwrap_or_default())?;
    caller.load_batches().await.map_err(|error| store_problem(&error))?;
    let page = page(&caller, &query).await?;
    Ok(json(StatusCode::OK, &page))
}

async fn page(caller: &Caller, query: &Query) -> Result<BatchPage, Problem> {
    // One more than wanted tells whether there is a next page.
    let mut places = caller.batches.list(caller, query.before, query.limit + 1);
    let has_more = places.len() > query.limit;
    places.truncate(query.limit);
    let next_cursor = places.last().filter(|_| has_more).map(cursor);
    let mut batches = Vec::with_capacity(places.len());
    for (_, id) in places {
        // It may have been forgotten in between.
        if let Some(batch) = caller.stored_batch(id).await? {
            batches.push(BatchView::new(caller, id, batch));
        }
    }
    Ok(BatchPage { batches, next_cursor })
}

struct Query {
    limit: usize,
    before: Option<(u64, JobId)>,
}

impl Query {
    fn read(text: &str) -> Result<Self, Problem> {
        let (mut limit, mut before) = (None, None);
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let refused = |detail: &str| {
                Problem::faulty(Kind::BadRequest, vec![Fault::parameter(&name, detail)])
            };
            let again = match &*name {
                "limit" => {
                    let given = value.parse().ok().filter(|n| (1..=MAX_LIMIT).contains(n));
                    let given = given.ok_or_else(|| refused("not a number from 1 to 1000"))?;
                    limit.replace(given).is_some()
                }
                "cursor" => {
                    let place = uncursor(&value);
                    let place = place.ok_or_else(|| refused("not a cursor of this server"))?;
                    before.replace(place).is_some()
                }
                _ => return Err(refused("unknown; known are limit, cursor")),
            };
            if again {
                return Err(refused("given twice"));
            }
        }
        Ok(Self { limit: limit.unwrap_or(DEFAULT_LIMIT), before })
    }
}

/// A place in the listing: after this batch.
fn cursor((created_ms, id): &(u64, JobId)) -> String {
    let mut bytes = vec![CURSOR_VERSION];
    bytes.extend_from_slice(&created_ms.to_be_bytes());
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn uncursor(text: &str) -> Option<(u64, JobId)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (&CURSOR_VERSION, place) = bytes.split_first()? else {
        return None;
    };
    let (created_ms, id) = place.split_first_chunk()?;
    Some((u64::from_be_bytes(*created_ms), JobId::from_bytes(id.try_into().ok()?)))
}
