//! What is likely to have gone wrong, found by trying.

use forward::{Verifier, VerifyError, Version};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

use super::received::Received;
use super::{is_mismatch, would_match};

/// One line for each thing that helps to find the cause of `error`.
pub(super) fn of(error: VerifyError, verifiers: &[Verifier], received: &Received) -> Vec<String> {
    match error {
        VerifyError::TooOld { .. } | VerifyError::TooNew { .. } => {
            vec![age(verifiers, received)]
        }
        VerifyError::Missing(_) => vec![headers_found(received)],
        VerifyError::NoV1Signature => {
            vec!["if it holds a `v1a,` one, verify with the sender's public key, `whpk_…`".into()]
        }
        VerifyError::NoV1aSignature => {
            vec!["if it holds a `v1,` one, verify with the secret, `whsec_…`".into()]
        }
        _ if is_mismatch(error) => mismatch(verifiers, received),
        _ => Vec::new(),
    }
}

fn age(verifiers: &[Verifier], received: &Received) -> String {
    if would_match(verifiers, received, &received.body) {
        "apart from that the signature is right; --any-age leaves the time out, --now TIME checks \
         it as of then"
            .to_owned()
    } else {
        "and the signature does not match either; --any-age says more".to_owned()
    }
}

fn headers_found(received: &Received) -> String {
    let names: Vec<&str> = received.headers.keys().map(|name| name.as_str()).collect();
    if names.iter().any(|name| name.starts_with("svix-")) {
        return "there are `svix-…` headers: the sender uses the names of Svix".to_owned();
    }
    match names.is_empty() {
        true => "no header was given: use --headers or --header".to_owned(),
        false => format!("the headers given are: {}", names.join(", ")),
    }
}

fn mismatch(verifiers: &[Verifier], received: &Received) -> Vec<String> {
    let mut causes = Vec::new();
    let body = &received.body[..];
    let changed = changes(body, length_told(received));
    for (what, other) in changed {
        if other != body && would_match(verifiers, received, &other) {
            causes.push(format!("the body would match {what}"));
            return causes;
        }
    }
    let length = received.packed_bytes.unwrap_or(body.len());
    if let Some(told) = length_told(received).filter(|told| *told > length) {
        causes.push(format!(
            "the body has {length} bytes, and `content-length` says {told}: it is cut short"
        ));
    }
    if received.headers.contains_key(TRANSFER_ENCODING) {
        causes.push(
            "the request has a `transfer-encoding`: the body has to be taken as the server hands \
             it over, without the lengths of the chunks in it"
                .to_owned(),
        );
    }
    if received.id().contains('.') {
        causes.push(
            "`webhook-id` holds a full stop, which makes what is signed ambiguous: it should not"
                .to_owned(),
        );
    }
    let count = received.signatures_of(verifiers);
    causes.push(format!(
        "checked: {count} against {}; is it the secret of this very sink?",
        counted(verifiers.len(), "secret or key", "secrets or keys")
    ));
    causes.push(
        "what counts are the bytes as they came: a body that was parsed and written again is \
         another one"
            .to_owned(),
    );
    causes
}

fn length_told(received: &Received) -> Option<usize> {
    received.headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// What may have become of a body on its way into a file, undone.
fn changes(body: &[u8], told: Option<usize>) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = Vec::new();
    if let Some(shorter) = told.and_then(|told| body.get(..told)) {
        all.push(("cut to the bytes that `content-length` tells", shorter.to_vec()));
    }
    if let Some(without) = body.strip_suffix(b"\r\n").or(body.strip_suffix(b"\n")) {
        all.push((
            "without the line feed at its end: an editor or `echo` has added it",
            without.to_vec(),
        ));
    }
    all.push((
        "with a line feed at its end: something has taken that away, such as `$(…)` of a shell",
        [body, b"\n"].concat(),
    ));
    all.push(("with CR LF at its end: something has taken that away", [body, b"\r\n"].concat()));
    let lf = replaced(body, b"\r\n", b"\n");
    all.push(("with LF at the ends of lines instead of CR LF", lf.clone()));
    all.push(("with CR LF at the ends of lines instead of LF", replaced(&lf, b"\n", b"\r\n")));
    if let Some(without) = body.strip_prefix(b"\xef\xbb\xbf") {
        all.push(("without the byte order mark at its start", without.to_vec()));
    }
    all.push((
        "without white space between the tokens of its JSON: it was parsed and written again",
        compact(body),
    ));
    all
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix(from) {
            out.extend_from_slice(to);
            rest = tail;
        } else {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    out
}

/// JSON without the white space between its tokens; the order of members and the spelling of
/// numbers stay.
fn compact(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let (mut quoted, mut escaped) = (false, false);
    for byte in body {
        if !quoted && byte.is_ascii_whitespace() {
            continue;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        out.push(*byte);
    }
    out
}

fn counted(n: usize, one: &str, more: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { more })
}

impl Received {
    /// How many signatures there are that these can check.
    fn signatures_of(&self, verifiers: &[Verifier]) -> String {
        let header = self.headers.get(forward::WEBHOOK_SIGNATURE);
        let text = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let tags: Vec<&str> =
            text.split(' ').filter_map(|one| Some(one.split_once(',')?.0)).collect();
        let mut said = Vec::new();
        for version in [Version::V1, Version::V1a] {
            let here = tags.iter().filter(|tag| **tag == version.as_str()).count();
            if here > 0 && verifiers.iter().any(|verifier| verifier.version() == version) {
                said.push(counted(
                    here,
                    &format!("`{version}` signature"),
                    &format!("`{version}` signatures"),
                ));
            }
        }
        said.join(" and ")
    }
}
