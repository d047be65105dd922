//! The description of the API, for programs and for people.

mod page;

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::description;
use crate::ops::{self, host};
use crate::read::if_none_match;
use crate::router::{self, Api};

/// The description of the API, for programs and for people.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(document)).routes(routes!(page))
}

/// What is served, made at the first request.
struct Made {
    document: Bytes,
    entity_tag: HeaderValue,
    page: String,
    /// Lets the page have its own style, and nothing else.
    policy: HeaderValue,
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let api = description::complete(router::routes().split_for_parts().1);
    let mut document = api.to_pretty_json().expect("every key is a string");
    document.push('\n');
    let tag = URL_SAFE_NO_PAD.encode(&Sha256::digest(&document)[..16]);
    let style = STANDARD.encode(Sha256::digest(page::STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let visible = |text: String| HeaderValue::try_from(text).expect("visible ASCII");
    Made {
        page: page::render(&api),
        document: document.into(),
        entity_tag: visible(format!("\"{tag}\"")),
        policy: visible(policy),
    }
});

/// Describes the API for programs.
///
/// This document, as OpenAPI 3.1.
#[utoipa::path(
    get, path = "/openapi.json", tag = "Operation", operation_id = "getOpenApi", security(()),
    params(
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of a document that is known: gives 304 while it is the same."),
    ),
    responses(
        (
            status = 200, body = Object, description = "The document.",
            headers(("ETag" = String, description = "Names this very document.")),
        ),
        (
            status = 304, description = "It is the one that is known.",
            headers(("ETag" = String, description = "Names this very document.")),
        ),
    ),
)]
pub(crate) async fn document(headers: HeaderMap) -> Response {
    let Made { document, entity_tag, .. } = &*MADE;
    let tag = entity_tag.to_str().unwrap_or_default();
    let mut response = if if_none_match(&headers, tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(document.clone()));
        let media = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, entity_tag.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Describes the API for people.
#[utoipa::path(
    get, path = "/docs", tag = "Operation", operation_id = "getDocs", security(()),
    responses((status = 200, description = "A page for people.", body = String, content_type = "text/html")),
)]
pub(crate) async fn page(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let key = if api.keys.is_open() { "" } else { page::KEY };
    let text = MADE.page.replace(page::HOST_HERE, host(&headers)).replace(page::KEY_HERE, key);
    let mut response = ops::text(text, "text/html; charset=utf-8");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, MADE.policy.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
