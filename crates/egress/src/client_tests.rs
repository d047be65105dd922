use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const TARGET: Target<'static> = Target { https: false, via: false, host: "a.example" };

/// A client whose first lines of defence are broken: every host gets the unguarded resolver.
fn broken(policy: Policy) -> Client {
    let config = ClientConfig {
        read_timeout: Duration::from_secs(5),
        max_header_bytes: 1000,
        ..ClientConfig::default()
    };
    let mut client = Client::new(policy, config).unwrap();
    let shared = Arc::get_mut(&mut client.shared).unwrap();
    shared.guarded = shared.exempt.clone();
    client
}

async fn fetch(client: &Client) -> Result<Response> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    };
    let url = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    let request = async {
        let host = "127.0.0.1";
        let request = assemble(Method::GET, url, HeaderMap::new(), Bytes::new());
        let (head, _) = http::Request::try_from(request).unwrap().into_parts();
        let inner = client.shared.guarded.send(head, Bytes::new()).await.unwrap();
        let inner = inner.map(reqwest::Body::wrap);
        let response = Response::new(inner, &Method::GET, TARGET, Duration::from_secs(5));
        client.shared.assert_address(&response, Peer::Guarded, host).map(|()| response)
    };
    tokio::select! {
        result = request => result,
        () = serve => unreachable!("it pends"),
    }
}

#[tokio::test]
async fn an_answer_of_a_forbidden_address_is_dropped_even_if_it_was_connected_to() {
    let error = fetch(&broken(Policy::public_only())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    let loopback = Policy::public_only().allow(&["127.0.0.1".parse().unwrap()]);
    assert!(fetch(&broken(loopback)).await.is_ok());
}

#[test]
fn an_answer_of_an_unknown_address_is_dropped() {
    let client = broken(Policy::public_only());
    let inner = http::Response::new(reqwest::Body::from(""));
    let error = client
        .shared
        .assert_address(
            &Response::new(inner, &Method::GET, TARGET, Duration::ZERO),
            Peer::Guarded,
            "a.example",
        )
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
}

#[test]
fn an_answer_that_went_past_the_proxy_is_dropped() {
    let client = broken(Policy::public_only());
    for (port, kind) in [(3128, None), (80, Some(Kind::Refused))] {
        let inner = http::Response::new(reqwest::Body::from(""));
        let mut response = Response::new(inner, &Method::GET, TARGET, Duration::ZERO);
        response.remote_addr = Some(([8, 8, 8, 8], port).into());
        for route in [Route::Guarded, Route::Exempt] {
            let peer = Peer::Proxy(route, 3128);
            let refused = client.shared.assert_address(&response, peer, "a.example").err();
            assert_eq!(refused.map(|error| error.kind()), kind, "{port}");
        }
        // Of a proxy that is not itself exempt, the address counts as well.
        response.remote_addr = Some(([127, 0, 0, 1], 3128).into());
        for (route, refused) in [(Route::Guarded, true), (Route::Exempt, false)] {
            let peer = Peer::Proxy(route, 3128);
            let result = client.shared.assert_address(&response, peer, "a.example");
            assert_eq!(result.is_err(), refused);
        }
    }
}
