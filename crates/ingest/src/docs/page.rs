//! The document as a page: no script, nothing fetched, readable in print too.

use std::fmt::Write as _;

use serde_json::Value;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayItems, Object, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Content, OpenApi, RefOr, Required, Response};

use crate::description::operations;

/// Stands for the host that the reader called.
pub(super) const HOST_HERE: &str = "{{host}}";
/// Stands for the header field with the reader's key.
pub(super) const KEY_HERE: &str = "{{key}}";
/// That field, of a server that wants one.
pub(super) const KEY: &str = " \\\n  -H 'Authorization: Bearer YOUR-KEY'";

pub(super) const STYLE: &str = include_str!("page.css");

/// The page.
pub(super) fn render(api: &OpenApi) -> String {
    let mut page = Page { api, html: String::new() };
    page.head();
    page.index();
    page.html.push_str("<main>");
    page.about();
    for tag in api.tags.iter().flatten() {
        page.group(&tag.name, tag.description.as_deref().unwrap_or_default());
    }
    page.webhooks();
    page.schemas();
    page.html.push_str("</main>\n</html>\n");
    page.html
}

struct Page<'a> {
    api: &'a OpenApi,
    html: String,
}

/// Writes to a text that takes every text.
macro_rules! put {
    ($page:expr, $($text:tt)*) => {
        write!($page.html, $($text)*).expect("a String takes every text")
    };
}

