//! Which names somebody may have meant.

/// How many edits a name may be away: a third of its length, at most this.
const MAX_EDITS: usize = 3;
/// Names that are offered.
const MAX_OFFERED: usize = 3;

/// Those of `known` that are near to `name`, the nearest first, in backticks.
pub(crate) fn names(name: &str, known: &[String]) -> Vec<String> {
    let most = (name.len() / 3).clamp(1, MAX_EDITS);
    let measured = known.iter().map(|other| (edits(name, other), other));
    let mut near: Vec<_> = measured.filter(|(edits, _)| *edits <= most).collect();
    near.sort_unstable();
    near.into_iter().take(MAX_OFFERED).map(|(_, other)| format!("`{other}`")).collect()
}

/// Levenshtein's distance in bytes. Names are short.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, a) in from.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (next, b) in to.bytes().enumerate() {
            let replaced = corner + usize::from(a != b);
            corner = row[next + 1];
            row[next + 1] = replaced.min(row[next] + 1).min(corner + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshtein_s() {
        for (from, to, distance) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("serch", "search", 1)]
        {
            assert_eq!(edits(from, to), distance, "{from} {to}");
            assert_eq!(edits(to, from), distance, "{to} {from}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_the_far_not_at_all() {
        let known = ["archive", "search", "searches", "s"].map(str::to_owned);
        assert_eq!(names("serch", &known), ["`search`"]);
        assert_eq!(names("searche", &known), ["`search`", "`searches`"]);
        assert!(names("billing", &known).is_empty());
    }
}
