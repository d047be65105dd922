//! Keys that are made through the API.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use ingest::{Config, NoSinks, StoredKeys};
use jobs::{Bounds, Store as _};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::served::PATIENCE;
use crate::world::{Answer, World};

pub(crate) const OPERATOR: &str = "the-operator's-key";

/// A server that the operator has given a key.
pub(crate) fn guarded() -> World {
    World::with(config(), Bounds::default())
}

pub(crate) fn config() -> Config {
    Config { api_keys: vec![OPERATOR.to_owned()], ..Config::default() }
}

/// What a server is given that has the store of another.
pub(crate) async fn restarted(world: &World) -> Config {
    let stored_keys = StoredKeys::load(&*world.store).await.unwrap();
    Config { stored_keys, ..Config::default() }
}

/// A call with a key; a body is JSON.
pub(crate) async fn call(world: &World, key: &str, method: &str, path: &str, body: &str) -> Answer {
    call_with(world, key, method, path, body, &[]).await
}

pub(crate) async fn call_with(
    world: &World,
    key: &str,
    method: &str,
    path: &str,
    body: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !key.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// Makes a key and gives its id and text.
pub(crate) async fn make(world: &World, by: &str, wish: Value) -> (String, String) {
    let answer = call(world, by, "POST", "/v1/keys", &wish.to_string()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    let made = answer.json();
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header(header::LOCATION), format!("/v1/keys/{id}"));
    (id, made["key"].as_str().unwrap().to_owned())
}

async fn status(world: &World, key: &str, method: &str, path: &str) -> u16 {
    call(world, key, method, path, "").await.status.as_u16()
}

#[tokio::test]
async fn a_key_is_shown_once_and_kept_as_a_digest() {
    let world = guarded();
    let wish = json!({"name":"shop","scopes":["submit","read"],"rate":"100/s","quota":"1e6/d","expires_at":"30d"});
    let (id, text) = make(&world, OPERATOR, wish).await;
    assert!(text.starts_with(&format!("pw_{id}_")), "{text}");
    let expected = json!({
        "id": id, "name": "shop", "scopes": ["submit", "read"], "rate": "100/s",
        "quota": "1000000/d", "created_at": "2026-11-22T10:00:00Z",
        "expires_at": "2026-12-22T10:00:00Z",
    });
    let one = call(&world, OPERATOR, "GET", &format!("/v1/keys/{id}"), "").await.json();
    assert_eq!(one, expected);
    let all = call(&world, OPERATOR, "GET", "/v1/keys", "").await.json();
    assert_eq!(all, json!({"keys": [expected]}));
    let secret = text.rsplit('_').next().unwrap();
    for (_, document) in world.store.documents("keys").await.unwrap() {
        let document = String::from_utf8(document.into()).unwrap();
        assert!(!document.contains(secret), "{document}");
    }
    assert_eq!(status(&world, &text, "GET", "/v1/jobs").await, 200);
    let used = call(&world, OPERATOR, "GET", &format!("/v1/keys/{id}"), "").await.json();
    assert_eq!(used["last_used_at"], "2026-11-22T10:00:00Z");
}

#[tokio::test]
async fn a_key_holds_after_a_restart_and_closes_the_api() {
    let world = guarded();
    let (_, text) = make(&world, OPERATOR, json!({"scopes":["read"]})).await;
    let config = restarted(&world).await;
    let world = World::over(config, world.store.clone(), Arc::new(NoSinks), |store| store);
    assert_eq!(status(&world, &text, "GET", "/v1/jobs").await, 200);
    assert_eq!(status(&world, "", "GET", "/v1/jobs").await, 401);
    assert_eq!(status(&world, OPERATOR, "GET", "/v1/jobs").await, 401, "it was not given again");
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_from_that_moment_on() {
    let world = guarded();
    let (id, text) = make(&world, OPERATOR, json!({"scopes":["read"]})).await;
    let request =
        Request::get("/v1/events").header(header::AUTHORIZATION, format!("Bearer {text}"));
    let stream = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let path = format!("/v1/keys/{id}");
    let revoked = call(&world, OPERATOR, "DELETE", &path, "").await;
    assert_eq!((revoked.status.as_u16(), revoked.body.len()), (204, 0));
    call(&world, &text, "GET", "/v1/jobs", "").await.problem(401);
    call(&world, OPERATOR, "GET", &path, "").await.problem(404);
    call(&world, OPERATOR, "DELETE", &path, "").await.problem(404);
    assert!(world.store.documents("keys").await.unwrap().is_empty());
    let rest = timeout(PATIENCE, stream.into_body().collect()).await;
    rest.expect("what it had opened ends").unwrap();
}

#[tokio::test]
async fn an_expired_key_opens_nothing_and_the_api_stays_closed() {
    let world = World::new();
    let wish = json!({"scopes":["admin"],"expires_at":"1h"});
    let (_, text) = make(&world, "", wish).await;
    world.pass(Duration::from_secs(3599));
    assert_eq!(status(&world, &text, "GET", "/v1/jobs").await, 200);
    world.pass(Duration::from_secs(1));
    let problem = call(&world, &text, "GET", "/v1/jobs", "").await;
    assert!(problem.problem(401).contains("expired"));
    assert_eq!(problem.header(header::WWW_AUTHENTICATE), "Bearer realm=\"pagewire\"");
    assert_eq!(status(&world, "", "GET", "/v1/jobs").await, 401);
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say() {
    let world = guarded();
    let (_, submit) = make(&world, OPERATOR, json!({"scopes":["submit"]})).await;
    let (_, read) = make(&world, OPERATOR, json!({"scopes":["read"]})).await;
    let (_, admin) = make(&world, OPERATOR, json!({"scopes":["admin"]})).await;
    let id = "01a1f2c5-2a00-7000-8000-000000000000";
    let calls = [
        ("submit", "POST", "/v1/jobs".to_owned()),
        ("submit", "POST", "/".to_owned()),
        ("submit", "DELETE", format!("/v1/jobs/{id}")),
        ("submit", "POST", format!("/v1/jobs/{id}/refetch")),
        ("submit", "POST", "/v1/redrive".to_owned()),
        ("read", "GET", "/v1/jobs".to_owned()),
        ("read", "GET", format!("/v1/jobs/{id}")),
        ("read", "GET", format!("/v1/jobs/{id}/result")),
        ("read", "GET", "/v1/sinks".to_owned()),
        ("read", "GET", "/v1/events?types=X".to_owned()),
        ("admin", "GET", "/v1/lanes".to_owned()),
        ("admin", "POST", "/v1/sinks".to_owned()),
        ("admin", "PATCH", "/v1/sinks/a".to_owned()),
        ("admin", "DELETE", "/v1/sinks/a".to_owned()),
        ("admin", "GET", "/v1/keys".to_owned()),
        ("admin", "POST", "/v1/keys".to_owned()),
        ("admin", "GET", "/v1/keys/a".to_owned()),
        ("admin", "DELETE", "/v1/keys/a".to_owned()),
    ];
    for (wanted, method, path) in &calls {
        for (scope, key) in [("submit", &submit), ("read", &read), ("admin", &admin)] {
            let answer = call(&world, key, method, path, "").await;
            if scope == *wanted || scope == "admin" {
                assert!(!matches!(answer.status.as_u16(), 401 | 403), "{scope} {method} {path}");
                continue;
            }
            let detail = answer.problem(403);
            assert!(detail.contains(&format!("`{wanted}`")), "{scope} {method} {path}: {detail}");
            let challenge = answer.header(header::WWW_AUTHENTICATE);
            assert!(challenge.contains(&format!("scope=\"{wanted}\"")), "{challenge}");
        }
    }
}

#[tokio::test]
async fn the_first_key_can_make_others_and_from_then_on_all_need_one() {
    let world = World::new();
    let refused = world.give("POST", "/v1/keys", r#"{"scopes":["submit","read"]}"#).await;
    refused.problem(422);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/scopes");
    assert_eq!(status(&world, "", "GET", "/v1/jobs").await, 200, "it is still open");
    let (_, admin) = make(&world, "", json!({"scopes":["admin"]})).await;
    assert_eq!(status(&world, "", "GET", "/v1/jobs").await, 401);
    let (_, other) = make(&world, &admin, json!({"scopes":["read"]})).await;
    assert_eq!(status(&world, &other, "GET", "/v1/jobs").await, 200);
}

#[tokio::test]
async fn the_last_key_that_can_make_others_cannot_be_revoked() {
    let world = World::new();
    let (first, admin) = make(&world, "", json!({"scopes":["admin"]})).await;
    let path = format!("/v1/keys/{first}");
    assert!(call(&world, &admin, "DELETE", &path, "").await.problem(409).contains("--api-key"));
    let (_, second) = make(&world, &admin, json!({"scopes":["admin"]})).await;
    assert_eq!(status(&world, &second, "DELETE", &path).await, 204);
    assert_eq!(status(&world, &admin, "GET", "/v1/jobs").await, 401);
}

#[tokio::test]
async fn what_is_no_key_is_422_at_its_pointer() {
    let world = guarded();
    let long = json!({"scopes":["read"],"name":"n".repeat(101)}).to_string();
    for (body, pointer) in [
        ("{}", "/scopes"),
        (r#"{"scopes":[]}"#, "/scopes"),
        (r#"{"scopes":["write"]}"#, "/scopes/0"),
        (r#"{"scopes":["read","read"]}"#, "/scopes/1"),
        (r#"{"scopes":"read"}"#, "/scopes"),
        (r#"{"scopes":["read"],"rate":"fast"}"#, "/rate"),
        (r#"{"scopes":["read"],"rate":"0/s"}"#, "/rate"),
        (r#"{"scopes":["read"],"quota":"1e99/d"}"#, "/quota"),
        (r#"{"scopes":["read"],"sink":"nowhere"}"#, "/sink"),
        (r#"{"scopes":["read"],"expires_at":"soon"}"#, "/expires_at"),
        (r#"{"scopes":["read"],"expires_at":"2026-11-22T10:00:00Z"}"#, "/expires_at"),
        (r#"{"scopes":["read"],"name":"a\nb"}"#, "/name"),
        (&long, "/name"),
        (r#"{"scopes":["read"],"colour":"red"}"#, "/colour"),
    ] {
        let answer = call(&world, OPERATOR, "POST", "/v1/keys", body).await;
        answer.problem(422);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    assert!(world.store.documents("keys").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_key_that_is_not_quite_one_opens_nothing() {
    let world = guarded();
    let (id, text) = make(&world, OPERATOR, json!({"scopes":["admin"]})).await;
    let (other, _) = make(&world, OPERATOR, json!({"scopes":["admin"]})).await;
    let secret = text.rsplit_once(&format!("{id}_")).unwrap().1;
    for wrong in [
        format!("pw_{id}_"),
        format!("pw_{id}"),
        format!("pw_{other}_{secret}"),
        format!("pw_aaaaaaaa_{secret}"),
        format!("{text}x"),
        text[..text.len() - 1].to_owned(),
        text.to_uppercase(),
        id,
    ] {
        assert_eq!(status(&world, &wrong, "GET", "/v1/jobs").await, 401, "{wrong}");
    }
}

#[tokio::test]
async fn a_stored_key_that_cannot_be_read_is_not_forgotten_in_silence() {
    let world = World::new();
    let bad = Some("{}".into());
    world.store.put_document("keys", "aaaaaaaa".to_owned(), bad).await.unwrap();
    let error = StoredKeys::load(&*world.store).await.unwrap_err();
    assert!(error.to_string().contains("aaaaaaaa"), "{error}");
}
