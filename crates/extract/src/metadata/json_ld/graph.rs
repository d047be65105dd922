//! All objects of a page's JSON-LD, with their references.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Facts;
use super::object;

/// Objects looked at on one page, nested ones included.
const MAX_VISITED: usize = 20_000;

/// The objects of all scripts.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    objects: Vec<Value>,
}

impl Graph {
    /// Adds the objects of one script.
    pub(crate) fn add(&mut self, objects: Vec<Value>) {
        self.objects.extend(objects);
    }

    /// The objects as they stand.
    pub(crate) fn into_objects(self) -> Vec<Value> {
        self.objects
    }

    /// What the objects say about the page. `is_page` tells whether an address is the page's own.
    pub(crate) fn facts(&self, is_page: impl Fn(&str) -> bool) -> Facts {
        let mut index = HashMap::new();
        let mut works: Vec<Work<'_>> = Vec::new();
        let mut facts = Facts::default();
        // Parts of the page, then of these, in document order; lists of other pages are marked.
        let mut waiting: Vec<(&Value, bool)> =
            self.objects.iter().rev().map(|o| (o, false)).collect();
        let mut visited = 0;
        while let Some((value, listed)) = waiting.pop() {
            visited += 1;
            if visited > MAX_VISITED {
                break;
            }
            match value {
                Value::Array(values) => {
                    waiting.extend(values.iter().rev().map(|value| (value, listed)));
                }
                Value::Object(object) => {
                    if let Some(id) = object.get("@id").and_then(Value::as_str)
                        && object.len() > 2
                    {
                        index.entry(id).or_insert(value);
                    }
                    let rank = object::rank(object);
                    let own = object::addresses(object).any(&is_page);
                    if let Some(rank) = rank {
                        works.push(Work { object, rank, listed, own });
                    }
                    object::site(object, &mut facts);
                    let listed = listed || object::is_list(object);
                    waiting.extend(
                        object
                            .iter()
                            .rev()
                            .filter(|(name, value)| {
                                (value.is_object() || value.is_array()) && !object::is_aside(name)
                            })
                            .map(|(_, value)| (value, listed)),
                    );
                }
                _ => {}
            }
        }
        works.sort_by_key(|work| (work.listed && !work.own, work.rank, !work.own));
        let lookup = |id: &str| index.get(id).copied();
        for work in works.iter().filter(|work| !work.listed || work.own) {
            object::read(work.object, work.rank, &lookup, &mut facts);
        }
        facts
    }
}

struct Work<'v> {
    object: &'v Map<String, Value>,
    /// How likely the page is about it; 0 is the most likely.
    rank: u8,
    /// It is an item of a list.
    listed: bool,
    /// It says that it is this page.
    own: bool,
}
