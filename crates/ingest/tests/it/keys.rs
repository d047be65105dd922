//! API keys.

use http::{Request, header};
use ingest::Config;
use jobs::Bounds;
use tower::ServiceExt as _;

use crate::world::World;

const PROTECTED: &[(&str, &str)] = &[
    ("POST", "/"),
    ("POST", "/v1/jobs"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/x"),
    ("DELETE", "/v1/jobs/x"),
    ("GET", "/v1/jobs/x/result"),
    ("POST", "/v1/jobs/x/redeliver"),
    ("POST", "/v1/jobs/x/refetch"),
    ("GET", "/v1/lanes"),
    ("GET", "/v1/redrive"),
    ("POST", "/v1/redrive"),
    ("GET", "/v1/redrive/x"),
    ("DELETE", "/v1/redrive/x"),
    ("GET", "/v1/pull"),
    ("POST", "/v1/pull/ack"),
    ("POST", "/v1/pull/nack"),
    ("POST", "/v1/pull/extend"),
    ("GET", "/v1/events"),
    ("GET", "/metrics"),
];

fn guarded() -> World {
    let api_keys = vec!["first-key".to_owned(), "second-key".to_owned()];
    World::with(Config { api_keys, ..Config::default() }, Bounds::default())
}

async fn status(world: &World, method: &str, path: &str, field: Option<&str>) -> u16 {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(field) = field {
        request = request.header(header::AUTHORIZATION, field);
    }
    let answer = world.send(request.body("".into()).unwrap()).await;
    if answer.status == 401 {
        answer.problem(401);
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Bearer realm=\"pagewire\"");
    }
    answer.status.as_u16()
}

/// The status alone: an event stream has no end.
async fn opened(world: &World, method: &str, path: &str, field: &str) -> u16 {
    let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, field);
    let request = request.body(axum::body::Body::empty()).unwrap();
    world.router.clone().oneshot(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn without_a_known_key_nothing_is_told_or_done() {
    let world = guarded();
    for (method, path) in PROTECTED {
        for field in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Bearer wrong-key"),
            Some("Bearer first-ke"),
            Some("Bearer first-key2"),
            Some("Basic first-key"),
            Some("first-key"),
        ] {
            assert_eq!(status(&world, method, path, field).await, 401, "{method} {path} {field:?}");
        }
    }
}

#[tokio::test]
async fn each_key_opens_everything() {
    let world = guarded();
    for (method, path) in PROTECTED {
        for field in ["Bearer first-key", "bearer second-key", "Bearer  second-key"] {
            let status = opened(&world, method, path, field).await;
            assert_ne!(status, 401, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn health_and_the_page_need_no_key() {
    let world = guarded();
    for path in ["/", "/healthz", "/readyz"] {
        assert_eq!(status(&world, "GET", path, None).await, 200, "{path}");
    }
}

#[test]
fn keys_are_not_shown() {
    let config = Config { api_keys: vec!["first-key".to_owned()], ..Config::default() };
    assert!(!format!("{config:?}").contains("first-key"));
}
