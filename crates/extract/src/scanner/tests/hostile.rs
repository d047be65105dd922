//! Pages made to hurt, on a small stack, and any page at all.

use proptest::prelude::*;

use crate::document::{Document, MAX_ATTRIBUTES, MAX_DEPTH, MAX_NODES};
use crate::name::Tag;
use crate::reference;
use crate::scanner::scan;

const MILLION: usize = 1_000_000;

/// A pool's thread has 2 MiB; a quarter of it must do.
const STACK_BYTES: usize = 512 * 1024;

fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(test).unwrap().join().unwrap();
}

/// What holds for every document.
fn check(document: &Document<'_>) {
    let mut text_from = 0;
    assert_eq!(document.nodes[0].end, document.len());
    assert!(document.nodes.len() <= MAX_NODES);
    for id in 1..document.len() {
        let node = document.node(id);
        let parent = document.node(node.parent);
        assert!(node.parent < id && id < node.end && node.end <= parent.end);
        assert!(document.tag(node.parent) != Tag::Text);
        assert_eq!(node.depth, parent.depth + 1);
        assert!(usize::from(node.depth) <= MAX_DEPTH);
        if node.tag == Tag::Text {
            assert_eq!(node.end, id + 1);
            assert!(text_from <= node.first && node.first < node.last, "text out of order");
            assert!(node.last as usize <= document.source.len());
            text_from = node.last;
            document.text(id);
        } else {
            assert!(node.first <= node.last && node.last as usize <= document.attributes.len());
            assert!(document.attributes(id).count() <= MAX_ATTRIBUTES);
            for (name, value) in document.attributes(id) {
                assert!(!name.is_empty());
                reference::attribute(value);
            }
            let name = Tag::of(document.name(id).as_bytes());
            assert!(name == node.tag || name == Tag::Template && node.tag == Tag::Other);
        }
    }
    let children = |id| document.children(id).map(|id| document.tag(id)).collect::<Vec<_>>();
    assert_eq!(children(0), [Tag::Html]);
    assert_eq!(children(1), [Tag::Head, Tag::Body]);
}

#[test]
fn a_million_of_anything() {
    on_a_small_stack(|| {
        for piece in [
            "<div>",
            "<b>",
            "<p>",
            "</p>",
            "</i>",
            "<li>",
            "<a>",
            "<a><div>",
            "<table>",
            "<td>",
            "<table><td>",
            "<option>",
            "<select>",
            "<svg>",
            "<svg><p>",
            "<math><mi>",
            "<title>",
            "<template>",
            "<script>",
            "<script><!--",
            "<style>",
            "<body x>",
            "<html x>",
            "<form>",
            "<b><p></b>",
            "<form><div></form>",
            "<x-y>",
            "</x-y>",
            "<rt>",
            "<h1>",
            "<button>",
            "<div>x</div>",
            "<a href=x>y</a>",
            "<br>",
            "<!--",
            "<!-->",
            "<!-- -- >",
            "<!",
            "<?",
            "</",
            "<",
            "<<",
            "&",
            "&#",
            "&#x",
            "&a",
            "&amp",
            "\0",
            "\r",
            "<\0>",
            "<a\0",
            "<p\0>",
            "<a href=\"",
            "<a href='\"",
            "<a href=",
            "<a b ",
            "<a/",
            "<a =",
            "<![CDATA[",
            "<svg><![CDATA[",
            "<plaintext>",
            "<noscript>",
            "<noscript></noscript>",
            "<noscript></a>",
            "<noscript><style>",
            "<frameset>",
            "</body>",
            "</template>",
        ] {
            let document = piece.repeat(MILLION / piece.len());
            check(&scan(&document));
        }
    });
}

#[test]
fn end_tags_that_fit_nothing() {
    on_a_small_stack(|| {
        for (start, end) in [
            ("<b>", "</i>"),
            ("<i><div>", "</i>"),
            ("<p><object>", "</p>"),
            ("<x-a>", "</x-b>"),
            ("<table><td>", "</div>"),
            ("<svg><g>", "</div>"),
            ("<template>", "</div>"),
        ] {
            let count = MILLION / (start.len() + end.len());
            check(&scan(&(start.repeat(count) + &end.repeat(count))));
        }
    });
}

