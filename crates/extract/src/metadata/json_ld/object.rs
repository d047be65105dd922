//! What one object says.

use serde_json::{Map, Value};

use super::super::person;
use super::super::squeeze::squeeze;

type Object = Map<String, Value>;

/// Levels of `author.name.name` that are followed.
const MAX_REFERENCES: usize = 3;

/// Items of a list of authors or images that are looked at.
const MAX_ITEMS: usize = 64;

/// What the JSON-LD of a page says; empty where it says nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Of articles, videos and the like.
    pub(crate) headline: String,
    /// Of any other thing the page is about.
    pub(crate) name: String,
    pub(crate) authors: Vec<String>,
    /// The authors are persons, not organisations.
    pub(crate) persons: bool,
    /// As written.
    pub(crate) published: String,
    /// As written.
    pub(crate) modified: String,
    pub(crate) description: String,
    pub(crate) language: String,
    pub(crate) image: String,
    pub(crate) publisher: String,
    pub(crate) site: String,
    pub(crate) address: String,
    /// In lower case.
    pub(crate) kind: String,
}

/// Kinds that pages are about, the most telling first; `None` for all others. Compared without
/// case, without a prefix such as `https://schema.org/`.
pub(super) fn rank(object: &Object) -> Option<u8> {
    types(object).filter_map(|kind| rank_of(&kind)).min()
}

fn rank_of(kind: &str) -> Option<u8> {
    Some(match kind {
        _ if kind.ends_with("article") || kind.ends_with("posting") => 0,
        "report"
        | "analysisnewsarticle"
        | "review"
        | "recipe"
        | "howto"
        | "question"
        | "creativework"
        | "blogpost" => 1,
        "product"
        | "productgroup"
        | "book"
        | "movie"
        | "tvepisode"
        | "tvseries"
        | "podcastepisode"
        | "course"
        | "jobposting"
        | "event"
        | "softwareapplication"
        | "mobileapplication"
        | "webapplication"
        | "videogame"
        | "dataset"
        | "musicrecording"
        | "musicalbum"
        | "game"
        | "service"
        | "vehicle"
        | "hotel"
        | "restaurant"
        | "place"
        | "visualartwork" => 2,
        "videoobject" | "audioobject" | "liveblog" => 3,
        "webpage" | "itempage" | "faqpage" | "aboutpage" | "contactpage" | "collectionpage"
        | "profilepage" | "qapage" | "medicalwebpage" | "checkoutpage" | "searchresultspage" => 4,
        _ => return None,
    })
}

/// The object's types in lower case without a prefix.
fn types(object: &Object) -> impl Iterator<Item = String> {
    let kinds = match object.get("@type").or_else(|| object.get("type")) {
        Some(Value::Array(kinds)) => kinds.as_slice(),
        Some(kind) => std::slice::from_ref(kind),
        None => &[],
    };
    kinds
        .iter()
        .take(MAX_ITEMS)
        .filter_map(Value::as_str)
        .map(|kind| kind.rsplit(['/', '#', ':']).next().unwrap_or("").trim().to_ascii_lowercase())
}

fn is(object: &Object, kind: &str) -> bool {
    types(object).any(|own| own == kind)
}

/// Its items are other pages or things.
pub(super) fn is_list(object: &Object) -> bool {
    types(object).any(|kind| {
        matches!(
            kind.as_str(),
            "itemlist" | "breadcrumblist" | "offercatalog" | "blog" | "siteNavigationelement"
        )
    })
}

/// Members whose objects are about something else than the page.
pub(super) fn is_aside(member: &str) -> bool {
    matches!(
        member,
        "author"
            | "publisher"
            | "comment"
            | "comments"
            | "review"
            | "reviews"
            | "isPartOf"
            | "citation"
            | "mentions"
            | "about"
            | "offers"
            | "aggregateRating"
            | "breadcrumb"
            | "creator"
            | "hasPart"
            | "isRelatedTo"
            | "isSimilarTo"
            | "relatedLink"
            | "suggestedAnswer"
            | "acceptedAnswer"
            | "potentialAction"
            | "sponsor"
            | "copyrightHolder"
            | "editor"
            | "contributor"
            | "reviewedBy"
    )
}

/// Addresses by which the object can be the page.
pub(super) fn addresses(object: &Object) -> impl Iterator<Item = &str> {
    ["mainEntityOfPage", "url", "@id"].into_iter().filter_map(|name| {
        let value = object.get(name)?;
        value.as_str().or_else(|| value.get("@id")?.as_str()).or_else(|| value.get("url")?.as_str())
    })
}

