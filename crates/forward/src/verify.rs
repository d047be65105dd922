use base64::Engine as _;
use http::{HeaderMap, HeaderName};
use subtle::{Choice, ConstantTimeEq as _};

use crate::public_key::Signature;
use crate::secret::{BASE64, Digest, Key, Symmetric};
use crate::sign::{WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP};
use crate::verifier::Verifier;
use crate::version::Version;

/// How far a timestamp may be from the verifier's clock, either way, in seconds: five minutes, as
/// in the reference libraries.
pub const TOLERANCE_S: u64 = 5 * 60;

/// What was found to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Which of the verifiers matched, counted from 0; the first, if several did.
    pub index: usize,
    /// The version of the signature that did.
    pub version: Version,
    /// When it was sent, in seconds since the Unix epoch.
    pub timestamp_s: i64,
}

/// Checks a received delivery: that the secret of one of `verifiers` signed exactly this id,
/// timestamp and body, and not long ago.
///
/// The body is what the content coding, if there is one, leaves: signed is what was compressed.
/// `now_s` is the verifier's clock in seconds since the Unix epoch; a timestamp more than
/// [`TOLERANCE_S`] away is refused, as a replay would be. Signatures are compared in constant
/// time; versions that no verifier can check are passed over.
///
/// # Errors
/// What is wrong, as a [`VerifyError`].
pub fn verify(
    verifiers: &[Verifier],
    headers: &HeaderMap,
    body: &[u8],
    now_s: i64,
) -> Result<Verified, VerifyError> {
    let claim = Claim::read(verifiers, headers)?;
    fresh(claim.timestamp_s, now_s)?;
    claim.check(verifiers, body)
}

/// [`verify`] for what was received some time ago: the timestamp may be any.
///
/// # Errors
/// What is wrong, as a [`VerifyError`], but for its age.
pub fn verify_any_age(
    verifiers: &[Verifier],
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Verified, VerifyError> {
    Claim::read(verifiers, headers)?.check(verifiers, body)
}

/// What the header fields say.
struct Claim<'h> {
    id: &'h str,
    timestamp: &'h str,
    timestamp_s: i64,
    v1: Vec<Digest>,
    v1a: Vec<Signature>,
}

impl<'h> Claim<'h> {
    fn read(verifiers: &[Verifier], headers: &'h HeaderMap) -> Result<Self, VerifyError> {
        if verifiers.is_empty() {
            return Err(VerifyError::NoSecret);
        }
        let id = single(headers, &WEBHOOK_ID, "webhook-id")?;
        let timestamp = single(headers, &WEBHOOK_TIMESTAMP, "webhook-timestamp")?;
        let signatures = single(headers, &WEBHOOK_SIGNATURE, "webhook-signature")?;
        let timestamp_s = seconds(timestamp)?;
        let mut claim = Self { id, timestamp, timestamp_s, v1: Vec::new(), v1a: Vec::new() };
        claim.take(signatures, verifiers)?;
        Ok(claim)
    }

    /// Takes those of the signatures that the verifiers can check.
    fn take(&mut self, signatures: &str, verifiers: &[Verifier]) -> Result<(), VerifyError> {
        let wanted = |version| verifiers.iter().any(|verifier| verifier.version() == version);
        let mut fault = None;
        for (tag, encoded) in signatures.split(' ').filter_map(|one| one.split_once(',')) {
            let Some(version) = Version::of(tag).filter(|version| wanted(*version)) else {
                continue;
            };
            if let Err(error) = self.take_one(version, encoded) {
                fault.get_or_insert(error);
            }
        }
        if self.v1.is_empty() && self.v1a.is_empty() {
            return Err(fault.unwrap_or(match (wanted(Version::V1), wanted(Version::V1a)) {
                (true, true) => VerifyError::NoSignature,
                (false, _) => VerifyError::NoV1aSignature,
                (true, false) => VerifyError::NoV1Signature,
            }));
        }
        Ok(())
    }

    fn take_one(&mut self, version: Version, encoded: &str) -> Result<(), VerifyError> {
        let bytes = BASE64.decode(encoded).map_err(|_| VerifyError::NotBase64(version))?;
        let wrong = VerifyError::WrongLength { version, bytes: bytes.len() };
        match version {
            Version::V1 => self.v1.push(bytes.try_into().map_err(|_| wrong)?),
            Version::V1a => self.v1a.push(bytes.try_into().map_err(|_| wrong)?),
        }
        Ok(())
    }

