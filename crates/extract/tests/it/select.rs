//! Fields picked by CSS selectors.

mod bounds;
mod errors;
mod selectors;
mod values;

use std::sync::Arc;

use extract::{Formats, Options, Page, Select, extract};
use serde_json::Value;

/// What a spec finds in a page at `https://a.example/b/c`.
fn page(html: &str, spec: &Value) -> Page {
    let select: Select = serde_json::from_value(spec.clone()).expect("the spec is right");
    let select = Some(Arc::new(select));
    let options = Options { formats: Formats::NONE, select, ..Options::default() };
    let url = "https://a.example/b/c".parse().expect("the address is right");
    extract(html.as_bytes(), Some("text/html; charset=utf-8"), &url, &options)
}

fn fields(html: &str, spec: &Value) -> Value {
    let page = page(html, spec);
    assert!(!page.truncated, "{spec}");
    Value::Object(page.fields.expect("fields were asked for").into_iter().collect())
}
