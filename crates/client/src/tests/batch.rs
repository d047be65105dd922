use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::world::{Server, served};
use crate::lines::Lines;

/// What a server of batches has seen, and how it is to behave.
#[derive(Default)]
struct Desk {
    /// The idempotency keys, one a request.
    keys: Vec<String>,
    /// Jobs accepted, by their lines.
    accepted: Vec<(u64, Value)>,
    /// Requests end without a word after so many lines, one after the other.
    breaks: Vec<u64>,
    /// Says that it is full at this line, once.
    full_at: Option<u64>,
    /// Says no to everything.
    refuses: bool,
}

type Shared = Arc<Mutex<Desk>>;

fn problem(status: u16, detail: &str) -> Value {
    json!({"type": "urn:x", "title": "No", "status": status, "detail": detail})
}

async fn batches(desk: Shared, headers: HeaderMap, body: Body) -> Response {
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let cut = {
        let mut desk = desk.lock().unwrap();
        desk.keys.push(key);
        if desk.refuses {
            let mut answer = Response::new(problem(401, "no key").to_string().into());
            *answer.status_mut() = StatusCode::UNAUTHORIZED;
            return answer;
        }
        (!desk.breaks.is_empty()).then(|| desk.breaks.remove(0))
    };
    let (tell, told) = mpsc::channel::<Result<Bytes, std::io::Error>>(16);
    let work = judge(desk, body, tell, cut);
    #[expect(clippy::disallowed_methods, reason = "it ends with the request")]
    tokio::spawn(work);
    let told = stream::unfold(told, |mut told| async { Some((told.recv().await?, told)) });
    Response::new(Body::from_stream(told))
}

/// Judges line by line, as the lines come.
async fn judge(
    desk: Shared,
    mut body: Body,
    tell: mpsc::Sender<Result<Bytes, std::io::Error>>,
    cut: Option<u64>,
) {
    let say = async |value: Value| tell.send(Ok(format!("{value}\n").into())).await.is_ok();
    say(json!({"batch": {"id": "batch-1"}})).await;
    let (mut lines, mut number) = (Lines::default(), 0);
    while let Some(Ok(frame)) = body.frame().await {
        lines.push(&frame.into_data().unwrap_or_default()).unwrap();
        while let Some(line) = lines.next() {
            number += 1;
            if cut.is_some_and(|cut| number > cut) {
                let _ = tell.send(Err(std::io::Error::other("cut"))).await;
                return;
            }
            let job: Value = serde_json::from_slice(line).unwrap();
            let verdict = desk.lock().unwrap().verdict(number, job);
            if !say(verdict).await {
                return;
            }
        }
    }
    say(json!({"batch": {"id": "batch-1", "closed": true}})).await;
}

impl Desk {
    fn verdict(&mut self, line: u64, job: Value) -> Value {
        if self.accepted.iter().any(|(known, _)| *known == line) {
            return json!({"line": line, "id": line.to_string(), "replayed": true});
        }
        if self.full_at == Some(line) {
            self.full_at = None;
            return json!({"line": line, "error": problem(503, "full")});
        }
        if !job["url"].as_str().is_some_and(|url| url.starts_with("http")) {
            return json!({"line": line, "error": problem(422, "not a URL")});
        }
        self.accepted.push((line, job));
        json!({"line": line, "id": line.to_string(), "status": "queued"})
    }
}

async fn desk(desk: Desk) -> (Server, Shared) {
    let desk = Arc::new(Mutex::new(desk));
    let shared = Arc::clone(&desk);
    let handler = move |headers: HeaderMap, body: Body| {
        let desk = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(batches(desk, headers, body).await) }
    };
    (served(Router::new().route("/v1/batches", post(handler))).await, desk)
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, text).unwrap();
    file
}

fn urls(count: u64) -> String {
    (0..count).map(|n| format!("https://a.example/{n}\n")).collect()
}

