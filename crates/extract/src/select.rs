//! Fields picked by CSS selectors.

mod check;
mod css;
mod element;
mod error;
mod field;
mod index;
mod matching;
mod pattern;
mod plan;
mod read;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use url::Url;

pub use error::SelectError;
pub use field::Field;

use crate::document::Document;
use element::Finder;
use index::{Index, Key};
use plan::{Compiler, Plan};
use read::Reader;

/// Steps, such as a look at one attribute or a move to the next element, that selectors may take
/// on every page …
const STEPS: u64 = 8 << 20;

/// … and besides for each element and text of it.
const STEPS_PER_NODE: u64 = 32;

/// Fields to pick of each page, compiled. Equal if made of the same [`Field`]s, which is also how
/// it is written.
///
/// ```
/// # use std::collections::{BTreeMap, HashSet};
/// # use extract::{Field, Select};
/// let fields: BTreeMap<String, Field> = serde_json::from_str(
///     r#"{"title": "h1", "next": {"css": "a[rel=next]", "attr": "href"}}"#,
/// ).unwrap();
/// assert!(Select::compile(fields).is_ok());
///
/// let fields = BTreeMap::from([("title".to_owned(), Field { css: "h1 >".into(), ..Field::default() })]);
/// assert_eq!(Select::compile(fields).unwrap_err().pointer, "/title/css");
/// ```
#[derive(Deserialize)]
#[serde(try_from = "BTreeMap<String, Field>")]
pub struct Select {
    spec: BTreeMap<String, Field>,
    plans: Vec<Plan>,
    keys: HashSet<Key>,
}

impl Select {
    /// Reads selectors and regular expressions.
    ///
    /// # Errors
    ///
    /// The first member that cannot be used.
    pub fn compile(fields: BTreeMap<String, Field>) -> Result<Self, SelectError> {
        let mut compiler = Compiler::default();
        let plans = compiler.plans(&fields)?;
        let keys = compiler.keys;
        Ok(Self { spec: fields, plans, keys })
    }

    /// What it was compiled from.
    #[must_use]
    pub fn spec(&self) -> &BTreeMap<String, Field> {
        &self.spec
    }

    /// What the selectors find in a page, and whether some was left out.
    ///
    /// Takes time in proportion to the page at most, whatever page and selectors are: steps are
    /// counted, and when they are used up what was found so far is the answer.
    pub(crate) fn read(
        &self,
        document: &Document<'_>,
        base: &Url,
        most_bytes: usize,
    ) -> (BTreeMap<String, Value>, bool) {
        let index = Index::of(document, self.keys.iter());
        let steps = STEPS + STEPS_PER_NODE * u64::from(document.len());
        let reader = Reader::new(Finder::new(document, index, steps), base, most_bytes);
        let found = reader.record(&self.plans, 0);
        (found.into_iter().collect(), reader.is_cut())
    }
}

impl fmt::Debug for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Select").field(&self.spec).finish()
    }
}

impl PartialEq for Select {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl Eq for Select {}

impl Serialize for Select {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.spec.serialize(serializer)
    }
}

impl TryFrom<BTreeMap<String, Field>> for Select {
    type Error = SelectError;

    fn try_from(fields: BTreeMap<String, Field>) -> Result<Self, SelectError> {
        Self::compile(fields)
    }
}
