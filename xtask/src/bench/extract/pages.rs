//! The pages that are measured: `DIR/<set>/pages/<id>.html`, with their addresses in
//! `DIR/<set>/truth.json` where there is one; or any HTML files below a directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Stands for an address that is not known.
const NOWHERE: &str = "https://page.invalid/";

/// One page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) path: PathBuf,
    pub(super) url: String,
    pub(super) bytes: u64,
}

impl Page {
    /// The set and the id, for tables.
    pub(super) fn name(&self) -> String {
        let id = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let set = self.set().unwrap_or_default();
        format!("{set} {}", id.chars().take(28).collect::<String>())
    }

    /// The directory above `pages`.
    pub(super) fn set(&self) -> Option<String> {
        let set = self.path.parent()?.parent()?.file_name()?;
        Some(set.to_string_lossy().into_owned())
    }

    /// The file's name without its end.
    pub(super) fn id(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// All of them, in a fixed order.
pub(super) struct Pages {
    pub(super) dir: PathBuf,
    pub(super) list: Vec<Page>,
}

impl Pages {
    /// # Errors
    /// The directory cannot be read, or there is no page below it.
    pub(super) fn below(dir: &Path) -> Result<Self> {
        let mut list = Vec::new();
        let mut open = vec![dir.to_owned()];
        while let Some(dir) = open.pop() {
            let addresses = addresses(&dir)?;
            let entries =
                fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|end| end == "html" || end == "htm") {
                    let id = path.file_stem().unwrap_or_default().to_string_lossy();
                    let url = addresses.get(id.as_ref()).cloned();
                    let url = url.unwrap_or_else(|| NOWHERE.to_owned());
                    let bytes = fs::metadata(&path)?.len();
                    list.push(Page { path, url, bytes });
                }
            }
        }
        if list.is_empty() {
            bail!("no .html file below {}", dir.display());
        }
        list.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { dir: dir.to_owned(), list })
    }

    /// The largest first.
    pub(super) fn largest(&self, most: usize) -> Vec<&Page> {
        let mut pages: Vec<&Page> = self.list.iter().collect();
        pages.sort_by_key(|page| std::cmp::Reverse(page.bytes));
        pages.truncate(most);
        pages
    }
}

/// The addresses of the pages in `dir`, by id.
fn addresses(dir: &Path) -> Result<BTreeMap<String, String>> {
    let Some(truth) = dir.parent().map(|set| set.join("truth.json")).filter(|path| path.is_file())
    else {
        return Ok(BTreeMap::new());
    };
    let truth: BTreeMap<String, Value> = serde_json::from_slice(&fs::read(&truth)?)
        .with_context(|| format!("{} is no object of pages", truth.display()))?;
    let web = |entry: &Value| {
        let url = entry["url"].as_str().filter(|url| url.starts_with("http"))?;
        Some(url.to_owned())
    };
    Ok(truth.into_iter().filter_map(|(id, entry)| Some((id, web(&entry)?))).collect())
}
