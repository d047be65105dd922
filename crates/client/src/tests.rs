//! The commands, as they are typed, against servers on this machine.

mod batch;
mod commands;
mod following;
mod listening;
mod world;
