//! The flags as a page of documentation, and their values as they are in force.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use url::Url;

use crate::check::check;
use crate::cli::{Cli, Options, settings};
use crate::exit::Failure;
use crate::{descriptors, logs};

/// Flags whose values are never printed.
const SECRET: [&str; 2] = ["api_key", "secret"];
/// Flags whose values are found out when they are not given.
const FITTED: [&str; 2] = ["fetch_concurrency", "cpu_threads"];

/// `pagewire config`: the reference, or the values in force once they are found to fit together.
///
/// # Errors
/// The values do not fit together.
pub(crate) fn print(
    options: &Options,
    matches: &ArgMatches,
    as_markdown: bool,
) -> Result<(), Failure> {
    let command = Cli::parser();
    if as_markdown {
        write(&markdown(&command));
        return Ok(());
    }
    let settings = check(options, descriptors::raise_limit());
    let fitted = |flag: &str| {
        let settings = settings.as_ref().ok()?;
        match flag {
            "fetch_concurrency" => Some(settings.shares.fetches.to_string()),
            "cpu_threads" => Some(settings.scrape.threads().to_string()),
            _ => None,
        }
    };
    write(&in_force(&command, matches, fitted));
    logs::filter(&options.log).map_err(Failure::Usage)?;
    settings.map(drop)
}

/// To standard output. A reader that went away has read enough.
fn write(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// `docs/CONFIGURATION.md`: every flag with its environment variable, default and meaning.
fn markdown(command: &Command) -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         Made by `pagewire config --markdown`; a test holds it to the program.\n\n\
         Every flag has an environment variable; a flag wins over the environment. Durations are \
         written as `500ms`, `30s` or `1h30m`, sizes as `500KB`, `64MB` (10⁶) or `64MiB` (2²⁰). \
         Lists repeat the flag or use commas. `pagewire config` checks a configuration and prints \
         every value with where it came from.\n",
    );
    let mut heading = "";
    for arg in settings(command) {
        let own = arg.get_help_heading().unwrap_or_default();
        if own != heading {
            heading = own;
            let _ = write!(
                page,
                "\n## {heading}\n\n| flag | environment | default | meaning |\n| --- | --- | --- | --- |\n"
            );
        }
        let _ = writeln!(
            page,
            "| `{}` | `{}` | {} | {} |",
            spelled(arg),
            arg.get_env().unwrap_or_default().to_string_lossy(),
            default(arg),
            meaning(arg),
        );
    }
    getting(&mut page, command);
    page.push_str(
        "\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n\
         | 0 | stopped as asked; everything was printed |\n\
         | 1 | could not run: the port is taken, a part failed; or an input of `get` could not be had |\n\
         | 2 | a bad flag or environment variable |\n\
         | 74 | the store could not be opened, or failed for good |\n\
         | 130, 143 | a second SIGINT or SIGTERM cut the shutdown short |\n",
    );
    page
}

/// The part about `pagewire get`.
fn getting(page: &mut String, command: &Command) {
    let Some(get) = command.find_subcommand("get") else {
        return;
    };
    page.push_str(
        "\n## `pagewire get`\n\n\
         `pagewire get FILE|URL|- …` prints what is made of pages, one after the other, without a \
         server. URLs are fetched under the flags of *Fetching* above. What cannot be had is told on \
         standard error, the others are printed all the same.\n\n\
         | flag | default | meaning |\n| --- | --- | --- |\n",
    );
    let is_own = |arg: &&Arg| settings(command).all(|other| other.get_id() != arg.get_id());
    for arg in get.get_arguments().filter(|arg| arg.get_long().is_some()).filter(is_own) {
        let spelled = if takes_value(arg) { spelled(arg) } else { spelled_short(arg) };
        let default = if takes_value(arg) { default(arg) } else { "–".to_owned() };
        let _ = writeln!(page, "| `{spelled}` | {default} | {} |", meaning(arg));
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// The values in force, one a line with its source; secrets are not shown. `fitted` says what a
/// flag that was not given came to.
fn in_force(
    command: &Command,
    matches: &ArgMatches,
    fitted: impl Fn(&str) -> Option<String>,
) -> String {
    let rows: Vec<_> = settings(command)
        .map(|arg| (spelled_short(arg), value(arg, matches, &fitted), source(arg, matches)))
        .collect();
    let width = |column: fn(&(String, String, String)) -> &String| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0).min(40)
    };
    let (flags, values) = (width(|r| &r.0), width(|r| &r.1));
    rows.iter().fold(String::new(), |mut page, (flag, value, source)| {
        let _ = writeln!(page, "{flag:flags$}  {value:values$}  {source}");
        page
    })
}

fn spelled_short(arg: &Arg) -> String {
    format!("--{}", arg.get_long().unwrap_or_default())
}

fn spelled(arg: &Arg) -> String {
    let value = arg.get_value_names().and_then(|names| names.first());
    format!("{} {}", spelled_short(arg), value.map_or("", |name| name.as_str()))
}

fn default(arg: &Arg) -> String {
    let values: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    match values.as_slice() {
        [] if FITTED.contains(&arg.get_id().as_str()) => "fitted".to_owned(),
        [] => "–".to_owned(),
        values => format!("`{}`", values.join(",")),
    }
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let mut text = help.map(ToString::to_string).unwrap_or_default();
    // The flag parser takes away the last full stop.
    text.push('.');
    let possible = if takes_value(arg) { arg.get_possible_values() } else { Vec::new() };
    let choices: Vec<_> =
        possible.iter().map(|choice| format!("`{}`", choice.get_name())).collect();
    if !choices.is_empty() {
        let _ = write!(text, " One of {}.", choices.join(", "));
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn value(arg: &Arg, matches: &ArgMatches, fitted: &impl Fn(&str) -> Option<String>) -> String {
    let id = arg.get_id().as_str();
    let raw: Vec<_> = saying(id, matches)
        .get_raw(id)
        .map(|values| values.map(|v| v.to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    if raw.is_empty() {
        return fitted(id).unwrap_or_else(|| "–".to_owned());
    }
    if SECRET.contains(&id) {
        return format!("[{} hidden]", raw.len());
    }
    raw.iter().map(|text| shown(text)).collect::<Vec<_>>().join(",")
}

/// The text, without credentials and query when it is a URL.
fn shown(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.has_host() => crate::stages::without_secrets(&url),
        _ => text.to_owned(),
    }
}

/// What was said after the subcommand, where it was said there; otherwise what was said before it.
fn saying<'m>(id: &str, matches: &'m ArgMatches) -> &'m ArgMatches {
    let own = matches.subcommand().map(|(_, own)| own);
    own.filter(|own| matches!(own.try_contains_id(id), Ok(true))).unwrap_or(matches)
}

fn source(arg: &Arg, matches: &ArgMatches) -> String {
    let id = arg.get_id().as_str();
    match saying(id, matches).value_source(id) {
        Some(ValueSource::CommandLine) => "flag".to_owned(),
        Some(ValueSource::EnvVariable) => {
            arg.get_env().unwrap_or_default().to_string_lossy().into_owned()
        }
        Some(_) => "default".to_owned(),
        None if FITTED.contains(&arg.get_id().as_str()) => "fitted".to_owned(),
        None => "not set".to_owned(),
    }
}
