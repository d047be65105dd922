//! Values, as people read them.

use serde_json::Value;

/// Text that may come from strangers, without what a terminal would act upon.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, and those that reorder what surrounds them.
fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A member of an object as text on one line: empty when it is not there.
pub(crate) fn member(object: &Value, name: &str) -> String {
    text(&object[name])
}

/// A value as text on one line.
pub(crate) fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(all) if all.iter().all(|one| !one.is_object()) => {
            all.iter().map(text).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    clean(&text).replace(['\n', '\t'], " ")
}

/// A time without its fraction: `2026-11-22T10:00:00Z`.
pub(crate) fn time(value: &Value) -> String {
    let Some(text) = value.as_str() else {
        return String::new();
    };
    match text.split_once('.') {
        Some((whole, _)) if text.ends_with('Z') => format!("{}Z", clean(whole)),
        _ => clean(text),
    }
}

/// An object, a member a line, in the order of `first` and then the others by name.
pub(crate) fn card(object: &Value, first: &[&str], without: &[&str]) -> String {
    let Some(members) = object.as_object() else {
        return text(object);
    };
    let known = first.iter().filter_map(|name| Some((*name, members.get(*name)?)));
    let rest = members.iter().map(|(name, value)| (name.as_str(), value));
    let rest = rest.filter(|(name, _)| !first.contains(name) && !without.contains(name));
    let all: Vec<_> = known.chain(rest).filter(|(_, value)| !is_empty(value)).collect();
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, value): &(&str, &Value)| format!("{name:width$}  {}", text(value));
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_card_has_what_matters_first_and_nothing_empty() {
        let object = json!({"b": 1, "id": "x", "tags": [], "a": ["p", "q"], "url": "u"});
        assert_eq!(card(&object, &["id", "none"], &["url"]), "id  x\na   p,q\nb   1");
    }

    #[test]
    fn text_stays_on_its_line_and_harmless() {
        assert_eq!(text(&json!("a\nb\u{1b}[31mc\u{202e}")), "a b\u{fffd}[31mc\u{fffd}");
        assert_eq!(time(&json!("2026-11-22T10:00:00.25Z")), "2026-11-22T10:00:00Z");
        assert_eq!(time(&Value::Null), "");
    }
}
