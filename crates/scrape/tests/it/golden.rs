//! Pages and what becomes of them. `UPDATE_GOLDEN=1` writes the expectations anew; read the
//! difference before committing it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use scrape::{Extracted, Formats, extract};

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
            let url = format!("https://site.example/dir/{name}").parse().unwrap();
            let made = extract(&fs::read(&path).unwrap(), Some("text/html"), &url, Formats::ALL);
            let facts = facts(&made);
            for (extension, made) in [
                ("md", made.markdown.unwrap()),
                ("txt", made.text.unwrap() + "\n"),
                ("facts", facts),
            ] {
                wrong.extend(compare(&path.with_extension(extension), &made));
            }
        }
    }
    assert!(pages >= 8, "only {pages} pages in {}", folder().display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn facts(made: &Extracted) -> String {
    let mut facts = format!("title: {}\n", made.title.as_deref().unwrap_or("-"));
    let metadata = serde_json::to_value(made.metadata.as_ref().unwrap()).unwrap();
    for (key, value) in metadata.as_object().unwrap() {
        writeln!(facts, "{key}: {}", value.as_str().unwrap()).unwrap();
    }
    for link in made.links.as_ref().unwrap() {
        let rel = link.rel.as_deref().map(|rel| format!(" ({rel})")).unwrap_or_default();
        writeln!(facts, "link: {} | {}{rel}", link.url, link.text).unwrap();
    }
    facts
}

fn compare(path: &Path, made: &str) -> Option<String> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, made).unwrap();
        return None;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    (expected != made).then(|| {
        format!("--- {}\n{expected}\n+++ made\n{made}", path.file_name().unwrap().display())
    })
}
