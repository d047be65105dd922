//! Pages by chance.

use std::fmt;

use serde_json::{Value, json};

use crate::random::Random;

const HTML: &str = "text/html; charset=utf-8";

/// A page and what is asked of it.
pub(crate) struct Case {
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: &'static str,
    pub(crate) select: Option<Value>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.body.escape_ascii(), self.content_type)?;
        self.select.iter().try_for_each(|select| write!(f, "\n{select}"))
    }
}

#[rustfmt::skip]
const TAGS: &[&str] = &[
    "a", "address", "article", "aside", "b", "base", "blockquote", "body", "br", "button", "code",
    "col", "colgroup", "dd", "details", "div", "dl", "dt", "em", "figcaption", "figure", "font",
    "footer", "form", "frameset", "h1", "h2", "head", "header", "hr", "html", "i", "iframe", "img",
    "input", "li", "link", "main", "math", "mi", "annotation-xml", "meta", "nav", "nobr",
    "noscript", "object", "ol", "option", "optgroup", "p", "picture", "plaintext", "pre", "q",
    "ruby", "rt", "rp", "script", "section", "select", "source", "span", "strong", "style",
    "summary", "svg", "foreignObject", "title", "table", "tbody", "td", "template", "textarea",
    "tfoot", "th", "thead", "time", "tr", "u", "ul", "video", "x-y", "xmp",
];

#[rustfmt::skip]
const ATTRIBUTES: &[&str] = &[
    "href=/x", "href='?a=b&amp;c'", "href=#y", "href=//h:1/", "class='byline author'", "class=date",
    "class=\"sidebar nav\"", "class=comment", "class=\"post content entry\"", "id=main", "hidden",
    "style='display:none'", "colspan=3", "rowspan=0", "rowspan=99999", "start=-7", "value=3",
    "src=i.png", "srcset='a 1x, b 2x'", "alt='*a*'", "datetime=2020-01-02T03:04", "lang=en", "=",
    "'", "a=\"", "rel=author", "rel=canonical", "itemprop=author", "itemprop=datePublished",
    "property=og:title", "content='A &quot;b&quot; | C'", "name=date", "type=application/ld+json",
    "type=checkbox checked", "encoding=text/html", "role=main", "aria-hidden=true",
];

#[rustfmt::skip]
const TEXTS: &[&str] = &[
    "word ", "Some words, and more. ", " ", "\n", "\t", "\0", "é", "\u{301}", "\u{1d160}", "&amp;",
    "&lt;b&gt;", "&#0;", "&#x110000;", "&#128;", "&notit;", "&", "<", ">", "</", "<!", "<!--", "-->",
    "<![CDATA[", "]]>", "<?x?>", "\u{feff}", "\u{2028}", "*", "_", "`", "[x](y)", "# ", "- ", "1. ",
    "| ", "~~", "~~~\n", "```", "2 January 2024", "By Ann Lee", "😀", "\u{200b}", "\u{a0}", "\r\n",
];

/// Anything at all: tags, text and pieces of both, then changed byte by byte.
pub(crate) fn soup(random: &mut Random) -> Case {
    let mut page = markup(random, 60);
    if random.once_in(2) {
        page = mutated(random, page.into_bytes());
    }
    Case { body: page.into_bytes(), content_type: HTML, select: None }
}

fn markup(random: &mut Random, most: usize) -> String {
    let mut page = String::new();
    for _ in 0..random.below(most) {
        match random.below(8) {
            0..3 => {
                page += "<";
                page += random.of(TAGS);
                for _ in 0..random.below(3) {
                    page += " ";
                    page += random.of(ATTRIBUTES);
                }
                page += random.of(&[">", ">", ">", ">", "/>", "", "\n>"]);
            }
            3..5 => {
                page += &format!("</{}>", random.of(TAGS));
            }
            5 => page += &random.of(TEXTS).repeat(random.below(20)),
            _ => page += random.of(TEXTS),
        }
    }
    page
}

/// Some bytes changed, left out, repeated, or moved.
fn mutated(random: &mut Random, bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&changed(random, bytes)).into_owned()
}

