//! The OpenAPI document, made whole: what holds for all operations, and what belongs to none.

use std::collections::BTreeSet;

use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{ArrayItems, Components, Schema, SchemaType, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Content, InfoBuilder, LicenseBuilder, OpenApi, RefOr, Response, ServerBuilder,
};

use super::{IdempotencyKeyText, MomentText, refusals, webhooks};
use crate::problem::{Body, Fault};

/// The name of the way in which callers show who they are.
const API_KEY: &str = "apiKey";

/// The tag of what is asked, and refused, in the ways of other services.
const MIGRATION: &str = "Migration";

const ABOUT: &str = "POST a URL; the page comes back to you as a signed webhook; nothing accepted is ever lost.

A job is on disk before it is answered with 202. It is fetched within limits, turned into content, and sent as an event to its sink, again and again if it must be; or kept to be read.

A server that has API keys wants one of them with everything that has to do with jobs: `Authorization: Bearer KEY`. A server on a loopback address may have none, and is open then.

Whatever is refused is refused as `application/problem+json` (RFC 9457). `HEAD` works wherever `GET` does. In what is sent, `null` is the same as leaving a field out; of what is answered, a field that has nothing to say is left out.";

/// What the operations are grouped by, in this order.
const TAGS: [(&str, &str); 10] = [
    ("Jobs", "A job is a page to be fetched, and an event that tells what came of it."),
    ("Batches", "Many jobs at once, and one event when all of them are over."),
    ("Schedules", "Jobs that are submitted again and again, by the clock."),
    (
        "Redrive",
        "Dead letters: jobs whose events no sink took, or that failed, are taken up again.",
    ),
    ("Pull", "For receivers that cannot be reached: they fetch their events themselves."),
    ("Events", "What happens, as it happens."),
    ("Sinks", "Where events go: sinks that have names, with rules of their own."),
    ("Keys", "Who may do what, and how much of it."),
    (MIGRATION, "For clients that were written for other services."),
    ("Operation", "How the server fares, and what it is."),
];

/// Adds to what handlers say of themselves whatever else is to be said.
pub(crate) fn complete(mut api: OpenApi) -> OpenApi {
    let license = LicenseBuilder::new()
        .name(env!("CARGO_PKG_LICENSE"))
        .identifier(Some(env!("CARGO_PKG_LICENSE")));
    api.info = InfoBuilder::new()
        .title("Pagewire")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license.build()))
        .build();
    api.servers = Some(vec![ServerBuilder::new().url("/").build()]);
    api.security = Some(vec![SecurityRequirement::new(API_KEY, [""; 0])]);
    let components = api.components.get_or_insert_default();
    let key = SecurityScheme::Http(Http::builder().scheme(HttpAuthScheme::Bearer).build());
    components.add_security_scheme(API_KEY, key);
    components.responses = refusals::all();
    // What only refusals and parameters refer to is not collected from the handlers.
    add::<Body<'_>>(components);
    add::<Fault>(components);
    add::<IdempotencyKeyText>(components);
    add::<MomentText>(components);
    for path in api.paths.paths.values_mut() {
        operations_mut(path).into_iter().for_each(round_off);
    }
    let used: BTreeSet<String> =
        operations(&api).filter_map(|(_, _, operation)| operation.tags.clone()).flatten().collect();
    let tags = TAGS
        .iter()
        .filter(|(name, _)| used.contains(*name))
        .map(|(name, said)| TagBuilder::new().name(*name).description(Some(*said)).build());
    api.tags = Some(tags.collect());
    api.webhooks = Some(webhooks::all());
    answers_without_null(&mut api);
    api
}

fn add<T: ToSchema>(components: &mut Components) {
    components.schemas.entry(T::name().into_owned()).or_insert_with(T::schema);
}

/// Every operation, with its path and method, in the order in which they were registered.
pub(crate) fn operations(api: &OpenApi) -> impl Iterator<Item = (&str, &'static str, &Operation)> {
    api.paths.paths.iter().flat_map(|(path, item)| {
        let all = [
            ("get", &item.get),
            ("post", &item.post),
            ("put", &item.put),
            ("patch", &item.patch),
            ("delete", &item.delete),
        ];
        let there = all.into_iter().filter_map(|(method, one)| Some((method, one.as_ref()?)));
        there.map(move |(method, operation)| (path.as_str(), method, operation))
    })
}

