//! Which elements behave alike when a tree is built (HTML standard, section 13.2.6).

use crate::name::Tag;

use super::stack::Content;

/// What a search through the open elements must not pass (HTML standard, "has an element in
/// scope" and its relatives).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Barrier {
    /// "Scope".
    Scope,
    /// "List item scope".
    List,
    /// "Button scope".
    Button,
    /// "Table scope".
    Table,
    /// Elements that nothing in them can end: templates, and `noscript`, whose content is text up
    /// to `</noscript>` for a browser that runs scripts.
    Sealed,
    /// The innermost part of a table.
    Part,
    /// "Special" elements: what an end tag of an inline element does not pass.
    Special,
    /// Special elements between which a list item is looked for.
    Item,
    /// Where a list of open formatting elements begins anew ("marker").
    Marker,
    /// Content that follows the rules of HTML.
    Html,
    /// Elements of HTML.
    HtmlElement,
}

impl Barrier {
    pub(super) const ALL: [Self; 11] = [
        Self::Scope,
        Self::List,
        Self::Button,
        Self::Table,
        Self::Sealed,
        Self::Part,
        Self::Special,
        Self::Item,
        Self::Marker,
        Self::Html,
        Self::HtmlElement,
    ];
    pub(super) const COUNT: usize = Self::ALL.len();
}

/// The barriers that an element is, as bits by their number.
pub(super) fn barriers(tag: Tag, content: Content) -> u16 {
    match content {
        Content::Html => HTML_BARRIERS[tag as usize],
        Content::Foreign => 0,
        Content::Integration => INTEGRATION_BARRIERS,
    }
}

/// Those of an element of HTML.
static HTML_BARRIERS: [u16; Tag::COUNT] = {
    let mut all = [0; Tag::COUNT];
    let mut tag = 0;
    while tag < Tag::COUNT {
        let mut barrier = 0;
        while barrier < Barrier::COUNT {
            if is_barrier(Tag::ALL[tag], Barrier::ALL[barrier]) {
                all[tag] |= 1 << barrier;
            }
            barrier += 1;
        }
        tag += 1;
    }
    all
};

/// Those of an element of SVG or MathML that holds HTML.
const INTEGRATION_BARRIERS: u16 = 1 << Barrier::Scope as u16
    | 1 << Barrier::List as u16
    | 1 << Barrier::Button as u16
    | 1 << Barrier::Special as u16
    | 1 << Barrier::Item as u16
    | 1 << Barrier::Html as u16;

const fn is_barrier(tag: Tag, barrier: Barrier) -> bool {
    match barrier {
        Barrier::Scope => is_scope(tag),
        Barrier::List => is_scope(tag) || matches!(tag, Tag::Ol | Tag::Ul),
        Barrier::Button => is_scope(tag) || matches!(tag, Tag::Button),
        Barrier::Table => matches!(tag, Tag::Table) || is_sealed(tag),
        Barrier::Sealed => is_sealed(tag),
        Barrier::Part => is_table_part(tag) || matches!(tag, Tag::Table) || is_sealed(tag),
        Barrier::Special => is_special(tag),
        Barrier::Item => is_special(tag) && !matches!(tag, Tag::Address | Tag::Div | Tag::P),
        Barrier::Marker => {
            is_sealed(tag)
                || matches!(
                    tag,
                    Tag::Applet | Tag::Caption | Tag::Marquee | Tag::Object | Tag::Td | Tag::Th
                )
        }
        Barrier::Html | Barrier::HtmlElement => true,
    }
}

pub(super) const fn is_sealed(tag: Tag) -> bool {
    matches!(tag, Tag::Noscript | Tag::Template)
}

const fn is_scope(tag: Tag) -> bool {
    is_sealed(tag)
        || matches!(
            tag,
            Tag::Applet
                | Tag::Caption
                | Tag::Html
                | Tag::Marquee
                | Tag::Object
                | Tag::Table
                | Tag::Td
                | Tag::Th
        )
}

/// Parts of a table; outside one their tags are ignored.
pub(super) const fn is_table_part(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Caption
            | Tag::Col
            | Tag::Colgroup
            | Tag::Tbody
            | Tag::Td
            | Tag::Tfoot
            | Tag::Th
            | Tag::Thead
            | Tag::Tr
    )
}

