//! What an element does to the text in and around it.

use crate::name::Tag;

/// What an element does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Inline,
    /// Its text is on lines of its own.
    Block,
    /// Its text is apart from what is around it.
    Apart,
    /// It is never shown.
    Unseen,
    Heading(u8),
    List {
        ordered: bool,
    },
    Item,
    Quote,
    Code,
    Table,
    Caption,
    Row,
    Cell,
    /// A term or a title: a strong block.
    Term,
    /// Has this bit of style.
    Style(u8),
    Link,
    Quotation,
    /// The reading of a ruby.
    Reading,
    Superscript,
    Math,
    Break,
    Rule,
    Image,
    Input,
}

impl Kind {
    /// Whether what is before and after it are different blocks.
    pub(super) fn is_block(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Heading(_)
                | Self::List { .. }
                | Self::Item
                | Self::Quote
                | Self::Code
                | Self::Table
                | Self::Caption
                | Self::Row
                | Self::Cell
                | Self::Term
        )
    }
}

/// What an element of this name does.
pub(super) fn kind(tag: Tag) -> Kind {
    use super::inline::{CODE, DELETED, EMPHASIS, STRONG};
    match tag {
        Tag::H1 => Kind::Heading(1),
        Tag::H2 => Kind::Heading(2),
        Tag::H3 => Kind::Heading(3),
        Tag::H4 => Kind::Heading(4),
        Tag::H5 => Kind::Heading(5),
        Tag::H6 => Kind::Heading(6),
        Tag::Root
        | Tag::Html
        | Tag::Body
        | Tag::Address
        | Tag::Article
        | Tag::Aside
        | Tag::Center
        | Tag::Dd
        | Tag::Details
        | Tag::Dialog
        | Tag::Div
        | Tag::Dl
        | Tag::Fieldset
        | Tag::Figcaption
        | Tag::Figure
        | Tag::Footer
        | Tag::Form
        | Tag::Header
        | Tag::Hgroup
        | Tag::Legend
        | Tag::Main
        | Tag::Marquee
        | Tag::Nav
        | Tag::Noscript
        | Tag::Optgroup
        | Tag::Option
        | Tag::P
        | Tag::Search
        | Tag::Section
        | Tag::Select
        | Tag::Tbody
        | Tag::Textarea
        | Tag::Tfoot
        | Tag::Thead => Kind::Block,
        Tag::Button | Tag::Iframe | Tag::Object | Tag::Video | Tag::Audio => Kind::Apart,
        Tag::Head | Tag::Script | Tag::Style | Tag::Template | Tag::Title | Tag::Rp => Kind::Unseen,
        Tag::Ul | Tag::Menu | Tag::Dir => Kind::List { ordered: false },
        Tag::Ol => Kind::List { ordered: true },
        Tag::Li => Kind::Item,
        Tag::Blockquote => Kind::Quote,
        Tag::Pre | Tag::Listing | Tag::Xmp | Tag::Plaintext => Kind::Code,
        Tag::Table => Kind::Table,
        Tag::Caption => Kind::Caption,
        Tag::Tr => Kind::Row,
        Tag::Td | Tag::Th => Kind::Cell,
        Tag::Dt | Tag::Summary => Kind::Term,
        Tag::B | Tag::Strong => Kind::Style(STRONG),
        Tag::I | Tag::Em => Kind::Style(EMPHASIS),
        Tag::Del | Tag::S | Tag::Strike => Kind::Style(DELETED),
        Tag::Code | Tag::Kbd | Tag::Samp | Tag::Tt => Kind::Style(CODE),
        Tag::A => Kind::Link,
        Tag::Q => Kind::Quotation,
        Tag::Rt => Kind::Reading,
        Tag::Sup => Kind::Superscript,
        Tag::Math => Kind::Math,
        Tag::Br => Kind::Break,
        Tag::Hr => Kind::Rule,
        Tag::Img => Kind::Image,
        Tag::Input => Kind::Input,
        _ => Kind::Inline,
    }
}