impl Page<'_> {
    fn head(&mut self) {
        let title = escaped(&self.api.info.title);
        put!(
            self,
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>{title} API</title>\n<style>{STYLE}</style>\n"
        );
    }

    /// Everything there is, to jump to.
    fn index(&mut self) {
        put!(
            self,
            "<nav><a class=\"home\" href=\"#top\">{} API</a>",
            escaped(&self.api.info.title)
        );
        for tag in self.api.tags.iter().flatten() {
            put!(self, "<h2>{}</h2><ul>", escaped(&tag.name));
            for (_, method, operation) in tagged(self.api, &tag.name) {
                let (id, summary) = (id(operation), summary(operation));
                put!(
                    self,
                    "<li><a href=\"#{id}\"><b class=\"{method}\">{method}</b> {}</a></li>",
                    marked(summary.trim_end_matches('.'))
                );
            }
            self.html.push_str("</ul>");
        }
        self.html.push_str("<h2>More</h2><ul><li><a href=\"#webhooks\">Webhooks</a></li>");
        self.html.push_str("<li><a href=\"#schemas\">Schemas</a></li></ul></nav>\n");
    }

    fn about(&mut self) {
        let info = &self.api.info;
        put!(
            self,
            "<header id=\"top\"><h1>{} <small>{}</small></h1>{}<p class=\"links\">\
             <a href=\"/openapi.json\">OpenAPI 3.1 document</a> · <a href=\"/\">Start</a> · \
             {}</p></header>\n",
            escaped(&info.title),
            escaped(&info.version),
            paragraphs(info.description.as_deref().unwrap_or_default()),
            escaped(info.license.as_ref().map_or("", |license| &license.name)),
        );
    }

    /// The operations of one tag.
    fn group(&mut self, name: &str, said: &str) {
        put!(self, "<section><h2>{}</h2>{}\n", escaped(name), paragraphs(said));
        let operations: Vec<_> = tagged(self.api, name).collect();
        for (path, method, operation) in operations {
            self.operation(path, method, operation);
        }
        self.html.push_str("</section>\n");
    }

    fn operation(&mut self, path: &str, method: &str, operation: &Operation) {
        put!(
            self,
            "<article id=\"{}\"><h3><b class=\"{method}\">{method}</b> <code>{}</code></h3>\
             <p class=\"summary\">{}</p>{}",
            id(operation),
            escaped(path),
            marked(summary(operation)),
            paragraphs(operation.description.as_deref().unwrap_or_default()),
        );
        self.parameters(operation);
        let body = operation.request_body.as_ref().and_then(the);
        if let Some(body) = body {
            self.body(body);
        }
        self.curl(path, method, operation, body);
        self.answers(operation);
        self.html.push_str("</article>\n");
    }

    fn parameters(&mut self, operation: &Operation) {
        let given: Vec<&Parameter> =
            operation.parameters.iter().flatten().filter_map(the).collect();
        if given.is_empty() {
            return;
        }
        self.html.push_str("<h4>Parameters</h4><table>");
        for parameter in given {
            let place = match parameter.parameter_in {
                ParameterIn::Path => "path",
                ParameterIn::Header => "header",
                ParameterIn::Cookie => "cookie",
                _ => "query",
            };
            let kind = parameter.schema.as_ref().map_or_else(String::new, kind);
            let bounds = parameter.schema.as_ref().map_or_else(String::new, bounds);
            put!(
                self,
                "<tr><th><code>{}</code>{}<small>{place}</small></th><td>{kind}{bounds}<div>{}\
                 </div></td></tr>",
                escaped(&parameter.name),
                required(parameter.required == Required::True),
                marked(parameter.description.as_deref().unwrap_or_default()),
            );
        }
        self.html.push_str("</table>");
    }

    fn body(&mut self, body: &RequestBody) {
        let optional =
            if body.required == Some(Required::True) { "" } else { " (may be left out)" };
        put!(
            self,
            "<h4>Body{optional}</h4>{}",
            paragraphs(body.description.as_deref().unwrap_or_default())
        );
        for (media, content) in &body.content {
            let Some(schema) = the(content).and_then(|content| content.schema.as_ref()) else {
                continue;
            };
            put!(self, "<p><code>{}</code>: {}</p>", escaped(media), kind(schema));
            let table = self.object(schema).map(members);
            self.html.push_str(&table.unwrap_or_default());
        }
    }

    /// The object that a schema is, or refers to.
    fn object<'s>(&'s self, schema: &'s RefOr<Schema>) -> Option<&'s Object> {
        let schema = match schema {
            RefOr::Ref(reference) => {
                let components = self.api.components.as_ref()?;
                components.schemas.get(name_of(&reference.ref_location))?
            }
            RefOr::T(_) => schema,
        };
        match schema {
            RefOr::T(Schema::Object(object)) => Some(object),
            _ => None,
        }
    }

    fn curl(
        &mut self,
        path: &str,
        method: &str,
        operation: &Operation,
        body: Option<&RequestBody>,
    ) {
        let needed = operation.parameters.iter().flatten().filter_map(the).filter(|parameter| {
            parameter.parameter_in == ParameterIn::Query && parameter.required == Required::True
        });
        let query: Vec<_> =
            needed.map(|p| format!("{0}={1}", p.name, p.name.to_uppercase())).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let path = path.replace("{id}", "ID").replace("{name}", "NAME");
        let quote = if query.is_empty() { "" } else { "'" };
        let mut line = String::from("curl");
        if method != "get" && !(method == "post" && body.is_some()) {
            line.push_str(" -X ");
            line.push_str(&method.to_uppercase());
        }
        write!(line, " {quote}http://{HOST_HERE}{path}{query}{quote}")
            .expect("a String takes every text");
        if operation.security.is_none() {
            line.push_str(KEY_HERE);
        }
        if let Some(example) = body.and_then(example) {
            let typed = operation.operation_id.as_deref() == Some("submitJobAsTyped");
            if !typed {
                line.push_str(" \\\n  -H 'Content-Type: application/json'");
            }
            write!(line, " \\\n  -d '{example}'").expect("a String takes every text");
        }
        put!(self, "<pre>{}</pre>", escaped(&line));
    }

    fn answers(&mut self, operation: &Operation) {
        self.html.push_str("<h4>Answers</h4><table class=\"answers\">");
        for (status, response) in &operation.responses.responses {
            let row = self.answer(status, response);
            self.html.push_str(&row);
        }
        self.html.push_str("</table>");
    }

    fn answer(&self, status: &str, response: &RefOr<Response>) -> String {
        let found = match response {
            RefOr::T(response) => Some(response),
            RefOr::Ref(reference) => self
                .api
                .components
                .as_ref()
                .and_then(|all| all.responses.get(name_of(&reference.ref_location)))
                .and_then(the),
        };
        let Some(response) = found else {
            return String::new();
        };
        let bodies = response.content.iter().filter_map(|(media, content)| {
            let schema = the(content)?.schema.as_ref();
            let media = escaped(media);
            Some(match schema {
                Some(schema) => format!("<code>{media}</code>: {}", kind(schema)),
                None => format!("<code>{media}</code>"),
            })
        });
        let bodies: Vec<_> = bodies.collect();
        let headers = response.headers.iter().filter_map(|(name, header)| {
            let said = the(header)?.description.as_deref().unwrap_or_default();
            Some(format!("<li><code>{}</code> {}</li>", escaped(name), marked(said)))
        });
        let headers: String = headers.collect();
        let headers = if headers.is_empty() { headers } else { format!("<ul>{headers}</ul>") };
        let class = if status.starts_with('2') { "good" } else { "other" };
        format!(
            "<tr class=\"{class}\"><th>{}</th><td>{} <span>{}</span>{headers}</td></tr>",
            escaped(status),
            marked(&response.description),
            bodies.join(", ")
        )
    }

    fn webhooks(&mut self) {
        self.html.push_str(
            "<section id=\"webhooks\"><h2>Webhooks</h2><p>What is POSTed to sinks, signed as \
             Standard Webhooks 1.0 asks. Any 2xx is \u{201c}I have it\u{201d}.</p>",
        );
        for (kind, item) in self.api.webhooks.iter().flat_map(|hooks| &hooks.paths) {
            let Some(operation) = &item.post else {
                continue;
            };
            let example = operation.request_body.as_ref().and_then(the).and_then(example);
            put!(
                self,
                "<article id=\"{}\"><h3><code>{}</code></h3><p class=\"summary\">{}</p>\
                 <pre>{}</pre></article>\n",
                id(operation),
                escaped(kind),
                marked(summary(operation)),
                escaped(&example.map_or_else(String::new, |example| pretty(&example))),
            );
        }
        self.html.push_str("</section>\n");
    }

    fn schemas(&mut self) {
        self.html.push_str("<section id=\"schemas\"><h2>Schemas</h2>\n");
        let Some(components) = &self.api.components else {
            return;
        };
        for (name, schema) in &components.schemas {
            let (said, whole) = match schema {
                RefOr::T(schema) => (description(schema), shape(schema)),
                RefOr::Ref(_) => ("", kind(schema)),
            };
            put!(
                self,
                "<article id=\"schema-{0}\"><h3><code>{0}</code></h3>{1}{whole}</article>\n",
                escaped(name),
                paragraphs(said),
            );
        }
        self.html.push_str("</section>\n");
    }
}

