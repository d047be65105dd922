//! `/v1/sinks`: sinks that have names.
//!
//! A change is made while nobody else makes one, is on disk before it holds, and holds before it
//! is answered.

mod patch;
mod rotation;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderValue};
use http::{StatusCode, Uri};
use jobs::{JobId, NewJob, Submitted, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::OwnedMutexGuard;
use utoipa::ToSchema;

use self::patch::{patched, switch, switched};
use self::rotation::{rotated, rotation};
use crate::auth::{Admin, Caller, Reader};
use crate::body::{self, Received, Typing};
use crate::definition::{Definition, Draft, NAME_RULE, Signature, is_name};
use crate::description::{BadParameter, NotInThisState, SinkName, SinkPatch};
use crate::problem::{Fault, Kind, Problem};
use crate::read::{PathParts, path_name};
use crate::router::{Api, store_problem};
use crate::sink_view::{Lanes, SinkView, notice};
use crate::view::{JobView, json, no_content, rfc3339, status_url};
use crate::{Disabled, NamedSink, Refusal, SINKS, SinkSecret, SinkSpec, parse};

/// Defines a sink.
///
/// What is left out is left to the server's defaults. The secret that signs is shown here and never
/// again.
#[utoipa::path(
    post, path = "/v1/sinks", tag = "Sinks", operation_id = "createSink",
    request_body(content = Definition, content_type = "application/json", description = "The sink.", example = json!({"name": "search", "url": "https://hooks.example/in", "events": ["job.succeeded"], "rate": "10/s"})),
    responses(
        (
            status = 201, body = SinkView, description = "It is there, and on disk.",
            headers(
                ("Location" = String, description = "Where it can be looked at."),
                ("Cache-Control" = String, description = "`no-store`: there is a secret in it."),
            ),
        ), NotInThisState,
    ),
)]
pub(crate) async fn define(Admin(api): Admin, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    body::check_type(&parts.headers, Typing::Strict)?;
    let received = receive(&api, body).await?;
    let (name, draft) = new_sink(&api, &received.bytes)?;
    let change = Change::begin(&api).await;
    if api.sinks.sink(&name).is_some() {
        return Err(conflict(format!("there is a sink `{name}` already")));
    }
    let most = api.config.max_sinks;
    if api.sinks.sinks().iter().filter(|sink| !sink.is_operators).count() >= most {
        return Err(conflict(format!("there are {most} sinks already, this server's limit")));
    }
    let spec = complete(&api, draft);
    let sink = NamedSink { name, spec, is_operators: false };
    change.keep(&sink.name, Some(sink.spec.clone())).await?;
    let location = format!("/v1/sinks/{}", sink.name);
    let location = HeaderValue::try_from(location).expect("a name is visible ASCII");
    let mut response = once(StatusCode::CREATED, &api, sink);
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

#[derive(serde::Serialize, ToSchema)]
#[schema(as = SinkList)]
struct List {
    sinks: Vec<SinkView>,
}

/// Lists the sinks by name.
#[utoipa::path(
    get, path = "/v1/sinks", tag = "Sinks", operation_id = "listSinks",
    responses((status = 200, body = List, description = "All of them."), BadParameter),
)]
pub(crate) async fn list(Reader(api): Reader, uri: Uri) -> Result<Response, Problem> {
    parameters(&uri, &[])?;
    let _slot = api.listings.acquire().await.expect("the semaphore is never closed");
    let mut sinks = api.sinks.sinks();
    sinks.retain(|sink| api.may_send(&sink.name).is_ok());
    sinks.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let lanes = Lanes::now(&api);
    let sinks = sinks.into_iter().map(|sink| SinkView::new(&api, sink, &lanes)).collect();
    Ok(json(StatusCode::OK, &List { sinks }))
}

