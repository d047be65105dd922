//! CPU work beside the reactor.
//!
//! A caller waits, asynchronously, for one of as many permits as the channel has places; then
//! `try_send` cannot find it full. A feeder thread hands the tasks to a rayon pool of our own,
//! so that its workers are always free to steal. The permit goes back when the task is over, so
//! the permits bound the channel, the feeder's hand and the pool's queue together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{Error, Kind};

/// Tasks handed in per thread, running or waiting: enough to keep a thread busy while the
/// reactor wakes the next caller.
const TASKS_PER_THREAD: usize = 4;

/// Extraction does not recurse; brotli and zstd keep their state on the heap.
const STACK_BYTES: usize = 4 << 20;

struct Task {
    run: Box<dyn FnOnce() + Send>,
    _permit: OwnedSemaphorePermit,
}

/// Hands work to the threads. When the last clone is gone the threads finish what they have and
/// end.
#[derive(Clone)]
pub(crate) struct Pool {
    permits: Arc<Semaphore>,
    capacity: usize,
    tasks: Sender<Task>,
}

/// The threads behind a pool.
pub(crate) struct Threads {
    feeder: Option<thread::JoinHandle<()>>,
    ended: oneshot::Receiver<()>,
}

impl Pool {
    /// Starts `threads` worker threads and their feeder.
    pub(crate) fn start(threads: usize) -> Result<(Self, Threads), Error> {
        let failed = |what: &'static str| move |e| Error::new(Kind::Internal, what).with_source(e);
        let mut workers = Vec::with_capacity(threads);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .spawn_handler(|worker| {
                let name = format!("extract-{}", worker.index());
                let builder = thread::Builder::new().name(name).stack_size(STACK_BYTES);
                workers.push(builder.spawn(|| worker.run())?);
                Ok(())
            })
            .panic_handler(|_| tracing::error!("a panic passed the guard of an extraction task"))
            .build()
            .map_err(|e| {
                Error::new(Kind::Internal, "cannot start the CPU threads").with_source(e)
            })?;
        let capacity = threads * TASKS_PER_THREAD;
        let (tasks, queue) = crossbeam_channel::bounded(capacity);
        let (ending, ended) = oneshot::channel();
        let feeder = thread::Builder::new()
            .name("extract-feeder".to_owned())
            .spawn(move || {
                feed(&queue, &pool);
                drop(pool);
                for worker in workers {
                    if worker.join().is_err() {
                        tracing::error!("a CPU thread panicked");
                    }
                }
                // Nobody may be waiting for the end.
                let _ = ending.send(());
            })
            .map_err(failed("cannot start the feeder thread"))?;
        let permits = Arc::new(Semaphore::new(capacity));
        Ok((Self { permits, capacity, tasks }, Threads { feeder: Some(feeder), ended }))
    }

    /// Waits for a place, which [`Pool::run`] takes.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.permits).acquire_owned().await.map_err(|_| gone())
    }

    /// Runs `work` on a thread of the pool. Dropping the future skips work that has not begun.
    ///
    /// # Errors
    /// [`Kind::Internal`] when the work panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        place: OwnedSemaphorePermit,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let run = Box::new(move || {
            if !reply.is_closed() {
                // The caller may leave while the work runs.
                let _ = reply.send(guard(work));
            }
        });
        self.tasks.try_send(Task { run, _permit: place }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Tasks waiting or running.
    pub(crate) fn tasks(&self) -> usize {
        self.capacity - self.permits.available_permits()
    }
}

fn gone() -> Error {
    Error::new(Kind::Internal, "the CPU threads are gone")
}

/// Runs `work`; a panic becomes an error.
pub(crate) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    // What the work owned is gone with it, so nothing half-changed is left to be seen.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Error::new(Kind::Internal, format!("work on the page panicked: {text}"))
    })
}

fn feed(queue: &Receiver<Task>, pool: &rayon::ThreadPool) {
    while let Ok(task) = queue.recv() {
        pool.spawn_fifo(move || {
            let Task { run, _permit } = task;
            run();
        });
    }
}

impl Threads {
    /// Ready when every thread has ended, and then for good.
    pub(crate) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(feeder) = self.feeder.take() else {
            return Poll::Ready(());
        };
        // An error says that the feeder is gone without a word, which `join` then explains.
        if Pin::new(&mut self.ended).poll(context).is_pending() {
            self.feeder = Some(feeder);
            return Poll::Pending;
        }
        // The message is the feeder's last act, so this does not block.
        if feeder.join().is_err() {
            tracing::error!("the feeder thread panicked");
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    async fn run<T: Send + 'static>(
        pool: &Pool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        pool.run(pool.place().await?, work).await
    }

    async fn end(mut threads: Threads) {
        let ended = std::future::poll_fn(|context| threads.poll_end(context));
        tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_pool_lives_on() {
        let (pool, threads) = Pool::start(1).unwrap();
        let error = run(&pool, || -> () { panic!("boom") }).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert!(error.to_string().contains("boom"));
        assert_eq!(run(&pool, || 7).await.unwrap(), 7);
        drop(pool);
        end(threads).await;
    }

    #[tokio::test]
    async fn work_without_a_caller_is_skipped() {
        let (pool, threads) = Pool::start(1).unwrap();
        let (go, wait) = mpsc::channel::<()>();
        let ran = Arc::new(AtomicUsize::new(0));
        {
            let mut first = Box::pin(run(&pool, move || wait.recv()));
            let counter = Arc::clone(&ran);
            let mut second = Box::pin(run(&pool, move || counter.fetch_add(1, Ordering::SeqCst)));
            assert!(futures_util::poll!(&mut first).is_pending());
            assert!(futures_util::poll!(&mut second).is_pending());
            assert_eq!(pool.tasks(), 2);
        }
        go.send(()).unwrap();
        assert!(run(&pool, || ()).await.is_ok());
        assert_eq!(ran.load(Ordering::SeqCst), 0);
        drop(pool);
        end(threads).await;
    }

    #[tokio::test]
    async fn many_more_callers_than_places() {
        let (pool, threads) = Pool::start(2).unwrap();
        let calls = (0..500_u32).map(|n| run(&pool, move || n));
        let answers = futures_util::future::join_all(calls).await;
        let sum: u32 = answers.into_iter().map(Result::unwrap).sum();
        assert_eq!(sum, 500 * 499 / 2);
        drop(pool);
        end(threads).await;
    }
}
