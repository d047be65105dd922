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
#[path = "../../extract/examples/fuzz/driver.rs"]
mod driver;
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

use driver::{Asked, caught};
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
    let asked = Asked::read("fuzz_scrape")?;
    let check = asked.choose(&TARGETS)?;
    asked.try_all("inputs", |seed| caught(|| check(&mut Random::new(seed))))
}

fn holds(condition: bool, what: &str, input: impl std::fmt::Debug) -> Kept {
    if condition { Ok(()) } else { Err(format!("{what}: {input:?}")) }
}
