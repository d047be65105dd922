//! Running cargo and its friends.

use std::env;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Beginnings of the variables that cargo sets for a program that it runs.
const OURS: [&str; 6] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_CRATE_NAME",
    "CARGO_BIN_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "OUT_DIR",
];

/// The workspace's root directory.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in the workspace")
}

/// Where cargo builds to: this program stands in `TARGET/PROFILE/`, however that was set.
pub(crate) fn target_dir() -> PathBuf {
    let here = env::current_exe().ok();
    let dir = here.as_deref().and_then(Path::parent).and_then(Path::parent);
    dir.map_or_else(|| root().join("target"), Path::to_owned)
}

/// The cargo that started us, in the workspace's root.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    // `cargo run` tells us of our own package. Handed on, that would be taken for a change of the
    // environment by build scripts that watch it (ring's does), and everything above them would be
    // built anew whenever somebody changes between `cargo` and `cargo xtask`.
    for (name, _) in env::vars_os() {
        if OURS.iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs `command` to its end with our own output; an error unless it succeeds.
pub(crate) fn succeed(mut command: Command) -> Result<()> {
    let name = describe(&command);
    let status = command.status().with_context(|| format!("cannot start `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

/// What `command` prints on standard output; an error unless it succeeds.
pub(crate) fn output(mut command: Command) -> Result<Vec<u8>> {
    let name = describe(&command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{name}`"))?;
    if !output.status.success() {
        bail!("`{name}` failed ({})", output.status);
    }
    Ok(output.stdout)
}

/// Whether `command` can be started and succeeds; it prints nothing.
pub(crate) fn works(mut command: Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs `command`, passing its standard error through line by line, and hands back the lines
/// that `keep` picks, so that they can be shown again at the end.
pub(crate) fn succeed_keeping(
    mut command: Command,
    keep: impl Fn(&str) -> bool,
) -> Result<Vec<String>> {
    let name = describe(&command);
    let mut child =
        command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot start `{name}`"))?;
    let lines = child.stderr.take().map(|pipe| BufReader::new(pipe).split(b'\n'));
    let mut kept = Vec::new();
    let mut out = std::io::stderr().lock();
    for line in lines.into_iter().flatten() {
        let line = line.with_context(|| format!("cannot read the output of `{name}`"))?;
        let line = String::from_utf8_lossy(&line);
        // A closed terminal is no reason to stop testing.
        let _ = writeln!(out, "{line}");
        if keep(&plain(&line)) {
            kept.push(plain(&line));
        }
    }
    drop(out);
    let status = child.wait().with_context(|| format!("cannot wait for `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed ({status}) {}", kept.join("; ").trim());
    }
    Ok(kept)
}

/// `always` when people are watching: a child that writes to a pipe cannot see that itself.
pub(crate) fn colour() -> &'static str {
    if std::io::stderr().is_terminal() { "always" } else { "auto" }
}

/// The line without its terminal colours (ECMA-48 CSI sequences).
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            let _ = chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(c);
        }
    }
    out
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text =
        program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(plain("\u{1b}[32;1m Summary\u{1b}[0m 3 passed"), " Summary 3 passed");
    }

    #[test]
    fn lines_are_kept_and_a_failure_names_the_command() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo one >&2; echo two >&2"]);
        let kept = succeed_keeping(shell, |line| line == "two").expect("it succeeds");
        assert_eq!(kept, ["two"]);

        let mut shell = Command::new("sh");
        shell.args(["-c", "exit 3"]);
        let error = succeed(shell).expect_err("it fails").to_string();
        assert!(error.contains("sh -c exit 3") && error.contains('3'), "{error}");
    }
}
