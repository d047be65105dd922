//! The crate from outside: policy tables, real loopback servers, the budget under stress.

mod answers;
mod body;
mod budget;
mod exchange;
mod origin;
mod policy;
mod resolve;
mod retry;
mod tls;
