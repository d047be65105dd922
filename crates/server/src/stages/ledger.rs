//! The ledger of a job: one JSON object for each attempt, of either stage.

use std::time::Duration;

use bytes::Bytes;
use jobs::Timestamp;

use crate::event::rfc3339;
use crate::logs::millis;
use crate::object::Object;

/// Longest detail, in bytes: an entry is to stay small.
const MAX_DETAIL_BYTES: usize = 1024;

/// One attempt, as `GET /v1/jobs/{id}/attempts` shows it.
pub(crate) struct Entry<'a> {
    /// `fetch` or `deliver`.
    pub(crate) stage: &'static str,
    /// 1 for the first in its stage.
    pub(crate) attempt: u32,
    /// When it began.
    pub(crate) at: Timestamp,
    /// How long it took.
    pub(crate) took: Duration,
    /// `ok`, or the class of the error.
    pub(crate) outcome: &'a str,
    /// What was answered, if anything.
    pub(crate) status: Option<u16>,
    /// What went wrong, for people.
    pub(crate) detail: Option<&'a str>,
    /// When it is tried again, if it is.
    pub(crate) next_at: Option<Timestamp>,
}

impl Entry<'_> {
    /// The entry as JSON.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut entry = Object::open(Vec::with_capacity(192));
        entry.field("stage", self.stage);
        entry.field("attempt", &self.attempt);
        entry.field("at", &rfc3339(self.at));
        entry.field("duration_ms", &millis(self.took));
        entry.field("outcome", self.outcome);
        entry.optional("status", self.status.as_ref());
        entry.optional("detail", self.detail.map(shortened).as_ref());
        entry.optional("next_at", self.next_at.map(rfc3339).as_ref());
        Bytes::from(entry.close())
    }
}

fn shortened(detail: &str) -> &str {
    &detail[..detail.floor_char_boundary(MAX_DETAIL_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_what_there_is_to_say_and_stays_small() {
        let detail = "é".repeat(5_000);
        let entry = Entry {
            stage: "fetch",
            attempt: 2,
            at: Timestamp::from_millis(0),
            took: Duration::from_millis(15),
            outcome: "status",
            status: Some(503),
            detail: Some(&detail),
            next_at: Some(Timestamp::from_millis(1_500)),
        };
        let told: serde_json::Value = serde_json::from_slice(&entry.to_bytes()).unwrap();
        assert_eq!(told["at"], "1970-01-01T00:00:00Z");
        assert_eq!((&told["outcome"], &told["status"]), (&"status".into(), &503.into()));
        assert_eq!(told["detail"].as_str().unwrap().len(), MAX_DETAIL_BYTES);
        assert_eq!(told["next_at"], "1970-01-01T00:00:01.5Z");

        let good = Entry { outcome: "ok", status: None, detail: None, next_at: None, ..entry };
        let expected = r#"{"stage":"fetch","attempt":2,"at":"1970-01-01T00:00:00Z","duration_ms":15,"outcome":"ok"}"#;
        assert_eq!(good.to_bytes(), expected.as_bytes());
    }
}
