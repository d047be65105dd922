//! Pages made to hurt, of any size.

/// A body made of one piece many times over.
pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    /// `{bait}` stands for a value as long as all pieces.
    before: &'static str,
    /// `{n}` stands for the number of the piece.
    piece: &'static str,
    after: &'static str,
    encode: fn(String) -> Vec<u8>,
}

impl Hostile {
    /// The body with that many pieces.
    pub(crate) fn bytes(&self, pieces: usize) -> Vec<u8> {
        let body = if self.piece.contains("{n}") {
            (0..pieces).map(|n| self.piece.replace("{n}", &n.to_string())).collect()
        } else {
            self.piece.repeat(pieces)
        };
        let before = self.before.replace("{bait}", &"a b&amp;".repeat(pieces));
        (self.encode)(format!("{before}{body}{}", self.after))
    }
}

const fn page(name: &'static str, before: &'static str, piece: &'static str) -> Hostile {
    around(name, before, piece, "")
}

const fn around(
    name: &'static str,
    before: &'static str,
    piece: &'static str,
    after: &'static str,
) -> Hostile {
    let (content_type, encode) = ("text/html; charset=utf-8", String::into_bytes as fn(_) -> _);
    Hostile { name, content_type, before, piece, after, encode }
}

const fn typed(name: &'static str, content_type: &'static str, piece: &'static str) -> Hostile {
    Hostile { content_type, ..page(name, "", piece) }
}

#[expect(clippy::needless_pass_by_value, reason = "as the others")]
fn utf_16(text: String) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Every `?` becomes a byte that is never valid in UTF-8.
fn broken(text: String) -> Vec<u8> {
    text.into_bytes().into_iter().map(|byte| if byte == b'?' { 0xff } else { byte }).collect()
}

const NUMBERED: &str = "<ol start=999999999><li><ol start=999999999><li><ol start=999999999><li>\
                        <ol start=999999999><li><pre>";

const LONG_BASE: &str = "<base href='http://site.example/a/long/path/that/is/before/every/link/'>";

const LD: &str = "<script type=application/ld+json>";

/// Elements one in the other, of the kinds that the scanner and the writers treat differently.
pub(crate) const NESTED: &[Hostile] = &[
    page("div", "", "<div>"),
    page("div with text", "", "<div>x"),
    page("b", "", "<b>x"),
    page("blockquote", "", "<blockquote>x"),
    page("lists", "", "<ul><li>x"),
    page("table", "", "<table><tr><td>x"),
    page("bare tables", "", "<table>"),
    page("span", "", "<span>x"),
    page("a", "", "<a href=x>x"),
    page("a and div", "", "<a href={n}><div>x"),
    page("font", "", "<font>x"),
    page("svg", "", "<svg>"),
    page("template", "", "<template>x"),
    page("object", "", "<object>x"),
    page("unknown", "", "<x-y>x"),
    page("section", "", "<section><h2>x</h2>"),
    page("article", "", "<article>x"),
    page("code", "", "<pre><code>x"),
    page("ruby", "", "<ruby><rt>x"),
    page("misnested", "", "<b><p>x</b>"),
    page("details", "", "<details><summary>x"),
    page("definition", "", "<dl><dt>x<dd>x"),
];

