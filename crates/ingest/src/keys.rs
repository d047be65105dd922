//! `/v1/keys`: who may use the API, and how much.
//!
//! A key is on disk before it is shown, and gone from there before it is said to be revoked.

mod allowance;
mod meter;
mod ring;
mod stored;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use http::header::{self, HeaderValue};
use jobs::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::allowance::Allowance;
pub(crate) use self::meter::{Limit, RATE_LIMIT, RATE_LIMIT_POLICY};
use self::meter::{Usage, seconds};
pub(crate) use self::ring::{Key, Keys, Shown};
pub use self::stored::StoredKeys;
use self::stored::{KEYS, StoredKey, USAGES};
use crate::auth::{Admin, Caller, Right};
use crate::body::{self, Typing};
use crate::problem::{Fault, Kind, Problem};
use crate::read::{PathParts, path_name};
use crate::router::{Api, store_problem};
use crate::view::{json, no_content, rfc3339};
use crate::{parse, quantity, schedule};

/// Keys that are kept; each takes less than a kilobyte of memory.
const MAX_KEYS: usize = 10_000;
/// Longest name in bytes.
const MAX_NAME_BYTES: usize = 100;
/// How often it is stored what of their quotas keys have used.
const STORE_EVERY: Duration = Duration::from_secs(5);

/// `/v1/keys`.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, revoke))
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewKey)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"scopes\": [\"submit\"]}")]
struct Wish {
    /// For people, at most 100 bytes.
    name: Option<String>,
    /// At least one of `submit`, `read` and `admin`; `admin` includes the others.
    #[schema(required, value_type = Vec<Right>)]
    scopes: Option<Vec<String>>,
    /// Jobs that may be submitted in a short time: `100/s`, `10/min`. As many may come at once.
    rate: Option<String>,
    /// Jobs that may be submitted in each hour or day of UTC: `10000/h`, `1e6/d`.
    quota: Option<String>,
    /// The name of the only sink that jobs of the key go to.
    sink: Option<String>,
    /// When it ceases to be valid: a time, or a duration from now.
    expires_at: Option<String>,
}

impl Wish {
    /// What is to be stored, or everything that is wrong.
    fn check(self, api: &Api, digest: [u8; 32], now: Timestamp) -> Result<StoredKey, Problem> {
        let mut faults = Vec::new();
        let name = self.name.unwrap_or_default();
        if name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            let detail = format!("must have at most {MAX_NAME_BYTES} bytes, none of control");
            faults.push(Fault::at("/name", detail));
        }
        let scopes = scopes(&self.scopes.unwrap_or_default(), &mut faults);
        if !scopes.is_empty() && api.keys.is_open() && !scopes.contains(&Right::Admin) {
            let detail = "the first key of a server without --api-key must have `admin`: from now \
                          on every request needs a key, and nobody could make another one";
            faults.push(Fault::at("/scopes", detail));
        }
        let rate = allowance("/rate", self.rate, &mut faults);
        let quota = allowance("/quota", self.quota, &mut faults);
        if let Some(name) = self.sink.as_deref().filter(|name| api.sinks.sink(name).is_none()) {
            faults.push(Fault::at("/sink", format!("there is no sink {name}")));
        }
        let expires_ms = expiry(self.expires_at.as_deref(), now, &mut faults);
        if !faults.is_empty() {
            return Err(Problem::faulty(Kind::InvalidRequest, faults));
        }
        let created_ms = now.as_millis();
        Ok(StoredKey { digest, name, scopes, rate, quota, sink: self.sink, created_ms, expires_ms })
    }
}

fn scopes(given: &[String], faults: &mut Vec<Fault>) -> Vec<Right> {
    if given.is_empty() {
        faults.push(Fault::at("/scopes", "name at least one of submit, read, admin"));
    }
    let mut scopes = Vec::new();
    for (at, name) in given.iter().enumerate() {
        let detail = match Right::named(name) {
            Some(right) if !scopes.contains(&right) => {
                scopes.push(right);
                continue;
            }
            Some(_) => "given twice",
            None => "unknown; known are submit, read, admin",
        };
        faults.push(Fault::at(format!("/scopes/{at}"), detail));
        if at >= Right::ALL.len() {
            break;
        }
    }
    scopes
}

