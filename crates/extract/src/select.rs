//! Fields picked by CSS selectors.

mod check;
mod css;
mod error;
mod field;
mod pattern;
mod plan;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use url::Url;

pub use error::SelectError;
pub use field::Field;

use crate::document::Document;
use plan::{Compiler, Plan};

/// Fields to pick of each page, compiled. Equal if made of the same [`Field`]s, which is also how
/// it is written.
///
/// ```
/// # use std::collections::BTreeMap;
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
}

impl Select {
    /// Reads selectors and regular expressions.
    ///
    /// # Errors
    ///
    /// The first member that cannot be used.
    pub fn compile(fields: BTreeMap<String, Field>) -> Result<Self, SelectError> {
        let plans = Compiler::default().plans(&fields)?;
        Ok(Self { spec: fields, plans })
    }

    /// What it was compiled from.
    #[must_use]
    pub fn spec(&self) -> &BTreeMap<String, Field> {
        &self.spec
    }

    /// What the selectors find in a page, and whether some was left out.
    pub(crate) fn read(
        &self,
        document: &Document<'_>,
        base: &Url,
    ) -> (BTreeMap<String, Value>, bool) {
        let _ = (document, base, &self.plans);
        (BTreeMap::new(), false)
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
