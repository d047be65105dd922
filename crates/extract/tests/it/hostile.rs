//! Bytes that want to crash or to stall it.

use std::thread;
use std::time::{Duration, Instant};

use extract::{Formats, Options, Page, Scope, extract};
use proptest::prelude::*;
use pulldown_cmark::{Event, Parser};

/// Far more than any of these takes, far less than anything quadratic would.
const PATIENCE: Duration = Duration::from_secs(60);

/// An eighth of what a thread of the fetcher's pool has: nothing recurses over input.
const STACK_BYTES: usize = 512 << 10;

fn everything(scope: Scope) -> Options {
    Options { formats: Formats::ALL, scope, select: None }
}

/// Everything of the whole page, and then of its main content.
fn made(name: &str, page: &str) -> Page {
    let both = || {
        made_of(name, page, Scope::Main);
        made_of(name, page, Scope::Page)
    };
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(STACK_BYTES);
        builder.spawn_scoped(scope, both).unwrap().join().unwrap()
    })
}

#[expect(clippy::disallowed_methods, reason = "what is measured is the processor's time")]
fn made_of(name: &str, page: &str, scope: Scope) -> Page {
    let url = "https://site.example/a/b".parse().unwrap();
    let begun = Instant::now();
    let content_type = Some("text/html; charset=utf-8");
    let made = extract(page.as_bytes(), content_type, &url, &everything(scope));
    let (took, cap) = (begun.elapsed(), page.len() * 2 + 300_000);
    assert!(took < PATIENCE, "{name} took {took:?}");
    let longest = made.markdown.as_ref().unwrap().len().max(made.text.as_ref().unwrap().len());
    assert!(longest <= cap, "{name}: {longest} bytes out of {}", page.len());
    made
}

#[test]
fn nesting_without_end() {
    for tag in [
        "<div>",
        "<p>",
        "<b>",
        "<i><b>",
        "<a href=x>",
        "<ul><li>",
        "<ol><li>x",
        "<blockquote>x",
        "<table><tr><td>",
        "<table>",
        "<td>",
        "<pre>",
        "<h1>",
        "<svg>",
        "<template>",
        "<svg><foreignobject>",
        "<dl><dd>",
        "<select>",
        "<div hidden>",
        "<font><span>",
        "</p>",
        "</div>",
        "<td></div>",
    ] {
        made(tag, &tag.repeat(500_000 / tag.len()));
        let mixed = format!("{tag}x</div></td></li>");
        made(tag, &mixed.repeat(500_000 / mixed.len()));
    }
}

#[test]
fn endless_tags_and_attributes() {
    let attributes: String = (0..100_000).map(|n| format!(" a{n}=v")).collect();
    made("attributes", &format!("<p{attributes}>x"));
    made("the same attribute", &format!("<a {}>x", "href=y ".repeat(100_000)));
    made("one value", &format!("<a href=\"{}\">x</a>", "y".repeat(1_000_000)));
    made("unclosed value", &format!("<a href=\"{}", "<b>".repeat(300_000)));
    made("unclosed comment", &format!("x<!--{}", "--".repeat(400_000)));
    made("open tags", &"<a ".repeat(300_000));
    made("less than", &"<".repeat(1_000_000));
    made("references", &"&amp".repeat(250_000));
    made("unclosed script", &format!("<script>{}", "</scrip<!--".repeat(80_000)));
}

#[test]
fn little_in_does_not_make_much_out() {
    let base = format!("<base href=https://site.example/{}/>", "d".repeat(1_900));
    made("a long base", &format!("{base}{}", "<a href=x>y</a>".repeat(60_000)));
    made("a long base in blocks", &format!("{base}{}", "<p><img src=x>".repeat(60_000)));
    let deep = format!("{}{}", "<blockquote>".repeat(500), "<p>x".repeat(100_000));
    made("deep lines", &deep);
    let wide = format!("<table><tr>{}{}", "<td>x".repeat(60), "<tr><td>y".repeat(50_000));
    made("a wide table", &wide);
    made("wide cells", &format!("<table>{}", "<tr><td colspan=64>y<td>".repeat(20_000)));
    let links: String = (0..30_000).map(|n| format!("<a href=/{n}>y</a> ")).collect();
    let links = made("links", &links);
    assert_eq!(links.links.unwrap().len(), 10_000);
    assert!(links.truncated);
}

#[test]
fn looks_that_change_all_the_time() {
    made("styles", &"<b>a<i>b</b>c</i>".repeat(30_000));
    made("toggles", &format!("<i>{}", "<b>a</b>c".repeat(60_000)));
    made("marks", &"<b>!</b>a<i>?</i>b".repeat(30_000));
    made("backticks", &format!("<code>{}</code>", "` ``".repeat(100_000)));
    made("code", &"<code>`</code>`".repeat(40_000));
    made("json", &format!("<script type=application/ld+json>{}", "[".repeat(200_000)));
}

fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[ -~]{0,12}",
        1 => any::<String>(),
        6 => prop::sample::select(vec![
            "<p>", "</p>", "<div>", "</div>", "<b>", "</b>", "<i>", "</i>", "<a href='/x y?a=(b)&c;'>", "</a>",
            "<ul>", "</ul>", "<ol start=7>", "</ol>", "<li>", "</li>", "<blockquote>", "</blockquote>", "<pre>",
            "</pre>", "<code class=language-x>", "</code>", "<table>", "</table>", "<tr>", "<td>", "</td>",
            "<th colspan=3>", "<h1>", "</h2>", "<h3>", "<br>", "<hr>", "<img src=i.png alt='a|b'>", "<svg>", "</svg>",
            "<script>", "</script>", "<title>", "</title>", "<template>", "</template>", "<del>", "</del>", " ", "\n",
            "*", "_", "`", "[", "]", "&lt;", "<div hidden>", "<base href=/q/>", "<meta name=author content=x>",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_bytes_of_any_type(
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
        content_type in prop::option::of("[ -~]{0,30}|text/html|application/json|text/plain;charset=[a-z0-9-]{1,12}"),
    ) {
        let url = "https://site.example/".parse().unwrap();
        let _ = extract(&bytes, content_type.as_deref(), &url, &everything(Scope::Page));
    }

    #[test]
    fn any_soup_of_tags(page in soup()) {
        let url = "https://site.example/".parse().unwrap();
        let made = extract(page.as_bytes(), Some("text/html;charset=utf-8"), &url, &everything(Scope::Page));
        let markdown = made.markdown.unwrap();
        let html = Parser::new(&markdown).find(|event| matches!(event, Event::Html(_) | Event::InlineHtml(_)));
        prop_assert!(html.is_none(), "{html:?} in {markdown:?}");
        for link in made.links.unwrap() {
            prop_assert!(link.url.starts_with("http"), "{}", link.url);
        }
    }
}
