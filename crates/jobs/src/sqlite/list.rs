//! Reading jobs: what is on disk, under what is decided and not on disk yet.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;

use crate::document::Place;
use crate::notes::NoteKey;
use crate::sqlite::ram::{Dirty, Ram};
use crate::sqlite::rows;
use crate::sqlite::shared::Shared;
use crate::transition::Row;
use crate::{Filter, JobId, Note, Record, Result, State};

/// Jobs looked at in one read; a list that finds little goes on to the next page.
const PAGE: usize = 256;
/// Live jobs looked at under the lock at once: a millisecond or so.
const SLICE: usize = 4096;

pub(super) async fn get(shared: &Shared, id: JobId) -> Result<Option<Record>> {
    shared.check()?;
    // Memory first: what leaves it in the meantime is on disk by then.
    let news = shared.look(|ram| News::of(ram, id));
    let on_disk = shared.readers.read(move |db| rows::record(db, id)).await?;
    Ok(on_disk.map(|record| news.over(record)))
}

/// What attempts left behind: on disk, and after it what is not there yet.
pub(super) async fn attempts(shared: &Shared, id: JobId) -> Result<Option<Vec<Bytes>>> {
    shared.check()?;
    // Entries that go to disk between the two looks are told apart by their epochs.
    let later = shared.look(|ram| ram.overlay(id)).map(|decision| decision.ledger);
    let on_disk = shared.readers.read(move |db| rows::ledger(db, id)).await?;
    Ok(on_disk.map(|mut ledger| {
        ledger.append(later.unwrap_or_default());
        ledger.into_attempts()
    }))
}

pub(super) async fn note(shared: &Shared, key: NoteKey) -> Result<Option<Note>> {
    shared.check()?;
    match shared.look(|ram| ram.notes.get(&key)) {
        Some(unwritten) => Ok(Some(unwritten)),
        None => shared.readers.read(move |db| rows::note(db, key)).await,
    }
}

pub(super) async fn documents(
    shared: &Shared,
    space: &'static str,
) -> Result<Vec<(String, Bytes)>> {
    shared.check()?;
    shared.readers.read(move |db| rows::documents(db, space)).await
}

pub(super) async fn document(shared: &Shared, place: Place) -> Result<Option<Bytes>> {
    shared.check()?;
    shared.readers.read(move |db| rows::document(db, &place)).await
}

pub(super) async fn list(
    shared: &Shared,
    filter: Filter,
    before: Option<JobId>,
    limit: usize,
) -> Result<Vec<Record>> {
    shared.check()?;
    let live_only = !filter.states.is_empty() && !filter.states.iter().any(|s| s.is_terminal());
    let range = filter.ids(before);
    if live_only {
        live(shared, &filter, range, limit).await
    } else {
        all(shared, filter, range, limit).await
    }
}

/// Live jobs are all in memory: only their specs have to be read.
async fn live(
    shared: &Shared,
    filter: &Filter,
    range: Range<JobId>,
    limit: usize,
) -> Result<Vec<Record>> {
    let wanted = match filter.states[..] {
        [State::Leased] => leased(shared, filter, &range, limit),
        _ => scan(shared, filter, range, limit).await,
    };
    let ids: Vec<_> = wanted.iter().map(|(id, _)| *id).collect();
    let found = shared.readers.read(move |db| rows::records(db, &ids)).await?;
    let records = wanted.into_iter().zip(found);
    Ok(records.filter_map(|((_, news), on_disk)| on_disk.map(|r| news.over(r))).collect())
}

/// Leased jobs are few: no more than the drivers have slots.
fn leased(
    shared: &Shared,
    filter: &Filter,
    range: &Range<JobId>,
    limit: usize,
) -> Vec<(JobId, News)> {
    shared.look(|ram| {
        let mut ids: Vec<_> = ram.scheduler.leased().filter(|id| range.contains(id)).collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let wanted = ids.into_iter().filter(|id| matches(ram, filter, *id)).take(limit);
        wanted.map(|id| (id, News::of(ram, id))).collect()
    })
}

/// Looks through the live jobs in slices, so that nobody else waits for the lock for long.
async fn scan(
    shared: &Shared,
    filter: &Filter,
    mut range: Range<JobId>,
    limit: usize,
) -> Vec<(JobId, News)> {
    let mut wanted = Vec::new();
    loop {
        let more = shared.look(|ram| {
            let slice: Vec<_> = ram.scheduler.newest(&range).take(SLICE).collect();
            range.end = slice.last().copied().unwrap_or(range.end);
            let more = slice.len() == SLICE;
            let found = slice.into_iter().filter(|id| matches(ram, filter, *id));
            wanted.extend(found.take(limit - wanted.len()).map(|id| (id, News::of(ram, id))));
            more
        });
        if !more || wanted.len() == limit {
            return wanted;
        }
        tokio::task::yield_now().await;
    }
}

