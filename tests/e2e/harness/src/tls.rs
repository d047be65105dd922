use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::Answer;

/// Longest for a handshake, and for an answer.
const LIMIT: Duration = Duration::from_secs(10);

/// A connection over TLS that trusts one certificate, that of `localhost`.
pub struct Secure {
    sender: SendRequest<Full<Bytes>>,
    _connection: JoinSet<()>,
}

impl fmt::Debug for Secure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secure").finish_non_exhaustive()
    }
}

impl Secure {
    /// Connects to `addr`, which has to show a certificate that `trusted` (PEM) vouches for.
    ///
    /// # Errors
    /// When it does not, or does not speak TLS.
    pub async fn connect(addr: SocketAddr, trusted: &str) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).context("the PEM")?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connecting = async {
            let stream = TcpStream::connect(addr).await.context("connecting")?;
            let name = ServerName::try_from("localhost").context("a name")?;
            let connector = TlsConnector::from(Arc::new(config));
            let stream = connector.connect(name, stream).await.context("the TLS handshake")?;
            handshake(TokioIo::new(stream)).await.context("speaking HTTP over TLS")
        };
        let (sender, connection) =
            timeout(LIMIT, connecting).await.context("no TLS session in time")??;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // What goes wrong is told by the sender.
            let _ = connection.await;
        });
        Ok(Self { sender, _connection: tasks })
    }

    /// Makes a request; a body is sent as JSON.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn request(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::new(body.into()))?;
        let exchange = async {
            self.sender.ready().await?;
            let (head, body) = self.sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
        };
        timeout(LIMIT, exchange).await.context("no answer over TLS in time")?
    }
}
