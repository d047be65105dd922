//! The SQL of single jobs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params, params_from_iter};

use crate::document::Place;
use crate::idempotency::{Holder, Standing};
use crate::kin::Kin;
use crate::lane_memo::Memo;
use crate::ledger::Ledger;
use crate::notes::NoteKey;
use crate::scheduler::Found;
use crate::sqlite::ram::{Dirty, Over};
use crate::sqlite::segments::{Pointer, Usage};
use crate::transition::Row;
use crate::{
    Filter, Group, JobId, LaneKey, NewJob, NewNote, Note, Priority, Record, Stage, State,
    Submitted, Timestamp, Verdict,
};

type Sql<T> = rusqlite::Result<T>;

pub(super) const fn state_code(state: State) -> i64 {
    match state {
        State::Waiting | State::Leased => 0,
        State::Done => 1,
        State::Dead => 2,
        State::Cancelled => 3,
    }
}

/// A lease is never on disk: what is not over waits.
pub(super) const fn known_state(code: i64) -> Option<State> {
    match code {
        0 => Some(State::Waiting),
        1 => Some(State::Done),
        2 => Some(State::Dead),
        3 => Some(State::Cancelled),
        _ => None,
    }
}

fn state_of(code: i64) -> State {
    known_state(code).unwrap_or(State::Waiting)
}

pub(super) const fn verdict_code(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Succeeded => 1,
        Verdict::Failed => 2,
        Verdict::Cancelled => 3,
        Verdict::Unchanged => 4,
    }
}

pub(super) const fn verdict_of(code: i64) -> Option<Verdict> {
    match code {
        1 => Some(Verdict::Succeeded),
        2 => Some(Verdict::Failed),
        3 => Some(Verdict::Cancelled),
        4 => Some(Verdict::Unchanged),
        _ => None,
    }
}

/// What is usual takes no room.
pub(super) const fn priority_code(priority: Priority) -> Option<i64> {
    match priority {
        Priority::Low => Some(0),
        Priority::Normal => None,
        Priority::High => Some(2),
    }
}

pub(super) const fn known_priority(code: i64) -> Option<Priority> {
    match code {
        0 => Some(Priority::Low),
        1 => Some(Priority::Normal),
        2 => Some(Priority::High),
        _ => None,
    }
}

fn priority_of(code: Option<i64>) -> Priority {
    code.and_then(known_priority).unwrap_or_default()
}

/// SQLite integers are signed; times, sizes and segment numbers stay far below 2^63.
pub(super) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn uint(row: &SqlRow<'_>, column: &str) -> Sql<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

fn time(row: &SqlRow<'_>, column: &str) -> Sql<Timestamp> {
    uint(row, column).map(Timestamp::from_millis)
}

fn some_time(row: &SqlRow<'_>, column: &str) -> Sql<Option<Timestamp>> {
    let ms: Option<i64> = row.get(column)?;
    Ok(ms.map(|ms| Timestamp::from_millis(u64::try_from(ms).unwrap_or(0))))
}

fn small(row: &SqlRow<'_>, column: &str) -> Sql<u32> {
    Ok(u32::try_from(row.get::<_, i64>(column)?).unwrap_or(u32::MAX))
}

/// What is known of where a job stands before the disk knows it.
pub(super) type Newer<'a> = &'a dyn Fn(JobId) -> Option<Standing>;

/// Accepts jobs inside the caller's transaction: one answer each, in order.
pub(super) fn insert(
    db: &Connection,
    jobs: &[NewJob],
    now: Timestamp,
    newer: Newer<'_>,
) -> Sql<Vec<Submitted>> {
    let mut insert = db.prepare_cached(
        "INSERT INTO jobs (id, created, updated, state, stage, lane, due, epoch, attempts, \
         idem, fingerprint, spec, expires, owner, grp, priority) \
         VALUES (?1, ?2, ?2, 0, ?3, ?4, ?5, 0, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT (id) DO NOTHING",
    )?;
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        if let Some(answer) = claim_key(db, job, newer)? {
            answers.push(answer);
            continue;
        }
        let idempotency = job.idempotency.as_ref();
        let inserted = insert.execute(params![
            job.id.as_bytes(),
            int(now.as_millis()),
            job.stage.as_str(),
            job.lane.as_str(),
            int(job.due.as_millis()),
            idempotency.map(|i| i.key.as_str()),
            idempotency.map(|i| i.fingerprint.as_slice()),
            job.spec.as_ref(),
            job.expires.map(|at| int(at.as_millis())),
            job.owner.as_deref(),
            job.group.as_ref().map(JobId::as_bytes),
            priority_code(job.priority),
        ])?;
        let present = if inserted == 1 { None } else { present(db, job.id)? };
        answers.push(present.unwrap_or(Submitted::Created));
    }
    Ok(answers)
}

