use std::str::FromStr;

use crate::public_key::{InvalidPublicKey, PublicKey};
use crate::secret::{InvalidSecret, Secret};
use crate::version::Version;

/// What signatures are checked against: a secret, or the public key of one. `FromStr` reads
/// `whsec_…`, `whsk_…` and `whpk_…`; `Debug` shows nothing of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verifier {
    /// What signed; of an asymmetric one, its public key is what counts.
    Secret(Secret),
    /// A public key.
    PublicKey(PublicKey),
}

impl Verifier {
    /// The version of signatures that it can check.
    pub fn version(&self) -> Version {
        match self {
            Self::Secret(secret) => secret.version(),
            Self::PublicKey(_) => Version::V1a,
        }
    }
}

impl From<Secret> for Verifier {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}

impl From<PublicKey> for Verifier {
    fn from(key: PublicKey) -> Self {
        Self::PublicKey(key)
    }
}

impl FromStr for Verifier {
    type Err = InvalidVerifier;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(PublicKey::PREFIX) {
            return Ok(Self::PublicKey(text.parse()?));
        }
        match text.parse() {
            Ok(secret) => Ok(Self::Secret(secret)),
            Err(InvalidSecret::Prefix) => Err(InvalidVerifier::Prefix),
            Err(other) => Err(other.into()),
        }
    }
}

/// Why a text is not a [`Verifier`]. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVerifier {
    /// It has none of the three prefixes.
    #[error("what verifies starts with `whsec_`, or with `whpk_` (a public key)")]
    Prefix,
    /// It is no secret.
    #[error(transparent)]
    Secret(#[from] InvalidSecret),
    /// It is no public key.
    #[error(transparent)]
    PublicKey(#[from] InvalidPublicKey),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_kinds_are_read() {
        let pair = Secret::generate_asymmetric();
        let public = pair.public_key().unwrap();
        for (text, verifier) in [
            (pair.reveal(), Verifier::Secret(pair.clone())),
            (public.to_string(), Verifier::PublicKey(public)),
        ] {
            assert_eq!(text.parse(), Ok(verifier.clone()));
            assert_eq!(verifier.version(), Version::V1a);
        }
        let secret = Secret::generate();
        assert_eq!(secret.reveal().parse(), Ok(Verifier::Secret(secret)));
    }

    #[test]
    fn rubbish_is_named() {
        let parse = str::parse::<Verifier>;
        assert_eq!(parse("hunter2"), Err(InvalidVerifier::Prefix));
        assert_eq!(parse("whsec_AAAA"), Err(InvalidSecret::Length(3).into()));
        assert_eq!(parse("whpk_AAAA"), Err(InvalidPublicKey::Length(3).into()));
    }
}
