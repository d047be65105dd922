//! Several deliveries as one: NDJSON.

use std::fmt::Write as _;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use crate::delivery::Delivery;

/// The content type of several events, a line each (<https://github.com/ndjson/ndjson-spec>).
pub const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// Header with the number of events in a batch.
pub const PAGEWIRE_BATCH_SIZE: HeaderName = HeaderName::from_static("pagewire-batch-size");

/// What the ids of batches start with.
const PREFIX: &str = "batch_";
/// How much of a SHA-256 an id has, in bytes: enough that no two batches ever share one.
const ID_BYTES: usize = 16;

/// One delivery with the events of `deliveries` as its lines, in this order; everything else is
/// the first one's. `None` when there are none.
pub(crate) fn together(deliveries: Vec<Delivery>) -> Option<Delivery> {
    let id = id_of(&deliveries);
    let body = lines(&deliveries);
    let count = deliveries.len();
    let mut one = deliveries.into_iter().next()?;
    one.headers.remove(CONTENT_TYPE);
    one.headers.insert(PAGEWIRE_BATCH_SIZE, HeaderValue::from(count));
    Some(Delivery { id, body, content_type: NDJSON, batch: None, ..one })
}

/// The same for the same events in the same order: so a batch that is repeated keeps it.
fn id_of(deliveries: &[Delivery]) -> String {
    let mut hash = Sha256::new();
    for delivery in deliveries {
        hash.update(delivery.id.as_bytes());
        // No id has one in it.
        hash.update(b"\n");
    }
    let mut id = String::from(PREFIX);
    for byte in &hash.finalize()[..ID_BYTES] {
        let _ = write!(id, "{byte:02x}");
    }
    id
}

fn lines(deliveries: &[Delivery]) -> Bytes {
    let bytes = deliveries.iter().map(|delivery| delivery.body.len() + 1).sum();
    let mut out = BytesMut::with_capacity(bytes);
    for delivery in deliveries {
        let start = out.len();
        out.put_slice(&delivery.body);
        // In JSON an end of line is white space between two tokens, never part of one.
        for byte in &mut out[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        out.put_u8(b'\n');
    }
    out.freeze()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::JSON;

    fn delivery(id: &str, body: &'static str) -> Delivery {
        Delivery {
            id: id.into(),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, JSON)]),
            body: Bytes::from_static(body.as_bytes()),
            ..Delivery::sample()
        }
    }

    #[test]
    fn each_event_is_a_line_whatever_white_space_it_has() {
        let all = vec![delivery("a", "{\"a\":1}"), delivery("b", "{\r\n\"b\": 2\n}\n")];
        let one = together(all).unwrap();
        assert_eq!(one.body, "{\"a\":1}\n{  \"b\": 2 } \n");
        assert_eq!(one.content_type, NDJSON);
        assert!(!one.headers.contains_key(CONTENT_TYPE));
        assert_eq!(one.headers[PAGEWIRE_BATCH_SIZE], "2");
        assert!(together(Vec::new()).is_none());
    }

    #[test]
    fn the_id_tells_the_events_and_their_order() {
        let id =
            |ids: &[&str]| together(ids.iter().map(|id| delivery(id, "{}")).collect()).unwrap().id;
        assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
        for other in [&["b", "a"][..], &["ab"], &["a"], &["a", "b", "c"]] {
            assert_ne!(id(&["a", "b"]), id(other));
        }
        assert!(id(&["a"]).starts_with("batch_") && id(&["a"]).len() == 6 + 32, "{}", id(&["a"]));
    }
}
