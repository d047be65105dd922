//! What the features are called: the model says which ones it was trained with.

use url::Url;

use super::context::Context;
use super::features::Analysis;
#[cfg(test)]
use super::vocabulary::{HASH_START, hash_byte};

/// Names of the features of the first stage, and of what the second sees beside them.
pub(crate) fn names() -> [Vec<String>; 2] {
    let document = crate::scanner::scan("<p>Tea</p>");
    let url = Url::parse("https://example.com/").expect("a constant address");
    let page = Analysis::of(&document, &url);
    let mut names = [Vec::new(), Vec::new()];
    page.row(0, &mut names[0]);
    Context::new(&page, &[0.5]).row(0, &mut names[1]);
    names
}

/// The checksum of all names, as in [`super::trees`].
#[cfg(test)]
pub(crate) fn checksum() -> u64 {
    let names = names().concat();
    let bytes = names.iter().flat_map(|name| name.bytes().chain([b'\n']));
    bytes.fold(HASH_START, hash_byte)
}