/// Takes a job's idempotency key from whoever had it before; or answers why the job cannot have it.
fn claim_key(db: &Connection, job: &NewJob, newer: Newer<'_>) -> Sql<Option<Submitted>> {
    let Some(idempotency) = &job.idempotency else { return Ok(None) };
    let Some(holder) = holder(db, &idempotency.key, newer)? else { return Ok(None) };
    if let Some(answer) = idempotency.answer(&holder) {
        return Ok(Some(answer));
    }
    // A job that is there already takes nothing over.
    let present = present(db, job.id)?;
    if present.is_none() {
        db.prepare_cached("UPDATE jobs SET idem = NULL, fingerprint = NULL WHERE id = ?")?
            .execute([holder.id.as_bytes()])?;
    }
    Ok(present)
}

/// The answer to a job that was accepted before, if it was.
pub(super) fn known(db: &Connection, job: &NewJob, newer: Newer<'_>) -> Sql<Option<Submitted>> {
    if let Some(idempotency) = &job.idempotency
        && let Some(holder) = holder(db, &idempotency.key, newer)?
        && let Some(answer) = idempotency.answer(&holder)
    {
        return Ok(Some(answer));
    }
    present(db, job.id)
}

fn present(db: &Connection, id: JobId) -> Sql<Option<Submitted>> {
    db.prepare_cached("SELECT created FROM jobs WHERE id = ?")?
        .query_row([id.as_bytes()], |row| {
            Ok(Submitted::Existing { id, created_at: time(row, "created")? })
        })
        .optional()
}

/// The job that has an idempotency key, as it stands by all that is decided.
fn holder(db: &Connection, key: &str, newer: Newer<'_>) -> Sql<Option<Holder>> {
    let Some(mut holder) = holder_on_disk(db, key)? else { return Ok(None) };
    if let Some(standing) = newer(holder.id) {
        holder.standing = standing;
    } else if !holder.standing.state.is_terminal() {
        // It may have come to its end, and to the disk, between the two looks.
        return holder_on_disk(db, key);
    }
    Ok(Some(holder))
}

fn holder_on_disk(db: &Connection, key: &str) -> Sql<Option<Holder>> {
    db.prepare_cached("SELECT id, fingerprint, created, state, verdict FROM jobs WHERE idem = ?")?
        .query_row([key], |row| {
            Ok(Holder {
                id: JobId::from_bytes(row.get("id")?),
                created_at: time(row, "created")?,
                fingerprint: row.get("fingerprint")?,
                standing: Standing {
                    state: state_of(row.get("state")?),
                    verdict: verdict_column(row)?,
                },
            })
        })
        .optional()
}

fn verdict_column(row: &SqlRow<'_>) -> Sql<Option<Verdict>> {
    Ok(row.get::<_, Option<i64>>("verdict")?.and_then(verdict_of))
}

/// Writes one decision.
pub(super) fn update(
    db: &Connection,
    id: JobId,
    dirty: &Dirty,
    result: Option<Pointer>,
) -> Sql<()> {
    let mut update = db.prepare_cached(
        "UPDATE jobs SET updated = ?2, state = ?3, stage = ?4, lane = ?5, due = ?6, epoch = ?7, \
         attempts = ?8, verdict = ?9, note = coalesce(?10, note), segment = coalesce(?11, segment), \
         offset = coalesce(?12, offset), length = coalesce(?13, length), crc = coalesce(?14, crc), \
         expires = ?15, \
         ledger = CASE WHEN ?16 IS NULL THEN ledger ELSE ledger_join(ledger, ?16) END \
         WHERE id = ?1",
    )?;
    let row = &dirty.row;
    update.execute(params![
        id.as_bytes(),
        int(dirty.updated_at.as_millis()),
        state_code(row.state),
        row.stage.as_str(),
        row.lane.as_str(),
        int(row.due.as_millis()),
        row.epoch,
        row.attempts,
        row.verdict.map(verdict_code),
        dirty.note,
        result.map(|p| int(p.segment)),
        result.map(|p| int(p.offset)),
        result.map(|p| int(p.length)),
        result.map(|p| p.crc),
        row.expires.map(|at| int(at.as_millis())),
        (!dirty.ledger.is_empty()).then(|| dirty.ledger.encode()),
    ])?;
    Ok(())
}

