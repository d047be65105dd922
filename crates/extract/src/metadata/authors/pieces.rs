//! Bylines: the texts of an element, one after the other.

use super::super::person;
use crate::document::{Document, NodeId};
use crate::name::Tag;

/// Texts of one byline.
const MAX_PIECES: usize = 12;

/// A text longer than this is a paragraph.
const MAX_PIECE_BYTES: usize = 200;

/// The texts in `range` that are read, trimmed; those of scripts and pictures are left out.
pub(super) fn of(document: &Document<'_>, range: std::ops::Range<NodeId>) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut next = range.start;
    while next < range.end && pieces.len() < MAX_PIECES {
        match document.tag(next) {
            Tag::Text => {
                let text = document.text(next);
                let text = text.trim();
                if !text.is_empty() {
                    pieces.push(
                        text[..super::super::squeeze::floor(text, MAX_PIECE_BYTES)].to_owned(),
                    );
                }
                next += 1;
            }
            Tag::Script
            | Tag::Style
            | Tag::Svg
            | Tag::Noscript
            | Tag::Template
            | Tag::Figcaption => {
                next = document.node(next).end;
            }
            _ => next += 1,
        }
    }
    pieces
}

/// The names that the first pieces hold: behind a word such as "by" if there is one, else the
/// first piece that is a name, unless `led` asks for the word.
pub(super) fn names(pieces: &[String], led: bool) -> Vec<String> {
    let start =
        pieces.iter().enumerate().find_map(|(at, piece)| Some((at, person::behind_lead(piece)?)));
    let (at, first) = match start {
        Some(start) => start,
        None if led => return Vec::new(),
        None => match pieces.iter().position(|piece| is_likely(&person::names(piece))) {
            Some(at) => (at, pieces[at].as_str()),
            None => return Vec::new(),
        },
    };
    let mut lists = Vec::new();
    let mut open = true;
    for (place, piece) in
        std::iter::once(first).chain(pieces[at + 1..].iter().map(String::as_str)).enumerate()
    {
        let marks = |c: char| {
            c.is_whitespace() || matches!(c, '•' | '·' | '|' | ':' | '-' | '–' | '/' | '@')
        };
        let piece = piece.trim_matches(marks);
        if piece.is_empty() {
            continue;
        }
        if JOINTS.contains(&piece.to_lowercase().as_str()) {
            open = true;
            continue;
        }
        let joins = joins(piece);
        if place > 0 && !open && !joins.0 {
            break;
        }
        let names = person::names(piece);
        if !names.is_empty() {
            if !is_likely(&names) {
                break;
            }
            lists.push(names);
        } else if !joins.0 && !joins.1 {
            break;
        }
        open = joins.1;
    }
    person::union(lists)
}

/// Words between two names.
const JOINTS: [&str; 11] = ["and", "und", "et", "y", "e", "&", "og", "och", "en", ",", "i"];

/// Whether a piece begins and whether it ends with what joins two names.
fn joins(piece: &str) -> (bool, bool) {
    let piece = piece.to_lowercase();
    let first = piece.split_whitespace().next().unwrap_or("");
    let last = piece.split_whitespace().next_back().unwrap_or("");
    let begins = piece.starts_with([',', '&', '/']) || JOINTS.contains(&first);
    let ends = piece.ends_with([',', '&', '/']) || JOINTS.contains(&last);
    (begins, ends)
}

/// Whether the names look like such: words with capitals or none at all, no number, no month.
pub(super) fn is_likely(names: &[String]) -> bool {
    !names.is_empty() && names.iter().all(|name| person::is_likely(name))
}
