//! The storage shim under a program that writes: this test binary itself, started again.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use harness::{FaultFs, Scratch};

const SCRIPT: &str = "FAULTFS_TEST_SCRIPT";

/// Runs when [`SCRIPT`] is set: the program under the shim. One step per line; prints nothing, and
/// ends with 1 at the first step that fails.
#[test]
fn child() {
    let Ok(script) = std::env::var(SCRIPT) else {
        return;
    };
    let dir = std::env::var("FAULTFS_DIR").unwrap();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Err(error) = step(Path::new(&dir), line) {
            println!("{line}: {error}");
            std::process::exit(error.raw_os_error().unwrap_or(1));
        }
    }
}

fn step(dir: &Path, line: &str) -> std::io::Result<()> {
    let words: Vec<&str> = line.split(' ').collect();
    let path = dir.join(words[1]);
    let open =
        || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    match words[0] {
        "append" => {
            let mut file = open()?;
            file.seek(SeekFrom::End(0))?;
            file.write_all(words[2].as_bytes())
        }
        "put" => open()?.write_all_at(words[3].as_bytes(), words[2].parse().unwrap()),
        "fill" => open()?.write_all(&vec![b'x'; words[2].parse().unwrap()]),
        "truncate" => open()?.set_len(words[2].parse().unwrap()),
        "sync" => open()?.sync_all(),
        "datasync" => open()?.sync_data(),
        "syncdir" => File::open(&path)?.sync_all(),
        "mkdir" => std::fs::create_dir(path),
        "rename" => std::fs::rename(path, dir.join(words[2])),
        "unlink" => std::fs::remove_file(path),
        "copy" => std::fs::copy(path, dir.join(words[2])).map(drop),
        other => panic!("no such step: {other}"),
    }
}

struct Disk {
    scratch: Scratch,
    shim: FaultFs,
}

impl Disk {
    fn new() -> Self {
        let scratch = Scratch::new("faultfs").unwrap();
        let shim =
            FaultFs::new(&scratch.path().join("data"), &scratch.path().join("shim")).unwrap();
        Self { scratch, shim }
    }

    fn run(&self, script: &str) -> ExitStatus {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "faultfs::child", "--nocapture", "--test-threads", "1"])
            .env(SCRIPT, script)
            .envs(self.shim.environment())
            .status()
            .unwrap()
    }

    fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.scratch.path().join("data").join(name)).ok()
    }

    /// Runs `script` and then loses power.
    fn cut(&mut self, script: &str) {
        assert!(self.run(script).success());
        self.shim.power_cut().unwrap();
    }
}

#[test]
fn only_what_was_synced_survives() {
    let mut disk = Disk::new();
    disk.cut("append a one\nsync a\nsyncdir .\nappend a two\nappend b other\nsyncdir .");
    assert_eq!(disk.read("a").as_deref(), Some("one"));
    assert_eq!(disk.read("b").as_deref(), Some(""), "its name was synced, its content was not");
}

#[test]
fn a_new_file_needs_its_directory_synced() {
    let mut disk = Disk::new();
    disk.cut("append a one\nsync a");
    assert_eq!(disk.read("a"), None);
}

#[test]
fn what_was_there_at_the_start_is_durable_and_changes_are_patched_in() {
    let mut disk = Disk::new();
    std::fs::write(disk.scratch.path().join("data/a"), "0123456789").unwrap();
    disk.cut("put a 2 xx\nput a 6 yy\ndatasync a\nput a 0 zz");
    assert_eq!(disk.read("a").as_deref(), Some("01xx45yy89"));
    disk.cut("truncate a 4\nsync a\nappend a tail");
    assert_eq!(disk.read("a").as_deref(), Some("01xx"), "a second cut starts from the first");
    disk.cut("truncate a 2\ntruncate a 4\nsync a");
    assert_eq!(disk.read("a").as_deref(), Some("01\0\0"));
}

#[test]
fn renames_and_unlinks_wait_for_the_directory() {
    let mut disk = Disk::new();
    let base = "append a one\nsync a\nappend b two\nsync b\nsyncdir .\n";
    disk.cut(&format!("{base}rename a b"));
    assert_eq!((disk.read("a").as_deref(), disk.read("b").as_deref()), (Some("one"), Some("two")));
    disk.cut("rename a b\nsyncdir .\nunlink b");
    assert_eq!((disk.read("a"), disk.read("b").as_deref()), (None, Some("one")));
    disk.cut("unlink b\nsyncdir .");
    assert_eq!(disk.read("b"), None);
}

