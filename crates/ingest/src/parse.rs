use serde::Deserialize;
use serde_json::Deserializer;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::problem::{Fault, Kind, Problem};
use crate::strict::Strict;
use crate::submission::Submission;

/// Reads a body in one pass; only a body that is refused is read again, to say where.
pub(crate) fn submission(body: &[u8]) -> Result<Submission<'_>, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| not_utf8(body, error.valid_up_to()))?;
    let submission: Submission<'_> = serde_json::from_str(text).map_err(|e| explain(text, &e))?;
    // The typed pass has checked everything but what it kept raw.
    if let Some(metadata) = submission.metadata {
        serde_json::from_str::<Strict>(metadata.get()).map_err(|error| explain(text, &error))?;
    }
    Ok(submission)
}

/// The problem with a body whose reading ended in `error`.
#[cold]
fn explain(text: &str, error: &serde_json::Error) -> Problem {
    if let Err((pointer, error)) = place::<Strict>(text) {
        return match error.classify() {
            Category::Data => misunderstood(pointer, &error),
            Category::Syntax | Category::Eof | Category::Io => {
                Problem::new(Kind::Unreadable, format!("the body is not JSON: {error}"))
            }
        };
    }
    // It is JSON, so whatever is wrong is what it says. (`serde_json` calls a number in the place
    // of a name an error of syntax.)
    match place::<Submission<'_>>(text) {
        Err((pointer, error)) => misunderstood(pointer, &error),
        Ok(()) => Problem::new(Kind::Unreadable, error.to_string()),
    }
}

/// Reads `text` as a `T`; an error comes with a JSON Pointer to its place.
fn place<'de, T: Deserialize<'de>>(text: &'de str) -> Result<(), (String, serde_json::Error)> {
    let mut reader = Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => Err((pointer(error.path()), error.into_inner())),
        Ok(_) => reader.end().map_err(|error| (String::new(), error)),
    }
}

fn misunderstood(pointer: String, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    // The pointer says it better than the position, which `serde_json` appends.
    let position = format!(" at line {} column {}", error.line(), error.column());
    let detail = text.strip_suffix(&position).unwrap_or(&text);
    Problem::faulty(Kind::Invalid, vec![Fault::at(pointer, detail)])
}

fn not_utf8(body: &[u8], at: usize) -> Problem {
    let before = &body[..at];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
    let detail = format!("the body is not UTF-8 at line {line} column {column}");
    Problem::new(Kind::Unreadable, detail)
}

/// A path as a JSON Pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// Adds one step to a JSON Pointer, escaped (RFC 6901 §3).
pub(crate) fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    for character in step.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