/// Shows a sink, and how it fares.
#[utoipa::path(
    get, path = "/v1/sinks/{name}", tag = "Sinks", operation_id = "getSink",
    params(("name" = SinkName, Path, description = "The sink's name.")),
    responses((status = 200, body = SinkView, description = "The sink.")),
)]
pub(crate) async fn show(Reader(api): Reader, path: PathParts) -> Result<Response, Problem> {
    let name = path_name(path)?;
    let sink = known(&api, &name)?;
    if api.may_send(&name).is_err() {
        return Err(unknown(&name));
    }
    Ok(json(StatusCode::OK, &SinkView::new(&api, sink, &Lanes::now(&api))))
}

/// Changes a sink.
///
/// A JSON merge patch (RFC 7396) of the sink as it was defined. `{"enabled": false}` stops what is
/// sent to it, which waits until it is enabled again; of a sink that the operator's file defines,
/// nothing else can be changed.
#[utoipa::path(
    patch, path = "/v1/sinks/{name}", tag = "Sinks", operation_id = "updateSink",
    params(("name" = SinkName, Path, description = "The sink's name.")),
    request_body(content = SinkPatch, content_type = "application/json", description = "What is to be another.", example = json!({"enabled": false})),
    responses(
        (status = 200, body = SinkView, description = "The sink as it is now."), NotInThisState,
    ),
)]
pub(crate) async fn change(
    Admin(api): Admin,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let name = path_name(path)?;
    let (parts, body) = request.into_parts();
    body::check_type(&parts.headers, Typing::Strict)?;
    let received = receive(&api, body).await?;
    let Value::Object(patch) = parse::value(&received.bytes, Kind::InvalidSink)? else {
        let detail = "an object such as {\"enabled\": false} is expected";
        return Err(invalid(vec![Fault::at("", detail)]));
    };
    let change = Change::begin(&api).await;
    let mut sink = known(&api, &name)?;
    if sink.is_operators {
        sink.spec.disabled = switched(&api, &sink, &patch)?;
        change.keep(&name, Some(switch(&api, &sink.spec))).await?;
    } else {
        sink.spec = patched(&api, &sink, patch)?;
        change.keep(&name, Some(sink.spec.clone())).await?;
    }
    Ok(json(StatusCode::OK, &SinkView::new(&api, sink, &Lanes::now(&api))))
}

/// Removes a sink.
///
/// Not while something waits for it, unless that is forced: then what waits is undelivered.
#[utoipa::path(
    delete, path = "/v1/sinks/{name}", tag = "Sinks", operation_id = "deleteSink",
    params(
        ("name" = SinkName, Path, description = "The sink's name."),
        ("force" = Option<bool>, Query, description = "Even if jobs wait for it."),
    ),
    responses((status = 204, description = "It is gone."), NotInThisState),
)]
pub(crate) async fn remove(
    Admin(api): Admin,
    path: PathParts,
    uri: Uri,
) -> Result<Response, Problem> {
    let name = path_name(path)?;
    let force = parameters(&uri, &["force"])?;
    let change = Change::begin(&api).await;
    let sink = defined(&api, &name)?;
    let lanes = Lanes::now(&api);
    let jobs = lanes.of(&api, &sink).map_or(0, |lane| lane.waiting + lane.in_flight);
    if jobs > 0 && !force {
        return Err(conflict(format!(
            "{jobs} jobs wait for the sink `{name}`; let them be delivered, or say ?force=true"
        )));
    }
    change.keep(&name, None).await?;
    Ok(no_content())
}

/// Gives a sink a new secret.
///
/// The ones before it sign along for `overlap`. The body may be left out: then a secret is made. It
/// is shown here and never again.
#[utoipa::path(
    post, path = "/v1/sinks/{name}/rotate", tag = "Sinks", operation_id = "rotateSinkSecret",
    params(("name" = SinkName, Path, description = "The sink's name.")),
    request_body(content = Option<rotation::Rotation>, content_type = "application/json", description = "Which secret, and for how long the one before it signs along.", example = json!({"overlap": "24h"})),
    responses(
        (
            status = 200, body = SinkView, description = "The sink, with its new secret.",
            headers(("Cache-Control" = String, description = "`no-store`: there is a secret in it.")),
        ), NotInThisState,
    ),
)]
pub(crate) async fn rotate(
    Admin(api): Admin,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let name = path_name(path)?;
    let (parts, body) = request.into_parts();
    let received = receive(&api, body).await?;
    let rotation = rotation(&parts.headers, &received)?;
    let change = Change::begin(&api).await;
    let mut sink = defined(&api, &name)?;
    sink.spec = rotated(&api, &sink, rotation)?;
    change.keep(&name, Some(sink.spec.clone())).await?;
    Ok(once(StatusCode::OK, &api, sink))
}

