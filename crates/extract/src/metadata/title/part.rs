//! Titles with the name of the site before or behind.

use super::super::site::Site;
use super::super::squeeze::folded;

/// Signs between a title and the name of a site, each with its blanks.
const SEPARATORS: [&str; 14] = [
    " | ", " - ", " – ", " — ", " :: ", " » ", " « ", " · ", " • ", " / ", " : ", " ~ ", "_", " < ",
];

/// Parts that are taken off.
const MAX_PARTS: usize = 4;

/// `title` without the parts at its ends that are the name of the site.
pub(super) fn without_site<'a>(title: &'a str, site: &Site) -> &'a str {
    let mut rest = title;
    for _ in 0..MAX_PARTS {
        let Some(shorter) = behind(rest, site).or_else(|| before(rest, site)) else { break };
        if shorter.is_empty() {
            break;
        }
        rest = shorter;
    }
    rest
}

fn behind<'a>(title: &'a str, site: &Site) -> Option<&'a str> {
    SEPARATORS.iter().chain(&["|", ": "]).find_map(|separator| {
        let (rest, last) = title.rsplit_once(separator)?;
        site.resembles(last).then(|| rest.trim())
    })
}

fn before<'a>(title: &'a str, site: &Site) -> Option<&'a str> {
    SEPARATORS.iter().chain(&["|", ": "]).find_map(|separator| {
        let (first, rest) = title.split_once(separator)?;
        site.resembles(first).then(|| rest.trim())
    })
}

/// Words of a title that must be left when a kicker is taken off.
const MIN_WORDS: usize = 3;

/// `heading` without a rubric before it, where one of `claims` is just the
/// rest: `Opinion | Tea is better` is called `Tea is better` elsewhere.
pub(super) fn without_kicker<'h, 'c>(
    heading: &'h str,
    claims: impl Iterator<Item = &'c str>,
) -> Option<&'h str> {
    let whole = folded(heading);
    claims
        .filter_map(|claim| {
            let claim = folded(claim);
            let words = claim.split(' ').count();
            if claim.len() >= whole.len() || words < MIN_WORDS {
                return None;
            }
            // Where the folded rest begins is found again in the heading itself.
            if whole.strip_suffix(claim.as_str()).is_some_and(|rest| rest.ends_with(' ')) {
                starts(heading).find(|&at| folded(&heading[at..]) == claim).map(|at| &heading[at..])
            } else {
                None
            }
        })
        .max_by_key(|rest| rest.len())
}

/// Where words begin, quotes before them included.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    let opens = |c: char| {
        c.is_alphanumeric() || matches!(c, '"' | '“' | '„' | '«' | '‘' | '\'' | '¿' | '¡')
    };
    text.char_indices()
        .filter(move |&(at, c)| opens(c) && text[..at].ends_with(char::is_whitespace))
        .map(|(at, _)| at)
}
