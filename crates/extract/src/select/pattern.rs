//! Regular expressions whose cost is known.

use regex::{Error, Regex, RegexBuilder};

/// Longest expression.
const MAX_REGEX_BYTES: usize = 1024;

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
}

impl Pattern {
    /// Reads an expression; an error is what is wrong with it.
    pub(super) fn compile(regex: &str) -> Result<Self, String> {
        if regex.len() > MAX_REGEX_BYTES {
            return Err(format!("the expression is longer than {MAX_REGEX_BYTES} bytes"));
        }
        match RegexBuilder::new(regex).size_limit(1 << 20).dfa_size_limit(1 << 20).build() {
            Ok(regex) => Ok(Self { regex }),
            Err(Error::CompiledTooBig(_)) => {
                Err("the expression is too big when compiled: repeat less".to_owned())
            }
            Err(error) => Err(in_one_line(&error)),
        }
    }

    /// The first group of the first match; the match itself where the expression has no group.
    pub(super) fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.regex.captures_len() == 1 {
            return self.regex.find(text).map(|found| found.as_str());
        }
        self.regex.captures(text)?.get(1).map(|found| found.as_str())
    }
}

/// An error without the picture that `regex` draws of it.
fn in_one_line(error: &Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!("not a regular expression: {}", last.strip_prefix("error: ").unwrap_or(last))
}
