use proptest::prelude::*;
use serde_json::{Value, json};

use super::page;

/// A million of each would be no different.
const MANY: usize = 10_000;

fn hostile() -> Vec<(&'static str, String)> {
    let classes: String = (0..MANY).map(|n| format!("<i class=c{n}></i>")).collect();
    let names: String = (0..MANY).map(|n| format!("<x-{n}></x-{n}>")).collect();
    vec![
        ("deep", "<div class=a>".repeat(MANY)),
        ("wide", "<p class=a>1</p>".repeat(MANY)),
        ("inline", "<b class=a>1".repeat(MANY)),
        ("classes", classes),
        ("names", names),
        ("one class", format!("<p class='{}'>", "a ".repeat(500_000))),
        ("one value", format!("<p title='{}'>", "a".repeat(1_000_000))),
        ("texts", "a<!-- -->".repeat(MANY)),
        ("lists", format!("<ul>{}</ul>", "<li class=a><a href=x>1</a>".repeat(MANY))),
    ]
}

#[test]
fn hostile_selectors_come_to_an_end_on_hostile_pages() {
    let (children, siblings) = ("b > ".repeat(255) + "b", "* ~ ".repeat(255) + "*");
    let fifty: String = ":nth-child(n of .a)".repeat(50);
    let selectors = [
        "*:not(* * * * * * * * *)",
        "* * * * * * * * * * * * * * x",
        "* > * * > * * > * * > x",
        "* ~ * ~ * ~ * ~ * ~ x",
        "* + * ~ * + * ~ * + * ~ x",
        ":has(x)",
        ":has(* * * * x)",
        ":has(~ * ~ * ~ * x)",
        ":has(~ *):has(+ *):has(> x)",
        ":not(:has(* ~ x))",
        ":nth-of-type(7)",
        ":nth-last-of-type(7)",
        ":nth-last-child(odd):nth-child(even of :not(x))",
        &children,
        &siblings,
        &fifty,
        &format!("{fifty} ~ x"),
        "[title*='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' i]",
        ".a.a.a.a.a.a.a.b",
        ":is(:is(:is(:is(:is(:is(* *) *) *) *) *) *) x",
    ];
    for (name, html) in hostile() {
        for css in &selectors {
            let fields = page(&html, &json!({"x": {"css": css, "all": true}})).fields;
            assert!(fields.is_some_and(|fields| fields["x"].is_array()), "{name}: {css}");
        }
    }
}

#[test]
fn an_exhausted_budget_is_said() {
    let html = "<p>a".to_owned() + &"<p>".repeat(MANY);
    let spec = json!({"x": {"css": "p:not(x ~ p ~ p)", "all": true}});
    let page = page(&html, &spec);
    assert!(page.truncated);
    let found = page.fields.unwrap()["x"].as_array().unwrap().len();
    assert!((1..MANY).contains(&found), "{found}");
}

#[test]
fn lists_values_and_all_together_are_bounded() {
    let html = "<p>a".repeat(10_001);
    let list = page(&html, &json!({"x": {"css": "p", "all": true}}));
    assert!(list.truncated);
    assert_eq!(list.fields.unwrap()["x"].as_array().unwrap().len(), 10_000);
    let list = page(&html[4..], &json!({"x": {"css": "p", "all": true}}));
    assert!(!list.truncated);

    let html = format!("<p>{}", "\u{20ac}".repeat(30_000));
    let long = page(&html, &json!({"x": "p"}));
    assert!(long.truncated);
    assert_eq!(long.fields.unwrap()["x"].as_str().unwrap().len(), 64 * 1024 - 1);

    let html = format!("<div>{}{}", "<div>".repeat(400), "word ".repeat(20_000));
    let many = page(&html, &json!({"x": {"css": "div", "all": true}, "y": "div"}));
    assert!(many.truncated);
    let fields = many.fields.unwrap();
    assert_eq!(fields["y"], Value::Null);
    let bytes = serde_json::to_vec(&fields).unwrap().len();
    assert!(bytes < 2 * html.len() + 300 * 1024, "{bytes}");

    let names: serde_json::Map<String, Value> =
        (0..90).map(|n| (format!("{n:0>100}"), json!("i"))).collect();
    let records = json!({"x": {"css": "b", "all": true, "fields": names}});
    let html = "<b>".repeat(10_000);
    let many = page(&html, &records);
    assert!(many.truncated);
    let bytes = serde_json::to_vec(&many.fields.unwrap()).unwrap().len();
    assert!(bytes < 2 * html.len() + 300 * 1024, "{bytes}");
}

