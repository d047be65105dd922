use serde_json::json;

use super::fields;

/// The ids of the elements that a selector matches, with blanks between.
fn ids(html: &str, css: &str) -> String {
    let found = fields(html, &json!({"x": {"css": css, "attr": "id", "all": true}}));
    let ids = found["x"].as_array().expect("a list");
    ids.iter().filter_map(|id| id.as_str()).collect::<Vec<_>>().join(" ")
}

fn check(html: &str, cases: &[(&str, &str)]) {
    for (css, expected) in cases {
        assert_eq!(ids(html, css), *expected, "{css}");
    }
}

#[test]
fn simple_selectors() {
    let html = r#"<body id=body><DIV id=a class="x y"><p id=b class=X>1</p><P id=c>2</P></DIV>
        <my-tag id=d class="y&#x7a; q">3</my-tag><p id=B Class="x">4</p>"#;
    check(
        html,
        &[
            ("p", "b c B"),
            ("P", "b c B"),
            ("div", "a"),
            ("my-tag", "d"),
            ("MY-TAG", "d"),
            ("my-other", ""),
            ("#a", "a"),
            ("#A", ""),
            ("#b", "b"),
            ("#B", "B"),
            (".x", "a B"),
            (".X", "b"),
            (".x.y", "a"),
            (".yz", "d"),
            (".q.yz", "d"),
            ("p.x", "B"),
            ("p#b.X", "b"),
            ("div, my-tag", "a d"),
            ("my-tag, div", "a d"),
            ("p, .x, #b", "a b c B"),
            ("body *", "a b c d B"),
            ("*", "body a b c d B"),
            ("p /* a comment */ , div", "a b c B"),
            ("#\\61", "a"),
            ("\\70", "b c B"),
        ],
    );
}

#[test]
fn attributes() {
    let html = r#"<p id=a title="One two-three" lang=en-GB><p id=b TITLE="one" lang=EN>
        <p id=c title=""><p id=d data-x="a&amp;b" TYPE=Q><svg id=e viewBox="0 0"></svg>"#;
    check(
        html,
        &[
            ("[title]", "a b c"),
            ("[TITLE]", "a b c"),
            ("[title=one]", "b"),
            ("[title='One']", ""),
            ("[title=ONE i]", "b"),
            ("[title=ONE I]", "b"),
            ("[title=one s]", "b"),
            ("[title~=One]", "a"),
            ("[title~=two]", ""),
            ("[title~='']", ""),
            ("[title|=one]", "b"),
            ("[lang|=en]", "a b"),
            ("[lang|=en s]", "a"),
            ("[title^=One]", "a"),
            ("[title^=on i]", "a b"),
            ("[title^='']", ""),
            ("[title$=three]", "a"),
            ("[title$='']", ""),
            ("[title*='wo-t']", "a"),
            ("[title*='WO-T' i]", "a"),
            ("[title*='']", ""),
            ("[title='']", "c"),
            ("[data-x='a&b']", "d"),
            ("[data-x]:not([title])", "d"),
            ("[type=q]", "d"),
            ("[type=q s]", ""),
            ("[viewBox]", "e"),
            ("[viewbox]", "e"),
            ("p[title][lang]", "a b"),
            ("[title=\"One two-three\"]", "a"),
        ],
    );
}

#[test]
fn combinators() {
    let html = "<div id=a><ul id=b><li id=c>1</li><li id=d><a id=e>2</a></li>text<li id=f>3</li>
        </ul></div><p id=g>4</p><div id=h><a id=i>5</a></div>";
    check(
        html,
        &[
            ("div a", "e i"),
            ("div > a", "i"),
            ("ul > li > a", "e"),
            ("div li a", "e"),
            ("div > li", ""),
            ("li + li", "d f"),
            ("li ~ li", "d f"),
            ("#c ~ #f", "f"),
            ("#c + #f", ""),
            ("div + p", "g"),
            ("div ~ div a", "i"),
            ("div + p + div > a", "i"),
            ("div>ul>li+li>a", "e"),
            ("p ~ div a, ul a", "e i"),
            ("body > div", "a h"),
            ("html > body > div > ul", "b"),
            ("a div", ""),
        ],
    );
}

