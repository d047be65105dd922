//! `kill -9` at any moment.

use std::time::Duration;

use rand::RngExt;

use super::aftermath::Promises;
use super::run::{Load, Run};
use super::seeded;

const CYCLES: u32 = 20;

#[tokio::test]
async fn nothing_acknowledged_is_lost_to_kill_9() {
    let mut random = seeded("kill -9");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut promises = Promises::default();
    let mut acknowledged = 0;
    for cycle in 0..CYCLES {
        let mut run = Run::start(dir.path(), Load { submitters: 4, workers: 4 });
        // Most are killed at work, some while they start.
        if cycle % 5 != 4 {
            run.wait_until("it is ready", |said| said.iter().any(|line| line == "ready"));
        }
        run.go_on_for(Duration::from_millis(random.random_range(0..200)));
        let said = run.kill();
        assert!(!said.iter().any(|line| line.starts_with("refused")), "{said:?}");
        acknowledged += promises.heard(&said);
        promises.check(dir.path()).await;
    }
    assert!(acknowledged > 500, "only {acknowledged} jobs: too little to tell anything");
    assert_eq!(promises.documents(), 4, "one of each submitter");
    promises.finish(dir.path()).await;
}
