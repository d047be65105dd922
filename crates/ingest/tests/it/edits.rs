//! Bytes that were tampered with.

use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;

/// Where, with which byte, and how: replaced, put in, or taken out.
type Edit = (Index, u8, u8);

/// So many changes, anywhere.
pub(crate) fn edits(count: Range<usize>) -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec((any::<Index>(), any::<u8>(), 0..3_u8), count)
}

/// `original` with all of them made, one after the other.
pub(crate) fn edited(original: &[u8], edits: Vec<Edit>) -> Vec<u8> {
    let mut body = original.to_vec();
    for (at, byte, edit) in edits {
        let at = at.index(body.len());
        match edit {
            0 => body[at] = byte,
            1 => body.insert(at, byte),
            _ => {
                body.remove(at);
            }
        }
    }
    body
}
