use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::{RequestBuilder, Response};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use url::Url;

use crate::access::Access;
use crate::failure::{Failure, Result};
use crate::problem::Problem;

/// A server that takes longer to be connected to is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A server that is silent for longer has gone.
const SILENCE: Duration = Duration::from_secs(120);
/// More of an answer is not read; results are bounded by the server's `--max-bytes`.
const MAX_ANSWER_BYTES: usize = 1 << 30;
/// Of an answer that is a refusal.
const MAX_PROBLEM_BYTES: usize = 1 << 20;

/// Talks to one server, directly: proxies of the environment are not used.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<HeaderValue>,
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// As JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).map_err(|error| strange(&error))
    }
}

fn strange(error: &serde_json::Error) -> Failure {
    Failure::Failed(format!(
        "the answer is not what a pagewire server says ({error}): is --server right?"
    ))
}

impl Client {
    pub(crate) fn new(access: &Access) -> Result<Self> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(&access.ca_file)?)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("pagewire/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| {
                Failure::Failed(format!("starting the HTTP client: {}", causes(&error)))
            })?;
        Ok(Self { http, base: access.server.clone(), key: bearer(access.key.as_deref())? })
    }

    /// The server's address, for people.
    pub(crate) fn server(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A request for the path of these segments below `/v1`.
    pub(crate) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.request_with(method, path, &[])
    }

    /// The same, with parameters.
    pub(crate) fn request_with(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
    ) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        match &self.key {
            Some(key) => request.header(header::AUTHORIZATION, key.clone()),
            None => request,
        }
    }

    /// Reads something.
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Answer> {
        self.ask(self.request_with(Method::GET, path, query)).await
    }

    /// Sends a JSON body.
    pub(crate) async fn send(&self, method: Method, path: &[&str], body: &Value) -> Result<Answer> {
        self.ask(with_json(self.request(method, path), body)).await
    }

    /// Sends no body.
    pub(crate) async fn bare(&self, method: Method, path: &[&str]) -> Result<Answer> {
        self.ask(self.request(method, path)).await
    }

    /// Makes a request and reads the whole answer.
    pub(crate) async fn ask(&self, request: RequestBuilder) -> Result<Answer> {
        let response = self.open(request).await?;
        let headers = response.headers().clone();
        let body = self.read(response, MAX_ANSWER_BYTES).await?;
        Ok(Answer { headers, body })
    }

    /// Makes a request; the answer's body is yet to be read. A refusal is a failure.
    pub(crate) async fn open(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let headers = response.headers().clone();
        let body = self.read(response, MAX_PROBLEM_BYTES).await.unwrap_or_default();
        Err(match Problem::read(status, &headers, &body) {
            Some(problem) => Failure::Refused(Box::new(problem)),
            None => Failure::Failed(format!(
                "{} answered {status}, which is not how a pagewire server speaks: is --server right?",
                self.server()
            )),
        })
    }

    /// The next piece of an answer; `None` at its end.
    pub(crate) async fn piece(&self, response: &mut Response) -> Result<Option<Bytes>> {
        let broken = |error: reqwest::Error| {
            Failure::Broken(format!(
                "the connection to {} broke: {}",
                self.server(),
                causes(&error)
            ))
        };
        response.chunk().await.map_err(broken)
    }

    async fn read(&self, mut response: Response, most: usize) -> Result<Bytes> {
        let mut body = BytesMut::new();
        while let Some(piece) = self.piece(&mut response).await? {
            if body.len() + piece.len() > most {
                return Err(Failure::Failed(format!("the answer has more than {most} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let server = self.server();
        Failure::Unreachable(match io_kind(error) {
            Some(io::ErrorKind::ConnectionRefused) => format!(
                "nothing listens at {server}: start a server with `pagewire`, or name one with --server"
            ),
            _ if error.is_timeout() => {
                format!("{server} does not answer: is --server right, and the server well?")
            }
            _ => format!("cannot reach {server}: {}", causes(error)),
        })
    }
}

/// Adds a JSON body.
pub(crate) fn with_json(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.header(header::CONTENT_TYPE, "application/json").body(body.to_string())
}

fn bearer(key: Option<&str>) -> Result<Option<HeaderValue>> {
    let Some(key) = key else {
        return Ok(None);
    };
    let visible = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    let value = HeaderValue::from_str(&format!("Bearer {key}")).ok().filter(|_| visible);
    let mut value = value.ok_or_else(|| {
        Failure::Usage("--key: expected visible ASCII characters without spaces".to_owned())
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Mozilla's roots, compiled in, and those of the files.
pub(crate) fn tls(files: &[PathBuf]) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    for path in files {
        let named =
            |error: String| Failure::Usage(format!("--ca-file {}: {error}", path.display()));
        let pem = std::fs::read(path).map_err(|error| named(error.to_string()))?;
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| named(format!("not PEM: {error}")))?;
            roots.add(certificate).map_err(|error| named(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(named("no certificate in it: expected PEM".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Failed(format!("no usable TLS version: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// What kind of trouble the system had, if it was that.
fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

/// The causes below an error, without the URL.
fn causes(error: &reqwest::Error) -> String {
    let mut next = std::error::Error::source(error);
    let mut texts: Vec<String> = Vec::new();
    while let Some(cause) = next {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = cause.source();
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(server: &str) -> Client {
        let access = Access {
            server: server.parse().unwrap(),
            key: Some("k".repeat(20)),
            ca_file: Vec::new(),
            json: false,
        };
        Client::new(&access).unwrap()
    }

    #[test]
    fn what_a_person_types_stays_one_segment_of_the_path() {
        let client = client("https://pages.example/below/");
        let query = [("tag", "a&b=c".to_owned())];
        let request = client.request_with(Method::GET, &["jobs", "../x?y/z#"], &query);
        let request = request.build().unwrap();
        assert_eq!(
            request.url().as_str(),
            "https://pages.example/below/v1/jobs/..%2Fx%3Fy%2Fz%23?tag=a%26b%3Dc"
        );
        assert!(request.headers()[header::AUTHORIZATION].is_sensitive());
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_not_repeated() {
        for key in ["", "a b", "hünter2", "a\nb"] {
            let error = bearer(Some(key)).unwrap_err();
            assert!(
                matches!(&error, Failure::Usage(text) if text.starts_with("--key")),
                "{error:?}"
            );
        }
    }
}
