use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use forward::{WEBHOOK_ID, verify};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::keyring::Keyring;
use crate::failure::Result;
use crate::out::{Out, Tone};
use crate::show::{clean, member};

/// More than this is not unpacked.
const MAX_UNPACKED_BYTES: u64 = 256 << 20;

/// What came in one POST.
pub(super) struct Delivery {
    id: String,
    path: String,
    content_type: String,
    /// As it was signed: unpacked.
    body: Bytes,
    verdict: Verdict,
    status: StatusCode,
}

/// What its signature is worth.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Verified,
    /// It was not looked at.
    Unchecked(&'static str),
    /// Why it does not verify.
    Wrong(String),
}

impl Verdict {
    const fn word(&self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unchecked(_) => "unchecked",
            Self::Wrong(_) => "NOT VERIFIED",
        }
    }

    fn why(&self) -> Option<&str> {
        match self {
            Self::Verified => None,
            Self::Unchecked(why) => Some(why),
            Self::Wrong(why) => Some(why),
        }
    }
}

impl Delivery {
    pub(super) fn read(parts: &Parts, body: Bytes, status: StatusCode, keyring: &Keyring) -> Self {
        let headers = &parts.headers;
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let (body, verdict) = match unpacked(headers, body) {
            Ok(body) => {
                let verdict = verdict(headers, &body, keyring);
                (body, verdict)
            }
            Err(error) => (Bytes::new(), Verdict::Wrong(format!("the body is no gzip: {error}"))),
        };
        Self {
            id: text(WEBHOOK_ID).to_owned(),
            path: parts.uri.path().to_owned(),
            content_type: text(header::CONTENT_TYPE).to_owned(),
            body,
            verdict,
            status,
        }
    }

    /// Prints it: a line each event, for people.
    pub(super) fn print(&self, out: Out, is_verbose: bool) -> Result<()> {
        match out.is_json() {
            true => out.object(&self.object()),
            false => self.lines(out, is_verbose),
        }
    }

    pub(super) fn object(&self) -> Value {
        let events = self.events();
        let body = match events.as_slice() {
            [] => json!(String::from_utf8_lossy(&self.body)),
            [event] => event.clone(),
            events => json!(events),
        };
        let mut object = json!({
            "id": self.id,
            "path": self.path,
            "content_type": self.content_type,
            "verified": match self.verdict {
                Verdict::Verified => json!(true),
                Verdict::Unchecked(_) => Value::Null,
                Verdict::Wrong(_) => json!(false),
            },
            "answered": self.status.as_u16(),
            "bytes": self.body.len(),
            "body": body,
        });
        if let Some(why) = self.verdict.why() {
            object["why"] = json!(why);
        }
        object
    }

    fn lines(&self, out: Out, is_verbose: bool) -> Result<()> {
        let events = self.events();
        let now = jiff::Timestamp::now().strftime("%H:%M:%S");
        let tail = self.tail(out);
        if events.is_empty() {
            let kind = clean(&self.content_type);
            let (id, bytes) = (clean(&self.id), self.body.len());
            out.line(format_args!("{now}  {kind:15}  {id}  {bytes} bytes  {tail}"))?;
        }
        for event in &events {
            let kind = member(event, "type");
            let tone = match kind.as_str() {
                "job.succeeded" => Tone::Good,
                "job.failed" | "sink.disabled" => Tone::Bad,
                _ => Tone::Plain,
            };
            let kind = out.paint(&format!("{kind:15}"), tone);
            out.line(format_args!("{now}  {kind}  {}  {tail}", gist(&event["data"])))?;
        }
        if is_verbose {
            match events.as_slice() {
                [] => out.line(clean(&String::from_utf8_lossy(&self.body)))?,
                events => events.iter().try_for_each(|event| {
                    out.line(clean(&serde_json::to_string_pretty(event).unwrap_or_default()))
                })?,
            }
        }
        Ok(())
    }

    fn tail(&self, out: Out) -> String {
        let status = self.status.as_u16();
        let word = self.verdict.word();
        match &self.verdict {
            Verdict::Verified => format!("{}  {status}", out.paint(word, Tone::Good)),
            Verdict::Unchecked(why) => format!("{} ({why})  {status}", out.paint(word, Tone::Busy)),
            Verdict::Wrong(why) => format!("{} ({why})  {status}", out.paint(word, Tone::Bad)),
        }
    }

    /// The events in it: one, or several in lines; none when it is something else.
    fn events(&self) -> Vec<Value> {
        let is_event = |value: &Value| value.get("type").is_some();
        if let Ok(value) = serde_json::from_slice::<Value>(&self.body) {
            return if is_event(&value) { vec![value] } else { Vec::new() };
        }
        let lines = self.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let events: std::result::Result<Vec<Value>, _> =
            lines.map(serde_json::from_slice).collect();
        events.ok().filter(|all| all.iter().all(is_event)).unwrap_or_default()
    }
}

/// What is said of an event's data on one line.
fn gist(data: &Value) -> String {
    let error = &data["error"];
    let url = match member(data, "final_url") {
        url if url.is_empty() => member(data, "url"),
        url => url,
    };
    let title = match member(data, "title") {
        title if title.is_empty() => title,
        title => format!("\u{201c}{}\u{201d}", title.chars().take(60).collect::<String>()),
    };
    let parts = [member(data, "id"), url, title, member(error, "code"), member(data, "reason")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

fn verdict(headers: &HeaderMap, body: &[u8], keyring: &Keyring) -> Verdict {
    let Some(verifiers) = keyring.verifiers() else {
        return Verdict::Unchecked("as you wish");
    };
    if verifiers.is_empty() {
        return Verdict::Unchecked("no secret: give --secret or --data-dir");
    }
    match verify(&verifiers, headers, body, jiff::Timestamp::now().as_second()) {
        Ok(_) => Verdict::Verified,
        Err(error) => Verdict::Wrong(error.to_string()),
    }
}

/// What was signed: the body before it was compressed.
fn unpacked(headers: &HeaderMap, body: Bytes) -> std::io::Result<Bytes> {
    if headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding != "gzip") {
        return Ok(body);
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(&body[..]).take(MAX_UNPACKED_BYTES).read_to_end(&mut plain)?;
    Ok(plain.into())
}
