use std::collections::{BTreeSet, HashMap};

use crate::{NewNote, Note, Timestamp};

/// Under what a note is found: its space and key.
pub(crate) type NoteKey = (&'static str, [u8; 32]);

impl NewNote {
    pub(crate) const fn place(&self) -> NoteKey {
        (self.space, self.key)
    }
}

/// Notes in memory.
#[derive(Debug)]
pub(crate) struct Notes {
    by_key: HashMap<NoteKey, Note>,
    by_expiry: BTreeSet<(Timestamp, NoteKey)>,
    most: u64,
}

impl Notes {
    pub(crate) fn new(most: u64) -> Self {
        Self { by_key: HashMap::new(), by_expiry: BTreeSet::new(), most }
    }

    pub(crate) fn get(&self, key: &NoteKey) -> Option<Note> {
        self.by_key.get(key).cloned()
    }

    /// Keeps a note in place of an older one; beyond the bound the first to expire goes.
    pub(crate) fn keep(&mut self, new: NewNote) {
        let key = new.place();
        let note = Note { value: new.value, expires: new.expires };
        self.by_expiry.insert((note.expires, key));
        if let Some(old) = self.by_key.insert(key, note)
            && old.expires != new.expires
        {
            self.by_expiry.remove(&(old.expires, key));
        }
        while self.by_key.len() as u64 > self.most {
            self.remove_first();
        }
    }

    /// Removes up to `max` notes that expired before `before`; answers how many there were.
    pub(crate) fn sweep(&mut self, before: Timestamp, max: usize) -> u64 {
        let mut swept = 0;
        while swept < max as u64 && self.by_expiry.first().is_some_and(|first| first.0 < before) {
            self.remove_first();
            swept += 1;
        }
        swept
    }

    fn remove_first(&mut self) {
        if let Some((_, key)) = self.by_expiry.pop_first() {
            self.by_key.remove(&key);
        }
    }
}
