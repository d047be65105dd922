//! Delivery: whatever a sink does, what was accepted arrives, in the form and at the place that was
//! asked for.

mod breaker;
pub(crate) mod desk;
mod endings;
mod feed;
mod formats;
mod hostile;
mod links;
mod ordered;
mod outlets;
mod pull;
mod redrive;
mod secrets;
mod switched;
