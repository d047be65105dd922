//! Titles with the name of the site before or behind.

use super::super::site::Site;

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
