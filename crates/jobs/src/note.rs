use bytes::Bytes;

use crate::Timestamp;

/// Something small to be remembered beside the jobs, until it expires: written behind with the
/// settlement that brings it, never before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNote {
    /// What the key is a key of; names one use of notes.
    pub space: &'static str,
    /// Under what it is found; the later of two with the same space and key stands.
    pub key: [u8; 32],
    /// What is remembered; opaque. At most [`NewNote::MAX_BYTES`]: a longer one is not kept.
    pub value: Bytes,
    /// From then on it may be removed ([`crate::Store::sweep`]).
    pub expires: Timestamp,
}

impl NewNote {
    /// Bytes that [`NewNote::value`] may have.
    pub const MAX_BYTES: usize = 4 * 1024;

    /// Bytes it takes in memory.
    pub(crate) const fn bytes(&self) -> usize {
        size_of::<Self>() + self.value.len()
    }
}

/// Something that is remembered. It may be told for a while after it has expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What was remembered.
    pub value: Bytes,
    /// Until when it was meant to be.
    pub expires: Timestamp,
}
