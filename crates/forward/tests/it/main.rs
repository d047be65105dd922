//! The forwarder against real servers on loopback.

mod answers;
mod faults;
mod flow;
mod policy;
mod schedule;
mod signature;
mod sink;
