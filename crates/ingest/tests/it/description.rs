//! The OpenAPI document, and the page that is made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};

use http::{Request, header};
use serde_json::Value;

use crate::world::World;

/// Where the document is kept, below the crate.
const KEPT: &str = "../../docs/openapi.json";
/// Set to have it written anew.
const RENEW: &str = "PAGEWIRE_RENEW_OPENAPI";

async fn document() -> Value {
    World::new().get("/openapi.json").await.json()
}

/// Every operation, as `method path`.
fn operations(document: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.insert(format!("{method} {path}"), operation.clone());
        }
    }
    found
}

/// Every reference of a part of the document.
fn references<'a>(part: &'a Value, found: &mut BTreeSet<&'a str>) {
    match part {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_that_is_kept_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(KEPT);
    let served = World::new().get("/openapi.json").await.body;
    if env::var_os(RENEW).is_some() {
        fs::write(&path, &served).unwrap();
    }
    let kept = fs::read(&path).unwrap();
    assert!(
        kept == served,
        "docs/openapi.json is out of date: run `{RENEW}=1 cargo test -p ingest --test it \
         description` and commit it"
    );
}

#[tokio::test]
async fn the_document_is_known_by_its_tag() {
    let world = World::new();
    let answer = world.get("/openapi.json").await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    assert_eq!(answer.json()["openapi"], "3.1.0");
    let request = Request::get("/openapi.json");
    let request = request.header(header::IF_NONE_MATCH, answer.header(header::ETAG));
    let again = world.send(request.body("".into()).unwrap()).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    assert_eq!(again.header(header::ETAG), answer.header(header::ETAG));
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let document = document().await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 30, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn every_schema_is_used() {
    let document = document().await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(found.contains(format!("#/components/schemas/{name}").as_str()), "{name}");
    }
}

#[tokio::test]
async fn every_operation_says_what_it_is_and_how_it_is_refused() {
    let document = document().await;
    let tags: Vec<&Value> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}: {id}");
        assert!(id.starts_with(|first: char| first.is_ascii_lowercase()), "{name}: {id}");
        assert!(ids.insert(id.to_owned()), "{name}: {id} twice");
        let summary = operation["summary"].as_str().unwrap();
        assert!(summary.ends_with('.') && summary.len() < 80, "{name}: {summary}");
        let [tag] = operation["tags"].as_array().unwrap().as_slice() else {
            panic!("{name} has not one tag");
        };
        assert!(tags.contains(&tag), "{name}: {tag} is not described");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{name}");
        // What is asked in the ways of other services is refused in theirs.
        let is_foreign = tag == "Migration";
        let is_open = operation["security"] == serde_json::json!([{}]);
        for status in ["401", "403", "429", "500", "503"] {
            assert!(is_open || is_foreign || answers.contains_key(status), "{name}: {status}");
        }
        let has_body = operation.get("requestBody").is_some();
        for status in ["400", "413", "415", "422"] {
            assert!(!has_body || is_foreign || answers.contains_key(status), "{name}: {status}");
        }
    }
}

#[tokio::test]
async fn every_part_of_a_path_is_a_parameter() {
    for (name, operation) in operations(&document().await) {
        let wanted = name.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
        let wanted: BTreeSet<&str> = wanted.collect();
        let given = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let given: BTreeSet<&str> = given
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(given, wanted, "{name}");
    }
}

/// The router cannot be asked for its routes. It has no other than those that are registered with
/// what is said of them.
#[test]
fn no_route_is_registered_without_a_description() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut routes = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let source = fs::read_to_string(&path).unwrap_or_default();
        routes += source.matches(".routes(routes!(").count();
        for bare in [".route(", ".route_service(", ".nest_service(", ".nest("] {
            assert!(!source.contains(bare), "{}: {bare}", path.display());
        }
    }
    assert!(routes > 20, "{routes}");
}

#[tokio::test]
async fn every_path_of_the_document_is_there() {
    let world = World::new();
    for (name, _) in operations(&document().await) {
        let (method, path) = name.split_once(' ').unwrap();
        if name == "get /v1/events" {
            continue; // it does not end
        }
        let path = path.replace(['{', '}'], "");
        let answer = world.call(&method.to_uppercase(), &path).await;
        assert_ne!(answer.status, 405, "{name}");
        if answer.status == 404 {
            let detail = answer.problem(404);
            assert!(!detail.contains("there is nothing at"), "{name}: {detail}");
        }
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_runs_nothing() {
    let world = World::new();
    let request = Request::get("/docs").header(header::HOST, "pages.example:8080");
    let answer = world.send(request.body("".into()).unwrap()).await;
    assert_eq!(answer.status, 200);
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = String::from_utf8(answer.body.to_vec()).unwrap();
    for (name, operation) in operations(&document().await) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{name}");
        assert!(page.contains(&format!("href=\"#{id}\"")), "{name}");
    }
    assert!(page.contains("curl http://pages.example:8080/v1/jobs"));
    assert!(!page.contains("{{") && !page.contains("<script") && !page.contains(" style="));
    for link in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(page.contains(&format!("id=\"{link}\"")), "#{link}");
    }
    let start = world.get("/").await;
    assert!(String::from_utf8_lossy(&start.body).contains("href=\"/docs\""));
}
