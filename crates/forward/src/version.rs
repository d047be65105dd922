use std::fmt;

/// A version of signatures (Standard Webhooks 1.0, "Signature scheme").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// HMAC-SHA256, by a `whsec_` secret.
    V1,
    /// Ed25519, by a `whsk_` secret, verified by its `whpk_` public key.
    V1a,
}

impl Version {
    /// What a signature of it starts with, before the comma: `v1` or `v1a`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }

    /// How long a signature of it is, in bytes.
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::V1 => 32,
            Self::V1a => 64,
        }
    }

    /// The version that `tag` names.
    pub(crate) fn of(tag: &str) -> Option<Self> {
        [Self::V1, Self::V1a].into_iter().find(|version| version.as_str() == tag)
    }

    /// The length of one as text, its tag and comma included.
    pub(crate) const fn signature_chars(self) -> usize {
        self.as_str().len() + 1 + self.signature_bytes().div_ceil(3) * 4
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
