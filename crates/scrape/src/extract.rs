//! Bytes in, forms of the page out: pure, linear in the input, bounded in everything it makes.
//!
//! HTML is tokenized by html5gum, as the standard has it, and walked once. `lol_html` was the
//! other candidate; it is faster, but leaves character references undecoded and brings a selector
//! engine that is of no use here. A tree builder is out of the question: html5ever's time grows
//! with the square of the nesting.

mod attributes;
mod blocks;
mod date;
mod end;
mod head;
mod inline;
mod json_ld;
mod links;
mod media;
mod render;
mod stack;
mod start;
mod table;
mod tag;
mod walker;

use url::Url;

use crate::charset;
use crate::{Extracted, Formats};

/// Makes `formats` out of a decompressed body.
///
/// `content_type` is the header as received; without one the body is looked at. `url` is where
/// the body came from: links are relative to it, and its top-level domain helps to guess an
/// encoding. [`Formats::raw`] has no effect here. Never fails: a binary body gives nothing.
///
/// Time is linear in the input whatever it holds. Each output has at most twice the length of the
/// input and 256 KiB; what goes beyond is left out, and [`Extracted::truncated`] says so.
///
/// ```
/// use scrape::{Formats, extract};
///
/// let page = b"<title>Tea</title><h1>Tea</h1><p>Green <b>or</b> <a href=/black>black</a>?";
/// let url = "https://example.com/drinks".parse().unwrap();
/// let made = extract(page, Some("text/html; charset=utf-8"), &url, Formats::ALL);
///
/// assert_eq!(made.title.as_deref(), Some("Tea"));
/// assert_eq!(made.text.as_deref(), Some("Tea\n\nGreen or black?"));
/// assert_eq!(
///     made.markdown.as_deref(),
///     Some("# Tea\n\nGreen **or** [black](https://example.com/black)?\n")
/// );
/// assert_eq!(made.links.unwrap()[0].url, "https://example.com/black");
/// ```
#[must_use]
pub fn extract(bytes: &[u8], content_type: Option<&str>, url: &Url, formats: Formats) -> Extracted {
    let media = media::classify(content_type, bytes);
    let syntax = match media.kind {
        media::Kind::Html => charset::Syntax::Html,
        media::Kind::Text(syntax, _) => syntax,
        media::Kind::Binary => return Extracted::default(),
    };
    if !formats.needs_text() {
        return Extracted::default();
    }
    let (text, encoding) = charset::decode(bytes, media.charset, syntax, url);
    let mut made = match media.kind {
        media::Kind::Html if formats.needs_walk() => walker::walk(&text, url, formats),
        media::Kind::Text(_, language) => as_text(&text, language, formats),
        _ => Extracted::default(),
    };
    if formats.html && media.kind == media::Kind::Html {
        made.html = Some(text.into_owned());
    }
    made.charset = Some(encoding.name().to_ascii_lowercase());
    made
}

/// A body that is text already.
fn as_text(text: &str, language: &str, formats: Formats) -> Extracted {
    let markdown = formats.markdown.then(|| {
        let mut blocks = blocks::Blocks::new(true, false, usize::MAX);
        blocks.code(language, text);
        blocks.finish().0.unwrap_or_default()
    });
    Extracted { markdown, text: formats.text.then(|| text.to_owned()), ..Extracted::default() }
}
