//! What is sent of a stored event: the event itself, or what a sink wants in its place.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use ingest::{EventFormat, Format, JobSpec, Links};
use jobs::{Clock, JobId, Timestamp};
use sha2::{Digest as _, Sha256};

use super::sinks::Sink;
use crate::event::{self, Alone, Link, rfc3339};

/// What is worked out of events above this is not done on the threads that wait for sockets, bytes.
const SMALL_BYTES: usize = 64 * 1024;
/// Where the whole is of a page that travels alone and is too large to.
const CONTENT_REF: HeaderName = HeaderName::from_static("pagewire-content-ref");
/// CloudEvents, HTTP Protocol Binding, section 3.2.
const CLOUD: HeaderValue = HeaderValue::from_static("application/cloudevents+json");

/// Makes bodies.
pub(crate) struct Bodies {
    /// Where whole events can be had.
    pub(crate) links: Links,
    /// For how long.
    pub(crate) link_ttl: Duration,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Who CloudEvents come from: a URI-reference.
    pub(crate) source: String,
}

/// What is sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Body {
    /// The body.
    pub(crate) bytes: Bytes,
    /// Of the body.
    pub(crate) content_type: HeaderValue,
    /// What else is said of it.
    pub(crate) headers: HeaderMap,
}

impl Body {
    fn json(bytes: Bytes) -> Self {
        Self { bytes, content_type: forward::JSON, headers: HeaderMap::new() }
    }
}

impl Bodies {
    /// What this sink is sent, worked out where it holds nobody up.
    pub(crate) async fn made(
        self: &Arc<Self>,
        sink: &Arc<Sink>,
        id: JobId,
        spec: &Arc<JobSpec>,
        event: Bytes,
    ) -> Body {
        let as_it_is = sink.format == EventFormat::Standard && !is_above(sink, &event);
        if as_it_is || event.len() <= SMALL_BYTES {
            return self.make(sink, id, Some(spec), event);
        }
        let (bodies, sink, spec) = (Arc::clone(self), Arc::clone(sink), Arc::clone(spec));
        let whole = event.clone();
        let making =
            tokio::task::spawn_blocking(move || bodies.make(&sink, id, Some(&spec), event));
        making.await.unwrap_or_else(|error| {
            tracing::error!(job.id = %id, %error, "a body could not be made; the event is sent as it is");
            Body::json(whole)
        })
    }

    /// What this sink is sent of the event of a job that asked for this, as far as it is known. What
    /// is no event is sent as it is.
    pub(crate) fn make(
        &self,
        sink: &Sink,
        id: JobId,
        spec: Option<&JobSpec>,
        event: Bytes,
    ) -> Body {
        let body = match sink.format {
            EventFormat::Standard => Some(Body::json(self.cut(sink, id, &event))),
            EventFormat::CloudEvents => {
                let cut = self.cut(sink, id, &event);
                let cloud = event::cloud(&id.to_string(), &self.source, &cut);
                cloud.map(|bytes| Body { content_type: CLOUD, ..Body::json(bytes) })
            }
            EventFormat::Raw => {
                let formats = spec.map_or(&[][..], |spec| &spec.formats);
                self.alone(sink, id, formats, &event)
            }
            EventFormat::Firecrawl => spec
                .and_then(|spec| ingest::firecrawl_body(id, spec, &self.cut(sink, id, &event)))
                .map(Body::json),
            EventFormat::ScraperApi => spec
                .and_then(|spec| {
                    let cut = self.cut(sink, id, &event);
                    ingest::scraper_api_body(id, spec, &self.links.base(), &cut)
                })
                .map(Body::json),
        };
        body.unwrap_or_else(|| Body::json(event))
    }

    fn alone(&self, sink: &Sink, id: JobId, formats: &[Format], event: &[u8]) -> Option<Body> {
        let Alone { body, content_type, headers } = event::alone(event, formats)?;
        if !is_above(sink, &body) {
            return Some(Body { bytes: body, content_type, headers });
        }
        let (url, light) = self.light(id, event)?;
        let mut headers = headers;
        headers.insert(CONTENT_REF, HeaderValue::try_from(url).ok()?);
        Some(Body { headers, ..Body::json(light) })
    }

    /// The event, without what is large when the whole is above the sink's limit.
    fn cut(&self, sink: &Sink, id: JobId, event: &Bytes) -> Bytes {
        let light = is_above(sink, event).then(|| self.light(id, event)).flatten();
        light.map_or_else(|| event.clone(), |(_, light)| light)
    }

    fn light(&self, id: JobId, event: &[u8]) -> Option<(String, Bytes)> {
        // Links are good to the second.
        let end_s = (self.clock.now() + self.link_ttl).as_millis() / 1000;
        let expires = Timestamp::from_millis(end_s * 1000);
        let url = self.links.result(id, expires);
        let sha256 = hexadecimal(&Sha256::digest(event));
        let link = Link { url: &url, sha256: &sha256, expires_at: &rfc3339(expires) };
        let light = event::light(event, &link)?;
        Some((url, light))
    }
}

