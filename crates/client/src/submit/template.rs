use std::collections::BTreeMap;

use clap::Args;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Result};

/// What every job is like. A member that a line has of its own counts for more.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Fields {
    /// Where the events go: the name of a sink, or a URL.
    #[arg(long, value_name = "SINK")]
    pub(crate) sink: Option<String>,
    /// What is made of the page: raw, html, text, markdown, links, metadata, json_ld; repeat it or
    /// use commas.
    #[arg(long = "format", value_name = "FORMAT", value_delimiter = ',')]
    pub(crate) formats: Vec<String>,
    /// A tag to list and redrive by; repeat it for more.
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// A JSON object that comes back with the result.
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,
    /// Which jobs come first: low, normal or high.
    #[arg(long, value_name = "PRIORITY")]
    pub(crate) priority: Option<String>,
    /// Start so much later, such as 1h.
    #[arg(long, value_name = "DURATION")]
    pub(crate) delay: Option<String>,
    /// Any other field of a job, as JSON or text: --set timeout=5s; repeat it for more.
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub(crate) others: Vec<String>,
}

/// Makes jobs of lines.
#[derive(Clone, Debug)]
pub(super) struct Template {
    members: Vec<(String, String)>,
}

impl Fields {
    /// As the members of a job.
    pub(crate) fn members(&self) -> Result<Map<String, Value>> {
        let mut members = Map::new();
        let texts = [("sink", &self.sink), ("priority", &self.priority), ("delay", &self.delay)];
        for (field, value) in texts {
            members.extend(value.as_ref().map(|value| (field.to_owned(), json!(value))));
        }
        for (field, value) in [("formats", &self.formats), ("tags", &self.tags)] {
            if !value.is_empty() {
                members.insert(field.to_owned(), json!(value));
            }
        }
        if let Some(metadata) = &self.metadata {
            let value = serde_json::from_str(metadata).ok().filter(Value::is_object);
            let value = value.ok_or_else(|| {
                Failure::Usage("--metadata: expected a JSON object, such as {\"n\":1}".to_owned())
            })?;
            members.insert("metadata".to_owned(), value);
        }
        for other in &self.others {
            let (field, value) = other.split_once('=').ok_or_else(|| {
                Failure::Usage(format!("--set {other}: expected FIELD=VALUE, such as timeout=5s"))
            })?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            members.insert(field.to_owned(), value);
        }
        Ok(members)
    }
}

impl Template {
    pub(super) fn new(fields: &Fields) -> Result<Self> {
        let members = fields.members()?.into_iter();
        Ok(Self { members: members.map(|(field, value)| (field, value.to_string())).collect() })
    }

    /// The job that a line stands for, as JSON on one line. What the line says stays as it is
    /// written.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub(super) fn job(&self, line: &str) -> std::result::Result<Vec<u8>, String> {
        let line = line.trim();
        match line.strip_prefix('{') {
            None => Ok(self.around(&format!("\"url\":{}}}", json!(line)), |_| false)),
            Some(rest) => {
                // Of the line's own members only the names are looked at: the server judges.
                let own: BTreeMap<String, IgnoredAny> =
                    serde_json::from_str(line).map_err(|error| format!("not JSON: {error}"))?;
                Ok(self.around(rest, |field| own.contains_key(field)))
            }
        }
    }

    /// The members before those in `rest`, which ends the object.
    fn around(&self, rest: &str, has: impl Fn(&str) -> bool) -> Vec<u8> {
        let mut job = String::with_capacity(rest.len() + 64);
        job.push('{');
        for (field, value) in self.members.iter().filter(|(field, _)| !has(field)) {
            job.push_str(&format!("{}:{value},", json!(field)));
        }
        if rest.trim_start().starts_with('}') && job.ends_with(',') {
            job.pop();
        }
        job.push_str(rest);
        job.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(fields: &Fields, line: &str) -> String {
        String::from_utf8(Template::new(fields).unwrap().job(line).unwrap()).unwrap()
    }

    #[test]
    fn a_url_becomes_a_job_and_a_job_stays_as_it_is_written() {
        let none = Fields::default();
        assert_eq!(job(&none, " https://a.example/\"x "), r#"{"url":"https://a.example/\"x"}"#);
        let odd = r#"{ "url" : "x", "metadata":{"n":12345678901234567890123, "f":1.50} }"#;
        assert_eq!(job(&none, odd), odd);
    }

    #[test]
    fn what_is_given_for_all_fills_what_a_line_does_not_say() {
        let fields = Fields {
            tags: vec!["a".to_owned()],
            sink: Some("search".to_owned()),
            others: vec!["max_bytes=5".to_owned(), "timeout=5s".to_owned()],
            ..Fields::default()
        };
        let parsed = |line| serde_json::from_str::<Value>(&job(&fields, line)).unwrap();
        let all = json!({"url": "u", "tags": ["a"], "sink": "search", "max_bytes": 5,
                         "timeout": "5s"});
        assert_eq!(parsed("u"), all);
        assert_eq!(parsed(r#"{"url":"u","tags":[]}"#)["tags"], json!([]));
        assert_eq!(parsed("{ }")["sink"], "search");
        assert!(Template::new(&fields).unwrap().job("{\"url\":").is_err());
    }

    #[test]
    fn fields_that_make_no_sense_are_named() {
        for (fields, word) in [
            (Fields { metadata: Some("[1]".to_owned()), ..Fields::default() }, "--metadata"),
            (Fields { others: vec!["x".to_owned()], ..Fields::default() }, "--set x"),
        ] {
            let error = Template::new(&fields).err().unwrap();
            assert!(matches!(&error, Failure::Usage(text) if text.contains(word)), "{error:?}");
        }
    }
}
