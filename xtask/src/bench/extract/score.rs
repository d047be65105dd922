//! Quality on labelled pages, by a scorer that is given.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::ours::Ours;
use super::pages::Pages;
use crate::command::output;

/// Writes `OUT/<set>.json` of all pages and has the scorer read it.
pub(super) fn run(ours: &Ours, pages: &Pages, scorer: &Path, scratch: &Path) -> Result<()> {
    let out = scratch.join("answers");
    fs::create_dir_all(&out)?;
    let mut sets: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    let lines = ours.lines(&pages.list)?;
    let by_path: BTreeMap<_, _> =
        lines.iter().filter_map(|line| Some((line["input"].as_str()?, line))).collect();
    for page in &pages.list {
        let found = by_path.get(page.path.to_string_lossy().as_ref());
        let (Some(line), Some(set)) = (found, page.set()) else { continue };
        sets.entry(set).or_default().insert(page.id(), answer(line));
    }
    for (set, answers) in &sets {
        fs::write(out.join(format!("{set}.json")), serde_json::to_vec(answers)?)?;
    }
    let mut score = Command::new("python3");
    score.arg(scorer).arg(&pages.dir).arg(&out);
    let text = output(score).context("the scorer needs python3")?;
    println!("{}", String::from_utf8_lossy(&text));
    Ok(())
}

fn answer(line: &Value) -> Value {
    let page = &line["page"];
    let date = page["published"].as_str().or(page["modified"].as_str());
    json!({
        "text": line["text"],
        "markdown": line["markdown"],
        "title": line["title"],
        "author": page.get("authors").unwrap_or(&page["author"]),
        "date": date,
    })
}
