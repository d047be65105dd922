use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use jobs::Timestamp;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio_util::sync::CancellationToken;

use super::meter::{Meter, Usage};
use super::stored::{StoredKey, StoredKeys};
use crate::auth::Right;

/// What a key that was made here begins with, so that scanners for leaked keys know it.
const PREFIX: &str = "pw_";
const ID_CHARS: usize = 8;
const ID_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// What is compared with when no key has the id: the digest of nothing anybody knows.
const NOBODYS: [u8; 32] = [0; 32];

/// The keys that open the API; when there are none it is open to all.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Digests of the operator's, which may do everything.
    given: Vec<[u8; 32]>,
    /// Those that were made through the API, by their ids.
    made: RwLock<HashMap<String, Arc<Key>>>,
}

/// A key that was made through the API.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) id: Arc<str>,
    pub(crate) stored: StoredKey,
    meter: Mutex<Meter>,
    /// 0 for never.
    used_ms: AtomicU64,
    /// Cancelled when it is revoked.
    revoked: CancellationToken,
}

/// Who shows a key, or none.
pub(crate) enum Shown {
    /// Nobody needs one.
    Open,
    /// One of the operator's.
    Given,
    Made(Arc<Key>),
}

impl Keys {
    pub(crate) fn new(given: &[String], StoredKeys(stored): StoredKeys) -> Self {
        let made = stored.into_iter().map(|(id, key, usage)| {
            let key = Key::new(&id, key, usage);
            (id, Arc::new(key))
        });
        Self {
            given: given.iter().map(|key| Sha256::digest(key).into()).collect(),
            made: RwLock::new(made.collect()),
        }
    }

    /// Whether everybody may do everything. A key that expired closes the API all the same.
    pub(crate) fn is_open(&self) -> bool {
        self.given.is_empty() && self.read().is_empty()
    }

    /// Whether the operator has keys besides those that were made here.
    pub(crate) const fn has_given(&self) -> bool {
        !self.given.is_empty()
    }

    /// Whether any key may have limits.
    pub(crate) fn has_made(&self) -> bool {
        !self.read().is_empty()
    }

    /// Who sends these header fields, or why they open nothing.
    pub(crate) fn check(&self, headers: &HeaderMap, now: Timestamp) -> Result<Shown, &'static str> {
        if self.is_open() {
            return Ok(Shown::Open);
        }
        let value = headers.get(AUTHORIZATION).ok_or("send `Authorization: Bearer <api key>`")?;
        let text = bearer(value).ok_or("the Authorization field is not `Bearer <api key>`")?;
        let digest: [u8; 32] = Sha256::digest(text).into();
        // As much is compared whatever is known, so that the time tells nothing of it.
        let given = self.given.iter().fold(Choice::from(0), |known, key| known | digest.ct_eq(key));
        let made = id_of(text).and_then(|id| self.get(id));
        let is_made = digest.ct_eq(made.as_ref().map_or(&NOBODYS, |key| &key.stored.digest));
        if bool::from(given) {
            return Ok(Shown::Given);
        }
        let Some(key) = made.filter(|_| bool::from(is_made)) else {
            return Err("the API key is not known here");
        };
        key.check(now)?;
        key.used_ms.store(now.as_millis(), Ordering::Relaxed);
        Ok(Shown::Made(key))
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Key>> {
        self.read().get(id).cloned()
    }

    /// Those that were made here, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Key>> {
        let mut keys: Vec<_> = self.read().values().cloned().collect();
        keys.sort_by(|a, b| (a.stored.created_ms, &a.id).cmp(&(b.stored.created_ms, &b.id)));
        keys
    }

    pub(crate) fn insert(&self, key: Arc<Key>) {
        self.write().insert(key.id.as_ref().to_owned(), key);
    }

    /// From now on it opens nothing, and what it opened ends.
    pub(crate) fn revoke(&self, id: &str) {
        let removed = self.write().remove(id);
        if let Some(key) = removed {
            key.revoked.cancel();
        }
    }

    /// The id and the text of a new key. Who has the text has the key.
    pub(crate) fn draw(&self) -> (String, String) {
        loop {
            let drawn: [u8; ID_CHARS] = rand::random();
            let letter = |byte: u8| char::from(ID_ALPHABET[usize::from(byte % 32)]);
            let id: String = drawn.into_iter().map(letter).collect();
            if self.get(&id).is_none() {
                let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
                let text = format!("{PREFIX}{id}_{secret}");
                return (id, text);
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, Arc<Key>>> {
        self.made.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<Key>>> {
        self.made.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    pub(crate) fn new(id: &str, stored: StoredKey, usage: Usage) -> Self {
        let meter = Meter::new(stored.rate, stored.quota, usage);
        Self {
            id: id.into(),
            stored,
            meter: Mutex::new(meter),
            used_ms: AtomicU64::new(0),
            revoked: CancellationToken::new(),
        }
    }

    /// Whether it still opens anything.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), &'static str> {
        if self.revoked.is_cancelled() {
            return Err("the API key was revoked");
        }
        let is_over = self.stored.expires_ms.is_some_and(|end| end <= now.as_millis());
        if is_over { Err("the API key has expired") } else { Ok(()) }
    }

    /// Resolves when it is revoked.
    pub(crate) async fn revoked(&self) {
        self.revoked.cancelled().await;
    }

    pub(crate) fn may(&self, right: Right) -> bool {
        self.is_admin() || self.stored.scopes.contains(&right)
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.stored.scopes.contains(&Right::Admin)
    }

    pub(crate) fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it was last shown, as far as this process knows.
    pub(crate) fn used_at(&self) -> Option<Timestamp> {
        let ms = self.used_ms.load(Ordering::Relaxed);
        (ms > 0).then(|| Timestamp::from_millis(ms))
    }
}

/// The digest by which a key is known.
pub(crate) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// The token of RFC 6750 §2.1; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// The id in a key's text.
fn id_of(text: &[u8]) -> Option<&str> {
    let (id, rest) = text.strip_prefix(PREFIX.as_bytes())?.split_at_checked(ID_CHARS)?;
    rest.starts_with(b"_").then(|| std::str::from_utf8(id).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_id_and_nothing_else_has_one() {
        let keys = Keys::new(&[], StoredKeys::default());
        let (id, text) = keys.draw();
        assert_eq!(text.len(), PREFIX.len() + ID_CHARS + 1 + 43, "{text}");
        assert_eq!(id_of(text.as_bytes()), Some(&*id));
        let (_, other) = keys.draw();
        assert_ne!(text, other);
        for not in ["", "pw_", "pw_abcdefgh", "pw_abcdefgh-x", "xx_abcdefgh_x", &text[1..]] {
            assert_eq!(id_of(not.as_bytes()), None, "{not}");
        }
    }
}
