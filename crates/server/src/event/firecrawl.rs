//! How a webhook of Firecrawl's is signed, beside the signature that every delivery has.

use bytes::Bytes;
use forward::{Secret, Version};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderName, HeaderValue};
use sha2::Sha256;

/// `sha256=` and the hexadecimal HMAC-SHA256 of the body.
pub(crate) const SIGNATURE: HeaderName = HeaderName::from_static("x-firecrawl-signature");

/// What is signed on the spot, bytes; more is left to another thread.
const SIGNED_AT_ONCE: usize = 256 * 1024;

/// The value of [`SIGNATURE`]: the key is the text of the newest symmetric secret, `whsec_…` as it
/// stands, so that a receiver that was written for Firecrawl takes it as it takes theirs. `None`
/// when there is no such secret.
pub(crate) async fn signature(secrets: &[Secret], body: &Bytes) -> Option<HeaderValue> {
    let key = secrets.iter().find(|secret| secret.version() == Version::V1)?.reveal();
    let body = body.clone();
    let at_once = body.len() <= SIGNED_AT_ONCE;
    let sign = move || sign(key.as_bytes(), &body);
    let signature = if at_once { sign() } else { tokio::task::spawn_blocking(sign).await.ok()? };
    HeaderValue::try_from(signature).ok()
}

fn sign(key: &[u8], body: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(body);
    let mut text = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_key_is_the_secret_as_it_is_written() {
        let newest: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let secrets = [Secret::generate_asymmetric(), newest, Secret::generate()];
        let body = Bytes::from_static(br#"{"a":1}"#);
        // printf '{"a":1}' | openssl dgst -sha256 -hmac whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
        let expected = "sha256=45ec03b2b33403c8043a90de06bedad0827183927115fd7e448ef97eeb13c5be";
        assert_eq!(signature(&secrets, &body).await.unwrap(), expected);
        let large = Bytes::from(vec![b'x'; SIGNED_AT_ONCE + 1]);
        assert_eq!(signature(&secrets, &large).await.unwrap().len(), expected.len());
        assert_eq!(signature(&secrets[..1], &body).await, None);
    }
}
