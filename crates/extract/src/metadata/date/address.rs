//! Dates in the path of an address.

use super::{Stamp, month};

/// Segments of a path that are looked at.
const MAX_SEGMENTS: usize = 32;

/// The date that a path says: `/2023/04/05/`, `/2023/apr/05/`, `/2023-04-05-title`,
/// `/20230405/`, `/title-2023-04-05`. Day and month must both be there.
pub(crate) fn read(path: &str) -> Option<Stamp> {
    let segments: Vec<&str> = path.split('/').take(MAX_SEGMENTS).collect();
    let folders = segments.windows(3).find_map(|three| {
        let year = four(three[0])?;
        let month = two(three[1]).or_else(|| named(three[1]))?;
        // The day may have the title behind it: `/2023/04/05-title`.
        let day = three[2].split(['-', '_', '.']).next().and_then(two)?;
        Stamp::day(year, month, day)
    });
    folders
        .or_else(|| {
            // `/2023/0405/` and `/2023-04/05/`, as Chinese sites write them.
            segments.windows(2).find_map(|pair| {
                let digits: String =
                    pair.concat().chars().filter(|c| !matches!(c, '-' | '_')).collect();
                let both = four(pair[0]).is_some() && pair[1].len() == 4
                    || pair[0].len() == 7 && pair[1].len() == 2;
                both.then(|| eight(&digits)).flatten()
            })
        })
        .or_else(|| segments.iter().find_map(|segment| within(segment)))
}

/// A date among the words of one segment.
fn within(segment: &str) -> Option<Stamp> {
    let words: Vec<&str> = segment.split(['-', '_', '.', ',']).take(64).collect();
    let apart = words.windows(3).find_map(|three| {
        if let Some(year) = four(three[0]) {
            return Stamp::day(year, two(three[1]).or_else(|| named(three[1]))?, two(three[2])?);
        }
        // `05-04-2023` says a month only where the other number cannot be one.
        let year = four(three[2])?;
        if let Some(month) = named(three[1]) {
            return Stamp::day(year, month, two(three[0])?);
        }
        let (first, second) = (two(three[0])?, two(three[1])?);
        let (day, month) = if second > 12 { (second, first) } else { (first, second) };
        (first > 12 || second > 12 || first == second)
            .then(|| Stamp::day(year, month, day))
            .flatten()
    });
    apart.or_else(|| words.iter().find_map(|word| eight(word)))
}

fn number(word: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let fits = digits.contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| word.parse().ok()).flatten()
}

fn four(word: &str) -> Option<u32> {
    number(word, 4..=4)
}

fn two(word: &str) -> Option<u32> {
    number(word, 1..=2)
}

fn named(word: &str) -> Option<u32> {
    month::of(&word.to_ascii_lowercase()).map(u32::from)
}

/// `20230405`, also with a letter before it, as in `t20230405`.
fn eight(word: &str) -> Option<Stamp> {
    let word = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    number(word, 8..=8)?;
    Stamp::day(four(&word[..4])?, two(&word[4..6])?, two(&word[6..])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let cases = [
            ("/2023/04/05/title", Some("2023-04-05")),
            ("/blog/2023/4/5/", Some("2023-04-05")),
            ("/world/2023/dec/21/title", Some("2023-12-21")),
            ("/news/2023/04/05-title.html", Some("2023-04-05")),
            ("/news/2023-04-05/title", Some("2023-04-05")),
            ("/news/title-2023-04-05.html", Some("2023-04-05")),
            ("/a/20230405/1234.html", Some("2023-04-05")),
            ("/202304/t20230405_123.html", Some("2023-04-05")),
            ("/2023-04/05/c_112.htm", Some("2023-04-05")),
            ("/n1/2023/0405/c1-2.html", Some("2023-04-05")),
            ("/event-25-12-2023", Some("2023-12-25")),
            ("/event-05-04-2023", None),
            ("/event-5-apr-2023", Some("2023-04-05")),
            ("/2023/04/title", None),
            ("/2023/13/05/", None),
            ("/id/12345678", None),
            ("/id/20231345", None),
            ("/", None),
        ];
        for (path, expected) in cases {
            let found = read(path).map(|stamp| stamp.to_string());
            assert_eq!(found.as_deref(), expected, "{path}");
        }
    }
}
