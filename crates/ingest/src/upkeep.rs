use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::router::Api;
use crate::{batches, keys};

/// What the API does without being asked: to be run beside the router.
pub struct Upkeep(Arc<Api>);

impl Upkeep {
    pub(crate) const fn new(api: Arc<Api>) -> Self {
        Self(api)
    }

    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let api = self.0;
        tokio::join!(
            keys::keep_usage(&api, &stop),
            api.waits.dispatch(&api.feed, &stop),
            batches::keep_up(&api, &stop),
        );
    }
}
