use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use jobs::{JobId, Record};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::JobSpec;
use crate::keys::{Key, Shown};
use crate::problem::{Fault, Kind, Problem};
use crate::router::{Api, unknown};

/// The store's bound of an idempotency key, in bytes.
const MAX_SCOPED_BYTES: usize = 255;
/// Between an owner and its idempotency key; in none that a header field brings.
const SEPARATOR: char = '\u{1f}';

/// What a key may be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = KeyScope)]
pub(crate) enum Right {
    /// To have jobs done, and to call off and repeat one's own.
    Submit,
    /// To see one's own jobs.
    Read,
    /// Everything, also what belongs to others.
    Admin,
}

impl Right {
    pub(crate) const ALL: [Self; 3] = [Self::Submit, Self::Read, Self::Admin];

    /// As it is called in a key's `scopes`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.name() == name)
    }
}

/// Whoever made a request, and the API it may use.
#[derive(Clone)]
pub(crate) struct Caller {
    api: Arc<Api>,
    /// Its key, when that was made through the API and is not revoked.
    key: Option<Arc<Key>>,
    /// The id of its key; `None` for those who own everything.
    owner: Option<Arc<str>>,
}

impl Caller {
    /// A caller with this right.
    pub(crate) fn of(api: &Arc<Api>, headers: &HeaderMap, right: Right) -> Result<Self, Problem> {
        let key = match api.keys.check(headers, api.clock.now()) {
            Ok(Shown::Open | Shown::Given) => None,
            Ok(Shown::Made(key)) => Some(key),
            Err(detail) => {
                let problem = unauthorized(detail);
                api.meters.refused(problem.kind());
                return Err(problem);
            }
        };
        if key.as_ref().is_some_and(|key| !key.may(right)) {
            let problem = lacking(right);
            api.meters.refused(problem.kind());
            return Err(problem);
        }
        let owner = key.as_ref().filter(|key| !key.is_admin()).map(|key| Arc::clone(&key.id));
        Ok(Self { api: Arc::clone(api), key, owner })
    }

    /// Whoever made what the server does on its own now.
    pub(crate) fn on_behalf(api: &Arc<Api>, owner: Option<Arc<str>>) -> Self {
        let key = owner.as_ref().and_then(|id| api.keys.get(id));
        Self { api: Arc::clone(api), key, owner }
    }

    /// The key it showed, when that was made through the API.
    pub(crate) const fn key(&self) -> Option<&Arc<Key>> {
        self.key.as_ref()
    }

    /// Whose jobs it may see and make: `None` for everybody's.
    pub(crate) const fn owner(&self) -> Option<&Arc<str>> {
        self.owner.as_ref()
    }

    /// Whether it may see what belongs to `owner`.
    pub(crate) fn may_see(&self, owner: Option<&str>) -> bool {
        self.owner().is_none_or(|own| owner == Some(own.as_ref()))
    }

    /// The job that an address names, with what was asked for. Another's is not there.
    pub(crate) async fn job(&self, id: JobId) -> Result<(Record, JobSpec), Problem> {
        let (record, spec) = self.api.job(id).await?;
        if self.may_see(record.owner.as_deref()) { Ok((record, spec)) } else { Err(unknown(id)) }
    }

    /// The name of the only sink that its jobs go to.
    pub(crate) fn sink(&self) -> Option<&str> {
        self.key.as_ref()?.stored.sink.as_deref()
    }

    /// Sends a job to the caller's own sink, if it has one, and refuses another.
    pub(crate) fn aim(&self, spec: &mut JobSpec) -> Result<(), Problem> {
        let Some(own) = self.sink() else {
            return Ok(());
        };
        let named = spec.sink_name.as_deref();
        if spec.sink.is_some() || named.is_some_and(|named| named != own) {
            return Err(elsewhere(own, Kind::Invalid));
        }
        if self.sinks.sink(own).is_none() {
            let detail = format!("the sink {own}, to which jobs of this key go, is gone");
            return Err(Problem::faulty(Kind::Invalid, vec![Fault::at("/sink", detail)]));
        }
        spec.sink_name = Some(own.to_owned());
        Ok(())
    }