#[test]
fn a_file_that_takes_a_dead_ones_inode_starts_empty() {
    let mut disk = Disk::new();
    disk.cut("append a secret\nsync a\nsyncdir .\nunlink a\nappend b new\nsyncdir .");
    assert_eq!((disk.read("a"), disk.read("b").as_deref()), (None, Some("")));
}

#[test]
fn directories_and_copies_are_watched() {
    let mut disk = Disk::new();
    disk.cut("mkdir d\nsyncdir .\nappend d/a one\nsync d/a\nsyncdir d\ncopy d/a d/b\nsync d/b\nsyncdir d");
    assert_eq!(disk.read("d/a").as_deref(), Some("one"));
    assert_eq!(disk.read("d/b").as_deref(), Some("one"), "copied through write, not around it");
}

#[test]
fn shared_memory_files_are_ignored() {
    let mut disk = Disk::new();
    disk.cut("append a-shm x\nsync a-shm\nsyncdir .");
    assert_eq!(disk.read("a-shm"), None);
}

#[test]
fn rules_fail_the_operations_they_name() {
    let mut disk = Disk::new();
    disk.shim.start_with("fail fsync EIO").unwrap();
    assert_eq!(disk.run("append a one\nsync a").code(), Some(5));
    disk.shim.start_with("fail write ENOSPC").unwrap();
    assert_eq!(disk.run("append a one").code(), Some(28));
    disk.shim.start_with("fail nth=3 EIO").unwrap();
    assert_eq!(disk.run("append a x\nsync a\nsync a").code(), Some(5));
    assert!(disk.run("append a x\nsync a").success());
    disk.shim.start_with("fail rename nth=2 EIO; fail unlink EROFS").unwrap();
    assert_eq!(disk.run("rename a b\nrename b a").code(), Some(5));
    assert_eq!(disk.run("unlink b").code(), Some(30));
    disk.shim.command("off").unwrap();
    assert!(disk.run("append a one\nsync a").success(), "the control file wins");
}

#[test]
fn a_failed_sync_is_final() {
    let mut disk = Disk::new();
    disk.shim.start_with("fail fsync nth=2 EIO").unwrap();
    assert_eq!(disk.run("append a one\nsync a\nappend a two\nsync a").code(), Some(5));
    // The same process would have to write again; what the failed sync held is gone.
    disk.shim.start_with("").unwrap();
    assert!(disk.run("syncdir .\nput a 6 !\nsync a").success());
    disk.shim.power_cut().unwrap();
    assert_eq!(disk.read("a").as_deref(), Some("one\0\0\0!"));
}

#[test]
fn a_lying_sync_succeeds_and_keeps_nothing() {
    let mut disk = Disk::new();
    disk.shim.start_with("lie fsync nth=3").unwrap();
    disk.cut("append a one\nsync a\nsyncdir .\nappend a two\nsync a");
    assert_eq!(disk.read("a").as_deref(), Some("one"));
}

#[test]
fn dying_at_an_operation_leaves_it_undone() {
    let mut disk = Disk::new();
    disk.shim.start_with("die nth=4").unwrap();
    let status = disk.run("append a one\nsync a\nsyncdir .\nappend a two\nsync a");
    assert_eq!(status.code(), Some(86));
    assert_eq!(disk.shim.counts(), (4, 2));
    assert_eq!(disk.read("a").as_deref(), Some("one"));
    disk.shim.power_cut().unwrap();
    assert_eq!(disk.read("a").as_deref(), Some("one"));
}

#[test]
fn torn_writes_keep_whole_blocks_of_what_was_not_synced() {
    let kept = |seed: u64| {
        let mut disk = Disk::new();
        disk.shim = disk.shim.clone().with_torn_writes(seed);
        let fills = "fill a 65536\n".repeat(8);
        disk.cut(&format!("append a x\nsync a\nsyncdir .\n{fills}"));
        disk.read("a").unwrap()
    };
    let seeds: Vec<String> = (1..9).map(kept).collect();
    assert!(seeds.iter().any(|text| text.contains(&"x".repeat(512))), "some blocks are kept");
    assert!(seeds.iter().any(|text| text.len() < 65536 || text.contains('\0')), "some are lost");
    assert_eq!(kept(3), seeds[2], "the same seed keeps the same");
}
