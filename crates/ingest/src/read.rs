use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use jobs::{JobId, Record};
use sha2::{Digest as _, Sha256};

use crate::auth::{Caller, Reader, Right};
use crate::body::busy;
use crate::description::{AttemptList, Event, JobIdText, NoRange};
use crate::links::Denied;
use crate::problem::{Fault, Kind, Problem};
use crate::range::{self, Asked};
use crate::router::{self, Api, store_problem, unknown};
use crate::view::{JobView, json, rfc3339};

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// What is digested on the spot; more is left to another thread.
const DIGEST_AT_ONCE: usize = 256 << 10;

/// The captured parts of a path.
pub(crate) type PathParts = Result<RawPathParams, RawPathParamsRejection>;

/// What the path names.
pub(crate) fn path_name(parts: PathParts) -> Result<String, Problem> {
    let not_text = |_| Problem::new(Kind::NotFound, "the address is not UTF-8");
    let parts = parts.map_err(not_text)?;
    Ok(parts.iter().next().map_or_else(String::new, |(_, value)| value.to_owned()))
}

/// The id in the path.
pub(crate) fn path_id(parts: PathParts) -> Result<JobId, Problem> {
    router::id(&path_name(parts)?)
}

/// Shows a job.
///
/// Header fields and bodies of a job are not shown: they may hold secrets.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "Jobs", operation_id = "getJob",
    params(("id" = JobIdText, Path, description = "The job's id, as it was told when the job was accepted.")),
    responses((status = 200, body = JobView, description = "The job.")),
)]
pub(crate) async fn job(Reader(api): Reader, path: PathParts) -> Result<Response, Problem> {
    let (record, spec) = api.job(path_id(path)?).await?;
    Ok(json(StatusCode::OK, &JobView::new(&api, record, spec)))
}

/// Reads what came of a job.
///
/// The stored event, byte for byte what is sent to the sink, or a part of it. It opens with an API
/// key, or by a link that was made for it and needs none.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/result", tag = "Jobs", operation_id = "getJobResult",
    params(
        ("id" = JobIdText, Path, description = "The job's id, as it was told when the job was accepted."),
        ("expires" = Option<String>, Query, description = "Of a link: until when it opens, in seconds since the Unix epoch. With `signature`.", pattern = "^[0-9]{1,20}$"),
        ("signature" = Option<String>, Query, description = "Of a link: who made it. With `expires`."),
        ("Range" = Option<String>, Header, description = "The part that is wanted, such as `bytes=0-99`. One range; other units and several ranges give the whole.", example = "bytes=0-99"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the event that the range is of; of another one the whole is given."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an event that is known: gives 304 while it is the same."),
    ),
    responses(
        (
            status = 200, body = Event, description = "The event.",
            headers(
                ("ETag" = String, description = "Names this very event; strong."),
                ("Repr-Digest" = String, description = "The SHA-256 of the whole event (RFC 9530)."),
                ("Accept-Ranges" = String, description = "`bytes`"),
                ("Cache-Control" = String, description = "`private, no-cache`"),
            ),
        ),
        (
            status = 206, description = "The part that was asked for.",
            content(("application/json")),
            headers(
                ("Content-Range" = String, description = "Which part this is, and of how much."),
                ("ETag" = String, description = "Names this very event; strong."),
                ("Repr-Digest" = String, description = "The SHA-256 of the whole event (RFC 9530)."),
            ),
        ),
        (
            status = 304, description = "It is the one that is known.",
            headers(("ETag" = String, description = "Names this very event; strong.")),
        ), NoRange,
    ),
)]
pub(crate) async fn result(
    State(api): State<Arc<Api>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    match Opener::read(parts.uri.query().unwrap_or_default())? {
        Some(opener) => {
            let id = path_id(path)?;
            opener.check(&api, id)?;
            stored(&api, None, id, &parts).await
        }
        None => {
            let caller = Caller::of(&api, &parts.headers, Right::Read)?;
            no_parameters(parts.uri.query().unwrap_or_default())?;
            stored(&api, Some(&caller), path_id(path)?, &parts).await
        }
    }
}

/// What a link says for itself.
struct Opener {
    expires: String,
    signature: String,
}

impl Opener {
    /// `None` when neither parameter is there. Others beside them are refused.
    fn read(query: &str) -> Result<Option<Self>, Problem> {
        let given = |wanted: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        let (expires, signature) = match (given("expires"), given("signature")) {
            (None, None) => return Ok(None),
            (Some(expires), Some(signature)) => (expires, signature),
            (None, Some(_)) => return Err(refused("expires", "missing beside `signature`")),
            (Some(_), None) => return Err(refused("signature", "missing beside `expires`")),
        };
        let mut seen = Vec::new();
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if !matches!(&*name, "expires" | "signature") {
                return Err(refused(&name, "not a parameter of a link"));
            }
            if seen.contains(&name) {
                return Err(refused(&name, "given twice"));
            }
            seen.push(name);
        }
        Ok(Some(Self { expires, signature }))
    }

    fn check(&self, api: &Api, id: JobId) -> Result<(), Problem> {
        let Some(links) = &api.config.links else {
            return Err(Problem::new(Kind::Forbidden, "this server makes no links to results"));
        };
        let checked = links.check(id, &self.expires, &self.signature, api.clock.now());
        checked.map_err(|denied| {
            let detail = match denied {
                Denied::Forged => "the signature is not this server's for this result".to_owned(),
                Denied::Expired(at) => {
                    format!("the link expired at {}; ask for a new one", rfc3339(at))
                }
            };
            Problem::new(Kind::Forbidden, detail)
        })
    }
}

