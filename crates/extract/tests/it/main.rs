//! The public function, from bytes to page.
mod select;
