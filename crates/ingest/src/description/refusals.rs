//! How requests are refused. What follows from what a request is made of is added to the whole
//! document; handlers say by these types what else may happen.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
};
use utoipa::{IntoResponses, ToSchema as _};

use crate::problem::{Body, Kind};

/// What the body of a refusal is.
pub(super) const PROBLEM: &str = "application/problem+json";

type Responses = BTreeMap<String, RefOr<Response>>;

/// Declares types that say how a request may be refused.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $($status:literal)*;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> Responses {
                [$($status),*].map(refusal).into()
            }
        }
    )*};
}

refusals! {
    /// The key is of a request that is being answered.
    KeyInUse: "409";
    /// There are no parameters, and whoever gives one is told so.
    BadParameter: "400";
    /// A parameter names something.
    NotThere: "404";
    /// What it names has to be in a state that allows it.
    NotInThisState: "409";
    /// A part can be asked for.
    NoRange: "416";
    /// The server is not ready.
    Unready: "503";
}

/// How requests that need a key may be refused, whatever they ask for.
pub(super) const ALWAYS: [&str; 5] = ["401", "403", "429", "500", "503"];
/// How those may be that name something in their path.
pub(super) const OF_PATH: [&str; 1] = ["404"];
/// How those may be that have parameters in their query.
pub(super) const OF_QUERY: [&str; 1] = ["400"];
/// How those may be that have a body.
pub(super) const OF_BODY: [&str; 5] = ["400", "408", "413", "415", "422"];

/// A reference to the refusal with this status.
pub(super) fn refusal(status: &str) -> (String, RefOr<Response>) {
    let known = ALL.iter().find(|known| known.kind.facts().0.as_str() == status);
    let name = known.expect("these are the statuses of this file").name;
    (status.to_owned(), RefOr::Ref(Ref::from_response_name(name)))
}

/// The refusals that there are, by their names.
pub(super) fn all() -> Responses {
    ALL.iter().map(|refusal| (refusal.name.to_owned(), refusal.response().into())).collect()
}

struct Refusal {
    name: &'static str,
    description: &'static str,
    kind: Kind,
    headers: &'static [(&'static str, &'static str)],
}

impl Refusal {
    fn response(&self) -> Response {
        let (status, slug, title) = self.kind.facts();
        let example = json!({
            "type": format!("urn:pagewire:problem:{slug}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.description,
            "instance": "urn:uuid:01a1f2c5-2a00-7000-8000-000000000001",
        });
        let content = ContentBuilder::new().schema(Some(schema())).example(Some(example));
        let mut response =
            ResponseBuilder::new().description(self.description).content(PROBLEM, content.build());
        for (name, said) in self.headers {
            let text = ObjectBuilder::new().schema_type(Type::String).build();
            let header = HeaderBuilder::new().schema(Some(text)).description(Some(*said));
            response = response.header(*name, header.build());
        }
        response.build()
    }
}

/// A reference to what every refusal looks like.
pub(super) fn schema() -> Ref {
    Ref::from_schema_name(Body::name())
}

const RETRY_AFTER: (&str, &str) = ("Retry-After", "Seconds to wait before trying again.");

const ALL: [Refusal; 13] = [
    Refusal {
        name: "BadRequest",
        description: "The body is not JSON, or a parameter or header field is wrong.",
        kind: Kind::BadRequest,
        headers: &[],
    },
    Refusal {
        name: "Unauthorized",
        description: "There is no API key, or none that is known.",
        kind: Kind::Unauthorized,
        headers: &[("WWW-Authenticate", "How to authenticate (RFC 6750).")],
    },
    Refusal {
        name: "Forbidden",
        description: "The API key is not good for this, or a link to a result does not fit or has \
                      expired.",
        kind: Kind::Forbidden,
        headers: &[],
    },
    Refusal {
        name: "NotFound",
        description: "There is no such thing.",
        kind: Kind::NotFound,
        headers: &[],
    },
    Refusal {
        name: "RequestTimeout",
        description: "The body did not arrive in time.",
        kind: Kind::BodyTimeout,
        headers: &[],
    },
    Refusal {
        name: "Conflict",
        description: "The state of what there is does not allow it.",
        kind: Kind::Conflict,
        headers: &[],
    },
    Refusal {
        name: "ContentTooLarge",
        description: "The body is too large.",
        kind: Kind::TooLarge,
        headers: &[],
    },
    Refusal {
        name: "UnsupportedMediaType",
        description: "The body is not said to be JSON in UTF-8, or is encoded.",
        kind: Kind::UnsupportedType,
        headers: &[("Accept", "What is taken.")],
    },
    Refusal {
        name: "RangeNotSatisfiable",
        description: "None of the bytes that there are was asked for.",
        kind: Kind::NoSuchRange,
        headers: &[("Content-Range", "How many bytes there are.")],
    },
    Refusal {
        name: "UnprocessableContent",
        description: "The body is JSON, but nothing that can be accepted: everything that is wrong \
                      stands in `errors`.",
        kind: Kind::Invalid,
        headers: &[],
    },
    Refusal {
        name: "TooManyRequests",
        description: "A rate, a quota or a bound is reached.",
        kind: Kind::TooMany,
        headers: &[RETRY_AFTER],
    },
    Refusal {
        name: "InternalError",
        description: "The server's fault; its log says more.",
        kind: Kind::Internal,
        headers: &[],
    },
    Refusal {
        name: "Unavailable",
        description: "The queue or the disk is full, memory is short, or the store does not work.",
        kind: Kind::QueueFull,
        headers: &[RETRY_AFTER],
    },
];
