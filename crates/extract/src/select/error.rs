//! Why fields cannot be picked.

/// A member of a `select` object that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{detail}", at(pointer))]
pub struct SelectError {
    /// Which member: a JSON Pointer (RFC 6901) relative to the object, such as `/price/css`.
    pub pointer: String,
    /// What is wrong with it and what to write instead.
    pub detail: String,
}

impl SelectError {
    pub(super) fn new(path: &[&str], detail: impl Into<String>) -> Self {
        let mut pointer = String::new();
        for step in path {
            pointer.push('/');
            pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        Self { pointer, detail: detail.into() }
    }
}

fn at(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!("{pointer}: ") }
}
