//! Regular expressions whose cost is known.

use regex::{Error, Regex, RegexBuilder};
use regex_syntax::Parser;
use regex_syntax::hir::{Hir, HirKind};

/// Longest expression.
const MAX_REGEX_BYTES: usize = 1024;

/// Largest compiled expression: about ten times `\w`, compiled in a few milliseconds.
const MAX_COMPILED_BYTES: usize = 512 * 1024;

/// The cache of automaton states that a search may fill.
const MAX_CACHE_BYTES: usize = 512 * 1024;

/// Groups within groups; what reads expressions recurses.
const MAX_NESTING: u32 = 32;

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    /// Characters and classes in it, repetitions written out: at worst the search looks at every
    /// one of them for every byte of a text.
    positions: u64,
}

impl Pattern {
    /// Reads an expression; an error is what is wrong with it.
    pub(super) fn compile(regex: &str) -> Result<Self, String> {
        if regex.len() > MAX_REGEX_BYTES {
            return Err(format!("the expression is longer than {MAX_REGEX_BYTES} bytes"));
        }
        let built = RegexBuilder::new(regex)
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_CACHE_BYTES)
            .nest_limit(MAX_NESTING)
            .build();
        match built {
            Ok(compiled) => Ok(Self { regex: compiled, positions: positions(regex) }),
            Err(Error::CompiledTooBig(_)) => {
                Err("the expression is too big when compiled: repeat less".to_owned())
            }
            Err(error) => Err(in_one_line(&error)),
        }
    }

    /// What a search in a text of so many bytes costs at worst, in looks at one character.
    pub(super) fn cost(&self, bytes: usize) -> u64 {
        self.positions.saturating_mul(bytes as u64)
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

fn positions(regex: &str) -> u64 {
    // One that `regex` has compiled can be parsed; if not it would only be thought dear.
    Parser::new().parse(regex).map_or(u64::MAX, |hir| count(&hir)).max(1)
}

/// Recurses as deep as [`MAX_NESTING`] lets expressions be.
fn count(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty => 0,
        HirKind::Look(_) | HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Capture(capture) => count(&capture.sub),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            count(&repetition.sub).saturating_mul(times.into())
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(count).fold(0, u64::saturating_add)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_known() {
        let cost = |regex| Pattern::compile(regex).unwrap().cost(10);
        assert_eq!(cost(r"\d+"), 10);
        assert_eq!(cost(r"a(b|c)?$"), 30);
        assert_eq!(cost(r"(?:[ab]{2,50}c){3}"), 3 * 51 * 10);
        assert_eq!(cost(""), 10);
    }

    #[test]
    fn the_first_group_counts() {
        let find = |regex, text| Pattern::compile(regex).unwrap().find(text).map(str::to_owned);
        assert_eq!(find(r"\d+", "a 12 34").as_deref(), Some("12"));
        assert_eq!(find(r"(\d)(\d)", "a 12 34").as_deref(), Some("1"));
        assert_eq!(find(r"(x)?\d", "a 12 34"), None);
        assert_eq!(find(r"(?:x)?\d", "a 12 34").as_deref(), Some("1"));
        assert_eq!(find(r"z", "a 12 34"), None);
    }
}
