use serde_json::{Value, json};

use super::fields;

/// What `{"x": spec}` finds.
fn find(html: &str, spec: &Value) -> Value {
    fields(html, &json!({ "x": spec }))["x"].take()
}

#[test]
fn text_is_what_people_see_on_one_line() {
    for (html, text) in [
        ("<p>a", "a"),
        ("<p> a \n\t b&nbsp;&nbsp;c ", "a b c"),
        ("<p>a<b>b</b>c", "abc"),
        ("<p>a <b>b</b> c", "a b c"),
        ("<p><b>a </b> <i> b</i>", "a b"),
        ("<p>a<br>b", "a b"),
        ("<p>a<wbr>b", "ab"),
        ("<p>a<img alt=x>b", "a b"),
        ("<p>&lt;a&gt; &amp;amp; &#8364;", "<a> &amp; \u{20ac}"),
        ("<p>a<script>b</script><style>c</style>d", "ad"),
        ("<p>a<span hidden>b</span><span style='display:none'>c</span>d", "ad"),
        ("<p>a<!-- b -->c", "ac"),
        ("<p>a<svg><text>b</text></svg>", "a"),
        ("<p>", ""),
        ("<p><my-tag>a</my-tag>b", "ab"),
        ("<p>e\u{301}<b>\u{301}</b>", "\u{e9}\u{301}"),
    ] {
        assert_eq!(find(html, &json!("p")), text, "{html}");
    }
    let table = "<table><tr><td>a<td>b<tr><td><p>c<p>d</table>";
    assert_eq!(find(table, &json!("table")), "a b c d");
    assert_eq!(find("<ul><li>a<li>b<ul><li>c</ul>d</ul>e", &json!("ul")), "a b c d");
}

#[test]
fn hidden_elements_speak_when_they_are_asked() {
    for (html, css, text) in [
        ("<title> a  b </title>", "title", "a b"),
        ("<script> {\"a\":  1} </script>", "script", "{\"a\":  1}"),
        ("<style>a  b</style>", "style", "a  b"),
        ("<pre>\n a\n  b\n</pre>", "pre", "a\n  b"),
        ("<div><pre>a\n b</pre></div>", "div", "a b"),
        ("<textarea>\na\n b</textarea>", "textarea", "a\n b"),
        ("<p hidden>a", "p", "a"),
        ("<div style='display:none'><p>a</div>", "p", "a"),
        ("<select><option>a<option>b</select>", "option:nth-child(2)", "b"),
        ("<svg><text>b</text></svg>", "text", "b"),
        ("<noscript>a</noscript>", "noscript", "a"),
    ] {
        assert_eq!(find(html, &json!(css)), text, "{html}");
    }
}

#[test]
fn elements_without_text_have_a_substitute() {
    for (html, css, text) in [
        ("<meta name=a content=' b '>", "meta[name=a]", "b"),
        ("<img alt=b src=c>", "img", "b"),
        ("<img src=c>", "img", ""),
        ("<input value=b>", "input", "b"),
        ("<data value=1></data>", "data", "1"),
        ("<data value=1>one</data>", "data", "one"),
        ("<time datetime=2020-01-02></time>", "time", "2020-01-02"),
        ("<link rel=canonical href=/d>", "link", "https://a.example/d"),
        ("<select><option label=b></select>", "option", "b"),
        ("<a href=/d><img alt=b></a>", "a", ""),
    ] {
        assert_eq!(find(html, &json!(css)), text, "{html}");
    }
}

#[test]
fn attributes_instead_of_text() {
    for (html, attr, value) in [
        ("<a href='d?e#f'>t</a>", "href", json!("https://a.example/b/d?e#f")),
        ("<a HREF=//g.example>t</a>", "Href", json!("https://g.example/")),
        ("<a href=mailto:h@i>t</a>", "href", json!("mailto:h@i")),
        ("<a href='http://[x'>t</a>", "href", json!("http://[x")),
        ("<a href='https://u:p@k.example/'>t</a>", "href", json!("https://k.example/")),
        ("<a data-src=/l>t</a>", "data-src", json!("https://a.example/l")),
        ("<a title=' m&amp;n '>t</a>", "title", json!("m&n")),
        ("<a data-id=/7>t</a>", "data-id", json!("/7")),
        ("<a href>t</a>", "download", Value::Null),
        ("<a title>t</a>", "title", json!("")),
        ("<a title='e&#x301;'>t</a>", "title", json!("\u{e9}")),
    ] {
        assert_eq!(find(html, &json!({"css": "a", "attr": attr})), value, "{html}");
    }
    let base = "<base href=https://o.example/p/><a href=q>t</a>";
    assert_eq!(find(base, &json!({"css": "a", "attr": "href"})), "https://o.example/p/q");
}

