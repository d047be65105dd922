//! One pass over the tokens of a document. No recursion: the open elements are a bounded stack.

use std::convert::Infallible;
use std::rc::Rc;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use url::Url;

use super::attributes::Attributes;
use super::blocks::Blocks;
use super::head::Head;
use super::inline::{CODE, DELETED, EMPHASIS, Inline, Look, STRONG};
use super::links::{Links, Resolver};
use super::stack::Stack;
use super::table::Table;
use super::tag::Tag;
use crate::{Extracted, Formats};

/// An output may be this many times as long as the document, and then some for small ones.
const OUTPUT_RATIO: usize = 2;
const OUTPUT_SPARE_BYTES: usize = 256 * 1024;

/// Longer scripts of JSON-LD and longer titles are not read.
const MAX_CAPTURE_BYTES: usize = 256 * 1024;

/// The state of the pass.
pub(super) struct Walker {
    pub(super) formats: Formats,
    pub(super) resolver: Resolver,
    pub(super) head: Head,
    pub(super) links: Links,
    pub(super) blocks: Blocks,
    /// The block under construction.
    pub(super) inline: Inline,
    pub(super) stack: Stack,
    pub(super) look: Look,
    /// Open formatting elements: strong, emphasis, deleted, code.
    pub(super) open_formats: [u16; 4],
    /// What stands in for the text of the open link.
    pub(super) link_label: Option<String>,
    pub(super) heading: Option<u8>,
    pub(super) has_headline: bool,
    pub(super) pre: Option<Pre>,
    /// The innermost open table, while it looks like one of data.
    pub(super) table: Option<Table>,
    pub(super) last_list: Option<LastList>,
    pub(super) skip: Option<Skip>,
    capture: Option<Capture>,
    pub(super) has_title: bool,
    /// The start tag being read.
    pub(super) tag: Option<Tag>,
    pub(super) attributes: Attributes,
}

/// The outermost open `<pre>`.
pub(super) struct Pre {
    pub(super) language: String,
}

/// The list that ended last: another one right after it needs other markers.
pub(super) struct LastList {
    pub(super) depth: usize,
    pub(super) ordered: bool,
    pub(super) alternate: bool,
    pub(super) written: usize,
}

/// An element whose content is left out.
pub(super) struct Skip {
    tag: Tag,
    /// Open elements of the same tag.
    depth: u32,
    /// HTML inside SVG.
    foreign: u32,
}

/// Text that is kept for another purpose than to be shown.
struct Capture {
    tag: Tag,
    text: String,
}

impl Walker {
    fn new(url: &Url, formats: Formats, length: usize) -> Self {
        let cap = length * OUTPUT_RATIO + OUTPUT_SPARE_BYTES;
        Self {
            formats,
            resolver: Resolver::new(url, cap),
            head: Head::default(),
            links: Links::default(),
            blocks: Blocks::new(formats.markdown, formats.text, cap),
            inline: Inline::default(),
            stack: Stack::new(),
            look: Look::default(),
            open_formats: [0; 4],
            link_label: None,
            heading: None,
            has_headline: false,
            pre: None,
            table: None,
            last_list: None,
            skip: None,
            capture: None,
            has_title: false,
            tag: None,
            attributes: Attributes::default(),
        }
    }