/// The bytes with pieces changed, lost, repeated and put elsewhere.
pub(crate) fn changed(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..1 + random.below(6) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        let end = (at + random.below(20)).min(bytes.len());
        let piece = bytes[at..end].to_vec();
        match random.below(4) {
            0 => bytes[at] = random.of(&["<", ">", "/", "&", "'", "\"", "=", "\0"]).as_bytes()[0],
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, piece.repeat(1 + random.below(9)))),
            _ => {
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, piece));
            }
        }
    }
    bytes
}

#[rustfmt::skip]
const BLOCKS: &[&str] = &[
    "p", "div", "h1", "h3", "ul", "ol", "ol start=7", "li", "li", "li", "li", "blockquote", "pre",
    "dl", "dt", "dd", "table", "tr", "td", "th", "td colspan=2", "td rowspan=2", "a href=/y",
    "figure", "figcaption", "summary", "b", "section",
];

#[rustfmt::skip]
const INLINES: &[&str] = &[
    "b", "i", "em", "strong", "del", "code", "kbd", "span", "sup", "sub", "q", "u", "a href=/x",
    "a href='/b(c)?d=`|'", "button",
];

#[rustfmt::skip]
const SIGNS: &[&str] = &[
    "-", "+", "*", "_", "~", "`", "#", "=", "|", "\\", ":", "!", "?", ".", "(", ")", "[", "]", "0",
    "1", "x", " ", " ", "a", "bc", "&gt;", "&lt;", "&amp;", "&quot;", "&amp;lt;", "&nbsp;", "&shy;",
    "é", "“", "…", "€", "\u{200b}", "\n", "<br>", "1. ", "2) ", "- ", "# ", "---", "===", "```",
    "~~~", "[ ] ", "[x] ", "|-|", "<img src=/i.png alt='a] *b*'>", "://", "www.", "@", "<hr>",
    "<input type=checkbox disabled>", "\t", "    ",
];

/// What Markdown has a form for.
pub(crate) fn article(random: &mut Random) -> Case {
    let mut page = String::new();
    let mut open: Vec<&str> = Vec::new();
    for _ in 0..random.below(40) {
        match random.below(6) {
            0 | 1 => {
                let tags = if random.once_in(2) { BLOCKS } else { INLINES };
                let tag = random.of(tags);
                page += &format!("<{tag}>");
                open.push(tag.split(' ').next().unwrap_or_default());
            }
            2 => {
                if let Some(tag) = open.pop() {
                    page += &format!("</{tag}>");
                }
            }
            _ => page += &random.several(SIGNS, 5),
        }
    }
    while let Some(tag) = open.pop() {
        page += &format!("</{tag}>");
    }
    Case { body: page.into_bytes(), content_type: HTML, select: None }
}

/// `value` where a page says such things.
fn placed(random: &mut Random, value: &str, places: &[&str]) -> Case {
    let mut page = "<title>Tea | The Site</title><h1>Tea</h1>".to_owned();
    for _ in 0..1 + random.below(3) {
        page += &random.of(places).replace('@', value);
        page += &markup(random, 4);
    }
    page += "<article><p>Some words, and some more, and then a last one.";
    Case { body: page.into_bytes(), content_type: HTML, select: None }
}

#[rustfmt::skip]
const DATES: &[&str] = &[
    "2024", "2023", "1999", "0", "1", "12", "31", "29", "02", "99", "00", "99999999999", "/", "-",
    ".", ":", " ", ", ", "T", "Z", "+01:00", "-99:99", "+0530", "GMT", "EST", "am", "pm", "January",
    "Feb", "marzo", "März", "août", "года", "января", "年", "月", "日", "de ", "of ", "st", "th",
    "Mon, ", "Montag", "published ", "Updated: ", "ago", "3 hours ago", "yesterday", "20240229",
    "1700000000", "1700000000000", "&nbsp;", "à ", "um ", "—", "\u{661}\u{662}", "\u{ff12}", "'",
];

