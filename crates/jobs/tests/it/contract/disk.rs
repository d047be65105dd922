//! What a durable store makes of its directory.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jobs::{Bounds, ErrorKind, LaneLimit, SqliteStore, Submitted};

use crate::backend::{Durable, FETCH, config, disk_bytes};
use crate::rig::{Differently, MANY, Rig, advance, at, id, job};

pub(super) async fn a_sweep_gives_the_space_of_results_back<B: Durable>() {
    const RESULTS: u64 = 40;
    const BYTES: usize = 5_000_000;
    let rig = Rig::<B>::new();
    rig.accept((0..RESULTS).map(job)).await;
    let result = Bytes::from((0..BYTES).map(|i| (i % 251) as u8).collect::<Vec<_>>());
    for claimed in rig.take(&FETCH, MANY, 0).await {
        let result = Some(result.clone());
        rig.end(claimed.lease, jobs::Outcome::Done { verdict: None, result, note: None }, 1).await;
    }
    rig.flush().await.expect("flushed");
    let full = disk_bytes(rig.backend().dir());
    assert!(full >= RESULTS * BYTES as u64, "results are stored as they are");
    let swept = rig.sweep(at(2), MANY).await.expect("swept");
    assert_eq!(swept.jobs, RESULTS);
    rig.flush().await.expect("flushed");
    let left = disk_bytes(rig.backend().dir());
    assert!(left < full / 2, "{left} bytes of {full} are left");
    assert!(swept.bytes <= full, "no more is given back than there was");
    let rig = rig.reopened().await;
    assert!(rig.all().await.is_empty());
    assert!(disk_bytes(rig.backend().dir()) < full / 2);
}

pub(super) async fn a_directory_in_use_is_refused<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let dir = rig.backend().dir();
    let second = SqliteStore::open(dir, config(LaneLimit::default(), Bounds::default()));
    assert_eq!(second.expect_err("the directory is in use").kind(), ErrorKind::InUse);
    assert_eq!(rig.offer(job(2)).await, Submitted::Created, "the first goes on");
}

pub(super) async fn a_directory_that_is_a_file_is_refused<B: Durable>() {
    let rig = Rig::<B>::new();
    let file = rig.backend().dir().join("a-file");
    fs::write(&file, "not a directory").expect("written");
    let store = SqliteStore::open(&file, config(LaneLimit::default(), Bounds::default()));
    assert_eq!(store.expect_err("not a directory").kind(), ErrorKind::Unusable);
    assert_eq!(fs::read(&file).expect("read"), b"not a directory", "left as it was");
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("read").map(|entry| entry.expect("read").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Finds the stored body wherever it is, and flips one bit of it.
pub(super) async fn a_damaged_result_is_told_as_corrupt<B: Durable>() {
    const BODY: &[u8] = b"a body that is found again in one of the files, and nowhere else";
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2).lane("b")]).await;
    for claimed in rig.take(&FETCH, MANY, 0).await {
        let body = if claimed.lease.id == id(1) { BODY } else { b"another" };
        rig.end(claimed.lease, advance(body), 0).await;
    }
    rig.flush().await.expect("flushed");
    let mut hits = 0;
    for file in files(rig.backend().dir()) {
        let Ok(mut bytes) = fs::read(&file) else {
            continue;
        };
        if let Some(found) = bytes.windows(BODY.len()).position(|w| w == BODY) {
            bytes[found + 10] ^= 1;
            fs::write(&file, bytes).expect("written");
            hits += 1;
        }
    }
    assert_eq!(hits, 1, "the body is stored once, as it is");
    let rig = rig.reopened().await;
    let error = rig.result(id(1)).await.expect_err("it is not what was written");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(rig.result(id(2)).await.expect("read").expect("kept"), "another");
}
