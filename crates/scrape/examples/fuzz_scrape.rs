//! Looks for answers that break what `scrape` promises.
//!
//! `fuzz_scrape TARGET SECONDS [SEED]`: makes input for a target (`robots`, `decompression`, `charset`,
//! `headers`) until the time is over or a promise is broken; then it says the seed and the input and
//! fails. The same seed makes the same input.

#[path = "fuzz/charset.rs"]
mod charset;
#[allow(dead_code, reason = "not all of it is tried")]
#[path = "../src/coding.rs"]
mod coding;
#[allow(dead_code, reason = "not all of it is tried")]
#[path = "../src/cookie.rs"]
mod cookie;
#[path = "fuzz/decompression.rs"]
mod decompression;
#[allow(dead_code, unreachable_pub, reason = "it is the crate's own")]
#[path = "../src/error.rs"]
mod error;
#[allow(dead_code, reason = "not all of it is tried")]
#[path = "../src/header.rs"]
mod header;
#[path = "fuzz/headers.rs"]
mod headers;
#[allow(dead_code, reason = "not all of it is used")]
#[path = "../../extract/examples/fuzz/random.rs"]
mod random;
#[allow(dead_code, reason = "not all of it is tried")]
#[path = "../src/redirect.rs"]
mod redirect;
#[path = "fuzz/robots.rs"]
mod robots;

use std::error::Error;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use random::Random;

/// What is broken, with the input.
type Kept = Result<(), String>;

type Check = fn(&mut Random) -> Kept;

const TARGETS: [(&str, Check); 4] = [
    ("robots", robots::check),
    ("decompression", decompression::check),
    ("charset", charset::check),
    ("headers", headers::check),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (target, seconds, seed) = match arguments.as_slice() {
        [target, seconds] => (target, seconds, 0_u64),
        [target, seconds, seed] => (target, seconds, seed.parse::<u64>()?),
        _ => return Err("usage: fuzz_scrape TARGET SECONDS [SEED]".into()),
    };
    let (name, check) = TARGETS
        .into_iter()
        .find(|(name, _)| name == target)
        .ok_or_else(|| format!("unknown target: use one of {}", TARGETS.map(|t| t.0).join(", ")))?;
    let (began, room) = (now(), Duration::from_secs(seconds.parse()?));
    let mut next = seed;
    while next == seed || began.elapsed() < room {
        let result = catch_unwind(AssertUnwindSafe(|| check(&mut Random::new(next))));
        let kept = result.unwrap_or_else(|_| Err("a panic, see above".to_owned()));
        kept.map_err(|what| format!("seed {next}: {what}"))?;
        next += 1;
    }
    let each_second = (next - seed) as f64 / began.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{name}: {} inputs, {each_second:.0}/s", next - seed)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it runs for a time on the clock")]
fn now() -> Instant {
    Instant::now()
}

fn holds(condition: bool, what: &str, input: impl std::fmt::Debug) -> Kept {
    if condition { Ok(()) } else { Err(format!("{what}: {input:?}")) }
}
