//! The crate from outside: policy tables, real loopback servers, the budget under stress.
#![expect(clippy::unwrap_used, reason = "clippy knows `#[test]` functions, not their helpers")]

mod answers;
mod blocks;
mod body;
mod budget;
mod exchange;
mod headers;
mod http2;
mod origin;
mod policy;
mod proxy;
mod rate;
mod resolve;
mod retry;
mod special;
mod through;
mod tls;
