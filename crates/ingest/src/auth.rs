use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::problem::{Kind, Problem};
use crate::router::Api;

/// The digests of the keys that open the API; empty when it is open to all.
#[derive(Debug)]
pub(crate) struct Keys(Vec<[u8; 32]>);

impl Keys {
    pub(crate) fn new(keys: &[String]) -> Self {
        Self(keys.iter().map(|key| Sha256::digest(key).into()).collect())
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        if self.is_open() {
            return Ok(());
        }
        let value = headers.get(AUTHORIZATION).ok_or("send `Authorization: Bearer <api key>`")?;
        let key = bearer(value).ok_or("the Authorization field is not `Bearer <api key>`")?;
        let digest: [u8; 32] = Sha256::digest(key).into();
        // Every key is compared, so that the time tells nothing of which one came close.
        let known = self.0.iter().fold(0, |known, key| known | digest.ct_eq(key).unwrap_u8());
        if known == 1 { Ok(()) } else { Err("the API key is not known here") }
    }
}

/// The token of RFC 6750 §2.1; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// A caller that may use the API. Taking it as an argument is what protects a handler.
pub(crate) struct Caller(pub(crate) Arc<Api>);

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        match api.keys.check(&parts.headers) {
            Ok(()) => Ok(Self(Arc::clone(api))),
            Err(detail) => {
                let challenge = HeaderValue::from_static("Bearer realm=\"pagewire\"");
                let problem = Problem::new(Kind::Unauthorized, detail);
                api.meters.refused(problem.kind());
                Err(problem.with_header(WWW_AUTHENTICATE, challenge))
            }
        }
    }
}
