use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::router::Api;

/// What clients of ScraperAPI call.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new() // not built yet
}
