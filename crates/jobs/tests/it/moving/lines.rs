//! What is wrong with an export is told with the number of its line.

use jobs::ErrorKind;
use jobs::moving::{Blob, Document, Failed, Item, Kind, export};

use super::place::{InSqlite, Place};
use super::{count, imported, lived, refused, text};

#[tokio::test]
async fn a_damaged_line_is_told_by_its_number() {
    let lines = lived::<InSqlite>().await;
    imported(&lines, &mut *InSqlite::new().await.target().await.expect("made")).await.expect("ok");
    let starts: Vec<_> = std::iter::once(0)
        .chain((0..lines.len()).filter(|i| lines[*i] == b'\n').map(|i| i + 1))
        .collect();
    let last = count(&lines);
    // Nothing is written of so few lines before the last is read.
    let place = InSqlite::new().await;
    let mut target = place.target().await.expect("it is made");
    for number in 2..=last {
        let at = number as usize - 1;
        let (start, end) = (starts[at], starts[at + 1]);
        for place in [start, (start + end) / 2, end - 4] {
            let mut damaged = lines.clone();
            damaged[place] ^= 1;
            let why = refused(&damaged, &mut *target).await;
            assert!(why.contains(&format!("line {number} is damaged")), "{place}: {why}");
        }
        let lost = [&lines[..start], &lines[end..]].concat();
        let why = refused(&lost, &mut *target).await;
        match number == last {
            true => assert!(why.contains("cut off: it ends after line"), "{why}"),
            false => assert!(why.contains(&format!("line {number} is damaged")), "{why}"),
        }
    }
    let twice = [&lines[..starts[3]], &lines[starts[2]..]].concat();
    let why = refused(&twice, &mut *target).await;
    assert!(why.contains("line 4 is damaged"), "{why}");
}

#[tokio::test]
async fn lines_that_are_no_whole_export_are_refused_by_name() {
    let lines = lived::<InSqlite>().await;
    let newer = text(&lines).replacen("\"format\":1", "\"format\":7", 1);
    let longer = [&lines[..], b"{}\n"].concat();
    let refusals: [(&[u8], &str); 7] = [
        (b"", "the export is empty"),
        (b"{\"url\":\"https://example.com\"}\n", "line 1 is not the first line of an export"),
        (b"PGDMP", "the export was cut off in line 1"),
        (newer.as_bytes(), "the export is of format 7"),
        (&lines[..lines.len() - 30], "the export was cut off in line"),
        (&lines[..lines.len() - 1], "the export was cut off in line"),
        (&longer, "comes after the last line"),
    ];
    let place = InSqlite::new().await;
    let mut target = place.target().await.expect("it is made");
    for (input, expected) in refusals {
        let why = refused(input, &mut *target).await;
        assert!(why.contains(expected), "{why}");
    }
}

#[tokio::test]
async fn what_a_store_cannot_hold_is_told_by_the_number_of_its_line() {
    /// A store that holds one document twice.
    struct Twice(u8);
    impl jobs::moving::Source for Twice {
        fn read(
            &mut self,
            kind: Kind,
        ) -> futures_util::future::BoxFuture<'_, jobs::Result<Vec<Item>>> {
            let document = Document {
                space: "space".to_owned(),
                key: "key".to_owned(),
                value: Blob::of(b"value"),
            };
            self.0 += 1;
            let more = kind == Kind::Document && self.0 <= 2;
            let items = if more { vec![Item::Document(document)] } else { vec![] };
            Box::pin(std::future::ready(Ok(items)))
        }
    }
    let mut lines = Vec::new();
    export(&mut Twice(0), vec![], &mut lines, &mut |_| ()).await.expect("exported");
    let place = InSqlite::new().await;
    let mut target = place.target().await.expect("it is made");
    match imported(&lines, &mut *target).await {
        Err(Failed::Lines(error)) => {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().starts_with("line 3 does not fit"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn documents_that_are_kept_elsewhere_go_where_they_belong() {
    let place = InSqlite::new().await;
    super::live(&place).await;
    let also = [("sinks", "aa"), ("zz", "z"), ("A", "z")].map(|(space, key)| Document {
        space: space.to_owned(),
        key: key.to_owned(),
        value: Blob::of(b"also"),
    });
    let mut lines = Vec::new();
    let mut source = place.source().await.expect("nobody uses it");
    let moved = export(&mut *source, also.to_vec(), &mut lines, &mut |_| ()).await;
    assert_eq!(moved.expect("exported").documents, 7);
    let spaces: Vec<_> = text(&lines)
        .lines()
        .filter_map(|line| line.strip_prefix("{\"document\":{\"space\":\""))
        .map(|rest| rest.replace("\",\"key\":\"", " ").split('"').next().unwrap().to_owned())
        .collect();
    let expected = ["A z", "Keys ü", "sinks a", "sinks a.z", "sinks aa", "sinks b", "zz z"];
    assert_eq!(spaces, expected);
}