    fn check(&self, verifiers: &[Verifier], body: &[u8]) -> Result<Verified, VerifyError> {
        let head = [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b"."];
        let mut whole = None;
        let mut found = None;
        for (index, verifier) in verifiers.iter().enumerate() {
            let public = match verifier {
                Verifier::PublicKey(key) => *key,
                Verifier::Secret(secret) => match secret.key() {
                    Key::Asymmetric(key) => key.public_key(),
                    Key::Symmetric(key) => {
                        if self.is_by(key, &head, body) {
                            found.get_or_insert(index);
                        }
                        continue;
                    }
                },
            };
            let whole = whole.get_or_insert_with(|| [&head.concat()[..], body].concat());
            if self.v1a.iter().any(|signature| public.verifies(whole, signature)) {
                found.get_or_insert(index);
            }
        }
        let index = found.ok_or(VerifyError::Mismatch)?;
        let version = verifiers[index].version();
        Ok(Verified { index, version, timestamp_s: self.timestamp_s })
    }

    /// In constant time, all of them.
    fn is_by(&self, key: &Symmetric, head: &[&[u8]; 4], body: &[u8]) -> bool {
        let [id, stop, timestamp, end] = head;
        let ours = key.digest(&[id, stop, timestamp, end, body]);
        let found =
            self.v1.iter().fold(Choice::from(0), |found, theirs| found | ours.ct_eq(theirs));
        found.into()
    }
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

fn seconds(timestamp: &str) -> Result<i64, VerifyError> {
    // Digits only: `parse` would also take a sign, and then two texts mean one time.
    if !timestamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(VerifyError::BadTimestamp);
    }
    timestamp.parse().map_err(|_| VerifyError::BadTimestamp)
}

fn fresh(sent_s: i64, now_s: i64) -> Result<(), VerifyError> {
    let apart_s = now_s.abs_diff(sent_s);
    match (apart_s > TOLERANCE_S, sent_s < now_s) {
        (true, true) => Err(VerifyError::TooOld { age_s: apart_s }),
        (true, false) => Err(VerifyError::TooNew { ahead_s: apart_s }),
        (false, _) => Ok(()),
    }
}

