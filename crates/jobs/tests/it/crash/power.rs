//! Power cuts and failing disks, through the storage shim `tests/faultfs`: what was never synced
//! is forgotten, and chosen operations fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jobs::ErrorKind;
use rand::RngExt;
use tempfile::TempDir;

use super::aftermath::Promises;
use super::child::LIES;
use super::run::{Load, Run};
use super::seeded;

const CYCLES: u32 = 20;
/// The status that the shim's `die` ends a process with.
const DIED: i32 = 86;

/// A data directory, and the disk that stands behind it.
struct Disk {
    root: TempDir,
    shim: PathBuf,
}

impl Disk {
    fn new() -> Self {
        let disk = Self { root: tempfile::tempdir().expect("a temporary directory"), shim: shim() };
        fs::create_dir(disk.data()).expect("created");
        disk
    }

    fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    fn shadow(&self) -> PathBuf {
        self.root.path().join("shadow")
    }

    fn control(&self) -> PathBuf {
        self.root.path().join("control")
    }

    fn start(&self, load: Load, prepare: impl FnOnce(&mut Command)) -> Run {
        Run::start_with(&self.data(), load, |command| {
            command
                .env("LD_PRELOAD", &self.shim)
                .env("FAULTFS_DIR", self.data())
                .env("FAULTFS_SHADOW", self.shadow())
                .env("FAULTFS_CONTROL", self.control());
            prepare(command);
        })
    }

    /// From now on the disk behaves like this.
    fn rule(&self, rule: &str) {
        let new = self.root.path().join("new-control");
        fs::write(&new, rule).expect("written");
        fs::rename(new, self.control()).expect("renamed");
    }

    /// The power comes back: what was synced is all there is.
    fn cut(&self) {
        fs::remove_dir_all(self.data()).expect("removed");
        fs::rename(self.shadow().join("tree"), self.data()).expect("there is a shadow");
        fs::remove_dir_all(self.shadow()).expect("removed");
    }
}

/// The shim, where cargo puts it: beside this binary, or one directory up.
fn shim() -> PathBuf {
    let exe = std::env::current_exe().expect("this test's own path");
    let found = exe.ancestors().skip(1).take(2).map(|dir| dir.join("libfaultfs.so"));
    found
        .into_iter()
        .find(|path| path.exists())
        .expect("libfaultfs.so is not built: run `cargo build -p faultfs` first")
}

fn count(said: &[String], word: &str) -> usize {
    said.iter().filter(|line| line.split(' ').next() == Some(word)).count()
}

fn errors(said: &[String]) -> impl Iterator<Item = &str> {
    said.iter().filter_map(|line| line.strip_prefix("error "))
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_to_a_power_cut() {
    let mut random = seeded("power cut");
    let disk = Disk::new();
    let mut promises = Promises::default();
    let mut acknowledged = 0;
    for cycle in 0..CYCLES {
        let nth = if cycle % 4 == 0 {
            random.random_range(1..40)
        } else {
            random.random_range(40..1_500)
        };
        let torn = random.random_range(0..u32::MAX);
        let run = disk.start(Load { submitters: 4, workers: 4 }, |command| {
            command
                .env("FAULTFS_RULES", format!("die nth={nth}"))
                .env("FAULTFS_SEED", torn.to_string());
        });
        let (status, said) = run.end();
        let code = status.and_then(|status| status.code());
        assert_eq!(code, Some(DIED), "cycle {cycle}, operation {nth}: {said:?}");
        acknowledged += promises.heard(&said);
        disk.cut();
        println!("cycle {cycle}: power cut at operation {nth}, {acknowledged} acknowledged");
        promises.check(&disk.data()).await;
    }
    assert!(acknowledged > 500, "only {acknowledged} jobs: too little to tell anything");
    assert_eq!(promises.documents(), 4, "one of each submitter");
    promises.finish(&disk.data()).await;
}

/// The test of the test: a child that acknowledges too early is found out.
#[tokio::test]
async fn an_early_acknowledgement_would_be_noticed() {
    let mut lost = 0;
    // Later than the last of what opening a fresh store takes.
    for nth in [90, 91, 92, 93, 110, 130] {
        let disk = Disk::new();
        let run = disk.start(Load { submitters: 4, workers: 0 }, |command| {
            command.env("FAULTFS_RULES", format!("die nth={nth}")).env(LIES, "1");
        });
        let (_, said) = run.end();
        disk.cut();
        let mut promises = Promises::default();
        promises.heard(&said);
        lost += promises.lost(&disk.data()).await;
    }
    assert!(lost > 0, "these tests notice nothing");
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged() {
    let disk = Disk::new();
    let mut run = disk.start(Load { submitters: 1, workers: 0 }, |_| {});
    run.wait_until("some are acknowledged", |said| count(said, "ack") > 50);
    disk.rule("fail fsync EIO");
    let (status, said) = run.end();
    assert!(status.is_some_and(|status| status.success()), "{status:?} {said:?}");
    let first = said.iter().position(|line| line.starts_with("error")).expect("it fails");
    let acks_after = said[first..].iter().filter(|line| line.starts_with("ack")).count();
    assert_eq!(acks_after, 0, "a failed sync is final");
    let unavailable = format!("{:?}", ErrorKind::Unavailable);
    assert!(errors(&said).all(|kind| kind == unavailable), "{said:?}");
    assert_eq!(count(&said, "failed"), 1, "the store says that it has failed");
    disk.cut();
    reopened_with_everything(&disk.data(), &said).await;
}

#[tokio::test]
async fn one_failed_sync_is_as_final_as_many() {
    let disk = Disk::new();
    let mut run = disk.start(Load { submitters: 1, workers: 2 }, |_| {});
    run.wait_until("some are acknowledged", |said| count(said, "ack") > 50);
    disk.rule("fail fsync nth=1 EIO");
    let (status, said) = run.end();
    assert!(status.is_some_and(|status| status.success()), "{status:?} {said:?}");
    let first = said.iter().position(|line| line.starts_with("error")).expect("it fails");
    assert_eq!(said[first..].iter().filter(|line| line.starts_with("ack")).count(), 0);
    disk.cut();
    reopened_with_everything(&disk.data(), &said).await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_space_makes_it_work_again() {
    let disk = Disk::new();
    let mut run = disk.start(Load { submitters: 1, workers: 2 }, |_| {});
    run.wait_until("some are acknowledged", |said| count(said, "ack") > 50);
    disk.rule("fail write ENOSPC");
    run.wait_until("it says that the disk is full", |said| errors(said).count() >= 5);
    let full = run.said();
    disk.rule("off");
    run.wait_until("it works again", |said| {
        count(said, "ack") > count(&full, "ack") + 50 && count(said, "done") > 0
    });
    let said = run.kill();
    let no_space = format!("{:?}", ErrorKind::NoSpace);
    assert!(errors(&said).all(|kind| kind == no_space), "{said:?}");
    let first = full.iter().position(|line| line.starts_with("error")).expect("it failed");
    assert_eq!(full[first..].iter().filter(|line| line.starts_with("ack")).count(), 0);
    disk.cut();
    reopened_with_everything(&disk.data(), &said).await;
}

async fn reopened_with_everything(data: &Path, said: &[String]) {
    let mut promises = Promises::default();
    assert!(promises.heard(said) > 50);
    promises.check(data).await;
    promises.finish(data).await;
}