#[test]
fn a_million_nested_elements() {
    on_a_small_stack(|| {
        let source = "<div>".repeat(MILLION) + "deep" + &"</div>".repeat(MILLION) + "<p>after";
        let document = scan(&source);
        check(&document);
        let after = (0..document.len()).rfind(|&id| document.tag(id) == Tag::P).unwrap();
        assert_eq!(document.tag(document.node(after).parent), Tag::Body);
        assert!(!document.truncated);
    });
}

#[test]
fn attributes_beyond_the_cap() {
    let source = format!("<p {}>x", "a=1 ".repeat(MILLION));
    let document = scan(&source);
    check(&document);
    assert_eq!(document.attributes.len(), MAX_ATTRIBUTES);
}

#[test]
fn nodes_beyond_the_cap() {
    let source = "<b>".repeat(MAX_NODES + 10);
    let document = scan(&source);
    assert!(document.truncated && document.nodes.len() <= MAX_NODES);
    assert_eq!(document.nodes[0].end, document.len());
}

#[test]
fn one_long_text() {
    let line = "x".repeat(95) + "&amp;";
    let source = line.repeat(50 * MILLION / line.len());
    let document = scan(&source);
    check(&document);
    assert_eq!(document.nodes.len(), 5);
    assert_eq!(document.text(4).len(), 96 * (50 * MILLION / line.len()));
}

#[test]
fn raw_text_fits_where_nothing_else_does() {
    let source = "<div>".repeat(MAX_DEPTH) + "<script>x<b></script><p><b>y";
    let document = scan(&source);
    check(&document);
    let script = (0..document.len()).find(|&id| document.tag(id) == Tag::Script).unwrap();
    assert_eq!(document.text_content(script), "x<b>");
}

/// Pieces of markup in any order.
fn markup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "<",
            ">",
            "</",
            "/>",
            "<!--",
            "-->",
            "--!>",
            "<!",
            "<?",
            "<![CDATA[",
            "]]>",
            "&",
            ";",
            "&#x",
            "&amp;",
            "&not",
            "=",
            "\"",
            "'",
            " ",
            "\n",
            "\r\n",
            "\0",
            "é",
            "x",
            "text",
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<b>",
            "</b>",
            "<a href=x>",
            "</a>",
            "<table>",
            "</table>",
            "<tr>",
            "</tr>",
            "<td>",
            "</td>",
            "<caption>",
            "<col>",
            "<tbody>",
            "<li>",
            "<ul>",
            "</ul>",
            "<select>",
            "<option>",
            "<svg>",
            "</svg>",
            "<g/>",
            "<math>",
            "<mi>",
            "<desc>",
            "<title>",
            "</title>",
            "<script>",
            "</script>",
            "<style>",
            "</style>",
            "<template>",
            "</template>",
            "<html lang=x>",
            "<head>",
            "</head>",
            "<body class=y>",
            "</body>",
            "<noscript>",
            "<noscript></noscript>",
            "<noscript></a>",
            "<noscript><style>",
            "</noscript>",
            "<form>",
            "</form>",
            "<h1>",
            "</h2>",
            "<br>",
            "</br>",
            "<x-y z>",
            "</x-y>",
            "<button>",
            "</button>",
            "<pre>\n",
            "<textarea>",
            "<plaintext>",
            "<ruby>",
            "<rt>",
            "<frameset>",
            "<object>",
            "</object>",
            "<font size=1>",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..64).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_a_page(source in any::<String>()) {
        check(&scan(&source));
    }

    #[test]
    fn any_markup_is_a_page(source in markup(), depth in 0..600_usize) {
        check(&scan(&source));
        check(&scan(&("<div>".repeat(depth) + &source)));
    }
}