/// A job is taken up again after it was over.
pub(super) fn set_redriven(db: &Connection, id: JobId) -> Sql<()> {
    db.prepare_cached("UPDATE jobs SET redriven = 1 WHERE id = ?")?.execute([id.as_bytes()])?;
    Ok(())
}

/// Moves a result to another segment.
pub(super) fn repoint(db: &Connection, id: JobId, to: Pointer) -> Sql<()> {
    db.prepare_cached("UPDATE jobs SET segment = ?2, offset = ?3 WHERE id = ?1")?
        .execute(params![id.as_bytes(), int(to.segment), int(to.offset)])?;
    Ok(())
}

/// Where a job's result is.
pub(super) fn pointer(db: &Connection, id: JobId) -> Sql<Option<Pointer>> {
    let found = db
        .prepare_cached("SELECT segment, offset, length, crc FROM jobs WHERE id = ?")?
        .query_row([id.as_bytes()], pointer_of)
        .optional()?;
    Ok(found.flatten())
}

pub(super) fn pointer_of(row: &SqlRow<'_>) -> Sql<Option<Pointer>> {
    if row.get::<_, Option<i64>>("segment")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Pointer {
        segment: uint(row, "segment")?,
        offset: uint(row, "offset")?,
        length: uint(row, "length")?,
        crc: small(row, "crc")?,
    }))
}

fn row_of(row: &SqlRow<'_>) -> Sql<Row> {
    Ok(Row {
        state: state_of(row.get("state")?),
        stage: Stage::new(row.get("stage")?),
        lane: LaneKey::new(row.get_ref("lane")?.as_str()?),
        due: time(row, "due")?,
        epoch: small(row, "epoch")?,
        attempts: small(row, "attempts")?,
        expires: some_time(row, "expires")?,
        verdict: verdict_column(row)?,
    })
}

/// Size of the result, `None` when there is none.
fn length(row: &SqlRow<'_>) -> Sql<Option<u64>> {
    let length: Option<i64> = row.get("length")?;
    Ok(length.map(|n| u64::try_from(n).unwrap_or(0)))
}

fn kin_of(row: &SqlRow<'_>) -> Sql<Kin> {
    let group: Option<[u8; 16]> = row.get("grp")?;
    Ok(Kin {
        owner: row.get_ref("owner")?.as_str_or_null()?.map(Arc::from),
        group: group.map(JobId::from_bytes),
    })
}

fn found_of(row: &SqlRow<'_>) -> Sql<Found> {
    Ok(Found {
        id: JobId::from_bytes(row.get("id")?),
        row: row_of(row)?,
        created_at: time(row, "created")?,
        spec_bytes: uint(row, "spec_bytes")?,
        result_bytes: length(row)?,
        kin: kin_of(row)?,
        priority: priority_of(row.get("priority")?),
        redriven: row.get::<_, Option<i64>>("redriven")?.is_some(),
    })
}

const FOUND: &str = "SELECT id, created, state, stage, lane, due, epoch, attempts, verdict, \
     length(spec) AS spec_bytes, length, expires, owner, grp, priority, redriven FROM jobs";

/// Every job that is not over, to `enter` one by one.
pub(super) fn each_live(db: &Connection, mut enter: impl FnMut(Found)) -> Sql<()> {
    let mut query =
        db.prepare(&format!("{FOUND} INDEXED BY jobs_live WHERE state = 0 ORDER BY id"))?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        enter(found_of(row)?);
    }
    Ok(())
}

/// One job as the scheduler would take it up.
pub(super) fn found(db: &Connection, id: JobId) -> Sql<Option<Found>> {
    db.prepare_cached(&format!("{FOUND} WHERE id = ?"))?
        .query_row([id.as_bytes()], found_of)
        .optional()
}

