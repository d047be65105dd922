use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::delivery::Batch;
use crate::forwarder::{Entry, Work};

/// Batches that wait for company at once; one more, and the oldest goes as it is.
const MAX_OPEN: usize = 256;
/// Bytes of bodies that wait so; more, and the oldest batches go as they are.
const MAX_OPEN_BYTES: usize = 16 * 1024 * 1024;

/// The task that collects deliveries which travel together. It hands full batches to the queue of
/// single deliveries, where they wait for a place like everything else; until then they hold none.
pub(crate) struct Batcher {
    incoming: mpsc::Receiver<Entry>,
    queue: mpsc::Sender<Work>,
    hurry: CancellationToken,
    open: HashMap<Arc<str>, Open>,
    open_bytes: usize,
}

/// A batch that may still grow; never empty.
struct Open {
    entries: Vec<Entry>,
    bytes: usize,
    due: Instant,
}

impl Open {
    /// Whether both may be sent to the same place under the same rules.
    fn is_for(&self, entry: &Entry) -> bool {
        self.entries.first().is_some_and(|first| {
            let (one, other) = (&first.delivery, &entry.delivery);
            one.trusted == other.trusted && one.sink == other.sink
        })
    }
}

impl Batcher {
    pub(crate) fn new(
        incoming: mpsc::Receiver<Entry>,
        queue: mpsc::Sender<Work>,
        hurry: CancellationToken,
    ) -> Self {
        Self { incoming, queue, hurry, open: HashMap::new(), open_bytes: 0 }
    }

    /// Collects until nobody can hand over any more; what is open then goes at once.
    pub(crate) async fn run(mut self) {
        let mut hurried = false;
        loop {
            let due = self.open.values().map(|open| open.due).min();
            let entry = tokio::select! {
                biased;
                () = due_at(due) => {
                    self.send_due(Instant::now()).await;
                    continue;
                }
                () = self.hurry.cancelled(), if !hurried => {
                    hurried = true;
                    self.send_all().await;
                    continue;
                }
                entry = self.incoming.recv() => entry,
            };
            let Some(entry) = entry else {
                break;
            };
            self.take(entry).await;
            // What comes late travels with what came with it, and waits for nothing.
            if hurried && self.incoming.is_empty() {
                self.send_all().await;
            }
        }
        self.send_all().await;
    }

    async fn take(&mut self, entry: Entry) {
        let Some(batch) = entry.delivery.batch.clone() else {
            let _ = self.queue.send(Work::One(entry)).await;
            return;
        };
        let bytes = entry.delivery.body.len() + 1;
        self.make_room(&batch, &entry, bytes).await;
        let open = self.open.entry(Arc::clone(&batch.key)).or_insert_with(|| Open {
            entries: Vec::new(),
            bytes: 0,
            // A wait that no clock can tell is one of a day.
            due: entry.since.checked_add(batch.max_wait).unwrap_or(entry.since + A_DAY),
        });
        open.entries.push(entry);
        open.bytes += bytes;
        self.open_bytes += bytes;
        if open.entries.len() >= batch.max_events || open.bytes >= batch.max_bytes {
            self.send(&batch.key).await;
        }
    }

    /// Sends what has to go before `entry` can be added.
    async fn make_room(&mut self, batch: &Batch, entry: &Entry, bytes: usize) {
        match self.open.get(&batch.key) {
            Some(open) if open.bytes + bytes > batch.max_bytes || !open.is_for(entry) => {
                self.send(&batch.key).await;
            }
            None if self.open.len() >= MAX_OPEN => self.send_oldest().await,
            _ => {}
        }
        while self.open_bytes + bytes > MAX_OPEN_BYTES && !self.open.is_empty() {
            self.send_oldest().await;
        }
    }

    async fn send_due(&mut self, now: Instant) {
        let mut due: Vec<_> = self
            .open
            .iter()
            .filter(|(_, open)| open.due <= now)
            .map(|(key, open)| (open.due, Arc::clone(key)))
            .collect();
        due.sort_unstable();
        for (_, key) in due {
            self.send(&key).await;
        }
    }

    async fn send_oldest(&mut self) {
        let oldest = self.open.iter().min_by_key(|(_, open)| open.due);
        if let Some(key) = oldest.map(|(key, _)| Arc::clone(key)) {
            self.send(&key).await;
        }
    }

    async fn send_all(&mut self) {
        while !self.open.is_empty() {
            self.send_oldest().await;
        }
    }

    /// Waits while the queue is full: then there is no place to send from anyway.
    async fn send(&mut self, key: &Arc<str>) {
        if let Some(open) = self.open.remove(key) {
            self.open_bytes -= open.bytes;
            // A queue that is gone takes the callers' replies with it, which tells them.
            let _ = self.queue.send(Work::Batch(open.entries)).await;
        }
    }
}

/// Longer than any batch is meant to wait.
const A_DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

async fn due_at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
