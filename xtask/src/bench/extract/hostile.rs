//! Pages that are made to be slow: ten times as much of them may not take much more than ten times
//! as long.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::ours::Ours;
use super::{MOST_TIMES, Took};
use crate::units::grouped;

/// The better of so many runs counts: others use this machine too.
const RUNS: usize = 5;
/// Below this a time is mostly noise.
const LEAST_US: u64 = 200;

/// One kind of page, of any length.
struct Case {
    name: &'static str,
    /// How often the unit stands in the smaller page; ten times as often in the larger.
    count: usize,
    before: &'static str,
    unit: Unit,
    after: &'static str,
    /// A selector's regular expression to be run over it.
    regex: Option<&'static str>,
}

enum Unit {
    Same(&'static [u8]),
    /// With its number in the place of `#`.
    Numbered(&'static str),
}

const fn case(name: &'static str, count: usize, unit: &'static str) -> Case {
    let unit = Unit::Same(unit.as_bytes());
    Case { name, count, before: "<body>", unit, after: "", regex: None }
}

fn cases() -> Vec<Case> {
    vec![
        case("nested elements", 100_000, "<div>"),
        Case { after: "x", ..case("nested, with text", 100_000, "<div>a") },
        case("nested lists", 100_000, "<ul><li>x"),
        case("nested tables", 100_000, "<table><tr><td>"),
        case("unclosed tags", 100_000, "<p><b><a href=x>y"),
        case("end tags without begin", 100_000, "</p></div></b>"),
        case("one text node", 5_000_000, "a"),
        case("words", 1_000_000, "word "),
        case("siblings", 100_000, "<p>x</p>"),
        case("siblings in line", 100_000, "<span>x</span> "),
        Case {
            before: "<p",
            unit: Unit::Numbered(" a#=v"),
            after: ">x",
            ..case("attributes", 100_000, "")
        },
        Case { before: "<p", after: ">x", ..case("the same attribute", 100_000, " href=y") },
        Case { unit: Unit::Numbered("<a href=/#>l#</a> "), ..case("links", 100_000, "") },
        Case { unit: Unit::Same(b"\0"), ..case("NULs", 5_000_000, "") },
        Case { unit: Unit::Same(b"\xff\xc3"), ..case("invalid UTF-8", 2_500_000, "") },
        Case { before: "<p>&#", after: ";", ..case("one huge reference", 5_000_000, "1") },
        case("references", 500_000, "&notin;&#x1f600;&amp"),
        case("less-than signs", 1_000_000, "<"),
        case("open tags", 500_000, "<a "),
        Case { before: "<!--", ..case("unclosed comment", 1_000_000, "--") },
        Case { before: "<script>", ..case("unclosed script", 100_000, "</scrip<!--") },
        Case { before: "<pre>", ..case("backticks", 500_000, "`` `") },
        Case {
            before: "<script type=application/ld+json>",
            after: "</script>",
            ..case("JSON-LD", 100_000, "[{\"a\":")
        },
        case("table cells", 100_000, "<table><tr><td colspan=60>x"),
        case("emphasis", 100_000, "<b>a<i>b</b>c</i>"),
        Case { regex: Some("(a+a+)+b"), ..case("bait for regular expressions", 100_000, "a") },
    ]
}

impl Case {
    fn page(&self, times: usize) -> Vec<u8> {
        let mut page = self.before.as_bytes().to_vec();
        for at in 0..self.count * times {
            match self.unit {
                Unit::Same(bytes) => page.extend_from_slice(bytes),
                Unit::Numbered(text) => page.extend(text.replace('#', &at.to_string()).bytes()),
            }
        }
        page.extend_from_slice(self.after.as_bytes());
        page
    }
}

/// Every case in both sizes; what is out of bounds.
pub(super) fn run(ours: &Ours, scratch: &Path, as_json: bool) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    if !as_json {
        println!(
            "{:<30} {:>12} {:>10} {:>10} {:>7}",
            "hostile page", "bytes", "ms", "ms, ×10", "times"
        );
    }
    for case in cases() {
        let (small, large) =
            (measure(ours, scratch, &case, 1)?, measure(ours, scratch, &case, 10)?);
        let times = ratio(small, large);
        if as_json {
            let line = serde_json::json!({
                "scenario": "extract hostile", "page": case.name, "bytes": small.bytes,
                "small_us": small.cpu_us, "large_us": large.cpu_us, "times": times,
            });
            println!("{line}");
        } else {
            println!(
                "{:<30} {:>12} {:>10.1} {:>10.1} {times:>7.1}",
                case.name,
                grouped(small.bytes),
                ms(small),
                ms(large)
            );
        }
        if times > MOST_TIMES {
            broken
                .push(format!("{}: ten times the page takes {times:.1} times as long", case.name));
        }
    }
    Ok(broken)
}

#[expect(clippy::cast_precision_loss, reason = "times are far below 2^52 µs")]
fn ms(took: Took) -> f64 {
    took.cpu_us as f64 / 1_000.0
}

/// How many times as long ten times the page takes. Where the longer page is not quite ten times as
/// long (numbers have more digits in it), its time counts by its length.
#[expect(clippy::cast_precision_loss, reason = "times are far below 2^52 µs")]
fn ratio(small: Took, large: Took) -> f64 {
    let longer = large.bytes.max(1) as f64 / small.bytes.max(1) as f64;
    large.cpu_us as f64 / small.cpu_us.max(LEAST_US) as f64 / longer * 10.0
}

/// The best of some runs, for one time through the page.
fn measure(ours: &Ours, scratch: &Path, case: &Case, times: usize) -> Result<Took> {
    let path = scratch.join("hostile.html");
    fs::write(&path, case.page(times)).context("cannot write a page")?;
    let mut more = Vec::new();
    if let Some(regex) = case.regex {
        let select = scratch.join("select.json");
        let field = serde_json::json!({"bait": {"css": "body", "regex": regex}});
        fs::write(&select, field.to_string())?;
        more.push(format!("--select-json={}", select.display()));
    }
    let mut best: Option<Took> = None;
    for _ in 0..RUNS {
        let took = ours.file(&path, &more)?;
        if best.is_none_or(|best| took.cpu_us < best.cpu_us) {
            best = Some(took);
        }
    }
    fs::remove_file(&path)?;
    best.context("there was no run")
}