fn record_of(row: &SqlRow<'_>) -> Sql<Record> {
    let Row { state, stage, lane, due, attempts, verdict, .. } = row_of(row)?;
    let Kin { owner, group } = kin_of(row)?;
    Ok(Record {
        id: JobId::from_bytes(row.get("id")?),
        state,
        stage,
        lane,
        due,
        attempts,
        verdict,
        created_at: time(row, "created")?,
        updated_at: time(row, "updated")?,
        spec: Bytes::from(row.get::<_, Vec<u8>>("spec")?),
        result_bytes: length(row)?,
        note: row.get("note")?,
        owner,
        group,
    })
}

const RECORD: &str = "SELECT id, created, updated, state, stage, lane, due, epoch, attempts, \
     verdict, length, note, expires, owner, grp, spec FROM jobs";

/// One job, as it is on disk.
pub(super) fn record(db: &Connection, id: JobId) -> Sql<Option<Record>> {
    db.prepare_cached(&format!("{RECORD} WHERE id = ?"))?
        .query_row([id.as_bytes()], record_of)
        .optional()
}

/// The same of several, in their order.
pub(super) fn records(db: &Connection, ids: &[JobId]) -> Sql<Vec<Option<Record>>> {
    ids.iter().map(|id| record(db, *id)).collect()
}

/// What was accepted, in the order of `ids`; nothing for a job that is not there.
pub(super) fn specs(db: &Connection, ids: &[JobId]) -> Sql<Vec<Bytes>> {
    let mut query = db.prepare_cached("SELECT spec FROM jobs WHERE id = ?")?;
    ids.iter()
        .map(|id| {
            let spec = query.query_row([id.as_bytes()], |row| row.get::<_, Vec<u8>>(0));
            Ok(spec.optional()?.map(Bytes::from).unwrap_or_default())
        })
        .collect()
}

/// A part of a list.
pub(super) struct Page {
    /// Those that may match.
    pub(super) records: Vec<Record>,
    /// Where the next page begins, when there is one: all from there on were looked at.
    pub(super) next: Option<JobId>,
}

/// Jobs with ids in `range`, newest first, that may match; by what is on disk, and without their
/// specs, which may be large and are needed only of those that do match. At most `limit` of them,
/// out of as many more as one read has time for.
pub(super) fn page(
    db: &Connection,
    filter: &Filter,
    range: &Range<JobId>,
    limit: usize,
) -> Sql<Page> {
    let columns = RECORD.replace(" spec ", " x'' AS spec ");
    let index = filter.index().map_or(String::new(), |index| format!(" INDEXED BY {index}"));
    let mut sql = format!("{columns}{index} WHERE id < ? AND id >= ?");
    let bound = |id: JobId| Value::Blob(id.as_bytes().to_vec());
    let mut values = vec![bound(range.end), bound(range.start)];
    if let Some(group) = filter.group {
        sql.push_str(" AND grp = ?");
        values.push(bound(group));
    } else if let Some(owner) = &filter.owner {
        sql.push_str(" AND owner = ?");
        values.push(Value::Text(owner.as_ref().to_owned()));
    } else if filter.is_odd() {
        // Word for word the condition of the index, so that it is used.
        sql.push_str(" AND (state > 1 OR verdict > 1)");
        push_any(&mut sql, &mut values, "state", filter.states.iter().map(|s| state_code(*s)));
        push_any(&mut sql, &mut values, "verdict", filter.verdict.iter().map(|v| verdict_code(*v)));
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    let most = if filter.is_sifted() { limit.max(LOOKED_AT) } else { limit };
    values.push(Value::Integer(int(most as u64)));
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query(params_from_iter(values))?;
    let (mut page, mut looked_at) = (Page { records: Vec::new(), next: None }, 0);
    while let Some(row) = rows.next()? {
        looked_at += 1;
        let last = looked_at == most;
        if may_match(row, filter)? {
            page.records.push(record_of(row)?);
        } else if !last {
            continue;
        }
        if last || page.records.len() == limit {
            page.next = Some(JobId::from_bytes(row.get("id")?));
            break;
        }
    }
    Ok(page)
}

/// Most are not what is asked for, where no index tells, and need not be read in full.
fn may_match(row: &SqlRow<'_>, filter: &Filter) -> Sql<bool> {
    if let Some(lane) = &filter.lane
        && row.get_ref("lane")?.as_str()? != lane.as_str()
    {
        return Ok(false);
    }
    if let (Some(_), Some(owner)) = (filter.group, &filter.owner)
        && row.get_ref("owner")?.as_str_or_null()? != Some(owner)
    {
        return Ok(false);
    }
    if !filter.is_odd() {
        return Ok(true);
    }
    let state = state_of(row.get("state")?);
    let verdict = verdict_column(row)?;
    Ok(filter.states.contains(&state) && filter.verdict.is_none_or(|v| verdict == Some(v)))
}

/// Jobs that one read passes by in search of those that match: some milliseconds' work.
const LOOKED_AT: usize = 4096;

fn push_any(
    sql: &mut String,
    values: &mut Vec<Value>,
    column: &str,
    codes: impl Iterator<Item = i64>,
) {
    let codes: Vec<_> = codes.map(Value::Integer).collect();
    if !codes.is_empty() {
        let marks = vec!["?"; codes.len()].join(", ");
        sql.push_str(&format!(" AND {column} IN ({marks})"));
        values.extend(codes);
    }
}

impl Filter {
    /// The index to go by, where SQLite might choose another.
    const fn index(&self) -> Option<&'static str> {
        match (self.group, &self.owner) {
            (Some(_), _) => Some("jobs_group"),
            (None, Some(_)) => Some("jobs_owner"),
            (None, None) => None,
        }
    }

    /// Whether more is asked for than the index tells.
    fn is_sifted(&self) -> bool {
        self.lane.is_some() || self.index().is_some()
    }

    /// Whether only jobs are wanted that did not end well, which have an index of their own.
    fn is_odd(&self) -> bool {
        let bad_end = |s: &State| matches!(s, State::Dead | State::Cancelled);
        let over = !self.states.is_empty() && self.states.iter().all(|s| s.is_terminal());
        over && (self.states.iter().all(bad_end)
            || self.verdict.is_some_and(|v| v != Verdict::Succeeded))
    }
}

