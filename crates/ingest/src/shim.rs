//! What the interfaces of others that are understood here have in common.

use std::collections::BTreeMap;

use axum::body::Body;
use bytes::Bytes;
use http::header::{self, HeaderMap};
use jobs::{Cancelled, JobId, NewJob, Record, Submitted, Timestamp, Verdict};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::JobSpec;
use crate::auth::Caller;
use crate::body::{self, Received, Typing, busy};
use crate::budget::Reservation;
use crate::parse::{self, push};
use crate::problem::{Fault, Kind, Problem};
use crate::router::{Api, store_problem};
use crate::strict::Strict;

/// A field that is understood only where it asks for nothing: its name, the values that do (JSON;
/// `*` for any), and what to do instead.
pub(crate) type Undone = (&'static str, &'static [&'static str], &'static str);

/// As many unknown fields are named.
const MOST_UNKNOWN: usize = 10;

/// The members of an object, to be taken one by one, with what is wrong with them.
pub(crate) struct Fields<'a> {
    /// Where the object is: a JSON Pointer.
    at: String,
    members: BTreeMap<String, &'a RawValue>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// The members of a body.
    pub(crate) fn of(body: &'a [u8]) -> Result<Self, Problem> {
        parse::object::<Strict>(body, Kind::Invalid)?;
        let members = parse::object(body, Kind::Invalid)?;
        Ok(Self { at: String::new(), members, faults: Vec::new() })
    }

    /// A member; `null` is the same as none.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Option<T> {
        let value = self.members.remove(name)?;
        serde_json::from_str::<Option<T>>(value.get()).unwrap_or_else(|error| {
            let text = error.to_string();
            let position = format!(" at line {} column {}", error.line(), error.column());
            self.refuse(name, text.strip_suffix(&position).unwrap_or(&text));
            None
        })
    }

    /// A member that is an object.
    pub(crate) fn object(&mut self, name: &str) -> Option<Self> {
        let given = self.take(name)?;
        self.within(name, given)
    }

    /// The same of one that was taken.
    pub(crate) fn within(&mut self, name: &str, given: &'a RawValue) -> Option<Self> {
        let at = self.pointer(name);
        match serde_json::from_str(given.get()) {
            Ok(members) => Some(Self { at, members, faults: Vec::new() }),
            Err(_) => {
                self.refuse(name, "must be an object");
                None
            }
        }
    }

    /// Says what is wrong with a member.
    pub(crate) fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.faults.push(Fault::at(self.pointer(name), detail));
    }

    /// Refuses what asks for something that is not done here.
    pub(crate) fn refuse_undone(&mut self, table: &[Undone]) {
        for (name, harmless, instead) in table {
            let Some(value) = self.members.remove(*name) else {
                continue;
            };
            let given: Option<Value> = serde_json::from_str(value.get()).ok();
            let asks_for_nothing = value.get() == "null"
                || harmless.iter().any(|h| *h == "*" || serde_json::from_str(h).ok() == given);
            if !asks_for_nothing {
                self.refuse(name, format!("cannot be done here: {instead}"));
            }
        }
    }

    /// Nobody knows what is left; `known` says what is.
    pub(crate) fn end(mut self, known: &str) -> Vec<Fault> {
        let unknown = std::mem::take(&mut self.members);
        for name in unknown.keys().take(MOST_UNKNOWN) {
            self.refuse(name, format!("unknown; known are {known}"));
        }
        self.faults
    }

    /// As [`Fields::end`], of an object within `outer`.
    pub(crate) fn end_within(self, outer: &mut Self, known: &str) {
        outer.faults.extend(self.end(known));
    }

    fn pointer(&self, name: &str) -> String {
        let mut pointer = self.at.clone();
        push(&mut pointer, name);
        pointer
    }
}

/// Reads a body of JSON.
pub(crate) async fn read(api: &Api, headers: &HeaderMap, body: Body) -> Result<Received, Problem> {
    body::check_type(headers, Typing::Strict)?;
    let config = &api.config;
    body::read(body, config.max_body, config.body_timeout, &api.budget).await
}

/// The address that a client reaches this server by, without a slash at its end: as it called it,
/// or as the operator says when that has the same host.
pub(crate) fn base(api: &Api, headers: &HeaderMap) -> String {
    let ours = api.config.links.as_ref().map(crate::Links::base);
    let called = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let called = called.filter(|host| !host.is_empty() && host.bytes().all(is_host_byte));
    let is_ours = |ours: &String, host: &str| {
        let authority = ours.split_once("://").map(|(_, rest)| rest.split('/').next());
        authority == Some(Some(host))
    };
    match (ours, called) {
        (Some(ours), Some(host)) if is_ours(&ours, host) => ours,
        (_, Some(host)) => format!("http://{host}"),
        (ours, None) => ours.unwrap_or_default(),
    }
}

