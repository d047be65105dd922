use base64::Engine as _;
use hmac::Mac as _;
use http::HeaderName;

use crate::secret::{BASE64, Digest, Secret};

/// Header with the identity of the event, the same at every attempt.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// Header with the time of this attempt: whole seconds since the Unix epoch.
pub const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// Header with the signatures, separated by spaces, each `v1,` and base64.
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Version tag of HMAC-SHA256 signatures.
pub(crate) const V1: &str = "v1";
/// `v1,` and the base64 of 32 bytes.
const SIGNATURE_CHARS: usize = 3 + 44;
/// What is signed without a pause, in bytes: well under a millisecond, even without SHA
/// instructions about one.
const TURN_BYTES: usize = 256 * 1024;

/// The `v1` signature of Standard Webhooks 1.0: `v1,` and the base64 of HMAC-SHA256 over
/// `id.timestamp.body`.
///
/// `timestamp_s` is in seconds since the Unix epoch. `id` should have no full stop, which would
/// make the signed text ambiguous ([`Forwarder::deliver`](crate::Forwarder::deliver) refuses it).
pub fn sign(secret: &Secret, id: &str, timestamp_s: i64, body: &[u8]) -> String {
    sign_all(std::slice::from_ref(secret), id, timestamp_s, body)
}

/// The value of `webhook-signature`: one signature for each secret, separated by spaces. While a
/// secret is being rotated, the old and the new one both sign.
pub fn sign_all(secrets: &[Secret], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let head = format!("{id}.{timestamp_s}.");
    let mut text = String::with_capacity(secrets.len() * (SIGNATURE_CHARS + 1));
    for secret in secrets {
        append(&mut text, secret.digest(&[head.as_bytes(), body]));
    }
    text
}

/// [`sign_all`] that lets other tasks run between the pieces of a long body.
pub(crate) async fn sign_all_in_turns(
    secrets: &[Secret],
    id: &str,
    timestamp_s: i64,
    body: &[u8],
) -> String {
    if body.len() <= TURN_BYTES {
        return sign_all(secrets, id, timestamp_s, body);
    }
    let head = format!("{id}.{timestamp_s}.");
    let mut text = String::with_capacity(secrets.len() * (SIGNATURE_CHARS + 1));
    for secret in secrets {
        let mut mac = secret.mac();
        mac.update(head.as_bytes());
        for piece in body.chunks(TURN_BYTES) {
            mac.update(piece);
            tokio::task::yield_now().await;
        }
        append(&mut text, mac.finalize().into_bytes().into());
    }
    text
}

fn append(text: &mut String, digest: Digest) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(V1);
    text.push(',');
    BASE64.encode_string(digest, text);
}
