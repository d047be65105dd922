use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::router::Api;

/// `/v1/keys`.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new() // not built yet
}
