use base64::Engine as _;
use http::{HeaderMap, HeaderName};
use subtle::{Choice, ConstantTimeEq as _};

use crate::secret::{BASE64, Digest, Secret};
use crate::sign::{V1, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP};

/// How far a timestamp may be from the verifier's clock, either way, in seconds: five minutes, as
/// in the reference libraries.
pub const TOLERANCE_S: u64 = 5 * 60;

/// Checks a received delivery: that one of `secrets` signed exactly this id, timestamp and body,
/// and not long ago.
///
/// `now_s` is the verifier's clock in seconds since the Unix epoch; a timestamp more than
/// [`TOLERANCE_S`] away is refused, as a replay would be. Signatures are compared in constant
/// time; versions other than `v1` are ignored.
///
/// # Errors
/// What is wrong, as a [`VerifyError`].
pub fn verify(
    secrets: &[Secret],
    headers: &HeaderMap,
    body: &[u8],
    now_s: i64,
) -> Result<(), VerifyError> {
    if secrets.is_empty() {
        return Err(VerifyError::NoSecret);
    }
    let id = single(headers, &WEBHOOK_ID, "webhook-id")?;
    let timestamp = single(headers, &WEBHOOK_TIMESTAMP, "webhook-timestamp")?;
    let signatures = single(headers, &WEBHOOK_SIGNATURE, "webhook-signature")?;
    fresh(timestamp, now_s)?;
    let offered = v1_signatures(signatures)?;

    let mut found = Choice::from(0);
    for secret in secrets {
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        let ours = secret.digest(&parts);
        for theirs in &offered {
            found |= ours.ct_eq(theirs);
        }
    }
    if found.into() { Ok(()) } else { Err(VerifyError::Mismatch) }
}

/// The value of a header that must be there exactly once, as text.
fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    called: &'static str,
) -> Result<&'h str, VerifyError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(VerifyError::Missing(called))?;
    if values.next().is_some() {
        return Err(VerifyError::Repeated(called));
    }
    match value.to_str() {
        Ok("") => Err(VerifyError::Missing(called)),
        Ok(text) => Ok(text),
        Err(_) => Err(VerifyError::NotText(called)),
    }
}

fn fresh(timestamp: &str, now_s: i64) -> Result<(), VerifyError> {
    // Digits only: `parse` would also take a sign, and then two texts mean one time.
    if !timestamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(VerifyError::BadTimestamp);
    }
    let sent_s = timestamp.parse::<i64>().map_err(|_| VerifyError::BadTimestamp)?;
    let apart_s = now_s.abs_diff(sent_s);
    match (apart_s > TOLERANCE_S, sent_s < now_s) {
        (true, true) => Err(VerifyError::TooOld { age_s: apart_s }),
        (true, false) => Err(VerifyError::TooNew { ahead_s: apart_s }),
        (false, _) => Ok(()),
    }
}

/// The `v1` signatures of a `webhook-signature` header.
fn v1_signatures(header: &str) -> Result<Vec<Digest>, VerifyError> {
    let mut offered = Vec::new();
    let mut v1_seen = false;
    for (version, encoded) in header.split(' ').filter_map(|one| one.split_once(',')) {
        if version != V1 {
            continue;
        }
        v1_seen = true;
        if let Some(digest) = BASE64.decode(encoded).ok().and_then(|b| Digest::try_from(b).ok()) {
            offered.push(digest);
        }
    }
    match (offered.is_empty(), v1_seen) {
        (false, _) => Ok(offered),
        (true, true) => Err(VerifyError::MalformedSignature),
        (true, false) => Err(VerifyError::NoV1Signature),
    }
}

