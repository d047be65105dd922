//! RSS, Atom and RDF Site Summary as a page: what a reader of feeds would show.
//!
//! A feed is XML with HTML in it, escaped or in `CDATA`. It is read in one pass, without a tree and
//! without recursion, and becomes an HTML page of its entries.

use memchr::{memchr, memmem};

use crate::metadata::squeeze::squeeze;
use crate::reference;

/// Entries beyond this many are left out.
const MAX_ENTRIES: usize = 2_000;

/// What was read of a feed.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// A page: its heading is the feed's title; for each entry its title, date and summary.
    pub(crate) html: String,
    pub(crate) title: Option<String>,
    pub(crate) truncated: bool,
}

/// The parts that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Title,
    Link,
    Date,
    /// The better one of two summaries has the higher number.
    Summary(u8),
}

#[derive(Debug, Default)]
struct Entry {
    title: String,
    link: String,
    date: String,
    summary: String,
    rank: u8,
}

/// Reads a feed; the HTML has about `most_bytes` at most.
pub(crate) fn read(source: &str, most_bytes: usize) -> Read {
    let mut reader = Reader { rest: source, read: Read::default(), entry: Entry::default() };
    let mut is_entry = false;
    let mut entries = 0;
    // The element whose text is read, and the text.
    let mut open: Option<(Part, &str, String)> = None;
    while let Some(piece) = reader.next() {
        match piece {
            Piece::Text(text, is_escaped) => {
                let Some((.., out)) = &mut open else { continue };
                match is_escaped {
                    true => out.push_str(&reference::text_only(text)),
                    false => out.push_str(text),
                }
            }
            Piece::Start(name, attributes) => {
                if let Some((part, _, out)) = &mut open {
                    // XHTML in a summary of Atom.
                    if matches!(part, Part::Summary(_)) {
                        mark(out, "<", name, attributes);
                    }
                    continue;
                }
                if matches!(local(name), "item" | "entry") {
                    if !is_entry && entries == 0 {
                        reader.head();
                    }
                    (is_entry, reader.entry) = (true, Entry::default());
                } else if let Some(part) = part_of(name) {
                    if part == Part::Link {
                        reader.link(attributes);
                    }
                    if !attributes.ends_with('/') {
                        open = Some((part, name, String::new()));
                    }
                }
            }
            Piece::End(name) => match open.take() {
                Some((part, own, text)) if own == name => reader.put(part, text),
                Some((part, own, mut text)) => {
                    if matches!(part, Part::Summary(_)) {
                        mark(&mut text, "</", name, "");
                    }
                    open = Some((part, own, text));
                }
                None if matches!(local(name), "item" | "entry") && is_entry => {
                    is_entry = false;
                    entries += 1;
                    reader.show();
                    if entries == MAX_ENTRIES || reader.read.html.len() > most_bytes {
                        reader.read.truncated = true;
                        return reader.read;
                    }
                }
                None => {}
            },
        }
    }
    if entries == 0 {
        reader.head();
    }
    reader.read
}

/// A piece of XML.
enum Piece<'s> {
    /// Whether references are to be replaced in it.
    Text(&'s str, bool),
    /// A name and the rest of the tag.
    Start(&'s str, &'s str),
    End(&'s str),
}

struct Reader<'s> {
    rest: &'s str,
    read: Read,
    entry: Entry,
}

