//! Lists that somebody typed: paragraphs or lines that start with a bullet or an ordinal.

use super::Writer;
use super::inline::{CODE, Inline, is_blank};
use super::kind::{Kind, kind};
use super::levels::Marker;
use super::list::LastList;

/// So many nodes are looked through for what the next paragraph starts with.
const MAX_PEEKED_NODES: u32 = 64;

/// What typed bullets look like; the last three are only bullets before a blank.
const BULLETS: [char; 11] = ['•', '●', '▪', '◦', '‣', '∙', '⁃', '■', '-', '*', '–'];
const MAYBE_BULLETS: [char; 3] = ['-', '*', '–'];

/// Longer numbers before a dot are years and the like.
const MAX_ORDINAL_DIGITS: usize = 2;

/// How an item is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Bullet(char),
    Ordinal(u32),
}

impl Mark {
    /// What the next item has.
    fn next(self) -> Self {
        match self {
            Self::Bullet(_) => self,
            Self::Ordinal(number) => Self::Ordinal(number + 1),
        }
    }

    fn marker(self) -> Marker {
        match self {
            Self::Bullet(_) => Marker::Bullet { alternate: false },
            Self::Ordinal(number) => Marker::Ordinal { number, alternate: false },
        }
    }
}

/// The item that was written last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed {
    mark: Mark,
    depth: usize,
    /// Blocks that were written then.
    written: usize,
}

impl Writer<'_, '_> {
    /// Writes the paragraph under construction, as items of a list if that is what it is.
    pub(super) fn paragraph(&mut self) {
        let (text, starts_as_code) = (self.inline.text(), self.inline.starts_with(CODE));
        if self.inline.has_images() || starts_as_code || self.output.levels.is_fresh_item() {
            self.output.paragraph(&self.inline);
            return;
        }
        if text.contains('\n') {
            self.lines();
            return;
        }
        let last = self.typed.filter(|last| {
            (last.depth, last.written) == (self.output.levels.depth(), self.output.written)
        });
        let found = mark(text).filter(|(mark, _)| {
            last.is_some_and(|last| last.mark.next() == *mark) || self.peek() == Some(mark.next())
        });
        match found {
            Some((mark, bytes)) => {
                let body = self.inline.slice(bytes..self.inline.text().len());
                self.item(mark, last.is_none(), &body);
            }
            None => self.output.paragraph(&self.inline),
        }
    }

    /// A paragraph of several lines: those that follow one another as items are a list.
    fn lines(&mut self) {
        let inline = std::mem::take(&mut self.inline);
        let text = inline.text();
        let mut start = 0;
        let mut lines = Vec::new();
        for line in text.split('\n') {
            lines.push((start, mark(line)));
            start += line.len() + 1;
        }
        lines.push((text.len() + 1, None));
        let follows = |nth: usize| {
            let (Some((mark, _)), Some((_, Some((next, _))))) = (lines[nth].1, lines.get(nth + 1))
            else {
                return false;
            };
            mark.next() == *next
        };
        let mut plain_from = 0;
        for nth in 0..lines.len() - 1 {
            let continues = nth > 0 && follows(nth - 1);
            let (start, end) = (lines[nth].0, lines[nth + 1].0 - 1);
            let Some((mark, bytes)) = lines[nth].1.filter(|_| continues || follows(nth)) else {
                continue;
            };
            if plain_from < start {
                self.output.paragraph(&inline.slice(plain_from..start - 1));
            }
            plain_from = end + 1;
            self.item(mark, !continues, &inline.slice(start + bytes..end));
        }
        if plain_from == 0 {
            self.output.paragraph(&inline);
        } else if plain_from < text.len() {
            self.output.paragraph(&inline.slice(plain_from..text.len()));
        }
        self.inline = inline;
    }

    fn item(&mut self, mark: Mark, first: bool, body: &Inline) {
        self.output.levels.open_item(mark.marker(), first);
        self.output.paragraph(body);
        self.output.close();
        let (depth, written) = (self.output.levels.depth(), self.output.written);
        self.typed = Some(Typed { mark, depth, written });
        let ordered = matches!(mark, Mark::Ordinal(_));
        self.last_list = Some(LastList { depth, ordered, alternate: false, written });
    }

    /// What the next paragraph starts with, if nothing but a paragraph is next.
    fn peek(&self) -> Option<Mark> {
        let end = self.document.len().min(self.at + MAX_PEEKED_NODES);
        for id in self.at..end {
            if self.document.is_text(id) {
                let text = self.document.source_text(id).trim_ascii_start();
                if self.keep.text(id) && !text.is_empty() {
                    return mark(text).map(|(mark, _)| mark);
                }
            } else if !matches!(
                kind(self.document.tag(id)),
                Kind::Block | Kind::Inline | Kind::Style(_) | Kind::Break | Kind::Link
            ) {
                return None;
            }
        }
        None
    }
}

/// How a line is marked, and how many bytes of it that takes.
fn mark(line: &str) -> Option<(Mark, usize)> {
    let mut chars = line.chars();
    let first = chars.next()?;
    let (mark, bytes) = if BULLETS.contains(&first) {
        let rest = chars.as_str();
        if MAYBE_BULLETS.contains(&first) && !rest.starts_with(is_blank) {
            return None;
        }
        (Mark::Bullet(first), first.len_utf8())
    } else {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let rest = line[digits..].strip_prefix(['.', ')'])?;
        if !rest.is_empty() && !rest.starts_with(is_blank) {
            return None;
        }
        if digits > MAX_ORDINAL_DIGITS {
            return None;
        }
        (Mark::Ordinal(line[..digits].parse().ok()?), digits + 1)
    };
    let body = line[bytes..].trim_start_matches(is_blank);
    Some((mark, line.len() - body.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks() {
        assert_eq!(mark("• x"), Some((Mark::Bullet('•'), 4)));
        assert_eq!(mark("•x"), Some((Mark::Bullet('•'), 3)));
        assert_eq!(mark("-x"), None);
        assert_eq!(mark("01) x"), Some((Mark::Ordinal(1), 4)));
        assert_eq!(mark("2."), Some((Mark::Ordinal(2), 2)));
        assert_eq!(mark("2.5 x"), None);
        assert_eq!(mark("2024. x"), None);
        assert_eq!(mark(". x"), None);
    }
}
