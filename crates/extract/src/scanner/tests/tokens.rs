//! What is a tag, an attribute, a comment and text: the states of the standard's tokenizer.

use super::bodies;

#[test]
fn text_that_looks_like_markup() {
    bodies(&[
        ("a < b <3 <> <= c", r#""a < b <3 <> <= c""#),
        ("a<", r#""a<""#),
        ("a</", r#""a</""#),
        ("a</>b", r#""a" "b""#),
        ("a</ x>b", r#""a" "b""#),
        ("a</3>b", r#""a" "b""#),
        ("a<!>b<!x>c<?php x?>d", r#""a" "b" "c" "d""#),
        ("a<!", r#""a""#),
        ("a<?", r#""a""#),
        ("<<p>a", r#""<" p("a")"#),
        ("a&lt;p&gt;", r#""a<p>""#),
        ("a\0b", r#""ab""#),
    ]);
}

#[test]
fn tags() {
    bodies(&[
        ("<P>a</P\n>b", r#"p("a") "b""#),
        ("<b/c>a</b/>b</b c='>'>d", r#"b[c=]("a") "b" "d""#),
        ("<b<i>a</b<i>b", r#"b<i("a") "b""#),
        ("a<b", r#""a""#),
        ("a<b c", r#""a""#),
        ("a<b c='", r#""a""#),
        ("a<b c=d", r#""a""#),
        ("a</b", r#""a""#),
        ("a<b /", r#""a""#),
        ("<b\0>a", "b\0(\"a\")"),
    ]);
}

#[test]
fn attributes() {
    bodies(&[
        ("<b a=1 c='2' d=\"3\" e>", "b[a=1][c=2][d=3][e=]"),
        ("<b a='1'c=2>", "b[a=1][c=2]"),
        ("<b a = 1\tc\n=\r2 \x0cd= >", "b[a=1][c=2][d=]"),
        ("<b A=x a=y>", "b[A=x][a=x]"),
        ("<b =a==b>", "b[=a==b]"),
        ("<b a=/ c=//>", "b[a=/][c=//]"),
        ("<b a/c/>", "b[a=][c=]"),
        ("<b a\"'<=\"x'<>\">", "b[a\"'<=x'<>]"),
        ("<b a=x\"y'z`<=>", "b[a=x\"y'z`<=]"),
        ("<b a='&lt;&copy=&copy'>", "b[a=<&copy=©]"),
        ("<b a='x\r\ny'>", "b[a=x\ny]"),
        ("<b a=\0>", "b[a=\u{fffd}]"),
    ]);
}

#[test]
fn comments() {
    bodies(&[
        ("a<!--b-->c", r#""a" "c""#),
        ("a<!-->b", r#""a" "b""#),
        ("a<!--->b", r#""a" "b""#),
        ("a<!---->b", r#""a" "b""#),
        ("a<!----->b", r#""a" "b""#),
        ("a<!--!>b-->c", r#""a" "c""#),
        ("a<!---!>b-->c", r#""a" "c""#),
        ("a<!----!>b", r#""a" "b""#),
        ("a<!--b--!>c", r#""a" "c""#),
        ("a<!--b-- >c-->d", r#""a" "d""#),
        ("a<!--<p>--><!--", r#""a""#),
        ("a<!-b>c-->d", r#""a" "c-->d""#),
        ("a<!--b", r#""a""#),
        ("a<!doctype x '>'>b", r#""a" "'>b""#),
        ("a<!-- <!-- b --> c -->d", r#""a" " c -->d""#),
    ]);
}

#[test]
fn raw_text() {
    bodies(&[
        ("x<style><p>&lt;</style >a", r#""x" style("<p>&lt;") "a""#),
        ("x<STYLE></stylex></Style/>a", r#""x" style("</stylex>") "a""#),
        ("x<textarea><p>&lt;\0</textarea>a", "\"x\" textarea(\"<p><\u{fffd}\") \"a\""),
        ("x<title>a<b></title>b", r#""x" title("a<b>") "b""#),
        (
            "<xmp><p></xmp>a<iframe><p></iframe><noembed><p></noembed><noframes><p></noframes>",
            r#"xmp("<p>") "a" iframe("<p>") noembed("<p>") noframes("<p>")"#,
        ),
        ("x<style>a</style", r#""x" style("a</style")"#),
        ("x<style>a", r#""x" style("a")"#),
        ("x<style>\r\n\0</style>", "\"x\" style(\"\\n\u{fffd}\")"),
        ("<plaintext>a<p>&lt;</plaintext>", r#"plaintext("a<p>&lt;</plaintext>")"#),
        ("x<style></style x='>'>a", r#""x" style "a""#),
    ]);
}

#[test]
fn scripts() {
    bodies(&[
        ("x<script>a</script>b", r#""x" script("a") "b""#),
        ("x<script>'</scripts>'</script>b", r#""x" script("'</scripts>'") "b""#),
        ("x<script><!-- a </script>b", r#""x" script("<!-- a ") "b""#),
        (
            "x<script><!-- <script> </script> a</script>b",
            r#""x" script("<!-- <script> </script> a") "b""#,
        ),
        ("x<script><!-- <script> --> </script>b", r#""x" script("<!-- <script> --> ") "b""#),
        ("x<script><!-- <scripts> </script>b", r#""x" script("<!-- <scripts> ") "b""#),
        (
            "x<script><!-- <script> <script> </script> </script>b",
            r#""x" script("<!-- <script> <script> </script> ") "b""#,
        ),
        ("x<script><!--><script></script>b", r#""x" script("<!--><script>") "b""#),
        ("x<script><!---><script></script>b", r#""x" script("<!---><script>") "b""#),
        ("x<script><!-><script></script>b", r#""x" script("<!-><script>") "b""#),
        ("x<script><!--a--><script></script>b", r#""x" script("<!--a--><script>") "b""#),
        ("x<script><!-- <script>a", r#""x" script("<!-- <script>a")"#),
    ]);
}