#[test]
fn searching_is_bounded() {
    let html = format!("<p>{}</p>", "ab".repeat(30_000)).repeat(100);
    let dear = json!({"x": {"css": "p", "all": true, "regex": "[ab]*a[ab]{300}c"}});
    let page = page(&html, &dear);
    assert!(page.truncated);
    assert_eq!(page.fields.unwrap()["x"], json!([]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_selector_is_taken_or_refused(css in selector(), relative in any::<bool>()) {
        let field = if relative {
            json!({"css": "*", "all": true, "fields": {"y": css}})
        } else {
            json!({"css": css, "all": true})
        };
        if let Ok(select) = serde_json::from_value::<extract::Select>(json!({"x": field})) {
            let spec = serde_json::to_value(&select).unwrap();
            let html = "<div class=a id=b><p title=c>d<b>e</b></p><p>f</div><x-y></x-y>";
            prop_assert!(page(html, &spec).fields.is_some());
        }
    }

    #[test]
    fn any_page_and_selector(html in markup(), css in selector()) {
        let spec = json!({"x": {"css": css, "all": true}, "y": {"css": "*", "fields": {"z": css}}});
        if let Ok(select) = serde_json::from_value::<extract::Select>(spec) {
            let spec = serde_json::to_value(&select).unwrap();
            prop_assert!(page(&html, &spec).fields.is_some());
        }
    }

    /// In `:is()` nothing is looked up, every element is tried.
    #[test]
    fn what_is_looked_up_is_all_there_is(html in markup(), css in selector()) {
        let list = |css: &str| json!({"css": css, "attr": "id", "all": true});
        let spec = json!({"x": list(&css), "y": list(&format!(":is({css})"))});
        if serde_json::from_value::<extract::Select>(spec.clone()).is_ok() {
            let fields = page(&html, &spec).fields.unwrap();
            prop_assert_eq!(&fields["x"], &fields["y"]);
        }
    }

    #[test]
    fn any_text_as_selector_or_expression(css in ".{0,40}", regex in ".{0,40}") {
        let _ = serde_json::from_value::<extract::Select>(json!({"x": css}));
        let spec = json!({"x": {"css": "p", "regex": regex}});
        if serde_json::from_value::<extract::Select>(spec.clone()).is_ok() {
            prop_assert!(page("<p>abc 123</p>", &spec).fields.is_some());
        }
    }
}

fn selector() -> impl Strategy<Value = String> {
    prop_oneof![pieces(), grammatical()]
}

/// Pieces of selectors in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "p",
        "*",
        ".a",
        "#b",
        "[title=c]",
        ":has(",
        ":not(",
        ":is(",
        ")",
        ")",
        " ",
        " > ",
        "+",
        "~",
        ",",
        ":nth-child(2n+1)",
        ":nth-child(1 of ",
        ":first-child",
        ":scope",
        ":hover",
        "::before",
        "|",
        "&",
        "\\",
        "'",
        "[",
        "(",
        "1",
    ]);
    prop::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

/// Selectors as they are meant to be.
fn grammatical() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "",
        "",
        "",
        ".a",
        ".b",
        "#b",
        "[title]",
        "[title=c]",
        "[title*=C i]",
        "[class~=a]",
        ":empty",
        ":root",
        ":scope",
        ":link",
        ":first-child",
        ":last-of-type",
        ":only-child",
        ":nth-child(2n+1)",
        ":nth-last-child(2)",
        ":nth-of-type(2)",
        ":nth-last-of-type(odd)",
    ]);
    let name = prop::sample::select(vec!["*", "*", "p", "P", "div", "b", "i", "a", "td", "x-y"]);
    let compound = (name, part.clone(), part).prop_map(|(name, a, b)| format!("{name}{a}{b}"));
    compound.prop_recursive(3, 12, 4, |inner| {
        let combinator = prop::sample::select(vec![" ", " > ", " + ", " ~ ", ", "]);
        let function = prop::sample::select(vec![
            ":is(",
            ":not(",
            ":where(",
            ":has(",
            ":has(> ",
            ":has(+ ",
            ":has(~ ",
            ":nth-child(2 of ",
            ":nth-last-child(odd of ",
        ]);
        prop_oneof![
            (inner.clone(), combinator, inner.clone()).prop_map(|(a, sign, b)| a + sign + &b),
            (function, inner).prop_map(|(function, a)| format!("{function}{a})")),
        ]
    })
}

/// Pieces of pages in any order.
fn markup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<p>",
        "<div class=a>",
        "</div>",
        "<b id=b>",
        "</b>",
        "<x-y title=c>",
        "text ",
        "&amp;",
        "<table>",
        "<tr>",
        "<td>",
        "</table>",
        "<!-- -->",
        "<script>",
        "</script>",
        "<br>",
        "<li>",
        "<a href=q>",
        "<svg>",
        "</svg>",
        "<",
        "\"",
        "\0",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}