fn operations_mut(item: &mut PathItem) -> Vec<&mut Operation> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    [get, post, put, patch, delete].into_iter().flatten().collect()
}

/// Adds how a request like this may be refused, and what a refusal looks like.
fn round_off(operation: &mut Operation) {
    let answers = &mut operation.responses.responses;
    let is_foreign = operation.tags.iter().flatten().any(|tag| tag == MIGRATION);
    if operation.security.is_none() && !is_foreign {
        let is_at = |place: ParameterIn| {
            let given = operation.parameters.iter().flatten();
            given
                .filter_map(|one| if let RefOr::T(one) = one { Some(one) } else { None })
                .any(|parameter| parameter.parameter_in == place)
        };
        let statuses = [
            (true, refusals::ALWAYS.as_slice()),
            (is_at(ParameterIn::Path), &refusals::OF_PATH),
            (is_at(ParameterIn::Query), &refusals::OF_QUERY),
            (operation.request_body.is_some(), &refusals::OF_BODY),
        ];
        for (_, statuses) in statuses.into_iter().filter(|(may_be, _)| *may_be) {
            for (status, response) in statuses.iter().map(|status| refusals::refusal(status)) {
                answers.entry(status).or_insert(response);
            }
        }
    }
    for (status, response) in answers {
        if let RefOr::T(Response { content, .. }) = response
            && status.starts_with(['4', '5'])
            && (content.is_empty() || content.contains_key(refusals::PROBLEM))
        {
            let problem = Content::new(Some(refusals::schema()));
            content.insert(refusals::PROBLEM.to_owned(), problem.into());
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for content in body.content.values_mut() {
            if let RefOr::T(Content { schema: Some(schema), .. }) = content {
                never_null(schema);
            }
        }
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(Parameter { schema: Some(schema), .. }) = parameter {
            never_null(schema);
        }
    }
}

/// A field that has nothing to say is left out of an answer; only what is sent may say `null`.
fn answers_without_null(api: &mut OpenApi) {
    let mut sent = BTreeSet::new();
    let bodies = operations(api).filter_map(|(_, _, operation)| operation.request_body.as_ref());
    let mut open: Vec<String> = bodies.flat_map(|body| named(&body)).collect();
    let Some(Components { schemas, .. }) = &mut api.components else {
        return;
    };
    while let Some(name) = open.pop() {
        if let Some(schema) = schemas.get(&name)
            && sent.insert(name)
        {
            open.extend(named(schema));
        }
    }
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| !sent.contains(*name)) {
        members_never_null(schema);
    }
}

/// The names of the schemas that a part of the document refers to.
fn named(part: &impl serde::Serialize) -> Vec<String> {
    let text = serde_json::to_string(part).expect("every key is a string");
    let after = text.split("\"#/components/schemas/").skip(1);
    after.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

/// What may be `null` although it need not be there.
const MAY_BE_NULL: [&str; 2] = ["next", "title"];

fn members_never_null(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            for (name, member) in &mut object.properties {
                if !MAY_BE_NULL.contains(&name.as_str()) {
                    never_null(member);
                }
            }
        }
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(members_never_null),
        _ => {}
    }
}

fn never_null(schema: &mut RefOr<Schema>) {
    let RefOr::T(inner) = schema else {
        return;
    };
    match inner {
        Schema::Object(object) => one_type(&mut object.schema_type),
        Schema::Array(array) => {
            one_type(&mut array.schema_type);
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                never_null(items);
            }
        }
        Schema::OneOf(one_of) => {
            one_of.items.retain(|item| !is_null(item));
            if let [RefOr::Ref(only)] = one_of.items.as_slice() {
                let mut only = only.clone();
                if let Some(said) = one_of.description.take() {
                    only.description = said;
                }
                *schema = RefOr::Ref(only);
            }
        }
        _ => {}
    }
}

fn one_type(schema_type: &mut SchemaType) {
    if let SchemaType::Array(types) = schema_type {
        types.retain(|one| *one != Type::Null);
        if let [only] = types.as_slice() {
            *schema_type = SchemaType::Type(only.clone());
        }
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    let RefOr::T(Schema::Object(object)) = schema else {
        return false;
    };
    object.schema_type == SchemaType::Type(Type::Null)
}
