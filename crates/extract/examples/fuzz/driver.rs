//! What all fuzz drivers do: one seed after another, until the time is over or a promise is broken.

use std::error::Error;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// What the command line asks for.
pub(crate) struct Asked {
    pub(crate) target: String,
    room: Duration,
    seed: u64,
}

impl Asked {
    /// `PROGRAM TARGET SECONDS [SEED]`.
    pub(crate) fn read(program: &str) -> Result<Self, Box<dyn Error>> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let (target, seconds, seed) = match arguments.as_slice() {
            [target, seconds] => (target, seconds, 0_u64),
            [target, seconds, seed] => (target, seconds, seed.parse::<u64>()?),
            _ => return Err(format!("usage: {program} TARGET SECONDS [SEED]").into()),
        };
        let room = Duration::from_secs(seconds.parse()?);
        Ok(Self { target: target.clone(), room, seed })
    }

    /// The target that is asked for, by its name.
    pub(crate) fn choose<T: Copy>(&self, targets: &[(&str, T)]) -> Result<T, Box<dyn Error>> {
        let found = targets.iter().find(|(name, _)| *name == self.target);
        let names: Vec<_> = targets.iter().map(|(name, _)| *name).collect();
        let unknown = || format!("unknown target: use one of {}", names.join(", "));
        Ok(found.map(|(_, target)| *target).ok_or_else(unknown)?)
    }

    /// Tries the seed that was given and those after it; one at least. `inputs` is what they make.
    pub(crate) fn try_all(
        &self,
        inputs: &str,
        mut try_one: impl FnMut(u64) -> Result<(), String>,
    ) -> Result<(), Box<dyn Error>> {
        let began = now();
        let mut next = self.seed;
        while next == self.seed || began.elapsed() < self.room {
            try_one(next).map_err(|what| format!("seed {next}: {what}"))?;
            next += 1;
        }
        let tried = next - self.seed;
        let each_second = tried as f64 / began.elapsed().as_secs_f64();
        writeln!(std::io::stdout(), "{}: {tried} {inputs}, {each_second:.0}/s", self.target)?;
        Ok(())
    }
}

/// A panic is a broken promise as well.
pub(crate) fn caught(check: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| Err("a panic, see above".to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "it runs for a time on the clock")]
fn now() -> Instant {
    Instant::now()
}
