//! A storage seam for tests: preloaded into a process (`LD_PRELOAD`), it remembers what was really
//! synced, and fails chosen operations. Linux only; elsewhere it compiles to nothing.
//!
//! # What it is given
//! | variable | meaning |
//! | --- | --- |
//! | `FAULTFS_DIR` | the directory to watch; without it everything passes through |
//! | `FAULTFS_SHADOW` | where to keep what is durable; must not lie inside `FAULTFS_DIR` |
//! | `FAULTFS_SEED` | a number: some unsynced blocks reach the shadow early (torn writes) |
//! | `FAULTFS_RULES` | rules to start with, separated by `;` or line ends |
//! | `FAULTFS_CONTROL` | a file with rules; re-read when it changes, and then replaces the others |
//! | `FAULTFS_STATS` | a file of two native-endian `u64`: storage operations, and syncs among them |
//!
//! # A power cut
//! Kill the process with SIGKILL, then take `FAULTFS_SHADOW/tree` as the directory. It holds
//! - of a file: the ranges written before, and the length at the time of, its last successful
//!   `fsync` or `fdatasync`;
//! - of a directory: the names it had at its last successful `fsync`. A new file, a rename or an
//!   unlink is forgotten until then, even when the file itself was synced (stricter than ext4,
//!   which is what POSIX allows). A name synced before its file is an empty file.
//!
//! What is in the directory when the process starts counts as durable, unless the shadow exists
//! already. Files named `*-shm` are ignored. Data written through `mmap`, the renaming of
//! directories, and other processes writing to the directory are not modelled. The real
//! `fsync` is left out while there is a shadow: the shadow stands for the disk.
//!
//! With a seed, each write may also leave a random subset of its blocks (512 bytes to 4 KiB) in the
//! shadow, as a kernel does that writes back whenever it likes.
//!
//! A failed sync is final, as on Linux: what it should have written is dropped, and a later
//! successful sync does not bring it back.
//!
//! # Rules
//! One per line: `fail [CLASS] [nth=N] ERRNO`, `die [CLASS] [nth=N]`, `lie fsync [nth=N]`, or `off`.
//! - `CLASS` is `write` (also `fallocate`), `fsync` (also `fdatasync`), `truncate`, `rename` or
//!   `unlink`; without it every operation matches.
//! - `nth` counts matching operations from 1 since the rule was read, and the rule fires once;
//!   without it the rule fires each time.
//! - `ERRNO` is a name such as `EIO` or `ENOSPC`, or a number.
//! - `fail`: the operation is not made and fails. `die`: it is not made, and the process ends at
//!   once with status 86. `lie`: the sync is not made and succeeds, as on a disk that says so too
//!   early; a test that does not notice is worth nothing.
//!
//! When the shim itself cannot go on it ends the process with status 87.

#![cfg(target_os = "linux")]

mod interpose;
mod rules;
mod shadow;
mod state;
mod sys;
