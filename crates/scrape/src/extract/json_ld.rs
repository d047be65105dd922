//! The parts of JSON-LD that pages use to describe themselves (schema.org).

use serde_json::{Map, Value};

/// Objects looked at in one script.
const MAX_OBJECTS: usize = 1_000;

/// Authors kept.
const MAX_AUTHORS: usize = 16;

/// What one script says; empty where it says nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) headline: String,
    pub(super) authors: Vec<String>,
    pub(super) published: String,
    pub(super) modified: String,
    pub(super) description: String,
    pub(super) publisher: String,
    pub(super) image: String,
}

/// Reads a script. `serde_json` refuses more than 128 levels, so neither reading nor dropping the
/// value can overflow the stack.
pub(super) fn read(script: &str) -> Found {
    let script = script.trim().trim_start_matches("<!--").trim_end_matches("-->").trim();
    let Ok(root) = serde_json::from_str::<Value>(script) else {
        return Found::default();
    };
    let mut found = Found::default();
    let mut waiting = vec![&root];
    let mut seen = 0;
    while let Some(value) = waiting.pop() {
        seen += 1;
        if seen > MAX_OBJECTS {
            break;
        }
        match value {
            Value::Array(values) => waiting.extend(values.iter().take(MAX_OBJECTS).rev()),
            Value::Object(object) => {
                if is_work(object) {
                    found.add(object);
                }
                waiting.extend(["@graph", "mainEntity"].iter().filter_map(|key| object.get(*key)));
            }
            _ => {}
        }
    }
    found
}

/// An article or a page, of whatever kind.
fn is_work(object: &Map<String, Value>) -> bool {
    let is = |name: &Value| {
        name.as_str().is_some_and(|name| {
            name.ends_with("Article")
                || name.ends_with("Posting")
                || matches!(
                    name,
                    "WebPage" | "Report" | "Recipe" | "VideoObject" | "Book" | "Review"
                )
        })
    };
    match object.get("@type") {
        Some(Value::Array(names)) => names.iter().any(is),
        Some(name) => is(name),
        None => false,
    }
}

impl Found {
    fn add(&mut self, work: &Map<String, Value>) {
        set(&mut self.headline, work.get("headline"));
        set(&mut self.published, work.get("datePublished"));
        set(&mut self.modified, work.get("dateModified"));
        set(&mut self.description, work.get("description"));
        set(&mut self.publisher, work.get("publisher").and_then(|of| of.get("name")));
        set(&mut self.image, work.get("image").and_then(address));
        if self.authors.is_empty() {
            let author = work.get("author").map_or(&[][..], |author| match author {
                Value::Array(authors) => authors,
                one => std::slice::from_ref(one),
            });
            let names =
                author.iter().filter_map(|author| author.get("name").unwrap_or(author).as_str());
            let names =
                names.map(str::trim).filter(|name| !name.is_empty() && !name.contains("://"));
            self.authors = names.take(MAX_AUTHORS).map(str::to_owned).collect();
        }
    }
}

fn set(field: &mut String, value: Option<&Value>) {
    if field.is_empty()
        && let Some(value) = value.and_then(Value::as_str)
    {
        field.push_str(&unescaped(value));
    }
}

/// Many generators escape for HTML what is not HTML.
fn unescaped(value: &str) -> String {
    match value.contains('&') {
        true => [
            ("&quot;", "\""),
            ("&#39;", "'"),
            ("&#039;", "'"),
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&amp;", "&"),
        ]
        .iter()
        .fold(value.to_owned(), |text, (escape, plain)| text.replace(escape, plain)),
        false => value.to_owned(),
    }
}

/// An image is an address, an object with one, or a list of such.
fn address(image: &Value) -> Option<&Value> {
    let first = match image {
        Value::Array(images) => images.first()?,
        one => one,
    };
    Some(first.get("url").unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_with_an_article() {
        let found = read(
            r#"{"@context":"https://schema.org","@graph":[
                {"@type":"Organization","name":"No"},
                {"@type":["NewsArticle"],"headline":"A &amp; B","author":[{"name":"Ann"},"Ben"],
                 "datePublished":"2024-05-06","publisher":{"name":"The Site"},
                 "image":[{"url":"/i.png"}]}]}"#,
        );
        assert_eq!(found.headline, "A & B");
        assert_eq!(found.authors, ["Ann", "Ben"]);
        assert_eq!(
            (found.published.as_str(), found.publisher.as_str()),
            ("2024-05-06", "The Site")
        );
        assert_eq!(found.image, "/i.png");
    }

    #[test]
    fn nonsense_says_nothing() {
        for script in ["", "{", "[]", "null", "[[[[1]]]]", &"[".repeat(100_000)] {
            assert_eq!(read(script), Found::default());
        }
    }
}
