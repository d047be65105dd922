//! Names, ports and sinks.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::Finding;
use crate::check::Settings;
use crate::stages::without_secrets;

/// What does not answer in this time is not there.
const PATIENCE: Duration = Duration::from_secs(5);
/// A name that is always there (RFC 2606).
const A_NAME: &str = "example.com";
/// More of an answer says nothing new.
const MAX_ANSWER_BYTES: u64 = 4096;

/// What listens where the server would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Running {
    Nothing,
    Pagewire,
    SomethingElse,
}

/// Asks whoever listens there who it is.
pub(super) async fn server_at(listen: SocketAddr) -> Running {
    if listen.port() == 0 {
        return Running::Nothing;
    }
    let mut at = listen;
    if at.ip().is_unspecified() {
        at.set_ip(match at {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let asked = async {
        let stream = TcpStream::connect(at).await.ok()?;
        Some(health(stream).await.unwrap_or_default())
    };
    match timeout(PATIENCE, asked).await {
        Ok(None) => Running::Nothing,
        Ok(Some(answer)) if answer.contains("\"status\":\"alive\"") => Running::Pagewire,
        Ok(Some(_)) | Err(_) => Running::SomethingElse,
    }
}

async fn health(mut stream: TcpStream) -> io::Result<String> {
    stream.write_all(b"GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether a server could listen there.
pub(super) fn port(listen: SocketAddr, running: Running) -> Finding {
    const NAME: &str = "listen";
    match (running, TcpListener::bind(listen)) {
        (Running::Pagewire, _) => Finding::ok(NAME, format!("a pagewire runs on {listen}")),
        (_, Ok(_)) => Finding::ok(NAME, format!("{listen} is free")),
        (_, Err(error)) => Finding::fail(
            NAME,
            format!("{listen} cannot be listened on: {error}"),
            "stop what listens there, or give another --listen",
        ),
    }
}

/// Whether names of the internet are resolved.
pub(super) async fn names() -> Finding {
    const NAME: &str = "names";
    let why = match timeout(PATIENCE, lookup_host((A_NAME, 443))).await {
        Ok(Ok(_)) => return Finding::ok(NAME, format!("{A_NAME} is resolved")),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    let detail = format!("{A_NAME} is not resolved: {why}");
    Finding::warn(NAME, detail, "see to /etc/resolv.conf, unless all pages are on this network")
}

/// Whether the operator's sinks can be reached. Nothing is sent.
pub(super) async fn sinks(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tls = tls(&settings.scrape.extra_roots_pem);
    for url in &settings.forward.trusted {
        findings.push(sink(url, &tls).await);
    }
    findings
}

async fn sink(url: &Url, tls: &Arc<ClientConfig>) -> Finding {
    const NAME: &str = "sink";
    let shown = without_secrets(url);
    if !matches!(url.scheme(), "http" | "https") {
        return Finding::ok(NAME, format!("{shown}: not looked at, as it is no http or https"));
    }
    match timeout(PATIENCE, reach(url, tls)).await {
        Ok(Ok(())) => Finding::ok(NAME, format!("{shown} can be reached")),
        Ok(Err(why)) => Finding::fail(
            NAME,
            format!("{shown} cannot be reached: {why}"),
            "start what listens there, or mend the URL; events wait meanwhile",
        ),
        Err(_) => Finding::fail(
            NAME,
            format!("{shown} does not answer within {} s", PATIENCE.as_secs()),
            "see to the network between here and there; events wait meanwhile",
        ),
    }
}

/// Connects, and agrees on TLS where that is spoken.
async fn reach(url: &Url, tls: &Arc<ClientConfig>) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(443);
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    if url.scheme() == "https" {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(Arc::clone(tls));
        connector.connect(name, stream).await.map_err(|error| format!("TLS: {error}"))?;
    }
    Ok(())
}

/// The roots that deliveries trust; those of files that cannot be read are the configuration's
/// fault, which is told elsewhere.
fn tls(extra_roots_pem: &[Vec<u8>]) -> Arc<ClientConfig> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    let extra = extra_roots_pem.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem));
    roots.add_parsable_certificates(extra.filter_map(Result::ok));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the versions that are usual")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[tokio::test]
    async fn a_sink_that_listens_is_told_from_one_that_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let url: Url = format!("http://{at}/hook?token=hunter2").parse().unwrap();
        let found = sink(&url, &tls(&[])).await;
        assert_eq!(found.result, Verdict::Ok);
        drop(listener);
        let found = sink(&url, &tls(&[])).await;
        assert_eq!(found.result, Verdict::Fail);
        assert!(!found.detail.contains("hunter2"), "{}", found.detail);
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_told_with_who_has_it() {
        assert_eq!(server_at("127.0.0.1:0".parse().unwrap()).await, Running::Nothing);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello").await.unwrap();
        };
        let (running, ()) = tokio::join!(server_at(at), answering);
        assert_eq!(running, Running::SomethingElse);
        assert_eq!(port(at, running).result, Verdict::Fail);
    }
}
