use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Kind, Result};

/// Mozilla's roots, compiled in so that an empty container works, and the operator's own. The
/// provider is given explicitly: nothing process-wide is installed or relied upon.
pub(crate) fn client_config(extra_roots_pem: &[Vec<u8>]) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    for (i, pem) in extra_roots_pem.iter().enumerate() {
        add_pem(&mut roots, i + 1, pem)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::new(Kind::Invalid, "no usable TLS version").because(e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn add_pem(roots: &mut RootCertStore, number: usize, pem: &[u8]) -> Result<()> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let unreadable = || format!("extra root file {number} is not valid PEM");
        let certificate =
            certificate.map_err(|e| Error::new(Kind::Invalid, unreadable()).because(e))?;
        let unusable = || format!("extra root file {number} has a certificate that is no root");
        roots.add(certificate).map_err(|e| Error::new(Kind::Invalid, unusable()).because(e))?;
        found = true;
    }
    if found {
        return Ok(());
    }
    let message = format!(
        "extra root file {number} has no certificate: give PEM with `-----BEGIN CERTIFICATE-----`"
    );
    Err(Error::new(Kind::Invalid, message))
}