/// What could be a date, where dates stand.
pub(crate) fn dates(random: &mut Random) -> Case {
    let value = random.several(DATES, 12);
    placed(
        random,
        &value,
        &[
            "<meta property=article:published_time content=\"@\">",
            "<meta name=date content=\"@\">",
            "<meta itemprop=dateModified content=\"@\">",
            "<time datetime=\"@\">@</time>",
            "<time>@</time>",
            "<p class=date>@</p>",
            "<p class='post-meta updated'>@</p>",
            "<p>@</p>",
            "<span itemprop=datePublished>@</span>",
            "<script type=application/ld+json>{\"@type\":\"Article\",\"datePublished\":\"@\"}</script>",
            "<link rel=canonical href=\"/@/x\">",
        ],
    )
}

#[rustfmt::skip]
const NAMES: &[&str] = &[
    "Ann", "Lee", "Bo Ray", "McDonald", "O'Neil", "D’Arcy", "van der", "de", "von", "Jr.", "PhD",
    "J. R.", "Écrivain", "李雷", "Мария", "أحمد", "By ", "by: ", "von ", "Por ", "Written by ", " and ",
    ", ", " & ", "; ", " | ", " / ", " und ", " et ", "Staff", "Editor", "Admin", "Reuters", "1",
    "2 January 2024", "@ann", "ann@x.example", "https://x.example/ann", "&lt;b&gt;", "<b>", "</b>",
    "<a href=/ann>", "</a>", "<br>", "\n", " ", " ", " ", "(", ")", "[", "]", "{", "}", "\"", "“",
    "&amp;amp;", "\u{0}", "\u{301}", "&#1;", "&#x85;", "\u{200b}", "\u{ad}", "Photo: ", "follow ",
    "The Site", "Science Correspondent", "https&#58;//", "%20", "—", "-", "_", "…", ".",
];

/// What could be a name, where names stand.
pub(crate) fn authors(random: &mut Random) -> Case {
    let value = random.several(NAMES, 10);
    placed(
        random,
        &value,
        &[
            "<meta name=author content='@'>",
            "<meta property=article:author content='@'>",
            "<a rel=author href=/x>@</a>",
            "<p class=byline>@</p>",
            "<div class=author><span class=name>@</span></div>",
            "<p>@</p>",
            "<span itemprop=author itemscope><b itemprop=name>@</b></span>",
            "<address>@</address>",
            "<script type=application/ld+json>{\"@type\":\"Article\",\"author\":\"@\"}</script>",
            "<script type=application/ld+json>{\"@type\":\"Article\",\"author\":[{\"name\":\"@\"}]}</script>",
        ],
    )
}

#[rustfmt::skip]
const TITLES: &[&str] = &[
    "Tea", "The Site", "site.example", " | ", " - ", " – ", " » ", " :: ", ": ", " · ", "|", "-", " ",
    "&amp;", "&lt;i&gt;", "<b>", "\n", "\u{301}", "\0", "&#133;", "\u{ad}", "Home", "Green or Black",
    "News", "2024", "…", "“", "\u{200e}", "\u{feff}", "Page 2 of 3", "😀", "/", "(", ")", "\u{958}",
];

/// What could be a title, where titles stand.
pub(crate) fn titles(random: &mut Random) -> Case {
    let value = random.several(TITLES, 12);
    placed(
        random,
        &value,
        &[
            "<title>@</title>",
            "<h1>@</h1>",
            "<h2 class=title>@</h2>",
            "<meta property=og:title content='@'>",
            "<meta property=og:site_name content='@'>",
            "<meta name=description content='@'>",
            "<meta property=og:type content='@'>",
            "<meta property=og:image content='@'>",
            "<html lang='@'>",
            "<script type=application/ld+json>{\"@type\":\"Article\",\"headline\":\"@\"}</script>",
        ],
    )
}

#[rustfmt::skip]
const JSON: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "\"", "\"@type\":\"Article\",", "\"@graph\":[", "\"@id\":\"#a\"",
    "\"author\":", "\"name\":", "\"headline\":", "\"datePublished\":", "\"2024-01-02\"", "\"Ann Lee\"",
    "null", "true", "1e999", "-0", "\\", "\\u0000", "\\ud800", "\\n", "\n", "\t", "/*", "*/", "//",
    "<!--", "-->", "<![CDATA[", "]]>", ";", "&quot;", "\u{1}", "é", "\u{feff}", "undefined", "'",
    "\"image\":", "\"url\":", "\"publisher\":", "\"mainEntityOfPage\":", "{\"@id\":\"#a\"}", " ",
];

