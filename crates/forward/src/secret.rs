use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::public_key::{PublicKey, Signature};
use crate::version::Version;

/// What a symmetric Standard Webhooks secret starts with.
const SYMMETRIC: &str = "whsec_";
/// What an asymmetric one starts with.
const ASYMMETRIC: &str = "whsk_";

/// Key lengths in bytes that Standard Webhooks 1.0 allows ("between 24 and 64 bytes").
const KEY_BYTES: RangeInclusive<usize> = 24..=64;

/// Length in bytes of a generated key: the block of security that HMAC-SHA256 can use.
const GENERATED_BYTES: usize = 32;

/// Length in bytes of an ed25519 private key (RFC 8032, section 5.1.5).
const SEED_BYTES: usize = 32;
/// The same with its public key behind it, as libsodium keeps it.
const PAIR_BYTES: usize = 64;

/// Padding is written, and on reading it may be missing: secrets are pasted by people.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An HMAC-SHA256 signature.
pub(crate) type Digest = [u8; 32];

/// What signs (Standard Webhooks 1.0, "Signature scheme"), in one of two kinds:
///
/// * symmetric, `whsec_` and the base64 of 24 to 64 bytes: HMAC-SHA256, version `v1`. Whoever
///   verifies has to know it too;
/// * asymmetric, `whsk_` and the base64 of an ed25519 private key, version `v1a`. What verifies is
///   its [`public_key`](Self::public_key), `whpk_…`. The key is the 32 bytes of RFC 8032, as in the
///   reference library that has this version (Go's), or these with the 32 bytes of the public key
///   behind them, as libsodium and some senders write it.
///
/// Cloning is cheap. `Debug` shows nothing of it and there is no `Display`: only
/// [`reveal`](Self::reveal) gives the text.
#[derive(Clone)]
pub struct Secret(Arc<Key>);

pub(crate) enum Key {
    Symmetric(Symmetric),
    Asymmetric(Asymmetric),
}

pub(crate) struct Symmetric {
    bytes: Box<[u8]>,
    /// The keyed state, computed once instead of for each delivery.
    mac: Hmac<Sha256>,
}

pub(crate) struct Asymmetric {
    seed: [u8; SEED_BYTES],
    pair: Ed25519KeyPair,
}

impl Secret {
    /// A new symmetric secret of 32 bytes from the thread's cryptographic generator.
    ///
    /// # Panics
    /// When the operating system has no randomness to give at all.
    pub fn generate() -> Self {
        Self::from_key(Box::new(rand::random::<[u8; GENERATED_BYTES]>()))
    }

    /// A new asymmetric secret. Its text holds the 32 bytes of the private key alone.
    ///
    /// # Panics
    /// When the operating system has no randomness to give at all.
    pub fn generate_asymmetric() -> Self {
        Self::from_seed(rand::random())
    }

    /// A symmetric secret from its raw key.
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
        Self(Arc::new(Key::Symmetric(Symmetric { bytes, mac })))
    }

    fn from_seed(seed: [u8; SEED_BYTES]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a key");
        Self(Arc::new(Key::Asymmetric(Asymmetric { seed, pair })))
    }

    /// An asymmetric secret from what its text holds.
    fn from_private_key(bytes: &[u8]) -> Result<Self, InvalidSecret> {
        let (seed, public) = match bytes.len() {
            SEED_BYTES => (bytes, None),
            PAIR_BYTES => (&bytes[..SEED_BYTES], Some(&bytes[SEED_BYTES..])),
            other => return Err(InvalidSecret::PrivateKeyLength(other)),
        };
        let secret = Self::from_seed(seed.try_into().expect("it was measured"));
        match public {
            Some(public) if secret.public_key().is_none_or(|own| own.as_bytes() != public) => {
                Err(InvalidSecret::Halves)
            }
            _ => Ok(secret),
        }
    }

    /// The secret as text, `whsec_…` or `whsk_…`: for showing it once to the operator, who has to
    /// copy the former to the receiver. Never log it.
    pub fn reveal(&self) -> String {
        let (prefix, bytes) = match &*self.0 {
            Key::Symmetric(key) => (SYMMETRIC, &*key.bytes),
            Key::Asymmetric(key) => (ASYMMETRIC, &key.seed[..]),
        };
        let mut text = String::from(prefix);
        BASE64.encode_string(bytes, &mut text);
        text
    }

    /// What verifies the signatures of an asymmetric secret; `None` of a symmetric one, which does
    /// so itself.
    pub fn public_key(&self) -> Option<PublicKey> {
        match &*self.0 {
            Key::Symmetric(_) => None,
            Key::Asymmetric(key) => Some(key.public_key()),
        }
    }

    /// The version of its signatures.
    pub fn version(&self) -> Version {
        match &*self.0 {
            Key::Symmetric(_) => Version::V1,
            Key::Asymmetric(_) => Version::V1a,
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.0
    }
}

