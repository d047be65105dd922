//! One walk over a page that makes its blocks.

use super::tags::{is_block, is_never_shown};
use super::{Block, Blocks, Container, Counts, NOWHERE, is_prose};
use crate::content::vocabulary::name_groups;
use crate::document::{Document, NodeId};
use crate::keep;
use crate::name::Tag;

/// Text beyond this many blocks joins the last one.
pub(super) const MAX_BLOCKS: usize = 20_000;

/// More of a link's address is not looked at.
const MAX_TARGET_BYTES: usize = 200;

/// An open element.
struct Open {
    node: NodeId,
    end: NodeId,
    before: Counts,
    container: u32,
    hidden: NodeId,
    is_block: bool,
    is_link: bool,
    is_bold: bool,
}

/// Goes over a page from its first node to its last.
pub(super) struct Walk<'d, 's> {
    document: &'d Document<'s>,
    host: &'d str,
    made: Blocks,
    open: Vec<Open>,
    links: u32,
    bold: u32,
    /// The block being filled.
    run: Block,
    /// White space came after the last word.
    space: bool,
    /// Line breaks since the last text.
    breaks: u32,
}

impl<'d, 's> Walk<'d, 's> {
    pub(super) fn new(document: &'d Document<'s>, host: &'d str) -> Self {
        let made = Blocks::default();
        let run = empty(&made);
        let open = Vec::with_capacity(32);
        Self { document, host, made, open, links: 0, bold: 0, run, space: false, breaks: 0 }
    }

    pub(super) fn run(mut self) -> Blocks {
        let mut id = 0;
        while id < self.document.len() {
            self.close(id);
            id = self.visit(id);
        }
        self.close(self.document.len());
        self.made
    }

    /// Looks at a node; returns the next one to look at.
    fn visit(&mut self, id: NodeId) -> NodeId {
        let node = self.document.node(id);
        match node.tag {
            Tag::Text => {
                self.text(id);
                return id + 1;
            }
            Tag::Br => {
                self.breaks += 1;
                self.run.breaks += 1;
                self.space = true;
            }
            Tag::Hr => self.flush(),
            Tag::Img | Tag::Picture => {
                let picture = u32::from(node.tag == Tag::Img);
                self.run.images += picture;
                self.made.counts.images += picture;
            }
            Tag::Input | Tag::Select | Tag::Textarea => self.made.counts.inputs += 1,
            _ => {}
        }
        if is_never_shown(node.tag) {
            return node.end;
        }
        let hides = keep::is_hidden(self.document, id);
        let is_block = is_block(node.tag);
        if hides && !is_block && !matches!(node.tag, Tag::Noscript | Tag::Other) {
            return node.end;
        }
        if node.end > id + 1 {
            self.enter(id, is_block, hides);
        }
        id + 1
    }

    fn enter(&mut self, id: NodeId, is_block: bool, hides: bool) {
        if is_block {
            self.flush();
        }
        let node = self.document.node(id);
        let is_link = node.tag == Tag::A && self.link(id);
        let is_bold = matches!(node.tag, Tag::B | Tag::Strong);
        self.links += u32::from(is_link);
        self.bold += u32::from(is_bold);
        let outer = self.open.last().map_or(0, |open| open.hidden);
        self.open.push(Open {
            node: id,
            end: node.end,
            before: self.made.counts,
            container: NOWHERE,
            hidden: if outer == 0 && hides { id } else { outer },
            is_block,
            is_link,
            is_bold,
        });
    }

    /// Counts a link; false for an anchor that is none.
    fn link(&mut self, id: NodeId) -> bool {
        let Some(target) = self.document.raw_attribute(id, "href") else { return false };
        let target = target.trim_start();
        self.made.counts.links += 1;
        self.run.links += 1;
        let shown = target.floor_char_boundary(MAX_TARGET_BYTES);
        self.run.link_groups |= name_groups(&target[..shown]);
        let scheme = target.as_bytes().get(..11).unwrap_or(target.as_bytes());
        if target.starts_with('#') || scheme.eq_ignore_ascii_case(b"javascript:") {
            self.run.page_links += 1;
        } else if let Some((_, rest)) = target.split_once("//")
            && target.len() - rest.len() <= "https://".len()
        {
            let end = rest.find(['/', '?', '#', ':']).unwrap_or(rest.len());
            self.run.external_links += u32::from(!rest[..end].ends_with(self.host));
        }
        true
    }