/// Data in scripts, broken.
pub(crate) fn json_ld(random: &mut Random) -> Case {
    let mut page = String::new();
    for _ in 0..1 + random.below(3) {
        let script = random.several(JSON, 40);
        page += &format!("<script type=application/ld+json>{script}</script>");
    }
    Case { body: page.into_bytes(), content_type: HTML, select: None }
}

#[rustfmt::skip]
const SELECTORS: &[&str] = &[
    "a", "p", "div", "*", "li", ".author", ".a", "#main", "[href]", "[class~=date]", "[lang|=en]",
    "[href^='/' i]", " ", " > ", " + ", " ~ ", ", ", ":has(", ":not(", ":is(", ":where(", ")",
    ":first-child", ":nth-child(2n+1)", ":nth-child(-n + 3 of p)", ":nth-last-of-type(2)", ":empty",
    ":root", ":scope", ":only-of-type", ":nth-of-type(99999999999)", "x-y", "|", "\\", "é", "::text",
];

/// Selectors, most of them broken.
pub(crate) fn select(random: &mut Random) -> Case {
    let mut field = || {
        let css = random.several(SELECTORS, 8);
        let mut field = json!({ "css": css, "all": random.once_in(2) });
        match random.below(6) {
            0 => field["attr"] = random.of(&["href", "class", "src", "é", "datetime"]).into(),
            1 => field["regex"] = random.of(&["(a+)+", "w(or)d", "\\b\\w", "^", "(?i)É|x$"]).into(),
            2 => field["fields"] = json!({ "in": random.of(SELECTORS) }),
            _ => {}
        }
        field
    };
    let select = json!({ "one": field(), "two": field() });
    let body = markup(random, 60).into_bytes();
    Case { body, content_type: HTML, select: Some(select) }
}

#[rustfmt::skip]
const TYPES: &[&str] = &[
    "", "text/html", "text/html; charset=utf-16", "text/html; charset=utf-16be", "text/plain",
    "text/html; charset=iso-2022-jp", "text/html; charset=gb18030", "text/html; charset=big5",
    "text/html; charset=euc-kr", "text/html; charset=shift_jis", "text/html;charset=\"x", "text/xml",
    "application/json", "application/xhtml+xml; charset=windows-1252", "text/html; charset=utf-7",
    "application/octet-stream", "image/png", "text/html; charset=replacement", "é", ";;;",
];

#[rustfmt::skip]
const DECLARATIONS: &[&str] = &[
    "<meta charset=utf-16>", "<meta charset='windows-1251'>", "<meta charset=x-user-defined>",
    "<?xml version='1.0' encoding='shift_jis'?>", "<?xml encoding=", "<meta http-equiv=content-type ",
    "content='text/html; charset=euc-jp'>", "<meta charset=", "<!-- <meta charset=big5> -->",
];

#[rustfmt::skip]
const BYTES: &[&[u8]] = &[
    b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\x1b$B", b"\x1b(B", b"\x80", b"\xff", b"\0", b"<\0p\0",
    b"\xd8\x00", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x81\x30\x81\x30", b"\xa4\xa2", b"\xe3\x81",
    b"<p>words", b" ", b"\n", b"{\"a\":1}", b"%PDF", b"\x89PNG\r\n", b"GIF8", b"PK\x03\x04",
];

/// Bytes in any encoding, or in none.
pub(crate) fn charset(random: &mut Random) -> Case {
    let mut body = Vec::new();
    for _ in 0..random.below(30) {
        match random.below(4) {
            0 => body.extend(random.of(DECLARATIONS).bytes()),
            1 => body.extend(random.of(TEXTS).bytes()),
            _ => body.extend(BYTES[random.below(BYTES.len())]),
        }
    }
    Case { body, content_type: random.of(TYPES), select: None }
}
