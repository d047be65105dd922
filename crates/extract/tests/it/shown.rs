//! Markdown as its reader sees it.

use pulldown_cmark::{Event, Options as Extensions, Parser, Tag, TagEnd};

/// The words that a reader of the Markdown sees. Raw HTML is an error.
pub(crate) fn shown(markdown: &str) -> String {
    let extensions =
        Extensions::ENABLE_TABLES | Extensions::ENABLE_STRIKETHROUGH | Extensions::ENABLE_TASKLISTS;
    let mut shown = String::new();
    let mut images = 0;
    for event in Parser::new_ext(markdown, extensions) {
        match event {
            Event::Start(Tag::Image { .. }) => images += 1,
            Event::End(TagEnd::Image) => images -= 1,
            _ if images > 0 => {}
            Event::Text(text) | Event::Code(text) => shown.push_str(&text),
            Event::Html(html) | Event::InlineHtml(html) => panic!("raw HTML {html:?}:\n{markdown}"),
            Event::SoftBreak | Event::HardBreak => shown.push('\n'),
            Event::End(end) if is_block(end) => shown.push('\n'),
            Event::Start(start) if is_block(start.to_end()) => shown.push('\n'),
            _ => {}
        }
    }
    words(&shown)
}

fn is_block(end: TagEnd) -> bool {
    !matches!(end, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link)
}

pub(crate) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
