//! The public function, from bytes to page.

mod golden;
mod hostile;
mod links;
mod round_trip;
mod select;
