//! `folder:` sinks, in a directory of their own.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use forward::{Answer, Config, Delivery, ErrorKind};
use http::HeaderValue;
use tempfile::TempDir;
use url::Url;

use crate::sink::delivery;

/// Drawn on 2024-11-09.
const ID: &str = "01931234-5678-7abc-8def-0123456789ab";

fn folder(path: &Path) -> Url {
    format!("folder://{}", path.display()).parse().unwrap()
}

fn config(url: &Url) -> Config {
    Config { trusted: vec![url.clone()], ..Config::default() }
}

#[tokio::test]
async fn each_event_is_a_file_of_its_day_and_a_repetition_replaces_it() {
    let directory = TempDir::new().unwrap();
    let url = folder(&directory.path().join("made/for it"));
    let (forwarder, _running) = forward::start(config(&url)).unwrap();
    for body in ["{\"first\":1}", "{\"again\":\n1}"] {
        let event = Delivery { body: Bytes::from(body), ..delivery(ID, &url) };
        let receipt = forwarder.deliver(event).await;
        assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
        let key = format!("2024/11/09/{ID}.json");
        assert_eq!(receipt.detail, key);
        let path = directory.path().join("made/for it").join(key);
        assert_eq!(fs::read_to_string(path).unwrap(), body, "byte for byte");
    }
    let day = directory.path().join("made/for it/2024/11/09");
    assert_eq!(fs::read_dir(day).unwrap().count(), 1);
}

#[tokio::test]
async fn an_id_stays_in_the_folder_and_a_body_need_not_be_json() {
    let directory = TempDir::new().unwrap();
    let inside = directory.path().join("inside");
    let url = folder(&inside);
    let (forwarder, _running) = forward::start(config(&url)).unwrap();
    let content_type = HeaderValue::from_static("text/markdown; charset=utf-8");
    let event = Delivery { content_type, ..delivery("/~/\\/out", &url) };
    let receipt = forwarder.deliver(event).await;
    assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
    assert!(receipt.detail.starts_with("sha256-") && receipt.detail.ends_with(".md"), "{receipt}");
    assert!(inside.join(&receipt.detail).is_file());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing beside the folder");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told_at_start_and_later_is_trouble_that_passes() {
    let directory = TempDir::new().unwrap();
    let place = directory.path().join("place");
    fs::write(&place, "").unwrap();
    let url = folder(&place.join("folder"));
    let error = forward::start(config(&url)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("place/folder"), "{error}");

    fs::remove_file(&place).unwrap();
    let (forwarder, _running) = forward::start(config(&url)).unwrap();
    fs::remove_dir_all(&place).unwrap();
    fs::write(&place, "").unwrap();
    let receipt = forwarder.deliver(delivery(ID, &url)).await;
    assert_eq!(receipt.outcome, Answer::Retryable, "{receipt}");
    fs::remove_file(&place).unwrap();
    let receipt = forwarder.deliver(delivery(ID, &url)).await;
    assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
}