/// Why a delivery does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The verifier was given no secret to check against.
    #[error("there is no secret to verify with")]
    NoSecret,
    /// This header is missing or empty.
    #[error("the header `{0}` is missing")]
    Missing(&'static str),
    /// This header is there more than once.
    #[error("the header `{0}` is there more than once")]
    Repeated(&'static str),
    /// This header holds bytes outside visible ASCII.
    #[error("the header `{0}` is not visible ASCII text")]
    NotText(&'static str),
    /// `webhook-timestamp` is not a number of seconds.
    #[error("`webhook-timestamp` is not a whole number of seconds since 1970")]
    BadTimestamp,
    /// Sent too long ago: a replay, or a clock that is wrong.
    #[error("`webhook-timestamp` is {age_s} s old, more than the {TOLERANCE_S} s allowed")]
    TooOld {
        /// Seconds since it was sent.
        age_s: u64,
    },
    /// Sent in the future: a clock is wrong.
    #[error("`webhook-timestamp` is {ahead_s} s ahead, more than the {TOLERANCE_S} s allowed")]
    TooNew {
        /// Seconds until it is due.
        ahead_s: u64,
    },
    /// `webhook-signature` holds no `v1,…`.
    #[error("`webhook-signature` holds no `v1,` signature")]
    NoV1Signature,
    /// No `v1` signature is the base64 of 32 bytes.
    #[error("no `v1,` signature in `webhook-signature` is the base64 of 32 bytes")]
    MalformedSignature,
    /// Well formed, but not made by any of the secrets over this id, timestamp and body.
    #[error("no signature matches: another secret, or the id, the timestamp or the body changed")]
    Mismatch,
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::sign::{sign, sign_all};

    // The vector published with the Standard Webhooks reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP_S: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> Secret {
        SECRET.parse().unwrap()
    }

    fn headers(signature: &str) -> HeaderMap {
        HeaderMap::from_iter([
            (WEBHOOK_ID, HeaderValue::from_static(ID)),
            (WEBHOOK_TIMESTAMP, HeaderValue::from(TIMESTAMP_S)),
            (WEBHOOK_SIGNATURE, HeaderValue::from_str(signature).unwrap()),
        ])
    }

    fn check(headers: &HeaderMap) -> Result<(), VerifyError> {
        verify(&[secret()], headers, BODY, TIMESTAMP_S)
    }

    #[test]
    fn published_vector_is_reproduced_and_verifies() {
        assert_eq!(sign(&secret(), ID, TIMESTAMP_S, BODY), SIGNATURE);
        assert_eq!(check(&headers(SIGNATURE)), Ok(()));
    }

    #[test]
    fn one_good_signature_among_others_is_enough() {
        let other = sign(&Secret::generate(), ID, TIMESTAMP_S, BODY);
        assert_eq!(check(&headers(&format!("v1a,xyz {other} {SIGNATURE} rubbish"))), Ok(()));
        assert_eq!(check(&headers(&other)), Err(VerifyError::Mismatch));
    }

    #[test]
    fn during_rotation_both_secrets_verify() {
        let (old, new) = (secret(), Secret::generate());
        let both = headers(&sign_all(&[new.clone(), old.clone()], ID, TIMESTAMP_S, BODY));
        for known in [vec![old], vec![new.clone()], vec![Secret::generate(), new]] {
            assert_eq!(verify(&known, &both, BODY, TIMESTAMP_S), Ok(()));
        }
    }

    #[test]
    fn the_clock_may_be_five_minutes_off_and_no_more() {
        let good = headers(SIGNATURE);
        let at = |now_s| verify(&[secret()], &good, BODY, now_s);
        assert_eq!(at(TIMESTAMP_S + 300), Ok(()));
        assert_eq!(at(TIMESTAMP_S - 300), Ok(()));
        assert_eq!(at(TIMESTAMP_S + 301), Err(VerifyError::TooOld { age_s: 301 }));
        assert_eq!(at(TIMESTAMP_S - 301), Err(VerifyError::TooNew { ahead_s: 301 }));
        assert!(matches!(at(i64::MIN), Err(VerifyError::TooNew { .. })));
    }

    #[test]
    fn each_missing_or_repeated_header_is_named() {
        for name in [WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE] {
            let mut lacking = headers(SIGNATURE);
            let value = lacking.remove(&name).unwrap();
            let error = check(&lacking).unwrap_err();
            assert_eq!(error.to_string(), format!("the header `{name}` is missing"));
            lacking.append(&name, value.clone());
            lacking.append(&name, value);
            assert!(matches!(check(&lacking), Err(VerifyError::Repeated(n)) if n == name));
        }
    }

    #[test]
    fn malformed_values_are_told_apart() {
        for (signature, error) in [
            ("v2,AAAA", VerifyError::NoV1Signature),
            ("rubbish", VerifyError::NoV1Signature),
            ("v1,!!!!", VerifyError::MalformedSignature),
            ("v1,AAAA", VerifyError::MalformedSignature),
        ] {
            assert_eq!(check(&headers(signature)), Err(error), "{signature}");
        }
        for timestamp in ["soon", "-5", "+1614265330", "1.5", "99999999999999999999"] {
            let mut bad = headers(SIGNATURE);
            bad.insert(WEBHOOK_TIMESTAMP, HeaderValue::from_static(timestamp));
            assert_eq!(check(&bad), Err(VerifyError::BadTimestamp), "{timestamp}");
        }
        let no_secret = verify(&[], &headers(SIGNATURE), BODY, TIMESTAMP_S);
        assert_eq!(no_secret, Err(VerifyError::NoSecret));
    }
}
