//! The public function, from bytes to page.
mod golden;
mod round_trip;
mod select;