/// Much of one thing beside each other, and bait for whatever looks at a thing again and again.
pub(crate) const WIDE: &[Hostile] = &[
    page("text", "<p>", "word and word, "),
    page("one word", "<p>", "word"),
    page("paragraphs", "", "<p>Some words, and some more."),
    page("short lines", "<p>", "x<br>"),
    page("breaks", "<p>", "<br>"),
    page("blanks", "<p>x", " "),
    page("no-break spaces", "<p>x", "\u{a0}"),
    page("siblings", "", "<i></i>"),
    page("end tags", "", "</div></p></b>"),
    page("one element's attributes", "<p ", "a{n}=b "),
    page("attributes", "", "<p a{n}=b>x</p>"),
    page("equal links", "", "<a href=/x>x</a> "),
    page("distinct links", "", "<a href=/x{n}>x{n}</a> "),
    page(
        "deep relative links",
        "<base href=http://site.example/a/b/c/d/e/f/g/h/i/j/k/>",
        "<a href=../../../x/../y/./{n}>x</a> ",
    ),
    page("links to nowhere", "", "<a href=javascript:{n}>x</a> "),
    page("links to here", "<base href=/dir/page>", "<a href=page#{n}>x</a> "),
    page("a link's path", "<a href='", "../a/"),
    page("empty links", "", "<a href=x{n}></a>"),
    page("areas", "", "<area href=x{n}>"),
    page("base elements", "", "<base href=ftp:{n}>"),
    page("base's address", "<base href='", "x/"),
    page("nul", "", "\0"),
    page("nul and text", "<p>", "x\0"),
    page("references", "<p>", "&#x0000000000000041;"),
    page("a reference's digits", "<p>&#", "9"),
    page("ampersands", "<p>", "&"),
    page("less-than signs", "<p>", "<"),
    page("named references", "<p>", "&amp;&lt;&notit;&CounterClockwiseContourIntegral;"),
    page("comments", "<p>", "<!-- -->x"),
    page("open comments", "<p>", "<!--"),
    page("JSON-LD scripts", "", r#"<script type=application/ld+json>{"@type":"X"}</script>"#),
    page("broken JSON-LD scripts", "", "<script type=application/ld+json>{\"a\":\"</script>"),
    around(
        "a long JSON-LD",
        r#"<script type=application/ld+json>{"@type":"Article","author":["#,
        r#"{"@type":"Person","name":"Ann Lee {n}"},"#,
        r#"{"name":"Bo"}]}</script>"#,
    ),
    around(
        "a JSON-LD graph",
        r#"<script type=application/ld+json>{"@graph":["#,
        r##"{"@type":"Article","@id":"#{n}","author":{"@id":"#{n}"},"headline":"x"},"##,
        "{}]}</script>",
    ),
    page("nested JSON", LD, r#"{"@graph":["#),
    page("broken JSON's quotes", LD, "\"\\"),
    page("broken JSON's commas", LD, ",,"),
    page("broken JSON's CDATA", LD, "<![CDATA["),
    page("JSON's text", "<script type=application/ld+json>{\"name\":\"", "&quot;&amp;quot; "),
    page("meta", "", "<meta name=author content='Ann Lee {n}'>"),
    page("unknown meta", "", "<meta property=x:{n} content='y'>"),
    page("dates in meta", "", "<meta property=article:published_time content='2024-01-02 {n}'>"),
    page("a meta's author", "<meta name=author content='", "By Ann Lee, Bo Ray and "),
    page("a meta's date", "<meta name=date content='", "12/11/10 "),
    page("a meta's title", "<meta property=og:title content='x", " | x - "),
    page("title", "<title>", "x | x - "),
    page("titles", "", "<title>x | {n}</title>"),
    page("titles and h1", "<title>a | b</title>", "<h1>a {n}</h1>"),
    page("time", "", "<time datetime=2024-01-02>2 January 2024</time>"),
    page("dates in text", "", "<p>Published 2 January 2024"),
    page("dates in one text", "<p class=date>", "Jan 2, 2024 "),
    page("digits", "<p class=date>", "1"),
    page("digits and signs", "<p class=date>", "1-"),
    page("bylines", "", "<p class=byline>By Ann Lee {n}</p>"),
    page("authors' links", "", "<a rel=author href=/ann>Ann Lee {n}</a>"),
    page("one byline", "<p class=byline>By ", "Ann Lee and "),
    page("item properties", "", "<p itemprop=author itemscope><b itemprop=name>Ann {n}</b></p>"),
    page("nested item properties", "", "<p itemprop=author itemscope><b itemprop=name>Ann"),
    page("nested bylines", "", "<div class='byline author'>By Ann"),
    page("nested links of authors", "", "<div rel=author class=date>x"),
    around(
        "long lines in quotes",
        "<blockquote><blockquote><ul><li><ul><li><p>",
        "long line ",
        "</ul>",
    ),
    page("lines in quotes", "<blockquote><blockquote><ul><li><blockquote>", "<p>x"),
    page("lines in code", "<ul><li><blockquote><pre>", "x\n"),
    page("grave accents", "<pre>", "`"),
    page("grave accents in code", "<code>", "` ``"),
    page("tildes and accents", "<pre>", "~~~\n```\n"),
    page("stars", "<p>", "*_"),
    page("bold", "<p>", "<b> x</b><i>y </i>"),
    page("brackets", "<p>", "[x](y"),
    page("cells of a row", "<table><tr>", "<td>x"),
    page("rows", "<table>", "<tr><td>x<td>y"),
    page("growing rows", "<table>", "<tr><td colspan=1000><td>x"),
    page("wide cells", "<table>", "<tr><td colspan=1000000>x"),
    page("high cells", "<table>", "<tr><td rowspan=65534>x"),
    page("wide and high cells", "<table>", "<tr><td rowspan=65534 colspan=1000000>x"),
    page("high cells of a row", "<table><tr>", "<td rowspan=65534>x"),
    page("tables", "", "<table><tr><th>a<th>b<tr><td>c<td>d</table>"),
    page("tables in a cell", "<table><tr><td>", "<table><tr><td>a<td>b</table>"),
    page("empty rows", "<table>", "<tr></tr>"),
    page("srcset", "<img srcset='", "/a{n}.png {n}w, "),
    page("srcset without commas", "<img srcset='", "a "),
    page("srcset's commas", "<img srcset='", ","),
    page("images", "", "<img src=/{n}.png alt='a picture'>"),
    page("an image's text", "<img src=x alt='", "word "),
    page("data images", "", "<img src='data:image/png;base64,AAAA'>"),
    page("one class", "<p class='", "a b-{n} "),
    page("one long class", "<div class='", "comment"),
    page("one style", "<div style='", "display:block;"),
    page("classes", "", "<p class='sidebar-{n}'>x</p>"),
    page("headings", "", "<h2>Heading {n}</h2>"),
    page("headings and paragraphs", "", "<h2>Heading {n}</h2><p>Some text, and more text.</p>"),
    page("combining characters", "<p>a", "\u{301}"),
    page("combining characters of two classes", "<p>a", "\u{316}\u{301}"),
    page("characters that grow when composed", "<p>", "\u{1d160}"),
    page("references that grow when composed", "<p>", "\u{958}"),
    page("jamo", "<p>", "\u{1100}\u{1161}\u{11a8}"),
    page("a combining title", "<title>a", "\u{316}\u{301}"),
    page("list items", "<ol>", "<li>x"),
    page("numbered list", "<ol start=999999999>", "<li value=2147483647>x"),
    page("empty lists", "", "<ul></ul>"),
    page("hidden", "", "<div hidden>x</div>"),
    page("scripts", "", "<script>x</script>"),
    page("noscript", "", "<noscript><img src=x></noscript>"),
    page("forms", "", "<form><input><select><option>x</select></form>"),
    page(
        "math",
        "",
        "<math><mi>x</mi><annotation encoding=application/x-tex>x</annotation></math>",
    ),
    page("one formula", "<math alttext='", "\\frac{a}"),
    page("anchors", "", "<p id=x{n}><a href=#x{n}>x</a>"),
    page("feeds", "", "<link rel=alternate type=application/rss+xml href=/{n}>"),
    page("alternates", "", "<link rel='canonical alternate' hreflang=x{n} href=/{n}>"),
    page("comment sections", "", "<div class=comment id=comment-{n}><p>Some words, and more."),
    page("lines in numbered lists", NUMBERED, "x\n"),
    page("code below long classes", "<div class='{bait}'>", "<pre>x</pre>"),
    page("boxes below long classes", "<ul><li class='{bait}'>", "<input type=checkbox disabled>"),
    page("names below long classes", "<div class='{bait} byline author'>", "<p class=x>By Ann</p>"),
    page("images in a long link", "<a href='{bait}'>", "<img src=x.png>"),
    page("images beside a long choice", "<picture><source srcset='{bait}'>", "<img>"),
    page("texts in a long link", "<a href='{bait}'><table>", "<tr><td><a href=/s>y</a><td>z"),
    page(
        "dates below long properties",
        "<p itemprop='{bait}' datetime='{bait}'>",
        "<time>x</time>",
    ),
    page("formulas without TeX", "<math><math><math><math><math><math>", "<x-y>x</x-y>"),
    page("headings without words", "", "<h1>.</h1><p>Some words, and some more."),
    page("equal links written otherwise", LONG_BASE, "<a href='./ ?{n}#'></a>"),
    typed("XML", "application/xml", "<a b='c'>d</a>\n"),
    typed("JSON", "application/json", "[{\"a\": 1},\n"),
    typed("plain text", "text/plain", "some words and ```\n"),
    typed("plain accents", "text/plain", "`"),
    typed("plain characters that grow when composed", "text/plain", "\u{1d160}"),
    typed("no type", "", "<p>x"),
    Hostile { encode: broken, ..page("not UTF-8", "<p>", "?") },
    Hostile { encode: broken, ..page("not UTF-8 in names", "<p>", "<a? ?=?>?") },
    Hostile { encode: broken, ..typed("not UTF-8 by its type", "text/plain", "?a") },
    Hostile { encode: broken, ..typed("no encoding", "text/html", "?a b? ") },
    Hostile { encode: utf_16, ..typed("UTF-16", "text/html; charset=utf-16le", "<p>w\u{e9}rd") },
    Hostile { encode: broken, ..typed("odd UTF-16", "text/html; charset=utf-16le", "<p?") },
    typed("ISO-2022-JP", "text/html; charset=iso-2022-jp", "\u{1b}$B<p>\u{1b}(B"),
    typed("unfinished ISO-2022-JP", "text/html; charset=iso-2022-jp", "\u{1b}$"),
    typed("escapes", "text/html", "\u{1b}$B<p>\u{1b}(B"),
];
