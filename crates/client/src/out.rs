use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use serde_json::Value;

use crate::failure::{Failure, Result};

/// Where a command prints: data to standard output, the rest to standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    json: bool,
    colour: bool,
    /// Where tests read what is printed.
    #[cfg(test)]
    held: Option<&'static std::sync::Mutex<[String; 2]>>,
}

/// Colours of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// It went well.
    Good,
    /// It is under way.
    Busy,
    /// It went wrong.
    Bad,
    /// Of less interest.
    Faint,
}

impl Out {
    pub(crate) fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let able = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let colour = wanted && able && io::stdout().is_terminal();
        Self {
            json,
            colour,
            #[cfg(test)]
            held: None,
        }
    }

    /// Prints into memory, without colours.
    #[cfg(test)]
    pub(crate) fn held(json: bool) -> Self {
        let held = Box::leak(Box::new(std::sync::Mutex::default()));
        Self { json, colour: false, held: Some(held) }
    }

    /// What was printed as data, and what besides.
    #[cfg(test)]
    pub(crate) fn printed(self) -> [String; 2] {
        self.held.unwrap().lock().unwrap().clone()
    }

    /// Whether a program reads.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Whether somebody watches who may be shown how it goes on.
    pub(crate) fn is_watched(self) -> bool {
        #[cfg(test)]
        if self.held.is_some() {
            return false;
        }
        !self.json && io::stderr().is_terminal()
    }

    /// Prints a line.
    pub(crate) fn line(self, text: impl Display) -> Result<()> {
        self.bytes(text.to_string().as_bytes())
    }

    /// Prints an object on a line.
    pub(crate) fn object(self, value: &Value) -> Result<()> {
        self.line(value)
    }

    /// Prints bytes as they are, with a line feed at their end.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<()> {
        let end: &[u8] = if bytes.ends_with(b"\n") { b"" } else { b"\n" };
        #[cfg(test)]
        if let Some(held) = self.held {
            let text = String::from_utf8_lossy(&[bytes, end].concat()).into_owned();
            held.lock().unwrap()[0].push_str(&text);
            return Ok(());
        }
        let mut to = io::stdout().lock();
        written(to.write_all(bytes).and_then(|()| to.write_all(end)).and_then(|()| to.flush()))
    }

    /// Says something that is no data.
    pub(crate) fn note(self, text: impl Display) {
        #[cfg(test)]
        if let Some(held) = self.held {
            held.lock().unwrap()[1].push_str(&format!("{text}\n"));
            return;
        }
        // Nobody listens: so be it.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Says what went wrong, and answers the exit code.
    pub(crate) fn tell(self, failure: &Failure) -> ExitCode {
        self.complain(failure);
        failure.code().into()
    }

    /// Says what went wrong with one of several.
    pub(crate) fn complain(self, failure: &Failure) {
        let said = match self.json {
            true => failure.document(),
            false => failure.message().map(|message| format!("error: {message}")),
        };
        if let Some(said) = said {
            self.note(said);
        }
    }

    /// The text in a colour, where colours are seen.
    pub(crate) fn paint(self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Good => 32,
            Tone::Busy => 33,
            Tone::Bad => 31,
            Tone::Faint => 2,
        };
        match self.colour {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

fn written(result: io::Result<()>) -> Result<()> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Failed(format!("cannot write to standard output: {error}")),
    })
}

impl Tone {
    /// The colour of a job's, a batch's or a redrive's status.
    pub(crate) fn of(status: &str) -> Self {
        match status {
            "delivered" | "fetched" | "done" | "completed" | "ok" | "closed" => Self::Good,
            "failed" | "undelivered" | "open" | "disabled" => Self::Bad,
            "fetching" | "delivering" | "running" | "half_open" => Self::Busy,
            "cancelled" | "unchanged" | "stopped" | "paused" => Self::Faint,
            _ => Self::Plain,
        }
    }
}
