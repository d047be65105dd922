//! The text of PDF (ISO 32000-1): what its pages show, as HTML.
//!
//! A file may say anything, so everything is paid for: what is read, unpacked and shown, out of
//! one budget that grows with the file, and what is unpacked at one time has a bound too. Nothing
//! recurses but forms in forms, which are counted. When a bound is met, what has been read by then
//! is the result.

mod cmap;
mod content;
mod file;
mod filter;
mod font;
mod geometry;
mod glyphs;
mod info;
mod layout;
mod lexer;

use crate::{Metadata, Unreadable};
use content::Painter;
use file::File;
use layout::Layout;
use lexer::Work;

/// Pages that are read.
const MAX_PAGES: usize = 500;

/// Bytes of work for any file; some tenths of a second.
const LEAST_WORK: u64 = 64 << 20;

/// Bytes of work for each byte of the file.
const WORK_PER_BYTE: u64 = 32;

/// Bytes unpacked at one time, on top of the length of the file: once for streams of objects and
/// once for what is being drawn.
const SPARE_BYTES: usize = 4 << 20;

/// What was read of a file.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// A paragraph, or an item of a list, for each on the pages.
    pub(crate) html: String,
    pub(crate) title: Option<String>,
    pub(crate) metadata: Metadata,
    /// Why there is no text.
    pub(crate) unreadable: Option<Unreadable>,
    pub(crate) truncated: bool,
}

/// Reads a file; the HTML has about `most_bytes` at most.
pub(crate) fn read(bytes: &[u8], most_bytes: usize) -> Read {
    let work = Work::new(LEAST_WORK + WORK_PER_BYTE * bytes.len() as u64);
    let most_unpacked = SPARE_BYTES + bytes.len();
    let mut file = File::of(bytes, &work);
    if file.is_encrypted() {
        return Read { unreadable: Some(Unreadable::Encrypted), ..Read::default() };
    }
    let packed = file.unpack(most_unpacked);
    let file = file.with(&packed);
    // Whatever the budget is spent on later, this is there.
    let (title, metadata) = info::read(&file);
    let (pages, has_more) = file.pages(MAX_PAGES);
    let mut painter = Painter::new(&file, Layout::new(most_bytes), most_unpacked);
    let mut drawn = 0;
    for &page in &pages {
        if !painter.can_go_on() {
            break;
        }
        painter.page(page);
        drawn += 1;
    }
    let is_stopped = drawn < pages.len() || work.is_spent();
    let (html, is_cut) = painter.finish();
    let unreadable = match (pages.is_empty(), html.is_empty()) {
        (true, _) => Some(Unreadable::Broken),
        (false, true) => Some(Unreadable::NoText),
        _ => None,
    };
    let truncated = is_stopped || has_more || is_cut || file.is_cut;
    Read { html, title, metadata, unreadable, truncated }
}
