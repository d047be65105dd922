//! JSON-LD: what pages say about themselves in the words of schema.org.

mod graph;
mod mend;
mod object;

use serde_json::Value;

pub(crate) use graph::Graph;
pub(crate) use object::Facts;

/// Scripts of one page.
pub(crate) const MAX_SCRIPTS: usize = 64;

/// Longest script; longer ones are catalogues, not descriptions.
const MAX_SCRIPT_BYTES: usize = 1024 * 1024;

/// Objects of one script at its top.
const MAX_OBJECTS: usize = 1_000;

/// The objects at the top of one script, mended if need be. `serde_json` refuses more than 128
/// levels, so neither reading nor dropping a value can overflow the stack.
pub(crate) fn read(script: &str) -> Vec<Value> {
    let script = unwrapped(script);
    if script.is_empty() || script.len() > MAX_SCRIPT_BYTES {
        return Vec::new();
    }
    let value = match serde_json::from_str::<Value>(script) {
        Ok(value) => value,
        Err(_) => {
            let mended = mend::mended(script);
            let mut values = Vec::new();
            // Several objects one after the other are all taken.
            for value in serde_json::Deserializer::from_str(&mended).into_iter().take(MAX_OBJECTS) {
                let Ok(value) = value else { break };
                values.push(value);
            }
            Value::Array(values)
        }
    };
    let mut objects = Vec::new();
    flatten(value, &mut objects);
    objects
}

/// The objects of an array, of arrays in it as well.
fn flatten(value: Value, objects: &mut Vec<Value>) {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(values) => waiting.extend(values.into_iter().take(MAX_OBJECTS).rev()),
            Value::Object(_) if objects.len() < MAX_OBJECTS => objects.push(value),
            _ => {}
        }
    }
}

/// Without the comment or CDATA section that hides the script from old programs, and without a
/// semicolon at the end.
fn unwrapped(script: &str) -> &str {
    const BEFORE: [&str; 6] =
        ["\u{feff}", "<!--", "//<![CDATA[", "<![CDATA[", "/*<![CDATA[*/", "/* <![CDATA[ */"];
    const BEHIND: [&str; 7] = ["-->", "//]]>", "]]>", "/*]]>*/", "/* ]]> */", "//", ";"];
    let mut script = script.trim();
    loop {
        let before = script.len();
        for mark in BEFORE {
            script = script.strip_prefix(mark).unwrap_or(script).trim_start();
        }
        for mark in BEHIND {
            script = script.strip_suffix(mark).unwrap_or(script).trim_end();
        }
        if script.len() == before {
            return script;
        }
    }
}

#[cfg(test)]
mod tests;