fn tagged<'a>(
    api: &'a OpenApi,
    name: &str,
) -> impl Iterator<Item = (&'a str, &'static str, &'a Operation)> {
    operations(api).filter(move |(_, _, operation)| {
        operation.tags.iter().flatten().next().is_some_and(|tag| tag == name)
    })
}

fn the<T>(part: &RefOr<T>) -> Option<&T> {
    match part {
        RefOr::T(part) => Some(part),
        RefOr::Ref(_) => None,
    }
}

fn id(operation: &Operation) -> &str {
    operation.operation_id.as_deref().unwrap_or_default()
}

fn summary(operation: &Operation) -> &str {
    operation.summary.as_deref().unwrap_or_default()
}

fn example(body: &RequestBody) -> Option<Value> {
    body.content.values().filter_map(the).find_map(|content: &Content| content.example.clone())
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The last part of a reference.
fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

fn required(is: bool) -> &'static str {
    if is { "<em>required</em>" } else { "" }
}

/// A schema in a few words.
fn kind(schema: &RefOr<Schema>) -> String {
    let schema = match schema {
        RefOr::Ref(reference) => {
            let name = escaped(name_of(&reference.ref_location));
            return format!("<a href=\"#schema-{name}\">{name}</a>");
        }
        RefOr::T(schema) => schema,
    };
    let either = |items: &[RefOr<Schema>]| {
        let items: Vec<_> = items.iter().map(kind).filter(|kind| kind != "null").collect();
        items.join(" or ")
    };
    match schema {
        Schema::Array(array) => match &array.items {
            ArrayItems::RefOrSchema(items) => format!("array of {}", kind(items)),
            ArrayItems::False => "array".to_owned(),
        },
        Schema::Object(object) => object_kind(object),
        Schema::OneOf(one_of) => either(&one_of.items),
        Schema::AnyOf(any_of) => either(&any_of.items),
        Schema::AllOf(all_of) => {
            let items: Vec<_> = all_of.items.iter().map(kind).collect();
            items.join(" and ")
        }
        _ => String::new(),
    }
}

fn object_kind(object: &Object) -> String {
    if let Some(values) = &object.enum_values {
        let values: Vec<_> = values.iter().map(|value| code(value.as_str())).collect();
        return values.join(" | ");
    }
    if let Some(more) = &object.additional_properties
        && let AdditionalProperties::RefOr(of) = &**more
    {
        return format!("object of {}", kind(of));
    }
    let format = match &object.format {
        Some(SchemaFormat::Custom(format)) => format!(" ({})", escaped(format)),
        Some(SchemaFormat::KnownFormat(format)) => known(format),
        None => String::new(),
    };
    format!("{}{format}", type_name(&object.schema_type))
}

/// How wide a number is does not concern a reader.
fn known(format: &utoipa::openapi::schema::KnownFormat) -> String {
    let name = serde_json::to_value(format).unwrap_or_default();
    match name.as_str() {
        Some("int32" | "int64") | None => String::new(),
        Some(name) => format!(" ({})", escaped(name)),
    }
}

