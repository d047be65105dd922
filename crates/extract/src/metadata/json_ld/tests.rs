use proptest::prelude::*;
use serde_json::json;

use super::*;

fn facts(script: &str) -> Facts {
    let mut graph = Graph::default();
    graph.add(read(script));
    graph.facts(|address| address == "https://example.com/tea")
}

/// Broken in one way each; all mean the same.
const BROKEN: &[&str] = &[
    r#"{"@type":"Article","headline":"Green tea"}"#,
    "\u{feff}{\"@type\":\"Article\",\"headline\":\"Green tea\"}",
    r#"<!-- {"@type":"Article","headline":"Green tea"} -->"#,
    r#"<![CDATA[{"@type":"Article","headline":"Green tea"}]]>"#,
    "//<![CDATA[\n{\"@type\":\"Article\",\"headline\":\"Green tea\"}\n//]]>",
    r#"/*<![CDATA[*/{"@type":"Article","headline":"Green tea"}/*]]>*/"#,
    r#"{"@type":"Article","headline":"Green tea"};"#,
    r#"{"@type":"Article","headline":"Green tea",}"#,
    r#"{"@type":"Article",,"headline":"Green tea"}"#,
    r#"{,"@type":"Article","headline":"Green tea"}"#,
    r#"{"@type":"Article","headline":"Green tea"},"#,
    r#"[{"@type":"Article","headline":"Green tea"},]"#,
    r#"[[{"@type":"Article","headline":"Green tea"}]]"#,
    r#"{"@type":"Article" "headline":"Green tea"}"#,
    r#"{"@type":"Article","headline":"Green tea""#,
    r#"{"@type":"Article","headline":"Green tea"#,
    r#"{"@type":"Article","headline":"Green tea","image":"#,
    r#"{"@type":"Article","headline":"Green tea","image":}"#,
    r#"{"@type":"Article","headline":"Green tea"}}"#,
    r#"{"@type":"Article","headline":"Green tea","image":["a","b"}"#,
    "{\"@type\":\"Article\",\"headline\":\"Green\ntea\"}",
    "{\"@type\":\"Article\",\"headline\":\"Green\ttea\"}",
    "{\"@type\":\"Article\",\"headline\":\"Green tea\u{1}\",}",
    r#"{"@type":"Article","headline":"Green \tea","x":"\q"}"#,
    r#"{"@type":"Article",/* a comment */"headline":"Green tea"}"#,
    "{\"@type\":\"Article\", // a comment\n\"headline\":\"Green tea\"}",
    r#"{"@type":"Article","x":"he said "no" twice","headline":"Green tea"}"#,
    r#"{"@type":"Article","x":undefined,"headline":"Green tea"}"#,
    r#"{"@type":"Article","x":NaN,"headline":"Green tea"}"#,
    r#"{"@type":Article,headline:"Green tea"}"#,
    r#"{&quot;@type&quot;:&quot;Article&quot;,&quot;headline&quot;:&quot;Green tea&quot;}"#,
    r#"{"@type":"Person","name":"x"}{"@type":"Article","headline":"Green tea"}"#,
    r#"{"@type":"https://schema.org/Article","headline":"Green tea"}"#,
    r#"{"@type":"ARTICLE","headline":"Green tea"}"#,
    r#"{"@type":["Thing","NewsArticle"],"headline":["Green tea","Tee"]}"#,
    r#"{"@type":"Article","headline":{"@value":"Green tea"}}"#,
    r#"{"@graph":[{"@type":"WebPage","name":"No"},{"@type":"BlogPosting","headline":"Green&nbsp;tea"}]}"#,
];

