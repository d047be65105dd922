use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

use super::wire::{Wire, find};
use super::{accept, announce, listen};
use crate::clock;

/// Bodies are looked at in pieces of this size and not kept.
const BUFFER: usize = 32 << 10;
/// Job numbers above this are not ours.
const MAX_JOB: usize = 10_000_000;
/// Begins the mark that the load generator puts into a job's metadata: `"bench":"NUMBER:MICROS"`.
const MARK: &[u8] = b"\"bench\":\"";
/// Longest mark: the beginning, two numbers of at most 20 digits, and what stands between.
const MARK_MAX: usize = MARK.len() + 42;
/// Stands in an event that tells of a job that failed.
const FAILED: &[u8] = b"job.failed";
/// The event's type stands within this many bytes of its beginning.
const TYPE_WITHIN: usize = 128;
/// Bytes of an event of a failure that are kept to be shown.
const FAILURE_SHOWN: usize = 400;

/// Where to listen, and how slowly to answer.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The port; 0 for a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Time before an answer, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

/// What the sink has seen so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stats {
    /// Jobs delivered at least once.
    pub(crate) distinct: u64,
    /// Deliveries beyond the first of their job.
    pub(crate) duplicates: u64,
    /// First deliveries that told of a failure.
    pub(crate) failed: u64,
    /// Deliveries that no mark was found in.
    pub(crate) unknown: u64,
    /// Bodies of all deliveries, in bytes.
    pub(crate) bytes: u64,
    /// The most deliveries that waited for their answer at once.
    pub(crate) peak: u32,
    /// The beginning of the first event that told of one.
    pub(crate) first_failure: Option<String>,
    /// When the last first delivery came, in microseconds since the Unix epoch.
    pub(crate) last_us: u64,
    /// Half of the first deliveries came within this time after their submission began.
    pub(crate) p50_us: u64,
    /// 99 of 100 did.
    pub(crate) p99_us: u64,
}

#[derive(Default)]
struct Tally {
    stats: Stats,
    /// Deliveries by job number, up to 255.
    counts: Vec<u8>,
    /// Microseconds from submission to the first delivery.
    took_us: Vec<u64>,
    /// When each first delivery came, in microseconds since the Unix epoch.
    arrivals_us: Vec<u64>,
    /// Deliveries that wait for their answer.
    waiting: u32,
}

impl Tally {
    fn record(&mut self, scan: &Scan, now_us: u64) {
        self.stats.bytes += scan.seen as u64;
        let Some((job, sent_us)) = scan.mark.filter(|(job, _)| *job < MAX_JOB) else {
            self.stats.unknown += 1;
            return;
        };
        if self.counts.len() <= job {
            self.counts.resize(job + 1, 0);
        }
        if self.counts[job] == 0 {
            self.stats.distinct += 1;
            if let Some(event) = &scan.failure {
                self.stats.failed += 1;
                self.stats.first_failure.get_or_insert_with(|| event.clone());
            }
            self.stats.last_us = now_us;
            self.arrivals_us.push(now_us);
            self.took_us.push(now_us.saturating_sub(sent_us));
        } else {
            self.stats.duplicates += 1;
        }
        self.counts[job] = self.counts[job].saturating_add(1);
    }

    /// The whole picture; `exact` sorts the times too.
    fn stats(&mut self, exact: bool) -> Stats {
        if exact {
            self.took_us.sort_unstable();
            self.stats.p50_us = percentile(&self.took_us, 50);
            self.stats.p99_us = percentile(&self.took_us, 99);
        }
        self.stats.clone()
    }
}

/// The value that `percent` of the sorted values do not exceed; 0 when there is none.
pub(crate) fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// Takes deliveries by `POST`; tells of them by `GET`: `/stats` (cheap), `/report` (with times),
/// `/counts` (one byte per job: how often it came), `/arrivals` (when first deliveries came: eight
/// bytes each, the lowest first).
pub(crate) async fn run(options: Options) -> Result<()> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = listen(addr).context("cannot listen")?;
    announce(listener.local_addr().context("cannot tell the address")?)?;
    let tally = Arc::new(Mutex::new(Tally::default()));
    let latency = Duration::from_millis(options.latency_ms);
    accept(listener, |stream| serve(stream, tally.clone(), latency)).await;
    Ok(())
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a delivery as waiting from its head until its answer is about to be sent, or the sender
/// has gone.
struct Waiting<'a>(&'a Mutex<Tally>);

impl<'a> Waiting<'a> {
    fn new(tally: &'a Mutex<Tally>) -> Self {
        let mut counted = lock(tally);
        counted.waiting += 1;
        counted.stats.peak = counted.stats.peak.max(counted.waiting);
        drop(counted);
        Self(tally)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(self.0).waiting -= 1;
    }
}

