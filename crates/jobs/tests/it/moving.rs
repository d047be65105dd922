//! Everything of a store goes to another and is there as it was.

mod life;
mod lines;
mod place;

use jobs::moving::{Failed, Moved, Source, Target, export, import};
use jobs::{Stage, Submitted};

use self::life::{live, looks_as_it_did};
use self::place::{InSqlite, Place};
use crate::backend::{DELIVER, FETCH};
use crate::rig::{Differently, at, job};

/// Everything that is in a store, as lines.
async fn exported(source: &mut dyn Source) -> Vec<u8> {
    let mut out = Vec::new();
    export(source, vec![], &mut out, &mut |_| ()).await.expect("it is exported");
    out
}

/// Fills a store with lines.
async fn imported(lines: &[u8], target: &mut dyn Target) -> Result<Moved, Failed> {
    let stages = [FETCH.clone(), DELIVER.clone()];
    import(&mut &*lines, target, &stages, &mut |_| ()).await
}

/// What is wrong with lines, or with a store.
async fn refused(lines: &[u8], target: &mut dyn Target) -> String {
    imported(lines, target).await.expect_err("it is refused").to_string()
}

/// A store that has seen something of life, as lines.
async fn lived<A: Place>() -> Vec<u8> {
    let place = A::new().await;
    live(&place).await;
    exported(&mut *place.source().await.expect("nobody uses it")).await
}

/// A store with `count` waiting jobs, as lines.
async fn crowded<A: Place>(count: u64) -> Vec<u8> {
    let place = A::new().await;
    let store = place.open().await.expect("it opens");
    let answers = store.submit((0..count).map(job).collect(), at(0)).await.expect("answered");
    assert!(answers.iter().all(|a| *a == Submitted::Created));
    store.close().await.expect("it closes");
    drop(store);
    exported(&mut *place.source().await.expect("nobody uses it")).await
}

async fn a_store_moves_and_comes_back_byte_for_byte<A: Place, B: Place>() {
    let (from, to, back) = (A::new().await, B::new().await, A::new().await);
    live(&from).await;
    let lines = exported(&mut *from.source().await.expect("nobody uses it")).await;
    let told = imported(&lines, &mut *to.target().await.expect("it is made")).await;
    let told = told.expect("it is imported");
    assert_eq!((told.lines, told.bytes), (count(&lines), lines.len() as u64));
    let there = exported(&mut *to.source().await.expect("nobody uses it")).await;
    assert_eq!(text(&there), text(&lines));
    imported(&there, &mut *back.target().await.expect("it is made")).await.expect("imported");
    looks_as_it_did(&to).await;
    looks_as_it_did(&back).await;
}