/// A job to be removed: how it ended, and the segment and length of its result.
pub(super) type Gone = (JobId, State, Option<(u64, u64)>);

/// Jobs that were over before `before`, oldest first, with where their results are.
pub(super) fn expired(db: &Connection, before: Timestamp, max: usize) -> Sql<Vec<Gone>> {
    // A job is never over before it is accepted, so the ids bound the scan.
    let end = JobId::floor(before);
    db.prepare_cached(
        "SELECT id, state, segment, length FROM jobs \
         WHERE id < ?1 AND state > 0 AND updated < ?2 ORDER BY id LIMIT ?3",
    )?
    .query_map(params![end.as_bytes(), int(before.as_millis()), int(max as u64)], |row| {
        let segment: Option<i64> = row.get("segment")?;
        let result = match segment {
            Some(_) => Some((uint(row, "segment")?, uint(row, "length")?)),
            None => None,
        };
        Ok((JobId::from_bytes(row.get("id")?), state_of(row.get("state")?), result))
    })?
    .collect()
}

pub(super) fn delete(db: &Connection, id: JobId) -> Sql<()> {
    db.prepare_cached("DELETE FROM jobs WHERE id = ?")?.execute([id.as_bytes()])?;
    Ok(())
}

pub(super) fn usage(db: &Connection) -> Sql<BTreeMap<u64, Usage>> {
    db.prepare("SELECT segment, bytes, live, live_bytes FROM segments")?
        .query_map([], |row| {
            let usage = Usage {
                bytes: uint(row, "bytes")?,
                live: uint(row, "live")?,
                live_bytes: uint(row, "live_bytes")?,
            };
            Ok((uint(row, "segment")?, usage))
        })?
        .collect()
}

pub(super) fn set_usage(db: &Connection, segment: u64, usage: Usage) -> Sql<()> {
    if usage.live == 0 {
        db.prepare_cached("DELETE FROM segments WHERE segment = ?")?.execute([int(segment)])?;
        return Ok(());
    }
    db.prepare_cached("INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?)")?.execute(params![
        int(segment),
        int(usage.bytes),
        int(usage.live),
        int(usage.live_bytes)
    ])?;
    Ok(())
}

