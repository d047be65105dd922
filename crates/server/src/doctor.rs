//! `pagewire doctor`: looks at what a start depends upon, and says what to do. It changes nothing,
//! but opens the store as a start would.

mod disk;
mod net;

use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use tokio::runtime::Builder;

use self::net::Running;
use crate::check::{Settings, check};
use crate::cli::{self, ForwardTo, Options, RobotsRule, StoreKind};
use crate::descriptors::{self, Shares};
use crate::welcome::names_a_contact;

/// Before this nobody can run this version: 2026-11-01.
const EARLIEST_S: i64 = 1_793_491_200;
/// Nor, in all likelihood, after this: 2100-01-01.
const LATEST_S: i64 = 4_102_444_800;

/// What was found of one thing.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    check: &'static str,
    result: Verdict,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Finding {
    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: Verdict::Ok, detail: detail.into(), remedy: None }
    }

    fn warn(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { check, result: Verdict::Warn, detail: detail.into(), remedy }
    }

    fn fail(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { check, result: Verdict::Fail, detail: detail.into(), remedy }
    }
}

/// Looks at everything and prints what it found; the exit code is 1 when something is in the way.
pub(crate) fn run(options: &Options, as_json: bool) -> ExitCode {
    let findings = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let findings = runtime.block_on(examine(options));
            runtime.shutdown_background();
            findings
        }
        Err(error) => {
            let detail = format!("the runtime does not start: {error}");
            vec![Finding::fail("runtime", detail, "see to the limits of this process")]
        }
    };
    print(&findings, as_json);
    match findings.iter().any(|finding| finding.result == Verdict::Fail) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

async fn examine(options: &Options) -> Vec<Finding> {
    let descriptors = descriptors::raise_limit();
    let checked = check(options, descriptors);
    let mut findings = vec![configuration(checked.as_ref().map(drop).map_err(|f| f.message()))];
    findings.extend(environment());
    findings.push(files(options, checked.as_ref().ok(), descriptors));
    findings.push(clock());
    let in_use = options.store == StoreKind::Sqlite && disk::is_in_use(&options.data_dir);
    let running = match net::server_at(options.listen).await {
        // One that speaks TLS only does not say who it is; the directory does.
        Running::SomethingElse if in_use && options.tls_cert.is_some() => Running::Pagewire,
        running => running,
    };
    findings.push(net::port(options.listen, running));
    findings.extend(disk::data_directory(options, checked.as_ref().ok(), running));
    findings.push(net::names().await);
    if let Ok(settings) = &checked {
        findings.extend(net::sinks(settings).await);
    }
    findings.push(default_sink(options));
    findings.push(robots(options));
    findings.push(user_agent(options));
    findings.push(public_url(options));
    findings
}

fn configuration(checked: Result<(), String>) -> Finding {
    match checked {
        Ok(()) => Finding::ok("configuration", "the flags and variables fit together"),
        Err(why) => Finding::fail("configuration", why, "mend it: no server starts like this"),
    }
}

fn environment() -> Vec<Finding> {
    let unknown = cli::unknown_variables().into_iter();
    let warned = |name: String| {
        Finding::warn(
            "environment",
            format!("{name} sets nothing"),
            "it may be misspelt: see `pagewire --help`",
        )
    };
    unknown.map(warned).collect()
}

fn files(options: &Options, settings: Option<&Settings>, limit: u64) -> Finding {
    let connections = usize::try_from(options.max_connections).unwrap_or(usize::MAX);
    match settings.map(|settings| settings.shares) {
        None => Finding::ok("descriptors", format!("{limit} files may be open at once")),
        Some(Shares { connections: fitted, fetches, .. }) if fitted < connections => Finding::warn(
            "descriptors",
            format!("{limit} files may be open at once: {fetches} fetches, {fitted} connections"),
            "for more of each raise the limit: `ulimit -n 65536`, or LimitNOFILE= of systemd",
        ),
        Some(Shares { fetches, .. }) => Finding::ok(
            "descriptors",
            format!("{limit} files may be open at once: enough for {fetches} fetches"),
        ),
    }
}

