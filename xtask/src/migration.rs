//! Clients of others against the real binary: Firecrawl's official Python library, and the calls
//! that ScraperAPI documents, with nothing changed but the address.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command::{root, target_dir};
use crate::official::{CHECKING, install, within};
use crate::test;

/// Where versions and checks stand, below the workspace.
const OURS: &str = "xtask/official/migration";

/// Installs the library if it is missing, and runs the checks.
pub(crate) fn run() -> Result<()> {
    test::build()?;
    let (ours, kept) = (root().join(OURS), target_dir().join("official/migration"));
    install(&kept, &ours, &["requirements.txt"], pip)?;
    let mut check = Command::new("python3");
    check.arg(ours.join("check.py")).arg(target_dir().join("debug/pagewire"));
    check.env("PYTHONPATH", &kept).env("PYTHONDONTWRITEBYTECODE", "1");
    within(CHECKING, check)
}

/// Versions without checksums: some of what the library needs is built for each machine.
fn pip(dir: &Path) -> Command {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--timeout", "30", "--retries", "2", "--no-deps"]);
    // In a container we are root, and what is installed below --target concerns no system.
    pip.env("PIP_ROOT_USER_ACTION", "ignore");
    pip.arg("--target").arg(dir).arg("--requirement").arg(dir.join("requirements.txt"));
    pip
}
