use axum::Router;
use ingest::Config;
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use super::world::{api, served, typed};

const NOBODY: &str = "01a1f2c5-2a00-7000-8000-000000000000";

#[tokio::test]
async fn a_job_is_submitted_listed_shown_and_called_off() {
    let server = api(Config::default()).await;
    let said =
        server.typed(&["submit", "https://a.example/x", "--tag", "t", "--set", "timeout=5s"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let (id, url) = said.out.trim().split_once("  ").unwrap();
    assert_eq!(url, "https://a.example/x");

    let said = server.typed(&["jobs", "--tag", "t"]).await;
    assert!(said.out.starts_with("ID") && said.out.contains(id), "{said:?}");
    let said = server.typed(&["jobs", "--tag", "other"]).await;
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", "no such jobs\n"));

    let said = server.typed(&["job", id, "--json"]).await;
    let job = &said.objects()[0];
    assert_eq!((&job["id"], &job["ledger"]), (&json!(id), &json!([])), "{said:?}");
    let said = server.typed(&["job", id]).await;
    let is_status = |line: &str| line.starts_with("status ") && line.ends_with("  queued");
    assert!(said.out.lines().any(is_status), "{said:?}");

    let said = server.typed(&["cancel", id]).await;
    assert_eq!((said.code, said.out), (0, format!("{id}  cancelled\n")));
}

#[tokio::test]
async fn all_pages_are_followed_and_a_limit_is_kept() {
    let server = api(Config::default()).await;
    for n in 0..5 {
        assert_eq!(server.typed(&["submit", &format!("https://a.example/{n}")]).await.code, 0);
    }
    let urls = |said: &super::world::Said| -> Vec<Value> {
        said.objects().iter().map(|job| job["url"].clone()).collect()
    };
    let all = server.typed(&["jobs", "--all", "--json"]).await;
    assert_eq!(urls(&all).len(), 5);
    assert_eq!(urls(&all)[0], "https://a.example/4", "newest first");
    assert_eq!(urls(&server.typed(&["jobs", "--limit", "2", "--json"]).await).len(), 2);
}

#[tokio::test]
async fn what_is_not_there_ends_with_3_and_one_of_several_does_not_spoil_the_others() {
    let server = api(Config::default()).await;
    for args in [&["job", NOBODY][..], &["cancel", NOBODY], &["redeliver", NOBODY]] {
        let said = server.typed(args).await;
        assert_eq!(said.code, 3, "{said:?}");
        assert!(said.err.contains("error: Not found") && said.err.contains(NOBODY), "{said:?}");
    }
    let id =
        server.typed(&["submit", "https://a.example/", "--json"]).await.objects()[0]["id"].clone();
    let id = id.as_str().unwrap();
    let said = server.typed(&["cancel", NOBODY, id, "../x"]).await;
    assert_eq!(said.out, format!("{id}  cancelled\n"));
    assert_eq!((said.code, said.err.lines().count()), (3, 2), "{said:?}");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_place_and_as_a_document() {
    let server = api(Config::default()).await;
    let said = server.typed(&["submit", "not a url", "--set", "robots=7"]).await;
    assert_eq!(said.code, 1);
    assert!(said.err.contains("/robots"), "{said:?}");
    let said = server.typed(&["jobs", "--status", "lost", "--json"]).await;
    let problem: Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!((said.code, &problem["status"]), (1, &json!(400)));
    assert_eq!(problem["errors"][0]["parameter"], "status");
}

#[tokio::test]
async fn a_server_with_keys_wants_one() {
    let key = "0123456789abcdef0123";
    let config = Config { api_keys: vec![key.to_owned()], ..Config::default() };
    let server = api(config).await;
    let said = server.typed(&["jobs"]).await;
    assert!(said.code == 1 && said.err.contains("PAGEWIRE_KEY"), "{said:?}");
    assert_eq!(server.typed(&["jobs", "--key", key]).await.code, 0);
    let said = server.typed(&["jobs", "--key", "hunter 2"]).await;
    assert!(said.code == 2 && !said.err.contains("hunter"), "{said:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_from_one_of_another_kind() {
    // Taken, so that nobody else gets it, but nobody listens.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let at = format!("http://{}", taken.local_addr().unwrap());
    let said = typed(&["jobs", "--server", &at]).await;
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains("nothing listens") && said.err.contains("--server"), "{said:?}");
    let said = typed(&["jobs", "--server", &at, "--json"]).await;
    let problem: Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(problem["type"], "urn:pagewire:problem:unreachable");

    let other = served(Router::new()).await;
    let said = other.typed(&["jobs"]).await;
    assert!(said.code == 1 && said.err.contains("is --server right?"), "{said:?}");
}

#[tokio::test]
async fn a_job_that_does_not_end_in_time_is_named() {
    let server = api(Config::default()).await;
    let said = server.typed(&["submit", "https://a.example/", "--wait=200ms"]).await;
    assert!(said.code == 1 && said.err.contains("is still queued: `pagewire job "), "{said:?}");
}

#[tokio::test]
async fn lanes_and_a_redrive_of_nothing_are_shown() {
    let server = api(Config::default()).await;
    server.typed(&["submit", "https://a.example/"]).await;
    let said = server.typed(&["lanes"]).await;
    assert!(said.out.contains("a.example") && said.out.contains("WAITING"), "{said:?}");
    let said = server.typed(&["redrive", "--since", "1h"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "0 jobs redriven\n"), "{said:?}");
    let said = server.typed(&["redrive", "--dry-run", "--json"]).await;
    assert_eq!(said.objects()[0]["dry_run"], true);
    let said = server.typed(&["redrive", "--status", "queued"]).await;
    assert!(said.code == 1 && said.err.contains("/status"), "{said:?}");
}
