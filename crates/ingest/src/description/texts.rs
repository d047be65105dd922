//! Schemas of what is written as one text, or in more than one way.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::Fault;
use crate::quantity::{DurationText, RateText, SizeText};
use crate::submission::{Pairs, SinkText};
use crate::{Pick, Rule, Select};

type Schemas = Vec<(String, RefOr<Schema>)>;

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn pattern(pattern: &str) -> ObjectBuilder {
    text().pattern(Some(pattern))
}

fn one_of(values: &[&str]) -> ObjectBuilder {
    text().enum_values(Some(values.iter().copied()))
}

/// Declares types that stand for a text in the document, and what is said of it there.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident as $shown:literal: $schema:expr, $said:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        said!($name as $shown: $schema, $said);
    )*};
}

/// Says what a type's schema is.
macro_rules! said {
    ($name:ty as $shown:literal: $schema:expr, $said:literal) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::from($schema.description(Some($said)).build()))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($shown)
            }
        }
    };
}

texts! {
    /// An id of a job, and of what else is numbered like one.
    JobIdText as "Id":
        text().format(Some(SchemaFormat::Custom("uuid".to_owned())))
            .examples([json!("01a1f2c5-2a00-7000-8000-000000000000")]),
        "A UUID.";
    /// The value of `Idempotency-Key`.
    IdempotencyKeyText as "IdempotencyKey":
        pattern("^[\t -~]{1,255}$").examples([json!("order-7")]),
        "1 to 255 characters of visible ASCII, with or without the quotes of a structured field.";
    /// A method that a site can be asked by.
    MethodText as "Method":
        one_of(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        "A method of HTTP, in capitals.";
    /// A time, or so long ago or ahead.
    MomentText as "Moment":
        text().examples([json!("24h"), json!("2026-11-22T10:00:00Z")]),
        "An RFC 3339 time, or a duration from now.";
    /// A time.
    TimeText as "Time":
        text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples([json!("2026-11-22T10:00:00Z")]),
        "An RFC 3339 time.";
    /// A tag of a job.
    TagText as "Tag":
        text().min_length(Some(1)).max_length(Some(128)),
        "1 to 128 bytes without control characters.";
    /// A name of a sink.
    SinkName as "SinkName":
        pattern("^[a-z0-9][a-z0-9_-]{0,63}$").examples([json!("search")]),
        "1 to 64 of `a-z`, `0-9`, `-` and `_`; starts with a letter or a digit.";
    /// A signing secret.
    SecretText as "Secret":
        pattern("^whs(ec|k)_.+$").max_length(Some(256)),
        "`whsec_` (HMAC-SHA256) or `whsk_` (ed25519), and the key in base64.";
    /// A type of event that can be chosen.
    EventType as "EventType":
        one_of(&[
            "job.succeeded", "job.failed", "job.cancelled", "job.unchanged", "sink.disabled",
            "batch.completed",
        ]),
        "What an event tells of.";
}

said!(DurationText as "Duration":
    pattern("^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$").min_length(Some(2))
        .examples([json!("30s"), json!("1h30m"), json!("500ms")]),
    "Whole numbers with units, the largest first: `d`, `h`, `m`, `s`, `ms`.");

said!(RateText as "Rate":
    pattern("^[1-9][0-9]*/[smh]$").examples([json!("10/s"), json!("30/m")]),
    "So many per second, minute or hour.");

said!(SizeText as "Size":
    AnyOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)))
        .item(pattern("^[0-9]+ *([kKMG]?B|[KMG]iB)?$"))
        .examples([json!("10MB"), json!("64KiB"), json!(1500)]),
    "A number of bytes, or a text with a unit: `kB`, `MB`, `GB` are powers of 1000; `KiB`, `MiB`, \
     `GiB` are powers of 1024.");

said!(Fault as "Fault":
    ObjectBuilder::new()
        .property("pointer", text().description(Some("A JSON Pointer into the body (RFC 6901).")))
        .property("parameter", text().description(Some("A parameter of the query.")))
        .property("header", text().description(Some("A header field.")))
        .property("detail", text().description(Some("What is wrong there.")))
        .required("detail"),
    "One thing that is wrong, and where: one of `pointer`, `parameter` and `header` says that.");

impl PartialSchema for Pairs<'_> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .additional_properties(Some(AdditionalProperties::from(RefOr::T(Schema::from(text())))))
            .max_properties(Some(64))
            .description(Some("At most 64 texts by their names, and 16 KiB."))
            .build()
            .into()
    }
}

impl ToSchema for Pairs<'_> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Fields")
    }
}

/// Where a job's event goes.
pub(crate) struct JobSink;

impl PartialSchema for JobSink {
    fn schema() -> RefOr<Schema> {
        let given = AnyOfBuilder::new()
            .item(text().description(Some("A URL, or the name of a sink.")))
            .item(reference::<SinkText<'_>>())
            .examples([json!("https://hooks.example/in"), json!("search")])
            .description(Some("A URL, the name of a sink, or an object with one of them."));
        RefOr::T(Schema::from(given.build()))
    }
}

impl ToSchema for JobSink {
    fn schemas(schemas: &mut Schemas) {
        add::<SinkText<'_>>(schemas);
    }
}

impl PartialSchema for Select {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .additional_properties(Some(AdditionalProperties::from(reference::<Pick>())))
            .examples([json!({"title": "h1", "links": {"css": "a", "attr": "href", "all": true}})])
            .description(Some("Fields by their names, and how each is picked from the page."))
            .build()
            .into()
    }
}

impl ToSchema for Select {
    fn schemas(schemas: &mut Schemas) {
        add::<Pick>(schemas);
    }
}

impl PartialSchema for Pick {
    fn schema() -> RefOr<Schema> {
        let css = text().max_length(Some(2048));
        let given = AnyOfBuilder::new()
            .item(css.description(Some("A CSS selector: the text of the first element it finds.")))
            .item(reference::<Rule>())
            .description(Some("A CSS selector, or an object with one."));
        RefOr::T(Schema::from(given.build()))
    }
}

impl ToSchema for Pick {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("SelectField")
    }

    fn schemas(schemas: &mut Schemas) {
        // Its fields are picked like the first ones, so the circle ends here.
        schemas.push((Rule::name().into_owned(), Rule::schema()));
    }
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

fn add<T: ToSchema>(schemas: &mut Schemas) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}
