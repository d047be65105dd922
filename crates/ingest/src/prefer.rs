//! `Prefer` (RFC 7240): what a caller would like, and may not get.

use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What a request prefers, as far as it means anything here. What is not known, or cannot be read,
/// is as if it were not there (§2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefer {
    /// `wait` (§4.3): the answer may take as long, if it can tell more then.
    pub(crate) wait: Option<Duration>,
    /// `return=minimal` (§4.2): only what the caller does not know.
    pub(crate) is_minimal: bool,
}

impl Prefer {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let mut prefer = Self::default();
        let mut seen = (false, false);
        for value in headers.get_all(PREFER) {
            let text = value.to_str().unwrap_or_default();
            for preference in split(text, b',') {
                // Parameters follow; none is known.
                let preference = split(preference, b';').next().unwrap_or_default();
                let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
                let (name, value) = (name.trim(), unquoted(value.trim()));
                // Only the first one of a name counts (§2).
                if name.eq_ignore_ascii_case("wait") && !std::mem::replace(&mut seen.0, true) {
                    prefer.wait = seconds(value);
                }
                if name.eq_ignore_ascii_case("return") && !std::mem::replace(&mut seen.1, true) {
                    prefer.is_minimal = value == "minimal";
                }
            }
        }
        prefer
    }
}

/// Says which preference was heeded (§3).
pub(crate) fn applied(headers: &mut HeaderMap, preference: &str) {
    let value = HeaderValue::try_from(preference).expect("a name and digits");
    headers.insert(PREFERENCE_APPLIED, value);
}

/// The parts between `separator`s that stand outside quotes.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character: char| {
        let is_escaped = escaped;
        escaped = quoted && !is_escaped && character == '\\';
        quoted ^= character == '"' && !is_escaped;
        !quoted && character == char::from(separator)
    })
}

fn unquoted(word: &str) -> &str {
    word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).unwrap_or(word)
}

/// Delta-seconds (RFC 9111 §1.2.2): more digits than can be counted are a long time.
fn seconds(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Prefer {
        let fields = values.iter().map(|value| (PREFER, HeaderValue::from_str(value).unwrap()));
        Prefer::read(&fields.collect())
    }

    fn wait(values: &[&str]) -> Option<u64> {
        read(values).wait.map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_read_in_every_spelling_that_the_grammar_has() {
        for value in ["wait=20", "Wait = 20", "wait=\"20\"", "respond-async, wait=20;foo=\"a,b\""] {
            assert_eq!(wait(&[value]), Some(20), "{value}");
        }
        assert_eq!(wait(&["a=\"x, wait=1\"", "wait=20"]), Some(20));
        assert_eq!(wait(&["a=\"\\\", wait=1\", wait=20"]), Some(20));
        assert_eq!(wait(&["wait=0"]), Some(0));
        assert_eq!(wait(&["wait=99999999999999999999999"]), Some(u64::MAX));
    }

    #[test]
    fn what_cannot_be_read_is_not_there() {
        for value in ["wait", "wait=", "wait=-1", "wait=1.5", "wait=1s", "wait=\"", "waits=3", "="]
        {
            assert_eq!(read(&[value]), Prefer::default(), "{value}");
        }
    }

    #[test]
    fn only_the_first_one_of_a_name_counts() {
        assert_eq!(wait(&["wait=5, wait=6", "wait=7"]), Some(5));
        assert_eq!(wait(&["wait=soon, wait=6"]), None);
    }

    #[test]
    fn a_short_answer_may_be_asked_for() {
        assert!(read(&["return=minimal"]).is_minimal);
        assert!(!read(&["return=representation"]).is_minimal);
    }
}