fn text(lines: &[u8]) -> &str {
    std::str::from_utf8(lines).expect("lines are text")
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

async fn an_empty_store_moves_too<A: Place, B: Place>() {
    let lines = crowded::<A>(0).await;
    assert_eq!(count(&lines), 2);
    let to = B::new().await;
    imported(&lines, &mut *to.target().await.expect("it is made")).await.expect("imported");
    let store = to.open().await.expect("it opens");
    assert_eq!(store.counts().live(), 0);
    store.close().await.expect("it closes");
}

/// More lines than are written in one go.
const CROWD: u64 = 1_300;

async fn an_import_that_was_cut_short_goes_on_where_it_was<A: Place, B: Place>() {
    let lines = crowded::<A>(CROWD).await;
    let ends: Vec<_> = (0..lines.len()).filter(|at| lines[*at] == b'\n').collect();
    let to = B::new().await;
    for cut in [ends[600] + 20, ends[1_100], lines.len() - 1] {
        let mut target = to.target().await.expect("it is there");
        let why = refused(&lines[..cut], &mut *target).await;
        assert!(why.contains("cut off"), "{why}");
        drop(target);
        let why = to.open().await.err().expect("half a store does not open").to_string();
        assert!(why.contains("not finished"), "{why}");
        let why = to.source().await.err().expect("half a store is not exported").to_string();
        assert!(why.contains("not finished"), "{why}");
    }
    let mut target = to.target().await.expect("it is there");
    let told = imported(&lines, &mut *target).await.expect("it is imported");
    let written = told.resumed;
    assert!((1_000..CROWD).contains(&written), "{written} lines were there already");
    assert_eq!((told.jobs, told.waiting, told.already), (CROWD, CROWD, false));
    drop(target);
    assert_eq!(exported(&mut *to.source().await.expect("it is whole")).await, lines);
}

async fn an_import_that_is_repeated_changes_nothing<A: Place, B: Place>() {
    let lines = crowded::<A>(3).await;
    let to = B::new().await;
    imported(&lines, &mut *to.target().await.expect("it is made")).await.expect("imported");
    let store = to.open().await.expect("it opens");
    store.submit(vec![job(9)], at(0)).await.expect("accepted");
    store.close().await.expect("it closes");
    drop(store);
    let before = exported(&mut *to.source().await.expect("nobody uses it")).await;
    let told = imported(&lines, &mut *to.target().await.expect("it is there")).await;
    assert!(told.expect("there is nothing to do").already);
    assert_eq!(exported(&mut *to.source().await.expect("nobody uses it")).await, before);
}

async fn what_is_there_is_not_written_over<A: Place, B: Place>() {
    let lines = crowded::<A>(3).await;
    let to = B::new().await;
    live(&to).await;
    let before = exported(&mut *to.source().await.expect("nobody uses it")).await;
    let why = refused(&lines, &mut *to.target().await.expect("it is there")).await;
    assert!(why.contains("not empty"), "{why}");
    assert_eq!(exported(&mut *to.source().await.expect("nobody uses it")).await, before);

    let (other, to) = (crowded::<A>(CROWD).await, B::new().await);
    let half = &other[..other.len() / 2];
    refused(half, &mut *to.target().await.expect("it is made")).await;
    let why = refused(&lines, &mut *to.target().await.expect("it is there")).await;
    assert!(why.contains("another export"), "{why}");
    let more = crowded::<A>(CROWD + 1).await;
    let changed = text(&more).replace("spec 1\"", "spec x\"");
    let why = refused(changed.as_bytes(), &mut *to.target().await.expect("it is there")).await;
    assert!(why.contains("line 3 is damaged"), "{why}");
    imported(&other, &mut *to.target().await.expect("it is there")).await.expect("imported");
    let why = refused(&more, &mut *to.target().await.expect("it is there")).await;
    assert!(why.contains("not empty"), "{why}");
}

async fn a_store_in_use_is_neither_read_nor_filled<A: Place>() {
    let place = A::new().await;
    let store = place.open().await.expect("it opens");
    for why in [place.source().await.err(), place.target().await.err()] {
        let why = why.expect("it is in use");
        assert_eq!(why.kind(), jobs::ErrorKind::InUse, "{why}");
    }
    store.close().await.expect("it closes");
    drop(store);
    let source = place.source().await.expect("nobody uses it");
    assert!(place.open().await.is_err(), "it does not open while it is read");
    assert!(place.target().await.is_err());
    drop(source);
    let store = place.open().await.expect("it opens again");
    store.close().await.expect("it closes");
}

async fn jobs_of_a_stage_that_is_not_known_are_refused_unless_they_are_over<A: Place, B: Place>() {
    let lines = lived::<A>().await;
    let to = B::new().await;
    let stages: [Stage; 1] = [FETCH.clone()];
    let mut target = to.target().await.expect("it is made");
    let told = import(&mut &lines[..], &mut *target, &stages, &mut |_| ()).await;
    let why = told.expect_err("nobody would work on it").to_string();
    let at = text(&lines).lines().position(|line| {
        line.contains("\"state\":\"waiting\"") && line.contains("\"stage\":\"deliver\"")
    });
    let number = at.expect("one waits to be delivered") + 1;
    assert!(why.contains(&format!("line {number}: ")) && why.contains("`deliver`"), "{why}");
}

async fn what_does_not_fit_in_memory_comes_a_part_at_a_time<A: Place>() {
    let place = A::new().await;
    let store = place.open().await.expect("it opens");
    let large = (0..5).map(|n| job(n).spec_of(3 << 20)).collect();
    store.submit(large, at(0)).await.expect("accepted");
    store.close().await.expect("it closes");
    drop(store);
    let mut source = place.source().await.expect("nobody uses it");
    let mut parts = Vec::new();
    loop {
        let items = source.read(jobs::moving::Kind::Job).await.expect("read");
        if items.is_empty() {
            break;
        }
        parts.push(items.len());
    }
    assert_eq!(parts, [2, 2, 1]);
}

/// Each of these, from one place to another.
macro_rules! moves {
    ($($module:ident: $from:ty => $to:ty;)*) => {$(
        mod $module {
            use super::*;

            moves!(@ $from, $to:
                a_store_moves_and_comes_back_byte_for_byte
                an_empty_store_moves_too
                an_import_that_was_cut_short_goes_on_where_it_was
                an_import_that_is_repeated_changes_nothing
                what_is_there_is_not_written_over
                jobs_of_a_stage_that_is_not_known_are_refused_unless_they_are_over
            );
        }
    )*};
    (@ $from:ty, $to:ty: $($name:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
        async fn $name() {
            super::$name::<$from, $to>().await;
        }
    )*};
}

/// Each of these, in one place.
macro_rules! stays {
    ($($module:ident: $place:ty;)*) => {$(
        mod $module {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn a_store_in_use_is_neither_read_nor_filled() {
                super::a_store_in_use_is_neither_read_nor_filled::<$place>().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn what_does_not_fit_in_memory_comes_a_part_at_a_time() {
                super::what_does_not_fit_in_memory_comes_a_part_at_a_time::<$place>().await;
            }
        }
    )*};
}

moves! {
    sqlite_to_sqlite: InSqlite => InSqlite;
}

stays! {
    sqlite: InSqlite;
}
