use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::get;

use super::world::served;

#[tokio::test]
async fn events_are_followed_over_a_broken_connection_from_where_it_broke() {
    let asked: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let events = move |uri: Uri, headers: HeaderMap| {
        let mut asked = seen.lock().unwrap();
        let last = headers.get("last-event-id").map_or("", |id| id.to_str().unwrap());
        asked.push((uri.query().unwrap_or_default().to_owned(), last.to_owned()));
        let text = match asked.len() {
            1 => {
                "retry: 10\nid: a-0\n\nid: a-1\nevent: job.failed\ndata: {\"id\":\"1\"}\n\nevent: half"
            }
            _ => {
                "id: a-2\nevent: job.failed\ndata: {\"id\":\"2\",\"url\":\"https://a.example/\"}\n\n"
            }
        };
        std::future::ready(Response::new(Body::from(text)))
    };
    let server = served(Router::new().route("/v1/events", get(events))).await;
    let said = server.typed(&["tail", "--type", "job.failed", "--job", "x", "--count", "2"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let lines: Vec<_> = said.out.lines().collect();
    assert!(lines[0].ends_with("job.failed       1"), "{lines:?}");
    assert!(lines[1].ends_with("job.failed       2  https://a.example/"), "{lines:?}");
    let query = "types=job.failed&job=x".to_owned();
    assert_eq!(*asked.lock().unwrap(), [(query.clone(), String::new()), (query, "a-1".to_owned())]);
}

#[tokio::test]
async fn a_server_that_was_never_there_is_not_waited_for() {
    let said = super::world::typed(&["tail", "--server", "http://127.0.0.1:1"]).await;
    assert_eq!(said.code, 4, "{said:?}");
}

#[tokio::test]
async fn events_of_the_real_api_are_read_by_its_own_words() {
    let server = super::world::api(ingest::Config::default()).await;
    let said = server.typed(&["tail", "--after", "rubbish", "--json"]).await;
    assert!(said.code == 1 && said.err.contains("last-event-id"), "{said:?}");
    let said = server.typed(&["tail", "--job", "nobody"]).await;
    assert!(said.code == 1 && said.err.contains("job"), "{said:?}");
}
