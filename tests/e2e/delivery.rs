//! Delivery: whatever a sink does, what was accepted arrives, in the form and at the place that was
//! asked for.

mod hostile;
