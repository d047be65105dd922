//! Looks for inputs that break what `egress` promises.
//!
//! `fuzz_egress TARGET SECONDS [SEED]`: makes inputs for a target (`policy`, `headers`, `heads`) until the
//! time is over or a promise is broken; then it says the seed and the input and fails. The same
//! seed makes the same input.

#[path = "../../extract/examples/fuzz/driver.rs"]
mod driver;
#[path = "fuzz/headers.rs"]
mod headers;
#[path = "fuzz/heads.rs"]
mod heads;
#[path = "fuzz/policy.rs"]
mod policy;
#[path = "../tests/it/special.rs"]
mod special;

use std::error::Error;

use driver::{Asked, caught};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Makes an input and holds `egress` to its promises: the input and what was broken.
type Try = Box<dyn FnMut(&mut StdRng) -> (String, Result<(), String>)>;

type Make = fn() -> Result<Try, Box<dyn Error>>;

const TARGETS: [(&str, Make); 3] = [
    ("policy", || Ok(Box::new(policy::try_one))),
    ("headers", || Ok(Box::new(headers::try_one))),
    ("heads", heads::target),
];

fn main() -> Result<(), Box<dyn Error>> {
    let asked = Asked::read("fuzz_egress")?;
    let make = asked.choose(&TARGETS)?;
    let mut try_one = make()?;
    asked.try_all("inputs", |seed| {
        let mut random = StdRng::seed_from_u64(seed);
        caught(|| {
            let (input, broken) = try_one(&mut random);
            broken.map_err(|what| format!("{what}\n{input}"))
        })
    })
}
