//! Formulas, as the TeX they were made from.

use super::Writer;
use super::inline::{CODE, Look};
use crate::document::{Document, NodeId};
use crate::name::Tag;

impl Writer<'_, '_> {
    /// Writes a formula and says which node is next: the first one in it where no TeX is known.
    ///
    /// The form is GitHub's: TeX in a code span between dollars, since what TeX and Markdown have
    /// in common means different things to them.
    pub(super) fn math(&mut self, id: NodeId) -> NodeId {
        let document = self.document;
        if id < self.no_formula_until || self.code.is_some() {
            return id + 1;
        }
        let Some(tex) = tex(document, id) else {
            self.no_formula_until = document.node(id).end;
            return id + 1;
        };
        let look = self.look();
        self.inline.push("$", look);
        self.inline.push(&tex, Look { style: look.style | CODE, ..Self::plain(look) });
        self.inline.push("$", look);
        // KaTeX says it again in the element after.
        self.formula_end = document.node(id).end;
        self.formula_end
    }
}

/// The TeX of a formula: its annotation, or its alternative text.
fn tex(document: &Document<'_>, id: NodeId) -> Option<String> {
    let annotation = document.descendants(id).find(|&below| {
        document.tag(below) == Tag::Other
            && document.name(below).eq_ignore_ascii_case("annotation")
            && document.raw_attribute(below, "encoding").is_some_and(|kind| kind.contains("tex"))
    });
    let tex = match annotation {
        Some(annotation) => document.text_content(annotation),
        None => document.attribute(id, "alttext")?.into_owned(),
    };
    let tex = tex.trim();
    let inner = tex.strip_prefix("{\\displaystyle").and_then(|tex| tex.strip_suffix('}'));
    let tex = inner.unwrap_or(tex).trim();
    (!tex.is_empty()).then(|| tex.to_owned())
}