#[test]
fn places_among_siblings() {
    let html = "<ul id=u><li id=a class=x><li id=b><li id=c class=x><li id=d class=x>
        <li id=e></ul><div id=v><p id=f></p><b id=g></b><p id=h></p></div><i id=w><u id=o></u></i>";
    check(
        html,
        &[
            ("li:first-child", "a"),
            ("li:last-child", "e"),
            ("li:nth-child(2)", "b"),
            ("li:nth-child(odd)", "a c e"),
            ("li:nth-child(even)", "b d"),
            ("li:nth-child(2n+1)", "a c e"),
            ("li:nth-child(-n+2)", "a b"),
            ("li:nth-child(n+4)", "d e"),
            ("li:nth-child(n)", "a b c d e"),
            ("li:nth-child(0)", ""),
            ("li:nth-last-child(1)", "e"),
            ("li:nth-last-child(-n+2)", "d e"),
            ("li:nth-child(2 of .x)", "c"),
            ("li:nth-last-child(1 of .x)", "d"),
            ("li:nth-child(odd of .x)", "a d"),
            ("p:nth-of-type(2)", "h"),
            ("p:nth-last-of-type(2)", "f"),
            ("#v > :nth-child(2)", "g"),
            ("p:first-of-type", "f"),
            ("p:last-of-type", "h"),
            ("b:only-of-type", "g"),
            ("p:only-of-type", ""),
            ("u:only-child", "o"),
            ("b:only-child", ""),
            ("body > :last-child", "w"),
            ("li:not(:first-child):not(:last-child)", "b c d"),
        ],
    );
}

#[test]
fn lists_and_states() {
    let html = "<form id=f><input id=a checked><input id=b disabled><select id=s><option id=c
        selected><option id=d></select></form><a id=e href=/x><b id=g>1</b></a><a id=h></a>
        <p id=i> </p><p id=j></p><p id=k><!-- c --></p>";
    check(
        html,
        &[
            (":is(b, p)", "g i j k"),
            (":where(#a, #b)", "a b"),
            ("form :is(input, option)", "a b c d"),
            ("p:not(#i)", "j k"),
            ("p:not(#i, #j)", "k"),
            ("input:not([disabled])", "a"),
            ("p:empty", "j k"),
            (":checked", "a c"),
            (":disabled", "b"),
            ("input:enabled", "a"),
            (":link", "e"),
            (":any-link", "e"),
            (":root > body > p", "i j k"),
            (":scope > body > form", "f"),
            (":is(:is(:is(#a)))", "a"),
            ("a:not(:link)", "h"),
        ],
    );
}

#[test]
fn having() {
    let html = "<div id=a class=c><p id=b><i id=i></i></p></div><div id=d><b id=e></b></div>
        <div id=f><div id=g><p id=h></p></div></div><u id=j></u>";
    check(
        html,
        &[
            ("div:has(p)", "a f g"),
            ("div:has(> p)", "a g"),
            ("div:has(p, b)", "a d f g"),
            ("div:has(> div > p)", "f"),
            ("div:has(p i)", "a"),
            ("div:has(.c p)", ""),
            ("div:has(+ div)", "a d"),
            ("div:has(+ div b)", "a"),
            ("div:has(~ u)", "a d f"),
            ("div:has(~ div p)", "a d"),
            ("div:has(+ u)", "f"),
            ("div:not(:has(p))", "d"),
            ("p:has(*)", "b"),
            ("div:has(:first-child)", "a d f g"),
            ("div:is(:has(b), .c)", "a d"),
            ("div:has(p):has(i)", "a"),
            ("div:has(:not(p))", "a d f"),
            ("div:has(p) b, div:has(p) i", "i"),
            ("div:has(+ div + u)", "d"),
            ("body:has(u) #e", "e"),
        ],
    );
}

#[test]
fn tables_have_the_rows_that_browsers_put_in() {
    let html = "<table><tr id=a><td id=b>1<td id=c>2</table>";
    check(
        html,
        &[
            ("body > table > tbody > tr:nth-child(1) > td:nth-child(2)", "c"),
            ("html > body > table td", "b c"),
            ("table > tr", ""),
        ],
    );
}
