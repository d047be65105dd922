//! Looks for pages that break what `extract` promises.
//!
//! `fuzz_extract TARGET SECONDS [SEED]`: makes pages for a target (`scanner`, `markdown`, `dates`,
//! `authors`, `titles`, `json-ld`, `select`, `charset`, `pdf`) until the time is over or a promise is
//! broken; then it says the seed and the page and fails. The same seed makes the same page.

#[path = "fuzz/grammar.rs"]
mod grammar;
#[path = "fuzz/pdf.rs"]
mod pdf;
#[path = "fuzz/promises.rs"]
mod promises;
#[path = "fuzz/random.rs"]
mod random;
#[path = "../tests/it/shown.rs"]
mod shown;

use std::error::Error;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use grammar::Case;
use random::Random;

type Make = fn(&mut Random) -> Case;

const TARGETS: [(&str, Make); 9] = [
    ("scanner", grammar::soup),
    ("markdown", grammar::article),
    ("dates", grammar::dates),
    ("authors", grammar::authors),
    ("titles", grammar::titles),
    ("json-ld", grammar::json_ld),
    ("select", grammar::select),
    ("charset", grammar::charset),
    ("pdf", pdf::pdf),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (target, seconds, seed) = match arguments.as_slice() {
        [target, seconds] => (target, seconds, 0_u64),
        [target, seconds, seed] => (target, seconds, seed.parse::<u64>()?),
        _ => return Err("usage: fuzz_extract TARGET SECONDS [SEED]".into()),
    };
    let (name, make) = TARGETS
        .into_iter()
        .find(|(name, _)| name == target)
        .ok_or_else(|| format!("unknown target: use one of {}", TARGETS.map(|t| t.0).join(", ")))?;
    let (began, room) = (now(), Duration::from_secs(seconds.parse()?));
    let mut next = seed;
    while next == seed || began.elapsed() < room {
        let case = make(&mut Random::new(next));
        let result = catch_unwind(AssertUnwindSafe(|| promises::check(name, &case)));
        let broken = result.unwrap_or_else(|_| Err("a panic, see above".to_owned()));
        broken.map_err(|what| format!("seed {next}: {what}\n{case}"))?;
        next += 1;
    }
    let each_second = (next - seed) as f64 / began.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{name}: {} pages, {each_second:.0}/s", next - seed)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it runs for a time on the clock")]
fn now() -> Instant {
    Instant::now()
}
