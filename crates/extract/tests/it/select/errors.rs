use std::collections::BTreeMap;

use extract::{Field, Select, SelectError};
use serde_json::{Value, json};

fn error(spec: &Value) -> SelectError {
    let fields: BTreeMap<String, Field> =
        serde_json::from_value(spec.clone()).expect("the spec can be read");
    match Select::compile(fields) {
        Err(error) => error,
        Ok(select) => panic!("{select:?} was accepted"),
    }
}

/// What is said of a bad selector.
fn bad(css: &str) -> String {
    let error = error(&json!({ "x": css }));
    assert_eq!(error.pointer, "/x/css", "{css}");
    error.detail
}

#[test]
fn selectors_are_refused_with_the_place_and_the_way_out() {
    for (css, detail) in [
        ("", "the selector is empty"),
        ("  ", "the selector is empty"),
        ("h1 >", "nothing follows '>' before the end"),
        ("h1 > , a", "nothing follows '>' before character 6"),
        ("> h1", "'>' at character 1 has nothing before it"),
        ("+ h1", "'+' at character 1 has nothing before it"),
        ("a > > b", "'>' and '>' at character 5 follow each other"),
        ("a ~ + b", "'~' and '+' at character 5 follow each other"),
        ("a,", "a selector is missing before the end"),
        (",a", "a selector is missing before character 1"),
        ("a,,b", "a selector is missing before character 3"),
        ("a.", "'.' at character 2 needs a class name after it"),
        (".1a", "unexpected '.1a' at character 1"),
        ("a. b", "'.' at character 2 needs a class name"),
        ("#1a", "an id that begins with a digit is written [id=\"1a\"]"),
        ("[]", "'[]' at character 1 is no attribute selector"),
        ("a[=x]", "'[=x]' at character 2 is no attribute selector"),
        ("a[b=]", "'[b=]' at character 2 is no attribute selector"),
        ("a[b!=c]", "'[b!=c]' at character 2 is no attribute selector"),
        ("a[b=c x]", "'[b=c x]' at character 2 is no attribute selector"),
        ("[b=1]", "'[b=1]' at character 1 is no attribute selector"),
        ("a:", "':' at character 2 needs a name after it"),
        ("a: b", "':' at character 2 needs a name after it"),
        ("a:hover", "':hover' at character 2: a page that nobody is looking at"),
        ("é:focus", "':focus' at character 2: a page that nobody is looking at"),
        ("a:contains('x')", "':contains' at character 2: not CSS, use the member \"regex\""),
        ("a:eq(1)", "':eq' at character 2: not CSS, use :nth-child()"),
        ("a:nope", "':nope' at character 2: this pseudo-class is not supported"),
        ("a:host", "':host' at character 2: this pseudo-class is not supported"),
        ("a::text", "'::text' at character 2: not needed"),
        ("a::attr(href)", "'::attr' at character 2: not supported, use the member \"attr\""),
        ("p::before", "'::before' at character 2: pseudo-elements are not part"),
        ("p:after", "'::after' at character 2: pseudo-elements are not part"),
        ("p:nth-child", "':nth-child' at character 2 needs an argument"),
        ("p:nth-child()", "':nth-child()' at character 2: write a number, odd, even"),
        ("p:nth-child(x)", "':nth-child()' at character 2: write a number, odd, even"),
        ("p:nth-child(2 on a)", "':nth-child()' at character 2: write a number, odd, even"),
        ("p:nth-child(2 of )", "a selector is missing before"),
        ("p:nth-of-type(2 of a)", "':nth-of-type()' at character 2 takes no \"of\""),
        ("p:first-child(1)", "':first-child' at character 2 takes no argument"),
        ("p:not", "':not' at character 2 needs an argument"),
        ("p:not()", "a selector is missing before"),
        ("p:is(a,)", "a selector is missing before character 8"),
        ("p:not(> a)", "'>' at character 7 has nothing before it"),
        ("p:not(a:hover)", "':hover' at character 8"),
        ("p:has(a:has(b))", "':has()' at character 8 is inside another :has()"),
        ("p:is(:has(a:has(b)))", "':has()' at character 12 is inside another :has()"),
        ("svg|a", "'|' at character 4: namespaces are not supported"),
        ("*|a", "'|' at character 2: namespaces are not supported"),
        ("& a", "'&' at character 1 is not supported: use :scope"),
        ("a$b", "unexpected '$' at character 2"),
        ("a { }", "unexpected '{' at character 3"),
        ("a)", "unexpected ')' at character 2"),
        ("a]", "unexpected ']' at character 2"),
        ("a(b)", "unexpected 'a(' at character 1"),
        ("(a)", "unexpected '(' at character 1"),
        ("//div[@class]", "unexpected '/' at character 1"),
        ("@media", "unexpected '@media' at character 1"),
        ("50%", "unexpected '50%' at character 1"),
        ("\"a\"", "unexpected '\"a\"' at character 1"),
        ("[a]b", "unexpected 'b' at character 4: a name comes first"),
        (".a*", "unexpected '*' at character 3: a name comes first"),
    ] {
        let told = bad(css);
        assert!(told.contains(detail), "{css}: {told}");
    }
    assert!(bad(&"a ".repeat(600)).contains("longer than 1024 bytes"));
    assert!(bad(&":not(".repeat(9)).contains("more than 8 pseudo-classes within each other"));
    assert!(bad(&":not(".repeat(200)).contains("more than 8 pseudo-classes within each other"));
}

