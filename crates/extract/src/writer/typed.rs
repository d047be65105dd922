//! Lists that somebody typed: paragraphs or lines that start with a bullet.
//!
//! Typed ordinals stay where they are: to read one is to lose a number that the text refers to.

use super::Writer;
use super::inline::{CODE, Inline, is_blank};
use super::kind::{Kind, kind};
use super::levels::Marker;
use super::list::LastList;

/// So many nodes are looked through for what the next paragraph starts with.
const MAX_PEEKED_NODES: u32 = 64;

/// What typed bullets look like; the last two are only bullets before a blank.
const BULLETS: [char; 10] = ['•', '●', '▪', '◦', '‣', '∙', '⁃', '■', '*', DASH];
const MAYBE_BULLETS: [char; 2] = ['*', DASH];

/// Where it starts paragraphs, and not lines, somebody speaks.
const DASH: char = '-';

/// The item that was written last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed {
    bullet: char,
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
        let found = bullet(text).filter(|(bullet, bytes)| {
            if *bullet == DASH || *bytes == text.len() {
                return false;
            }
            last.is_some_and(|last| last.bullet == *bullet) || self.peek() == Some(*bullet)
        });
        match found {
            Some((bullet, bytes)) => {
                let body = self.inline.slice(bytes..self.inline.text().len());
                self.item(bullet, last.is_none(), &body);
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
            lines.push((start, bullet(line).filter(|(_, bytes)| *bytes < line.len())));
            start += line.len() + 1;
        }
        lines.push((text.len() + 1, None));
        let follows = |nth: usize| {
            let next = lines.get(nth + 1).and_then(|(_, next)| *next);
            lines[nth].1.zip(next).is_some_and(|(one, next)| one.0 == next.0)
        };
        let mut plain_from = 0;
        for nth in 0..lines.len() - 1 {
            let continues = nth > 0 && follows(nth - 1);
            let (start, end) = (lines[nth].0, lines[nth + 1].0 - 1);
            let Some((bullet, bytes)) = lines[nth].1.filter(|_| continues || follows(nth)) else {
                continue;
            };
            if plain_from < start {
                self.output.paragraph(&inline.slice(plain_from..start - 1));
            }
            plain_from = end + 1;
            self.item(bullet, !continues, &inline.slice(start + bytes..end));
        }
        if plain_from == 0 {
            self.output.paragraph(&inline);
        } else if plain_from < text.len() {
            self.output.paragraph(&inline.slice(plain_from..text.len()));
        }
        self.inline = inline;
    }

    fn item(&mut self, bullet: char, first: bool, body: &Inline) {
        self.output.levels.open_item(Marker::Bullet { alternate: false }, first);
        self.output.paragraph(body);
        self.output.close();
        let (depth, written) = (self.output.levels.depth(), self.output.written);
        self.typed = Some(Typed { bullet, depth, written });
        self.last_list = Some(LastList { depth, ordered: false, alternate: false, written });
    }

    /// The bullet of the next paragraph, if nothing but a paragraph is next.
    fn peek(&self) -> Option<char> {
        let end = self.document.len().min(self.at + MAX_PEEKED_NODES);
        for id in self.at..end {
            if self.document.is_text(id) {
                let text = self.document.source_text(id).trim_ascii_start();
                if self.keep.text(id) && !text.is_empty() {
                    return bullet(text).map(|(bullet, _)| bullet);
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

/// The bullet of a line, and how many bytes it takes with the blanks after it.
fn bullet(line: &str) -> Option<(char, usize)> {
    let first = line.chars().next().filter(|first| BULLETS.contains(first))?;
    let rest = &line[first.len_utf8()..];
    let body = rest.trim_start_matches(is_blank);
    let is_one = body.len() < rest.len() || !MAYBE_BULLETS.contains(&first);
    is_one.then_some((first, line.len() - body.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bullets() {
        assert_eq!(bullet("• x"), Some(('•', 4)));
        assert_eq!(bullet("•x"), Some(('•', 3)));
        assert_eq!(bullet("- x"), Some(('-', 2)));
        assert_eq!(bullet("-x"), None);
        assert_eq!(bullet("1. x"), None);
    }
}
