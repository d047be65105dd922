//! Looks for inputs that break what `egress` promises.
//!
//! `fuzz_egress TARGET SECONDS [SEED]`: makes inputs for a target (`policy`, `headers`, `heads`) until the
//! time is over or a promise is broken; then it says the seed and the input and fails. The same
//! seed makes the same input.

#[path = "fuzz/headers.rs"]
mod headers;
#[path = "fuzz/heads.rs"]
mod heads;
#[path = "fuzz/policy.rs"]
mod policy;
#[path = "../tests/it/special.rs"]
mod special;

use std::error::Error;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

/// Makes an input and holds `egress` to its promises: the input and what was broken.
type Try = Box<dyn FnMut(&mut StdRng) -> (String, Result<(), String>)>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (target, seconds, seed) = match arguments.as_slice() {
        [target, seconds] => (target, seconds, 0_u64),
        [target, seconds, seed] => (target, seconds, seed.parse::<u64>()?),
        _ => return Err("usage: fuzz_egress TARGET SECONDS [SEED]".into()),
    };
    let mut try_one: Try = match target.as_str() {
        "policy" => Box::new(policy::try_one),
        "headers" => Box::new(headers::try_one),
        "heads" => heads::target()?,
        _ => return Err("unknown target: use one of policy, headers, heads".into()),
    };
    let (began, room) = (now(), Duration::from_secs(seconds.parse()?));
    let mut next = seed;
    while next == seed || began.elapsed() < room {
        let mut random = StdRng::seed_from_u64(next);
        let result = catch_unwind(AssertUnwindSafe(|| try_one(&mut random)));
        let (input, broken) =
            result.unwrap_or_else(|_| (String::new(), Err("a panic, see above".to_owned())));
        broken.map_err(|what| format!("seed {next}: {what}\n{input}"))?;
        next += 1;
    }
    let each_second = (next - seed) as f64 / began.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{target}: {} inputs, {each_second:.0}/s", next - seed)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it runs for a time on the clock")]
fn now() -> Instant {
    Instant::now()
}
