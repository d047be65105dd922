//! Which operations fail.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use libc::c_int;

use crate::sys;

/// The kinds of operation that rules tell apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Write,
    Sync,
    Truncate,
    Rename,
    Unlink,
}

#[derive(Clone, Copy)]
enum Action {
    Fail(c_int),
    Die,
    Lie,
}

/// What is to become of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is made.
    Go,
    /// It fails with this error, and is not made.
    Fail(c_int),
    /// It succeeds, and is not made.
    Lie,
}

struct Rule {
    action: Action,
    class: Option<Class>,
    nth: Option<u64>,
    seen: u64,
}

/// The rules in force.
pub(crate) struct Rules {
    control: Option<PathBuf>,
    loaded: Mutex<Loaded>,
    dead: AtomicBool,
    counters: Option<&'static [AtomicU64; 2]>,
}

struct Loaded {
    /// Inode, mtime and size of the control file that was read.
    stamp: Option<(u64, i64, i64, u64)>,
    rules: Vec<Rule>,
}

impl Rules {
    pub(crate) fn new(
        start: &str,
        control: Option<PathBuf>,
        counters: Option<&'static [AtomicU64; 2]>,
    ) -> Self {
        let loaded = Mutex::new(Loaded { stamp: None, rules: parse(start) });
        Self { control, loaded, dead: AtomicBool::new(false), counters }
    }

    /// Counts one operation and judges it.
    pub(crate) fn decide(&self, class: Class) -> Verdict {
        if self.dead.load(Ordering::SeqCst) {
            loop {
                std::thread::park();
            }
        }
        if let Some([operations, syncs]) = self.counters {
            operations.fetch_add(1, Ordering::Relaxed);
            if class == Class::Sync {
                syncs.fetch_add(1, Ordering::Relaxed);
            }
        }
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        self.reload(&mut loaded);
        let mut action = None;
        for rule in &mut loaded.rules {
            if rule.class.is_some_and(|wanted| wanted != class) {
                continue;
            }
            rule.seen += 1;
            if rule.nth.is_none_or(|nth| nth == rule.seen) && action.is_none() {
                action = Some(rule.action);
            }
        }
        match action {
            None => Verdict::Go,
            Some(Action::Fail(errno)) => Verdict::Fail(errno),
            Some(Action::Lie) => Verdict::Lie,
            Some(Action::Die) => {
                self.dead.store(true, Ordering::SeqCst);
                sys::exit(sys::DIED)
            }
        }
    }

    fn reload(&self, loaded: &mut Loaded) {
        let Some(control) = &self.control else { return };
        let Ok(meta) = std::fs::metadata(control) else {
            return;
        };
        let stamp = Some((meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.size()));
        if loaded.stamp == stamp {
            return;
        }
        match std::fs::read_to_string(control) {
            Ok(text) => *loaded = Loaded { stamp, rules: parse(&text) },
            Err(error) => sys::broken("cannot read FAULTFS_CONTROL", &error),
        }
    }
}

fn parse(text: &str) -> Vec<Rule> {
    text.split(['\n', ';'])
        .map(str::trim)
        .filter(|line| !line.is_empty() && *line != "off" && !line.starts_with('#'))
        .map(|line| match parse_line(line) {
            Some(rule) => rule,
            None => sys::broken(line, &std::io::Error::other("not a rule")),
        })
        .collect()
}

fn parse_line(line: &str) -> Option<Rule> {
    let mut words = line.split_whitespace().peekable();
    let verb = words.next()?;
    let mut rule = Rule { action: Action::Die, class: None, nth: None, seen: 0 };
    let mut errno = None;
    for word in words {
        if let Some(nth) = word.strip_prefix("nth=") {
            rule.nth = Some(nth.parse().ok()?);
        } else if let Some(class) = class(word) {
            rule.class = Some(class);
        } else {
            errno = Some(number(word)?);
        }
    }
    match (verb, errno) {
        ("fail", Some(errno)) => rule.action = Action::Fail(errno),
        ("die", None) => {}
        ("lie", None) if rule.class == Some(Class::Sync) => rule.action = Action::Lie,
        _ => return None,
    }
    Some(rule)
}

fn class(word: &str) -> Option<Class> {
    Some(match word {
        "write" => Class::Write,
        "fsync" => Class::Sync,
        "truncate" => Class::Truncate,
        "rename" => Class::Rename,
        "unlink" => Class::Unlink,
        _ => return None,
    })
}

fn number(word: &str) -> Option<c_int> {
    Some(match word {
        "EIO" => libc::EIO,
        "ENOSPC" => libc::ENOSPC,
        "EDQUOT" => libc::EDQUOT,
        "EROFS" => libc::EROFS,
        "EACCES" => libc::EACCES,
        "EINTR" => libc::EINTR,
        "EFBIG" => libc::EFBIG,
        other => return other.parse().ok().filter(|errno| *errno > 0),
    })
}