#[test]
fn the_first_is_the_first_of_the_list() {
    let html = "<p>a<p data-x=1>b 7<p data-x=2>c 8";
    for (spec, all) in [
        (json!({"css": "p"}), json!(["a", "b 7", "c 8"])),
        (json!({"css": "p", "attr": "data-x"}), json!(["1", "2"])),
        (json!({"css": "p", "regex": r"\d"}), json!(["7", "8"])),
        (json!({"css": "p", "regex": r"(\w) \d"}), json!(["b", "c"])),
        (json!({"css": "p", "regex": r"(?:c )(\d)"}), json!(["8"])),
        (json!({"css": "p", "regex": "z"}), json!([])),
        (json!({"css": "i"}), json!([])),
        (json!({"css": "p", "attr": "data-x", "regex": "[2-9]"}), json!(["2"])),
        (
            json!({"css": "p", "fields": {"y": ":scope"}}),
            json!([{"y": "a"}, {"y": "b 7"}, {"y": "c 8"}]),
        ),
    ] {
        let mut list = spec.clone();
        list["all"] = json!(true);
        assert_eq!(find(html, &list), all, "{spec}");
        assert_eq!(find(html, &spec), all.get(0).cloned().unwrap_or_default(), "{spec}");
    }
}

#[test]
fn expressions_see_long_data() {
    let html = format!("<script>{}\"sku\": \"x-1\"</script>", " ".repeat(200_000));
    assert_eq!(find(&html, &json!({"css": "script", "regex": "\"sku\": \"([^\"]+)"})), "x-1");
    let html = "<p>Preis: 1.234,50 \u{20ac}";
    assert_eq!(find(html, &json!({"css": "p", "regex": r"[\d.,]+"})), "1.234,50");
    assert_eq!(find(html, &json!({"css": "p", "regex": r"(?i)PREIS: (\S+)"})), "1.234,50");
}

#[test]
fn records() {
    let html = "<ul><li class=product><h2>A</h2><a href=/a>x</a><b class=price>$1.50</b>
        <ul><li class=tag>t1<li class=tag>t2</ul>
        <li class=product><h2>B</h2><b class=price>free</b></ul><h2>C</h2>";
    let spec = json!({"css": "li.product", "all": true, "fields": {
        "name": "h2",
        "url": {"css": "a", "attr": "href"},
        "price": {"css": ".price", "regex": r"[\d.]+"},
        "tags": {"css": "li", "all": true},
        "class": {"css": ":scope", "attr": "class"},
        "bold": "> b",
        "direct": {"css": ":scope > h2, > a", "all": true},
        "outer": "ul > li h2",
        "scoped": ":scope:first-child h2",
    }});
    let expected = json!([
        {"name": "A", "url": "https://a.example/a", "price": "1.50", "tags": ["t1", "t2"],
         "class": "product", "bold": "$1.50", "direct": ["A", "x"], "outer": "A", "scoped": "A"},
        {"name": "B", "url": null, "price": null, "tags": [],
         "class": "product", "bold": "free", "direct": ["B"], "outer": "B", "scoped": null},
    ]);
    assert_eq!(find(html, &spec), expected);

    let nested = json!({"css": "ul", "fields": {"items": {"css": "> li", "all": true, "fields": {
        "tags": {"css": "ul", "fields": {"first": "li"}}}}}});
    let expected = json!({"items": [{"tags": {"first": "t1"}}, {"tags": null}]});
    assert_eq!(find(html, &nested), expected);
}

#[test]
fn a_record_has_what_is_in_it() {
    let html = "<li id=a>1<ul><li id=b>2</ul><p id=c>";
    assert_eq!(
        find(html, &json!({"css": "#a", "fields": {"x": {"css": "li", "attr": "id"}}})),
        json!({"x": "b"})
    );
    let has = json!({"css": "body", "fields": {"x": {"css": "p:has(:scope)", "attr": "id"}}});
    assert_eq!(find(html, &has), json!({"x": null}));
    let body = json!({"css": "#b", "fields": {"x": {"css": "body:has(:scope)", "attr": "id"}}});
    assert_eq!(find(html, &body), json!({"x": null}));
}

#[test]
fn no_html_no_fields() {
    use extract::{Options, Select, extract};
    let select: Select = serde_json::from_value(json!({"x": "p"})).unwrap();
    let options = Options { select: Some(select.into()), ..Options::default() };
    let url = "https://a.example/".parse().unwrap();
    let page = extract(b"<p>a", Some("text/plain"), &url, &options);
    assert_eq!(page.fields, None);
    let page = extract(b"<p>a", Some("text/html"), &url, &options);
    assert_eq!(page.fields.unwrap()["x"], "a");
}
