use serde::Deserialize;
use serde_json::error::Category;
use serde_json::{Deserializer, Value};
use serde_path_to_error::{Path, Segment};

use crate::problem::{Fault, Kind, Problem};
use crate::strict::Strict;
use crate::submission::Submission;

/// Reads a body in one pass; only a body that is refused is read again, to say where.
pub(crate) fn submission(body: &[u8]) -> Result<Submission<'_>, Problem> {
    let submission: Submission<'_> = object(body, Kind::Invalid)?;
    // The typed pass has checked everything but what it kept raw.
    if let Some(metadata) = submission.metadata
        && let Err(error) = serde_json::from_str::<Strict>(metadata.get())
    {
        return Err(explain::<Submission<'_>>(utf8(body)?, &error, Kind::Invalid));
    }
    Ok(submission)
}

/// Reads a body that is to be a `T`; JSON that is none is a problem of this kind.
pub(crate) fn object<'a, T: Deserialize<'a>>(body: &'a [u8], kind: Kind) -> Result<T, Problem> {
    let text = utf8(body)?;
    serde_json::from_str(text).map_err(|error| explain::<T>(text, &error, kind))
}

/// Reads a body of which every member counts, `null` too.
pub(crate) fn value(body: &[u8], kind: Kind) -> Result<Value, Problem> {
    object::<Strict>(body, kind)?;
    object(body, kind)
}

fn utf8(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|error| not_utf8(body, error.valid_up_to()))
}

/// The problem with a body that was to be a `T` and whose reading ended in `error`.
#[cold]
fn explain<'a, T: Deserialize<'a>>(
    text: &'a str,
    error: &serde_json::Error,
    kind: Kind,
) -> Problem {
    if let Err((pointer, error)) = place::<Strict>(text) {
        return match error.classify() {
            Category::Data => misunderstood(pointer, &error, kind),
            Category::Syntax | Category::Eof | Category::Io => {
                Problem::new(Kind::Unreadable, format!("the body is not JSON: {error}"))
            }
        };
    }
    // It is JSON, so whatever is wrong is what it says. (`serde_json` calls a number in the place
    // of a name an error of syntax.)
    match place::<T>(text) {
        Err((pointer, error)) => misunderstood(pointer, &error, kind),
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

fn misunderstood(pointer: String, error: &serde_json::Error, kind: Kind) -> Problem {
    let text = error.to_string();
    // The pointer says it better than the position, which `serde_json` appends.
    let position = format!(" at line {} column {}", error.line(), error.column());
    let detail = text.strip_suffix(&position).unwrap_or(&text);
    Problem::faulty(kind, vec![Fault::at(pointer, detail)])
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