/// Sends a sink a test event.
///
/// A job that sends the sink an event of the type `sink.test`, and fetches nothing.
#[utoipa::path(
    post, path = "/v1/sinks/{name}/test", tag = "Sinks", operation_id = "testSink",
    params(("name" = SinkName, Path, description = "The sink's name.")),
    responses(
        (
            status = 202, body = JobView, description = "The job that sends it.",
            headers(("Location" = String, description = "Where the job can be looked at.")),
        ), NotInThisState,
    ),
)]
pub(crate) async fn test(Admin(api): Admin, path: PathParts) -> Result<Response, Problem> {
    let name = path_name(path)?;
    let sink = known(&api, &name)?;
    if let Some(Disabled { reason, .. }) = &sink.spec.disabled {
        return Err(conflict(format!("the sink `{name}` is disabled ({reason}): enable it first")));
    }
    let (id, now) = (JobId::draw(), api.clock.now());
    let spec = notice(&sink, tested(id, &name, now));
    let (stage, lane) = api.pipeline.first(&spec);
    let spec = spec.to_bytes();
    let job = NewJob::new(id, stage, lane, now, spec);
    let answers = api.store.submit(vec![job], now).await.map_err(|e| store_problem(&e))?;
    if answers != [Submitted::Created] {
        return Err(api.queue_full());
    }
    let (record, spec) = api.job(id).await?;
    let mut response = json(StatusCode::ACCEPTED, &JobView::new(&api, record, spec));
    let location = HeaderValue::try_from(status_url(id)).expect("a path of ASCII letters");
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// The event that tells of nothing but that it arrives.
fn tested(id: JobId, name: &str, at: Timestamp) -> Box<RawValue> {
    let data = serde_json::json!({"id": id.to_string(), "sink": name});
    let event = format!(r#"{{"type":"sink.test","timestamp":"{}","data":{data}}}"#, rfc3339(at));
    RawValue::from_string(event).expect("a time, an id and a name need no escapes")
}

/// The right to change sinks: one at a time.
struct Change {
    api: Arc<Api>,
    alone: OwnedMutexGuard<()>,
}

impl Change {
    async fn begin(caller: &Caller) -> Self {
        let alone = Arc::clone(&caller.sink_changes).lock_owned().await;
        Self { api: caller.shared(), alone }
    }

    /// Puts a sink on disk and then into force; `None` removes it. A caller that goes away in
    /// between does not leave one without the other.
    async fn keep(self, name: &str, spec: Option<SinkSpec>) -> Result<(), Problem> {
        let name = name.to_owned();
        let Self { api, alone } = self;
        let own = Arc::clone(&api);
        let change = async move {
            let _alone = alone;
            let bytes = spec.as_ref().map(SinkSpec::to_bytes);
            let put = own.store.put_document(SINKS, name.clone(), bytes).await;
            put.map_err(|error| store_problem(&error))?;
            own.sinks.sink_changed(&name, spec);
            Ok(())
        };
        api.change(change).await
    }
}

async fn receive(api: &Api, body: Body) -> Result<Received, Problem> {
    let config = &api.config;
    body::read(body, config.max_body, config.body_timeout, &api.budget).await
}

/// Reads a definition, and has it judged.
fn new_sink(api: &Api, body: &[u8]) -> Result<(String, Draft), Problem> {
    let given: Definition<'_> = parse::object(body, Kind::InvalidSink)?;
    let mut faults = Vec::new();
    let name = given.name.as_deref().unwrap_or_default().to_owned();
    match given.name {
        None => faults.push(Fault::at("/name", "is required")),
        Some(_) if !is_name(&name) => faults.push(Fault::at("/name", NAME_RULE)),
        Some(_) => {}
    }
    let draft = given.check(&mut faults);
    Ok((name, judged(api, draft, faults)?))
}

/// What both the reader and the composition root admit; otherwise all that either finds wrong.
fn judged(api: &Api, draft: Option<Draft>, mut faults: Vec<Fault>) -> Result<Draft, Problem> {
    let refused = draft.as_ref().map(|draft| api.sinks.admit_sink_spec(&draft.spec));
    if let Some(Err(refused)) = refused {
        add(refused, &mut faults);
    }
    match draft {
        Some(draft) if faults.is_empty() => Ok(draft),
        _ => Err(invalid(faults)),
    }
}

/// Adds what has been found wrong elsewhere; one fault for each place is enough.
fn add(refused: Vec<Refusal>, faults: &mut Vec<Fault>) {
    for Refusal { pointer, detail } in refused {
        // Secrets are kept as a list, and given one at a time.
        let pointer = if pointer.starts_with("/secrets/") { "/secret".to_owned() } else { pointer };
        if !faults.iter().any(|fault| fault.is_at(&pointer)) {
            faults.push(Fault::at(pointer, detail));
        }
    }
}

/// A new sink with all it needs.
fn complete(api: &Api, draft: Draft) -> SinkSpec {
    let Draft { mut spec, signature, enabled } = draft;
    let now_ms = api.clock.now().as_millis();
    if spec.secrets.is_empty() && is_signed(&spec) {
        let (text, _) = api.sinks.new_secret(signature == Some(Signature::V1a));
        spec.secrets.push(SinkSecret { text, expires_ms: None });
    }
    spec.disabled = (!enabled).then(|| by_hand(now_ms));
    (spec.created_ms, spec.updated_ms) = (now_ms, now_ms);
    spec
}

/// Events that are fetched are not signed: who fetches them has an API key.
fn is_signed(spec: &SinkSpec) -> bool {
    spec.url.scheme() != "pull"
}

fn by_hand(since_ms: u64) -> Disabled {
    Disabled { since_ms, reason: "by hand".to_owned() }
}

/// An answer with a secret in it, which nobody on the way may keep.
fn once(status: StatusCode, api: &Api, sink: NamedSink) -> Response {
    let mut response = json(status, &SinkView::with_secret(api, sink, &Lanes::now(api)));
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

fn known(api: &Api, name: &str) -> Result<NamedSink, Problem> {
    let found = if is_name(name) { api.sinks.sink(name) } else { None };
    found.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Problem {
    Problem::new(Kind::NotFound, format!("there is no sink `{name}`"))
}

/// A sink that the API defined, and can change.
fn defined(api: &Api, name: &str) -> Result<NamedSink, Problem> {
    let sink = known(api, name)?;
    if sink.is_operators { Err(operators(name)) } else { Ok(sink) }
}

fn operators(name: &str) -> Problem {
    conflict(format!(
        "the sink `{name}` is defined by the operator's file: here, only `enabled` can be changed"
    ))
}

fn conflict(detail: String) -> Problem {
    Problem::new(Kind::Conflict, detail)
}

fn invalid(faults: Vec<Fault>) -> Problem {
    Problem::faulty(Kind::InvalidSink, faults)
}

/// Whether the one parameter that is known, if any, is `true`.
fn parameters(uri: &Uri, known: &[&str]) -> Result<bool, Problem> {
    let mut truth = None;
    let query = uri.query().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let detail = match (known.contains(&&*name), &*value) {
            (false, _) if known.is_empty() => "unknown; there are no parameters here".to_owned(),
            (false, _) => format!("unknown; known is {}", known.join(", ")),
            (true, "true" | "false") if truth.is_none() => {
                truth = Some(value == "true");
                continue;
            }
            (true, "true" | "false") => "given twice".to_owned(),
            (true, _) => "must be true or false".to_owned(),
        };
        return Err(Problem::faulty(Kind::BadRequest, vec![Fault::parameter(&name, detail)]));
    }
    Ok(truth.unwrap_or_default())
}