/// What attempts left behind, `None` when there is no such job.
pub(super) fn ledger(db: &Connection, id: JobId) -> Sql<Option<Ledger>> {
    db.prepare_cached("SELECT ledger FROM jobs WHERE id = ?")?
        .query_row([id.as_bytes()], |row| {
            let stored = row.get_ref(0)?.as_blob_or_null()?;
            Ok(Ledger::decode(stored.unwrap_or_default()))
        })
        .optional()
}

/// Everything that is known of lanes, to `enter` one by one.
pub(super) fn each_lane(db: &Connection, mut enter: impl FnMut(Stage, LaneKey, Memo)) -> Sql<()> {
    let mut query = db.prepare("SELECT * FROM lanes")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let memo = Memo {
            paused_until: time(row, "paused")?,
            backoff_until: time(row, "backoff")?,
            interval: Duration::from_millis(uint(row, "interval")?),
            failures: small(row, "failures")?,
            failing_since: time(row, "failing")?,
            heard: time(row, "heard")?,
        };
        let key = LaneKey::new(row.get_ref("lane")?.as_str()?);
        enter(Stage::new(row.get("stage")?), key, memo);
    }
    Ok(())
}

/// Writes what is known of a lane from now on; `None` for nothing more.
pub(super) fn set_lane(
    db: &Connection,
    stage: &Stage,
    key: &LaneKey,
    memo: Option<&Memo>,
) -> Sql<()> {
    let Some(memo) = memo else {
        db.prepare_cached("DELETE FROM lanes WHERE stage = ? AND lane = ?")?
            .execute([stage.as_str(), key.as_str()])?;
        return Ok(());
    };
    db.prepare_cached("INSERT OR REPLACE INTO lanes VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
        params![
            stage.as_str(),
            key.as_str(),
            int(memo.paused_until.as_millis()),
            int(memo.backoff_until.as_millis()),
            i64::try_from(memo.interval.as_millis()).unwrap_or(i64::MAX),
            memo.failures,
            int(memo.failing_since.as_millis()),
            int(memo.heard.as_millis()),
        ],
    )?;
    Ok(())
}

/// Removes pauses that were over before `before`, of lanes of which nothing else is known.
pub(super) fn drop_pauses(db: &Connection, before: Timestamp) -> Sql<()> {
    db.prepare_cached(
        "DELETE FROM lanes WHERE paused < ?1 AND backoff < ?1 AND interval = 0 AND failing = 0",
    )?
    .execute([int(before.as_millis())])?;
    Ok(())
}

pub(super) fn note(db: &Connection, (space, key): NoteKey) -> Sql<Option<Note>> {
    db.prepare_cached("SELECT value, expires FROM notes WHERE space = ? AND key = ?")?
        .query_row(params![space, key], |row| {
            let value = Bytes::from(row.get::<_, Vec<u8>>("value")?);
            Ok(Note { value, expires: time(row, "expires")? })
        })
        .optional()
}

/// Writes a note; answers whether there was none with its key.
pub(super) fn set_note(db: &Connection, note: &NewNote) -> Sql<bool> {
    let expires = int(note.expires.as_millis());
    let values = params![note.space, note.key, note.value.as_ref(), expires];
    let replaced = db
        .prepare_cached("UPDATE notes SET value = ?3, expires = ?4 WHERE space = ?1 AND key = ?2")?
        .execute(values)?;
    if replaced > 0 {
        return Ok(false);
    }
    db.prepare_cached("INSERT INTO notes VALUES (?1, ?2, ?3, ?4)")?.execute(values)?;
    Ok(true)
}

/// Removes the `count` notes that expire first; answers how many there were.
pub(super) fn drop_notes(db: &Connection, count: u64) -> Sql<u64> {
    let removed = db
        .prepare_cached(
            "DELETE FROM notes WHERE (space, key) IN \
             (SELECT space, key FROM notes ORDER BY expires LIMIT ?)",
        )?
        .execute([int(count)])?;
    Ok(removed as u64)
}

/// Removes up to `max` notes that expired before `before`; answers how many there were.
pub(super) fn drop_expired_notes(db: &Connection, before: Timestamp, max: usize) -> Sql<u64> {
    let removed = db
        .prepare_cached(
            "DELETE FROM notes WHERE (space, key) IN \
             (SELECT space, key FROM notes WHERE expires < ? ORDER BY expires LIMIT ?)",
        )?
        .execute([int(before.as_millis()), int(max as u64)])?;
    Ok(removed as u64)
}

