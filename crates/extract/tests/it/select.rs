//! Fields picked by CSS selectors.

mod errors;