    /// Closes the elements that end before `id`.
    fn close(&mut self, id: NodeId) {
        while let Some(last) = self.open.last()
            && last.end <= id
        {
            if last.is_block {
                self.flush();
            }
            let Some(open) = self.open.pop() else { return };
            self.links -= u32::from(open.is_link);
            self.bold -= u32::from(open.is_bold);
            if open.container != NOWHERE {
                let container = &mut self.made.containers[open.container as usize];
                container.counts = self.made.counts.since(&open.before);
                container.blocks.end = self.made.counts.blocks;
            }
        }
    }

    fn text(&mut self, id: NodeId) {
        let text = self.document.text(id);
        let is_blank = text.chars().all(char::is_whitespace);
        let is_open = self.run.text.start < self.made.text.len() as u32;
        if is_blank {
            self.space |= !text.is_empty();
            if is_open {
                self.made.texts.push(id);
            }
            return;
        }
        let hidden = self.open.last().map_or(0, |open| open.hidden);
        if self.breaks > 1 || hidden != self.run.hidden {
            self.flush();
        }
        self.breaks = 0;
        self.run.hidden = hidden;
        self.made.texts.push(id);
        let chars = self.squeeze(&text);
        self.run.chars += chars;
        self.run.link_chars += if self.links > 0 { chars } else { 0 };
        self.run.bold_chars += if self.bold > 0 { chars } else { 0 };
    }

    /// Appends a text with its white space squeezed; returns the number of characters.
    fn squeeze(&mut self, text: &str) -> u32 {
        let made = &mut self.made.text;
        let mut chars = 0;
        self.space |= text.starts_with(char::is_whitespace);
        for word in text.split_whitespace() {
            if self.space && made.len() as u32 > self.run.text.start {
                made.push(' ');
                chars += 1;
            }
            made.push_str(word);
            chars += word.chars().count() as u32;
            self.space = true;
        }
        self.space = text.ends_with(char::is_whitespace);
        chars
    }

    /// Ends the block being filled.
    fn flush(&mut self) {
        self.breaks = 0;
        self.space = false;
        let end = self.made.text.len() as u32;
        if self.run.text.start == end {
            let hidden = self.run.hidden;
            self.run = Block { hidden, ..empty(&self.made) };
            return;
        }
        if self.made.blocks.len() + 1 >= MAX_BLOCKS && self.open.len() > 1 {
            self.space = true;
            return;
        }
        self.run.text.end = end;
        self.run.texts.end = self.made.texts.len() as u32;
        let container = self.mark();
        let node = self.made.containers[container as usize].node;
        let next = empty(&self.made);
        let block = Block { container, ..std::mem::replace(&mut self.run, next) };
        let counts = &mut self.made.counts;
        counts.blocks += 1;
        counts.chars += block.chars;
        counts.link_chars += block.link_chars;
        if is_prose(&block) {
            counts.prose_chars += block.chars;
        }
        let tag = self.document.tag(node);
        counts.paragraphs += u32::from(tag == Tag::P);
        counts.headings += u32::from(tag.heading().is_some());
        self.made.blocks.push(block);
    }

    /// Makes containers of the open elements around the block; returns the innermost.
    fn mark(&mut self) -> u32 {
        let inner = self.open.iter().rposition(|open| open.is_block).map_or(0, |last| last + 1);
        let known = self.open[..inner].iter().rposition(|open| open.container != NOWHERE);
        let first = known.map_or(0, |known| known + 1);
        let mut parent = known.map_or(NOWHERE, |known| self.open[known].container);
        for open in &mut self.open[first..inner] {
            open.container = self.made.containers.len() as u32;
            let start = open.before.blocks;
            self.made.containers.push(Container {
                node: open.node,
                parent,
                blocks: start..start,
                counts: Counts::default(),
            });
            parent = open.container;
        }
        parent
    }
}

fn empty(made: &Blocks) -> Block {
    let (texts, text) = (made.texts.len() as u32, made.text.len() as u32);
    Block {
        texts: texts..texts,
        text: text..text,
        container: NOWHERE,
        hidden: 0,
        chars: 0,
        link_chars: 0,
        links: 0,
        external_links: 0,
        page_links: 0,
        link_groups: 0,
        images: 0,
        bold_chars: 0,
        breaks: 0,
    }
}

impl Counts {
    fn since(&self, before: &Self) -> Self {
        Self {
            blocks: self.blocks - before.blocks,
            chars: self.chars - before.chars,
            link_chars: self.link_chars - before.link_chars,
            prose_chars: self.prose_chars - before.prose_chars,
            paragraphs: self.paragraphs - before.paragraphs,
            headings: self.headings - before.headings,
            links: self.links - before.links,
            images: self.images - before.images,
            inputs: self.inputs - before.inputs,
        }
    }
}
