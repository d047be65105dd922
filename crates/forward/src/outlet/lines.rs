use std::thread;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::trouble::Trouble;

/// Lines that may wait for the thread. Their senders wait too, so that the forwarder's
/// concurrency is what bounds the bytes.
const QUEUE: usize = 256;

/// Most lines that share one write and one sync.
const MOST_AT_ONCE: usize = 1024;

/// One event, or several lines of them, without the line break at the end.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: Bytes,
    /// The wall clock, in seconds since the Unix epoch.
    pub(super) now_s: i64,
}

/// Where lines go.
pub(super) trait Out: Send + 'static {
    /// Writes all of them and makes them last, or says why not. It may block: it has a thread of
    /// its own.
    fn append(&mut self, lines: &[Line]) -> Result<(), String>;
}

/// Lines on their way to a thread that writes them. While it writes one group the next gathers,
/// so that a sync is shared by all that came meanwhile. The thread ends with the last sender.
pub(super) struct Lines {
    queue: mpsc::Sender<(Line, Reply)>,
}

type Reply = oneshot::Sender<Result<(), String>>;

impl Lines {
    pub(super) fn start(name: &str, out: impl Out) -> Result<Self, String> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(waiting, out))
            .map_err(|e| format!("cannot start a thread to write events: {e}"))?;
        Ok(Self { queue })
    }

    /// Waits until the line is written. Given up before the thread has come to it, it is not.
    pub(super) async fn append(&self, line: Line) -> Result<(), Trouble> {
        let (reply, written) = oneshot::channel();
        let stopped = || Trouble::passing("the thread that writes events has stopped");
        self.queue.send((line, reply)).await.map_err(|_| stopped())?;
        written.await.map_err(|_| stopped())?.map_err(Trouble::passing)
    }
}

fn run(mut waiting: mpsc::Receiver<(Line, Reply)>, mut out: impl Out) {
    let mut group = Vec::new();
    while waiting.blocking_recv_many(&mut group, MOST_AT_ONCE) > 0 {
        let (lines, replies): (Vec<_>, Vec<_>) =
            group.drain(..).filter(|(_, reply)| !reply.is_closed()).unzip();
        if lines.is_empty() {
            continue;
        }
        let written = out.append(&lines);
        for reply in replies {
            // Its caller may have gone meanwhile: it will come again with the same id.
            let _ = reply.send(written.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use tokio::task::JoinSet;

    use super::*;

    /// Tells of each group and waits until it may go on.
    struct Gate(Sender<usize>, Receiver<Result<(), String>>);

    impl Out for Gate {
        fn append(&mut self, lines: &[Line]) -> Result<(), String> {
            self.0.send(lines.len()).unwrap();
            self.1.recv().unwrap()
        }
    }

    fn line() -> Line {
        Line { text: Bytes::from_static(b"{}"), now_s: 0 }
    }

    #[tokio::test]
    async fn lines_that_come_during_a_write_share_the_next() {
        let (told, groups) = channel();
        let (go, gate) = channel();
        let lines = std::sync::Arc::new(Lines::start("test", Gate(told, gate)).unwrap());
        let mut tasks = JoinSet::new();
        let append = |tasks: &mut JoinSet<_>| {
            let lines = lines.clone();
            tasks.spawn(async move { lines.append(line()).await.map_err(|t| t.what) });
        };
        append(&mut tasks);
        while groups.try_recv() != Ok(1) {
            tokio::task::yield_now().await;
        }
        for _ in 0..50 {
            append(&mut tasks);
        }
        while lines.queue.capacity() > QUEUE - 50 {
            tokio::task::yield_now().await;
        }
        // One to be given up while it waits: it is not written.
        let given_up = tokio::time::timeout(std::time::Duration::ZERO, lines.append(line())).await;
        assert!(given_up.is_err());
        go.send(Ok(())).unwrap();
        go.send(Err("full".into())).unwrap();
        let done = tasks.join_all().await;
        assert_eq!(done.iter().filter(|d| d.is_ok()).count(), 1);
        assert_eq!(done.iter().filter(|d| **d == Err("full".to_owned())).count(), 50);
        let sizes: Vec<_> = groups.try_iter().collect();
        assert_eq!(sizes.last(), Some(&50), "{sizes:?}");
    }
}