#[test]
fn broken_scripts_are_mended() {
    assert!(BROKEN.len() >= 30);
    let wrong: Vec<_> = BROKEN
        .iter()
        .filter(|script| !matches!(facts(script).headline.as_str(), "Green tea" | "Green ea"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nonsense_says_nothing() {
    for script in [
        "",
        "{",
        "[]",
        "null",
        "[[[[1]]]]",
        "}{",
        "\"",
        "function(){}",
        &"[".repeat(100_000),
        &"{\"a\":".repeat(100_000),
    ] {
        assert_eq!(facts(script), Facts::default(), "{}", &script[..script.len().min(20)]);
    }
    assert!(read(&format!("[{}\"\"]", " ".repeat(MAX_SCRIPT_BYTES))).is_empty());
}

#[test]
fn objects_stay_as_they_stand() {
    let script = r#"[{"@type":"A","n":1.50,"deep":{"list":[1,2,{"x":null}]}},{"b":true}]"#;
    assert_eq!(
        read(script),
        [json!({"@type":"A","n":1.5,"deep":{"list":[1,2,{"x":null}]}}), json!({"b":true})]
    );
}

#[test]
fn authors_in_every_shape() {
    let cases: &[(&str, &[&str])] = &[
        (r#""Jane Doe""#, &["Jane Doe"]),
        (r#"["Jane Doe","John Roe"]"#, &["Jane Doe", "John Roe"]),
        (r#""Jane Doe, John Roe""#, &["Jane Doe", "John Roe"]),
        (r#"{"@type":"Person","name":"Jane Doe"}"#, &["Jane Doe"]),
        (r#"{"@type":"Person","name":["Jane Doe","John Roe"]}"#, &["Jane Doe", "John Roe"]),
        (r#"[{"name":"Jane Doe"},{"name":"John Roe"}]"#, &["Jane Doe", "John Roe"]),
        (r#"{"@type":"Person","name":{"@type":"Text","name":"Jane Doe"}}"#, &["Jane Doe"]),
        (r##"{"@id":"#jane"}"##, &["Jane Doe"]),
        (r##"[{"@id":"#jane"},{"@id":"#nobody"}]"##, &["Jane Doe"]),
        (r#""https://example.com/jane""#, &[]),
        (r#"{"@type":"Person"}"#, &[]),
        ("null", &[]),
        ("5", &[]),
        ("true", &[]),
        ("[]", &[]),
    ];
    for (author, expected) in cases {
        let script = format!(
            r##"{{"@graph":[{{"@type":"Article","author":{author}}},{{"@type":"Person","@id":"#jane","name":"Jane Doe"}}]}}"##
        );
        assert_eq!(facts(&script).authors, *expected, "{author}");
    }
}

#[test]
fn the_page_itself_counts() {
    let list = r#"{"@type":"ItemList","itemListElement":[{"@type":"Article","headline":"Other","author":"Ann Other"}]}"#;
    assert_eq!(facts(list).headline, "");
    let both = format!(
        r#"[{list},{{"@type":"Article","headline":"Tea","url":"https://example.com/tea"}}]"#
    );
    assert_eq!(facts(&both).headline, "Tea");
    let two = r#"[{"@type":"Article","headline":"Other"},{"@type":"Article","headline":"Tea","mainEntityOfPage":{"@id":"https://example.com/tea"}}]"#;
    assert_eq!(facts(two).headline, "Tea");
    let review = r#"{"@type":"Product","name":"Pot","review":{"@type":"Review","author":"Ann Other","datePublished":"2024-05-06"}}"#;
    let found = facts(review);
    assert_eq!(
        (found.name.as_str(), found.published.as_str(), found.authors.len()),
        ("Pot", "", 0)
    );
    assert_eq!(found.kind, "product");
}

#[test]
fn the_other_fields() {
    let found = facts(
        r##"{"@graph":[{"@type":"WebSite","name":"The Site"},
        {"@type":"NewsArticle","headline":"A &amp; B","datePublished":"2024-05-06","dateModified":"2024-05-07",
         "description":" d ","inLanguage":{"@type":"Language","name":"en"},"image":[{"url":"/i.png"}],
         "publisher":{"@id":"#org"},"author":{"@type":"Person","name":"Jane Doe"}},
        {"@type":"Organization","@id":"#org","name":"The House"}]}"##,
    );
    assert_eq!(found.headline, "A & B");
    assert_eq!((found.published.as_str(), found.modified.as_str()), ("2024-05-06", "2024-05-07"));
    assert_eq!(
        (found.description.as_str(), found.language.as_str(), found.image.as_str()),
        ("d", "en", "/i.png")
    );
    assert_eq!((found.publisher.as_str(), found.site.as_str()), ("The House", "The Site"));
    assert_eq!(found.kind, "newsarticle");
    assert!(found.persons);
}

proptest! {
    #[test]
    fn any_script_is_read_without_panic(script in "\\PC{0,200}") {
        let _ = facts(&script);
    }

    #[test]
    fn anything_like_json_is_too(script in r#"([\[{}\],:"\\]|"[a-z@ ]{0,6}"|"@type":"Article"|author|null|[0-9.-]{1,3}|/\*|//|\n| ){0,60}"#) {
        let _ = facts(&script);
    }

    #[test]
    fn good_json_is_not_mended(text in "\\PC{0,40}", number in any::<i32>()) {
        let value = json!({"text": text, "list": [number, null, {"x": text}]});
        prop_assert_eq!(read(&value.to_string()), [value]);
    }
}
