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
            if !asked && mark == seen {
                continue;
            }
            seen = mark;
            match self.reload() {
                Ok(()) => tracing::info!("certificate read again"),
                Err(reason) => tracing::warn!(reason, "the certificate stays as it was"),
            }
        }
    }

    fn reload(&self) -> Result<(), String> {
        let (chain, key) = self.files.read()?;
        self.tls.replace(&chain, &key).map_err(|error| self.files.explain(&error))
    }
}

impl Files {
    fn read(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        let named =
            |flag, path: &Path, error: io::Error| format!("{flag} {}: {error}", path.display());
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

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: [&[u8]; 2] = [
        include_bytes!("../../ingest/tests/it/tls/first.pem"),
        include_bytes!("../../ingest/tests/it/tls/first.key"),
    ];
    const SECOND: [&[u8]; 2] = [
        include_bytes!("../../ingest/tests/it/tls/second.pem"),
        include_bytes!("../../ingest/tests/it/tls/second.key"),
    ];

    fn write(dir: &Path, [chain, key]: [&[u8]; 2]) {
        fs::write(dir.join("chain.pem"), chain).unwrap();
        fs::write(dir.join("key.pem"), key).unwrap();
    }

    fn read(dir: &Path) -> Result<Certificate, String> {
        Certificate::read(&dir.join("chain.pem"), &dir.join("key.pem"))
    }

    #[test]
    fn a_changed_certificate_is_seen_and_a_broken_one_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), FIRST);
        let certificate = read(dir.path()).unwrap();
        let seen = certificate.files.mark();
        assert_eq!(certificate.files.mark(), seen);
        write(dir.path(), SECOND);
        assert_ne!(certificate.files.mark(), seen);
        certificate.reload().unwrap();
        write(dir.path(), [SECOND[0], FIRST[1]]);
        assert!(certificate.reload().unwrap_err().contains("not that of the first certificate"));
        fs::remove_file(dir.path().join("key.pem")).unwrap();
        assert!(certificate.reload().unwrap_err().starts_with("--tls-key "));
    }

    #[test]
    fn what_cannot_be_used_is_told_by_its_flag() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).err().unwrap().starts_with("--tls-cert "));
        for (pair, words) in [
            ([&b"x"[..], FIRST[1]], ["--tls-cert", "BEGIN CERTIFICATE"]),
            ([FIRST[0], b"x"], ["--tls-key", "BEGIN PRIVATE KEY"]),
            ([FIRST[0], SECOND[1]], ["--tls-cert", "--tls-key"]),
        ] {
            write(dir.path(), pair);
            let error = read(dir.path()).err().unwrap();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}