fn allowance(at: &str, given: Option<String>, faults: &mut Vec<Fault>) -> Option<Allowance> {
    let read = given?.parse();
    read.map_err(|detail: &str| faults.push(Fault::at(at, detail))).ok()
}

fn expiry(given: Option<&str>, now: Timestamp, faults: &mut Vec<Fault>) -> Option<u64> {
    let given = given?;
    let end = quantity::duration(given).map(|time| now + time);
    let detail = match end.or_else(|| schedule::instant(given)) {
        Some(end) if end > now => return Some(end.as_millis()),
        Some(_) => "is over already",
        None => {
            "neither an RFC 3339 time such as \"2026-11-22T10:00:00Z\" nor a duration from now \
             such as \"90d\""
        }
    };
    faults.push(Fault::at("/expires_at", detail));
    None
}

/// A key, as those see it who may see keys.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
struct KeyView {
    id: String,
    name: String,
    scopes: Vec<Right>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    rate: Option<Allowance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    quota: Option<Allowance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sink: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<jiff::Timestamp>,
    /// When it was last sent to this process; absent when it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<jiff::Timestamp>,
    /// The key itself: only in the answer to its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl KeyView {
    fn new(key: &Key) -> Self {
        let stored = key.stored.clone();
        Self {
            id: key.id.as_ref().to_owned(),
            name: stored.name,
            scopes: stored.scopes,
            rate: stored.rate,
            quota: stored.quota,
            sink: stored.sink,
            created_at: rfc3339(Timestamp::from_millis(stored.created_ms)),
            expires_at: stored.expires_ms.map(|end| rfc3339(Timestamp::from_millis(end))),
            last_used_at: key.used_at().map(rfc3339),
            key: None,
        }
    }
}

#[derive(Serialize, ToSchema)]
struct KeyList {
    /// The oldest first.
    keys: Vec<KeyView>,
}

/// The keys that were made here, without the keys themselves.
#[utoipa::path(
    get, path = "/v1/keys", tag = "Keys", operation_id = "listKeys",
    responses(
        (status = 200, description = "All of them, the oldest first.", body = KeyList),
    ),
)]
pub(crate) async fn list(Admin(caller): Admin) -> Response {
    let keys = caller.keys.all().iter().map(|key| KeyView::new(key)).collect();
    json(StatusCode::OK, &KeyList { keys })
}

/// Makes a key. It is shown in this answer and never again.
#[utoipa::path(
    post, path = "/v1/keys", tag = "Keys", operation_id = "createKey", request_body = Wish,
    responses(
        (status = 201, description = "It opens the API from now on.", body = KeyView),
        (status = 409, description = "There are too many keys.", content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(Admin(caller): Admin, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    body::check_type(&parts.headers, Typing::Strict)?;
    let config = &caller.config;
    let received = body::read(body, config.max_body, config.body_timeout, &caller.budget).await?;
    let wish: Wish = parse::object(&received.bytes, Kind::InvalidRequest)?;
    let change = Change::begin(&caller).await;
    let (id, text) = caller.keys.draw();
    let stored = wish.check(&caller, ring::digest(&text), caller.clock.now())?;
    if caller.keys.all().len() >= MAX_KEYS {
        let detail = format!("there are {MAX_KEYS} keys already; revoke some first");
        return Err(Problem::new(Kind::Conflict, detail));
    }
    let key = Arc::new(Key::new(&id, stored, Usage::default()));
    change.make(Arc::clone(&key.id), Some(Arc::clone(&key))).await?;
    tracing::info!(key.id = id, key.name = key.stored.name, "API key made");
    let mut response =
        json(StatusCode::CREATED, &KeyView { key: Some(text), ..KeyView::new(&key) });
    let headers = response.headers_mut();
    let location = HeaderValue::try_from(format!("/v1/keys/{id}")).expect("letters and digits");
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// One key, without the key itself.
#[utoipa::path(
    get, path = "/v1/keys/{id}", tag = "Keys", operation_id = "getKey",
    params(("id" = String, Path, description = "The key's id.")),
    responses(
        (status = 200, description = "What it is good for.", body = KeyView),
    ),
)]
pub(crate) async fn show(Admin(caller): Admin, path: PathParts) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &KeyView::new(&*known(&caller, path)?)))
}

