//! Page bytes in, clean content out.
//!
//! A pure function: it does no input or output, starts no thread and reads no clock. Time and
//! memory are linear in the input, whatever it holds; depth is capped, nothing recurses over
//! input, and nothing panics.
//!
//! ```
//! use extract::{Options, Scope, extract};
//!
//! let options = Options { scope: Scope::Page, ..Options::default() };
//! let page = b"<title>Tea</title><h1>Tea</h1><p>Green <b>or</b> <a href=/black>black</a>?";
//! let url = "https://example.com/drinks".parse().unwrap();
//! let made = extract(page, Some("text/html; charset=utf-8"), &url, &options);
//!
//! assert_eq!(made.title.as_deref(), Some("Tea"));
//! assert_eq!(made.text.as_deref(), Some("Tea\n\nGreen or black?"));
//! let markdown = "# Tea\n\nGreen **or** [black](https://example.com/black)?\n";
//! assert_eq!(made.markdown.as_deref(), Some(markdown));
//! ```

mod address;
mod charset;
mod content;
mod document;
mod feed;
mod formats;
mod keep;
mod line;
mod links;
mod markdown;
mod media;
mod metadata;
mod name;
mod options;
mod page;
mod pdf;
mod reference;
mod refresh;
mod scanner;
mod select;
mod text;
#[cfg(feature = "training")]
pub mod training;
mod writer;

use unicode_normalization::{UnicodeNormalization, is_nfc_quick};
use url::Url;

pub use formats::{Format, Formats, UnknownFormat};
pub use options::{Options, Scope};
pub use page::{
    CharsetSource, Feed, Link, MediaKind, MediaSource, Metadata, Page, Refresh, Region, Unreadable,
};
pub use select::{Field, Select, SelectError};

use charset::Syntax;
use document::Document;
use keep::Keep;
use media::{Kind, Media};

/// Makes of a decompressed body what `options` ask for.
///
/// `content_type` is the header as received; without one the body is looked at. `url` is where
/// the body came from: links are relative to it, and its top-level domain helps to guess an
/// encoding. [`Formats::raw`] has no effect here. Never fails: a binary body gives nothing.
///
/// Time is linear in the input whatever it holds. Text and Markdown have at most twice the length
/// of the input and 256 KiB each; what goes beyond is left out, and [`Page::truncated`] says so.
/// What is made of HTML is Unicode in normalization form C; other bodies stay as they are.
#[must_use]
pub fn extract(bytes: &[u8], content_type: Option<&str>, url: &Url, options: &Options) -> Page {
    let media = media::classify(content_type, bytes);
    let page = made(bytes, &media, url, options);
    Page { media: Some(media.kind.media()), media_source: Some(media.source), ..page }
}

fn made(bytes: &[u8], media: &Media<'_>, url: &Url, options: &Options) -> Page {
    let formats = options.formats;
    if !options.needs_text() {
        return Page::default();
    }
    let syntax = match media.kind {
        Kind::Html => Syntax::Html,
        Kind::Text(syntax, _) => syntax,
        Kind::Feed => Syntax::Xml,
        Kind::Pdf => return pdf(bytes, url, options),
        Kind::Other(_) => return Page::default(),
    };
    let decoded = charset::decode(bytes, media.charset, syntax, url);
    let text = decoded.text;
    let mut page = match media.kind {
        Kind::Text(_, language) => plain(&text, language, formats),
        Kind::Feed => feed(&text, url, formats),
        _ if formats.needs_tree() || options.select.is_some() => html(&text, url, options),
        _ => Page::default(),
    };
    if formats.html && media.kind == Kind::Html {
        page.html = Some(text.into_owned());
    }
    page.charset = Some(decoded.encoding.name().to_ascii_lowercase());
    page.charset_source = Some(decoded.source);
    page
}

/// Room for text or Markdown made of `input_bytes`.
fn most_bytes(input_bytes: usize) -> usize {
    2 * input_bytes + 256 * 1024
}

