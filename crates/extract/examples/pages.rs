//! Runs the extractor over folders of pages, for scoring.
//!
//! `pages score PAGES OUT`: for each set below PAGES (`<set>/truth.json`, `<set>/pages/<id>.html`)
//! writes `OUT/<set>.json`: `{id: {text, title, author, date, markdown}}`.
//!
//! With the cargo feature `training`, for `training/`:
//!
//! `pages features PAGES OUT`: writes `OUT/names.json`, `OUT/blocks.jsonl` (a page each line) and
//! `OUT/features.u8` (a row each block, in the same order).
//!
//! `pages context PAGES SCORES OUT`: reads the first stage's scores of all blocks (32-bit little
//! endian) and writes `OUT/context.u8`, what the second stage sees beside the features.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use extract::{Options, extract};
use serde_json::{Value, json};
use url::Url;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["score", pages, out] => score(Path::new(pages), Path::new(out)),
        #[cfg(feature = "training")]
        ["features", pages, out] => samples::features(Path::new(pages), Path::new(out)),
        #[cfg(feature = "training")]
        ["context", pages, scores, out] => {
            samples::context(Path::new(pages), Path::new(scores), Path::new(out))
        }
        _ => Err("usage: pages score PAGES OUT".into()),
    }
}

fn score(pages: &Path, out: &Path) -> Result<()> {
    fs::create_dir_all(out)?;
    for set in sets(pages)? {
        let folder = pages.join(&set);
        let mut answers = BTreeMap::new();
        for (id, url) in truth(&folder)? {
            let bytes = fs::read(folder.join("pages").join(format!("{id}.html")))?;
            answers.insert(id, answer(&bytes, &url));
        }
        fs::write(out.join(format!("{set}.json")), serde_json::to_vec(&answers)?)?;
    }
    Ok(())
}

fn answer(bytes: &[u8], url: &Url) -> Value {
    let page = extract(bytes, Some("text/html"), url, &Options::default());
    let metadata = page.metadata.unwrap_or_default();
    json!({
        "text": page.text,
        "title": page.title,
        "author": metadata.authors,
        "date": metadata.published.or(metadata.modified),
        "markdown": page.markdown,
        "sources": metadata.sources,
    })
}

/// The folders that have a `truth.json`.
fn sets(pages: &Path) -> Result<Vec<String>> {
    let mut sets = Vec::new();
    for entry in fs::read_dir(pages)? {
        let path = entry?.path();
        if path.join("truth.json").is_file()
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            sets.push(name.to_owned());
        }
    }
    sets.sort();
    Ok(sets)
}

/// The pages of a set with their addresses; pages without a usable one get a neutral one.
fn truth(folder: &Path) -> Result<Vec<(String, Url)>> {
    let truth: BTreeMap<String, Value> =
        serde_json::from_slice(&fs::read(folder.join("truth.json"))?)?;
    let neutral = Url::parse("https://page.invalid/")?;
    Ok(truth
        .into_iter()
        .map(|(id, entry)| {
            let url = entry["url"].as_str().and_then(|url| Url::parse(url).ok());
            let url = url.filter(|url| url.has_host()).unwrap_or_else(|| neutral.clone());
            (id, url)
        })
        .collect())
}

#[cfg(feature = "training")]
mod samples {
    use std::fs::{self, File};
    use std::io::{BufWriter, Write};
    use std::path::Path;

    use extract::training;
    use serde_json::json;

    use super::{Result, sets, truth};

    pub(super) fn features(pages: &Path, out: &Path) -> Result<()> {
        fs::create_dir_all(out)?;
        let [stage1, stage2] = training::names();
        let names = json!({ "stage1": stage1, "stage2": stage2 });
        fs::write(out.join("names.json"), serde_json::to_vec(&names)?)?;
        let mut lines = BufWriter::new(File::create(out.join("blocks.jsonl"))?);
        let mut rows = BufWriter::new(File::create(out.join("features.u8"))?);
        for set in sets(pages)? {
            let folder = pages.join(&set);
            for (id, url) in truth(&folder)? {
                let bytes = fs::read(folder.join("pages").join(format!("{id}.html")))?;
                let sample = training::sample(&bytes, Some("text/html"), &url, None);
                let blocks: Vec<_> = sample
                    .blocks
                    .into_iter()
                    .map(|b| json!({ "text": b.text, "hidden": b.hidden, "path": b.path }))
                    .collect();
                let line = json!({ "set": set, "id": id, "url": url, "blocks": blocks });
                serde_json::to_writer(&mut lines, &line)?;
                lines.write_all(b"\n")?;
                rows.write_all(&sample.rows)?;
            }
        }
        lines.flush()?;
        rows.flush()?;
        Ok(())
    }

    pub(super) fn context(pages: &Path, scores: &Path, out: &Path) -> Result<()> {
        fs::create_dir_all(out)?;
        let bytes = fs::read(scores)?;
        let mut scores = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let mut rows = BufWriter::new(File::create(out.join("context.u8"))?);
        for set in sets(pages)? {
            let folder = pages.join(&set);
            for (id, url) in truth(&folder)? {
                let bytes = fs::read(folder.join("pages").join(format!("{id}.html")))?;
                let mut next = |count: usize| scores.by_ref().take(count).collect();
                let sample = training::sample(&bytes, Some("text/html"), &url, Some(&mut next));
                rows.write_all(&sample.rows)?;
            }
        }
        rows.flush()?;
        Ok(())
    }
}