fn type_name(schema_type: &SchemaType) -> String {
    let name = |one: &Type| match one {
        Type::Object => "object",
        Type::String => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
        Type::Array => "array",
        Type::Null => "null",
    };
    match schema_type {
        SchemaType::Type(one) => name(one).to_owned(),
        SchemaType::Array(several) => {
            let several: Vec<_> =
                several.iter().filter(|one| **one != Type::Null).map(name).collect();
            several.join(" or ")
        }
        SchemaType::AnyValue => "any".to_owned(),
    }
}

/// Between what a value must lie, and what it may look like.
fn bounds(schema: &RefOr<Schema>) -> String {
    let RefOr::T(schema) = schema else {
        return String::new();
    };
    let value = serde_json::to_value(schema).unwrap_or_default();
    let mut said = Vec::new();
    let pairs = [
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " of them"),
    ];
    for (least, most, unit) in pairs {
        match (value.get(least), value.get(most)) {
            (Some(least), Some(most)) => said.push(format!("{least} to {most}{unit}")),
            (Some(least), None) if *least != 0 => said.push(format!("at least {least}{unit}")),
            (None, Some(most)) => said.push(format!("at most {most}{unit}")),
            _ => {}
        }
    }
    if let Some(pattern) = value.get("pattern").and_then(Value::as_str) {
        said.push(code(Some(pattern)));
    }
    if said.is_empty() { String::new() } else { format!(" <small>{}</small>", said.join(", ")) }
}

fn description(schema: &Schema) -> &str {
    let said = match schema {
        Schema::Object(object) => &object.description,
        Schema::Array(array) => &array.description,
        Schema::OneOf(one_of) => &one_of.description,
        Schema::AnyOf(any_of) => &any_of.description,
        Schema::AllOf(all_of) => &all_of.description,
        _ => &None,
    };
    said.as_deref().unwrap_or_default()
}

/// What is said of a member.
fn said(member: &RefOr<Schema>) -> &str {
    match member {
        RefOr::Ref(reference) => &reference.description,
        // One that may be `null`: it is said of the other.
        RefOr::T(Schema::OneOf(one_of)) if one_of.description.is_none() => {
            one_of.items.iter().map(said).find(|said| !said.is_empty()).unwrap_or_default()
        }
        RefOr::T(schema) => description(schema),
    }
}

/// A schema as a block: its members, or what it is.
fn shape(schema: &Schema) -> String {
    let examples = serde_json::to_value(schema).unwrap_or_default();
    let examples = examples.get("examples").and_then(Value::as_array).into_iter().flatten();
    let examples: Vec<_> = examples.map(|one| code(Some(&one.to_string()))).collect();
    let examples = match examples.is_empty() {
        true => String::new(),
        false => format!("<p>Such as {}</p>", examples.join(", ")),
    };
    match schema {
        Schema::Object(object) if !object.properties.is_empty() => {
            format!("{}{examples}", members(object))
        }
        Schema::AllOf(all_of) => all_of
            .items
            .iter()
            .map(|item| match item {
                RefOr::T(Schema::Object(object)) => members(object),
                other => format!("<p>All of {}, and:</p>", kind(other)),
            })
            .collect(),
        other => {
            let whole = RefOr::T(other.clone());
            format!("<p>{}{}</p>{examples}", kind(&whole), bounds(&whole))
        }
    }
}

fn members(object: &Object) -> String {
    if object.properties.is_empty() {
        return String::new();
    }
    let mut rows = String::from("<table>");
    for (name, schema) in &object.properties {
        write!(
            rows,
            "<tr><th><code>{}</code>{}</th><td>{}{}<div>{}</div></td></tr>",
            escaped(name),
            required(object.required.contains(name)),
            kind(schema),
            bounds(schema),
            marked(&said(schema).replace("\n\n", " ")),
        )
        .expect("a String takes every text");
    }
    rows.push_str("</table>");
    rows
}

fn code(text: Option<&str>) -> String {
    format!("<code>{}</code>", escaped(text.unwrap_or_default()))
}

/// Texts with empty lines between, each as a paragraph.
fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|text| !text.trim().is_empty());
    paragraphs.map(|text| format!("<p>{}</p>", marked(text))).collect()
}

/// A text with what stands between backticks as code.
fn marked(text: &str) -> String {
    let text = escaped(text);
    let mut html = String::with_capacity(text.len());
    for (at, part) in text.split('`').enumerate() {
        match at % 2 {
            0 => html.push_str(part),
            _ => {
                html.push_str("<code>");
                html.push_str(part);
                html.push_str("</code>");
            }
        }
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code_and_nothing_is_markup() {
        assert_eq!(marked("a `<b>` & \"c\""), "a <code>&lt;b&gt;</code> &amp; &quot;c&quot;");
    }
}
