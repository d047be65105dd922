use std::future::{pending, ready};

use jobs::{Bounds, ErrorKind, MemoryStore};

use super::*;

const GRACE: Duration = Duration::from_millis(100);
/// Far less than anything that waits for ever.
const SOON: Duration = Duration::from_secs(10);

/// A server whose drivers are made up; everything else is real.
fn server(scraping: Driving, delivering: Driving) -> Server {
    let store = MemoryStore::new(jobs::Config { stages: Vec::new(), bounds: Bounds::default() });
    let config = scrape::Config { cpu_threads: 1, ..scrape::Config::default() };
    let (_, scraper) = scrape::start(config).unwrap();
    let (sender, forwarder) = forward::start(forward::Config::default()).unwrap();
    let (accept, work, chores) =
        (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
    let stop = accept.clone();
    let listener = chores.spawn(async move {
        stop.cancelled().await;
        Ok(())
    });
    Server {
        store,
        accept,
        work,
        listener,
        scraping,
        delivering,
        scraper,
        sender,
        forwarder,
        chores,
    }
}

fn stuck() -> Driving {
    pending().boxed()
}

fn broken() -> Driving {
    ready(Err(Failure::Runtime(anyhow!("the driver broke")))).boxed()
}

fn good() -> Driving {
    ready(Ok(Drained::default())).boxed()
}

async fn assert_closed(store: &Arc<dyn Store>) {
    let refused = store.submit(Vec::new(), SystemClock.now()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_driver_that_is_held_up_does_not_outlast_the_grace() {
    for (scraping, delivering) in [(stuck(), good()), (good(), stuck()), (stuck(), stuck())] {
        let server = server(scraping, delivering);
        let store = Arc::clone(&server.store);
        let ended = timeout(SOON, server.drain(GRACE)).await.expect("the grace is held");
        assert!(ended.unwrap_err().message().contains("--grace"));
        assert_closed(&store).await;
    }
}

#[tokio::test]
async fn the_store_is_closed_before_a_broken_driver_is_told_of() {
    let draining = server(broken(), good());
    let store = Arc::clone(&draining.store);
    let failure = timeout(SOON, draining.drain(GRACE)).await.unwrap().unwrap_err();
    assert_eq!(failure.message(), "the driver broke");
    assert_closed(&store).await;

    let mut running = server(broken(), stuck());
    let store = Arc::clone(&running.store);
    let failure = timeout(SOON, running.ended()).await.unwrap();
    let failure = timeout(SOON, running.give_up(failure)).await.unwrap();
    assert_eq!(failure.message(), "the driver broke");
    assert_closed(&store).await;
}
