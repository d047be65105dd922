//! Logs on standard error: lines for people on a terminal, JSON for machines otherwise.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::LogFormat;

/// Who reads the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Somebody at a terminal.
    Person,
    /// A collector.
    Machine,
}

impl Reader {
    /// Who reads, as asked for or as it looks.
    pub(crate) fn of(format: LogFormat) -> Self {
        match format {
            LogFormat::Human => Self::Person,
            LogFormat::Json => Self::Machine,
            LogFormat::Auto if stderr().is_terminal() => Self::Person,
            LogFormat::Auto => Self::Machine,
        }
    }
}

/// Checks a filter such as `info,egress=debug`.
///
/// # Errors
/// What is wrong with it, for people.
pub(crate) fn filter(text: &str) -> Result<EnvFilter, String> {
    EnvFilter::builder().parse(text).map_err(|error| {
        format!("--log {text:?}: {error}; expected a level (error, warn, info, debug, trace) or levels by part, such as info,egress=debug")
    })
}

/// Starts logging for the whole process; later calls change nothing.
pub(crate) fn start(filter: EnvFilter, reader: Reader) {
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let colour =
        stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    // An earlier subscriber, in a test that starts two servers, stays in place.
    let _ = match reader {
        Reader::Person => builder.with_target(false).with_ansi(colour).finish().try_init(),
        Reader::Machine => builder.json().flatten_event(true).finish().try_init(),
    };
}

/// Whole milliseconds, as a number in JSON logs: a `u128` would be written as text.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_levels_by_part() {
        assert!(filter("info").is_ok());
        assert!(filter("warn,egress=debug").is_ok());
        let refusal = filter("info,=nonsense=").unwrap_err();
        assert!(refusal.contains("--log") && refusal.contains("expected a level"), "{refusal}");
    }
}
