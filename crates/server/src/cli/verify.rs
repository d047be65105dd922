//! The flags of `pagewire verify`.

use std::path::PathBuf;

use clap::Args;

/// What to check, and with what.
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// One HTTP request as it came: header lines, an empty line, the body. `-` is standard input,
    /// which is also read when neither this nor --body is given.
    #[arg(value_name = "FILE|-", conflicts_with_all = ["body", "headers"])]
    pub(crate) request: Option<String>,

    /// The body alone, byte for byte as it came; `-` is standard input.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) body: Option<String>,

    /// The header lines that came with --body; lines that begin a request or an answer are passed
    /// over, and so is what follows an empty line. `-` is standard input.
    #[arg(long, value_name = "FILE|-", requires = "body")]
    pub(crate) headers: Option<String>,

    /// A header (repeat for more), besides those of --headers or of the request.
    #[arg(long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,

    /// A file with secrets or public keys, one a line, besides those of --secret. The server's own
    /// is `secret` in its --data-dir.
    #[arg(long, value_name = "PATH")]
    pub(crate) secret_file: Vec<PathBuf>,

    /// Check it as it was at this time: 2026-11-22T10:00:00Z, or seconds since 1970.
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "any_age")]
    pub(crate) now: Option<i64>,

    /// Check everything but its age.
    #[arg(long)]
    pub(crate) any_age: bool,
}

/// Seconds since the Unix epoch.
fn moment(text: &str) -> Result<i64, String> {
    let usage = "expected a time such as 2026-11-22T10:00:00Z, or seconds since 1970";
    match text.parse() {
        Ok(seconds) => Ok(seconds),
        Err(_) => match text.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(time.as_second()),
            Err(_) => Err(usage.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_both_forms() {
        assert_eq!(moment("1790000000"), Ok(1_790_000_000));
        assert_eq!(moment("2026-09-21T14:13:20Z"), Ok(1_790_000_000));
        assert_eq!(moment("2026-09-21T16:13:20.5+02:00"), Ok(1_790_000_000));
        assert!(moment("yesterday").unwrap_err().contains("2026-11-22T10:00:00Z"));
    }
}
