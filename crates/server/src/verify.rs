//! `pagewire verify`: whether a delivery is what its sender signed, and if not, why not. No server,
//! no store, no network.

mod causes;
mod received;

use std::fs;

use anyhow::anyhow;
use forward::{Verified, Verifier, VerifyError, verify, verify_any_age};
use jobs::{Clock, SystemClock};

use self::received::Received;
use crate::cli;
use crate::exit::Failure;

/// Checks one delivery and says what was found.
///
/// # Errors
/// [`Failure::Runtime`] when it does not verify; [`Failure::Usage`] when that could not be found
/// out: bad flags, files that cannot be read, text that is no HTTP header.
pub(crate) fn run(flags: &cli::Verify, options: &cli::Options) -> Result<(), Failure> {
    let verifiers = verifiers(flags, options).map_err(Failure::Usage)?;
    let received = Received::read(flags).map_err(Failure::Usage)?;
    let now_s = (!flags.any_age).then(|| flags.now.unwrap_or_else(clock));
    match verdict(&verifiers, &received, now_s) {
        Ok(found) => {
            use std::io::Write as _;
            // A reader that went away has read enough: the exit code says it too.
            let _ = writeln!(std::io::stdout().lock(), "{found}");
            Ok(())
        }
        Err(why) => Err(Failure::Runtime(anyhow!("it does not verify: {why}"))),
    }
}

fn clock() -> i64 {
    i64::try_from(SystemClock.now().as_millis() / 1000).unwrap_or(i64::MAX)
}

/// Those of the flags first, then those of the files, in their order. No error repeats one.
fn verifiers(flags: &cli::Verify, options: &cli::Options) -> Result<Vec<Verifier>, String> {
    let mut all = Vec::new();
    for text in &options.secret {
        all.push(text.trim().parse().map_err(|error| format!("--secret: {error}"))?);
    }
    for path in &flags.secret_file {
        let shown = path.display();
        let text =
            fs::read_to_string(path).map_err(|error| format!("--secret-file {shown}: {error}"))?;
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let verifier = line.trim().parse();
            all.push(
                verifier
                    .map_err(|error| format!("--secret-file {shown}: line {}: {error}", at + 1))?,
            );
        }
    }
    if all.is_empty() {
        return Err(format!(
            "nothing to verify with: give the secret (whsec_…) or the public key (whpk_…) by \
             --secret or --secret-file; a server here keeps its own in {}",
            options.data_dir.join("secret").display()
        ));
    }
    Ok(all)
}

/// What is right with it, as a line; or what is wrong, as one or more. Without a time it may have
/// any age.
fn verdict(
    verifiers: &[Verifier],
    received: &Received,
    now_s: Option<i64>,
) -> Result<String, String> {
    let Received { headers, body, .. } = received;
    let checked = match now_s {
        Some(now_s) => verify(verifiers, headers, body, now_s),
        None => verify_any_age(verifiers, headers, body),
    };
    match checked {
        Ok(verified) => Ok(praise(&verified, verifiers, received, now_s)),
        Err(error) => {
            let mut why = error.to_string();
            for cause in causes::of(error, verifiers, received) {
                why.push_str("\n  ");
                why.push_str(&cause);
            }
            Err(why)
        }
    }
}

fn praise(
    verified: &Verified,
    verifiers: &[Verifier],
    received: &Received,
    now_s: Option<i64>,
) -> String {
    let Verified { index, version, timestamp_s } = *verified;
    let kind = match &verifiers[index] {
        Verifier::Secret(_) => "secret",
        Verifier::PublicKey(_) => "public key",
    };
    let mut line = format!("verified: the `{version}` signature is by {kind} {}", index + 1);
    if verifiers.len() > 1 {
        line.push_str(&format!(" of {}", verifiers.len()));
    }
    match now_s.map(|now_s| now_s.saturating_sub(timestamp_s)) {
        Some(age_s @ 0..) => line.push_str(&format!("; sent {age_s} s ago")),
        Some(ahead_s) => line.push_str(&format!("; sent {} s in the future", ahead_s.abs_diff(0))),
        None => match jiff::Timestamp::from_second(timestamp_s) {
            Ok(time) => line.push_str(&format!("; sent at {time}")),
            Err(_) => line.push_str(&format!("; sent at {timestamp_s}")),
        },
    }
    line.push_str(&format!("; id {}; {} bytes", received.id(), received.body.len()));
    if let Some(packed_bytes) = received.packed_bytes {
        line.push_str(&format!(", {packed_bytes} compressed"));
    }
    line
}

/// Whether it would verify, but for its age, with this body.
fn would_match(verifiers: &[Verifier], received: &Received, body: &[u8]) -> bool {
    verify_any_age(verifiers, &received.headers, body).is_ok()
}

/// Whether that is what is wrong, so that other bodies are worth a try.
const fn is_mismatch(error: VerifyError) -> bool {
    matches!(error, VerifyError::Mismatch)
}

#[cfg(test)]
mod tests;
