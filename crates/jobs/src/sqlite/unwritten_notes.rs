use std::collections::HashMap;

use crate::notes::NoteKey;
use crate::{NewNote, Note};

/// A note on its way to the disk with the decision that brought it.
#[derive(Clone, Debug)]
pub(super) struct Numbered {
    pub(super) note: NewNote,
    /// Grows from note to note: decisions are not written in the order in which they are made.
    number: u64,
}

/// The latest of every note that is not on disk yet.
#[derive(Debug, Default)]
pub(super) struct UnwrittenNotes {
    by_key: HashMap<NoteKey, Unwritten>,
    last_number: u64,
}

#[derive(Debug)]
struct Unwritten {
    latest: Note,
    /// How many with this key are under way.
    under_way: usize,
    /// The number of the latest that is on disk.
    on_disk: u64,
}

impl UnwrittenNotes {
    /// From now on this is what is found under its key.
    pub(super) fn add(&mut self, note: NewNote) -> Numbered {
        self.last_number += 1;
        let latest = Note { value: note.value.clone(), expires: note.expires };
        let unwritten = self.by_key.entry(note.place()).or_insert_with(|| Unwritten {
            latest: latest.clone(),
            under_way: 0,
            on_disk: 0,
        });
        unwritten.latest = latest;
        unwritten.under_way += 1;
        Numbered { note, number: self.last_number }
    }

    pub(super) fn get(&self, key: &NoteKey) -> Option<Note> {
        self.by_key.get(key).map(|unwritten| unwritten.latest.clone())
    }

    /// Of notes that are about to be written, those that nothing later on disk supersedes, in the
    /// order in which they came.
    pub(super) fn to_write<'a>(
        &self,
        notes: impl Iterator<Item = &'a Numbered>,
    ) -> Vec<&'a Numbered> {
        let newer =
            |n: &&Numbered| self.by_key.get(&n.note.place()).is_none_or(|u| n.number > u.on_disk);
        let mut notes: Vec<_> = notes.filter(newer).collect();
        notes.sort_unstable_by_key(|n| n.number);
        notes
    }

    /// These are on disk, or superseded by what is.
    pub(super) fn written<'a>(&mut self, notes: impl Iterator<Item = &'a Numbered>) {
        for Numbered { note, number } in notes {
            let key = note.place();
            if let Some(unwritten) = self.by_key.get_mut(&key) {
                unwritten.on_disk = unwritten.on_disk.max(*number);
                unwritten.under_way -= 1;
                if unwritten.under_way == 0 {
                    self.by_key.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Timestamp;

    fn note(value: &'static str) -> NewNote {
        let (key, expires) = ([7; 32], Timestamp::from_millis(1));
        NewNote { space: "test", key, value: Bytes::from_static(value.as_bytes()), expires }
    }

    fn values(notes: &[&Numbered]) -> Vec<Bytes> {
        notes.iter().map(|n| n.note.value.clone()).collect()
    }

    #[test]
    fn an_older_note_that_is_written_later_does_not_win() {
        let mut unwritten = UnwrittenNotes::default();
        let (old, new) = (unwritten.add(note("old")), unwritten.add(note("new")));
        assert_eq!(values(&unwritten.to_write([&new].into_iter())), ["new"]);
        unwritten.written([&new].into_iter());
        let key = new.note.place();
        assert_eq!(unwritten.get(&key).map(|n| n.value), Some(Bytes::from("new")));
        assert!(unwritten.to_write([&old].into_iter()).is_empty());
        unwritten.written([&old].into_iter());
        assert_eq!(unwritten.get(&key), None, "it is on disk");
    }

    #[test]
    fn of_two_that_are_written_together_the_later_is_written_last() {
        let mut unwritten = UnwrittenNotes::default();
        let (old, new) = (unwritten.add(note("old")), unwritten.add(note("new")));
        assert_eq!(values(&unwritten.to_write([&new, &old].into_iter())), ["old", "new"]);
    }
}
