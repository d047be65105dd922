use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use jobs::{JobId, Record};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::JobSpec;
use crate::problem::{Kind, Problem};
use crate::router::{Api, unknown};

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

/// What a key may be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// To have jobs done, and to call off and repeat one's own.
    Submit,
    /// To see one's own jobs.
    Read,
    /// Everything, also what belongs to others.
    Admin,
}

/// Whoever made a request, and the API it may use.
#[derive(Clone)]
pub(crate) struct Caller {
    api: Arc<Api>,
    /// The id of its key; `None` for those who own everything.
    owner: Option<Arc<str>>,
}

impl Caller {
    /// A caller with this right.
    pub(crate) fn of(api: &Arc<Api>, headers: &HeaderMap, _: Right) -> Result<Self, Problem> {
        match api.keys.check(headers) {
            Ok(()) => Ok(Self { api: Arc::clone(api), owner: None }),
            Err(detail) => {
                let challenge = HeaderValue::from_static("Bearer realm=\"pagewire\"");
                let problem = Problem::new(Kind::Unauthorized, detail);
                api.meters.refused(problem.kind());
                Err(problem.with_header(WWW_AUTHENTICATE, challenge))
            }
        }
    }

    /// Whoever made what the server does on its own now.
    pub(crate) fn on_behalf(api: &Arc<Api>, owner: Option<Arc<str>>) -> Self {
        Self { api: Arc::clone(api), owner }
    }

    /// Whose jobs it may see and make: `None` for everybody's.
    pub(crate) const fn owner(&self) -> Option<&Arc<str>> {
        self.owner.as_ref()
    }

    /// Whether it may see what belongs to `owner`.
    pub(crate) fn may_see(&self, owner: Option<&str>) -> bool {
        self.owner.as_deref().is_none_or(|own| owner == Some(own))
    }

    /// The job that an address names, with what was asked for. Another's is not there.
    pub(crate) async fn job(&self, id: JobId) -> Result<(Record, JobSpec), Problem> {
        let (record, spec) = self.api.job(id).await?;
        if self.may_see(record.owner.as_deref()) { Ok((record, spec)) } else { Err(unknown(id)) }
    }

    /// The API, for what outlives the request.
    pub(crate) fn shared(&self) -> Arc<Api> {
        Arc::clone(&self.api)
    }
}

impl Deref for Caller {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

/// Declares the arguments that protect a handler.
macro_rules! protected {
    ($($(#[$doc:meta])* $name:ident: $right:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name(pub(crate) Caller);

        impl FromRequestParts<Arc<Api>> for $name {
            type Rejection = Problem;

            async fn from_request_parts(
                parts: &mut Parts,
                api: &Arc<Api>,
            ) -> Result<Self, Problem> {
                Caller::of(api, &parts.headers, Right::$right).map(Self)
            }
        }
    )*};
}

protected! {
    /// May have jobs done.
    Submitter: Submit;
    /// May look.
    Reader: Read;
    /// May do everything.
    Admin: Admin;
}
