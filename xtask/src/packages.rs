//! Programs that tests talk to: Debian's packages, installed when they are missing.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{succeed, works};

/// Program, package, and what shows that it is there.
const PROGRAMS: [(&str, &str, &str); 2] =
    [("/usr/sbin/nats-server", "nats-server", "--version"), ("kcat", "kcat", "-V")];

/// Installs what is missing.
pub(crate) fn install() -> Result<()> {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, package, asked)| !is_here(program, asked) && !is_here(package, asked))
        .map(|(_, package, _)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    eprintln!("xtask: {names} missing; installing (once)");
    let done = succeed(apt(&["update"])).and_then(|()| {
        let mut install = apt(&["install", "--yes", "--no-install-recommends"]);
        install.args(&missing);
        succeed(install)
    });
    done.with_context(|| {
        format!("the tests of `nats:` and `kafka:` sinks need {names}: `apt-get install {names}`")
    })
}

fn is_here(program: &str, asked: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(asked);
    works(command)
}

fn apt(args: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    command
}
