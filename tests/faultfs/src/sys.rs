//! The few raw calls the shim needs, none of which can reach an interposed function.

use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use libc::{c_char, c_int, c_long};

/// The status of a process that a rule ended.
pub(crate) const DIED: c_int = 86;

/// The status of a process whose shim could not go on.
const BROKEN: c_int = 87;

pub(crate) fn errno() -> c_int {
    // SAFETY: the location is valid for the life of the calling thread.
    unsafe { *libc::__errno_location() }
}

pub(crate) fn set_errno(errno: c_int) {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno }
}

/// Ends the whole process without running anything else.
pub(crate) fn exit(status: c_int) -> ! {
    // SAFETY: takes no pointers and does not return.
    unsafe {
        libc::syscall(libc::SYS_exit_group, c_long::from(status));
    }
    loop {
        std::thread::park();
    }
}

/// The shim's promise cannot be kept any more: a test on top of it would mean nothing.
pub(crate) fn broken(what: &str, error: &std::io::Error) -> ! {
    let line = format!("faultfs: {what}: {error}\n");
    // SAFETY: the pointer and length are those of a live string.
    unsafe {
        libc::syscall(libc::SYS_write, 2 as c_long, line.as_ptr(), line.len());
    }
    exit(BROKEN)
}

/// What matters of `fstat`.
#[derive(Clone, Copy)]
pub(crate) struct Stat {
    pub(crate) ino: u64,
    pub(crate) size: u64,
    pub(crate) links: u64,
    pub(crate) regular: bool,
    pub(crate) directory: bool,
}

pub(crate) fn stat(fd: c_int) -> Option<Stat> {
    // SAFETY: all-zero is a valid `stat`, and `fstat` fills it.
    let raw = unsafe {
        let mut raw: libc::stat64 = std::mem::zeroed();
        if libc::fstat64(fd, &raw mut raw) != 0 {
            return None;
        }
        raw
    };
    let kind = raw.st_mode & libc::S_IFMT;
    Some(Stat {
        ino: raw.st_ino,
        size: u64::try_from(raw.st_size).unwrap_or(0),
        links: raw.st_nlink,
        regular: kind == libc::S_IFREG,
        directory: kind == libc::S_IFDIR,
    })
}

/// Calls `with` with the path that `fd` stands for, without allocating.
pub(crate) fn fd_path<T>(fd: c_int, with: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let mut link = [0_u8; 32];
    write_fd_link(fd, &mut link)?;
    let mut path = [0_u8; 4096];
    // SAFETY: `link` is NUL-terminated, `path` is as long as said.
    let n = unsafe {
        libc::readlink(link.as_ptr().cast(), path.as_mut_ptr().cast::<c_char>(), path.len())
    };
    let n = usize::try_from(n).ok()?;
    path.get(..n).map(with)
}

fn write_fd_link(fd: c_int, link: &mut [u8; 32]) -> Option<()> {
    use std::io::Write;
    write!(&mut link[..31], "/proc/self/fd/{fd}").ok()
}

/// The position in the file after the last `read` or `write`.
pub(crate) fn position(fd: c_int) -> Option<u64> {
    // SAFETY: takes no pointers.
    u64::try_from(unsafe { libc::lseek64(fd, 0, libc::SEEK_CUR) }).ok()
}

/// `path` as an absolute path with its directory resolved; its last part may not exist.
///
/// # Safety
/// `path` must be null or a NUL-terminated string.
pub(crate) unsafe fn resolve(dir: c_int, path: *const c_char) -> Option<PathBuf> {
    if path.is_null() {
        return None;
    }
    // SAFETY: by the caller's promise.
    let path = Path::new(std::ffi::OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()));
    let base = if path.is_absolute() || dir == libc::AT_FDCWD {
        PathBuf::new()
    } else {
        fd_path(dir, |bytes| PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))?
    };
    let path = base.join(path);
    let name = path.file_name()?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Some(parent.canonicalize().ok()?.join(name))
}
