//! The certificate that clients see: read at start, and again on SIGHUP and whenever its files
//! change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ingest::{Tls, TlsError};
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A certificate, its key, and where they are.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) tls: Tls,
    files: Files,
}

#[derive(Clone)]
struct Files {
    chain: PathBuf,
    key: PathBuf,
}

/// What tells one state of the files from another.
type Mark = [Option<(SystemTime, u64)>; 2];

impl Certificate {
    /// Reads what --tls-cert and --tls-key name.
    ///
    /// # Errors
    /// Which of the flags, and what is wrong with it.
    pub(crate) fn read(chain: &Path, key: &Path) -> Result<Self, String> {
        let files = Files { chain: chain.to_owned(), key: key.to_owned() };
        let (chain, key) = files.read()?;
        let tls = Tls::new(&chain, &key).map_err(|error| files.explain(&error))?;
        Ok(Self { tls, files })
    }

    /// Keeps it current until `stop`. What cannot be used is told of, and the old one is kept.
    pub(crate) async fn keep_current(self, mut hangups: Signal, stop: CancellationToken) {
        let mut seen = self.files.mark();
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                _ = hangups.recv() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let mark = self.files.mark();
            if asked || mark != seen {
                seen = mark;
                self.reload();
            }
        }
    }

    fn reload(&self) {
        let read = self.files.read().and_then(|(chain, key)| {
            self.tls.replace(&chain, &key).map_err(|error| self.files.explain(&error))
        });
        match read {
            Ok(()) => tracing::info!("certificate read again"),
            Err(reason) => tracing::warn!(reason, "the certificate stays as it was"),
        }
    }
}

impl Files {
    fn read(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        let named = |flag: &str, path: &Path, error: io::Error| {
            format!("{flag} {}: {error}", path.display())
        };
        let chain = fs::read(&self.chain).map_err(|e| named("--tls-cert", &self.chain, e))?;
        let key = fs::read(&self.key).map_err(|e| named("--tls-key", &self.key, e))?;
        Ok((chain, key))
    }

    fn explain(&self, error: &TlsError) -> String {
        let (chain, key) = (self.chain.display(), self.key.display());
        match error {
            TlsError::NoCertificate => format!("--tls-cert {chain}: {error}"),
            TlsError::NoKey => format!("--tls-key {key}: {error}"),
            TlsError::Mismatch => format!("--tls-cert {chain}, --tls-key {key}: {error}"),
            TlsError::Unusable(cause) => {
                format!("--tls-cert {chain}, --tls-key {key}: {error}: {cause}")
            }
        }
    }

    fn mark(&self) -> Mark {
        [&self.chain, &self.key].map(|path| {
            let about = fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
    }
}
