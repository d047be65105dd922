use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig};

/// What a server shows of itself over TLS (rustls with ring; TLS 1.2 and 1.3): a certificate chain
/// and its key, which can be replaced while connections are served. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<Arc<ServerConfig>>>);

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is none in the text.
    #[error("no certificate: PEM with `-----BEGIN CERTIFICATE-----` is expected")]
    NoCertificate,
    /// There is none in the text, or an encrypted one.
    #[error("no private key: PEM with `-----BEGIN PRIVATE KEY-----` is expected, not encrypted")]
    NoKey,
    /// The one is not for the other.
    #[error("the private key is not that of the first certificate")]
    Mismatch,
    /// Of a kind that is not known here, or damaged.
    #[error("not usable")]
    Unusable(#[source] rustls::Error),
}

impl Tls {
    /// From PEM: the server's certificate with those between it and the authority's after it, and
    /// its key.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, TlsError> {
        let config = Arc::new(server_config(chain_pem, key_pem)?);
        Ok(Self(Arc::new(RwLock::new(config))))
    }

    /// Shows this to whoever connects from now on. Connections that are open stay.
    ///
    /// # Errors
    /// What is wrong with them; then everything stays as it was.
    pub fn replace(&self, chain_pem: &[u8], key_pem: &[u8]) -> Result<(), TlsError> {
        let config = Arc::new(server_config(chain_pem, key_pem)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Leaves the key out.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn server_config(chain_pem: &[u8], key_pem: &[u8]) -> Result<ServerConfig, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain_pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| TlsError::NoKey)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?;
    let built = builder.with_no_client_auth().with_single_cert(chain, key);
    let mut config = built.map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
        error => TlsError::Unusable(error),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
