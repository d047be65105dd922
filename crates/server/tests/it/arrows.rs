//! Who may know whom (docs/ARCHITECTURE.md).

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::MetadataCommand;

/// Every workspace member and the members it may depend on, in whatever way.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("jobs", &[]),
    ("egress", &[]),
    ("extract", &[]),
    ("ingest", &["jobs"]),
    ("client", &["forward", "ingest", "jobs"]),
    ("scrape", &["egress", "extract"]),
    ("forward", &["egress"]),
    ("server", &["client", "egress", "forward", "harness", "ingest", "jobs", "scrape"]),
    ("harness", &[]),
    ("faultfs", &[]),
    ("xtask", &["harness"]),
];

#[test]
fn crates_know_only_whom_they_may() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let members: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let allowed: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    assert_eq!(members, allowed.keys().copied().collect(), "a member is not in the table");

    for package in &metadata.packages {
        let name = package.name.as_str();
        for dependency in &package.dependencies {
            let other = dependency.name.as_str();
            let fine = !members.contains(other) || allowed[name].contains(&other);
            assert!(fine, "{name} must not depend on {other}");
        }
    }
}