#[tokio::test]
async fn lines_are_submitted_and_refused_ones_are_told_by_their_numbers() {
    let (server, desk) = desk(Desk::default()).await;
    let text = "# urls\nhttps://a.example/1\n\nnonsense\n{\"url\":\n{\"url\":\"https://a.example/2\",\"tags\":[\"own\"]}\n";
    let file = file(text);
    let path = file.path().to_str().unwrap();
    let said = server.typed(&["submit", "-f", path, "--tag", "all"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(said.out, "batch batch-1: 2 accepted, 2 refused\n");
    assert!(
        said.err.contains("line 4: not a URL") && said.err.contains("line 5: not JSON"),
        "{said:?}"
    );
    let accepted = desk.lock().unwrap().accepted.clone();
    assert_eq!(accepted[0].1, json!({"url": "https://a.example/1", "tags": ["all"]}));
    assert_eq!(accepted[1].1, json!({"url": "https://a.example/2", "tags": ["own"]}));
}

#[tokio::test]
async fn rejects_can_be_mended_and_submitted_in_turn() {
    let (server, _desk) = desk(Desk::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects.txt");
    let file = file("nonsense\nhttps://a.example/1\n{oops\n");
    let path = file.path().to_str().unwrap();
    let said = server.typed(&["submit", "-f", path, "--rejects", rejects.to_str().unwrap()]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let written = std::fs::read_to_string(&rejects).unwrap();
    assert!(written.contains("# line 1: not a URL\nnonsense\n"), "{written}");
    assert!(written.contains("# line 3: not JSON") && written.contains("\n{oops\n"), "{written}");
}

#[tokio::test]
async fn a_batch_goes_on_after_broken_connections_and_repeats_nothing() {
    let (server, desk) = desk(Desk { breaks: vec![2_500, 4_000], ..Desk::default() }).await;
    let file = file(&urls(6_000));
    let path = file.path().to_str().unwrap();
    let said = server.typed(&["submit", "-f", path, "--json"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    let verdicts = said.objects();
    let lines: Vec<_> = verdicts.iter().filter_map(|verdict| verdict["line"].as_u64()).collect();
    assert_eq!(lines, (1..=6_000).collect::<Vec<_>>(), "each once, in order");
    assert_eq!(verdicts.last().unwrap()["batch"]["accepted"], 6_000);
    let desk = desk.lock().unwrap();
    assert_eq!(desk.accepted.len(), 6_000);
    assert_eq!(desk.keys.len(), 3);
    assert!(desk.keys.iter().all(|key| *key == desk.keys[0]), "{:?}", desk.keys);
}

#[tokio::test]
async fn the_same_file_is_the_same_batch_until_it_is_wanted_anew() {
    let (server, desk) = desk(Desk::default()).await;
    let (first, second) = (file(&urls(3)), file(&format!("# copied\n{}", urls(3))));
    let [first, second] = [&first, &second].map(|file| file.path().to_str().unwrap());
    server.typed(&["submit", "-f", first]).await;
    let said = server.typed(&["submit", "-f", second]).await;
    assert!(said.code == 0 && said.err.contains("3 of them were there already"), "{said:?}");
    server.typed(&["submit", "-f", first, "--again"]).await;
    server.typed(&["submit", "-f", first, "--tag", "x"]).await;
    server.typed(&["submit", "-f", first, "--idempotency-key", "mine"]).await;
    let keys = desk.lock().unwrap().keys.clone();
    assert_eq!(keys[0], keys[1]);
    assert!(keys[2] != keys[0] && keys[3] != keys[0]);
    assert_eq!(keys[4], "mine");
}

#[tokio::test]
async fn a_server_without_room_is_asked_again() {
    let (server, desk) = desk(Desk { full_at: Some(2), ..Desk::default() }).await;
    let said = server.typed(&["submit", "https://a.example/1", "https://a.example/2"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "batch batch-1: 2 accepted\n"), "{said:?}");
    assert_eq!(desk.lock().unwrap().keys.len(), 2);
}

#[tokio::test]
async fn a_refusal_is_heard_before_all_lines_are_sent() {
    let (server, desk) = desk(Desk { refuses: true, ..Desk::default() }).await;
    let file = file(&urls(200_000));
    let said = server.typed(&["submit", "-f", file.path().to_str().unwrap()]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("--key"), "{said:?}");
    assert_eq!(desk.lock().unwrap().keys.len(), 1);
}

#[tokio::test]
async fn a_file_without_jobs_needs_no_server() {
    let (server, desk) = desk(Desk::default()).await;
    let file = file("# nothing\n\n");
    let said = server.typed(&["submit", "-f", file.path().to_str().unwrap()]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "nothing to submit\n"), "{said:?}");
    assert_eq!(desk.lock().unwrap().keys.len(), 0);
}
