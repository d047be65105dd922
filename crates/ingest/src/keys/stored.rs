use std::fmt;

use bytes::Bytes;
use jobs::{ErrorKind, Store};
use serde::{Deserialize, Serialize};

use super::allowance::Allowance;
use super::meter::Usage;
use crate::auth::Right;

/// The space of the store's documents that keys are kept in, by their ids.
pub(crate) const KEYS: &str = "keys";
/// Where it is kept how much of its quota a key has used.
pub(crate) const USAGES: &str = "key_usage";

/// A key, as it is stored: never the key itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredKey {
    /// SHA-256 of the whole key, in hexadecimal digits.
    #[serde(with = "hex")]
    pub(crate) digest: [u8; 32],
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) scopes: Vec<Right>,
    /// Jobs submitted in a short time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<Allowance>,
    /// Jobs submitted in a longer time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quota: Option<Allowance>,
    /// The name of the only sink its jobs go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sink: Option<String>,
    pub(crate) created_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_ms: Option<u64>,
}

impl StoredKey {
    pub(crate) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("string keys, and a Vec takes every byte").into()
    }
}

/// The API keys that a store has, for [`crate::Config::stored_keys`].
#[derive(Clone, Default)]
pub struct StoredKeys(pub(crate) Vec<(String, StoredKey, Usage)>);

impl StoredKeys {
    /// Reads them.
    ///
    /// # Errors
    /// The store's; and when a key cannot be read: a server that forgets a key may be open to
    /// everybody.
    pub async fn load(store: &dyn Store) -> Result<Self, jobs::Error> {
        let usages = store.documents(USAGES).await?;
        let usage = |id: &str| {
            let found = usages.iter().find(|(of, _)| of == id);
            found.and_then(|(_, bytes)| serde_json::from_slice(bytes).ok()).unwrap_or_default()
        };
        let mut keys = Vec::new();
        for (id, bytes) in store.documents(KEYS).await? {
            let key = serde_json::from_slice(&bytes).map_err(|error| {
                let context = format!("the stored API key {id} cannot be read");
                jobs::Error::new(ErrorKind::Corrupt, context).because(error)
            })?;
            let used = usage(&id);
            keys.push((id, key, used));
        }
        Ok(Self(keys))
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredKeys").field(&self.0.len()).finish()
    }
}

mod hex {
    use std::fmt::Write as _;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        digest: &[u8; 32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(64);
        for byte in digest {
            let _ = write!(text, "{byte:02x}");
        }
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut digest = [0; 32];
        let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex {
            return Err(D::Error::custom("not a SHA-256 digest in hexadecimal digits"));
        }
        for (at, byte) in digest.iter_mut().enumerate() {
            let pair = &text[2 * at..2 * at + 2];
            *byte = u8::from_str_radix(pair, 16).expect("both are hexadecimal digits");
        }
        Ok(digest)
    }
}
