use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use egress::{Client, ClientConfig, Kind, Policy};
use http_body_util::{BodyExt as _, Full};
use object_store::ClientOptions;
use object_store::RetryConfig;
use object_store::aws::AmazonS3Builder;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use url::Url;

use super::objects::Objects;
use crate::config::Config;

/// Where Amazon's machines and containers are given their credentials: link-local addresses, which
/// no other client of ours may talk to.
const METADATA: [&str; 2] = ["http://169.254.169.254/", "http://169.254.170.2/"];

/// Most of an answer that is read, in bytes. Answers to a PUT have no body, errors a short one.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// A place in an S3-compatible store.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) region: Option<String>,
    /// Of a store other than Amazon's.
    pub(super) endpoint: Option<Url>,
}

/// A store that is asked over our own HTTP client; nothing is sent yet.
pub(super) fn open(bucket: &Bucket, config: &Config) -> Result<Objects, String> {
    let mut builder = AmazonS3Builder::new();
    for (name, value) in &config.aws {
        // There are more `AWS_…` variables than concern a store.
        if let Ok(key) = name.to_ascii_lowercase().parse() {
            builder = builder.with_config(key, value);
        }
    }
    builder = builder
        .with_bucket_name(&bucket.bucket)
        .with_http_connector(Connector(client(bucket, config)?))
        // Attempts are the schedule's to repeat.
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() });
    if let Some(region) = &bucket.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &bucket.endpoint {
        builder = builder
            .with_endpoint(endpoint.as_str().trim_end_matches('/'))
            .with_allow_http(endpoint.scheme() == "http");
    }
    let store = builder.build().map_err(|e| format!("the sink s3://{}: {e}", bucket.bucket))?;
    Ok(Objects::new(Arc::new(store), &bucket.prefix))
}

fn client(bucket: &Bucket, config: &Config) -> Result<Client, String> {
    let own = config.aws.iter().filter(|(name, _)| name.starts_with("AWS_ENDPOINT"));
    let named = own.map(|(_, value)| value.as_str()).chain(METADATA).filter_map(|u| u.parse().ok());
    let exempt: Vec<Url> = bucket.endpoint.iter().cloned().chain(named).collect();
    let settings = ClientConfig {
        connect_timeout: config.connect_timeout,
        pool_idle_timeout: config.idle_timeout,
        pool_max_idle_per_host: config.concurrency,
        user_agent: config.user_agent.clone(),
        extra_roots_pem: config.extra_roots_pem.clone(),
        resolver: config.resolver.clone(),
        ..ClientConfig::default()
    };
    Client::new(Policy::trusted(&exempt), settings)
        .map_err(|e| format!("cannot build the client for s3://{}: {e}", bucket.bucket))
}

/// Our client in the store's words.
struct Connector(Client);

/// One attempt: the caller's timeout ends it earlier.
const TIMEOUT: Duration = Duration::from_secs(300);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Self(self.0.clone())))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let request = http::Request::from_parts(parts, body);
        let mut answer = self.0.send(request, TIMEOUT).await.map_err(failed)?;
        let mut read = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            read.extend_from_slice(&chunk);
            if read.len() > MAX_ANSWER_BYTES {
                return Err(HttpError::new(
                    HttpErrorKind::Decode,
                    std::io::Error::other("the store's answer is too long"),
                ));
            }
        }
        let body = Full::new(read.into()).map_err(|never| match never {});
        let mut response = http::Response::new(HttpResponseBody::new(body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

fn failed(error: egress::Error) -> HttpError {
    let kind = match error.kind() {
        Kind::Dns | Kind::Connect | Kind::Tls => HttpErrorKind::Connect,
        Kind::Timeout => HttpErrorKind::Timeout,
        Kind::Body | Kind::Protocol => HttpErrorKind::Interrupted,
        Kind::Refused | Kind::Invalid => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
