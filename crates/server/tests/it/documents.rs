//! Documents that would go stale in silence are held to the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn configuration_reference_is_current() {
    let printed = Command::new(env!("CARGO_BIN_EXE_pagewire"))
        .args(["config", "--markdown"])
        .env_clear()
        .output()
        .unwrap();
    assert!(printed.status.success());
    let kept = fs::read_to_string(root().join("docs/CONFIGURATION.md")).unwrap();
    let remedy = "run: cargo run -- config --markdown > docs/CONFIGURATION.md";
    assert!(kept == String::from_utf8(printed.stdout).unwrap(), "{remedy}");
}

#[test]
fn every_guarantee_names_a_test_that_exists() {
    let page = fs::read_to_string(root().join("docs/GUARANTEES.md")).unwrap();
    let promised = test_names(&page);
    assert!(promised.len() >= 6, "the page promises next to nothing: {promised:?}");
    let mut known = BTreeSet::new();
    for dir in ["crates", "tests", "xtask"] {
        words_of_sources(&root().join(dir), &mut known);
    }
    let missing: Vec<_> = promised.difference(&known).collect();
    assert!(missing.is_empty(), "docs/GUARANTEES.md names tests that do not exist: {missing:?}");
}

#[test]
fn names_are_read_from_backticks() {
    let page = "| durable | `jobs::contract::an_accepted_job_survives`, `kill -9` | `a_b`\nsee `x`";
    let names: Vec<_> = test_names(page).into_iter().collect();
    assert_eq!(names, ["a_b", "an_accepted_job_survives"]);
    let mut known = BTreeSet::new();
    declared(
        "fn a_b() {}\ncontract! { an_accepted_job_survives, // c_d\n}\nlet e_f = g_h();",
        &mut known,
    );
    assert_eq!(known.into_iter().collect::<Vec<_>>(), ["a_b", "an_accepted_job_survives"]);
}

/// The backticked snake-case words, without the modules before them.
fn test_names(page: &str) -> BTreeSet<String> {
    page.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter_map(|quoted| quoted.rsplit("::").next())
        .filter(|word| word.contains('_') && word.chars().all(is_name))
        .map(str::to_owned)
        .collect()
}

const fn is_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

fn words_of_sources(dir: &Path, known: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            words_of_sources(&path, known);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            declared(&fs::read_to_string(&path).unwrap(), known);
        }
    }
}

/// Names of functions, and names listed alone on a line of a contract macro.
fn declared(source: &str, known: &mut BTreeSet<String>) {
    for line in source.lines() {
        let code = line.split("//").next().unwrap_or_default();
        if let Some((_, rest)) = code.split_once("fn ") {
            known.insert(rest.chars().take_while(|c| is_name(*c)).collect());
        }
        let listed = code.trim().trim_start_matches("contract! {").trim();
        for name in listed.split(',').map(str::trim) {
            if name.contains('_') && name.chars().all(is_name) {
                known.insert(name.to_owned());
            }
        }
    }
}
