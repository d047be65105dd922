//! Text in which only the element's own end tag is markup (HTML standard, sections 13.2.5.2 to
//! 13.2.5.31).

use memchr::{memchr, memchr2};

use super::attributes::is_space;

/// Where the text from `at` ends: before `</name`, or with the source.
pub(super) fn end(source: &[u8], mut at: usize, name: &str) -> usize {
    while let Some(found) = memchr(b'<', &source[at..]) {
        at += found;
        if is_end_tag(&source[at..], name) {
            return at;
        }
        at += 1;
    }
    source.len()
}

/// Where a script's text from `at` ends. Inside `<!--`, a `<script>` hides the next `</script>`.
pub(super) fn script_end(source: &[u8], mut at: usize) -> usize {
    #[derive(PartialEq)]
    enum State {
        Data,
        Escaped,
        DoubleEscaped,
    }
    let (mut state, mut dashes_from) = (State::Data, 0);
    loop {
        let rest = &source[at..];
        let found =
            if state == State::Data { memchr(b'<', rest) } else { memchr2(b'<', b'>', rest) };
        let Some(found) = found else { return source.len() };
        at += found;
        let here = &source[at..];
        if here[0] == b'>' {
            if source[dashes_from..at].ends_with(b"--") {
                state = State::Data;
            }
        } else if is_end_tag(here, "script") {
            match state {
                State::Data | State::Escaped => return at,
                State::DoubleEscaped => state = State::Escaped,
            }
        } else if state == State::Data {
            if here.starts_with(b"<!--") {
                // "<!-->" is closed already: the dashes may be the same.
                (state, dashes_from) = (State::Escaped, at + 2);
            }
        } else if state == State::Escaped && names(&here[1..], "script") {
            state = State::DoubleEscaped;
        }
        at += 1;
    }
}

fn is_end_tag(here: &[u8], name: &str) -> bool {
    here.get(1) == Some(&b'/') && names(&here[2..], name)
}

/// Whether `here` begins with a tag's whole name.
fn names(here: &[u8], name: &str) -> bool {
    here.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        && here.get(name.len()).is_some_and(|&byte| is_space(byte) || matches!(byte, b'/' | b'>'))
}
