//! Documents: what is kept that is neither job nor note.

use bytes::Bytes;
use jobs::{Bounds, ErrorKind};

use crate::backend::Backend;
use crate::rig::{MANY, Rig, at};

pub(super) const SPACE: &str = "settings";

pub(super) async fn put<B: Backend>(rig: &Rig<B>, key: &str, value: impl Into<Bytes>) {
    rig.put_document(SPACE, key.to_owned(), Some(value.into())).await.expect("put");
}

pub(super) async fn remove<B: Backend>(rig: &Rig<B>, key: &str) {
    rig.put_document(SPACE, key.to_owned(), None).await.expect("removed");
}

/// All of the space, as text.
pub(super) async fn found<B: Backend>(rig: &Rig<B>) -> Vec<(String, String)> {
    let found = rig.documents(SPACE).await.expect("read");
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).expect("text");
    found.into_iter().map(|(key, value)| (key, text(value))).collect()
}

/// The same, as it is expected.
pub(super) fn pairs<const N: usize>(expected: [(&str, &str); N]) -> Vec<(String, String)> {
    expected.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

pub(super) async fn documents_are_told_by_key<B: Backend>() {
    let rig = Rig::<B>::new();
    assert!(found(&rig).await.is_empty());
    for (key, value) in [("b", "two"), ("c", ""), ("a", "one"), ("B", "zero")] {
        put(&rig, key, value).await;
    }
    let expected = [("B", "zero"), ("a", "one"), ("b", "two"), ("c", "")];
    assert_eq!(found(&rig).await, pairs(expected), "an empty one is one");
    assert!(rig.documents("others").await.expect("read").is_empty(), "spaces are apart");
}

pub(super) async fn one_document_is_told_by_its_key<B: Backend>() {
    let rig = Rig::<B>::new();
    for (key, value) in [("a", "one"), ("b", ""), ("B", "zero")] {
        put(&rig, key, value).await;
    }
    let one = async |space, key: &str| {
        rig.document(space, key.to_owned()).await.expect("read").map(|found| found.to_vec())
    };
    assert_eq!(one(SPACE, "a").await.as_deref(), Some(&b"one"[..]));
    assert_eq!(one(SPACE, "b").await.as_deref(), Some(&b""[..]), "an empty one is one");
    assert_eq!(one(SPACE, "A").await, None);
    assert_eq!(one("others", "a").await, None, "spaces are apart");
    put(&rig, "a", "two").await;
    assert_eq!(one(SPACE, "a").await.as_deref(), Some(&b"two"[..]));
    remove(&rig, "a").await;
    assert_eq!(one(SPACE, "a").await, None);
}

pub(super) async fn the_later_of_two_documents_stands<B: Backend>() {
    let rig = Rig::<B>::new();
    put(&rig, "a", "first").await;
    put(&rig, "b", "other").await;
    put(&rig, "a", "second").await;
    assert_eq!(found(&rig).await, pairs([("a", "second"), ("b", "other")]));
}

pub(super) async fn a_document_can_be_removed<B: Backend>() {
    let rig = Rig::<B>::new();
    put(&rig, "a", "one").await;
    put(&rig, "b", "two").await;
    remove(&rig, "a").await;
    assert_eq!(found(&rig).await, pairs([("b", "two")]));
    remove(&rig, "a").await;
    rig.put_document("others", "b".to_owned(), None).await.expect("answered");
    assert_eq!(found(&rig).await, pairs([("b", "two")]));
}

pub(super) async fn a_document_that_is_too_long_is_invalid<B: Backend>() {
    let rig = Rig::<B>::new();
    let longest = "x".repeat(Bounds::DOCUMENT_BYTES);
    put(&rig, "a", longest.clone()).await;
    let longer = Bytes::from(longest.clone() + "x");
    let error = rig.put_document(SPACE, "a".to_owned(), Some(longer)).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.to_string(), "document `a` of `settings` has 65537 bytes, more than 65536");
    assert_eq!(found(&rig).await, pairs([("a", &longest)]), "it stays as it was");
}

pub(super) async fn documents_are_never_swept<B: Backend>() {
    let rig = Rig::<B>::new();
    put(&rig, "a", "one").await;
    rig.sweep(at(1_000_000_000), MANY).await.expect("swept");
    assert_eq!(found(&rig).await, pairs([("a", "one")]));
}

pub(super) async fn a_closed_store_takes_no_documents<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.close().await.expect("closed");
    let put = rig.put_document(SPACE, "a".to_owned(), Some(Bytes::new())).await;
    assert_eq!(put.expect_err("it is closed").kind(), ErrorKind::Closed);
    let read = rig.documents(SPACE).await;
    assert_eq!(read.expect_err("it is closed").kind(), ErrorKind::Closed);
    let read = rig.document(SPACE, "a".to_owned()).await;
    assert_eq!(read.expect_err("it is closed").kind(), ErrorKind::Closed);
}
