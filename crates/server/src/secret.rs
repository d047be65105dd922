//! The secret that signs deliveries, given, or made once and kept; and the key of links to results,
//! always made and kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forward::Secret;

/// The file in the data directory.
const FILE: &str = "secret";
/// The file with the key of links beside it.
const LINK_FILE: &str = "link-key";
/// Readable by the owner only.
const MODE: u32 = 0o600;

/// The secrets in use, and where they came from.
pub(crate) struct Secrets {
    /// At least one. Deliveries are signed with each.
    pub(crate) keys: Vec<Secret>,
    /// Where they came from.
    pub(crate) origin: Origin,
}

/// Where the secrets came from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The operator gave them.
    Given,
    /// An earlier start left one in this file.
    Kept(PathBuf),
    /// Made just now and written to this file: to be shown once.
    Made(PathBuf),
    /// Made just now and written nowhere: to be shown at each start.
    Fleeting,
}

/// The given secrets, or the one kept in `data_dir`, or a new one that is kept there from now on.
/// Without a directory a new one is made each time. The directory must be locked by the caller.
///
/// # Errors
/// The file cannot be read or written, or holds something else.
pub(crate) fn obtain(given: Vec<Secret>, data_dir: Option<&Path>) -> Result<Secrets> {
    if !given.is_empty() {
        return Ok(Secrets { keys: given, origin: Origin::Given });
    }
    let Some(path) = data_dir.map(|dir| dir.join(FILE)) else {
        return Ok(Secrets { keys: vec![Secret::generate()], origin: Origin::Fleeting });
    };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let key = read(&text, &path)?;
            Ok(Secrets { keys: vec![key], origin: Origin::Kept(path) })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = Secret::generate();
            write(&path, key.reveal().as_ref())
                .with_context(|| format!("keeping the signing secret in {}; make the directory writable or pass --secret", path.display()))?;
            Ok(Secrets { keys: vec![key], origin: Origin::Made(path) })
        }
        Err(error) => Err(error).with_context(|| {
            format!(
                "reading the signing secret from {}; make it readable or pass --secret",
                path.display()
            )
        }),
    }
}

fn read(text: &str, path: &Path) -> Result<Secret> {
    let key = text.trim().parse().with_context(|| {
        format!("{} holds no signing secret; put the right one there, or remove the file to have a new one made", path.display())
    })?;
    let open_to = fs::metadata(path)?.permissions().mode() & 0o077;
    if open_to != 0 {
        tracing::warn!(path = %path.display(), "others can read the signing secret: chmod 600 the file");
    }
    Ok(key)
}

/// The key that links to results are signed with: the one kept in `data_dir`, or a new one that is
/// kept there from now on; a new one each time without a directory.
///
/// # Errors
/// The file cannot be read or written, or holds something else.
pub(crate) fn link_key(data_dir: Option<&Path>) -> Result<[u8; 32]> {
    let Some(path) = data_dir.map(|dir| dir.join(LINK_FILE)) else {
        return Ok(rand::random());
    };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let key = STANDARD.decode(text.trim()).ok();
            key.and_then(|key| key.try_into().ok()).with_context(|| {
                format!("{} holds no key; remove the file to have a new one made", path.display())
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = rand::random();
            write(&path, &STANDARD.encode(key)).with_context(|| {
                format!("keeping the key of links in {}; make it writable", path.display())
            })?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| {
            format!("reading the key of links from {}; make it readable", path.display())
        }),
    }
}

/// The files of `data_dir` that are kept beside its store, with what is in them: they move with it.
///
/// # Errors
/// One is there and cannot be read.
pub(crate) fn kept(data_dir: &Path) -> Result<Vec<(&'static str, String)>> {
    let mut kept = Vec::new();
    for name in [FILE, LINK_FILE] {
        let path = data_dir.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => kept.push((name, text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let doing = format!("reading {}; make it readable", path.display());
                return Err(error).context(doing);
            }
        }
    }
    Ok(kept)
}

/// Puts a file of [`kept`] into another directory.
///
/// # Errors
/// It is not one of them, another is there already, or it cannot be written.
pub(crate) fn keep(data_dir: &Path, name: &str, text: &str) -> Result<()> {
    anyhow::ensure!([FILE, LINK_FILE].contains(&name), "a file called `{name}` is not known");
    let path = data_dir.join(name);
    match fs::read_to_string(&path) {
        Ok(there) if there.trim() == text => Ok(()),
        Ok(_) => Err(anyhow::anyhow!("{} holds another key already", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write(&path, text).with_context(|| format!("writing {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

/// Whole or not at all: written aside, synced, then given its name.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let aside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&aside)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let made = obtain(Vec::new(), Some(dir.path())).unwrap();
        let path = dir.path().join(FILE);
        assert_eq!(made.origin, Origin::Made(path.clone()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);

        let kept = obtain(Vec::new(), Some(dir.path())).unwrap();
        assert_eq!(kept.origin, Origin::Kept(path));
        assert_eq!(kept.keys[0].reveal(), made.keys[0].reveal());
    }

    #[test]
    fn a_given_secret_is_taken_and_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let given = obtain(vec![Secret::generate()], Some(dir.path())).unwrap();
        assert_eq!(given.origin, Origin::Given);
        assert!(!dir.path().join(FILE).exists());
    }

    #[test]
    fn a_spoilt_secret_file_is_named_with_its_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        fs::write(&path, "not a secret").unwrap();
        let error = format!("{:#}", obtain(Vec::new(), Some(dir.path())).err().unwrap());
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert!(error.contains("remove the file"), "{error}");
        assert!(!error.contains("not a secret"), "{error}");
    }

    #[test]
    fn the_key_of_links_is_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let made = link_key(Some(dir.path())).unwrap();
        assert_eq!(link_key(Some(dir.path())).unwrap(), made);
        let path = dir.path().join(LINK_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        fs::write(&path, "short").unwrap();
        assert!(format!("{:#}", link_key(Some(dir.path())).unwrap_err()).contains("remove"));
        assert_ne!(link_key(None).unwrap(), link_key(None).unwrap());
    }

    #[test]
    fn without_a_directory_a_secret_is_made_each_time() {
        let first = obtain(Vec::new(), None).unwrap();
        let second = obtain(Vec::new(), None).unwrap();
        assert_eq!(first.origin, Origin::Fleeting);
        assert_ne!(first.keys[0].reveal(), second.keys[0].reveal());
    }
}
