//! System tests: the real binary between real origins and sinks on loopback.
//!
//! Each scenario ends with the conservation oracle ([`harness::Verdict`]): every job that was
//! answered 202 has its event at the sink, and nothing else has; then a fresh job gets through. One
//! file per theme. Linux only: they use `/proc`, `LD_PRELOAD` and all of 127.0.0.0/8.
#![cfg(target_os = "linux")]

mod api;
mod clients;
mod crash;
mod delivery;
mod disk;
mod extraction;
mod happy;
mod hostile;
mod operator;
mod origins;
mod pages;
mod polite;
mod requests;
mod restart;
mod shutdown;
mod sinks;
mod world;
