//! Where `https` is met by something else.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::script::{PAGE, Step, always, answer, drip, forever, send};
use super::{Behaviour, Expected};

/// The one key of all certificates here; they are of use to nobody.
const KEY: &[u8] = include_bytes!("tls/leaf.key");
/// Valid until 2126.
const SELF_SIGNED: &[u8] = include_bytes!("tls/self_signed.pem");
/// Valid in January 2020.
const EXPIRED: &[u8] = include_bytes!("tls/expired.pem");
/// Valid from 2090.
const FUTURE: &[u8] = include_bytes!("tls/future.pem");
/// For `other.example`, signed by [`ROOT`]; until 2126.
const WRONG_NAME: &[u8] = include_bytes!("tls/wrong_name.pem");
/// An authority whose key was thrown away.
pub(super) const ROOT: &str = include_str!("tls/ca.pem");

/// Longest that a handshake, and what follows, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A certificate to show.
pub(super) struct Certificate(Arc<ServerConfig>);

impl Certificate {
    fn new(pem: &[u8]) -> Self {
        let config = config(pem).expect("the certificates of this directory are sound");
        Self(Arc::new(config))
    }

    /// Nobody trusts it: the peer leaves.
    pub(super) async fn shake_hands(&self, stream: TcpStream) {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.0));
        let shaken = timeout(PATIENCE, acceptor.accept(stream)).await;
        if let Ok(Ok(mut stream)) = shaken {
            let _ = timeout(PATIENCE, stream.read(&mut [0; 1])).await;
        }
    }
}

fn config(pem: &[u8]) -> anyhow::Result<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(pem).context("the certificate")?;
    let key = PrivateKeyDer::from_pem_slice(KEY).context("the key")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(config)
}

pub(super) fn behaviours() -> Vec<Behaviour> {
    let handshake = Expected::Failure(&["tls_handshake", "connect", "robots_unreachable"]);
    let silent = Expected::Failure(&["timeout", "robots_unreachable"]);
    let raw = |name, expected, steps: Vec<Step>| Behaviour::accept(name, expected, always(steps));
    // RFC 8446, section 5.1: type, version, length, content.
    let alert = [21, 3, 3, 0, 2, 2, 40];
    let empty_records = [22, 3, 3, 0, 0].repeat(1_000);
    let huge_record = [22, 3, 3, 0xff, 0xff];
    // The head of a ServerHello that goes on for 16 MB.
    let huge_hello = [22, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff];
    let old_hello =
        [&[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
    vec![
        Behaviour::handshake(
            "tls-self-signed",
            Expected::Failure(&["tls_untrusted"]),
            Certificate::new(SELF_SIGNED),
        ),
        Behaviour::handshake(
            "tls-expired",
            Expected::Failure(&["tls_expired"]),
            Certificate::new(EXPIRED),
        ),
        Behaviour::handshake(
            "tls-not-yet-valid",
            Expected::Failure(&["tls_not_yet_valid"]),
            Certificate::new(FUTURE),
        ),
        Behaviour::handshake(
            "tls-wrong-name",
            Expected::Failure(&["tls_name"]),
            Certificate::new(WRONG_NAME),
        ),
        raw("tls-plain-http", handshake, vec![answer("400 Bad Request", "", PAGE)]),
        raw("tls-alert", handshake, vec![send(alert)]),
        raw("tls-garbage", handshake, vec![send([0; 2_000])]),
        raw("tls-old", handshake, vec![send(old_hello)]),
        raw("tls-empty-records", handshake, vec![forever(empty_records)]),
        raw("tls-huge-record", handshake, vec![send(huge_record), forever([0; 8_192])]),
        raw(
            "tls-huge-hello",
            handshake,
            vec![
                send([&huge_hello[..], &[0; 16_380]].concat()),
                forever([&[22, 3, 3, 0x40, 0][..], &[0; 16_384]].concat()),
            ],
        ),
        raw("tls-close", handshake, vec![]),
        raw("tls-reset", handshake, vec![Step::Reset]),
        raw("tls-silence", silent, vec![Step::Silence]),
        raw("tls-drip", silent, vec![send([22, 3, 3, 0x40, 0]), drip([2])]),
    ]
}
