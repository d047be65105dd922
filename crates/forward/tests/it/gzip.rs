use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use forward::{Answer, Delivery, Secret, verify};
use http::HeaderValue;

use crate::sink::{NOW_S, Received, Reply, Sink, delivery, trusting};

async fn sent(delivery: impl FnOnce(&Sink) -> Delivery) -> Received {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    let receipt = forwarder.deliver(delivery(&sink)).await;
    assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
    sink.received().pop().unwrap()
}

fn text(bytes: usize) -> Bytes {
    b"all work and no play ".iter().copied().cycle().take(bytes).collect()
}

#[tokio::test]
async fn a_body_is_compressed_when_asked_and_signed_as_it_was() {
    for bytes in [2_000, 500_000] {
        let request =
            sent(|sink| Delivery { gzip: true, body: text(bytes), ..delivery("evt_1", &sink.url) })
                .await;
        assert_eq!(request.headers["content-encoding"], "gzip");
        assert!(request.body.len() < bytes / 4, "{} bytes", request.body.len());
        let mut body = Vec::new();
        GzDecoder::new(&request.body[..]).read_to_end(&mut body).unwrap();
        assert_eq!(body, text(bytes));
        let verifier = Secret::from_bytes(&[7; 32]).unwrap().into();
        verify(&[verifier], &request.headers, &body, NOW_S).unwrap();
    }
}

#[tokio::test]
async fn a_body_is_left_when_not_asked_or_too_short_or_encoded_already() {
    let plain =
        |bytes| move |sink: &Sink| Delivery { body: text(bytes), ..delivery("e", &sink.url) };
    let request = sent(plain(5_000)).await;
    assert_eq!(request.body, text(5_000));
    assert!(!request.headers.contains_key("content-encoding"));

    let request = sent(|sink| Delivery { gzip: true, ..plain(20)(sink) }).await;
    assert_eq!(request.body, text(20));
    assert!(!request.headers.contains_key("content-encoding"));

    let request = sent(|sink| {
        let mut own = Delivery { gzip: true, ..plain(5_000)(sink) };
        own.headers.insert("content-encoding", HeaderValue::from_static("identity"));
        own
    })
    .await;
    assert_eq!(request.body, text(5_000));
    assert_eq!(request.headers["content-encoding"], "identity");
}
