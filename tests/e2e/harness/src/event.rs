use serde::{Deserialize, Serialize};

use crate::page::{self, Content};
use crate::unix_micros;

/// What a sink knows of one `webhook-id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The `webhook-id`.
    pub id: String,
    /// `type` of the first event received under this id.
    pub kind: String,
    /// `data.url`.
    pub url: String,
    /// `data.error.code` of a failed job.
    pub error: Option<String>,
    /// `data.error.detail` of a failed job.
    pub detail: Option<String>,
    /// `data.metadata`, as compact JSON.
    pub metadata: Option<String>,
    /// POSTs received as a whole, whatever they were answered.
    pub attempts: u32,
    /// POSTs that were answered 2xx. More than one: duplicates.
    pub delivered: u32,
    /// POSTs that were taken, and whose answer the sender cannot have understood. Each is a reason
    /// for one more.
    #[serde(default)]
    pub lost: u32,
    /// POSTs whose body was not that of the first one (a crash between delivery and its record
    /// makes the job run again).
    pub rewritten: u32,
    /// What was wrong with the content of any of them.
    pub fault: Option<String>,
    /// Microseconds since 1970 of the first POST that was answered 2xx; 0 before.
    pub delivered_us: u64,
    /// Bytes of the first body.
    pub bytes: u64,
    /// A hash of the first body.
    pub body_hash: u64,
}

#[derive(Deserialize)]
struct Body {
    r#type: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    id: String,
    url: String,
    error: Option<Error>,
    metadata: Option<Box<serde_json::value::RawValue>>,
    raw_base64: Option<String>,
    markdown: Option<String>,
    text: Option<String>,
    html: Option<String>,
}

#[derive(Deserialize)]
struct Error {
    code: String,
    detail: String,
}

impl Event {
    /// Reads one body that was posted under `id`.
    ///
    /// With `content`, a succeeded event must hold the page its URL stands for.
    pub(crate) fn read(id: &str, body: &[u8], content: bool) -> Result<Self, String> {
        let read: Body = serde_json::from_slice(body).map_err(|error| {
            let start = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
            format!("{id}: the body is not an event: {error}: {start}")
        })?;
        if read.data.id != id {
            return Err(format!("{id}: data.id is {}", read.data.id));
        }
        let Data { url, error, metadata, raw_base64, markdown, text, html, .. } = read.data;
        let held = Content { raw_base64, markdown, text, html };
        let fault = match read.r#type.as_str() {
            "job.succeeded" if content => page::fault(&url, &held),
            "job.failed" if error.is_none() => Some(format!("{id}: failed without error")),
            "job.succeeded" | "job.failed" | "job.cancelled" | "job.unchanged" => None,
            other => Some(format!("{id}: unknown type {other}")),
        };
        let (error, detail) = error.map(|error| (error.code, error.detail)).unzip();
        Ok(Self {
            id: id.to_owned(),
            kind: read.r#type,
            url,
            error,
            detail,
            metadata: metadata.map(|json| json.get().to_owned()),
            fault,
            bytes: body.len() as u64,
            body_hash: page::hash(body),
            ..Self::default()
        })
    }

    /// Adds what one more POST under the same id says.
    pub(crate) fn absorb(&mut self, other: Self) {
        if other.body_hash != self.body_hash {
            self.rewritten += 1;
        }
        if self.fault.is_none() {
            self.fault = other.fault;
        }
        if self.kind != other.kind || self.url != other.url {
            let now = format!("{} for {}", other.kind, other.url);
            self.fault = Some(format!("{}: {} for {}, then {now}", self.id, self.kind, self.url));
        }
    }

    pub(crate) fn answered(&mut self, status: u16) {
        if (200..300).contains(&status) {
            self.delivered += 1;
            if self.delivered_us == 0 {
                self.delivered_us = unix_micros();
            }
        }
    }
}
