use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep};

/// Microseconds since 1970, the clock that processes of one machine share.
#[expect(clippy::disallowed_methods, reason = "measures the product from outside")]
pub fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// Asks `condition` again and again until it holds.
///
/// # Errors
/// After `limit`, naming `what` was waited for.
pub async fn eventually(
    what: &str,
    limit: Duration,
    mut condition: impl AsyncFnMut() -> bool,
) -> anyhow::Result<()> {
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(2);
    while !condition().await {
        anyhow::ensure!(Instant::now() < end, "waited {limit:?} in vain for {what}");
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    Ok(())
}