/// Why a delivery does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The verifier was given nothing to check against.
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
    /// There are only symmetric secrets to check with, and `webhook-signature` holds no `v1,…`.
    #[error("`webhook-signature` holds no `v1,` signature, which a `whsec_` secret makes")]
    NoV1Signature,
    /// There are only asymmetric keys to check with, and `webhook-signature` holds no `v1a,…`.
    #[error("`webhook-signature` holds no `v1a,` signature, which a `whpk_` key verifies")]
    NoV1aSignature,
    /// `webhook-signature` holds neither.
    #[error("`webhook-signature` holds no signature of a known version (`v1,` or `v1a,`)")]
    NoSignature,
    /// No signature of a known version can be read; this is what the first of them is said to be.
    #[error("the `{0},` signature in `webhook-signature` is not standard base64")]
    NotBase64(Version),
    /// No signature of a known version can be read; the first of them is too short or too long.
    #[error(
        "the `{version},` signature in `webhook-signature` has {bytes} bytes once decoded, not {}",
        .version.signature_bytes()
    )]
    WrongLength {
        /// What it is said to be.
        version: Version,
        /// How long it is.
        bytes: usize,
    },
    /// Well formed, but not made by any of the secrets over this id, timestamp and body.
    #[error("no signature matches: another secret, or the id, the timestamp or the body changed")]
    Mismatch,
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::Secret;
    use crate::sign::{sign, sign_all};

    // The vector published with the Standard Webhooks reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP_S: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    // That of the asymmetric one, from the library for Go.
    const PRIVATE: &str = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=";
    const BY_PRIVATE: &str = "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHe\
                              YGb7KaaBRdM5WqyeFiL8Ag==";

    fn secret() -> Secret {
        SECRET.parse().unwrap()
    }

    fn public() -> Verifier {
        PRIVATE.parse::<Secret>().unwrap().public_key().unwrap().into()
    }

    fn headers(signature: &str) -> HeaderMap {
        HeaderMap::from_iter([
            (WEBHOOK_ID, HeaderValue::from_static(ID)),
            (WEBHOOK_TIMESTAMP, HeaderValue::from(TIMESTAMP_S)),
            (WEBHOOK_SIGNATURE, HeaderValue::from_str(signature).unwrap()),
        ])
    }

    fn by(index: usize, version: Version) -> Result<Verified, VerifyError> {
        Ok(Verified { index, version, timestamp_s: TIMESTAMP_S })
    }

    fn check(headers: &HeaderMap) -> Result<Verified, VerifyError> {
        verify(&[secret().into()], headers, BODY, TIMESTAMP_S)
    }

    #[test]
    fn published_vectors_are_reproduced_and_verify() {
        assert_eq!(sign(&secret(), ID, TIMESTAMP_S, BODY), SIGNATURE);
        assert_eq!(check(&headers(SIGNATURE)), by(0, Version::V1));

        let private: Secret = PRIVATE.parse().unwrap();
        assert_eq!(sign(&private, ID, TIMESTAMP_S, BODY), BY_PRIVATE);
        for verifier in [public(), private.into()] {
            let verified = verify(&[verifier], &headers(BY_PRIVATE), BODY, TIMESTAMP_S);
            assert_eq!(verified, by(0, Version::V1a));
        }
    }

    #[test]
    fn one_good_signature_among_others_is_enough() {
        let other = sign(&Secret::generate(), ID, TIMESTAMP_S, BODY);
        let among = headers(&format!("v1a,xyz {other} {SIGNATURE} rubbish v1,!"));
        assert_eq!(check(&among), by(0, Version::V1));
        assert_eq!(check(&headers(&other)), Err(VerifyError::Mismatch));
    }

    #[test]
    fn it_is_said_which_verifier_matched() {
        let both = headers(&format!("{SIGNATURE} {BY_PRIVATE}"));
        let stranger = || Verifier::from(Secret::generate());
        let verified = |all: &[Verifier]| verify(all, &both, BODY, TIMESTAMP_S);
        assert_eq!(verified(&[stranger(), public()]), by(1, Version::V1a));
        assert_eq!(verified(&[stranger(), secret().into(), public()]), by(1, Version::V1));
        assert_eq!(verified(&[stranger()]), Err(VerifyError::Mismatch));
        let other = Secret::generate_asymmetric().public_key().unwrap().into();
        assert_eq!(verified(&[other]), Err(VerifyError::Mismatch));
    }

    #[test]
    fn during_rotation_both_secrets_verify() {
        for (old, new) in [
            (secret(), Secret::generate()),
            (secret(), Secret::generate_asymmetric()),
            (Secret::generate_asymmetric(), Secret::generate_asymmetric()),
        ] {
            let both = headers(&sign_all(&[new.clone(), old.clone()], ID, TIMESTAMP_S, BODY));
            for known in [vec![old], vec![new.clone()], vec![Secret::generate(), new]] {
                let known: Vec<Verifier> = known.into_iter().map(Verifier::from).collect();
                assert!(verify(&known, &both, BODY, TIMESTAMP_S).is_ok());
                let tampered = verify(&known, &both, b"{}", TIMESTAMP_S);
                assert_eq!(tampered, Err(VerifyError::Mismatch));
            }
        }
    }

    #[test]
    fn the_clock_may_be_five_minutes_off_and_no_more() {
        let good = headers(SIGNATURE);
        let at = |now_s| verify(&[secret().into()], &good, BODY, now_s).map(drop);
        assert_eq!(at(TIMESTAMP_S + 300), Ok(()));
        assert_eq!(at(TIMESTAMP_S - 300), Ok(()));
        assert_eq!(at(TIMESTAMP_S + 301), Err(VerifyError::TooOld { age_s: 301 }));
        assert_eq!(at(TIMESTAMP_S - 301), Err(VerifyError::TooNew { ahead_s: 301 }));
        assert!(matches!(at(i64::MIN), Err(VerifyError::TooNew { .. })));
        assert_eq!(verify_any_age(&[secret().into()], &good, BODY), by(0, Version::V1));
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
        let (v1, v1a) = (Version::V1, Version::V1a);
        for (signature, error) in [
            ("v2,AAAA", VerifyError::NoV1Signature),
            ("rubbish", VerifyError::NoV1Signature),
            (BY_PRIVATE, VerifyError::NoV1Signature),
            ("v1,!!!!", VerifyError::NotBase64(v1)),
            ("v1,AAAA", VerifyError::WrongLength { version: v1, bytes: 3 }),
        ] {
            assert_eq!(check(&headers(signature)), Err(error), "{signature}");
        }
        for (signature, error) in [
            (SIGNATURE, VerifyError::NoV1aSignature),
            ("v1a,!!!!", VerifyError::NotBase64(v1a)),
            ("v1a,AAAA", VerifyError::WrongLength { version: v1a, bytes: 3 }),
        ] {
            let got = verify(&[public()], &headers(signature), BODY, TIMESTAMP_S);
            assert_eq!(got, Err(error), "{signature}");
        }
        let neither = verify(&[public(), secret().into()], &headers("v2,AAAA"), BODY, TIMESTAMP_S);
        assert_eq!(neither, Err(VerifyError::NoSignature));
        for timestamp in ["soon", "-5", "+1614265330", "1.5", "99999999999999999999"] {
            let mut bad = headers(SIGNATURE);
            bad.insert(WEBHOOK_TIMESTAMP, HeaderValue::from_static(timestamp));
            assert_eq!(check(&bad), Err(VerifyError::BadTimestamp), "{timestamp}");
        }
        let no_secret = verify(&[], &headers(SIGNATURE), BODY, TIMESTAMP_S);
        assert_eq!(no_secret, Err(VerifyError::NoSecret));
    }
}
