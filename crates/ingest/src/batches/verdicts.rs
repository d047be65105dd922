//! What is said of each line.

use jobs::{JobId, Submitted};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::auth::Caller;
use crate::problem::{Fault, Kind, Problem};
use crate::submit::IDEMPOTENCY_KEY;

/// Where batches live.
pub(crate) const BATCHES_AT: &str = "/v1/batches/";

/// What became of the lines so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Lines that have a job.
    pub(crate) accepted: u64,
    /// Of those, the ones whose jobs were there already.
    pub(crate) replayed: u64,
    /// Lines that have none.
    pub(crate) refused: u64,
}

/// Writes verdicts one after the other.
pub(crate) struct Verdicts {
    /// What was written and not taken yet.
    pub(crate) out: Vec<u8>,
    pub(crate) tally: Tally,
    /// Stands after each: a line end, or between two in an array.
    end: u8,
    /// Only of refused lines.
    is_minimal: bool,
}

impl Verdicts {
    pub(crate) const fn new(end: u8, is_minimal: bool) -> Self {
        let tally = Tally { accepted: 0, replayed: 0, refused: 0 };
        Self { out: Vec::new(), tally, end, is_minimal }
    }

    /// What the store said of a line's job.
    pub(crate) fn told(&mut self, caller: &Caller, line: u64, id: JobId, answer: &Submitted) {
        match *answer {
            Submitted::Created => self.accepted(line, id, false),
            Submitted::Existing { id, .. } => self.accepted(line, id, true),
            Submitted::Conflict { id } => {
                let detail = format!("this line was another one when it came first, as job {id}");
                let fault = Fault::header(&IDEMPOTENCY_KEY, detail);
                let problem = Problem::faulty(Kind::KeyReused, vec![fault]);
                self.refused(caller, line, &problem);
            }
            Submitted::Full => self.refused(caller, line, &caller.queue_full()),
        }
    }

    fn accepted(&mut self, line: u64, id: JobId, is_replayed: bool) {
        self.tally.accepted += 1;
        self.tally.replayed += u64::from(is_replayed);
        if self.is_minimal {
            return;
        }
        self.begin(line);
        self.out.extend_from_slice(b"\"id\":\"");
        push_id(&mut self.out, id);
        self.out.extend_from_slice(b"\",\"status\":\"queued\"");
        if is_replayed {
            self.out.extend_from_slice(b",\"replayed\":true");
        }
        self.finish();
    }

    pub(crate) fn refused(&mut self, caller: &Caller, line: u64, problem: &Problem) {
        self.tally.refused += 1;
        caller.meters.refused(problem.kind());
        self.begin(line);
        self.out.extend_from_slice(b"\"error\":");
        problem.write(&mut self.out);
        self.finish();
    }

    fn begin(&mut self, line: u64) {
        self.out.extend_from_slice(b"{\"line\":");
        push_number(&mut self.out, line);
        self.out.push(b',');
    }

    fn finish(&mut self) {
        self.out.push(b'}');
        self.out.push(self.end);
    }
}

/// `"batch":{"id":…,"status_url":…` with the object left open.
pub(crate) fn push_batch(out: &mut Vec<u8>, id: JobId) {
    out.extend_from_slice(b"\"batch\":{\"id\":\"");
    push_id(out, id);
    out.extend_from_slice(b"\",\"status_url\":\"");
    out.extend_from_slice(BATCHES_AT.as_bytes());
    push_id(out, id);
    out.push(b'"');
}

/// The same, closed, with what became of all lines; `why` it was not read to its end, if so.
pub(crate) fn push_closed(out: &mut Vec<u8>, id: JobId, tally: Tally, why: Option<&str>) {
    push_batch(out, id);
    let counts = [
        (&b",\"accepted\":"[..], tally.accepted),
        (b",\"replayed\":", tally.replayed),
        (b",\"refused\":", tally.refused),
    ];
    for (name, count) in counts {
        out.extend_from_slice(name);
        push_number(out, count);
    }
    out.extend_from_slice(b",\"closed\":true");
    if let Some(why) = why {
        out.extend_from_slice(b",\"interrupted\":true,\"detail\":");
        serde_json::to_writer(&mut *out, why).expect("a string always serialises");
    }
    out.push(b'}');
}

/// Without the detour of `Display`: there may be a million of them.
fn push_id(out: &mut Vec<u8>, id: JobId) {
    let mut text = [0; Hyphenated::LENGTH];
    let id = Uuid::from_bytes(*id.as_bytes()).hyphenated();
    out.extend_from_slice(id.encode_lower(&mut text).as_bytes());
}

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ids_are_written_as_everywhere() {
        for number in [0, 7, 10, 12_345, u64::MAX] {
            let mut out = Vec::new();
            push_number(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
        let (id, mut out) = (JobId::draw(), Vec::new());
        push_id(&mut out, id);
        assert_eq!(out, id.to_string().as_bytes());
    }
}