fn is_above(sink: &Sink, body: &[u8]) -> bool {
    body.len() as u64 > sink.inline_limit
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use ingest::SinkSpec;
    use serde_json::Value;

    use super::*;
    use crate::stages::sinks::tests::sink;

    struct Zero;

    impl Clock for Zero {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }
    }

    fn bodies() -> Bodies {
        Bodies {
            links: Links::new([1; 32], "https://pagewire.example/".parse().unwrap()),
            link_ttl: Duration::from_secs(60),
            clock: Arc::new(Zero),
            source: "pagewire".to_owned(),
        }
    }

    fn event(markdown_bytes: usize) -> Bytes {
        let markdown = "x".repeat(markdown_bytes);
        format!(r#"{{"type":"job.succeeded","timestamp":"T","data":{{"id":"1","url":"https://a.example/","markdown":"{markdown}","metadata":{{
}}}}}}"#).into()
    }

    fn made(change: impl FnOnce(&mut SinkSpec), event: &Bytes) -> Body {
        let sink = sink("crm", "https://crm.example/in", change);
        let spec = JobSpec {
            formats: vec![Format::Markdown],
            ..JobSpec::new("https://a.example/".parse().unwrap())
        };
        bodies().make(&sink, JobId::draw(), Some(&spec), event.clone())
    }

    #[test]
    fn an_event_is_sent_byte_for_byte() {
        let event = event(100_000);
        let body = made(|_| (), &event);
        assert_eq!((&body.bytes, body.content_type), (&event, forward::JSON));
    }

    #[test]
    fn what_is_above_the_limit_is_sent_as_a_link() {
        let event = event(100_000);
        for format in [EventFormat::Standard, EventFormat::CloudEvents, EventFormat::Raw] {
            let body = made(
                |spec| {
                    spec.inline_limit = Some(50_000);
                    spec.format = format;
                },
                &event,
            );
            let told: Value = serde_json::from_slice(&body.bytes).unwrap();
            let reference = &told["data"]["content_ref"];
            assert_eq!(reference["sha256"], hexadecimal(&Sha256::digest(&event)));
            assert_eq!(reference["bytes"], event.len());
            assert_eq!(reference["expires_at"], "1970-01-01T00:01:00Z");
            assert_eq!(reference["omitted"][0], "markdown");
            let url = reference["url"].as_str().unwrap();
            assert!(url.starts_with("https://pagewire.example/"), "{url}");
            let raw = format == EventFormat::Raw;
            assert_eq!(body.headers.get(CONTENT_REF).is_some_and(|own| own == url), raw);
        }
    }

    #[test]
    fn formats_have_their_types() {
        let event = event(10);
        let cloud = made(|spec| spec.format = EventFormat::CloudEvents, &event);
        assert_eq!(cloud.content_type, "application/cloudevents+json");
        assert_eq!(serde_json::from_slice::<Value>(&cloud.bytes).unwrap()["specversion"], "1.0");
        let raw = made(|spec| spec.format = EventFormat::Raw, &event);
        assert_eq!(raw.bytes, "x".repeat(10));
        assert_eq!(raw.headers["pagewire-event"], "job.succeeded");
    }

    #[test]
    fn clients_of_others_are_told_as_they_are_used_to() {
        let made = |format| {
            let body = made(|spec| spec.format = format, &event(10));
            serde_json::from_slice::<Value>(&body.bytes).unwrap()
        };
        let firecrawl = made(EventFormat::Firecrawl);
        assert_eq!(firecrawl["type"], "batch_scrape.page");
        assert_eq!(firecrawl["data"][0]["markdown"], "x".repeat(10));
        let scraper_api = made(EventFormat::ScraperApi);
        assert_eq!(scraper_api["status"], "finished");
        let url = scraper_api["statusUrl"].as_str().unwrap();
        assert!(url.starts_with("https://pagewire.example/jobs/"), "{url}");
    }

    #[tokio::test]
    async fn a_large_event_is_made_elsewhere_and_is_the_same() {
        let event = event(200_000);
        let cloud = |spec: &mut SinkSpec| spec.format = EventFormat::CloudEvents;
        let sink = Arc::new(sink("crm", "https://crm.example/in", cloud));
        let spec = Arc::new(JobSpec::new("https://a.example/".parse().unwrap()));
        let (bodies, id) = (Arc::new(bodies()), JobId::draw());
        let there = bodies.made(&sink, id, &spec, event.clone()).await;
        assert_eq!(there, bodies.make(&sink, id, Some(&spec), event));
    }
}
