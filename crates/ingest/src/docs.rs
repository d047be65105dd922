use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::router::Api;

/// The description of the API, for programs and for people.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new() // not built yet
}