pub(super) fn count_notes(db: &Connection) -> Sql<u64> {
    db.query_row("SELECT count(*) AS n FROM notes", [], |row| uint(row, "n"))
}

/// Writes a document, or removes it.
pub(super) fn set_document(db: &Connection, place: &Place, value: Option<&Bytes>) -> Sql<()> {
    let (space, key) = place;
    match value {
        Some(value) => db
            .prepare_cached("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)")?
            .execute(params![space, key, value.as_ref()])?,
        None => db
            .prepare_cached("DELETE FROM documents WHERE space = ? AND key = ?")?
            .execute(params![space, key])?,
    };
    Ok(())
}

/// One document.
pub(super) fn document(db: &Connection, (space, key): &Place) -> Sql<Option<Bytes>> {
    db.prepare_cached("SELECT value FROM documents WHERE space = ? AND key = ?")?
        .query_row(params![space, key], |row| Ok(Bytes::from(row.get::<_, Vec<u8>>(0)?)))
        .optional()
}

/// All documents of a space, by key.
pub(super) fn documents(db: &Connection, space: &str) -> Sql<Vec<(String, Bytes)>> {
    db.prepare_cached("SELECT key, value FROM documents WHERE space = ? ORDER BY key")?
        .query_map([space], |row| {
            Ok((row.get("key")?, Bytes::from(row.get::<_, Vec<u8>>("value")?)))
        })?
        .collect()
}

/// How the jobs of every group went, to `enter` one by one.
pub(super) fn each_group(db: &Connection, mut enter: impl FnMut(JobId, Group)) -> Sql<()> {
    let mut query = db.prepare("SELECT * FROM groups")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let group = Group {
            jobs: uint(row, "jobs")?,
            succeeded: uint(row, "succeeded")?,
            failed: uint(row, "failed")?,
            cancelled: uint(row, "cancelled")?,
            unchanged: uint(row, "unchanged")?,
        };
        enter(JobId::from_bytes(row.get("id")?), group);
    }
    Ok(())
}

/// Jobs of a group were accepted.
pub(super) fn add_to_group(db: &Connection, id: JobId, jobs: u64) -> Sql<()> {
    db.prepare_cached(
        "INSERT INTO groups VALUES (?1, ?2, 0, 0, 0, 0) \
         ON CONFLICT (id) DO UPDATE SET jobs = jobs + ?2",
    )?
    .execute(params![id.as_bytes(), int(jobs)])?;
    Ok(())
}

/// Adds judgements to a group's, if it is not forgotten.
pub(super) fn count_in_group(db: &Connection, id: JobId, more: &Group) -> Sql<()> {
    db.prepare_cached(
        "UPDATE groups SET succeeded = succeeded + ?2, failed = failed + ?3, \
         cancelled = cancelled + ?4, unchanged = unchanged + ?5 WHERE id = ?1",
    )?
    .execute(params![
        id.as_bytes(),
        int(more.succeeded),
        int(more.failed),
        int(more.cancelled),
        int(more.unchanged),
    ])?;
    Ok(())
}

pub(super) fn forget_group(db: &Connection, id: JobId) -> Sql<()> {
    db.prepare_cached("DELETE FROM groups WHERE id = ?")?.execute([id.as_bytes()])?;
    Ok(())
}

/// How often the database was opened, this time included.
pub(super) fn times_opened(db: &Connection) -> Sql<u64> {
    db.query_row("SELECT n FROM counters WHERE name = 'opened'", [], |row| uint(row, "n"))
}

pub(super) fn over(db: &Connection) -> Sql<Over> {
    let read = |name: &str| -> Sql<u64> {
        db.prepare_cached("SELECT n FROM counters WHERE name = ?")?
            .query_row([name], |row| uint(row, "n"))
    };
    Ok(Over { done: read("done")?, dead: read("dead")?, cancelled: read("cancelled")? })
}

pub(super) fn set_over(db: &Connection, over: Over) -> Sql<()> {
    let mut set = db.prepare_cached("UPDATE counters SET n = ?2 WHERE name = ?1")?;
    for (name, n) in [("done", over.done), ("dead", over.dead), ("cancelled", over.cancelled)] {
        set.execute(params![name, int(n)])?;
    }
    Ok(())
}
