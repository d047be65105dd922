use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// What a symmetric Standard Webhooks secret starts with.
const PREFIX: &str = "whsec_";

/// Key lengths in bytes that Standard Webhooks 1.0 allows ("between 24 and 64 bytes").
const KEY_BYTES: RangeInclusive<usize> = 24..=64;

/// Length in bytes of a generated key: the block of security that HMAC-SHA256 can use.
const GENERATED_BYTES: usize = 32;

/// Padding is written, and on reading it may be missing: secrets are pasted by people.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An HMAC-SHA256 signature.
pub(crate) type Digest = [u8; 32];

/// A symmetric signing secret, `whsec_` and the base64 of 24 to 64 bytes (Standard Webhooks 1.0,
/// "Signature scheme").
///
/// Cloning is cheap. `Debug` shows nothing of it and there is no `Display`: only
/// [`reveal`](Self::reveal) gives the text.
#[derive(Clone)]
pub struct Secret(Arc<Key>);

struct Key {
    bytes: Box<[u8]>,
    /// The keyed state, computed once instead of for each delivery.
    mac: Hmac<Sha256>,
}

impl Secret {
    /// A new secret of 32 bytes from the thread's cryptographic generator.
    ///
    /// # Panics
    /// When the operating system has no randomness to give at all.
    pub fn generate() -> Self {
        Self::from_key(Box::new(rand::random::<[u8; GENERATED_BYTES]>()))
    }

    /// A secret from its raw key.
    ///
    /// # Errors
    /// [`InvalidSecret::Length`] unless it has 24 to 64 bytes.
    pub fn from_bytes(key: &[u8]) -> Result<Self, InvalidSecret> {
        if KEY_BYTES.contains(&key.len()) {
            Ok(Self::from_key(key.into()))
        } else {
            Err(InvalidSecret::Length(key.len()))
        }
    }

    fn from_key(bytes: Box<[u8]>) -> Self {
        let mac = Hmac::new_from_slice(&bytes).expect("HMAC takes a key of any length");
        Self(Arc::new(Key { bytes, mac }))
    }

    /// The secret as text, `whsec_…`: for showing it once to the operator who has to copy it to
    /// the receiver. Never log it.
    pub fn reveal(&self) -> String {
        let mut text = String::from(PREFIX);
        BASE64.encode_string(&self.0.bytes, &mut text);
        text
    }

    /// HMAC-SHA256 with this key, to be fed.
    pub(crate) fn mac(&self) -> Hmac<Sha256> {
        self.0.mac.clone()
    }

    /// HMAC-SHA256 over the concatenation of `parts`.
    pub(crate) fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut mac = self.mac();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSecret::Prefix)?;
        let key = BASE64.decode(encoded).map_err(|_| InvalidSecret::NotBase64)?;
        Self::from_bytes(&key)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// In constant time for keys of the same length.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes.ct_eq(&other.0.bytes).into()
    }
}

impl Eq for Secret {}

/// Why a text is not a [`Secret`]. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// It does not start with `whsec_`.
    #[error("a signing secret starts with `whsec_`")]
    Prefix,
    /// What follows the prefix cannot be decoded.
    #[error("what follows `whsec_` in the signing secret is not standard base64")]
    NotBase64,
    /// The key is too short or too long; its length in bytes.
    #[error(
        "the signing secret has {0} bytes once decoded; Standard Webhooks asks for 24 to 64 \
         (`head -c 32 /dev/urandom | base64` makes a good one)"
    )]
    Length(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_with_and_without_padding() {
        let secret = Secret::generate();
        let text = secret.reveal();
        assert!(text.ends_with('='), "32 bytes leave padding: the case below needs some");
        assert_eq!(text.parse::<Secret>(), Ok(secret.clone()));
        assert_eq!(text.trim_end_matches('=').parse::<Secret>(), Ok(secret));
    }

    #[test]
    fn generated_secrets_differ() {
        assert_ne!(Secret::generate(), Secret::generate());
    }

    #[test]
    fn length_is_bounded_on_both_sides() {
        for (len, ok) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            let text = format!("whsec_{}", BASE64.encode(vec![7; len]));
            let parsed = text.parse::<Secret>();
            assert_eq!(parsed.is_ok(), ok, "{len} bytes");
            assert_eq!(parsed.err(), (!ok).then_some(InvalidSecret::Length(len)));
        }
    }

    #[test]
    fn rubbish_is_named() {
        assert_eq!("hunter2".parse::<Secret>(), Err(InvalidSecret::Prefix));
        assert_eq!("whsk_AAAA".parse::<Secret>(), Err(InvalidSecret::Prefix));
        assert_eq!("whsec_not base64!".parse::<Secret>(), Err(InvalidSecret::NotBase64));
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::from_bytes(b"abcdefghijklmnopqrstuvwxyz").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }
}
