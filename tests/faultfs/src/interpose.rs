//! The functions of libc that this library stands in for.
//!
//! Each makes the real call as a raw system call, so that nothing here can call itself, and has the
//! contract of the function it stands in for.

use libc::{c_char, c_int, c_long, c_uint, c_void, iovec, off64_t, size_t, ssize_t};

use crate::rules::Class;
use crate::{state, sys};

/// A raw system call. The arguments must be what the call expects.
macro_rules! raw {
    ($number:ident $(, $argument:expr)* $(,)?) => {
        // SAFETY: the arguments are passed on as the caller of the libc function gave them.
        unsafe { libc::syscall(libc::$number $(, $argument)*) }
    };
}

fn start(offset: off64_t) -> Option<u64> {
    u64::try_from(offset).ok()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    state::write(fd, None, || raw!(SYS_write, fd, bytes, count) as ssize_t)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(
    fd: c_int,
    bytes: *const c_void,
    count: size_t,
    offset: off64_t,
) -> ssize_t {
    state::write(fd, start(offset), || raw!(SYS_pwrite64, fd, bytes, count, offset) as ssize_t)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(
    fd: c_int,
    bytes: *const c_void,
    count: size_t,
    offset: off64_t,
) -> ssize_t {
    state::write(fd, start(offset), || raw!(SYS_pwrite64, fd, bytes, count, offset) as ssize_t)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    state::write(fd, None, || raw!(SYS_writev, fd, parts, c_long::from(count)) as ssize_t)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwritev(
    fd: c_int,
    parts: *const iovec,
    count: c_int,
    offset: off64_t,
) -> ssize_t {
    // The kernel takes the offset in two halves; on 64-bit targets the first holds all of it.
    state::write(fd, start(offset), || {
        raw!(SYS_pwritev, fd, parts, c_long::from(count), offset, 0 as c_long) as ssize_t
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwritev64(
    fd: c_int,
    parts: *const iovec,
    count: c_int,
    offset: off64_t,
) -> ssize_t {
    state::write(fd, start(offset), || {
        raw!(SYS_pwritev, fd, parts, c_long::from(count), offset, 0 as c_long) as ssize_t
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate64(fd: c_int, len: off64_t) -> c_int {
    state::truncate(fd, start(len).unwrap_or(0), || raw!(SYS_ftruncate, fd, len) as c_int)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate(fd: c_int, len: off64_t) -> c_int {
    state::truncate(fd, start(len).unwrap_or(0), || raw!(SYS_ftruncate, fd, len) as c_int)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fallocate(fd: c_int, mode: c_int, at: off64_t, len: off64_t) -> c_int {
    state::allocate(fd, start(at).unwrap_or(0), start(len).unwrap_or(0), || {
        raw!(SYS_fallocate, fd, mode, at, len) as c_int
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fallocate64(fd: c_int, mode: c_int, at: off64_t, len: off64_t) -> c_int {
    state::allocate(fd, start(at).unwrap_or(0), start(len).unwrap_or(0), || {
        raw!(SYS_fallocate, fd, mode, at, len) as c_int
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    state::sync(fd, || raw!(SYS_fsync, fd) as c_int)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    state::sync(fd, || raw!(SYS_fdatasync, fd) as c_int)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: by libc's contract.
    unsafe { rename_at(libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn renameat(
    from_dir: c_int,
    from: *const c_char,
    to_dir: c_int,
    to: *const c_char,
) -> c_int {
    // SAFETY: by libc's contract.
    unsafe { rename_at(from_dir, from, to_dir, to, 0) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn renameat2(
    from_dir: c_int,
    from: *const c_char,
    to_dir: c_int,
    to: *const c_char,
    flags: c_uint,
) -> c_int {
    // SAFETY: by libc's contract.
    unsafe { rename_at(from_dir, from, to_dir, to, flags) }
}

unsafe fn rename_at(
    from_dir: c_int,
    from: *const c_char,
    to_dir: c_int,
    to: *const c_char,
    flags: c_uint,
) -> c_int {
    // SAFETY: by libc's contract.
    let touched = unsafe { [sys::resolve(from_dir, from), sys::resolve(to_dir, to)] };
    let victim = if flags & libc::RENAME_EXCHANGE == 0 { touched[1].as_deref() } else { None };
    state::names(Class::Rename, &touched, victim, || {
        raw!(SYS_renameat2, from_dir, from, to_dir, to, flags) as c_int
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: by libc's contract.
    let touched = unsafe { [sys::resolve(libc::AT_FDCWD, path)] };
    state::names(Class::Unlink, &touched, touched[0].as_deref(), || {
        raw!(SYS_unlinkat, libc::AT_FDCWD, path, 0 as c_int) as c_int
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlinkat(dir: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: by libc's contract.
    let touched = unsafe { [sys::resolve(dir, path)] };
    state::names(Class::Unlink, &touched, touched[0].as_deref(), || {
        raw!(SYS_unlinkat, dir, path, flags) as c_int
    })
}

/// Refused for watched files, so that the caller falls back to `write`, which is watched.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn copy_file_range(
    from: c_int,
    from_at: *mut off64_t,
    to: c_int,
    to_at: *mut off64_t,
    count: size_t,
    flags: c_uint,
) -> ssize_t {
    if state::is_watched(to) {
        sys::set_errno(libc::ENOSYS);
        return -1;
    }
    raw!(SYS_copy_file_range, from, from_at, to, to_at, count, flags) as ssize_t
}

/// Refused for watched files, as `copy_file_range` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendfile64(
    to: c_int,
    from: c_int,
    at: *mut off64_t,
    count: size_t,
) -> ssize_t {
    if state::is_watched(to) {
        sys::set_errno(libc::EINVAL);
        return -1;
    }
    raw!(SYS_sendfile, to, from, at, count) as ssize_t
}
