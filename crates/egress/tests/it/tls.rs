//! Against TLS servers with good and bad certificates, whose root (`tls/ca.pem`, its key thrown
//! away) nobody else trusts. The good one (`leaf.pem`) is for `tls.example` and `proxy.example`;
//! all have the same key and what is to last, lasts until 2126.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use egress::{Client, ClientConfig, Error, Kind, Lookup, TlsFault};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::answers::{Answers, get, policy};
use crate::origin::{Origin, Then};

pub(crate) const ROOT: &[u8] = include_bytes!("tls/ca.pem");
pub(crate) const LEAF: &[u8] = include_bytes!("tls/leaf.pem");

/// What a server needs to be the one that `certificate` is for.
pub(crate) fn server_config(certificate: &[u8], protocols: &[&str]) -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/leaf.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// Answers each connection with the protocol that was agreed on and the head of the request. The
/// thread ends with the process.
pub(crate) fn serve(certificate: &[u8]) -> SocketAddr {
    let config = server_config(certificate, &["http/1.1"]);
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // A client that does not trust us hangs up here.
            let _ = answer(StreamOwned::new(connection, stream));
        }
    });
    addr
}

fn answer(mut tls: StreamOwned<ServerConnection, std::net::TcpStream>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        tls.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let mut told = tls.conn.alpn_protocol().unwrap_or_default().to_vec();
    told.push(b'\n');
    told.extend_from_slice(&head);
    let length = told.len();
    write!(tls, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")?;
    tls.write_all(&told)?;
    tls.conn.send_close_notify();
    tls.flush()
}

fn client(roots: Vec<Vec<u8>>) -> Client {
    let names: [(&str, &[&[&str]]); 2] =
        [("tls.example", &[&["127.0.0.1"]]), ("other.example", &[&["127.0.0.1"]])];
    let answers: Arc<dyn Lookup> = Arc::new(Answers::new(&names));
    let config = ClientConfig {
        extra_roots_pem: roots,
        resolver: Some(egress::Resolver::with_lookup(answers, egress::ResolverConfig::default())),
        ..ClientConfig::default()
    };
    Client::new(policy(&["127.0.0.1"]), config).unwrap()
}

#[tokio::test]
async fn an_extra_root_is_trusted_for_its_own_names() {
    let port = serve(LEAF).port();
    let client = client(vec![ROOT.to_vec()]);
    let response = get(&client, &format!("https://tls.example:{port}/")).await.unwrap();
    assert_eq!(response.remote_addr.unwrap().port(), port);
    assert!(response.read_capped(1000).await.unwrap().0.starts_with(b"http/1.1\nGET / HTTP/1.1"));

    let error = get(&client, &format!("https://other.example:{port}/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls, "{error}");
    assert!(!error.is_transient());
}

async fn fault(trusting: bool, host: &str, port: u16) -> Error {
    let roots = if trusting { vec![ROOT.to_vec()] } else { Vec::new() };
    get(&client(roots), &format!("https://{host}:{port}/")).await.expect_err(host)
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_name_and_lasts() {
    let (expired, future) = (include_bytes!("tls/expired.pem"), include_bytes!("tls/future.pem"));
    let (myself, client) = (include_bytes!("tls/self.pem"), include_bytes!("tls/client.pem"));
    for (certificate, trusting, host, expected) in [
        (&expired[..], true, "tls.example", TlsFault::Expired),
        (future, true, "tls.example", TlsFault::NotYetValid),
        (LEAF, true, "other.example", TlsFault::WrongName),
        (LEAF, true, "127.0.0.1", TlsFault::WrongName),
        (LEAF, false, "tls.example", TlsFault::Untrusted),
        (myself, true, "tls.example", TlsFault::Untrusted),
        (client, true, "tls.example", TlsFault::Untrusted),
    ] {
        let error = fault(trusting, host, serve(certificate).port()).await;
        assert_eq!((error.kind(), error.tls_fault()), (Kind::Tls, Some(expected)), "{error}");
        assert!(!error.is_transient(), "{error}");
        assert!(error.to_string().contains(&expected.to_string()), "{error}");
    }
}

/// A server that says this to each connection, once it has heard something.
fn saying(bytes: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // What is not read makes the end a reset.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes);
        }
    });
    port
}

#[tokio::test]
async fn a_handshake_that_fails_otherwise_may_succeed_later() {
    // A handshake record that is none, an alert (40: handshake_failure), plain HTTP, and the end.
    for said in [
        &b"\x16\x03\x03\x00\x05hello"[..],
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x16\x03",
        b"",
    ] {
        let error = fault(true, "tls.example", saying(said)).await;
        let expected = (Kind::Tls, Some(TlsFault::Handshake));
        assert_eq!((error.kind(), error.tls_fault()), expected, "{said:?}: {error}");
        assert!(error.is_transient(), "{error}");
    }
}

#[tokio::test]
async fn only_a_handshake_has_a_tls_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = fault(true, "tls.example", port).await;
    assert_eq!((error.kind(), error.tls_fault()), (Kind::Connect, None), "{error}");
    let origin = Origin::saying(Then::SayAndClose(Vec::new())).await;
    let error = get(&client(Vec::new()), &origin.url("/")).await.unwrap_err();
    assert_eq!((error.kind(), error.tls_fault()), (Kind::Connect, None), "{error}");
}

#[tokio::test]
async fn a_body_that_is_cut_off_without_a_farewell_is_an_error() {
    let config = server_config(LEAF, &["http/1.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = StreamOwned::new(connection, stream);
            let _ = tls.read(&mut [0; 4096]);
            // Ends with the connection, of which TLS says when it was meant to end.
            let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsome of it");
            let _ = tls.flush();
        }
    });
    let url = format!("https://tls.example:{port}/");
    let response = get(&client(vec![ROOT.to_vec()]), &url).await.unwrap();
    let error = response.read_capped(1000).await.unwrap_err();
    assert_eq!((error.kind(), error.tls_fault()), (Kind::Body, None), "{error}");
}

#[test]
fn codes_are_stable_and_tell_the_faults_apart() {
    let codes = [
        (TlsFault::Expired, "tls_expired"),
        (TlsFault::NotYetValid, "tls_not_yet_valid"),
        (TlsFault::WrongName, "tls_name"),
        (TlsFault::Untrusted, "tls_untrusted"),
        (TlsFault::Revoked, "tls_revoked"),
        (TlsFault::Handshake, "tls_handshake"),
    ];
    for (fault, code) in codes {
        assert_eq!(fault.code(), code);
        assert_eq!(fault.is_lasting(), fault != TlsFault::Handshake);
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_a_timeout() {
    let hanging = Origin::saying(Then::SayAndHang(Vec::new())).await;
    let config =
        ClientConfig { connect_timeout: Duration::from_millis(200), ..ClientConfig::default() };
    let client = Client::new(policy(&["127.0.0.1"]), config).unwrap();
    let error = get(&client, &format!("https://127.0.0.1:{}/", hanging.port())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "{error}");
}
