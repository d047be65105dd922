use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

use crate::delivery::{Delivery, check_header_name};
use crate::receipt::{Answer, Receipt};
use crate::sign::{WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP, sign_all_in_turns};

/// Longest `webhook-id` in characters: it is a key in the receiver's store.
const MAX_ID_CHARS: usize = 256;

/// The header fields that `delivery` is sent with at `timestamp_s`: its own, which are taken out
/// of it, its content type and the three of the signature. Or why it cannot be sent.
pub(crate) async fn headers(
    delivery: &mut Delivery,
    timestamp_s: i64,
) -> Result<HeaderMap, Receipt> {
    let id = check_id(&delivery.id).map_err(|why| Receipt::forbidden(&why))?;
    if delivery.secrets.is_empty() {
        return Err(Receipt::forbidden("the delivery has no signing secret"));
    }
    let mut headers = std::mem::take(&mut delivery.headers);
    for name in headers.keys() {
        check_header_name(name.as_str()).map_err(|e| Receipt::forbidden(&e.to_string()))?;
    }
    let signing =
        sign_all_in_turns(&delivery.secrets, &delivery.id, timestamp_s, &delivery.body).await;
    let signature = signing.map_err(|error| {
        let why = format!("the delivery could not be signed: {error}");
        Receipt::unanswered(Answer::Retryable, std::time::Duration::ZERO, &why)
    })?;
    let signature = HeaderValue::try_from(signature).expect("base64 is visible ASCII");
    headers.entry(CONTENT_TYPE).or_insert_with(|| delivery.content_type.clone());
    headers.insert(WEBHOOK_ID, id);
    headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(timestamp_s));
    headers.insert(WEBHOOK_SIGNATURE, signature);
    Ok(headers)
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

    #[tokio::test]
    async fn the_content_type_of_the_sinks_owner_wins() {
        let mut delivery = Delivery::sample();
        let own = HeaderValue::from_static("application/cloudevents+json");
        delivery.headers.insert(CONTENT_TYPE, own.clone());
        let signed = headers(&mut delivery, 5).await.unwrap();
        assert_eq!(signed[CONTENT_TYPE], own);
        assert_eq!(signed[WEBHOOK_TIMESTAMP], "5");
    }

    #[tokio::test]
    async fn what_cannot_be_signed_or_sent_is_refused_with_the_reason() {
        for id in ["", "a.b", "a b", "a\nb", "ä", &"x".repeat(257)] {
            let why = refused(Delivery { id: id.into(), ..Delivery::sample() }).await;
            assert!(why.contains("id is not 1 to 256"), "{id:?}: {why}");
        }
        let unsigned = Delivery { secrets: vec![], ..Delivery::sample() };
        assert!(refused(unsigned).await.contains("no signing secret"));
        for name in ["webhook-id", "host", "transfer-encoding"] {
            let mut forged = Delivery::sample();
            forged.headers.insert(name, HeaderValue::from_static("x"));
            assert!(refused(forged).await.contains(name));
        }
    }

    async fn refused(mut delivery: Delivery) -> String {
        let receipt = headers(&mut delivery, 5).await.expect_err("it is refused");
        assert_eq!(receipt.outcome, Answer::Forbidden);
        receipt.detail
    }
}
