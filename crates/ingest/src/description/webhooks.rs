//! What the server sends by itself: events, as they are POSTed to sinks.

use serde_json::{Value, json};
use utoipa::ToSchema as _;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, Paths, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{
    ContentBuilder, ObjectBuilder, PathItem, Ref, Required, ResponseBuilder, Type,
};

use super::Event;

/// Header fields of every event (Standard Webhooks 1.0).
const FIELDS: [(&str, &str); 3] = [
    ("webhook-id", "The event's identity, the same at every attempt: drop what you have already."),
    ("webhook-timestamp", "When this attempt was made, in seconds since the Unix epoch."),
    (
        "webhook-signature",
        "One or more signatures of `{webhook-id}.{webhook-timestamp}.{body}`, with spaces between; \
         one that matches is enough.",
    ),
];

/// What may be sent, by the operation's id.
pub(super) fn all() -> Paths {
    let job = json!({"id": ID, "url": "https://example.com/", "metadata": {"order": 7}});
    let with = |more: Value| {
        let mut data = job.clone();
        if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
            data.extend(more);
        }
        data
    };
    let page = with(json!({"status": 200, "title": "Example", "markdown": "# Example\n"}));
    let error = with(json!({
        "error": {"code": "dns", "detail": "the name has no address", "transient": true}
    }));
    let unchanged = with(json!({"unchanged": {"job": ID, "by": "content"}}));
    let sink = json!({"id": ID, "sink": "search", "reason": "410 Gone"});
    [
        ("onJobSucceeded", "job.succeeded", "A page was fetched.", page),
        ("onJobFailed", "job.failed", "A page could not be fetched, for good.", error),
        ("onJobUnchanged", "job.unchanged", "A page is as it was.", unchanged),
        ("onJobCancelled", "job.cancelled", "A job was called off.", with(json!({}))),
        ("onSinkDisabled", "sink.disabled", "Nothing more is sent to a sink.", sink),
    ]
    .into_iter()
    .fold(PathsBuilder::new(), |paths, (id, kind, summary, data)| {
        paths.path(kind, sent(id, kind, summary, &data))
    })
    .build()
}

const ID: &str = "01a1f2c5-2a00-7000-8000-000000000000";

fn sent(id: &str, kind: &str, summary: &str, data: &Value) -> PathItem {
    let example = json!({"type": kind, "timestamp": "2026-11-22T10:00:00Z", "data": data});
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Event::name())))
        .example(Some(example));
    let body = RequestBodyBuilder::new()
        .content("application/json", content.build())
        .required(Some(Required::True));
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let operation = FIELDS.into_iter().fold(OperationBuilder::new(), |operation, (name, said)| {
        operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Header)
                .required(Required::True)
                .description(Some(said))
                .schema(Some(text())),
        )
    });
    let answer = |said: &str| ResponseBuilder::new().description(said).build();
    let operation = operation
        .operation_id(Some(id))
        .tag("Webhooks")
        .summary(Some(summary))
        .request_body(Some(body.build()))
        .response("2XX", answer("I have it."))
        .response("4XX", answer("It is not tried again, but for 408, 425 and 429."))
        .response("410", answer("Send no more: the sink is disabled."))
        .response("5XX", answer("It is tried again by the schedule."));
    PathItem::new(HttpMethod::Post, operation.build())
}
