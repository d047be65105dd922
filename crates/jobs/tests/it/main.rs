//! What the job queue promises, tested through its public API: the contract of every backend, a
//! model, the driver, and crashes.

mod backend;
mod contract;
mod crash;
mod driver;
mod faulty;
mod model;
mod moving;
mod rig;
mod slow_start;
mod sqlite;
mod transition;
