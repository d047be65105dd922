use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use url::Url;

use crate::delivery::{Delivery, check_header_name};
use crate::sign::{WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP, sign_all_in_turns};

/// Longest `webhook-id` in characters: it is a key in the receiver's store.
const MAX_ID_CHARS: usize = 256;

/// What is POSTed.
pub(crate) struct Signed {
    pub(crate) sink: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Signed {
    /// The delivery as it is sent at `timestamp_s`, or why it cannot be.
    pub(crate) async fn new(delivery: Delivery, timestamp_s: i64) -> Result<Self, String> {
        let Delivery { id, sink, mut headers, body, content_type, secrets, .. } = delivery;
        let id_value = check_id(&id)?;
        if secrets.is_empty() {
            return Err("the delivery has no signing secret".into());
        }
        for name in headers.keys() {
            check_header_name(name.as_str()).map_err(|e| e.to_string())?;
        }
        let signature = sign_all_in_turns(&secrets, &id, timestamp_s, &body).await;
        let signature = HeaderValue::try_from(signature).expect("base64 is visible ASCII");
        headers.entry(CONTENT_TYPE).or_insert(content_type);
        headers.insert(WEBHOOK_ID, id_value);
        headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(timestamp_s));
        headers.insert(WEBHOOK_SIGNATURE, signature);
        Ok(Self { sink, headers, body })
    }
}

fn check_id(id: &str) -> Result<HeaderValue, String> {
    let visible = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
    if id.is_empty() || id.len() > MAX_ID_CHARS || !id.bytes().all(visible) {
        return Err(format!(
            "the delivery's id is not 1 to {MAX_ID_CHARS} visible ASCII characters without a full \
             stop"
        ));
    }
    HeaderValue::from_str(id).map_err(|e| format!("the delivery's id: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JSON, Secret};

    fn delivery() -> Delivery {
        Delivery {
            id: "evt_1".into(),
            sink: "https://sink.example/".parse().unwrap(),
            trusted: false,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"{}"),
            content_type: JSON,
            secrets: vec![Secret::generate()],
            timeout: None,
            gzip: false,
            batch: None,
            timestamp_s: 0,
        }
    }

    #[tokio::test]
    async fn the_body_is_shared_not_copied() {
        let delivery = Delivery { body: Bytes::from(vec![7; 100]), ..delivery() };
        let body = delivery.body.clone();
        assert_eq!(Signed::new(delivery, 5).await.ok().unwrap().body.as_ptr(), body.as_ptr());
    }

    #[tokio::test]
    async fn the_content_type_of_the_sinks_owner_wins() {
        let mut delivery = delivery();
        let own = HeaderValue::from_static("application/cloudevents+json");
        delivery.headers.insert(CONTENT_TYPE, own.clone());
        let signed = Signed::new(delivery, 5).await.ok().unwrap();
        assert_eq!(signed.headers[CONTENT_TYPE], own);
        assert_eq!(signed.headers[WEBHOOK_TIMESTAMP], "5");
    }

    #[tokio::test]
    async fn what_cannot_be_signed_or_sent_is_refused_with_the_reason() {
        for id in ["", "a.b", "a b", "a\nb", "ä", &"x".repeat(257)] {
            let why = refused(Delivery { id: id.into(), ..delivery() }).await;
            assert!(why.contains("id is not 1 to 256"), "{id:?}: {why}");
        }
        let unsigned = Delivery { secrets: vec![], ..delivery() };
        assert!(refused(unsigned).await.contains("no signing secret"));
        for name in ["webhook-id", "host", "transfer-encoding"] {
            let mut forged = delivery();
            forged.headers.insert(name, HeaderValue::from_static("x"));
            assert!(refused(forged).await.contains(name));
        }
    }

    async fn refused(delivery: Delivery) -> String {
        Signed::new(delivery, 5).await.err().expect("it is refused")
    }
}