    /// Whether an event may be sent to the sink of this name at its behest; if not, why not.
    pub(crate) fn may_send(&self, name: &str) -> Result<(), String> {
        match self.sink() {
            Some(own) if own != name => Err(format!("jobs of this key go to the sink {own} only")),
            _ => Ok(()),
        }
    }

    /// Whether it may take events of the sink of this name: everybody's are among them.
    pub(crate) fn may_pull(&self, name: &str) -> bool {
        self.owner().is_none() || self.sink() == Some(name)
    }

    /// An idempotency key as the store knows it: two owners' never meet.
    pub(crate) fn scoped(&self, key: &str) -> String {
        scoped(self.owner().map(AsRef::as_ref), key)
    }

    /// Whether it is still let in: for what outlasts a moment.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let checked = match (&self.key, &self.owner) {
            (Some(key), _) => key.check(self.clock.now()),
            (None, Some(_)) => Err("the API key was revoked"),
            (None, None) => Ok(()),
        };
        checked.map_err(unauthorized)
    }

    /// Resolves when its key is revoked.
    pub(crate) async fn revoked(&self) {
        match &self.key {
            Some(key) => key.revoked().await,
            None => std::future::pending().await,
        }
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

fn unauthorized(detail: &str) -> Problem {
    let challenge = HeaderValue::from_static("Bearer realm=\"pagewire\"");
    Problem::new(Kind::Unauthorized, detail).with_header(WWW_AUTHENTICATE, challenge)
}

/// RFC 6750 §3.1.
fn lacking(right: Right) -> Problem {
    let name = right.name();
    let challenge =
        format!("Bearer realm=\"pagewire\", error=\"insufficient_scope\", scope=\"{name}\"");
    let challenge = HeaderValue::try_from(challenge).expect("visible ASCII");
    Problem::new(Kind::MissingScope, format!("the API key lacks the scope `{name}`"))
        .with_header(WWW_AUTHENTICATE, challenge)
}

/// The job is to go to a sink that is not its caller's.
fn elsewhere(own: &str, kind: Kind) -> Problem {
    let detail = format!("jobs of this key go to the sink {own} only; leave `sink` out");
    Problem::faulty(kind, vec![Fault::at("/sink", detail)])
}

fn scoped(owner: Option<&str>, key: &str) -> String {
    let whole = match owner {
        None if !key.contains(SEPARATOR) => return key.to_owned(),
        owner => format!("{}{SEPARATOR}{key}", owner.unwrap_or_default()),
    };
    if whole.len() <= MAX_SCOPED_BYTES {
        return whole;
    }
    let digest = Sha256::digest(whole);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}{SEPARATOR}{SEPARATOR}{digest}", owner.unwrap_or_default())
}

/// A place in a request for the key that it came with, for who writes its answer's header.
#[derive(Clone, Default)]
pub(crate) struct Seat(Arc<OnceLock<Arc<Key>>>);

impl Seat {
    pub(crate) fn key(&self) -> Option<&Key> {
        self.0.get().map(AsRef::as_ref)
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
                let caller = Caller::of(api, &parts.headers, Right::$right)?;
                if let (Some(key), Some(seat)) = (&caller.key, parts.extensions.get::<Seat>()) {
                    let _ = seat.0.set(Arc::clone(key));
                }
                Ok(Self(caller))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_owners_idempotency_keys_never_meet() {
        let long = "k".repeat(255);
        let longer = format!("{}x", "k".repeat(254));
        let owners = [None, Some("aaaaaaaa"), Some("bbbbbbbb")];
        let keys = ["k", "aaaaaaaa\u{1f}k", "\u{1f}k", &*long, &*longer];
        let mut seen = std::collections::HashSet::new();
        for owner in owners {
            for key in keys {
                let scoped = scoped(owner, key);
                assert!(scoped.len() <= MAX_SCOPED_BYTES, "{scoped}");
                assert!(seen.insert(scoped), "{owner:?} {key:?}");
            }
        }
        assert_eq!(scoped(None, "k"), "k");
    }
}
