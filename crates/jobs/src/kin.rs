use std::collections::HashMap;
use std::sync::Arc;

use crate::{Error, ErrorKind, JobId, NewJob, Result};

/// Whose a job is, and the group it is counted in: what many jobs have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Kin {
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) group: Option<JobId>,
}

/// The kin of live jobs, each kept once, so that a job needs no more than its number.
#[derive(Debug, Default)]
pub(crate) struct Kins {
    by_kin: HashMap<Kin, u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot {
    kin: Kin,
    /// Live jobs that have its number.
    jobs: u32,
}

/// The number of what is nobody's and stands alone.
const NONE: u32 = 0;

impl Kin {
    pub(crate) fn of(job: &NewJob) -> Self {
        Self { owner: job.owner.clone(), group: job.group }
    }
}

impl NewJob {
    /// Refuses a job whose owner's name is too long.
    pub(crate) fn check_owner(&self) -> Result<()> {
        let most = Self::OWNER_BYTES;
        let bytes = self.owner.as_ref().map_or(0, |owner| owner.len());
        if bytes <= most {
            return Ok(());
        }
        let what = format!("the owner of job {} has {bytes} bytes, more than {most}", self.id);
        Err(Error::new(ErrorKind::Invalid, what))
    }
}

impl Kins {
    /// The number of `kin`, for one more job.
    pub(crate) fn take(&mut self, kin: &Kin) -> u32 {
        if *kin == Kin::default() {
            return NONE;
        }
        if let Some(&number) = self.by_kin.get(kin) {
            self.slots[at(number)].jobs += 1;
            return number;
        }
        let slot = Slot { kin: kin.clone(), jobs: 1 };
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[at(number)] = slot;
                number
            }
            None => {
                self.slots.push(slot);
                u32::try_from(self.slots.len()).expect("fewer than 2^32 live jobs")
            }
        };
        self.by_kin.insert(kin.clone(), number);
        number
    }

    /// A job that had this number is over.
    pub(crate) fn release(&mut self, number: u32) {
        if number == NONE {
            return;
        }
        let slot = &mut self.slots[at(number)];
        slot.jobs -= 1;
        if slot.jobs == 0 {
            self.by_kin.remove(&std::mem::take(&mut slot.kin));
            self.free.push(number);
        }
    }

    /// `None` for what is nobody's and stands alone.
    pub(crate) fn get(&self, number: u32) -> Option<&Kin> {
        (number != NONE).then(|| &self.slots[at(number)].kin)
    }
}

/// Where a number that is not [`NONE`] is kept.
const fn at(number: u32) -> usize {
    number as usize - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kin(owner: &str, group: Option<u8>) -> Kin {
        Kin { owner: Some(owner.into()), group: group.map(|n| JobId::from_bytes([n; 16])) }
    }

    #[test]
    fn what_is_the_same_is_kept_once_and_for_as_long_as_a_job_has_it() {
        let mut kins = Kins::default();
        let first = kins.take(&kin("a", Some(1)));
        assert_eq!(kins.take(&kin("a", Some(1))), first);
        let other = kins.take(&kin("a", Some(2)));
        assert_ne!(other, first);
        kins.release(first);
        assert_eq!(kins.get(first), Some(&kin("a", Some(1))), "one job has it yet");
        kins.release(first);
        let third = kins.take(&kin("b", None));
        assert_eq!((third, kins.get(third)), (first, Some(&kin("b", None))), "its place is taken");
        assert_eq!(kins.get(other), Some(&kin("a", Some(2))));
    }

    #[test]
    fn what_is_nobodys_and_alone_takes_no_place() {
        let mut kins = Kins::default();
        let none = kins.take(&Kin::default());
        assert_eq!((kins.get(none), kins.slots.len()), (None, 0));
        kins.release(none);
    }
}
