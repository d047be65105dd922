//! Which elements end which others.

use super::bodies;

#[test]
fn paragraphs() {
    bodies(&[
        ("<p>a<p>b", r#"p("a") p("b")"#),
        ("<p>a<div>b</div>c", r#"p("a") div("b") "c""#),
        ("<p>a<b>b<ul><li>c", r#"p("a" b("b")) ul(li("c"))"#),
        ("<p>a<table><tr><td>b", r#"p("a") table(tbody(tr(td("b"))))"#),
        ("<p><button>a<p>b</button>c", r#"p(button("a" p("b")) "c")"#),
        ("<p><object><p>b</object>c", r#"p(object(p("b")) "c")"#),
        ("a</p>b", r#""a" p "b""#),
        ("a</br>b", r#""a" br "b""#),
        ("<p><h1>a<h2>b</h3>c", r#"p h1("a") h2("b") "c""#),
        ("<h1>a<b>x<h2>b", r#"h1("a" b("x" h2("b")))"#),
        ("<hr/>a<br/>b<img x=y>", r#"hr "a" br "b" img[x=y]"#),
        ("<p>a<hr>b", r#"p("a") hr "b""#),
        ("<div/>a", r#"div("a")"#),
        (
            "<pre>\n\na</pre><pre>\r\nb</pre><textarea>\n\nc</textarea>",
            "pre(\"\\na\") pre(\"b\") textarea(\"\\nc\")",
        ),
    ]);
}

#[test]
fn lists() {
    bodies(&[
        (
            "<ul><li>a<li>b<ul><li>c</ul>d<li>e</ul>f",
            r#"ul(li("a") li("b" ul(li("c")) "d") li("e")) "f""#,
        ),
        ("<li>a<p>b<li>c", r#"li("a" p("b")) li("c")"#),
        ("<li><div>a<li>b", r#"li(div("a")) li("b")"#),
        ("<li><section>a<li>b", r#"li(section("a" li("b")))"#),
        ("<ul><li>a</li></li>b</ul>", r#"ul(li("a") "b")"#),
        ("<li><ul></li>a", r#"li(ul("a"))"#),
        ("<dl><dt>a<dd>b<dt>c<dd>d</dl>", r#"dl(dt("a") dd("b") dt("c") dd("d"))"#),
        (
            "<select><option>a<option>b<optgroup><option>c<optgroup></select>d",
            r#"select(option("a") option("b") optgroup(option("c")) optgroup) "d""#,
        ),
        ("<select>a<select>b<input>", r#"select("a") select("b") input"#),
        ("<ruby>a<rp>b<rt>c<rp>d</ruby>e", r#"ruby("a" rp("b") rt("c") rp("d")) "e""#),
    ]);
}

#[test]
fn inline_elements() {
    bodies(&[
        ("<a x=1>a<a x=2>b</a>c", r#"a[x=1]("a") a[x=2]("b") "c""#),
        ("<b>a<i>b</b>c</i>d", r#"b("a" i("b")) "c" "d""#),
        ("<b><p>a</b>b</p>c", r#"b(p("a" "b")) "c""#),
        ("<a><div>a</a>b</div>c", r#"a(div("a" "b")) "c""#),
        ("<a><div><a>b", r#"a(div(a("b")))"#),
        ("<div><b>a</div>b</b>c", r#"div(b("a")) "b" "c""#),
        ("<span>a<div>b</span>c</div>d</span>e", r#"span("a" div("b" "c") "d") "e""#),
        ("<my-a>a<your-b>b</MY-A>c", r#"my-a("a" your-b("b")) "c""#),
        ("a</nothing>b</b>c", r#""a" "b" "c""#),
        ("<nobr>a<nobr>b", r#"nobr("a") nobr("b")"#),
        ("<button>a<button>b", r#"button("a") button("b")"#),
        ("<form x>a<form y>b</form>c<form z>", r#"form[x=]("a" "b") "c" form[z=]"#),
        ("<form><div>a</form>b</div>c<form>d", r#"form(div("a" "b")) "c" form("d")"#),
        ("<div><p>a</div>b", r#"div(p("a")) "b""#),
        ("<image src=a>b", r#"img[src=a] "b""#),
    ]);
}

#[test]
fn tables() {
    bodies(&[
        (
            "<table><td>a<td>b<tr><th>c</table>d",
            r#"table(tbody(tr(td("a") td("b")) tr(th("c")))) "d""#,
        ),
        (
            "<table><caption>a<col><thead><tr><td>b<tbody><tr><td>c<tfoot></table>",
            r#"table(caption("a") colgroup(col) thead(tr(td("b"))) tbody(tr(td("c"))) tfoot)"#,
        ),
        ("<table><colgroup><col><col><tr><td>a", r#"table(colgroup(col col) tbody(tr(td("a"))))"#),
        (
            "<table><tr><td><table><tr><td>a</table>b<td>c",
            r#"table(tbody(tr(td(table(tbody(tr(td("a")))) "b") td("c"))))"#,
        ),
        ("<table><tr><table><tr><td>a", r#"table(tbody(tr)) table(tbody(tr(td("a"))))"#),
        ("<div><table><td>a</div>b</table>c", r#"div(table(tbody(tr(td("a" "b")))) "c")"#),
        ("a<td>b</td><tr>c", r#""a" "b" "c""#),
        ("<table><tr><td><b>a<td>b", r#"table(tbody(tr(td(b("a")) td("b"))))"#),
        ("<table><tr><form><td>a</form><td>b", r#"table(tbody(tr(form td("a") td("b"))))"#),
        (
            "<table><td><a x=1>a<table><td><a x=2>b",
            r#"table(tbody(tr(td(a[x=1]("a" table(tbody(tr(td(a[x=2]("b"))))))))))"#,
        ),
    ]);
}

#[test]
fn templates() {
    bodies(&[
        (
            "<x-y><template shadowrootmode=open class=c><p>a</template>b</x-y>c",
            r#"x-y(template[shadowrootmode=open][class=c](p("a")) "b") "c""#,
        ),
        ("x<template><li>a</template>b", r#""x" template(li("a")) "b""#),
        (
            "x<template><tr><td>a<td>b<tr></template>c",
            r#""x" template(tr(td("a") td("b")) tr) "c""#,
        ),
        ("x<p><template><p>a</p></p>b</template>c", r#""x" p(template(p("a") p "b") "c")"#),
        (
            "<table><tr><template><td>a</template><td>b",
            r#"table(tbody(tr(template(td("a")) td("b"))))"#,
        ),
    ]);
}

#[test]
fn foreign_elements() {
    bodies(&[
        (
            "<svg/>a<svg><path/><g>b</g></svg>c",
            r#""svg "a" svg(path g("b")) "c""#.trim_start_matches('"'),
        ),
        ("<svg><title>a<b>b</title>c</svg>d", r#"svg(title("a" b("b")) "c") "d""#),
        (
            "<svg><foreignObject><p>a<p>b</p></foreignObject><g/></svg>c",
            r#"svg(foreignobject(p("a") p("b")) g) "c""#,
        ),
        ("<svg><g><p>a", r#"svg(g) p("a")"#),
        ("<svg><g><font>a</font><font size=1>b", r#"svg(g(font("a"))) font[size=1]("b")"#),
        ("<svg><style>a<b></style>c", r#"svg(style("a")) b("c")"#),
        ("<svg><script>a</script><![CDATA[<p>]]]]>b</svg>", r#"svg(script("a") "<p>]]" "b")"#),
        ("<![CDATA[<p>]]>b", r#""]]>b""#),
        ("<svg><g></p>b", r#"svg(g) p "b""#),
        ("<div><svg><g></div>b", r#"div(svg(g)) "b""#),
        ("<math><mi>a<p>b</p></mi><mo>c", r#"math(mi("a" p("b")) mo("c"))"#),
        (
            "<math><annotation-xml encoding=text/html><p>a</p></annotation-xml>b",
            r#"math(annotation-xml[encoding=text/html](p("a")) "b")"#,
        ),
        ("<svg><title></svg>a", r#"svg(title) "a""#),
        ("<math><annotation-xml><p>a", r#"math(annotation-xml) p("a")"#),
    ]);
}
