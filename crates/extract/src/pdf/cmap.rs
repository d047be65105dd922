//! Which characters the codes of a font stand for: `ToUnicode` (ISO 32000-1, section 9.10.3).

use super::lexer::{Lexer, Part, Value, Work};

/// Codes and ranges of one font.
const MAX_ENTRIES: usize = 70_000;

/// Operands of one list; the standard allows 300.
const MAX_OPERANDS: usize = 30_000;

/// Characters that one code stands for.
const MAX_CHARS: usize = 32;

#[derive(Debug)]
enum Target {
    /// The character of the first code; those after it follow.
    From(u32),
    Text(Box<str>),
}

#[derive(Debug)]
struct Entry {
    first: u32,
    last: u32,
    target: Target,
}

/// Codes and their characters.
#[derive(Debug)]
pub(super) struct CMap {
    /// By their first code.
    entries: Vec<Entry>,
}

impl CMap {
    pub(super) fn read(source: &[u8], work: &Work) -> Self {
        let mut lexer = Lexer::new(source, work);
        let mut entries = Vec::new();
        let mut operands = Vec::new();
        while let Some(part) = lexer.part() {
            match part {
                Part::Operand(value) if operands.len() < MAX_OPERANDS => operands.push(value),
                Part::Operand(_) => {}
                Part::Operator(b"endbfchar") => {
                    for pair in operands.chunks_exact(2) {
                        if let Some(code) = code(pair[0]) {
                            add(&mut entries, code, code, target(pair[1]));
                        }
                    }
                    operands.clear();
                }
                Part::Operator(b"endbfrange") => {
                    for three in operands.chunks_exact(3) {
                        if let (Some(first), Some(last)) = (code(three[0]), code(three[1])) {
                            range(&mut entries, first, last, three[2]);
                        }
                    }
                    operands.clear();
                }
                Part::Operator(_) => operands.clear(),
            }
        }
        // Of two with one code the later one counts.
        entries.reverse();
        entries.sort_by_key(|entry| entry.first);
        entries.dedup_by_key(|entry| entry.first);
        Self { entries }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Appends the characters of a code; false where it has none.
    pub(super) fn push(&self, code: u32, out: &mut String) -> bool {
        let after = self.entries.partition_point(|entry| entry.first <= code);
        let Some(entry) = self.entries[..after].last().filter(|entry| code <= entry.last) else {
            return false;
        };
        match &entry.target {
            Target::From(first) => match char::from_u32(first.saturating_add(code - entry.first)) {
                Some(c) if c != '\0' => out.push(c),
                _ => return false,
            },
            Target::Text(text) => out.push_str(text),
        }
        true
    }
}

fn range(entries: &mut Vec<Entry>, first: u32, last: u32, value: Value<'_>) {
    match value {
        Value::Array(array) => {
            for (code, value) in (first..=last).zip(array.operands()) {
                add(entries, code, code, target(value));
            }
        }
        _ => add(entries, first, last, target(value)),
    }
}

fn add(entries: &mut Vec<Entry>, first: u32, last: u32, target: Option<Target>) {
    if let Some(target) = target
        && entries.len() < MAX_ENTRIES
        && first <= last
    {
        entries.push(Entry { first, last, target });
    }
}

fn code(value: Value<'_>) -> Option<u32> {
    let bytes = value.bytes().filter(|bytes| (1..=4).contains(&bytes.len()))?;
    Some(bytes.into_iter().fold(0, |code, byte| code << 8 | u32::from(byte)))
}

/// UTF-16 in big-endian order.
fn target(value: Value<'_>) -> Option<Target> {
    let bytes = value.bytes()?;
    let units: Vec<u16> = match bytes.as_slice() {
        // Some writers leave out the first byte.
        [only] => vec![u16::from(*only)],
        _ => bytes.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect(),
    };
    let text: String = char::decode_utf16(units).map_while(Result::ok).take(MAX_CHARS).collect();
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (None, _) => None,
        (Some(only), None) => Some(Target::From(u32::from(only))),
        _ => Some(Target::Text(text.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        let source = b"/CIDInit /ProcSet findresource begin 1 begincodespacerange <00> <FF> \
            endcodespacerange 3 beginbfchar <01> <0041> <02> <00660069> <03> <D83DDE00> endbfchar \
            2 beginbfrange <10> <12> <0061> <20> <21> [<0078> <00790079>] endbfrange \
            1 beginbfchar <01> <0042> endbfchar endcmap";
        let work = Work::new(10_000);
        let cmap = CMap::read(source, &work);
        for (code, expected) in [
            (1, "B"),
            (2, "fi"),
            (3, "😀"),
            (0x11, "b"),
            (0x13, ""),
            (0x20, "x"),
            (0x21, "yy"),
            (0, ""),
            (99, ""),
        ] {
            let mut out = String::new();
            assert_eq!(cmap.push(code, &mut out), !expected.is_empty());
            assert_eq!(out, expected, "{code}");
        }
    }
}
