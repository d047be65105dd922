//! Proxies as they are met, made of the least that a client needs of them: each connects to
//! loopback whatever name it is given.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a proxy speaks.
#[derive(Clone)]
pub(crate) enum Speaks {
    Http,
    Https(Arc<ServerConfig>),
    /// With this user name and password, if any.
    Socks5(Option<(&'static str, &'static str)>),
    /// Says this to whatever comes, and closes.
    Only(&'static [u8]),
}

/// What came to a proxy, in order: the heads of requests, or the addresses asked for.
#[derive(Default)]
struct Seen {
    connections: usize,
    asked: Vec<String>,
}

pub(crate) struct Gateway {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    _tasks: JoinSet<()>,
}

impl Gateway {
    /// Listens on every loopback address of IPv4, on one port.
    pub(crate) async fn start(speaks: Speaks) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Seen>>::default();
        let record = Arc::clone(&seen);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                record.lock().unwrap().connections += 1;
                open.spawn(talk(stream, speaks.clone(), Arc::clone(&record)));
            }
        });
        Self { port, seen, _tasks: tasks }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// Heads in lower case.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.seen.lock().unwrap().asked.clone()
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn talk(mut stream: TcpStream, speaks: Speaks, seen: Arc<Mutex<Seen>>) {
    // Whoever hangs up early is free to.
    let _ = match speaks {
        Speaks::Http => http(stream, &seen).await,
        Speaks::Https(config) => match TlsAcceptor::from(config).accept(stream).await {
            Ok(stream) => http(stream, &seen).await,
            Err(error) => Err(error),
        },
        Speaks::Socks5(credentials) => socks5(stream, credentials, &seen).await,
        Speaks::Only(bytes) => {
            let _ = stream.read(&mut [0; 1024]).await;
            stream.write_all(bytes).await
        }
    };
}

async fn http(mut stream: impl Stream, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    seen.lock().unwrap().asked.push(head.to_ascii_lowercase());
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    if method == "CONNECT" {
        let (_, port) = target.rsplit_once(':').unwrap();
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().unwrap()));
        let mut target = TcpStream::connect(target).await?;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        tokio::io::copy_bidirectional(&mut stream, &mut target).await?;
        return Ok(());
    }
    let url: url::Url = target.parse().unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, url.port().unwrap()));
    let mut origin = TcpStream::connect(address).await?;
    let path = target.splitn(4, '/').nth(3).unwrap_or_default();
    let own = head.lines().skip(1);
    let own = own.filter(|line| !line.to_ascii_lowercase().starts_with("proxy-authorization"));
    let own: String = own.map(|line| format!("{line}\r\n")).collect();
    origin.write_all(format!("{method} /{path} HTTP/1.1\r\n{own}").as_bytes()).await?;
    tokio::io::copy(&mut origin, &mut stream).await?;
    stream.shutdown().await
}

/// RFC 1928 and RFC 1929, as far as a client gets that asks for an address.
async fn socks5(
    mut stream: impl Stream,
    credentials: Option<(&str, &str)>,
    seen: &Mutex<Seen>,
) -> std::io::Result<()> {
    assert_eq!(stream.read_u8().await?, 5);
    let mut methods = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut methods).await?;
    let method = if credentials.is_some() { 2 } else { 0 };
    let offered = methods.contains(&method);
    stream.write_all(&[5, if offered { method } else { 0xff }]).await?;
    if let (true, Some((user, password))) = (offered, credentials) {
        assert_eq!(stream.read_u8().await?, 1);
        for expected in [user, password] {
            let mut told = vec![0; stream.read_u8().await?.into()];
            stream.read_exact(&mut told).await?;
            if told != expected.as_bytes() {
                return stream.write_all(&[1, 1]).await;
            }
        }
        stream.write_all(&[1, 0]).await?;
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    assert_eq!(request[..3], [5, 1, 0]);
    let asked = match request[3] {
        1 => IpAddr::from(stream.read_u32().await?.to_be_bytes()).to_string(),
        4 => IpAddr::from(stream.read_u128().await?.to_be_bytes()).to_string(),
        3 => {
            let mut name = vec![0; stream.read_u8().await?.into()];
            stream.read_exact(&mut name).await?;
            format!("the name {}", String::from_utf8(name).unwrap())
        }
        other => unreachable!("address type {other}"),
    };
    let port = stream.read_u16().await?;
    seen.lock().unwrap().asked.push(asked.clone());
    let Ok(ip) = asked.parse::<IpAddr>() else {
        return stream.write_all(&[5, 8, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    };
    let Ok(mut target) = TcpStream::connect((ip, port)).await else {
        return stream.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    };
    stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut target).await?;
    Ok(())
}