/// Elements that a page's head may hold.
pub(super) const fn is_of_head(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Base
            | Tag::Basefont
            | Tag::Bgsound
            | Tag::Link
            | Tag::Meta
            | Tag::Noframes
            | Tag::Noscript
            | Tag::Script
            | Tag::Style
            | Tag::Template
            | Tag::Title
    )
}

/// Elements whose start tag ends a paragraph.
pub(super) const fn closes_paragraph(tag: Tag) -> bool {
    is_block(tag)
        || tag.is_heading()
        || matches!(
            tag,
            Tag::Dd
                | Tag::Dt
                | Tag::Form
                | Tag::Hr
                | Tag::Li
                | Tag::P
                | Tag::Plaintext
                | Tag::Table
                | Tag::Xmp
        )
}

/// Elements that their end tag closes together with all that is open in them, up to a scope.
pub(super) fn ends_to_scope(tag: Tag) -> bool {
    is_block(tag)
        || matches!(
            tag,
            Tag::Applet
                | Tag::Button
                | Tag::Dd
                | Tag::Dt
                | Tag::Marquee
                | Tag::Object
                | Tag::Select
        )
}

/// Blocks without a rule of their own.
const fn is_block(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Address
            | Tag::Article
            | Tag::Aside
            | Tag::Blockquote
            | Tag::Center
            | Tag::Details
            | Tag::Dialog
            | Tag::Dir
            | Tag::Div
            | Tag::Dl
            | Tag::Fieldset
            | Tag::Figcaption
            | Tag::Figure
            | Tag::Footer
            | Tag::Header
            | Tag::Hgroup
            | Tag::Listing
            | Tag::Main
            | Tag::Menu
            | Tag::Nav
            | Tag::Ol
            | Tag::Pre
            | Tag::Search
            | Tag::Section
            | Tag::Summary
            | Tag::Ul
    )
}

/// "Formatting" elements.
pub(super) fn is_formatting(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::A
            | Tag::B
            | Tag::Big
            | Tag::Code
            | Tag::Em
            | Tag::Font
            | Tag::I
            | Tag::Nobr
            | Tag::S
            | Tag::Small
            | Tag::Strike
            | Tag::Strong
            | Tag::Tt
            | Tag::U
    )
}

/// "Special" elements.
pub(super) const fn is_special(tag: Tag) -> bool {
    closes_paragraph(tag)
        || is_scope(tag)
        || is_table_part(tag)
        || is_of_head(tag)
        || tag.is_void()
        || matches!(
            tag,
            Tag::Body
                | Tag::Button
                | Tag::Frameset
                | Tag::Head
                | Tag::Iframe
                | Tag::Noembed
                | Tag::Select
                | Tag::Textarea
        )
}

/// Elements that end by themselves when their parent does ("generate implied end tags").
pub(super) fn has_implied_end(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Dd
            | Tag::Dt
            | Tag::Li
            | Tag::Optgroup
            | Tag::Option
            | Tag::P
            | Tag::Rb
            | Tag::Rp
            | Tag::Rt
            | Tag::Rtc
    )
}

/// Start tags that cannot be in SVG or MathML and so end it.
pub(super) fn leaves_foreign(tag: Tag) -> bool {
    tag.is_heading()
        || matches!(
            tag,
            Tag::B
                | Tag::Big
                | Tag::Blockquote
                | Tag::Body
                | Tag::Br
                | Tag::Center
                | Tag::Code
                | Tag::Dd
                | Tag::Div
                | Tag::Dl
                | Tag::Dt
                | Tag::Em
                | Tag::Embed
                | Tag::Head
                | Tag::Hr
                | Tag::I
                | Tag::Img
                | Tag::Li
                | Tag::Listing
                | Tag::Menu
                | Tag::Meta
                | Tag::Nobr
                | Tag::Ol
                | Tag::P
                | Tag::Pre
                | Tag::Ruby
                | Tag::S
                | Tag::Small
                | Tag::Span
                | Tag::Strike
                | Tag::Strong
                | Tag::Sub
                | Tag::Sup
                | Tag::Table
                | Tag::Tt
                | Tag::U
                | Tag::Ul
                | Tag::Var
        )
}
