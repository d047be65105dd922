use base64::Engine as _;
use bytes::Bytes;
use hmac::Mac as _;
use http::HeaderName;
use tokio::task::JoinError;

use crate::secret::{BASE64, Key, Secret};
use crate::version::Version;

/// Header with the identity of the event, the same at every attempt.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// Header with the time of this attempt: whole seconds since the Unix epoch.
pub const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// Header with the signatures, separated by spaces, each its version, a comma and base64.
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// What is signed without a pause, in bytes: well under a millisecond, even without SHA
/// instructions about one.
const TURN_BYTES: usize = 256 * 1024;

/// The signature of Standard Webhooks 1.0 over `id.timestamp.body`: `v1,` and the base64 of
/// HMAC-SHA256, or of an asymmetric secret `v1a,` and that of an ed25519 signature.
///
/// `timestamp_s` is in seconds since the Unix epoch. `id` should have no full stop, which would
/// make the signed text ambiguous ([`Forwarder::deliver`](crate::Forwarder::deliver) refuses it).
pub fn sign(secret: &Secret, id: &str, timestamp_s: i64, body: &[u8]) -> String {
    sign_all(std::slice::from_ref(secret), id, timestamp_s, body)
}

/// The value of `webhook-signature`: one signature for each secret, separated by spaces. While a
/// secret is being rotated, the old and the new one both sign.
pub fn sign_all(secrets: &[Secret], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let head = head(id, timestamp_s);
    let mut text = room_for(secrets);
    // Ed25519 goes over what it signs twice, so it wants that in one piece.
    let mut whole = None;
    for secret in secrets {
        match secret.key() {
            Key::Symmetric(key) => {
                append(&mut text, Version::V1, &key.digest(&[head.as_bytes(), body]));
            }
            Key::Asymmetric(key) => {
                let whole = whole.get_or_insert_with(|| [head.as_bytes(), body].concat());
                append(&mut text, Version::V1a, &key.sign(whole));
            }
        }
    }
    text
}

/// [`sign_all`] that does not keep other tasks waiting while it goes over a long body.
///
/// # Errors
/// The thread that was to sign ended by itself: a defect, or the runtime is shutting down.
pub(crate) async fn sign_all_in_turns(
    secrets: &[Secret],
    id: &str,
    timestamp_s: i64,
    body: &Bytes,
) -> Result<String, JoinError> {
    if body.len() <= TURN_BYTES {
        return Ok(sign_all(secrets, id, timestamp_s, body));
    }
    let head = head(id, timestamp_s);
    let mut text = room_for(secrets);
    for secret in secrets {
        match secret.key() {
            Key::Symmetric(key) => {
                let mut mac = key.mac();
                mac.update(head.as_bytes());
                for piece in body.chunks(TURN_BYTES) {
                    mac.update(piece);
                    tokio::task::yield_now().await;
                }
                append(&mut text, Version::V1, &mac.finalize().into_bytes());
            }
            Key::Asymmetric(_) => {
                let (secret, id, body) = (secret.clone(), id.to_owned(), body.clone());
                let signing = move || sign(&secret, &id, timestamp_s, &body);
                let signature = tokio::task::spawn_blocking(signing).await?;
                separate(&mut text);
                text.push_str(&signature);
            }
        }
    }
    Ok(text)
}

/// What is signed before the body.
pub(crate) fn head(id: &str, timestamp_s: i64) -> String {
    format!("{id}.{timestamp_s}.")
}

fn room_for(secrets: &[Secret]) -> String {
    let chars = secrets.iter().map(|secret| secret.version().signature_chars() + 1).sum();
    String::with_capacity(chars)
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push(' ');
    }
}

fn append(text: &mut String, version: Version, signature: &[u8]) {
    separate(text);
    text.push_str(version.as_str());
    text.push(',');
    BASE64.encode_string(signature, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_body_is_signed_the_same_in_turns() {
        let secrets = [Secret::generate(), Secret::generate_asymmetric(), Secret::generate()];
        for bytes in [0, 10, TURN_BYTES, TURN_BYTES + 1, 3 * TURN_BYTES + 7] {
            let body = Bytes::from(vec![b'x'; bytes]);
            let at_once = sign_all(&secrets, "evt", 5, &body);
            assert_eq!(sign_all_in_turns(&secrets, "evt", 5, &body).await.unwrap(), at_once);
            let room: usize = secrets.iter().map(|s| s.version().signature_chars() + 1).sum();
            assert_eq!(at_once.len() + 1, room);
        }
    }
}
