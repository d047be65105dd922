use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use forward::Verifier;

use super::Listen;
use crate::failure::{Failure, Result};

/// The file that a server keeps its own secret in.
const FILE: &str = "secret";

/// What deliveries are verified with.
pub(super) enum Keyring {
    /// Nothing is verified.
    None,
    /// What was given.
    Given(Vec<Verifier>),
    /// The secret in this file. It may come to be there later: a server makes it at its first start.
    Kept(PathBuf, Mutex<Option<Verifier>>),
}

impl Keyring {
    pub(super) fn new(flags: &Listen) -> Result<Self> {
        if flags.unverified {
            return Ok(Self::None);
        }
        let mut given = Vec::new();
        for text in &flags.secret {
            given.push(text.trim().parse().map_err(|e| usage(format!("--secret: {e}")))?);
        }
        for path in &flags.secret_file {
            let named = |error: String| usage(format!("--secret-file {}: {error}", path.display()));
            let text = fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
            for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let verifier = line.trim().parse();
                given.push(verifier.map_err(|e| named(format!("line {}: {e}", at + 1)))?);
            }
        }
        Ok(match given.is_empty() {
            false => Self::Given(given),
            true => Self::Kept(flags.data_dir.join(FILE), Mutex::default()),
        })
    }

    /// What is known now. `None` when nothing is to be verified; an empty list when there is
    /// nothing to verify with yet.
    pub(super) fn verifiers(&self) -> Option<Vec<Verifier>> {
        match self {
            Self::None => None,
            Self::Given(given) => Some(given.clone()),
            Self::Kept(path, kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.is_none() {
                    *kept = fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok());
                }
                Some(kept.iter().cloned().collect())
            }
        }
    }

    /// For people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::None => "signatures are not verified".to_owned(),
            Self::Given(given) => format!("verifying with {} given", count(given.len())),
            Self::Kept(path, _) if path.exists() => format!("verifying with {}", path.display()),
            Self::Kept(path, _) => format!(
                "there is no secret in {} yet: start the server from this directory, or give \
                 --secret or --data-dir",
                path.display()
            ),
        }
    }
}

fn usage(text: String) -> Failure {
    Failure::Usage(text)
}

fn count(keys: usize) -> String {
    match keys {
        1 => "1 secret".to_owned(),
        more => format!("{more} secrets"),
    }
}
