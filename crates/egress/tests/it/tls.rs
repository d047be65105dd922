//! Against a TLS server whose root (`tls/ca.pem`, its key thrown away) nobody else trusts. The
//! certificates last until 2126.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use egress::{Client, ClientConfig, Kind};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::answers::{Answers, get, policy, resolver};
use crate::origin::{Origin, Then};

const ROOT: &[u8] = include_bytes!("tls/ca.pem");

/// Answers each connection with the protocol that was agreed on. The thread ends with the process.
fn serve() -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/leaf.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/leaf.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
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
    let protocol = tls.conn.alpn_protocol().unwrap_or_default().to_vec();
    let length = protocol.len();
    write!(tls, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")?;
    tls.write_all(&protocol)?;
    tls.conn.send_close_notify();
    tls.flush()
}

fn client(roots: Vec<Vec<u8>>) -> Client {
    let answers =
        Answers::new(&[("tls.example", &[&["127.0.0.1"]]), ("other.example", &[&["127.0.0.1"]])]);
    let config = ClientConfig {
        extra_roots_pem: roots,
        resolver: Some(resolver(&Arc::new(answers))),
        ..ClientConfig::default()
    };
    Client::new(policy(&["127.0.0.1"]), config).unwrap()
}

#[tokio::test]
async fn an_extra_root_is_trusted_for_its_own_names() {
    let port = serve().port();
    let client = client(vec![ROOT.to_vec()]);
    let response = get(&client, &format!("https://tls.example:{port}/")).await.unwrap();
    assert_eq!(response.remote_addr.unwrap().port(), port);
    assert_eq!(response.read_capped(100).await.unwrap().0, "http/1.1");

    let error = get(&client, &format!("https://other.example:{port}/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls, "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn an_unknown_root_is_a_lasting_tls_error() {
    let error = get(&client(Vec::new()), &format!("https://tls.example:{}/", serve().port()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Tls, "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_a_tls_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    let error =
        get(&client(Vec::new()), &format!("https://tls.example:{port}/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls, "{error}");
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
