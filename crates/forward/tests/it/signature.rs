use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use forward::{
    Answer, Delivery, Secret, Verified, Verifier, VerifyError, Version, WEBHOOK_ID,
    WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP, sign, verify,
};
use http::{HeaderMap, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::sink::{NOW_S, Reply, Sink, deliver_to, delivery, trusting};

/// HMAC-SHA256 written out from RFC 2104, for keys of at most a block.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad =
        |with: u8| -> [u8; 64] { std::array::from_fn(|i| key.get(i).copied().unwrap_or(0) ^ with) };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn expected(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    format!("v1,{}", STANDARD.encode(hmac_sha256(key, &message)))
}

#[tokio::test]
async fn what_arrives_is_the_event_byte_for_byte_signed_with_each_secret() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    let body: Bytes = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut sent = delivery("0191-abc", &sink.url);
    sent.body = body.clone();
    sent.secrets = [[1_u8; 24].as_slice(), &[2; 64]].map(|k| Secret::from_bytes(k).unwrap()).into();
    sent.headers.insert("x-tenant", HeaderValue::from_static("acme"));
    let receipt = forwarder.deliver(sent).await;
    assert_eq!((receipt.outcome, receipt.status), (Answer::Accepted, Some(204)), "{receipt}");

    let received = sink.received();
    let [request] = &received[..] else { panic!("one request, not {}", received.len()) };
    assert_eq!(request.request_line, "POST /hook?from=test HTTP/1.1");
    assert_eq!(request.body, body);
    let header = |name: &str| request.headers[name].to_str().unwrap();
    assert_eq!(header("webhook-id"), "0191-abc");
    assert_eq!(header("webhook-timestamp"), NOW_S.to_string());
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-tenant"), "acme");
    assert!(header("user-agent").starts_with("Pagewire/"));
    let both = [[1_u8; 24].as_slice(), &[2; 64]]
        .map(|key| expected(key, "0191-abc", header("webhook-timestamp"), &body))
        .join(" ");
    assert_eq!(header("webhook-signature"), both);
}

#[tokio::test]
async fn a_receiver_can_verify_what_it_got() {
    let (sink, receipt) = deliver_to(Reply::status("200 OK")).await;
    assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
    let received = sink.received();
    let verifiers = [Secret::from_bytes(&[7; 32]).unwrap().into()];
    let check = |body: &[u8]| verify(&verifiers, &received[0].headers, body, NOW_S + 20);
    let right = Verified { index: 0, version: Version::V1, timestamp_s: NOW_S };
    assert_eq!(check(&received[0].body), Ok(right));
    assert_eq!(check(b"{}"), Err(VerifyError::Mismatch));
}

#[tokio::test]
async fn both_kinds_of_secrets_sign_a_delivery_of_any_length() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    let (old, new) = (Secret::generate(), Secret::generate_asymmetric());
    let bodies =
        [Bytes::new(), Bytes::from_static("Grüße 🦀".as_bytes()), vec![b'x'; 600_000].into()];
    for body in bodies.clone() {
        let secrets = vec![new.clone(), old.clone()];
        let sent = Delivery { body, secrets, ..delivery("evt_1", &sink.url) };
        assert_eq!(forwarder.deliver(sent).await.outcome, Answer::Accepted);
    }
    let received = sink.received();
    for (request, body) in received.iter().zip(&bodies) {
        assert_eq!(request.body, body.as_ref());
        let check = |verifier| verify(&[verifier], &request.headers, body, NOW_S).map(drop);
        let other = Secret::generate_asymmetric().public_key().unwrap();
        assert_eq!(check(new.public_key().unwrap().into()), Ok(()));
        assert_eq!(check(old.clone().into()), Ok(()));
        assert_eq!(check(other.into()), Err(VerifyError::Mismatch));
    }
    assert_eq!(received.len(), bodies.len());
}

#[tokio::test]
async fn credentials_in_the_url_become_basic_authorization_unless_one_is_given() {
    let sink = Sink::start(Reply::status("200 OK")).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    let mut url = sink.url.clone();
    url.set_username("user").unwrap();
    url.set_password(Some("p@ss")).unwrap();
    forwarder.deliver(delivery("evt_1", &url)).await;
    let mut own = delivery("evt_2", &url);
    own.headers.insert("authorization", HeaderValue::from_static("Bearer x"));
    forwarder.deliver(own).await;
    let received = sink.received();
    assert_eq!(
        received[0].headers["authorization"],
        format!("Basic {}", STANDARD.encode("user:p@ss"))
    );
    assert_eq!(received[0].request_line, "POST /hook?from=test HTTP/1.1");
    let given: Vec<_> = received[1].headers.get_all("authorization").iter().collect();
    assert_eq!(given, ["Bearer x"]);
}

fn headers(id: &str, timestamp_s: i64, signature: &str) -> HeaderMap {
    HeaderMap::from_iter([
        (WEBHOOK_ID, HeaderValue::from_str(id).unwrap()),
        (WEBHOOK_TIMESTAMP, HeaderValue::from(timestamp_s)),
        (WEBHOOK_SIGNATURE, HeaderValue::from_str(signature).unwrap()),
    ])
}

proptest! {
    #[test]
    fn signing_agrees_with_rfc_2104_and_round_trips(
        key in vec(any::<u8>(), 24..=64),
        id in "[!-\\-/-~]{1,64}",
        timestamp_s in 0..i64::MAX,
        skew_s in -300..=300_i64,
        body in vec(any::<u8>(), 0..2000),
    ) {
        let secret = Secret::from_bytes(&key).unwrap();
        let signature = sign(&secret, &id, timestamp_s, &body);
        prop_assert_eq!(&signature, &expected(&key, &id, &timestamp_s.to_string(), &body));
        let now_s = timestamp_s.saturating_add(skew_s);
        let got = headers(&id, timestamp_s, &signature);
        let reread: Verifier = secret.reveal().parse().unwrap();
        for verifier in [secret.into(), reread] {
            prop_assert_eq!(verify(&[verifier], &got, &body, now_s).map(drop), Ok(()));
        }
    }

    #[test]
    fn tampering_with_anything_fails(
        key in vec(any::<u8>(), 24..=64),
        body in vec(any::<u8>(), 1..500),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let secret = Secret::from_bytes(&key).unwrap();
        let signature = sign(&secret, "evt", NOW_S, &body);
        let check = |key: &[u8], id, timestamp_s, body: &[u8]| {
            let secret = Secret::from_bytes(key).unwrap();
            verify(&[secret.into()], &headers(id, timestamp_s, &signature), body, NOW_S).map(drop)
        };
        let flipped = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let index = at.index(bytes.len());
            bytes[index] ^= 1 << bit;
            bytes
        };
        let wrong = Err(VerifyError::Mismatch);
        prop_assert_eq!(check(&key, "evt", NOW_S, &body), Ok(()));
        prop_assert_eq!(check(&key, "evt", NOW_S, &flipped(&body)), wrong);
        prop_assert_eq!(check(&flipped(&key), "evt", NOW_S, &body), wrong);
        prop_assert_eq!(check(&key, "evu", NOW_S, &body), wrong);
        prop_assert_eq!(check(&key, "evt", NOW_S + 1, &body), wrong);
        prop_assert_eq!(check(&key, "evt", NOW_S, &body[1..]), wrong);
        let forged = format!("v1,{}", STANDARD.encode(flipped(&hmac_sha256(&key, b"x"))));
        let got = headers("evt", NOW_S, &forged);
        prop_assert_eq!(verify(&[secret.into()], &got, &body, NOW_S).map(drop), wrong);
    }
}
