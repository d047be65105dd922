//! Random commands against the memory store and the SQLite store side by side: every answer and
//! everything that can be read must be equal, and in the end no job may be stuck.

mod command;
mod pair;

use command::{Command, command};
use pair::Pair;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// Cases when `PROPTEST_CASES` does not say otherwise; each opens a store on disk.
const CASES: u32 = 64;
const COMMANDS: usize = 60;

#[test]
fn memory_and_sqlite_cannot_be_told_apart() {
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { CASES };
    let config = ProptestConfig { cases, ..config };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let sequences = (any::<bool>(), any::<bool>(), vec(command(), 1..=COMMANDS));
    let outcome = TestRunner::new(config).run(&sequences, |(interval, lasting, commands)| {
        runtime.block_on(run(interval, lasting, commands));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

async fn run(with_interval: bool, lasting: bool, commands: Vec<Command>) {
    let mut pair = Pair::new(with_interval, lasting);
    for command in commands {
        pair.apply(command).await;
        pair.compare().await;
    }
    pair.drain().await;
    pair.compare().await;
}
