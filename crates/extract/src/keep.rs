//! Which text of a page is wanted.

use std::ops::Range;

use crate::document::{Document, NodeId};
use crate::name::Tag;

/// A page with no more text than this shows a few words.
const FEW_BYTES: usize = 1_000;

/// Classes and ids longer than this are not looked at.
const MAX_NAME_BYTES: usize = 256;

/// The text nodes that are wanted, by their place.
#[derive(Debug)]
pub(crate) struct Keep {
    /// How many are wanted before each node; one more entry than nodes.
    before: Vec<u32>,
    /// All that is visible is wanted.
    whole: bool,
}

impl Keep {
    /// Wants the text nodes that `wanted` accepts.
    pub(crate) fn of(document: &Document<'_>, mut wanted: impl FnMut(NodeId) -> bool) -> Self {
        let mut before = Vec::with_capacity(document.nodes.len() + 1);
        let mut count = 0;
        for id in 0..document.len() {
            before.push(count);
            count += u32::from(document.is_text(id) && wanted(id));
        }
        before.push(count);
        Self { before, whole: false }
    }

    /// Wants all that a browser without scripts would show.
    pub(crate) fn visible(document: &Document<'_>) -> Self {
        let mut hidden_until = 0;
        let mut before = Vec::with_capacity(document.nodes.len() + 1);
        let mut count = 0;
        for id in 0..document.len() {
            before.push(count);
            if id < hidden_until {
                continue;
            }
            if document.is_text(id) {
                count += 1;
            } else if is_hidden(document, id) {
                hidden_until = document.node(id).end;
            }
        }
        before.push(count);
        Self { before, whole: true }
    }

    /// Of a page that shows only a few words, all of them but navigation, asides, footers and notices of
    /// cookies; none for a page that shows more, or mostly links. There a model has too little to
    /// go by and would lose half of it.
    pub(crate) fn few_words(document: &Document<'_>) -> Option<Self> {
        let mut wanted = vec![false; document.nodes.len()];
        let (mut bytes, mut linked_bytes, mut link_end) = (0, 0, 0);
        let mut id = 0;
        while id < document.len() {
            let node = document.node(id);
            if document.is_text(id) {
                wanted[id as usize] = true;
                let length = document.source_text(id).trim().len();
                bytes += length;
                linked_bytes += if id < link_end { length } else { 0 };
                if bytes > FEW_BYTES {
                    return None;
                }
            } else if is_hidden(document, id) || is_margin(document, id) {
                id = node.end;
                continue;
            } else if node.tag == Tag::A {
                link_end = link_end.max(node.end);
            }
            id += 1;
        }
        (bytes > 0 && 2 * linked_bytes <= bytes)
            .then(|| Self::of(document, |id| wanted[id as usize]))
    }

    /// Whether all that is visible is wanted.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether a text node is wanted.
    pub(crate) fn text(&self, id: NodeId) -> bool {
        self.count(id..id + 1) > 0
    }

    /// How many of the text nodes in `range` are wanted.
    pub(crate) fn count(&self, range: Range<NodeId>) -> u32 {
        self.before[range.end as usize] - self.before[range.start as usize]
    }

    /// Whether any text in `range` is wanted.
    pub(crate) fn any(&self, range: Range<NodeId>) -> bool {
        self.count(range) > 0
    }
}

/// Whether an element is the margin of a page: by its kind, its role, or as a notice of cookies.
fn is_margin(document: &Document<'_>, id: NodeId) -> bool {
    if matches!(document.tag(id), Tag::Nav | Tag::Footer | Tag::Aside) {
        return true;
    }
    document.attributes(id).any(|(name, value)| {
        let is = |own: &str| name.eq_ignore_ascii_case(own);
        if is("role") {
            return ["navigation", "contentinfo", "complementary", "search"]
                .iter()
                .any(|role| value.trim().eq_ignore_ascii_case(role));
        }
        (is("class") || is("id"))
            && value.len() <= MAX_NAME_BYTES
            && ["cookie", "consent"].iter().any(|word| value.to_ascii_lowercase().contains(word))
    })
}

/// Whether an element and all in it is never shown: by its kind, `hidden`, or its own style.
pub(crate) fn is_hidden(document: &Document<'_>, id: NodeId) -> bool {
    match document.tag(id) {
        Tag::Root | Tag::Text | Tag::Html | Tag::Body => return false,
        Tag::Head
        | Tag::Script
        | Tag::Style
        | Tag::Template
        | Tag::Title
        | Tag::Noscript
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
        | Tag::Rp => return true,
        _ => {}
    }
    document.attributes(id).any(|(name, value)| {
        if name.eq_ignore_ascii_case("hidden") {
            return !value.eq_ignore_ascii_case("until-found") && !is_streamed(document, id);
        }
        name.eq_ignore_ascii_case("style") && hides(value)
    })
}

/// Whether an element is a piece of the page that arrives hidden and that a script of React's
/// streaming puts into its place: `<div hidden id="S:1f">`.
fn is_streamed(document: &Document<'_>, id: NodeId) -> bool {
    let number = document.raw_attribute(id, "id").and_then(|id| id.strip_prefix("S:"));
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Whether a `style` attribute says `display: none` or `visibility: hidden`.
fn hides(style: &str) -> bool {
    style.split(';').take(64).any(|declaration| {
        let Some((property, value)) = declaration.split_once(':') else { return false };
        let word = value.trim().split([' ', '!']).next().unwrap_or("");
        let property = property.trim();
        property.eq_ignore_ascii_case("display") && word.eq_ignore_ascii_case("none")
            || property.eq_ignore_ascii_case("visibility") && word.eq_ignore_ascii_case("hidden")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::scan;

    #[test]
    fn pages_of_a_few_words() {
        let kept = |source: &str| {
            let document = scan(source);
            let keep = Keep::few_words(&document)?;
            let texts = (0..document.len()).filter(|&id| keep.text(id));
            Some(texts.map(|id| document.source_text(id)).collect::<String>())
        };
        let page = "<title>T</title><nav>n</nav><div class=CookieBar>c</div><div role=search>s</div>\
            <aside>a</aside><h1>Heading</h1><p>A few words and <a href=/x>a link</a>.<footer>f</footer>";
        assert_eq!(kept(page).as_deref(), Some("HeadingA few words and a link."));
        assert_eq!(kept("<h1>Links</h1><a href=/x>one link</a>"), None);
        assert_eq!(kept("<nav>n</nav>"), None);
        assert_eq!(kept(&format!("<p>{}", "a".repeat(FEW_BYTES + 1))), None);
        assert!(kept(&format!("<p>{}<nav>b</nav>", "a".repeat(FEW_BYTES))).is_some());
    }

    #[test]
    fn what_is_hidden() {
        for (source, hidden) in [
            ("<p>x", false),
            ("<p hidden>x", true),
            ("<p hidden=until-found>x", false),
            ("<p style='color: red; Display : none !important'>x", true),
            ("<p style='visibility:hidden'>x", true),
            ("<div hidden id=S:1f>x", false),
            ("<div hidden id=S:>x", true),
            ("<div hidden id=S:x>x", true),
            ("<template>x", true),
            ("<div><template shadowrootmode=open>x", false),
        ] {
            let document = scan(source);
            let keep = Keep::visible(&document);
            assert_eq!(!keep.any(0..document.len()), hidden, "{source}");
        }
    }
}
