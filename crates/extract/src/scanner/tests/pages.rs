//! The frame of a page and what goes into its head.

use super::{bodies, page};

#[test]
fn every_page_has_html_head_and_body() {
    for (source, tree) in [
        ("", "html(head body)"),
        ("x", "html(head body(\"x\"))"),
        (
            "<!doctype html>\n<html lang=en>\n<head>\n<title>T</title></head>\n<body class=c>x",
            "html[lang=en](head(title(\"T\")) body[class=c](\"x\"))",
        ),
        ("<title>T</title><p>x", "html(head(title(\"T\")) body(p(\"x\")))"),
        ("<head></head><meta a=b><p>x", "html(head(meta[a=b]) body(p(\"x\")))"),
        ("<p>x<html lang=en><body class=c>y", "html[lang=en](head body[class=c](p(\"x\" \"y\")))"),
        ("<html a=1 b=2><html a=2 c=3>", "html[a=1][b=2][c=3](head body)"),
        ("<p>x</body></html>y", "html(head body(p(\"x\" \"y\")))"),
        ("\u{feff} <head>\u{feff}<meta>", "html(head(meta) body)"),
        ("<noscript><img></noscript><meta>", "html(head(noscript(img) meta) body)"),
        ("<noscript><div>x</div><body>y", "html(head(noscript(div(\"x\"))) body(\"y\"))"),
        ("<template><tr><td>x</template><link>", "html(head(template(tr(td(\"x\"))) link) body)"),
        ("</p></title></head>", "html(head body)"),
        ("</head><title>x", "html(head(title(\"x\")) body)"),
        ("<head></br>", "html(head body(br))"),
        ("<script>if (a<b) {}</script>x", "html(head(script(\"if (a<b) {}\")) body(\"x\"))"),
    ] {
        assert_eq!(page(source), tree, "{source:?}");
    }
}

#[test]
fn nothing_reaches_out_of_a_noscript() {
    bodies(&[
        ("x<noscript><div>a</noscript>b", r#""x" noscript(div("a")) "b""#),
        ("<div>x<noscript></div>a</noscript>b", r#"div("x" noscript("a") "b")"#),
        ("<p>x<noscript><p>a</noscript>b", r#"p("x" noscript(p("a")) "b")"#),
        ("x<noscript><iframe>a</noscript>b", r#""x" noscript(iframe("a")) "b""#),
        ("x<noscript><img src='</noscript>b", r#""x" noscript "b""#),
        ("x<noscript><!-- a</noscript>b", r#""x" noscript "b""#),
        ("x<noscript>a<noscript>b</noscript>c</noscript>d", r#""x" noscript("a" "b") "c" "d""#),
        (
            "<table><tr><noscript><tr><td>a</noscript><td>b",
            r#"table(tbody(tr(noscript(tr(td("a"))) td("b"))))"#,
        ),
        ("x<noscript>a", r#""x" noscript("a")"#),
    ]);
}
