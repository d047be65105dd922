//! The part of Firecrawl's v2 interface that can be served here: scraping one page and a batch of
//! them, and the webhooks of a batch. It translates; jobs are what they are for everybody else.

mod batch;
mod document;
mod failure;
mod options;
mod scrape;
mod webhook;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::webhook::body as webhook_body;
use crate::router::Api;

/// What clients of Firecrawl call.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(scrape::scrape))
        .routes(routes!(batch::start))
        .routes(routes!(batch::status, batch::cancel))
        .routes(routes!(batch::errors))
}
