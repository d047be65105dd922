//! What the operator is told: where everything is, what to try, what went wrong.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;

use crate::check::Settings;
use crate::cli::ForwardTo;
use crate::exit::Failure;
use crate::logs::Reader;
use crate::secret::{Origin, Secrets};
use crate::span::Span;
use crate::stages::without_secrets;

/// Says that the server is up. A person is shown a few lines, a collector gets one event.
pub(crate) fn greet(
    reader: Reader,
    settings: &Settings,
    at: SocketAddr,
    waiting: u64,
    secrets: &Secrets,
) {
    match reader {
        Reader::Person => say(&lines(settings, at, waiting, secrets)),
        Reader::Machine => {
            let store = store(settings);
            let forward_to = settings.forward_to.as_ref().map(shown);
            tracing::info!(version = env!("CARGO_PKG_VERSION"), listen = %at, store, jobs.waiting = waiting, forward_to, try_it = curl(settings, at), "listening");
            mention_secret(secrets);
        }
    }
}

/// Logs keep what they are told, so the secret itself is logged only when it is nowhere else.
fn mention_secret(secrets: &Secrets) {
    match (&secrets.origin, secrets.keys.first()) {
        (Origin::Made(path), _) => {
            tracing::info!(path = %path.display(), "made a signing secret; read it from the file");
        }
        (Origin::Fleeting, Some(key)) => {
            tracing::info!(
                secret = key.reveal(),
                "made a signing secret for this run; --secret keeps one"
            );
        }
        _ => {}
    }
}

fn lines(settings: &Settings, at: SocketAddr, waiting: u64, secrets: &Secrets) -> String {
    let forwards = match &settings.forward_to {
        Some(to) => format!("to {}", shown(to)),
        None => format!(
            "to the sink that a job names; other results are kept for {} (see --forward-to)",
            Span(settings.retain)
        ),
    };
    let mut text = format!(
        "pagewire {} listens on {}://{at}\n  stores    {}, {waiting} jobs waiting\n  forwards  {forwards}\n",
        env!("CARGO_PKG_VERSION"),
        settings.scheme(),
        store(settings),
    );
    if !names_a_contact(&settings.scrape.user_agent) {
        text.push_str(
            "  sites     cannot tell whom to write to: --user-agent 'MyBot/1.0 (+https://my.site/bot)'\n",
        );
    }
    let shown = secrets.keys.first().map(forward::Secret::reveal).unwrap_or_default();
    let _ = match &secrets.origin {
        Origin::Given => Ok(()),
        Origin::Kept(path) => writeln!(text, "  secret    in {}", path.display()),
        Origin::Made(path) => writeln!(
            text,
            "  secret    {shown}\n            signs deliveries; kept in {}, not shown again",
            path.display()
        ),
        Origin::Fleeting => writeln!(
            text,
            "  secret    {shown}\n            signs deliveries until this process ends; --secret keeps one"
        ),
    };
    let _ = writeln!(text, "  try       {}", curl(settings, at));
    text
}

fn shown(to: &ForwardTo) -> String {
    match to {
        ForwardTo::Url(url) => without_secrets(url),
        ForwardTo::Named(name) => name.clone(),
    }
}

/// Whether a site's owner finds an address in it.
pub(crate) fn names_a_contact(user_agent: &str) -> bool {
    ["http://", "https://", "@"].iter().any(|sign| user_agent.contains(sign))
}

fn store(settings: &Settings) -> String {
    match &settings.data_dir {
        Some(dir) => format!("in {}", dir.display()),
        None => "in memory (nothing survives a restart)".to_owned(),
    }
}

fn curl(settings: &Settings, at: SocketAddr) -> String {
    let (scheme, key) =
        (settings.scheme(), if settings.keyed() { "-H 'authorization: Bearer KEY' " } else { "" });
    format!("curl {key}-d '{{\"url\":\"https://example.com\"}}' {scheme}://{at}/")
}

/// Says why the process ends, in one line.
pub(crate) fn complain(failure: &Failure) {
    say(&format!("error: {}\n", failure.message()));
}

/// To standard error, where it cannot get into a pipe's data. If nobody listens, so be it.
fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_the_user_agent_is_recognised() {
        for contact in ["MyBot/1.0 (+https://my.site/bot)", "MyBot/1.0 (bot@my.site)"] {
            assert!(names_a_contact(contact));
        }
        assert!(!names_a_contact("Pagewire/0.1.0"));
    }
}
