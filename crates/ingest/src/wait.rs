use std::time::Duration;

use jobs::{JobId, Record};
use tokio::time::{Instant, sleep_until};

use crate::auth::Caller;
use crate::problem::Problem;

/// A job is looked at as often.
const ROUND: Duration = Duration::from_millis(20);

/// Waits until a job's outcome is known: until it has a verdict, or is over. Its event may still
/// be on the way. `None` when that is not so by `until`.
pub(crate) async fn outcome(
    caller: &Caller,
    id: JobId,
    until: Instant,
) -> Result<Option<Record>, Problem> {
    loop {
        let (record, _) = caller.job(id).await?;
        if record.verdict.is_some() || record.state.is_terminal() {
            return Ok(Some(record));
        }
        let now = Instant::now();
        if now >= until {
            return Ok(None);
        }
        sleep_until(until.min(now + ROUND)).await;
    }
}
