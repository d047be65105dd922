use std::path::Path;

use rusqlite::ErrorCode;

use crate::{Error, ErrorKind};

/// What was being done to which file.
#[derive(Clone, Copy)]
pub(super) struct Doing<'a>(pub(super) &'a Path, pub(super) &'static str);

/// A SQLite failure in the store's words.
pub(super) fn sqlite_error(error: &rusqlite::Error, doing: Doing<'_>) -> Error {
    let extended = error.sqlite_error().map(|e| e.extended_code);
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ErrorKind::NoSpace,
        // The index of the write-ahead log could not be extended.
        _ if extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) => ErrorKind::NoSpace,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Corrupt,
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            ErrorKind::Unusable
        }
        _ => ErrorKind::Unavailable,
    };
    let Doing(path, what) = doing;
    Error::new(kind, format!("cannot {what} {}: {error}", path.display()))
}

/// A file system failure in the store's words.
pub(super) fn io_error(error: std::io::Error, doing: Doing<'_>) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => ErrorKind::Corrupt,
        _ => ErrorKind::Unavailable,
    };
    let Doing(path, what) = doing;
    Error::new(kind, format!("cannot {what} {}: {error}", path.display())).because(error)
}
