//! A stored event as the interfaces of others tell it: read without a copy of what is large.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// An event of a job, or a notice.
#[derive(Deserialize)]
pub(crate) struct Event<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) timestamp: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) data: Data<'a>,
}

/// What it tells; whatever is not there was not asked for, or is not known.
#[derive(Deserialize)]
pub(crate) struct Data<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) url: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) final_url: Option<&'a RawValue>,
    pub(crate) status: Option<u16>,
    #[serde(borrow)]
    pub(crate) headers: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) content_type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) title: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) markdown: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) html: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) text: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) raw_base64: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) links: Option<Vec<Link<'a>>>,
    #[serde(borrow)]
    pub(crate) page: Option<Page<'a>>,
    #[serde(borrow)]
    pub(crate) cache: Option<Earlier<'a>>,
    #[serde(borrow)]
    pub(crate) error: Option<Reason<'a>>,
    #[serde(borrow)]
    pub(crate) content_ref: Option<ContentRef<'a>>,
    pub(crate) attempt: Option<u32>,
    #[serde(borrow)]
    pub(crate) metadata: Option<&'a RawValue>,
    /// Of a batch: jobs that were called off.
    pub(crate) cancelled: Option<u64>,
}

/// A link of the page.
#[derive(Deserialize)]
pub(crate) struct Link<'a> {
    #[serde(borrow)]
    pub(crate) url: Cow<'a, str>,
}

/// What the page says of itself.
#[derive(Default, Deserialize)]
pub(crate) struct Page<'a> {
    #[serde(borrow)]
    pub(crate) description: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) language: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) author: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) published: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) modified: Option<&'a RawValue>,
}

/// The earlier fetch that the page is of.
#[derive(Deserialize)]
pub(crate) struct Earlier<'a> {
    #[serde(borrow)]
    pub(crate) seen: Cow<'a, str>,
}

/// Why there is no page.
#[derive(Deserialize)]
pub(crate) struct Reason<'a> {
    #[serde(borrow)]
    pub(crate) code: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) detail: Cow<'a, str>,
}

/// Where the whole is of an event that was cut down.
#[derive(Deserialize)]
pub(crate) struct ContentRef<'a> {
    #[serde(borrow)]
    pub(crate) url: Cow<'a, str>,
}

impl<'a> Event<'a> {
    /// `None` when it is no event.
    pub(crate) fn read(event: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(event).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_whatever_else_it_tells() {
        let event = br#"{"type":"job.failed","timestamp":"T","data":{"id":"1","title":null,
            "error":{"code":"dns","detail":"a \"b\"","transient":true},"links":[{"url":"u","position":1}],
            "metadata":{"n":1.10},"more":[1]}}"#;
        let event = Event::read(event).unwrap();
        assert_eq!((&*event.kind, &*event.timestamp), ("job.failed", "T"));
        let reason = event.data.error.unwrap();
        assert_eq!((&*reason.code, &*reason.detail), ("dns", "a \"b\""));
        assert_eq!(event.data.metadata.unwrap().get(), r#"{"n":1.10}"#);
        assert!(event.data.title.is_none() && event.data.links.unwrap()[0].url == "u");
        assert!(Event::read(b"[]").is_none());
    }
}
