//! Which elements begin and end a block, and which never show what is in them.

use crate::name::Tag;

/// Elements that never show their text as part of a page.
pub(super) fn is_never_shown(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Head
            | Tag::Script
            | Tag::Style
            | Tag::Template
            | Tag::Title
            | Tag::Noembed
            | Tag::Noframes
            | Tag::Iframe
            | Tag::Object
            | Tag::Applet
            | Tag::Audio
            | Tag::Video
            | Tag::Canvas
            | Tag::Svg
            | Tag::Textarea
            | Tag::Select
            | Tag::Datalist
            | Tag::Map
            | Tag::Rp
    )
}

/// Elements that begin and end a line; the document is one.
pub(crate) fn is_block(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Root
            | Tag::Address
            | Tag::Article
            | Tag::Aside
            | Tag::Blockquote
            | Tag::Body
            | Tag::Button
            | Tag::Caption
            | Tag::Center
            | Tag::Dd
            | Tag::Details
            | Tag::Dialog
            | Tag::Dir
            | Tag::Div
            | Tag::Dl
            | Tag::Dt
            | Tag::Fieldset
            | Tag::Figcaption
            | Tag::Figure
            | Tag::Footer
            | Tag::Form
            | Tag::H1
            | Tag::H2
            | Tag::H3
            | Tag::H4
            | Tag::H5
            | Tag::H6
            | Tag::Header
            | Tag::Hgroup
            | Tag::Html
            | Tag::Legend
            | Tag::Li
            | Tag::Listing
            | Tag::Main
            | Tag::Menu
            | Tag::Nav
            | Tag::Ol
            | Tag::P
            | Tag::Plaintext
            | Tag::Pre
            | Tag::Search
            | Tag::Section
            | Tag::Summary
            | Tag::Table
            | Tag::Tbody
            | Tag::Td
            | Tag::Tfoot
            | Tag::Th
            | Tag::Thead
            | Tag::Tr
            | Tag::Ul
            | Tag::Xmp
    )
}
