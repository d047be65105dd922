//! Our signatures against the official Standard Webhooks libraries for Python and JavaScript, in
//! both directions: what `forward` signs they verify, and what they sign `pagewire verify` does.
//!
//! The libraries come from their registries, at the versions and checksums in `xtask/official`, and
//! are kept in a folder below the build's.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock;
use crate::command::{root, target_dir, works};
use crate::test;

/// Where versions, checksums and checks stand, below the workspace.
const OURS: &str = "xtask/official";
/// Longest that a registry may take; a usual one takes seconds.
const INSTALLING: Duration = Duration::from_secs(180);
/// Longest that the checks of one language may take; they take a few seconds.
pub(crate) const CHECKING: Duration = Duration::from_secs(300);
/// How often a child is looked after.
const TICK: Duration = Duration::from_millis(50);

const WAY_OUT: &str = "leave out the steps that need it with `--without-official`";

/// Installs what is missing and runs both checks.
pub(crate) fn run() -> Result<()> {
    test::build()?;
    let (ours, kept) = (root().join(OURS), target_dir().join("official"));
    let binaries = target_dir().join("debug");
    let (sign, pagewire) = (binaries.join("examples/sign"), binaries.join("pagewire"));

    tools_are_here()?;
    let python = kept.join("python");
    install(&python, &ours, &["requirements.txt"], pip)?;
    let mut check = Command::new("python3");
    check.arg(ours.join("check.py")).args([&sign, &pagewire]);
    check.env("PYTHONPATH", &python).env("PYTHONDONTWRITEBYTECODE", "1");
    within(CHECKING, check)?;

    let javascript = kept.join("javascript");
    install(&javascript, &ours, &["package.json", "package-lock.json"], npm)?;
    let mut check = Command::new("node");
    check.arg(ours.join("check.cjs")).args([&sign, &pagewire]).current_dir(&javascript);
    within(CHECKING, check)
}

fn tools_are_here() -> Result<()> {
    python_is_here()?;
    is_here("node", &["--version"], "nodejs")?;
    is_here("npm", &["--version"], "npm")
}

/// Whether Python and its installer work.
pub(crate) fn python_is_here() -> Result<()> {
    is_here("python3", &["-m", "pip", "--version"], "python3-pip")
}

fn is_here(tool: &str, args: &[&str], package: &str) -> Result<()> {
    let mut asked = Command::new(tool);
    asked.args(args);
    if !works(asked) {
        bail!(
            "`{tool} {}` does not work: install it (Debian's package is {package}), or {WAY_OUT}",
            args.join(" ")
        );
    }
    Ok(())
}

/// Has `install` put into `dir` what the files `lists` of `ours` name, unless it is there already.
pub(crate) fn install(
    dir: &Path,
    ours: &Path,
    lists: &[&str],
    command: fn(dir: &Path) -> Command,
) -> Result<()> {
    let mut wanted = String::new();
    for list in lists {
        let path = ours.join(list);
        wanted.push_str(
            &fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?,
        );
    }
    // Written last: an installation that was cut short is begun anew.
    let seal = dir.join("installed");
    if fs::read_to_string(&seal).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    let failed = || format!("cannot prepare {}", dir.display());
    fs::create_dir_all(dir).with_context(failed)?;
    for list in lists {
        fs::copy(ours.join(list), dir.join(list)).with_context(failed)?;
    }
    within(INSTALLING, command(dir)).with_context(|| {
        format!(
            "what is asked for could not be installed: is its registry in reach? If not, {WAY_OUT}"
        )
    })?;
    fs::write(&seal, wanted).with_context(failed)
}

pub(crate) fn pip(dir: &Path) -> Command {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--timeout", "30", "--retries", "2", "--no-deps", "--require-hashes"]);
    // In a container we are root, and what is installed below --target concerns no system.
    pip.env("PIP_ROOT_USER_ACTION", "ignore");
    pip.arg("--target").arg(dir).arg("--requirement").arg(dir.join("requirements.txt"));
    pip
}

fn npm(dir: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.args(["--fetch-timeout=30000", "--fetch-retries=2"]).current_dir(dir);
    npm
}

/// Runs `command` to its end with our own output; an error unless it succeeds in time.
pub(crate) fn within(limit: Duration, mut command: Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child =
        command.stdin(Stdio::null()).spawn().with_context(|| format!("cannot start `{name}`"))?;
    match ended(limit, &mut child) {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => bail!("`{name}` failed ({status})"),
        Ok(None) => {
            // Best effort: it is past its time either way.
            let _ = child.kill();
            let _ = child.wait();
            bail!("`{name}` did not end within {} s", limit.as_secs())
        }
        Err(error) => Err(error).with_context(|| format!("cannot wait for `{name}`")),
    }
}

/// How it ended; `None` when it has not by then.
fn ended(limit: Duration, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
    let begun = clock::now();
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if begun.elapsed() > limit => return Ok(None),
            None => sleep(TICK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn what_takes_too_long_is_ended_and_named() {
        let error = within(Duration::ZERO, shell("exec sleep 600")).expect_err("it hangs");
        assert!(error.to_string().contains("did not end"), "{error}");
        let error = within(CHECKING, shell("exit 3")).expect_err("it fails");
        assert!(error.to_string().contains('3'), "{error}");
        within(CHECKING, shell("true")).expect("it succeeds");
    }

    #[test]
    fn an_installation_is_made_once_and_anew_when_it_was_cut_short_or_is_another() {
        let dir = tempfile::tempdir().expect("a directory");
        let (ours, to) = (dir.path().join("ours"), dir.path().join("to"));
        fs::create_dir(&ours).expect("a directory");
        let list = |text| fs::write(ours.join("list"), text).expect("it is written");
        // Adds a line each time it runs.
        let works = |dir: &Path| {
            let mut adds = shell("echo >> ../runs");
            adds.current_dir(dir);
            adds
        };
        let runs = || fs::read(dir.path().join("runs")).map_or(0, |lines| lines.len());
        list("a 1");
        install(&to, &ours, &["list"], |_| shell("exit 1")).expect_err("it fails");
        for expected in [1, 1] {
            install(&to, &ours, &["list"], works).expect("it is installed");
            assert_eq!(runs(), expected);
        }
        list("a 2");
        install(&to, &ours, &["list"], works).expect("it is installed");
        assert_eq!(runs(), 2);
        assert_eq!(fs::read_to_string(to.join("list")).expect("it is copied"), "a 2");
    }
}
