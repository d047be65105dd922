//! `s3:` sinks against a store on loopback that answers what a test wants.

use std::sync::{Arc, Mutex};

use forward::{Answer, Config, Receipt};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use crate::sink::{NOW_S, Received, delivery, read_request};

/// Drawn on 2024-11-09.
const ID: &str = "01931234-5678-7abc-8def-0123456789ab";

const STORED: &str = "HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 0\r\n\r\n";

struct Store {
    url: Url,
    received: Arc<Mutex<Vec<Received>>>,
    _server: JoinSet<()>,
}

impl Store {
    /// Gives these answers, one for each request, each on a connection of its own.
    async fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let mut url: Url = "s3://bucket/events".parse().unwrap();
        url.query_pairs_mut().append_pair("region", "eu-test-1").append_pair("endpoint", &endpoint);
        let received = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&received);
        let mut server = JoinSet::new();
        server.spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await.unwrap();
                seen.lock().unwrap().push(request);
                stream.write_all(answer.as_bytes()).await.unwrap();
                // The client may keep its side: ours is closed.
            }
        });
        Self { url, received, _server: server }
    }

    fn config(&self) -> Config {
        let aws = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "hush")];
        Config {
            trusted: vec![self.url.clone()],
            aws: aws.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..Config::default()
        }
    }

    async fn deliver(&self, times: usize) -> Vec<Receipt> {
        let (forwarder, _running) = forward::start(self.config()).unwrap();
        let mut receipts = Vec::new();
        for _ in 0..times {
            receipts.push(forwarder.deliver(delivery(ID, &self.url)).await);
        }
        receipts
    }
}

#[tokio::test]
async fn an_event_is_put_under_its_id_signed_and_with_its_headers() {
    let store = Store::start(&[STORED]).await;
    let receipt = &store.deliver(1).await[0];
    assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
    assert_eq!(receipt.detail, format!("events/2024/11/09/{ID}.json"));
    let received = store.received.lock().unwrap();
    let put = &received[0];
    assert_eq!(put.request_line, format!("PUT /bucket/events/2024/11/09/{ID}.json HTTP/1.1"));
    assert_eq!(put.body, delivery(ID, &store.url).body);
    let header = |name: &str| put.headers[name].to_str().unwrap();
    let authorization = header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"), "{authorization}");
    assert!(authorization.contains("/eu-test-1/s3/aws4_request"), "{authorization}");
    assert!(!authorization.contains("hush"));
    // SHA-256 of the body: what is stored is what was signed.
    assert_eq!(
        header("x-amz-content-sha256"),
        "8390af29dd44771e41875f19aeafb9379edc8a286f7ee22e8666a345aa70e87b"
    );
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-amz-meta-webhook-id"), ID);
    assert_eq!(header("x-amz-meta-webhook-timestamp"), NOW_S.to_string());
    assert!(header("x-amz-meta-webhook-signature").starts_with("v1,"));
}

#[tokio::test]
async fn a_store_in_trouble_is_asked_again_under_the_same_key() {
    let store =
        Store::start(&["HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n", STORED])
            .await;
    let receipts = store.deliver(2).await;
    assert_eq!(receipts[0].outcome, Answer::Retryable, "{}", receipts[0]);
    assert!(receipts[0].detail.contains("500"), "{}", receipts[0]);
    assert_eq!(receipts[1].outcome, Answer::Accepted, "{}", receipts[1]);
    let received = store.received.lock().unwrap();
    assert_eq!(received.len(), 2, "an attempt is one request");
    assert_eq!(received[0].request_line, received[1].request_line);
}

#[tokio::test]
async fn a_store_that_says_no_is_told_of_with_the_remedy() {
    let store = Store::start(&[
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    ])
    .await;
    for (receipt, (status, told)) in store.deliver(3).await.iter().zip([
        (403, "may these credentials put objects there"),
        (401, "AWS_SECRET_ACCESS_KEY"),
        (404, "is there such a bucket"),
    ]) {
        assert_eq!((receipt.outcome, receipt.status), (Answer::Retryable, Some(status)));
        assert!(receipt.detail.contains(told), "{receipt}");
        assert!(!receipt.detail.contains("hush"), "{receipt}");
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_is_trouble_that_passes() {
    let store = Store::start(&[]).await;
    let receipt = &store.deliver(1).await[0];
    assert_eq!((receipt.outcome, receipt.status), (Answer::Retryable, None), "{receipt}");
}
