use std::fs::{self, File};
use std::path::Path as Directory;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CONTENT_TYPE;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Attribute, Attributes, Error as StoreError, ObjectStore, PutOptions};
use sha2::{Digest as _, Sha256};

use super::event::Event;
use super::trouble::Trouble;

/// Longest id that becomes an object's name as it is; file systems take 255 bytes.
const LONGEST_NAME: usize = 128;

/// An object for each event: `{prefix}/{YYYY}/{MM}/{DD}/{webhook-id}.json`. The key depends on the
/// id alone, so that a repetition replaces the same object.
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Whether the store keeps headers beside an object.
    keeps_headers: bool,
}

impl Objects {
    pub(super) fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { store, prefix: Path::from(prefix), keeps_headers: true }
    }

    /// A folder on this machine, made if it is not there. Files are synced, and so are the
    /// directories that they stand in.
    pub(super) fn folder(path: &Directory) -> Result<Self, String> {
        let told = |e: &dyn std::fmt::Display| {
            format!("the sink's folder {} cannot be written: {e}", path.display())
        };
        fs::create_dir_all(path).map_err(|e| told(&e))?;
        let probe = path.join(format!(".pagewire-{}", std::process::id()));
        File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(|e| told(&e))?;
        let store = LocalFileSystem::new_with_prefix(path).map_err(|e| told(&e))?.with_fsync(true);
        Ok(Self { store: Arc::new(store), prefix: Path::default(), keeps_headers: false })
    }

    /// The key under which the event was put.
    pub(super) async fn put(&self, event: Event) -> Result<String, Trouble> {
        let key = key(&self.prefix, &event);
        let attributes = if self.keeps_headers { attributes(&event) } else { Attributes::new() };
        let options = PutOptions { attributes, ..PutOptions::default() };
        match self.store.put_opts(&key, event.body.into(), options).await {
            Ok(_) => Ok(key.into()),
            Err(error) => Err(trouble(&error)),
        }
    }
}

fn key(prefix: &Path, event: &Event) -> Path {
    let mut key = prefix.clone();
    if let Some(day) = day_of(&event.id) {
        key = day.iter().fold(key, |key, part| key.join(part.as_str()));
    }
    let extension = match event.media_type.as_str() {
        _ if event.is_batch() => "ndjson",
        _ if event.is_json() => "json",
        "text/markdown" => "md",
        "text/html" => "html",
        "text/plain" => "txt",
        _ => "bin",
    };
    key.join(format!("{}.{extension}", name(&event.id)).as_str())
}

/// An id as it can stand in every store and file system: itself, or its SHA-256.
fn name(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if id.len() <= LONGEST_NAME && id.bytes().all(plain) {
        return id.to_owned();
    }
    format!("sha256-{}", URL_SAFE_NO_PAD.encode(Sha256::digest(id)))
}

/// Year, month and day in which an id that is or ends with a UUID of version 7 was drawn (RFC 9562,
/// section 5.7). Not the day of the attempt: a repetition after midnight has to have the same key.
fn day_of(id: &str) -> Option<[String; 3]> {
    let uuid = id.rsplit('_').next().unwrap_or(id).replace('-', "");
    let is_v7 = uuid.len() == 32
        && uuid.bytes().all(|byte| byte.is_ascii_hexdigit())
        && uuid.as_bytes()[12] == b'7';
    let ms = i64::from_str_radix(uuid.get(..12).filter(|_| is_v7)?, 16).ok()?;
    let drawn = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(["%Y", "%m", "%d"].map(|part| drawn.strftime(part).to_string()))
}

/// The headers as the store keeps them: `content-type`, and the others as its metadata.
fn attributes(event: &Event) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, value) in &event.headers {
        let Ok(value) = value.to_str() else { continue };
        let attribute = match name == CONTENT_TYPE {
            true => Attribute::ContentType,
            false if name.as_str().starts_with("webhook-") => {
                Attribute::Metadata(name.as_str().to_owned().into())
            }
            false => continue,
        };
        attributes.insert(attribute, value.to_owned().into());
    }
    attributes
}

/// All of it is in the operator's hands, and passes once it is mended.
fn trouble(error: &StoreError) -> Trouble {
    let (status, what) = match error {
        StoreError::Unauthenticated { .. } => {
            (Some(401), format!("{error}; look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"))
        }
        StoreError::PermissionDenied { .. } => {
            (Some(403), format!("{error}; may these credentials put objects there?"))
        }
        StoreError::NotFound { .. } => (Some(404), format!("{error}; is there such a bucket?")),
        _ => (None, error.to_string()),
    };
    Trouble { status, ..Trouble::passing(what) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_the_ids_own() {
        let id = "01931234-5678-7abc-8def-0123456789ab";
        let day = ["2024", "11", "09"].map(str::to_owned);
        assert_eq!(day_of(id), Some(day.clone()));
        assert_eq!(day_of(&format!("evt_{}", id.replace('-', ""))), Some(day));
        for other in ["", "evt_1", "01931234-5678-4abc-8def-0123456789ab", "ö1931234567-7abc"] {
            assert_eq!(day_of(other), None, "{other}");
        }
    }

    #[test]
    fn no_id_leaves_its_folder() {
        assert_eq!(name("evt_1-A"), "evt_1-A");
        let long = "x".repeat(129);
        let mut names: Vec<_> =
            ["a/b", "../../etc", "a\\b", "a%2Fb", "a:b", "~", &long].map(name).into();
        for name in &names {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            assert!(name.len() < 60 && name.bytes().all(plain), "{name}");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 7, "each has its own");
    }
}