#[test]
fn pointers_lead_to_the_member() {
    for (spec, pointer, detail) in [
        (json!({"": "a"}), "/", "the name is empty"),
        (json!({"a/b": "c:hover"}), "/a~1b/css", ":hover"),
        (json!({"a~b": "c:hover"}), "/a~0b/css", ":hover"),
        (json!({"a": "b", "c": {"css": "d["}}), "/c/css", "no attribute selector"),
        (json!({"a": {"css": "b", "attr": ""}}), "/a/attr", "such as \"href\""),
        (json!({"a": {"css": "b", "attr": "x y"}}), "/a/attr", "such as \"href\""),
        (json!({"a": {"css": "b", "regex": "("}}), "/a/regex", "unclosed group"),
        (json!({"a": {"css": "b", "regex": "(?<=a)b"}}), "/a/regex", "look-around"),
        (json!({"a": {"css": "b", "regex": "(a)\\1"}}), "/a/regex", "backreferences"),
        (json!({"a": {"css": "b", "regex": "x".repeat(1025)}}), "/a/regex", "1024 bytes"),
        (json!({"a": {"css": "b", "regex": "\\w{9999}"}}), "/a/regex", "too big"),
        (json!({"a": {"css": "b", "fields": {"c": "d:eq(1)"}}}), "/a/fields/c/css", ":eq"),
        (json!({"a": {"css": "b", "attr": "c", "fields": {"d": "e"}}}), "/a/attr", "\"fields\""),
        (json!({"a": {"css": "b", "regex": "c", "fields": {"d": "e"}}}), "/a/regex", "\"fields\""),
        (json!({"a": {"css": "b", "fields": {"": "d"}}}), "/a/fields/", "the name is empty"),
        (json!({"n".repeat(129): "b"}), &format!("/{}", "n".repeat(129)), "128 bytes"),
    ] {
        let error = error(&spec);
        assert_eq!(error.pointer, pointer, "{spec}");
        assert!(error.detail.contains(detail), "{spec}: {error}");
    }
}

#[test]
fn there_are_bounds() {
    let many: BTreeMap<String, Field> =
        (0..101).map(|n| (n.to_string(), Field { css: "a".into(), ..Field::default() })).collect();
    let error = Select::compile(many.clone()).unwrap_err();
    assert_eq!(error.to_string(), "more than 100 fields: pick fewer");
    let hundred = many.into_iter().skip(1).collect();
    assert!(Select::compile(hundred).is_ok());

    let nested = |levels: usize| {
        (0..levels).fold(json!("a"), |inner, _| json!({"css": "b", "fields": {"x": inner}}))
    };
    let fields = |value: Value| serde_json::from_value(json!({"x": value})).unwrap();
    assert!(Select::compile(fields(nested(4))).is_ok());
    let error = Select::compile(fields(nested(5))).unwrap_err();
    assert_eq!(error.pointer, "/x/fields/x/fields/x/fields/x/fields/x/fields");
}

#[test]
fn specs_are_read_strictly_and_written_back() {
    let read = |json: &str| serde_json::from_str::<BTreeMap<String, Field>>(json);
    for (json, told) in [
        (r#"{"a": 1}"#, "expected a CSS selector or an object with the member css"),
        (r#"{"a": null}"#, "expected a CSS selector or an object"),
        (r#"{"a": ["b"]}"#, "expected a CSS selector or an object"),
        (r#"{"a": {}}"#, "missing field `css`"),
        (r#"{"a": {"css": "b", "xpath": "c"}}"#, "unknown field `xpath`"),
        (r#"{"a": {"css": "b", "all": 1}}"#, "expected a boolean"),
        (r#"{"a": {"css": "b", "css": "c"}}"#, "duplicate field `css`"),
    ] {
        let error = read(json).unwrap_err().to_string();
        assert!(error.contains(told), "{json}: {error}");
    }
    let spec = json!({
        "a": "b",
        "c": {"css": "d", "attr": "e", "all": true, "regex": "f"},
        "g": {"css": "h", "fields": {"i": "j"}},
    });
    let select: Select = serde_json::from_value(spec.clone()).expect("the spec can be read");
    assert_eq!(serde_json::to_value(&select).unwrap(), spec);
    assert_eq!(select, Select::compile(select.spec().clone()).unwrap());
    let error = serde_json::from_value::<Select>(json!({"a": "b:hover"})).unwrap_err();
    assert!(error.to_string().starts_with("/a/css: ':hover'"), "{error}");
}

#[test]
fn can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Select>();
}