    fn event(&mut self, event: &CallbackEvent<'_>) {
        match *event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag = Some(Tag::of(name));
                self.attributes.clear();
            }
            // An end tag may have attributes too.
            CallbackEvent::AttributeName { name } if self.tag.is_some() => {
                self.attributes.name(name);
            }
            CallbackEvent::AttributeValue { value } if self.tag.is_some() => {
                self.attributes.value(value);
            }
            CallbackEvent::CloseStartTag { self_closing } => {
                if let Some(tag) = self.tag.take() {
                    self.start_unless_skipped(tag, self_closing);
                }
            }
            CallbackEvent::EndTag { name } => self.end_unless_skipped(Tag::of(name)),
            CallbackEvent::String { value } => self.text(&String::from_utf8_lossy(value)),
            _ => {}
        }
    }

    fn start_unless_skipped(&mut self, tag: Tag, self_closing: bool) {
        if let Some(skip) = &mut self.skip {
            if !skip.ends_at_start(tag, self_closing) {
                return;
            }
            self.skip = None;
        }
        let is_hidden = self.attributes.has(super::attributes::Attr::Hidden) && tag.may_hide();
        if tag.is_dropped() || is_hidden {
            if !(tag == Tag::Svg && self_closing) {
                self.skip = Some(Skip { tag, depth: 1, foreign: 0 });
            }
            return;
        }
        self.start(tag);
    }

    fn end_unless_skipped(&mut self, tag: Tag) {
        if let Some(skip) = &mut self.skip {
            if skip.ends_at_end(tag) {
                self.skip = None;
            }
            return;
        }
        if self.capture.as_ref().is_some_and(|capture| capture.tag == tag) {
            self.end_capture();
            return;
        }
        self.end(tag);
    }

    /// Keeps the text up to the end tag for `tag`'s own purpose.
    pub(super) fn capture(&mut self, tag: Tag) {
        self.capture = Some(Capture { tag, text: String::new() });
    }

    /// Leaves out everything up to the end tag.
    pub(super) fn skip(&mut self, tag: Tag) {
        self.skip = Some(Skip { tag, depth: 1, foreign: 0 });
    }

    fn end_capture(&mut self) {
        match self.capture.take() {
            Some(Capture { tag: Tag::Title, text }) => self.head.title(&text),
            Some(Capture { text, .. }) => self.head.json_ld(&text),
            None => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.skip.is_some() {
            return;
        }
        if let Some(capture) = &mut self.capture {
            if capture.text.len() + text.len() <= MAX_CAPTURE_BYTES {
                capture.text.push_str(text);
            }
            return;
        }
        self.links.text(text);
        if self.pre.is_some() {
            self.inline.push_preformatted(text);
            return;
        }
        // Text between the cells of a table comes before it, as in a browser.
        self.inline.push(text, &self.look);
    }

    /// Ends the block under construction.
    pub(super) fn flush(&mut self) {
        self.links.text(" ");
        if self.pre.is_some() {
            if !self.inline.text().is_empty() && !self.inline.text().ends_with('\n') {
                self.inline.push_preformatted("\n");
            }
            return;
        }
        if self.table.as_ref().is_some_and(Table::in_cell) {
            self.inline.space();
            return;
        }
        if !self.inline.is_empty() {
            match self.heading {
                Some(level) => self.flush_heading(level),
                None => self.blocks.paragraph(&self.inline),
            }
        }
        self.inline.clear();
    }

    fn flush_heading(&mut self, level: u8) {
        if level == 1 && !std::mem::replace(&mut self.has_headline, true) {
            self.head.headline(&self.inline.visible());
        }
        self.blocks.heading(level, &self.inline);
    }

    /// Recomputes the style from the open formatting elements.
    pub(super) fn restyle(&mut self) {
        let bits = [STRONG, EMPHASIS, DELETED, CODE];
        let open = bits.iter().zip(self.open_formats).filter(|(_, open)| *open > 0);
        self.look.style = open.fold(0, |style, (bit, _)| style | bit);
    }

    /// The absolute address of a link or an image, if it may be shown.
    pub(super) fn target(&mut self, address: &str) -> Option<Rc<str>> {
        self.resolver.resolve(address, &["http", "https", "mailto", "tel"])
    }

    fn finish(mut self) -> Extracted {
        self.end_capture();
        while !self.stack.is_empty() {
            self.pop();
        }
        self.flush();
        let (title, metadata) = self.head.finish(&mut self.resolver);
        let (markdown, text, cut) = self.blocks.finish();
        let truncated = cut || self.links.truncated || self.resolver.exhausted;
        Extracted {
            title,
            text,
            markdown,
            links: self.formats.links.then(|| self.links.finish()),
            metadata: self.formats.metadata.then_some(metadata),
            truncated,
            ..Extracted::default()
        }
    }
}

impl Skip {
    /// Whether the start tag shows that the element has ended before it.
    fn ends_at_start(&mut self, tag: Tag, self_closing: bool) -> bool {
        if self.tag == Tag::Svg {
            self.foreign += u32::from(tag == Tag::Foreign && !self_closing);
            if self.foreign == 0 && tag.breaks_out_of_svg() {
                return true;
            }
        }
        self.depth += u32::from(tag == self.tag && !self_closing);
        false
    }

    /// Whether the end tag is the element's own.
    fn ends_at_end(&mut self, tag: Tag) -> bool {
        if tag == Tag::Foreign {
            self.foreign = self.foreign.saturating_sub(1);
        }
        self.depth -= u32::from(tag == self.tag);
        self.depth == 0
    }
}

/// Walks `html` and makes what `formats` asks for, except the document itself.
pub(super) fn walk(html: &str, url: &Url, formats: Formats) -> Extracted {
    let mut walker = Walker::new(url, formats, html.len());
    let callback = |event: CallbackEvent<'_>, _: Span<()>| -> Option<Infallible> {
        walker.event(&event);
        None
    };
    let mut emitter = CallbackEmitter::new(callback);
    emitter.naively_switch_states(true);
    match Tokenizer::new_with_emitter(html, emitter).finish() {
        Ok(()) => walker.finish(),
    }
}
