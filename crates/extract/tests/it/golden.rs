//! Pages and what becomes of them. `UPDATE_GOLDEN=1` writes the expectations anew; read the
//! difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::round_trip::{forms, whole};
use crate::shown::{shown, words};

/// So many constructs are promised to have a page of their own.
const LEAST_PAGES: usize = 40;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

#[test]
fn golden_pages() {
    let mut pages = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "html") {
            pages += 1;
            let name = path.file_stem().unwrap().to_str().unwrap();
            let made = whole(&fs::read(&path).unwrap(), name);
            let (markdown, text) = forms(made);
            if shown(&markdown) != words(&text) {
                wrong.push(format!(
                    "{name} shows {}\ninstead of {}",
                    shown(&markdown),
                    words(&text)
                ));
            }
            wrong.extend(compare(&path.with_extension("md"), &markdown));
            wrong.extend(compare(&path.with_extension("txt"), &(text + "\n")));
        }
    }
    assert!(pages >= LEAST_PAGES, "only {pages} pages in {}", folder().display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn compare(path: &Path, made: &str) -> Option<String> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, made).expect("the folder is in the repository");
        return None;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    (expected != made).then(|| format!("--- {}\n{expected}\n+++ made\n{made}", path.display()))
}