fn matches(ram: &Ram, filter: &Filter, id: JobId) -> bool {
    filter.lane.as_ref().is_none_or(|lane| ram.scheduler.is_in_lane(id, lane))
        && ram.scheduler.is_kin(id, filter)
        && ram.scheduler.row(id).is_some_and(|row| row_matches(filter, &row))
}

async fn all(
    shared: &Shared,
    filter: Filter,
    mut range: Range<JobId>,
    limit: usize,
) -> Result<Vec<Record>> {
    // What is not on disk yet, seen before the disk is.
    let mut unwritten: HashMap<JobId, News> = shared.look(|ram| {
        let ids: Vec<_> = ram.dirty.keys().chain(ram.writing.keys()).copied().collect();
        ids.into_iter().map(|id| (id, News::of(ram, id))).collect()
    });
    let mut found = Vec::new();
    let unseen = unseen(shared, &filter, &unwritten, &range, limit).await?;
    loop {
        let (query, part) = (filter.clone(), range.clone());
        let page = shared.readers.read(move |db| rows::page(db, &query, &part, PAGE)).await?;
        let records = shared.look(|ram| {
            let overlaid = page.records.into_iter().map(|record| {
                let news = unwritten.remove(&record.id);
                news.unwrap_or_else(|| News::live(ram, record.id)).over(record)
            });
            overlaid.filter(|record| filter.matches(record)).collect::<Vec<_>>()
        });
        found.extend(records);
        match page.next {
            Some(next) if found.len() < limit => range.end = next,
            _ => break,
        }
    }
    found.extend(unseen);
    found.sort_by_key(|record| std::cmp::Reverse(record.id));
    found.dedup_by_key(|record| record.id);
    found.truncate(limit);
    with_specs(shared, found).await
}

async fn with_specs(shared: &Shared, mut records: Vec<Record>) -> Result<Vec<Record>> {
    let ids: Vec<_> = records.iter().map(|record| record.id).collect();
    let specs = shared.readers.read(move |db| rows::specs(db, &ids)).await?;
    for (record, spec) in records.iter_mut().zip(specs) {
        record.spec = spec;
    }
    Ok(records)
}

/// Jobs that match by what was decided, where the index that is read goes by what is on disk.
async fn unseen(
    shared: &Shared,
    filter: &Filter,
    unwritten: &HashMap<JobId, News>,
    range: &Range<JobId>,
    limit: usize,
) -> Result<Vec<Record>> {
    let matches = |news: &News| news.row.as_ref().is_some_and(|row| row_matches(filter, row));
    let mut wanted: Vec<_> = unwritten
        .iter()
        .filter(|(id, news)| range.contains(id) && matches(news))
        .map(|(id, _)| *id)
        .collect();
    wanted.sort_unstable_by(|a, b| b.cmp(a));
    let mut records = Vec::new();
    for part in wanted.chunks(limit.clamp(1, PAGE)) {
        let ids = part.to_vec();
        let found = shared.readers.read(move |db| rows::records(db, &ids)).await?;
        let found = part.iter().zip(found);
        let found = found.filter_map(|(id, on_disk)| Some(unwritten[id].clone().over(on_disk?)));
        records.extend(found.filter(|record| filter.matches(record)));
        if records.len() >= limit {
            break;
        }
    }
    Ok(records)
}

fn row_matches(filter: &Filter, row: &Row) -> bool {
    filter.admits(row.state, (&row.stage, &row.lane), row.verdict)
}

/// What memory knows of a job beyond the disk.
#[derive(Clone)]
struct News {
    row: Option<Row>,
    decision: Option<Dirty>,
}

impl News {
    fn of(ram: &Ram, id: JobId) -> Self {
        let decision = ram.overlay(id);
        let row = ram.scheduler.row(id).or_else(|| decision.as_ref().map(|d| d.row.clone()));
        Self { row, decision }
    }

    fn live(ram: &Ram, id: JobId) -> Self {
        Self { row: ram.scheduler.row(id), decision: None }
    }

    fn over(self, mut record: Record) -> Record {
        if let Some(row) = self.row {
            record.state = row.state;
            record.stage = row.stage;
            record.lane = row.lane;
            record.due = row.due;
            record.attempts = row.attempts;
            record.verdict = row.verdict;
        }
        if let Some(decision) = self.decision {
            record.updated_at = decision.updated_at;
            record.note = decision.note.or(record.note);
            record.result_bytes = decision.result.map(|r| r.len() as u64).or(record.result_bytes);
        }
        record
    }
}
