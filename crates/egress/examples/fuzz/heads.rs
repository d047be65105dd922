//! Whatever bytes come for an answer: a client over loopback ends, with an answer within its limits
//! or an error of a kind that fits.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use egress::{Client, ClientConfig, Kind, Policy};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::Try;

const PATIENCE: Duration = Duration::from_secs(10);
const MAX_BODY: u64 = 1000;

/// An origin that says one answer for each request and closes, and a client of it.
pub(crate) fn target() -> Result<Try, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let policy = Policy::public_only().allow(&["127.0.0.1".parse()?]);
    let client = Client::new(policy, ClientConfig::default())?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let url = format!("http://{}/", listener.local_addr()?);
    Ok(Box::new(move |random| {
        let answer = answer(random);
        let result = one(&runtime, &client, &listener, &url, &answer);
        (String::from_utf8_lossy(&answer).into_owned(), result)
    }))
}

fn one(
    runtime: &Runtime,
    client: &Client,
    listener: &TcpListener,
    url: &str,
    answer: &[u8],
) -> Result<(), String> {
    let serve = async {
        // Again, if the client tries again.
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer).await;
        }
    };
    let ask = async {
        let request = http::Request::get(url).body(Bytes::new()).map_err(|e| e.to_string())?;
        let read = match client.send(request, PATIENCE).await {
            Ok(response) => {
                let fields = response.headers.len();
                let bytes: usize =
                    response.headers.iter().map(|(n, v)| n.as_str().len() + v.len()).sum();
                if fields > 100 || bytes > 128 * 1024 {
                    return Err(format!("{fields} fields, {bytes} bytes were accepted"));
                }
                let announced = response.content_length();
                let read = response.read_capped(MAX_BODY).await;
                if let (Ok((body, cut)), Some(announced)) = (&read, announced)
                    && (body.len() as u64 != announced.min(MAX_BODY)
                        || *cut != (announced > MAX_BODY))
                {
                    return Err(format!("{announced} bytes announced, {} came", body.len()));
                }
                read.map(|_| ())
            }
            Err(error) => Err(error),
        };
        match read {
            Ok(()) => Ok(()),
            Err(e) if [Kind::Protocol, Kind::Connect, Kind::Body].contains(&e.kind()) => Ok(()),
            Err(error) => Err(format!("{:?}: {error}", error.kind())),
        }
    };
    runtime.block_on(async {
        tokio::select! {
            result = ask => result,
            () = serve => Err("the origin is gone".to_owned()),
        }
    })
}

const PARTS: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 200\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.1 304 \r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n",
    "HTTP/1.1 999 ?\r\n",
    "HTTP/2.0 200 OK\r\n",
    "HTTP/1.1 20 OK\r\n",
    "HTTP/0.9 200 OK\r\n",
    "SSH-2.0-x\r\n",
    "<html>",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\0",
    " ",
    "\t",
    ":",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: 6\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Content-Length: +5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Trailer: x\r\n",
    "X: y\r\n z\r\n",
    "X : y\r\n",
    "X\r\n",
    "Set-Cookie: a=b\r\n",
    "X: \u{fffd}\r\n",
    "hello",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "0\r\nX: y\r\n\r\n",
    "5;x=\"y\"\r\nhello\r\n",
    "fffffffffffffffff\r\n",
    "-1\r\n",
    "00000005\r\nhello\r\n",
    "5\nhello\n0\n\n",
];

fn answer(random: &mut StdRng) -> Vec<u8> {
    let mut answer = Vec::new();
    if random.random_ratio(7, 8) {
        answer.extend_from_slice(PARTS[random.random_range(0..5)].as_bytes());
    }
    for _ in 0..random.random_range(0..12) {
        match random.random_range(0..20) {
            0 => (0..random.random_range(0..40)).for_each(|_| answer.push(random.random())),
            1 => answer.extend((0..random.random_range(1..200)).flat_map(|_| *b"X: y\r\n")),
            2 => answer.resize(answer.len() + (1 << random.random_range(0..19)), b'a'),
            _ => answer.extend_from_slice(PARTS.choose(random).unwrap_or(&"").as_bytes()),
        }
        if random.random_ratio(1, 6) {
            answer.extend_from_slice(b"\r\n");
        }
    }
    if random.random_ratio(1, 8) && !answer.is_empty() {
        let at = random.random_range(0..answer.len());
        answer[at] = random.random();
    }
    answer
}