/// Takes the name of the site from an object that describes it.
pub(super) fn site(object: &Object, facts: &mut Facts) {
    if is(object, "website") {
        set(&mut facts.site, object.get("name"));
    }
}

/// Takes what a work says and no better one has said.
pub(super) fn read<'v>(
    object: &'v Object,
    rank: u8,
    lookup: &impl Fn(&str) -> Option<&'v Value>,
    facts: &mut Facts,
) {
    if rank <= 1 || rank == 3 {
        set(&mut facts.headline, object.get("headline"));
    }
    if rank < 4 {
        set(&mut facts.headline, object.get("name").filter(|_| rank == 0 || rank == 3));
        set(&mut facts.name, object.get("name"));
    } else {
        set(&mut facts.name, object.get("headline").or_else(|| object.get("name")));
    }
    set(&mut facts.published, object.get("datePublished"));
    if rank <= 3 {
        set(&mut facts.published, object.get("uploadDate"));
        set(&mut facts.published, object.get("dateCreated"));
    }
    set(&mut facts.modified, object.get("dateModified"));
    set(&mut facts.description, object.get("description"));
    set(
        &mut facts.language,
        object.get("inLanguage").map(|language| {
            language.get("alternateName").or_else(|| language.get("name")).unwrap_or(language)
        }),
    );
    set(&mut facts.image, object.get("image").and_then(address));
    set(&mut facts.image, object.get("thumbnailUrl").and_then(address));
    set(&mut facts.address, object.get("url"));
    set(
        &mut facts.publisher,
        object.get("publisher").and_then(|of| followed(of, lookup).get("name")),
    );
    if facts.kind.is_empty() {
        facts.kind = types(object).find(|kind| rank_of(kind) == Some(rank)).unwrap_or_default();
    }
    if facts.authors.is_empty() && rank != 2 {
        for name in ["author", "creator"] {
            let Some(value) = object.get(name) else { continue };
            let (authors, persons) = authors(value, lookup);
            if !authors.is_empty() {
                facts.authors = authors;
                facts.persons = persons;
                break;
            }
        }
    }
}

/// The names of authors given as text, object, reference or a list of these.
fn authors<'v>(
    value: &'v Value,
    lookup: &impl Fn(&str) -> Option<&'v Value>,
) -> (Vec<String>, bool) {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut persons = false;
    let mut lists = Vec::new();
    for value in values.iter().take(MAX_ITEMS) {
        let mut value = followed(value, lookup);
        if let Value::Object(object) = value {
            persons |= is(object, "person");
        }
        for _ in 0..MAX_REFERENCES {
            match value {
                Value::Object(object) => match object.get("name") {
                    Some(name) => value = name,
                    None => break,
                },
                Value::Array(several) => {
                    lists.extend(several.iter().take(MAX_ITEMS).filter_map(|one| {
                        let name = one.get("name").unwrap_or(one).as_str()?;
                        Some(person::names(name))
                    }));
                    break;
                }
                _ => break,
            }
        }
        if let Some(name) = value.as_str() {
            lists.push(person::names(name));
        }
    }
    (person::union(lists), persons)
}

/// The object that a reference by `@id` means.
fn followed<'v>(value: &'v Value, lookup: &impl Fn(&str) -> Option<&'v Value>) -> &'v Value {
    let id = value.get("@id").filter(|_| value.get("name").is_none()).and_then(Value::as_str);
    id.and_then(lookup).unwrap_or(value)
}

fn set(field: &mut String, value: Option<&Value>) {
    if !field.is_empty() {
        return;
    }
    let value = match value {
        Some(Value::Array(values)) => values.first(),
        other => other,
    };
    match value {
        Some(Value::String(text)) => *field = squeeze(text),
        Some(Value::Number(number)) => *field = number.to_string(),
        Some(Value::Object(object)) => {
            if let Some(text) =
                object.get("@value").or_else(|| object.get("text")).and_then(Value::as_str)
            {
                *field = squeeze(text);
            }
        }
        _ => {}
    }
}

/// An image is an address, an object with one, or a list of such.
fn address(image: &Value) -> Option<&Value> {
    let first = match image {
        Value::Array(images) => images.first()?,
        one => one,
    };
    Some(
        first
            .get("url")
            .or_else(|| first.get("contentUrl"))
            .or_else(|| first.get("@id"))
            .unwrap_or(first),
    )
}