impl<'s> Reader<'s> {
    fn next(&mut self) -> Option<Piece<'s>> {
        loop {
            let rest = self.rest;
            if rest.is_empty() {
                return None;
            }
            let Some(tag) = rest.strip_prefix('<') else {
                let end = memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
                self.rest = &rest[end..];
                return Some(Piece::Text(&rest[..end], true));
            };
            if let Some(inside) = tag.strip_prefix("![CDATA[") {
                return Some(Piece::Text(self.until(inside, "]]>"), false));
            }
            if let Some(inside) = tag.strip_prefix("!--") {
                self.until(inside, "-->");
                continue;
            }
            let inside = self.until(tag, ">");
            if inside.starts_with(['?', '!']) {
                continue;
            }
            if let Some(name) = inside.strip_prefix('/') {
                return Some(Piece::End(name.trim_end()));
            }
            let end = inside.find(|c: char| c.is_ascii_whitespace() || c == '/');
            let (name, attributes) = inside.split_at(end.unwrap_or(inside.len()));
            return Some(Piece::Start(name, attributes));
        }
    }

    /// What is before an end, which is passed too.
    fn until(&mut self, inside: &'s str, end: &str) -> &'s str {
        match memmem::find(inside.as_bytes(), end.as_bytes()) {
            Some(at) => {
                self.rest = &inside[at + end.len()..];
                &inside[..at]
            }
            None => {
                self.rest = "";
                inside
            }
        }
    }

    /// A link of Atom: the one that is the entry, not the one to its comments or to the feed.
    fn link(&mut self, attributes: &str) {
        let rel = attribute(attributes, "rel").unwrap_or("alternate");
        if let Some(href) = attribute(attributes, "href")
            && rel == "alternate"
            && self.entry.link.is_empty()
        {
            self.entry.link = reference::attribute(href).trim().to_owned();
        }
    }

    fn put(&mut self, part: Part, text: String) {
        let entry = &mut self.entry;
        match part {
            Part::Title if entry.title.is_empty() => entry.title = squeeze(&plain(&text)),
            Part::Link if entry.link.is_empty() => entry.link = text.trim().to_owned(),
            Part::Date if entry.date.is_empty() => entry.date = squeeze(&text),
            Part::Summary(rank) if rank > entry.rank && !text.trim().is_empty() => {
                entry.rank = rank;
                entry.summary = text;
            }
            _ => {}
        }
    }

    /// What was read before the first entry is about the feed.
    fn head(&mut self) {
        let feed = std::mem::take(&mut self.entry);
        if !feed.title.is_empty() {
            self.heading("h1", &feed);
            self.read.title = Some(feed.title);
        }
        if feed.rank > 0 {
            self.read.html.push_str("<div>");
            self.read.html.push_str(&feed.summary);
            self.read.html.push_str("</div>\n");
        }
    }

    fn show(&mut self) {
        let entry = std::mem::take(&mut self.entry);
        self.read.html.push_str("<article>");
        self.heading("h2", &entry);
        if !entry.date.is_empty() {
            self.read.html.push_str("<p>");
            escape(&entry.date, &mut self.read.html);
            self.read.html.push_str("</p>");
        }
        self.read.html.push_str("<div>");
        self.read.html.push_str(&entry.summary);
        self.read.html.push_str("</div></article>\n");
    }

    fn heading(&mut self, tag: &str, entry: &Entry) {
        let shown = if entry.title.is_empty() { &entry.link } else { &entry.title };
        if shown.is_empty() {
            return;
        }
        let out = &mut self.read.html;
        out.push_str(&format!("<{tag}>"));
        if !entry.link.is_empty() {
            out.push_str("<a href=\"");
            escape(&entry.link, out);
            out.push_str("\">");
        }
        escape(shown, out);
        out.push_str(if entry.link.is_empty() { "" } else { "</a>" });
        out.push_str(&format!("</{tag}>"));
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn part_of(name: &str) -> Option<Part> {
    Some(match name {
        "title" | "atom:title" => Part::Title,
        "link" | "atom:link" => Part::Link,
        "pubDate" | "published" | "dc:date" | "updated" | "atom:published" => Part::Date,
        "description" | "summary" | "subtitle" | "atom:summary" => Part::Summary(1),
        "content:encoded" | "content" | "atom:content" => Part::Summary(2),
        _ => return None,
    })
}

/// An attribute's value as written.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = attributes;
    loop {
        let (own, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, next) = after[1..].split_once(quote)?;
        if own.trim() == name {
            return Some(value);
        }
        rest = next;
    }
}

/// Titles may hold HTML: its text.
fn plain(text: &str) -> String {
    if !text.contains('<') {
        return text.to_owned();
    }
    let document = crate::scanner::scan(text);
    document.text_content(0)
}

fn mark(out: &mut String, open: &str, name: &str, attributes: &str) {
    out.push_str(open);
    out.push_str(local(name));
    out.push_str(attributes);
    out.push('>');
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rss() {
        let feed = read(
            "<?xml version='1.0'?><rss><channel><title>A &amp; B</title><link>https://a.example/</link>\
             <description>About</description><atom:link rel='self' href='x'/><item>\
             <title><![CDATA[One <b>two</b>]]></title><link> https://a.example/1 </link>\
             <pubDate>Wed, 31 Jan 2024 12:00:00 GMT</pubDate>\
             <description>&lt;p&gt;Short &amp;amp; sweet&lt;/p&gt;</description>\
             <content:encoded><![CDATA[<p>All of <i>it</i></p>]]></content:encoded></item>\
             <item><description>Only this</description></item></channel></rss>",
            10_000,
        );
        assert_eq!(feed.title.as_deref(), Some("A & B"));
        assert_eq!(
            feed.html,
            "<h1><a href=\"https://a.example/\">A &amp; B</a></h1><div>About</div>\n\
             <article><h2><a href=\"https://a.example/1\">One two</a></h2>\
             <p>Wed, 31 Jan 2024 12:00:00 GMT</p><div><p>All of <i>it</i></p></div></article>\n\
             <article><div>Only this</div></article>\n"
        );
        assert!(!feed.truncated);
    }

    #[test]
    fn atom() {
        let feed = read(
            "<feed xmlns='http://www.w3.org/2005/Atom'><title>F</title>\
             <link rel=\"self\" href=\"/feed\"/><link href=\"/\"/><entry><title>E</title>\
             <link rel='edit' href='/e'/><link rel='alternate' href='/1?a=b&amp;c'/>\
             <updated>2024-01-31</updated><content type='xhtml'><div><p class='x'>c<br/>d</p></div>\
             </content></entry><!-- <entry> --></feed>",
            10_000,
        );
        assert_eq!(
            feed.html,
            "<h1><a href=\"/\">F</a></h1><article><h2><a href=\"/1?a=b&amp;c\">E</a></h2>\
             <p>2024-01-31</p><div><div><p class='x'>c<br/>d</p></div></div></article>\n"
        );
    }

    #[test]
    fn what_never_ends() {
        let many = format!("<rss>{}", "<item><title>x</title></item>".repeat(MAX_ENTRIES + 1));
        let feed = read(&many, 1 << 30);
        assert!(feed.truncated && feed.html.matches("<h2>").count() == MAX_ENTRIES);
        for open in ["<item>", "<title>", "<![CDATA[", "<!--", "</", "<description><b>", "<a x='"] {
            read(&format!("<rss>{}", open.repeat(100_000)), 1 << 30);
        }
    }
}
