//! SVG and MathML (HTML standard, section 13.2.6.5).

use crate::name::Tag;

use super::kinds::{self, Barrier};
use super::stack::{Content, Name};
use super::tokens::StartTag;
use super::tree::Tree;

impl Tree<'_> {
    pub(super) fn foreign_start(&mut self, start: &StartTag) {
        let tag = start.name.tag;
        let leaves = kinds::leaves_foreign(tag)
            || tag == Tag::Font && self.has_any(start, &["color", "face", "size"]);
        if leaves {
            self.close(self.stack.barrier(Barrier::Html));
            self.body_start(start);
        } else if start.is_self_closing {
            self.leaf(tag, start);
        } else {
            let holds_html = match tag {
                Tag::Foreignobject | Tag::Desc | Tag::Title => true,
                Tag::Mi | Tag::Mn | Tag::Mo | Tag::Ms | Tag::Mtext => true,
                Tag::AnnotationXml => self.is_html_annotation(start),
                _ => false,
            };
            self.open(start, if holds_html { Content::Integration } else { Content::Foreign });
        }
    }

    pub(super) fn foreign_end(&mut self, name: Name) {
        if self.stack.unskip(name) {
            return;
        }
        if matches!(name.tag, Tag::Br | Tag::P) {
            self.close(self.stack.barrier(Barrier::Html));
            return self.body_end(name);
        }
        let place = self.stack.last(name);
        if place > self.stack.barrier(Barrier::HtmlElement) {
            self.close(place - 1);
        } else {
            self.body_end(name);
        }
    }

    fn has_any(&self, start: &StartTag, names: &[&str]) -> bool {
        names.iter().any(|name| self.value(start, name).is_some())
    }

    fn is_html_annotation(&self, start: &StartTag) -> bool {
        self.value(start, "encoding").is_some_and(|encoding| {
            encoding.eq_ignore_ascii_case("text/html")
                || encoding.eq_ignore_ascii_case("application/xhtml+xml")
        })
    }

    /// The value of a tag's attribute as written.
    pub(super) fn value(&self, start: &StartTag, name: &str) -> Option<&str> {
        let source = self.document.source;
        let slice = |at: u32, bytes: u32| &source[at as usize..(at + bytes) as usize];
        let own = &self.document.attributes[start.first as usize..start.last as usize];
        own.iter()
            .find(|own| slice(own.name, own.name_bytes).eq_ignore_ascii_case(name))
            .map(|own| slice(own.value, own.value_bytes))
    }
}
