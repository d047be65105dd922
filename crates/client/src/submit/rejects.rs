use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::failure::{Failure, Result};
use crate::out::Out;

/// Refused lines told one by one before the rest is only counted.
const TOLD: u64 = 20;

/// Where refused lines go.
pub(super) struct Rejects {
    out: Out,
    file: Option<(PathBuf, BufWriter<File>)>,
    /// How many there were.
    pub(super) count: u64,
}

impl Rejects {
    pub(super) fn new(out: Out, path: Option<&Path>) -> Result<Self> {
        let open = |path: &Path| match File::create(path) {
            Ok(file) => Ok((path.to_owned(), BufWriter::new(file))),
            Err(error) => Err(Failure::Usage(format!("--rejects {}: {error}", path.display()))),
        };
        Ok(Self { out, file: path.map(open).transpose()?, count: 0 })
    }

    /// Takes a line that was refused, and why. `say` prints a line among others.
    pub(super) fn add(
        &mut self,
        number: u64,
        text: &str,
        why: &str,
        error: Option<&Value>,
        say: impl FnOnce(&str),
    ) -> Result<()> {
        self.count += 1;
        if let Some((path, file)) = &mut self.file {
            let why = why.replace('\n', " ");
            return writeln!(file, "# line {number}: {why}\n{text}").map_err(|error| {
                Failure::Failed(format!("--rejects {}: {error}", path.display()))
            });
        }
        if self.out.is_json() {
            let error = error.cloned().unwrap_or_else(|| json!({"detail": why}));
            return self.out.object(&json!({"line": number, "error": error}));
        }
        if self.count <= TOLD {
            say(&format!("line {number}: {why}"));
        } else if self.count == TOLD + 1 {
            say("further refused lines are only counted: see all of them with --rejects FILE");
        }
        Ok(())
    }

    /// Everything is in the file.
    pub(super) fn end(mut self) -> Result<u64> {
        if let Some((path, file)) = &mut self.file {
            file.flush().map_err(|error| {
                Failure::Failed(format!("--rejects {}: {error}", path.display()))
            })?;
        }
        Ok(self.count)
    }
}
