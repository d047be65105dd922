//! What Markdown shows, once it is read, is the text.

use std::time::Duration;

use extract::{Options, Page, Scope, extract};
use proptest::prelude::*;

use super::shown::{shown, words};

/// The page as a whole, as text and Markdown.
pub(crate) fn whole(html: &[u8], name: &str) -> Page {
    let url = format!("https://site.example/dir/{name}").parse().expect("a name makes an address");
    let options = Options { scope: Scope::Page, ..Options::default() };
    extract(html, Some("text/html; charset=utf-8"), &url, &options)
}

/// Markdown and text.
pub(crate) fn forms(page: Page) -> (String, String) {
    (page.markdown.expect("asked for"), page.text.expect("asked for"))
}

fn holds(html: &str) {
    let page = whole(html.as_bytes(), "page");
    let (markdown, text) = forms(page);
    assert_eq!(shown(&markdown), words(&text), "\nfrom {html:?}\nby {markdown:?}");
}

/// Words with much that Markdown could take for its own.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{1,3}",
        3 => r"[-+*_~`#=|\\:!?.()\[\]>0-9x a]{1,5}",
        1 => "(&lt;|&amp;|&gt;|&quot;|&amp;lt;|&nbsp;|&shy;|é|“|…|€|\u{200b}|\n)",
        1 => Just("<br>".to_owned()),
        1 => Just("<img src=/i.png alt='a] *b*'>".to_owned()),
        1 => "(1\\.|2\\)|-|\\+|\\*|#|##|---|===|```|~~~|\\[ \\]|\\[x\\]|\\|-\\|) ",
    ]
}

fn inline() -> impl Strategy<Value = String> {
    let leaf = proptest::collection::vec(prop_oneof![word(), Just(" ".to_owned())], 0..4)
        .prop_map(|words| words.concat());
    leaf.prop_recursive(3, 24, 4, |inner| {
        let tags =
            "(b|i|em|strong|del|code|kbd|span|sup|sub|q|u|a href=/x|a href='/b(c)?d=`|'|button)";
        (tags, proptest::collection::vec(inner, 1..4)).prop_map(|(tag, inner)| {
            let name = tag.split(' ').next().unwrap_or_default();
            format!("<{tag}>{}</{name}>", inner.concat())
        })
    })
}

fn page() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => inline(),
        1 => Just("<hr>".to_owned()),
        1 => Just("<input type=checkbox disabled>".to_owned()),
    ];
    leaf.prop_recursive(5, 64, 5, |inner| {
        let tags = "(p|div|h1|h3|ul|ol|ol start=7|li|li|li|li|blockquote|pre|dl|dt|dd|table|tr|td|th|td \
                    colspan=2|td rowspan=2|a href=/y|figure|figcaption|summary|b|section)";
        (tags, proptest::collection::vec(inner, 1..5)).prop_map(|(tag, inner)| {
            let name = tag.split(' ').next().unwrap_or_default();
            format!("<{tag}>{}</{name}>", inner.concat())
        })
    })
}

fn table() -> impl Strategy<Value = String> {
    let cell = ("(td|th|td colspan=3|td rowspan=2)", inline());
    let row = proptest::collection::vec(cell, 0..4).prop_map(|cells| {
        cells.iter().fold("<tr>".to_owned(), |row, (tag, cell)| format!("{row}<{tag}>{cell}"))
    });
    proptest::collection::vec(row, 0..4)
        .prop_map(|rows| format!("<table>{}</table>", rows.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inline_content(html in inline()) {
        holds(&format!("<p>{html}</p>"));
    }

    #[test]
    fn pages(html in proptest::collection::vec(page(), 1..4)) {
        holds(&html.concat());
    }

    #[test]
    fn tables(before in inline(), table in table(), after in inline()) {
        holds(&format!("{before}{table}{after}"));
        holds(&format!("<ul><li>{table}</ul>"));
    }
}

/// Pages of about `bytes` that are all of a kind.
fn hostile(bytes: usize) -> Vec<(&'static str, String)> {
    let class = "x".repeat(bytes / 2);
    let many = |unit: &str| unit.repeat(bytes / unit.len());
    let deep = |open: &str, inner: &str| open.repeat(200) + &inner.repeat(bytes / inner.len());
    vec![
        ("levels", deep("<ul><li><blockquote>", "x<br>")),
        ("code in levels", deep("<ol><li><blockquote>", "<pre>a\nb</pre>")),
        ("wide rows", format!("<table>{}", many("<tr><td>a<td colspan=60>b<td rowspan=9>c"))),
        ("nested tables", deep("<table><tr><td>", "<table><tr><th>a<td>b</table>")),
        ("links", many("<a href=?>x</a> ")),
        ("images", format!("<p>x<a href='/{class}'>{}", many("<img src=a.png><p>"))),
        ("boxes", format!("<li class='{class}'>{}", many("<input type=checkbox>"))),
        ("languages", format!("<div class='{class}'>{}", many("<pre>x</pre>"))),
        ("emphasis", many("<b>a<i>b</b>c</i>")),
        ("marks", many("*_`[<&#")),
        ("formulas", deep("<math><mi>", "x<mi>")),
        ("gutters", deep("<pre class=gutter>", "1")),
        ("typed", many("<p>• a")),
        ("typed lines", many("- a<br>")),
        ("headings", many("<h1>a<a href=#>#</a></h1>")),
        ("rules", many("<p>a<hr>")),
    ]
}

#[test]
fn ordinals_of_several_runs() {
    for html in [
        "<p>1<b>2) x</b>",
        "<p>1<b>2)</b> x",
        "<p>1<i>. </i>x",
        "<p>1<b><i>2) * </i></b>",
        "<p>1<a href=/x>2. y</a>",
        "<p>1<code>2. y</code>",
        "<p>1<b>2</b>3. x",
    ] {
        holds(html);
    }
}

#[test]
fn output_is_bounded() {
    for (name, html) in hostile(100_000) {
        let (markdown, text) = forms(whole(html.as_bytes(), &"long".repeat(500)));
        let most = 2 * html.len() + 256 * 1024;
        assert!(markdown.len() <= most && text.len() <= most, "{name}: {}", markdown.len());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the time of the machine is what is measured")]
fn hostile_pages_take_no_longer_than_others() {
    for (name, html) in hostile(400_000) {
        let start = std::time::Instant::now();
        whole(html.as_bytes(), "page");
        // A tenth of it in most builds; what is quadratic takes minutes.
        assert!(start.elapsed() < Duration::from_secs(10), "{name}: {:?}", start.elapsed());
    }
}
