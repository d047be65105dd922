//! A process that is killed in the middle of its work, and what it left behind.

mod aftermath;
mod child;
mod kill;
mod power;
mod run;

use bytes::Bytes;
use jobs::{Bounds, Config, JobId, LaneLimit, NewNote, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::backend::config;

/// The space of the notes that children bring.
const NOTES: &str = "crash";
/// The space of the documents that children put.
const DOCUMENTS: &str = "crash";
/// The seed to repeat a run with.
const SEED: &str = "JOBS_CRASH_SEED";

/// The child's and the parent's store are configured alike.
fn crash_config() -> Config {
    let lane =
        LaneLimit { concurrency: 64, interval: std::time::Duration::ZERO, ..LaneLimit::default() };
    config(lane, Bounds::default())
}

/// A generator whose seed is told, and can be given.
#[expect(clippy::print_stdout, reason = "it is shown when a test fails, and repeats it")]
fn seeded(what: &str) -> StdRng {
    let given = std::env::var(SEED).ok();
    let seed = given.map_or_else(|| rand::rng().random(), |s| s.parse().expect("a number"));
    println!("{what}: repeat with {SEED}={seed}");
    StdRng::seed_from_u64(seed)
}

/// Bytes that only this job can have, whose length depends on the job too, with a checksum.
fn bytes_of(id: JobId, salt: u8, most: usize) -> Bytes {
    let seed = crc32fast::hash(&[id.as_bytes().as_slice(), &[salt]].concat());
    let length = seed as usize % most;
    let mut state = seed | 1;
    let mut bytes: Vec<u8> = id.as_bytes().to_vec();
    bytes.extend((0..length).map(|_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    }));
    let crc = crc32fast::hash(&bytes);
    bytes.extend(crc.to_le_bytes());
    Bytes::from(bytes)
}

fn spec_of(id: JobId) -> Bytes {
    bytes_of(id, 1, 400)
}

/// What is remembered once it has advanced.
fn note_of(id: JobId) -> NewNote {
    let mut key = [0; 32];
    key[..16].copy_from_slice(id.as_bytes());
    let expires = Timestamp::from_millis(u64::MAX);
    NewNote { space: NOTES, key, value: bytes_of(id, 3, 200), expires }
}

/// A document that nobody but `id` can have brought.
fn document_of(id: JobId) -> Bytes {
    bytes_of(id, 4, 20_000)
}

fn result_of(id: JobId) -> Bytes {
    bytes_of(id, 2, 20_000)
}
