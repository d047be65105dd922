use axum::body::Bytes;
use forward::Secret;
use http::HeaderMap;

use super::delivery::Delivery;
use super::keyring::Keyring;
use super::*;

const BODY: &str = r#"{"type":"job.succeeded","data":{"id":"1","url":"https://a.example/"}}"#;

fn flags() -> Listen {
    Listen {
        at: "127.0.0.1:0".parse().unwrap(),
        secret: Vec::new(),
        secret_file: Vec::new(),
        data_dir: "/nowhere".into(),
        unverified: false,
        status: 200,
        fail_every: None,
        verbose: false,
        count: None,
        json: true,
    }
}

fn signed(secret: &Secret, body: &[u8]) -> HeaderMap {
    let now_s = jiff::Timestamp::now().as_second();
    let signature = forward::sign(secret, "id-1", now_s, body);
    HeaderMap::from_iter([
        (forward::WEBHOOK_ID, HeaderValue::from_static("id-1")),
        (forward::WEBHOOK_TIMESTAMP, HeaderValue::from(now_s)),
        (forward::WEBHOOK_SIGNATURE, HeaderValue::from_str(&signature).unwrap()),
    ])
}

fn delivered(headers: HeaderMap, body: &[u8], keyring: &Keyring) -> serde_json::Value {
    let mut request = Request::post("/hook").body(()).unwrap();
    *request.headers_mut() = headers;
    let (parts, ()) = request.into_parts();
    Delivery::read(&parts, Bytes::copy_from_slice(body), StatusCode::OK, keyring).object()
}

#[test]
fn a_signature_is_verified_and_a_changed_body_is_not() {
    let secret = Secret::generate();
    let keyring = Keyring::Given(vec![secret.clone().into()]);
    let seen = delivered(signed(&secret, BODY.as_bytes()), BODY.as_bytes(), &keyring);
    assert_eq!(seen["verified"], true);
    assert_eq!(seen["body"]["data"]["id"], "1");
    let seen = delivered(signed(&secret, BODY.as_bytes()), b"{\"type\":\"x\"}", &keyring);
    assert_eq!(seen["verified"], false);
    assert!(seen["why"].as_str().unwrap().contains("no signature matches"), "{seen}");
    let seen = delivered(HeaderMap::new(), BODY.as_bytes(), &keyring);
    assert!(seen["why"].as_str().unwrap().contains("webhook-id"), "{seen}");
}

#[test]
fn a_server_s_secret_is_found_once_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = Keyring::new(&Listen { data_dir: dir.path().into(), ..flags() }).unwrap();
    let secret = Secret::generate();
    let seen = delivered(signed(&secret, BODY.as_bytes()), BODY.as_bytes(), &keyring);
    assert_eq!(seen["verified"], serde_json::Value::Null);
    assert!(keyring.describe().contains("--data-dir"));

    std::fs::write(dir.path().join("secret"), format!("{}\n", secret.reveal())).unwrap();
    let seen = delivered(signed(&secret, BODY.as_bytes()), BODY.as_bytes(), &keyring);
    assert_eq!(seen["verified"], true);
}

#[test]
fn secrets_that_cannot_be_read_are_named_and_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("secrets");
    std::fs::write(&bad, "hunter2\n").unwrap();
    for (flags, word) in [
        (Listen { secret: vec!["hunter2".to_owned()], ..flags() }, "--secret"),
        (Listen { secret_file: vec![bad], ..flags() }, "line 1"),
        (Listen { secret_file: vec!["/nowhere/x".into()], ..flags() }, "/nowhere/x"),
    ] {
        let Err(Failure::Usage(text)) = Keyring::new(&flags) else {
            panic!("{flags:?} was taken");
        };
        assert!(text.contains(word) && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_compressed_batch_is_told_event_by_event() {
    use std::io::Write as _;
    let lines = format!("{BODY}\n{BODY}\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(lines.as_bytes()).unwrap();
    let secret = Secret::generate();
    let mut headers = signed(&secret, lines.as_bytes());
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let keyring = Keyring::Given(vec![secret.into()]);
    let seen = delivered(headers, &packed.finish().unwrap(), &keyring);
    assert_eq!(seen["verified"], true, "{seen}");
    assert_eq!(seen["body"].as_array().unwrap().len(), 2);
}

#[test]
fn an_address_may_be_a_port() {
    assert_eq!(address("9001").unwrap(), "127.0.0.1:9001".parse().unwrap());
    assert_eq!(address("localhost:9001").unwrap(), "127.0.0.1:9001".parse().unwrap());
    assert_eq!(address("[::1]:9001").unwrap(), "[::1]:9001".parse().unwrap());
    assert!(address("example.com:80").unwrap_err().contains("127.0.0.1:9000"));
}
