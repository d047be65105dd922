//! Standard Webhooks 1.0, symmetric signatures (`v1`), written from the text of the specification.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far a `webhook-timestamp` may be from now.
const TOLERANCE_S: u64 = 300;

/// Checks the signature of one delivery as a receiver would.
///
/// # Errors
/// Says what is wrong: no key, a stale timestamp, no `v1` signature that fits.
pub fn verify(
    secret: &str,
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now_s: u64,
) -> Result<(), String> {
    let key = BASE64_STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap_or(secret))
        .map_err(|_| "the secret is not base64".to_owned())?;
    let at: u64 = timestamp.parse().map_err(|_| format!("webhook-timestamp {timestamp:?}"))?;
    if at.abs_diff(now_s) > TOLERANCE_S {
        return Err(format!("webhook-timestamp {at} is not within {TOLERANCE_S} s of {now_s}"));
    }
    let mut mac =
        Hmac::<Sha256>::new_from_slice(&key).map_err(|_| "the secret has no bytes".to_owned())?;
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let fits = signatures
        .split(' ')
        .filter_map(|one| one.strip_prefix("v1,"))
        .filter_map(|one| BASE64_STANDARD.decode(one).ok())
        .any(|one| mac.clone().verify_slice(&one).is_ok());
    if fits { Ok(()) } else { Err(format!("no signature fits in {signatures:?}")) }
}

#[cfg(test)]
mod tests {
    use super::verify;

    /// The example that the specification's reference libraries test with.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_published_example_verifies_and_nothing_near_it() {
        let now = 1_614_265_330;
        let at = "1614265330";
        assert_eq!(verify(SECRET, ID, at, SIGNATURE, BODY, now), Ok(()));
        let rotated = format!("v1,AAAA {SIGNATURE}");
        assert_eq!(verify(SECRET, ID, at, &rotated, BODY, now), Ok(()));
        assert!(verify(SECRET, "msg_x", at, SIGNATURE, BODY, now).is_err());
        assert!(verify(SECRET, ID, at, SIGNATURE, b"{}", now).is_err());
        assert!(verify(SECRET, ID, at, SIGNATURE, BODY, now + 301).is_err());
        assert!(verify(SECRET, ID, at, &SIGNATURE.replace("v1,", "v2,"), BODY, now).is_err());
    }
}
