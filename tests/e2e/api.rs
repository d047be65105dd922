//! The HTTP interface beyond single jobs: who may use it, batches, schedules, and the commands that
//! speak it.

mod batches;
mod commands;
mod idempotency;
mod keys;
mod priority;
mod schedules;
mod tls;
mod waiting;
