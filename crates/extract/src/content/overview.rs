//! What the page is like as a whole.

use super::around::Own;
use super::blocks::Blocks;
use super::quantise::{log, mean, share};
use super::references::{KINDS, References};
use super::shape::Shape;
use super::table::table;
use super::vocabulary::{NAME_LABELS, TEXT_GROUPS};
use crate::document::Document;
use crate::name::Tag;

table! {
    /// The page as a whole.
    pub(crate) PAGE: fn page(
        document: &Document<'_>, blocks: &Blocks, shapes: &[Shape], references: &References,
        own: &[Own]
    ) {
        let counts = &blocks.counts;
        let sum = |of: fn(&Shape) -> u32| shapes.iter().map(of).fold(0, u32::saturating_add);
        let words = sum(|shape| shape.words);
        let tagged = |tag: Tag| {
            blocks.containers.iter().filter(|c| document.tag(c.node) == tag).count() as u32
        };
        let named = |label: &str| {
            let bit = NAME_LABELS.iter().position(|known| *known == label);
            let bits = bit.map_or(0, |bit| 1_u64 << bit);
            own.iter().filter(|own| own.names & bits != 0).count() as u32
        };
        let outermost = own.iter().take(3).fold(0, |names, own| names | own.names);
        let whole = |label: &str| {
            let bit = NAME_LABELS.iter().position(|known| *known == label);
            u8::from(bit.is_some_and(|bit| outermost >> bit & 1 == 1))
        };
        let kind = |bit: usize| u8::from(references.kinds >> bit & 1 == 1);
    }
    "blocks" => log(counts.blocks),
    "chars" => log(counts.chars),
    "links_share" => share(counts.link_chars, counts.chars),
    "prose_share" => share(counts.prose_chars, counts.chars),
    "prose_chars" => log(counts.prose_chars),
    "paragraphs_share" => share(counts.paragraphs, counts.blocks),
    "headings" => log(counts.headings),
    "links" => log(counts.links),
    "images" => log(counts.images),
    "inputs" => log(counts.inputs),
    "block_chars" => mean(counts.chars, counts.blocks),
    "function_share" => share(sum(|shape| shape.groups[TEXT_GROUPS.len() - 1]), words),
    "currency" => log(sum(|shape| shape.currency)),
    "wide_share" => share(sum(|shape| shape.wide), sum(|shape| shape.letters)),
    "articles" => log(tagged(Tag::Article)),
    "mains" => log(tagged(Tag::Main)),
    "h1" => log(tagged(Tag::H1)),
    "tables" => log(tagged(Tag::Table)),
    "cells" => log(tagged(Tag::Td)),
    "items" => log(tagged(Tag::Li)),
    "pre" => log(tagged(Tag::Pre)),
    "name_comment" => log(named("comment")),
    "name_product" => log(named("product")),
    "name_price" => log(named("price")),
    "name_post" => log(named("post")),
    "name_message" => log(named("message")),
    "name_forum" => log(named("forum")),
    "name_user" => log(named("user")),
    "name_card" => log(named("card")),
    "name_doc" => log(named("doc")),
    "name_review" => log(named("review")),
    "whole_post" => whole("post"),
    "whole_list" => whole("list"),
    "whole_product" => whole("product"),
    "whole_forum" => whole("forum"),
    "whole_doc" => whole("doc"),
    "kind_article" => kind(0),
    "kind_product" => kind(1),
    "kind_discussion" => kind(2),
    "kind_questions" => kind(3),
    "kind_faq" => kind(4),
    "kind_collection" => kind(5),
    "kind_organization" => kind(6),
    "kind_webpage" => kind(7),
    "kind_recipe" => kind(8),
    "kind_video" => kind(9),
    "kind_event" => kind(10),
    "kind_person" => kind(11),
    "has_data" => u8::from(references.has_body),
}

/// [`PAGE`] has a feature for each kind of page.
const _: () = assert!(KINDS.len() == 12);