fn clock() -> Finding {
    let now = jiff::Timestamp::now();
    let shown = now.strftime("%Y-%m-%dT%H:%M:%SZ");
    match (EARLIEST_S..LATEST_S).contains(&now.as_second()) {
        true => Finding::ok("clock", format!("{shown}")),
        false => Finding::fail(
            "clock",
            format!("it says {shown}: signatures and certificates depend on it"),
            "set it, and keep it right by NTP (`timedatectl set-ntp true`)",
        ),
    }
}

fn default_sink(options: &Options) -> Finding {
    match &options.forward_to {
        Some(ForwardTo::Named(name)) => Finding::ok("forward-to", format!("the sink `{name}`")),
        Some(ForwardTo::Url(url)) => Finding::ok("forward-to", crate::stages::without_secrets(url)),
        None => Finding::warn(
            "forward-to",
            "results of jobs that name no sink are only kept to be read",
            "give --forward-to; `pagewire listen` is one to try with",
        ),
    }
}

fn robots(options: &Options) -> Finding {
    match options.robots {
        RobotsRule::Obey => Finding::ok("robots", "robots.txt is obeyed"),
        RobotsRule::Optional => Finding::ok("robots", "robots.txt is obeyed unless a job says no"),
        RobotsRule::Ignore => Finding::warn(
            "robots",
            "robots.txt is ignored",
            "--robots obey, unless the sites are your own",
        ),
    }
}

fn user_agent(options: &Options) -> Finding {
    match names_a_contact(&options.user_agent) {
        true => Finding::ok("user-agent", options.user_agent.clone()),
        false => Finding::warn(
            "user-agent",
            format!("`{}` tells sites nobody to write to", options.user_agent),
            "--user-agent 'MyBot/1.0 (+https://my.site/bot)'",
        ),
    }
}

fn public_url(options: &Options) -> Finding {
    match (&options.public_url, options.listen.ip().is_loopback()) {
        (Some(url), _) => Finding::ok("public-url", url.to_string()),
        (None, true) => {
            let scheme = if options.tls_cert.is_some() { "https" } else { "http" };
            Finding::ok("public-url", format!("{scheme}://{}/", options.listen))
        }
        (None, false) => Finding::warn(
            "public-url",
            "links in large events have the address listened on",
            "--public-url https://… as receivers reach this server",
        ),
    }
}

fn print(findings: &[Finding], as_json: bool) {
    let mut text = String::new();
    for finding in findings {
        match as_json {
            true => text.push_str(&serde_json::to_string(finding).unwrap_or_default()),
            false => text.push_str(&line(finding)),
        }
        text.push('\n');
    }
    if !as_json {
        text.push_str(&sum(findings));
    }
    // A reader that went away has read enough; the exit code says it too.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn line(finding: &Finding) -> String {
    let Finding { check, result, detail, remedy } = finding;
    let word = match result {
        Verdict::Ok => "ok  ",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
    };
    let remedy = remedy.as_ref().map(|what| format!("\n      → {what}")).unwrap_or_default();
    format!("{word}  {check:14}  {detail}{remedy}")
}

fn sum(findings: &[Finding]) -> String {
    let count = |verdict| findings.iter().filter(|finding| finding.result == verdict).count();
    match (count(Verdict::Fail), count(Verdict::Warn)) {
        (0, 0) => "all is well\n".to_owned(),
        (0, warnings) => format!("nothing is in the way; {warnings} to think about\n"),
        (failures, _) => format!("{failures} in the way of a start\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_to_do_about_it() {
        let finding = Finding::warn("robots", "ignored", "obey it");
        assert_eq!(line(&finding), "warn  robots          ignored\n      → obey it");
        assert!(sum(&[finding]).contains("1 to think about"));
        assert_eq!(sum(&[Finding::ok("clock", "x")]), "all is well\n");
        assert!(sum(&[Finding::fail("clock", "x", "y")]).contains("1 in the way"));
    }

    #[test]
    fn the_clock_of_the_machine_that_tests_is_sane() {
        assert_eq!(clock().result, Verdict::Ok);
    }
}