/// Revokes a key: from this answer on it opens nothing.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "Keys", operation_id = "revokeKey",
    params(("id" = String, Path, description = "The key's id.")),
    responses(
        (status = 204, description = "It is gone. Its jobs stay."),
        (status = 409, description = "It is the last one with `admin`.", content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn revoke(Admin(caller): Admin, path: PathParts) -> Result<Response, Problem> {
    let change = Change::begin(&caller).await;
    let key = known(&caller, path)?;
    let others = || caller.keys.all().into_iter().filter(|other| other.id != key.id);
    if key.is_admin() && !caller.keys.has_given() && !others().any(|other| other.is_admin()) {
        let detail = "it is the last key with `admin`, and this server was started without \
                      --api-key: make another one first";
        return Err(Problem::new(Kind::Conflict, detail));
    }
    change.make(Arc::clone(&key.id), None).await?;
    tracing::info!(key.id = %key.id, key.name = key.stored.name, "API key revoked");
    Ok(no_content())
}

fn known(caller: &Caller, path: PathParts) -> Result<Arc<Key>, Problem> {
    let id = path_name(path)?;
    let unknown = || Problem::new(Kind::NotFound, format!("there is no key {id}"));
    caller.keys.get(&id).ok_or_else(unknown)
}

/// The right to change keys: one at a time.
struct Change {
    api: Arc<Api>,
    alone: OwnedMutexGuard<()>,
}

impl Change {
    async fn begin(caller: &Caller) -> Self {
        let alone = Arc::clone(&caller.key_changes).lock_owned().await;
        Self { api: caller.shared(), alone }
    }

    /// Puts a key on disk and then into force; or, without one, takes it off the disk and out of
    /// force. A caller that goes away in between does not leave one without the other.
    async fn make(self, id: Arc<str>, key: Option<Arc<Key>>) -> Result<(), Problem> {
        let Self { api, alone } = self;
        let own = Arc::clone(&api);
        let change = async move {
            let _alone = alone;
            let failed = |error: jobs::Error| store_problem(&error);
            let name = id.as_ref().to_owned();
            let bytes = key.as_ref().map(|key| key.stored.to_bytes());
            own.store.put_document(KEYS, name.clone(), bytes).await.map_err(failed)?;
            if let Some(key) = key {
                own.keys.insert(key);
                return Ok(());
            }
            own.keys.revoke(&id);
            own.store.put_document(USAGES, name, None).await.map_err(failed)
        };
        api.change(change).await
    }
}

/// Stores what of their quotas keys have used, every few seconds and at the end.
pub(crate) async fn keep_usage(api: &Api, stop: &CancellationToken) {
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(STORE_EVERY) => false,
        };
        store_usage(api).await;
        if stopped {
            return;
        }
    }
}

async fn store_usage(api: &Api) {
    // Nobody revokes one meanwhile, so that nothing is left of it.
    let _alone = api.key_changes.lock().await;
    let used = api.keys.all().into_iter().filter_map(|key| {
        let usage = key.meter().unstored()?;
        Some(async move {
            let bytes = serde_json::to_vec(&usage).expect("two numbers");
            let id = key.id.as_ref().to_owned();
            api.store.put_document(USAGES, id, Some(Bytes::from(bytes))).await?;
            key.meter().stored(usage);
            Ok::<_, jobs::Error>(())
        })
    });
    // Together, so that they are on disk with one sync.
    let failed = join_all(used).await.into_iter().find_map(Result::err);
    if let Some(error) = failed {
        tracing::warn!(%error, "could not store what keys have used");
    }
}

impl Caller {
    /// Counts `n` jobs that are about to be submitted, unless the caller's rate or quota does not
    /// allow them any more: then nothing is counted.
    pub(crate) fn charge(&self, n: u64) -> Result<(), Problem> {
        self.check()?;
        let Some(key) = self.key() else {
            return Ok(());
        };
        let charged = key.meter().charge(n, self.clock.now());
        charged.map_err(|short| {
            let wait_s = seconds(short.wait).max(1);
            let (limit, allowance) = (short.limit.name(), short.allowance);
            let detail = format!("the {limit} of this key is {allowance}; again in {wait_s} s");
            Problem::new(Kind::LimitReached, detail).retry_after(wait_s)
        })
    }

    /// Takes back what was counted for jobs that were not accepted.
    pub(crate) fn give_back(&self, n: u64) {
        if let Some(key) = self.key() {
            key.meter().give_back(n);
        }
    }
}
