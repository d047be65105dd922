//! Blocks of code.

use super::Writer;
use super::inline::is_invisible;
use super::kind::Kind;
use crate::document::{Document, NodeId};
use crate::name::Tag;

/// A longer word is no name of a language.
const MAX_LANGUAGE_BYTES: usize = 24;

/// So much of an element's classes is looked at.
const MAX_CLASS_BYTES: usize = 512;

/// Classes that name a language say so by these.
const PREFIXES: [&str; 6] =
    ["language-", "lang-", "highlight-source-", "highlight-text-", "sourceCode-", "brush:"];

/// Highlighters put the language into a class next to one of these.
const HIGHLIGHTERS: [&str; 5] =
    ["hljs", "syntaxhighlighter", "sourceCode", "prettyprint", "highlight"];

/// Classes that are seen next to a highlighter's and name no language.
const NO_LANGUAGES: [&str; 13] = [
    "hljs",
    "syntaxhighlighter",
    "sourceCode",
    "prettyprint",
    "prettyprinted",
    "highlight",
    "linenums",
    "copy",
    "code",
    "copyable",
    "wrap",
    "numberSource",
    "notranslate",
];

/// Classes of what holds the numbers of lines.
const GUTTERS: [&str; 20] = [
    "gutter",
    "linenos",
    "lineno",
    "linenodiv",
    "line-number",
    "line-numbers",
    "line-numbers-rows",
    "linenumber",
    "linenumbers",
    "lineNumber",
    "lnt",
    "ln",
    "rouge-gutter",
    "hljs-ln-numbers",
    "hljs-ln-n",
    "blob-num",
    "code-gutter",
    "crayon-nums",
    "react-syntax-highlighter-line-number",
    "number",
];

/// A block of code under construction.
#[derive(Debug, Default)]
pub(super) struct Code {
    language: String,
    text: String,
}

impl Code {
    pub(super) fn new(language: String) -> Self {
        Self { language, ..Self::default() }
    }

    pub(super) fn push(&mut self, text: &str) {
        let odd =
            |c: char| c == '\u{a0}' || c == '\r' || (is_invisible(c) && c != '\n' && c != '\t');
        if text.contains(odd) {
            let kept = text.chars().filter(|&c| !odd(c) || c == '\u{a0}');
            self.text.extend(kept.map(|c| if c == '\u{a0}' { ' ' } else { c }));
        } else {
            self.text.push_str(text);
        }
    }

    /// What follows is on another line.
    pub(super) fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// The language and the text, without blank lines at its edges.
    pub(super) fn take(&mut self) -> (String, String) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim_end();
        let indent = text.len() - text.trim_start().len();
        let start = text[..indent].rfind('\n').map_or(0, |end| end + 1);
        (std::mem::take(&mut self.language), text[start..].to_owned())
    }
}

impl Writer<'_, '_> {
    /// The language of a block of code; empty if nothing says it.
    pub(super) fn language(&self, id: NodeId) -> String {
        let document = self.document;
        let first = document.children(id).find(|&id| !document.is_text(id));
        let inner = first.filter(|&id| document.tag(id) == Tag::Code);
        let around = document.ancestors(id).take(3);
        let mut places = std::iter::once(id).chain(inner).chain(around);
        places.find_map(|id| language_of(document, id)).unwrap_or_default()
    }

    /// Whether an element holds the numbers of lines beside code.
    pub(super) fn is_gutter(&mut self, id: NodeId, classes: &str) -> bool {
        if id < self.no_gutter_until
            || !classes.split_ascii_whitespace().any(|c| GUTTERS.contains(&c))
        {
            return false;
        }
        let in_code = self.code.is_some()
            || self.frames.iter().rev().take(6).any(|frame| frame.kind == Kind::Table);
        let document = self.document;
        let number = |c: char| c.is_ascii_digit() || c.is_whitespace() || c == '\u{200b}';
        let mut texts = document.descendants(id).filter(|&id| document.is_text(id));
        if in_code && texts.all(|id| document.source_text(id).chars().all(number)) {
            return true;
        }
        self.no_gutter_until = document.node(id).end;
        false
    }
}

/// The first classes of an element. There can be so many that whoever asks often pays for it.
pub(super) fn classes<'s>(document: &Document<'s>, id: NodeId) -> impl Iterator<Item = &'s str> {
    let classes = document.raw_attribute(id, "class").unwrap_or("");
    classes[..classes.floor_char_boundary(MAX_CLASS_BYTES)].split_ascii_whitespace()
}

/// Whether an element is a block of code that a script has made of one.
pub(super) fn is_highlighter(classes: &str) -> bool {
    classes.split_ascii_whitespace().any(|class| class == "syntaxhighlighter")
}

fn language_of(document: &Document<'_>, id: NodeId) -> Option<String> {
    for name in ["data-lang", "data-language", "data-enlighter-language"] {
        if let Some(language) = document.raw_attribute(id, name).and_then(clean) {
            return Some(language);
        }
    }
    let words = || classes(document, id);
    let named = words().find_map(|class| {
        PREFIXES.iter().find_map(|prefix| class.strip_prefix(prefix)).and_then(clean)
    });
    let brush = || words().skip_while(|class| *class != "brush:").nth(1).and_then(clean);
    let beside = || {
        let own = words().any(|class| HIGHLIGHTERS.contains(&class));
        let mut others = words().filter(|class| !NO_LANGUAGES.contains(class));
        let language = others.next().filter(|_| own && others.next().is_none());
        // A language's name, not `code-block` or the like.
        language
            .filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '+'))
            .and_then(clean)
    };
    named.or_else(brush).or_else(beside)
}

/// The name of a language as a fence takes it; none where it says that there is none.
fn clean(name: &str) -> Option<String> {
    if name.len() > 2 * MAX_LANGUAGE_BYTES {
        return None;
    }
    let name = name.trim().trim_end_matches(';').to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '#' | '.' | '_');
    let says_nothing =
        matches!(&*name, "" | "none" | "plaintext" | "plain" | "text" | "txt" | "default" | "auto");
    (!says_nothing && name.len() <= MAX_LANGUAGE_BYTES && name.chars().all(plain)).then_some(name)
}
