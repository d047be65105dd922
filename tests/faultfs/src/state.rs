//! One process's view: what is watched, and what happens to each operation on it.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use libc::c_int;

use crate::rules::{Class, Rules, Verdict};
use crate::shadow::{Dirty, Shadow, is_ignored, next};
use crate::sys::{self, Stat};

static STATE: OnceLock<State> = OnceLock::new();

pub(crate) struct State {
    root: PathBuf,
    shadow: Option<Shadow>,
    rules: Rules,
    dirty: Mutex<(Dirty, Option<u64>)>,
    /// One sync at a time: none may return before the data another one took over is in the shadow.
    syncing: Mutex<()>,
}

/// Runs when the library is loaded, before `main`: what is in the directory now is durable.
#[used]
#[unsafe(link_section = ".init_array")]
static LOAD: extern "C" fn() = load;

extern "C" fn load() {
    let Some(root) = std::env::var_os("FAULTFS_DIR") else {
        return;
    };
    let root = std::fs::create_dir_all(&root).and_then(|()| Path::new(&root).canonicalize());
    let root = root.unwrap_or_else(|error| sys::broken("cannot use FAULTFS_DIR", &error));
    let shadow = std::env::var_os("FAULTFS_SHADOW").map(|at| {
        Shadow::open(Path::new(&at), &root)
            .unwrap_or_else(|error| sys::broken("cannot use FAULTFS_SHADOW", &error))
    });
    let seed = std::env::var("FAULTFS_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let start = std::env::var("FAULTFS_RULES").unwrap_or_default();
    let control = std::env::var_os("FAULTFS_CONTROL").map(PathBuf::from);
    let counters =
        std::env::var_os("FAULTFS_STATS").and_then(|path| map_counters(Path::new(&path)));
    let _ = STATE.set(State {
        root,
        shadow,
        rules: Rules::new(&start, control, counters),
        dirty: Mutex::new((
            Dirty::default(),
            seed.map(|seed| seed.wrapping_mul(2).wrapping_add(1)),
        )),
        syncing: Mutex::new(()),
    });
}

fn map_counters(path: &Path) -> Option<&'static [AtomicU64; 2]> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).ok()?;
    file.set_len(16).ok()?;
    // SAFETY: a fresh shared mapping of 16 bytes, page-aligned, never unmapped; atomics may be
    // shared with other processes that only read.
    unsafe {
        let at = libc::mmap(
            std::ptr::null_mut(),
            16,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        );
        (at != libc::MAP_FAILED).then(|| &*at.cast::<[AtomicU64; 2]>())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fails the operation that is under way.
fn refuse<T: From<i8>>(errno: c_int) -> T {
    sys::set_errno(errno);
    T::from(-1)
}

impl State {
    /// The file behind `fd` when it is one that is watched.
    fn watched(&self, fd: c_int) -> Option<Stat> {
        let stat = sys::stat(fd)?;
        if !(stat.regular || stat.directory) || stat.links == 0 {
            return None;
        }
        sys::fd_path(fd, |path| self.covers(Path::new(OsStr::from_bytes(path))))?.then_some(stat)
    }

    fn covers(&self, path: &Path) -> bool {
        path.starts_with(&self.root) && !is_ignored(path)
    }
}

/// The watched file behind `fd`, with errno left as it was.
fn find(fd: c_int) -> Option<(&'static State, Stat)> {
    let state = STATE.get()?;
    let errno = sys::errno();
    let found = state.watched(fd).map(|stat| (state, stat));
    sys::set_errno(errno);
    found
}

/// Whether `fd` is a watched file.
pub(crate) fn is_watched(fd: c_int) -> bool {
    find(fd).is_some()
}

/// A write of some kind: `real` makes it, at `offset` or at the file's position.
pub(crate) fn write(fd: c_int, offset: Option<u64>, real: impl FnOnce() -> isize) -> isize {
    let Some((state, stat)) = find(fd) else {
        return real();
    };
    if let Verdict::Fail(errno) = state.rules.decide(Class::Write) {
        return refuse::<isize>(errno);
    }
    let mut dirty = lock(&state.dirty);
    let written = real();
    let errno = sys::errno();
    if let Ok(n @ 1..) = u64::try_from(written) {
        let start = match offset {
            Some(start) => Some(start),
            None => sys::position(fd).and_then(|end| end.checked_sub(n)),
        };
        if let Some(start) = start {
            state.wrote(fd, &stat, (start, start + n), &mut dirty);
        }
    }
    sys::set_errno(errno);
    written
}

impl State {
    fn wrote(
        &self,
        fd: c_int,
        stat: &Stat,
        range: (u64, u64),
        (dirty, seed): &mut (Dirty, Option<u64>),
    ) {
        dirty.add(stat.ino, range.0, range.1);
        let (Some(shadow), Some(random)) = (&self.shadow, seed) else {
            return;
        };
        if next(random).is_multiple_of(8)
            && let Err(error) = shadow.leak(fd, stat.ino, range, random)
        {
            sys::broken("cannot keep a torn write", &error);
        }
    }
}

/// `fallocate`, which writes zeros as far as the shadow is concerned.
pub(crate) fn allocate(fd: c_int, start: u64, len: u64, real: impl FnOnce() -> c_int) -> c_int {
    let Some((state, stat)) = find(fd) else {
        return real();
    };
    if let Verdict::Fail(errno) = state.rules.decide(Class::Write) {
        return refuse(errno);
    }
    let done = real();
    if done == 0 {
        lock(&state.dirty).0.add(stat.ino, start, start.saturating_add(len));
    }
    done
}

/// `ftruncate` to `len`.
pub(crate) fn truncate(fd: c_int, len: u64, real: impl FnOnce() -> c_int) -> c_int {
    let Some((state, stat)) = find(fd) else {
        return real();
    };
    if let Verdict::Fail(errno) = state.rules.decide(Class::Truncate) {
        return refuse(errno);
    }
    let done = real();
    if done == 0 {
        // What was cut off reads as zeros if the file grows again before it is synced.
        lock(&state.dirty).0.add(stat.ino, len, stat.size);
    }
    done
}

/// `fsync` or `fdatasync`.
pub(crate) fn sync(fd: c_int, real: impl FnOnce() -> c_int) -> c_int {
    let Some((state, stat)) = find(fd) else {
        return real();
    };
    let _one = lock(&state.syncing);
    let ranges = lock(&state.dirty).0.take(stat.ino);
    match state.rules.decide(Class::Sync) {
        Verdict::Go => {}
        Verdict::Fail(errno) => return refuse(errno),
        Verdict::Lie => return 0,
    }
    let Some(shadow) = &state.shadow else {
        return real();
    };
    let errno = sys::errno();
    // The length may have grown since `find`.
    let size = sys::stat(fd).map_or(stat.size, |stat| stat.size);
    let synced = if stat.regular {
        shadow.sync_file(fd, stat.ino, size, &ranges)
    } else {
        sys::fd_path(fd, |path| PathBuf::from(OsStr::from_bytes(path)))
            .as_deref()
            .and_then(|path| Some((path, path.strip_prefix(&state.root).ok()?)))
            .map_or(Ok(()), |(path, inside)| shadow.sync_directory(path, inside))
    };
    if let Err(error) = synced {
        sys::broken("cannot keep what was synced", &error);
    }
    sys::set_errno(errno);
    0
}

/// A name goes (`unlink`) or is replaced (`rename` to it): `class` says which.
///
/// `touched` are all names that take part, `victim` the one whose file may lose its last link.
pub(crate) fn names(
    class: Class,
    touched: &[Option<PathBuf>],
    victim: Option<&Path>,
    real: impl FnOnce() -> c_int,
) -> c_int {
    let Some(state) = STATE.get() else {
        return real();
    };
    if !touched.iter().flatten().any(|path| state.covers(path)) {
        return real();
    }
    if let Verdict::Fail(errno) = state.rules.decide(class) {
        return refuse(errno);
    }
    let dying = victim
        .filter(|path| state.covers(path))
        .and_then(|path| std::fs::symlink_metadata(path).ok())
        .filter(|meta| meta.is_file() && meta.nlink() == 1);
    let _one = lock(&state.syncing);
    let done = real();
    let errno = sys::errno();
    if let (0, Some(meta)) = (done, dying) {
        lock(&state.dirty).0.take(meta.ino());
        if let Some(shadow) = &state.shadow {
            shadow.forget(meta.ino());
        }
    }
    sys::set_errno(errno);
    done
}
