//! The API from outside: the router by calls, and `serve` by sockets.

mod accepted;
mod keys;
mod listing;
mod managing;
mod ops;
mod refused;
mod served;
mod world;
