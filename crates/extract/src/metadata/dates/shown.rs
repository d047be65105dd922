//! Dates that readers see.

use super::super::date::{self, Order, Stamp};
use super::super::squeeze::floor;
use super::super::survey::{Survey, Zone};
use crate::document::{Document, NodeId};
use crate::name::Tag;

/// Text nodes behind the title that are searched.
const NODES_BEHIND: usize = 100;

/// Text nodes before the title that are searched.
const NODES_BEFORE: usize = 30;

/// Text nodes of a page that are searched when there is nothing near the title.
const NODES_ANYWHERE: usize = 4_000;

/// A text longer than this is a paragraph, not a line with a date.
const MAX_LINE_BYTES: usize = 160;

/// No date is shorter.
const MIN_LINE_BYTES: usize = 6;

/// The part of a paragraph in which a date with a place may stand.
const MAX_DATELINE_BYTES: usize = 56;

/// Letters besides the date in a line that is there for the date.
const MAX_OTHER_LETTERS: usize = 40;

/// A date in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) stamp: Stamp,
    /// The same numbers with day and month the other way round.
    pub(super) swapped: Stamp,
    pub(super) label: Label,
    /// Nodes between it and the title.
    pub(super) distance: u32,
}

/// What the words before a date say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    None,
    Published,
    Updated,
}

/// The dates near the title, the nearest first; those behind it come before those above it.
pub(super) fn near(survey: &Survey<'_, '_>, heading: Option<NodeId>, order: Order) -> Vec<Shown> {
    let document = survey.document;
    let start = heading.map_or(1, |heading| document.node(heading).end);
    let behind = (start..document.len()).filter(|&id| is_read(document, id)).take(NODES_BEHIND);
    let before =
        (1..heading.unwrap_or(1)).rev().filter(|&id| is_read(document, id)).take(NODES_BEFORE);
    let own = heading.map_or(0..0, |heading| document.descendants(heading));
    behind
        .chain(before)
        .chain(own.filter(|&id| is_read(document, id)))
        .filter_map(|id| {
            let distance = id.abs_diff(heading.unwrap_or(0));
            Some(Shown {
                distance,
                ..line(document, id, order).filter(|_| is_content(survey, id))?
            })
        })
        .collect()
}

/// A date anywhere in the content that a word introduces.
pub(super) fn labelled(survey: &Survey<'_, '_>, order: Order) -> Option<Shown> {
    let document = survey.document;
    let mut updated = None;
    for id in (1..document.len()).filter(|&id| is_read(document, id)).take(NODES_ANYWHERE) {
        let raw = document.source_text(id).as_bytes();
        if raw.len() > MAX_LINE_BYTES
            || !raw.iter().any(u8::is_ascii_digit)
            || !is_content(survey, id)
        {
            continue;
        }
        let Some(shown) = line(document, id, order) else { continue };
        match shown.label {
            Label::Published => return Some(shown),
            Label::Updated if updated.is_none() => updated = Some(shown),
            _ => {}
        }
    }
    updated
}

fn is_read(document: &Document<'_>, id: NodeId) -> bool {
    document.is_text(id)
        && !matches!(
            document.tag(document.node(id).parent),
            Tag::Script
                | Tag::Style
                | Tag::Noscript
                | Tag::Title
                | Tag::Option
                | Tag::Textarea
                | Tag::Code
        )
}

fn is_content(survey: &Survey<'_, '_>, id: NodeId) -> bool {
    !matches!(survey.zone_of(id), Zone::Comment | Zone::Related)
}

/// The date of a line that is there for it.
fn line(document: &Document<'_>, id: NodeId, order: Order) -> Option<Shown> {
    let raw = document.source_text(id).trim();
    if raw.len() < MIN_LINE_BYTES {
        return None;
    }
    if raw.len() > MAX_LINE_BYTES {
        return dateline(raw, order);
    }
    let text = document.text(id);
    let stamp = date::find(&text, order)?;
    if is_copyright(&text) {
        return None;
    }
    let mut label = label(&text);
    if label == Label::None {
        // "Updated" may stand in an element of its own.
        let before = (id.saturating_sub(4)..id).rev().find(|&id| is_read(document, id));
        let before = before.map(|id| document.text(id)).filter(|text| text.len() < 40);
        label = before.map_or(Label::None, |text| self::label(&text));
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let starts = text.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if letters > MAX_OTHER_LETTERS && !starts && label == Label::None {
        return None;
    }
    Some(Shown {
        stamp,
        swapped: date::find(&text, order.other()).unwrap_or(stamp),
        label,
        distance: 0,
    })
}

/// The date that a paragraph begins with, place and all: `Berlin, 6 May 2024 – The city…`.
fn dateline(raw: &str, order: Order) -> Option<Shown> {
    let head = &raw[..floor(raw, MAX_DATELINE_BYTES)];
    let end =
        [" - ", " – ", " — ", ": ", ")", "|"].iter().filter_map(|mark| head.find(mark)).min()?;
    let find = |order| date::find(&head[..end], order);
    let stamp = find(order)?;
    Some(Shown {
        stamp,
        swapped: find(order.other()).unwrap_or(stamp),
        label: Label::None,
        distance: 0,
    })
}

fn is_copyright(text: &str) -> bool {
    text.contains('©') || text.to_ascii_lowercase().contains("copyright")
}

/// Beginnings of words that say a page was changed, in lower case.
#[rustfmt::skip]
const UPDATED: &[&str] = &[
    "updat", "modif", "edited", "revis", "last change", "reviewed", "aktualisiert", "geändert",
    "änderung", "stand:", "bearbeitet", "mis à jour", "mise à jour", "maj ", "actualizado",
    "actualización", "última", "atualizad", "aggiornat", "bijgewerkt", "gewijzigd", "oppdatert",
    "opdateret", "uppdaterad", "päivitetty", "aktualizac", "zaktualizowan", "обновлен", "оновлен",
    "изменен", "güncelle", "frissít", "更新", "修改", "업데이트", "수정", "diperbarui", "cập nhật", "تحديث",
    "ενημέρωση",
];

/// Beginnings of words that say a page was published, in lower case.
#[rustfmt::skip]
const PUBLISHED: &[&str] = &[
    "publi", "posted", "written", "created", "first", "date:", "on:", "issued", "released",
    "filed", "veröffentlicht", "erstellt", "geschrieben", "eingestellt", "erschienen", "datum",
    "vom ", "am ", "le ", "fecha", "escrito", "data:", "scritto", "pubblicat", "geplaatst",
    "gepubliceerd", "skrevet", "julkaistu", "opublikowan", "dodano", "опубликован", "опубліковано",
    "дата", "yayın", "közzétéve", "发布", "发表", "発行", "公開", "投稿", "등록", "입력", "diterbitkan", "đăng",
    "نشر", "δημοσ",
];

fn label(text: &str) -> Label {
    let text = text.to_lowercase();
    let first = |words: &[&str]| words.iter().filter_map(|word| text.find(word)).min();
    match (first(PUBLISHED), first(UPDATED)) {
        (Some(published), Some(updated)) if published < updated => Label::Published,
        (_, Some(_)) => Label::Updated,
        (Some(_), None) => Label::Published,
        (None, None) => Label::None,
    }
}
