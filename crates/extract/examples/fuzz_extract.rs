//! Looks for pages that break what `extract` promises.
//!
//! `fuzz_extract TARGET SECONDS [SEED]`: makes pages for a target (`scanner`, `markdown`, `dates`,
//! `authors`, `titles`, `json-ld`, `select`, `charset`, `pdf`) until the time is over or a promise is
//! broken; then it says the seed and the page and fails. The same seed makes the same page.

#[path = "fuzz/driver.rs"]
mod driver;
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

use driver::{Asked, caught};
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
    let asked = Asked::read("fuzz_extract")?;
    let make = asked.choose(&TARGETS)?;
    asked.try_all("pages", |seed| {
        let case = make(&mut Random::new(seed));
        caught(|| promises::check(&asked.target, &case)).map_err(|what| format!("{what}\n{case}"))
    })
}
