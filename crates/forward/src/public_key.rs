use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::secret::BASE64;

/// Length in bytes of an ed25519 public key.
const KEY_BYTES: usize = 32;

/// An ed25519 signature.
pub(crate) type Signature = [u8; 64];

/// What verifies the `v1a` signatures of one asymmetric [`Secret`](crate::Secret): `whpk_` and the
/// base64 of an ed25519 public key. No secret: `Display` writes what `FromStr` reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; KEY_BYTES]);

impl PublicKey {
    pub(crate) const PREFIX: &str = "whpk_";

    /// A key from its 32 bytes (RFC 8032, section 5.1.5).
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The key's 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Whether its private key signed this.
    pub(crate) fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        f.write_str(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let encoded = text.strip_prefix(Self::PREFIX).ok_or(InvalidPublicKey::Prefix)?;
        let bytes = BASE64.decode(encoded).map_err(|_| InvalidPublicKey::NotBase64)?;
        let length = bytes.len();
        bytes.try_into().map(Self).map_err(|_| InvalidPublicKey::Length(length))
    }
}

/// Why a text is not a [`PublicKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicKey {
    /// It does not start with `whpk_`.
    #[error("a public key starts with `whpk_`")]
    Prefix,
    /// What follows the prefix cannot be decoded.
    #[error("what follows `whpk_` in the public key is not standard base64")]
    NotBase64,
    /// It has another length; in bytes.
    #[error("the public key after `whpk_` has {0} bytes once decoded; an ed25519 key has 32")]
    Length(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    #[test]
    fn text_round_trips() {
        let key = Secret::generate_asymmetric().public_key().unwrap();
        let text = key.to_string();
        assert!(text.starts_with("whpk_"), "{text}");
        assert_eq!(text.parse(), Ok(key));
        assert_eq!(text.trim_end_matches('=').parse(), Ok(key));
        assert_eq!(format!("{key:?}"), format!("PublicKey({text})"));
    }

    #[test]
    fn rubbish_is_named() {
        let parse = str::parse::<PublicKey>;
        assert_eq!(parse("whsk_AAAA"), Err(InvalidPublicKey::Prefix));
        assert_eq!(parse("whpk_no!"), Err(InvalidPublicKey::NotBase64));
        assert_eq!(parse("whpk_AAAA"), Err(InvalidPublicKey::Length(3)));
    }

    #[test]
    fn a_symmetric_secret_has_none() {
        assert_eq!(Secret::generate().public_key(), None);
    }
}
