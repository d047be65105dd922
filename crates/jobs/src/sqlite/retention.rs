//! What the writer does to give space back: removing jobs that were over long enough, unlinking
//! dead segments, copying sparse ones together.

use std::collections::BTreeSet;

use rusqlite::TransactionBehavior;
use tracing::warn;

use crate::sqlite::failure::{Doing, io_error};
use crate::sqlite::ram::Over;
use crate::sqlite::rows::{self, Gone};
use crate::sqlite::segments::Pointer;
use crate::sqlite::writer::Writer;
use crate::{ErrorKind, JobId, Result, Swept, Timestamp};

/// Bytes of sparse segments that one sweep copies.
const COMPACT_SLICE: u64 = 8 * 1024 * 1024;

impl Writer {
    /// Removes up to `max` jobs that were over before `before`, and what else is not of use any
    /// more.
    pub(super) fn sweep(&mut self, before: Timestamp, max: usize) -> Result<Swept> {
        self.shared.look(|ram| {
            let forgotten = ram.scheduler.forget_lanes(before, max);
            ram.keep_lanes(forgotten);
        });
        match self.flush(true) {
            // Removing is what makes room, and goes by what is on disk.
            Err(error) if error.kind() == ErrorKind::NoSpace => {}
            flushed => flushed?,
        }
        let gone =
            rows::expired(&self.db, before, max).map_err(|e| self.sqlite_failed(&e, "read"))?;
        let mut over = self.over;
        let mut touched = BTreeSet::new();
        for (_, state, result) in &gone {
            over.take(*state);
            if let Some((segment, length)) = result {
                self.segments.release(*segment, *length);
                touched.insert(*segment);
            }
        }
        let notes = match self.delete(&gone, &touched, over, (before, max)) {
            Ok(notes) => notes,
            Err(error) => {
                for (segment, length) in gone.iter().filter_map(|(_, _, result)| *result) {
                    self.segments.unrelease(Pointer { segment, offset: 0, length, crc: 0 });
                }
                return Err(self.sqlite_failed(&error, "write"));
            }
        };
        self.notes.count -= notes;
        self.over = over;
        self.shared.look(|ram| {
            // This was a write: an idle server learns here that there is space again.
            ram.disk_full = false;
            for (_, state, _) in &gone {
                ram.over.take(*state);
            }
        });
        let mut bytes = self.drop_dead_segments();
        match self.compact() {
            Ok(freed) => bytes += freed,
            // Retention goes on without.
            Err(error) => warn!(%error, "cannot copy a sparse segment together"),
        }
        Ok(Swept { jobs: gone.len() as u64, notes, bytes })
    }

    /// The transaction of a sweep; answers how many notes went with it.
    fn delete(
        &mut self,
        gone: &[Gone],
        touched: &BTreeSet<u64>,
        over: Over,
        (before, max): (Timestamp, usize),
    ) -> rusqlite::Result<u64> {
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (id, _, _) in gone {
            rows::delete(&step, *id)?;
        }
        for segment in touched {
            rows::set_usage(&step, *segment, self.segments.usage(*segment))?;
        }
        rows::drop_pauses(&step, before)?;
        let notes = rows::drop_expired_notes(&step, before, max)?;
        rows::set_over(&step, over)?;
        step.commit()?;
        Ok(notes)
    }

    /// Moves a slice of the living out of the segment that wastes most.
    fn compact(&mut self) -> Result<u64> {
        let Some(sparse) = self.segments.sparse() else {
            return Ok(0);
        };
        let bodies = {
            let db = &self.db;
            self.segments.living(sparse, COMPACT_SLICE, |id| rows::pointer(db, id).ok().flatten())
        };
        let path = self.shared.directory.segments();
        let bodies = bodies.map_err(|e| {
            self.segments.set_damaged(sparse);
            io_error(e, Doing(&path, "read segments in"))
        })?;
        let moved = self
            .segments
            .append(bodies.iter().map(|(id, _, body)| (*id, body.as_slice())))
            .map_err(|e| self.append_failed(e))?;
        let mut released = Vec::new();
        if let Err(error) = self.repoint(sparse, &bodies, &moved, &mut released) {
            self.segments.forget(&moved);
            for old in released {
                self.segments.unrelease(old);
            }
            return Err(self.sqlite_failed(&error, "write"));
        }
        Ok(self.drop_dead_segments())
    }

    /// The transaction of a compaction.
    fn repoint(
        &mut self,
        sparse: u64,
        bodies: &[(JobId, Pointer, Vec<u8>)],
        moved: &[Pointer],
        released: &mut Vec<Pointer>,
    ) -> rusqlite::Result<()> {
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut touched = BTreeSet::from([sparse]);
        for ((id, old, _), new) in bodies.iter().zip(moved) {
            rows::repoint(&step, *id, *new)?;
            self.segments.release(old.segment, old.length);
            released.push(*old);
            touched.insert(new.segment);
        }
        for segment in touched {
            rows::set_usage(&step, segment, self.segments.usage(segment))?;
        }
        step.commit()
    }

    pub(super) fn drop_dead_segments(&mut self) -> u64 {
        let mut bytes = 0;
        for segment in self.segments.dead() {
            match self.segments.unlink(segment) {
                Ok(freed) => bytes += freed,
                // Tried again at the next start, which removes what nothing names.
                Err(error) => warn!(segment, %error, "cannot remove a dead segment"),
            }
        }
        bytes
    }
}
