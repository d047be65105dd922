//! What shells and `man` are told of the commands.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::exit::Failure;

/// The program's name.
const NAME: &str = "pagewire";

/// Prints what completes commands and flags in a shell.
pub(crate) fn completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::parser(), NAME, &mut script);
    write(&script);
}

/// Prints the manual page of a subcommand, or of the whole; or writes all of them into a directory.
///
/// # Errors
/// There is no such subcommand, or the directory cannot be written to.
pub(crate) fn print(path: &[String], out: Option<&Path>) -> Result<(), Failure> {
    if let Some(out) = out {
        let named = || format!("writing the manual to {}", out.display());
        fs::create_dir_all(out).with_context(named)?;
        clap_mangen::generate_to(Cli::parser(), out).with_context(named)?;
        return Ok(());
    }
    let mut command = Cli::parser();
    command.build();
    for name in path {
        let Some(below) = command.find_subcommand(name) else {
            return Err(Failure::Usage(format!(
                "man: there is no subcommand `{name}`: see `pagewire --help`"
            )));
        };
        command = below.clone();
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page).context("rendering the manual page")?;
    write(&page);
    Ok(())
}

/// To standard output. A reader that went away has read enough.
fn write(text: &[u8]) {
    let _ = std::io::stdout().lock().write_all(text);
}
