//! The operator's sinks, from a file.

use serde_json::{Map, Value};

use crate::definition::{Definition, Draft, NAME_RULE, Signature, is_name};
use crate::parse;
use crate::problem::{Fault, Kind};
use crate::{Disabled, SinkSpec};

/// Reads the operator's sinks: a table `[sinks.NAME]` in TOML for each, with the fields that
/// `POST /v1/sinks` takes. A secret may be kept out of the file: `secret_env = "NAME"` takes it
/// from where `env` finds that name. Sorted by name.
///
/// Whether a URL can be sent to is for the caller to say: every scheme passes.
///
/// # Errors
/// Everything that is wrong, in one line for people, each with its place, such as
/// `sinks.search.rate`. No secret is in it.
pub fn sinks_from_toml(
    text: &str,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(String, SinkSpec)>, String> {
    let file: toml::Table = text.parse().map_err(|error: toml::de::Error| said(text, &error))?;
    let mut wrong = Vec::new();
    let mut sinks = Vec::new();
    for (key, value) in file {
        match value {
            toml::Value::Table(tables) if key == "sinks" => {
                for (name, table) in tables {
                    sink(&name, table, &env, &mut sinks, &mut wrong);
                }
            }
            _ if key == "sinks" => wrong.push("sinks: write a table `[sinks.NAME]`".to_owned()),
            _ => wrong.push(format!("{key}: unknown; sinks are tables `[sinks.NAME]`")),
        }
    }
    if wrong.is_empty() { Ok(sinks) } else { Err(wrong.join("; ")) }
}

/// Where a file is no TOML, and why, without the line itself: it may hold a secret.
fn said(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    format!("line {line}: not TOML: {}", error.message())
}

fn sink(
    name: &str,
    table: toml::Value,
    env: &dyn Fn(&str) -> Option<String>,
    sinks: &mut Vec<(String, SinkSpec)>,
    wrong: &mut Vec<String>,
) {
    let place = format!("sinks.{name}");
    if !is_name(name) {
        wrong.push(format!("{place}: the name {NAME_RULE}"));
        return;
    }
    let toml::Value::Table(table) = table else {
        wrong.push(format!("{place}: write a table `[{place}]`"));
        return;
    };
    let mut table: Map<_, _> = table.into_iter().map(|(key, value)| (key, json(value))).collect();
    let mut faults = Vec::new();
    secret_from_env(&mut table, env, &mut faults);
    if let Some(spec) = read(&Value::Object(table), &mut faults).filter(|_| faults.is_empty()) {
        sinks.push((name.to_owned(), spec));
    }
    wrong.extend(faults.iter().map(|fault| fault.in_file(&place)));
}

/// Puts what a variable holds in the place of its name.
fn secret_from_env(
    table: &mut Map<String, Value>,
    env: &dyn Fn(&str) -> Option<String>,
    faults: &mut Vec<Fault>,
) {
    let Some(name) = table.remove("secret_env") else {
        return;
    };
    let detail = match name.as_str() {
        None => "must be the name of an environment variable".to_owned(),
        Some(_) if table.contains_key("secret") => {
            "give `secret` or `secret_env`, not both".to_owned()
        }
        Some(name) => match env(name) {
            Some(secret) => {
                table.insert("secret".to_owned(), Value::String(secret.trim().to_owned()));
                return;
            }
            None => format!("the environment variable {name} is not set"),
        },
    };
    faults.push(Fault::at("/secret_env", detail));
}

fn read(table: &Value, faults: &mut Vec<Fault>) -> Option<SinkSpec> {
    let text = serde_json::to_vec(table).expect("every key is a string");
    let given = parse::object::<Definition<'_>>(&text, Kind::InvalidSink);
    let given = given.map_err(|problem| faults.extend(problem.into_faults())).ok()?;
    if given.name.is_some() {
        faults.push(Fault::at("/name", "is said by the table: leave it out"));
    }
    let Draft { mut spec, signature, enabled } = given.check(faults)?;
    if spec.secrets.is_empty() && signature == Some(Signature::V1a) {
        let detail = "wants a secret `whsk_…`: give `secret` or `secret_env`";
        faults.push(Fault::at("/signature", detail));
    }
    if !enabled {
        spec.disabled = Some(Disabled { since_ms: 0, reason: "by the operator's file".to_owned() });
    }
    Some(spec)
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        // What JSON has no word for is no number where one is wanted either.
        toml::Value::Float(number) if !number.is_finite() => Value::String(number.to_string()),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            table.into_iter().map(|(key, value)| (key, json(value))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchSpec, EventFormat};

    const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";

    fn env(name: &str) -> Option<String> {
        (name == "SEARCH_SECRET").then(|| format!("{SECRET}\n"))
    }

    fn wrong(text: &str) -> String {
        sinks_from_toml(text, env).unwrap_err()
    }

    #[test]
    fn every_field_can_be_written() {
        let text = r#"
            [sinks.search]
            url = "https://search.example/in"
            headers = { Authorization = "Bearer x" }
            secret_env = "SEARCH_SECRET"
            events = ["job.succeeded", "job.failed"]
            rate = "30/m"
            concurrency = 8
            timeout = "5s"
            schedule = ["0s", "1m", "1h"]
            inline_limit = "64KiB"
            format = "cloudevents"
            gzip = true
            batch = { max_events = 100, max_wait = "1s500ms" }

            [sinks.archive]
            url = "file:///var/lib/pages?rotate=1h"
            ordered = true
            enabled = false
        "#;
        let sinks = sinks_from_toml(text, env).unwrap();
        let names: Vec<_> = sinks.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["archive", "search"]);
        let search = &sinks[1].1;
        assert_eq!(search.url.as_str(), "https://search.example/in");
        assert_eq!(search.headers, [("authorization".to_owned(), "Bearer x".to_owned())]);
        assert_eq!(search.secrets[0].text, SECRET);
        assert_eq!(search.events, ["job.succeeded", "job.failed"]);
        assert_eq!((search.interval_us, search.concurrency), (Some(2_000_000), Some(8)));
        assert_eq!((search.timeout_ms, search.inline_limit), (Some(5000), Some(65_536)));
        assert_eq!(search.waits_ms, [0, 60_000, 3_600_000]);
        assert_eq!((search.format, search.gzip), (EventFormat::CloudEvents, true));
        assert_eq!(search.batch, Some(BatchSpec { max_events: 100, max_wait_ms: 1500 }));
        let archive = &sinks[0].1;
        assert!(archive.ordered && archive.disabled.is_some() && archive.secrets.is_empty());
        assert_eq!((archive.created_ms, search.disabled.is_none()), (0, true));
    }

    #[test]
    fn an_empty_file_defines_nothing() {
        for text in ["", "# later\n", "[sinks]\n"] {
            assert_eq!(sinks_from_toml(text, env), Ok(Vec::new()), "{text}");
        }
    }

    #[test]
    fn faults_are_told_by_their_places_and_all_at_once() {
        let text = r#"
            [sinks.search]
            url = "https://search.example"
            timeout = "1h"
            batch = { max_events = 1, max_wait = "1s" }
            [sinks.archive]
            rate = 5
            [sinks."No Name"]
            url = "stdout:"
        "#;
        let told = wrong(text);
        for part in [
            "sinks.search.timeout: over this server's limit of 5m",
            "sinks.search.batch.max_events: must be at least 2",
            "sinks.archive.rate: invalid type: integer `5`, expected a rate such as \"10/s\"",
            "sinks.No Name: the name must be 1 to 64",
        ] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn what_the_file_may_not_say_is_refused_with_the_remedy() {
        let sink = |fields: &str| format!("[sinks.a]\nurl = \"https://a.example\"\n{fields}");
        for (text, told) in [
            ("[sink.a]\n".to_owned(), "sink: unknown; sinks are tables `[sinks.NAME]`"),
            ("sinks = 3\n".to_owned(), "sinks: write a table `[sinks.NAME]`"),
            ("[sinks]\na = 3\n".to_owned(), "sinks.a: write a table `[sinks.a]`"),
            ("[sinks.a]\n".to_owned(), "sinks.a.url: is required"),
            (sink("name = \"b\""), "sinks.a.name: is said by the table: leave it out"),
            (sink("ratee = 1"), "sinks.a.ratee: unknown field `ratee`, expected one of"),
            (sink("concurrency = nan"), "sinks.a.concurrency: invalid type: string \"NaN\""),
            (sink("signature = \"v1a\""), "sinks.a.signature: wants a secret `whsk_…`"),
            (sink("secret_env = 5"), "sinks.a.secret_env: must be the name"),
            (sink("secret_env = \"NOPE\""), "the environment variable NOPE is not set"),
            (sink("secret_env = \"A\"\nsecret = \"whsec_x\""), "not both"),
            (sink("headers = { webhook-id = \"1\" }"), "sinks.a.headers.webhook-id: names that"),
        ] {
            assert!(wrong(&text).contains(told), "{}", wrong(&text));
        }
    }

    #[test]
    fn a_secret_is_not_told_whatever_is_wrong_with_it() {
        for line in [
            "secret = \"hush\"",
            "secret = \"whsec_hush!\"",
            "secret = hush",
            "secret = \"whsec_hush",
            "signature = \"v1a\"\nsecret = \"whsec_hush\"",
        ] {
            let told = wrong(&format!("[sinks.a]\nurl = \"https://a.example\"\n{line}"));
            assert!(!told.contains("hush"), "{told}");
        }
    }
}
