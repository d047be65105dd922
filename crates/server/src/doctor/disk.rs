//! The data directory.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::Finding;
use super::net::Running;
use crate::byte_size::ByteSize;
use crate::check::Settings;
use crate::cli::{Options, StoreKind};
use crate::open;

/// What these lines are called.
const NAME: &str = "data-dir";
const SPACE: &str = "disk";
/// Less than this and the next few pages fill it.
const SCARCE_BYTES: u64 = 100_000_000;
/// Less than this is soon used up.
const LITTLE_BYTES: u64 = 2_000_000_000;

pub(super) fn data_directory(
    options: &Options,
    settings: Option<&Settings>,
    running: Running,
) -> Vec<Finding> {
    if options.store == StoreKind::Memory {
        let detail = "in memory: nothing survives a restart";
        return vec![Finding::warn(NAME, detail, "--store sqlite for what must not be lost")];
    }
    let dir = options.data_dir.as_path();
    let mut findings = vec![match dir.exists() {
        true => existing(dir, settings, running),
        false => absent(dir),
    }];
    findings.extend(nearest(dir).map(|there| space(&there)));
    findings
}

/// It is made at the first start, if that may be.
fn absent(dir: &Path) -> Finding {
    let shown = dir.display();
    let written = nearest(dir).map(|there| writable(&there));
    match written {
        Some(Ok(())) => Finding::ok(NAME, format!("{shown} is not there: it will be made")),
        Some(Err(error)) => Finding::fail(
            NAME,
            format!("{shown} is not there and cannot be made: {error}"),
            "make it for this user, or choose another --data-dir",
        ),
        None => Finding::fail(NAME, format!("{shown} is nowhere"), "choose another --data-dir"),
    }
}

fn existing(dir: &Path, settings: Option<&Settings>, running: Running) -> Finding {
    let shown = dir.display();
    if !dir.is_dir() {
        return Finding::fail(
            NAME,
            format!("{shown} is no directory"),
            "choose another --data-dir",
        );
    }
    if let Err(error) = writable(dir) {
        return Finding::fail(
            NAME,
            format!("{shown} cannot be written to: {error}"),
            "see to its owner and rights, or choose another --data-dir",
        );
    }
    match (is_in_use(dir), running) {
        (true, Running::Pagewire) => {
            return Finding::ok(NAME, format!("{shown} is in use by the server that runs"));
        }
        (true, _) => {
            return Finding::fail(
                NAME,
                format!("{shown} is in use by another process, which does not listen on --listen"),
                "stop that one, or choose another --data-dir",
            );
        }
        (false, _) => {}
    }
    match settings.filter(|_| dir.join("pagewire.db").exists()).map(|all| open::store(all)()) {
        None => Finding::ok(NAME, format!("{shown} can be written to; there is no store in it")),
        Some(Ok(store)) => Finding::ok(
            NAME,
            format!("{shown} opens; {} jobs are under way", store.counts().live()),
        ),
        Some(Err(failure)) => Finding::fail(NAME, failure.message(), "no server starts like this"),
    }
}

/// Whether another process holds the lock of a store.
pub(super) fn is_in_use(dir: &Path) -> bool {
    let lock = File::options().write(true).open(dir.join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Whether a file can be made there.
fn writable(dir: &Path) -> std::io::Result<()> {
    let path = dir.join(format!(".pagewire-doctor-{}", std::process::id()));
    File::create(&path)?;
    fs::remove_file(path)
}

/// The directory itself, or the nearest one above it that is there.
fn nearest(dir: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(dir).ok()?;
    whole.ancestors().find(|above| above.is_dir()).map(Path::to_owned)
}

fn space(dir: &Path) -> Finding {
    let free = match rustix::fs::statvfs(dir) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            let detail = format!("how much is free cannot be told: {error}");
            return Finding::warn(SPACE, detail, "see to it by `df`");
        }
    };
    let detail = format!("{} free", ByteSize(free / 1_000_000 * 1_000_000));
    let remedy = "make room, shorten --retain, or choose a --data-dir on another disk";
    match free {
        ..SCARCE_BYTES => Finding::fail(SPACE, detail, remedy),
        SCARCE_BYTES..LITTLE_BYTES => Finding::warn(SPACE, detail, remedy),
        _ => Finding::ok(SPACE, detail),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_is_made_below_one_that_is() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(absent(&dir.path().join("a/b")).result, Verdict::Ok);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "it leaves nothing behind");
    }

    #[test]
    fn a_file_and_a_lock_are_told_from_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(existing(&file, None, Running::Nothing).result, Verdict::Fail);
        assert_eq!(existing(dir.path(), None, Running::Nothing).result, Verdict::Ok);

        let lock = File::create(dir.path().join("lock")).unwrap();
        lock.try_lock().unwrap();
        assert!(is_in_use(dir.path()));
        assert_eq!(existing(dir.path(), None, Running::Nothing).result, Verdict::Fail);
        assert_eq!(existing(dir.path(), None, Running::Pagewire).result, Verdict::Ok);
    }
}