async fn serve(stream: TcpStream, tally: Arc<Mutex<Tally>>, latency: Duration) {
    let mut wire = Wire::new(stream, BUFFER);
    while let Ok(Some(head)) = wire.head().await {
        let waiting = head.first.starts_with("POST ").then(|| Waiting::new(&tally));
        let mut scan = Scan::default();
        if wire.body(head.length, |piece| scan.look(piece)).await.is_err() {
            return;
        }
        if waiting.is_some() && !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let answer = answer(&head.first, &scan, &mut lock(&tally));
        drop(waiting);
        if wire.write(&answer).await.is_err() || head.close {
            return;
        }
    }
}

fn answer(request: &str, scan: &Scan, tally: &mut Tally) -> Vec<u8> {
    if request.starts_with("POST ") {
        tally.record(scan, clock::unix_us());
        return b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
    }
    let body = match request.split(' ').nth(1) {
        Some("/stats") => serde_json::to_vec(&tally.stats(false)),
        Some("/report") => serde_json::to_vec(&tally.stats(true)),
        Some("/counts") => Ok(tally.counts.clone()),
        Some("/arrivals") => {
            Ok(tally.arrivals_us.iter().flat_map(|us| us.to_le_bytes()).collect::<Vec<u8>>())
        }
        _ => return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
    };
    let body = body.unwrap_or_default();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), &body].concat()
}

/// Looks for the mark in a body that comes in pieces.
#[derive(Default)]
struct Scan {
    seen: usize,
    /// The end of the last piece: a mark may begin in it.
    carry: Vec<u8>,
    mark: Option<(usize, u64)>,
    /// The beginning of an event that tells of a failure.
    failure: Option<String>,
}

impl Scan {
    fn look(&mut self, piece: &[u8]) {
        if self.seen < TYPE_WITHIN {
            let begin = &piece[..piece.len().min(TYPE_WITHIN - self.seen)];
            if find(begin, FAILED).is_some() {
                let shown = &piece[..piece.len().min(FAILURE_SHOWN)];
                self.failure = Some(String::from_utf8_lossy(shown).into_owned());
            }
        }
        self.seen += piece.len();
        if self.mark.is_some() {
            return;
        }
        if !self.carry.is_empty() {
            self.carry.extend_from_slice(&piece[..piece.len().min(MARK_MAX)]);
            self.mark = mark(&self.carry);
        }
        if self.mark.is_none() {
            self.mark = mark(piece);
        }
        // A piece shorter than a mark only lengthens what is carried over.
        if piece.len() >= MARK_MAX {
            self.carry.clear();
            self.carry.extend_from_slice(&piece[piece.len() - MARK_MAX..]);
        } else if self.carry.is_empty() {
            self.carry.extend_from_slice(piece);
        } else {
            let surplus = self.carry.len().saturating_sub(2 * MARK_MAX);
            self.carry.drain(..surplus);
        }
    }
}

/// The job number and the time of submission, when the whole mark is there.
fn mark(bytes: &[u8]) -> Option<(usize, u64)> {
    let from = find(bytes, MARK)? + MARK.len();
    let rest = &bytes[from..];
    let text = str::from_utf8(&rest[..find(rest, b"\"")?]).ok()?;
    let (job, sent_us) = text.split_once(':')?;
    Some((job.parse().ok()?, sent_us.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_wherever_the_pieces_are_cut() {
        let body = [
            br#"{"type":"job.succeeded","data":{"markdown":""#.as_slice(),
            &[b'x'; 300],
            br#"","metadata":{"bench":"17:1700000000000001"}}}"#,
        ]
        .concat();
        for size in 1..body.len() {
            let mut scan = Scan::default();
            body.chunks(size).for_each(|piece| scan.look(piece));
            assert_eq!(scan.mark, Some((17, 1_700_000_000_000_001)), "in pieces of {size}");
            assert_eq!(scan.failure, None);
        }
    }

    #[test]
    fn deliveries_are_told_apart() {
        let event = |mark, failed: bool| Scan {
            mark,
            failure: failed.then(|| "timeout".to_owned()),
            ..Scan::default()
        };
        let mut tally = Tally::default();
        tally.record(&event(Some((2, 1_000)), false), 3_000);
        tally.record(&event(Some((2, 1_000)), false), 9_000);
        tally.record(&event(Some((0, 1_000)), true), 4_000);
        tally.record(&event(None, false), 5_000);
        let stats = tally.stats(true);
        assert_eq!((stats.distinct, stats.duplicates, stats.failed, stats.unknown), (2, 1, 1, 1));
        assert_eq!((stats.p50_us, stats.p99_us, stats.last_us), (2_000, 3_000, 4_000));
        assert_eq!(stats.first_failure.as_deref(), Some("timeout"));
        assert_eq!(tally.counts, [1, 0, 2]);
        assert_eq!(tally.arrivals_us, [3_000, 4_000]);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&values, 50), 100);
        assert_eq!(percentile(&values, 99), 198);
        assert_eq!(percentile(&[], 99), 0);
        assert_eq!(percentile(&[5], 50), 5);
    }
}
