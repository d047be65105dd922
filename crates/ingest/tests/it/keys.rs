//! API keys.

use http::{Request, header};
use ingest::Config;
use jobs::Bounds;

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
            assert_ne!(status(&world, method, path, Some(field)).await, 401, "{method} {path}");
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