fn refused(parameter: &str, detail: &str) -> Problem {
    Problem::faulty(Kind::BadRequest, vec![Fault::parameter(parameter, detail)])
}

fn no_parameters(query: &str) -> Result<(), Problem> {
    match url::form_urlencoded::parse(query.as_bytes()).next() {
        Some((name, _)) => Err(refused(&name, "unknown; a link has expires and signature")),
        None => Ok(()),
    }
}

/// The stored event as `parts` ask for it: for a caller its own ones, by a link any.
async fn stored(
    api: &Api,
    caller: Option<&Caller>,
    id: JobId,
    parts: &Parts,
) -> Result<Response, Problem> {
    let failed = |error| store_problem(&error);
    let record = api.store.get(id).await.map_err(failed)?;
    let is_seen = |record: &Record| caller.is_none_or(|c| c.may_see(record.owner.as_deref()));
    let record = record.filter(is_seen).ok_or_else(|| unknown(id))?;
    let none = || {
        let status = api.pipeline.status(&record);
        Problem::new(Kind::NotFound, format!("job {id} has no result; it is {status}"))
    };
    let size = record.result_bytes.ok_or_else(none)?;
    let tag = entity_tag(&record);
    if if_none_match(&parts.headers, &tag) {
        return Ok(answer(StatusCode::NOT_MODIFIED, tag, Body::empty()));
    }
    let mut held = api.budget.reservation();
    if !held.grow(size) {
        return Err(busy());
    }
    let bytes = api.store.result(id).await.map_err(failed)?.ok_or_else(none)?;
    let bytes = held.bind(bytes);
    let digest = digest(bytes.clone()).await;
    let length = bytes.len();
    // Of a HEAD the field means nothing (RFC 9110 §14.2).
    let field = parts.headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let field = field.filter(|_| parts.method == Method::GET && if_range(&parts.headers, &tag));
    let mut response = match range::asked(field, length) {
        Asked::Whole => answer(StatusCode::OK, tag, bytes.into()),
        Asked::Part(part) => {
            let place = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            let mut response = answer(StatusCode::PARTIAL_CONTENT, tag, bytes.slice(part).into());
            response.headers_mut().insert(header::CONTENT_RANGE, digits(&place));
            response
        }
        Asked::Nothing => {
            let detail = format!("the result has {length} bytes, and none of those was asked for");
            let place = digits(&format!("bytes */{length}"));
            return Err(
                Problem::new(Kind::NoSuchRange, detail).with_header(header::CONTENT_RANGE, place)
            );
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(REPR_DIGEST, digest);
    Ok(response)
}

fn digits(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits and visible ASCII")
}

/// The digest of the whole event (RFC 9530 §3), also beside a part of it.
async fn digest(bytes: Bytes) -> HeaderValue {
    let at_once = bytes.len() <= DIGEST_AT_ONCE;
    let digest = move || {
        let digest = STANDARD.encode(Sha256::digest(&bytes));
        HeaderValue::try_from(format!("sha-256=:{digest}:")).expect("base64 is visible ASCII")
    };
    match at_once {
        true => digest(),
        false => tokio::task::spawn_blocking(digest).await.expect("a digest does not panic"),
    }
}

/// Lists the attempts of a job.
///
/// Every attempt to fetch and to deliver, in order, as the stages wrote it down. What was put back
/// without being charged is no attempt. When the ledger is full, entries in the middle go.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/attempts", tag = "Jobs", operation_id = "listJobAttempts",
    params(("id" = JobIdText, Path, description = "The job's id, as it was told when the job was accepted.")),
    responses((status = 200, body = AttemptList, description = "The job's ledger.")),
)]
pub(crate) async fn attempts(Reader(api): Reader, path: PathParts) -> Result<Response, Problem> {
    let id = path_id(path)?;
    if api.owner().is_some() {
        api.job(id).await?;
    }
    let entries = api.store.attempts(id).await.map_err(|error| store_problem(&error))?;
    let entries = entries.ok_or_else(|| unknown(id))?;
    let mut body = br#"{"attempts":["#.to_vec();
    body.extend(entries.join(&b','));
    body.extend_from_slice(b"]}");
    let mut response = Response::new(Body::from(body));
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    Ok(response)
}

fn answer(status: StatusCode, tag: String, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let tag = HeaderValue::try_from(tag).expect("hex digits and dashes in quotes");
    response.headers_mut().insert(header::ETAG, tag);
    let private = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, private);
    response
}

/// A strong tag (RFC 9110 §8.8.3): a result only ever changes together with its record, and the
/// result is read after the record.
fn entity_tag(record: &Record) -> String {
    let changed = record.updated_at.as_millis();
    format!("\"{}-{changed:x}-{:x}\"", record.id, record.result_bytes.unwrap_or(0))
}

/// Whether a part may be sent: the caller has the rest of this very one (RFC 9110 §13.1.5). A date
/// is nothing that is told here.
fn if_range(headers: &HeaderMap, tag: &str) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|value| value.as_bytes() == tag.as_bytes())
}

/// Whether the caller has this one already (RFC 9110 §13.1.2; the comparison is weak).
pub(crate) fn if_none_match(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}