/// What a host and port are made of.
const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']' | b'_')
}

/// The stored event of a job, charged to `held` together with what is made of it.
pub(crate) async fn event(
    api: &Api,
    record: &Record,
    held: &mut Reservation,
) -> Result<Option<Bytes>, Problem> {
    let Some(size) = record.result_bytes else {
        return Ok(None);
    };
    if !held.grow(size.saturating_mul(2)) {
        return Err(busy());
    }
    api.store.result(record.id).await.map_err(|error| store_problem(&error))
}

/// Calls a job off that no judgement was passed on yet.
pub(crate) async fn call_off(
    caller: &Caller,
    record: &Record,
    spec: &JobSpec,
) -> Result<Cancelled, Problem> {
    if record.state.is_terminal() || record.verdict.is_some() {
        return Ok(Cancelled::Over);
    }
    caller.call_off(record.id, Some(spec)).await
}

/// Puts checked jobs on disk, all of them or, in the caller's eyes, none.
pub(crate) async fn submit(
    caller: &Caller,
    jobs: Vec<NewJob>,
    now: Timestamp,
) -> Result<(), Problem> {
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    let charged = ids.len() as u64;
    caller.charge(charged)?;
    let answers = caller.store.submit(jobs, now).await;
    let answers = answers.inspect_err(|_| caller.give_back(charged));
    let answers = answers.map_err(|error| store_problem(&error))?;
    if answers.iter().all(|answer| *answer == Submitted::Created) {
        return Ok(());
    }
    caller.give_back(charged);
    for (id, _) in ids.into_iter().zip(answers).filter(|(_, a)| *a == Submitted::Created) {
        caller.store.cancel(id, None, now).await.map_err(|error| store_problem(&error))?;
    }
    Err(caller.queue_full())
}

/// Whether a judgement that brought a page was passed.
pub(crate) fn brought_a_page(record: &Record) -> bool {
    matches!(record.verdict, Some(Verdict::Succeeded | Verdict::Unchanged))
}

/// A job's own id, as others write ids.
pub(crate) fn id_text(id: JobId) -> String {
    id.to_string()
}

/// Refuses for these faults, if there are any.
pub(crate) fn none_of(faults: Vec<Fault>) -> Result<(), Problem> {
    if faults.is_empty() { Ok(()) } else { Err(Problem::faulty(Kind::Invalid, faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Undone] = &[
        ("mobile", &["false"], "no browser runs here"),
        ("actions", &["[]"], "no browser runs here"),
        ("origin", &["*"], ""),
    ];

    fn told(body: &str) -> Vec<String> {
        let mut fields = Fields::of(body.as_bytes()).ok().unwrap();
        fields.refuse_undone(TABLE);
        let told = |fault: &Fault| format!("{}: {}", fault.parts().0, fault.parts().1);
        fields.end("a").iter().map(told).collect()
    }

    #[test]
    fn what_asks_for_nothing_passes_and_the_rest_is_named() {
        assert!(told(r#"{"mobile":false,"actions":[ ],"origin":"x"}"#).is_empty());
        assert!(told(r#"{"mobile":null,"actions":null}"#).is_empty());
        let refused = told(r#"{"mobile":true,"actions":[1],"zzz":1}"#);
        assert_eq!(refused[0], "/mobile: cannot be done here: no browser runs here");
        assert_eq!(refused[1], "/actions: cannot be done here: no browser runs here");
        assert_eq!(refused[2], "/zzz: unknown; known are a");
    }

    #[test]
    fn a_member_of_another_type_is_refused_at_its_place() {
        let mut fields = Fields::of(br#"{"webhook":{"a/b":[]},"n":"x"}"#).ok().unwrap();
        let mut inner = fields.object("webhook").unwrap();
        assert_eq!(inner.take::<String>("a/b"), None);
        inner.end_within(&mut fields, "url");
        assert_eq!(fields.take::<u64>("n"), None);
        let faults = fields.end("");
        assert!(faults[0].is_at("/webhook/a~1b") && faults[1].is_at("/n"), "{faults:?}");
        assert!(faults[1].parts().1.starts_with("invalid type: string"), "{faults:?}");
        assert!(Fields::of(br#"{"a":1,"a":2}"#).is_err() && Fields::of(b"[]").is_err());
    }
}