fn html(source: &str, url: &Url, options: &Options) -> Page {
    let formats = options.formats;
    let document = scanner::scan(source);
    let base = links::base(&document, url);
    let is_written = formats.text || formats.markdown;
    // Links are told by where they stand, so they need to know the main content too.
    let main = (is_written && options.scope == Scope::Main || formats.links)
        .then(|| content::choose(&document, url));
    // Where there is no main content to be found, as on a page of a few words, all of it is.
    let is_empty = main.as_ref().is_some_and(|main| !main.any(0..document.len()));
    let few =
        (is_written && options.scope == Scope::Main).then(|| Keep::few_words(&document)).flatten();
    let visible = few.or_else(|| {
        (is_written && (options.scope == Scope::Page || is_empty)).then(|| Keep::visible(&document))
    });
    let most = most_bytes(source.len());
    let mut page = Page { truncated: document.truncated, ..Page::default() };
    if let Some(keep) = visible.as_ref().or(main.as_ref()).filter(|_| is_written) {
        write(&document, keep, &base, formats, most, &mut page);
    }
    if let Some(main) = main.filter(|_| formats.links) {
        let (links, cut) = links::read(&document, &main, &base);
        page.links = Some(links);
        page.truncated |= cut;
    }
    page.meta_refresh = refresh::read(&document, url, &base);
    let found = metadata::read(&document, url, &base);
    page.title = found.title;
    page.metadata = formats.metadata.then_some(found.metadata);
    page.json_ld = formats.json_ld.then(|| metadata::json_ld(&document));
    if let Some(select) = &options.select {
        let (fields, cut) = select.read(&document, &base, most);
        page.fields = Some(fields);
        page.truncated |= cut;
    }
    page
}

/// A feed as a page of its entries; one without any is only XML.
fn feed(source: &str, url: &Url, formats: Formats) -> Page {
    let most = most_bytes(source.len());
    let read = feed::read(source, most);
    if read.html.is_empty() {
        return plain(source, "xml", formats);
    }
    let mut page = Page { title: read.title, truncated: read.truncated, ..Page::default() };
    let document = scanner::scan(&read.html);
    let keep = Keep::visible(&document);
    write(&document, &keep, url, formats, most, &mut page);
    if formats.links {
        let (links, cut) = links::read(&document, &keep, url);
        page.links = Some(links);
        page.truncated |= cut;
    }
    page
}

/// The text of PDF; its pages have no markup of their own, so all that is on them is wanted.
fn pdf(bytes: &[u8], url: &Url, options: &Options) -> Page {
    let formats = options.formats;
    let most = most_bytes(bytes.len());
    let read = pdf::read(bytes, most);
    let mut page =
        Page { unreadable: read.unreadable, truncated: read.truncated, ..Page::default() };
    let document = scanner::scan(&read.html);
    write(&document, &Keep::visible(&document), url, formats, most, &mut page);
    page.title = read.title;
    page.metadata = formats.metadata.then_some(read.metadata);
    page
}

/// Writes text and Markdown, each with at most `most` bytes, as far as they are wanted.
fn write(
    document: &Document<'_>,
    keep: &Keep,
    base: &Url,
    formats: Formats,
    most: usize,
    page: &mut Page,
) {
    let wants = writer::Wants { text: formats.text, markdown: formats.markdown };
    let written = writer::write(document, keep, base, wants, most);
    page.text = written.text.map(composed);
    page.markdown = written.markdown.map(composed);
    page.truncated |= document.truncated | written.cut;
    for form in [&mut page.text, &mut page.markdown].into_iter().flatten() {
        page.truncated |= fit(form, most);
    }
}

/// A body that is text already.
fn plain(text: &str, language: &str, formats: Formats) -> Page {
    Page {
        text: formats.text.then(|| text.to_owned()),
        markdown: formats.markdown.then(|| markdown::fenced(language, text)),
        ..Page::default()
    }
}

/// Cuts a form that composition has made too long: a few characters take three times their bytes
/// then. Says whether it was.
fn fit(form: &mut String, most_bytes: usize) -> bool {
    let kept = line::cut(form, most_bytes).len();
    let is_cut = kept < form.len();
    form.truncate(kept);
    is_cut
}

/// Normalization form C (Unicode Standard Annex 15).
fn composed(text: String) -> String {
    match is_nfc_quick(text.chars()) {
        unicode_normalization::IsNormalized::Yes => text,
        _ => text.nfc().collect(),
    }
}