impl Symmetric {
    /// HMAC-SHA256 with this key, to be fed.
    pub(crate) fn mac(&self) -> Hmac<Sha256> {
        self.mac.clone()
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

impl Asymmetric {
    /// Ed25519 over `message` (RFC 8032, without a context or a pre-hash).
    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        let signature = self.pair.sign(message);
        signature.as_ref().try_into().expect("an ed25519 signature has 64 bytes")
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        let bytes = self.pair.public_key().as_ref();
        PublicKey::from_bytes(bytes.try_into().expect("an ed25519 public key has 32 bytes"))
    }
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let decode = |encoded: &str, prefix| {
            BASE64.decode(encoded).map_err(|_| InvalidSecret::NotBase64(prefix))
        };
        if let Some(encoded) = text.strip_prefix(SYMMETRIC) {
            Self::from_bytes(&decode(encoded, SYMMETRIC)?)
        } else if let Some(encoded) = text.strip_prefix(ASYMMETRIC) {
            Self::from_private_key(&decode(encoded, ASYMMETRIC)?)
        } else if text.starts_with(PublicKey::PREFIX) {
            Err(InvalidSecret::Public)
        } else {
            Err(InvalidSecret::Prefix)
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// In constant time for keys of the same kind and length.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (&*self.0, &*other.0) {
            (Key::Symmetric(own), Key::Symmetric(other)) => own.bytes.ct_eq(&other.bytes).into(),
            (Key::Asymmetric(own), Key::Asymmetric(other)) => own.seed.ct_eq(&other.seed).into(),
            _ => false,
        }
    }
}

impl Eq for Secret {}

/// Why a text is not a [`Secret`]. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// It does not start with `whsec_` or `whsk_`.
    #[error("a signing secret starts with `whsec_` or `whsk_`")]
    Prefix,
    /// It is a public key.
    #[error("`whpk_` is a public key: it verifies, and what signs is its private key, `whsk_`")]
    Public,
    /// What follows this prefix cannot be decoded.
    #[error("what follows `{0}` in the signing secret is not standard base64")]
    NotBase64(&'static str),
    /// The symmetric key is too short or too long; its length in bytes.
    #[error(
        "the signing secret has {0} bytes once decoded; Standard Webhooks asks for 24 to 64 \
         (`head -c 32 /dev/urandom | base64` makes a good one)"
    )]
    Length(usize),
    /// The asymmetric key has a length that none has; its length in bytes.
    #[error(
        "the private key after `whsk_` has {0} bytes once decoded; an ed25519 key has 32, or 64 \
         with its public key"
    )]
    PrivateKeyLength(usize),
    /// The public key behind the private one belongs to another.
    #[error("the two halves of the key after `whsk_` do not belong together")]
    Halves,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_with_and_without_padding() {
        for secret in [Secret::generate(), Secret::generate_asymmetric()] {
            let text = secret.reveal();
            assert!(text.ends_with('='), "32 bytes leave padding: the case below needs some");
            assert_eq!(text.parse::<Secret>(), Ok(secret.clone()));
            assert_eq!(text.trim_end_matches('=').parse::<Secret>(), Ok(secret));
        }
    }

    #[test]
    fn generated_secrets_differ() {
        assert_ne!(Secret::generate(), Secret::generate());
        assert_ne!(Secret::generate_asymmetric(), Secret::generate_asymmetric());
        assert_ne!(Secret::generate(), Secret::generate_asymmetric());
    }

    #[test]
    fn length_is_bounded_on_both_sides() {
        for (len, ok) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            let text = format!("whsec_{}", BASE64.encode(vec![7; len]));
            let parsed = text.parse::<Secret>();
            assert_eq!(parsed.is_ok(), ok, "{len} bytes");
            assert_eq!(parsed.err(), (!ok).then_some(InvalidSecret::Length(len)));
        }
        for len in [0, 31, 33, 63, 65] {
            let text = format!("whsk_{}", BASE64.encode(vec![7; len]));
            assert_eq!(text.parse::<Secret>(), Err(InvalidSecret::PrivateKeyLength(len)));
        }
    }

    // RFC 8032, section 7.1, test 1.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
        0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
        0x7f, 0x60,
    ];
    const PUBLIC: [u8; 32] = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07,
        0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07,
        0x51, 0x1a,
    ];

    #[test]
    fn a_private_key_is_read_alone_and_with_its_public_key_behind_it() {
        let short: Secret = format!("whsk_{}", BASE64.encode(SEED)).parse().unwrap();
        let long: Secret =
            format!("whsk_{}", BASE64.encode([SEED, PUBLIC].concat())).parse().unwrap();
        assert_eq!(short, long);
        assert_eq!(short.public_key(), Some(PublicKey::from_bytes(PUBLIC)));
        assert_eq!(long.reveal(), short.reveal());
        assert_eq!(short.version(), Version::V1a);

        let swapped = format!("whsk_{}", BASE64.encode([PUBLIC, SEED].concat()));
        assert_eq!(swapped.parse::<Secret>(), Err(InvalidSecret::Halves));
    }

    #[test]
    fn rubbish_is_named() {
        assert_eq!("hunter2".parse::<Secret>(), Err(InvalidSecret::Prefix));
        assert_eq!("whpk_AAAA".parse::<Secret>(), Err(InvalidSecret::Public));
        let not_base64 = |prefix| Err(InvalidSecret::NotBase64(prefix));
        assert_eq!("whsec_not base64!".parse::<Secret>(), not_base64("whsec_"));
        assert_eq!("whsk_not base64!".parse::<Secret>(), not_base64("whsk_"));
    }

    #[test]
    fn debug_shows_nothing() {
        let symmetric = Secret::from_bytes(b"abcdefghijklmnopqrstuvwxyz").unwrap();
        for secret in [symmetric, Secret::generate_asymmetric()] {
            assert_eq!(format!("{secret:?}"), "Secret(redacted)");
        }
    }
}
