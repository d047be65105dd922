use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use egress::{
    Client, ClientConfig, Kind, Lookup, LookupError, LookupFailure, Policy, Resolver,
    ResolverConfig,
};
use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::answers::{Answers, PATIENCE, client_with, get, policy, resolver};
use crate::origin::{Origin, Then, ok};

fn url(host: &str, origin: &Origin) -> String {
    format!("http://{host}:{}/", origin.port())
}

#[tokio::test]
async fn a_name_of_a_forbidden_address_is_refused_before_a_packet_is_sent() {
    let origin = Origin::saying(Then::Say(ok(b"secret"))).await;
    let answers = Arc::new(Answers::new(&[
        ("evil.example", &[&["127.0.0.1"]]),
        ("mapped.example", &[&["::ffff:127.0.0.1"]]),
        ("both.example", &[&["10.0.0.1", "169.254.169.254", "::1"]]),
    ]));
    let client = client_with(Policy::public_only(), &answers);
    for host in ["evil.example", "mapped.example", "both.example", "evil.example."] {
        let error = get(&client, &url(host, &origin)).await.expect_err(host);
        assert_eq!(error.kind(), Kind::Refused, "{host}: {error}");
        assert!(!error.is_transient());
        assert!(error.to_string().contains("resolves to"), "{error}");
    }
    assert_eq!(origin.connections(), 0);
    assert_eq!(answers.asked(), 4);
}

#[tokio::test]
async fn an_answer_that_changes_is_judged_each_time() {
    // 127.0.0.2 plays the public address, 127.0.0.1 the private one.
    let origin = Origin::saying(Then::SayAndClose(ok(b"public"))).await;
    let answers = Arc::new(Answers::new(&[("rebind.example", &[&["127.0.0.2"], &["127.0.0.1"]])]));
    let client = client_with(policy(&["127.0.0.2"]), &answers);

    let first = get(&client, &url("rebind.example", &origin)).await.unwrap();
    assert_eq!(first.remote_addr.unwrap().ip(), "127.0.0.2".parse::<IpAddr>().unwrap());
    first.read_capped(100).await.unwrap();

    let mut refused = 0;
    for _ in 0..3 {
        // The first connection may still be in the pool; it leads to the permitted address.
        match get(&client, &url("rebind.example", &origin)).await {
            Ok(response) => assert_eq!(response.remote_addr.unwrap().ip().to_string(), "127.0.0.2"),
            Err(error) => {
                refused += usize::from(error.kind() == Kind::Refused);
            }
        }
    }
    assert!(refused >= 2, "{refused}");
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn of_a_mixed_answer_only_the_permitted_part_is_used() {
    let origin = Origin::saying(Then::SayAndClose(ok(b""))).await;
    let answers = Arc::new(Answers::new(&[(
        "mixed.example",
        &[&["127.0.0.1", "::1", "127.0.0.2", "10.0.0.1"]],
    )]));
    let client = client_with(policy(&["127.0.0.2"]), &answers);
    for _ in 0..5 {
        let response = get(&client, &url("mixed.example", &origin)).await.unwrap();
        assert_eq!(response.remote_addr.unwrap().ip().to_string(), "127.0.0.2");
    }
}

#[tokio::test]
async fn an_exempt_host_may_lead_anywhere_and_only_it() {
    let origin = Origin::saying(Then::SayAndClose(ok(b""))).await;
    let other = Origin::saying(Then::SayAndClose(ok(b""))).await;
    let answers = Arc::new(Answers::new(&[
        ("internal.example", &[&["127.0.0.1"]]),
        ("port.example", &[&["127.0.0.1"]]),
        ("else.example", &[&["127.0.0.1"]]),
    ]));
    let exemption = format!("port.example:{}", origin.port());
    let client = client_with(policy(&["internal.example", &exemption]), &answers);

    for to in [
        url("internal.example", &origin),
        url("internal.example", &other),
        url("port.example", &origin),
    ] {
        assert_eq!(get(&client, &to).await.expect(&to).status, 200);
    }
    for to in [url("port.example", &other), url("else.example", &origin)] {
        assert_eq!(get(&client, &to).await.expect_err(&to).kind(), Kind::Refused, "{to}");
    }
    assert_eq!((origin.connections(), other.connections()), (2, 1));
}

#[tokio::test]
async fn a_literal_needs_no_resolver_and_is_judged_all_the_same() {
    let origin = Origin::saying(Then::SayAndClose(ok(b""))).await;
    let answers = Arc::new(Answers::default());
    let exemption = format!("127.0.0.1:{}", origin.port());
    let client = client_with(policy(&[&exemption]), &answers);
    assert_eq!(get(&client, &url("127.0.0.1", &origin)).await.unwrap().status, 200);
    for host in ["127.0.0.2", "[::ffff:7f00:1]", "0x7f.2"] {
        let to = url(host, &origin);
        let request = url::Url::parse(&to).unwrap();
        let sent = client.send_to(
            http::Method::GET,
            request,
            http::HeaderMap::new(),
            bytes::Bytes::new(),
            Duration::from_secs(5),
            None,
        );
        assert_eq!(sent.await.expect_err(host).kind(), Kind::Refused);
    }
    assert_eq!((answers.asked(), origin.connections()), (0, 1));
}

#[tokio::test]
async fn an_unknown_name_is_a_lasting_dns_error_and_remembered() {
    let answers = Arc::new(Answers::new(&[("empty.example", &[&[]])]));
    let client = client_with(Policy::public_only(), &answers);
    for host in ["nowhere.example", "empty.example"] {
        for _ in 0..3 {
            let error = get(&client, &format!("http://{host}/")).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Dns, "{error}");
            assert!(!error.is_transient());
        }
    }
    assert_eq!(answers.asked(), 2);
}

#[tokio::test]
async fn a_name_that_cannot_exist_is_not_asked_for() {
    let answers = Arc::new(Answers::default());
    let client = client_with(Policy::public_only(), &answers);
    for host in ["a".repeat(64), "a.".repeat(127) + "a", "a..b".to_owned()] {
        let error = get(&client, &format!("http://{host}/")).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Dns, "{error}");
        assert!(!error.is_transient());
    }
    assert_eq!(answers.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_forgotten_after_a_while() {
    let answers = Arc::new(Answers::default());
    let resolver = resolver(&answers);
    for (pause_s, asked) in [(0, 1), (29, 1), (2, 2)] {
        tokio::time::advance(Duration::from_secs(pause_s)).await;
        let error = resolver.resolve("nowhere.example").await.unwrap_err();
        assert_eq!(error.failure(), LookupFailure::NotFound);
        assert_eq!(answers.asked(), asked, "after {pause_s} s more");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_name_server_is_given_up_on() {
    let slow = Answers {
        delay: Duration::from_secs(60),
        ..Answers::new(&[("a.example", &[&["8.8.8.8"]])])
    };
    let slow = Arc::new(slow);
    let began = tokio::time::Instant::now();
    let error = resolver(&slow).resolve("a.example").await.unwrap_err();
    assert_eq!(error.failure(), LookupFailure::Timeout);
    assert_eq!(began.elapsed(), Duration::from_secs(5));

    let client = client_with(Policy::public_only(), &slow);
    let error = get(&client, "http://a.example/").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Dns, "{error}");
    assert!(error.is_transient());
}

#[tokio::test(start_paused = true)]
async fn look_ups_wait_for_their_turn() {
    const ANSWER: &[&[&str]] = &[&["8.8.8.8"]];
    let names: Vec<_> = (0..100).map(|i| format!("a.example{i}")).collect();
    let known: Vec<_> = names.iter().map(|name| (name.as_str(), ANSWER)).collect();
    let answers = Answers { delay: Duration::from_millis(10), ..Answers::new(&known) };
    let answers = Arc::new(answers);
    let lookup: Arc<dyn Lookup> = Arc::<Answers>::clone(&answers);
    let config = ResolverConfig { concurrency: 7, ..ResolverConfig::default() };
    let resolver = Resolver::with_lookup(lookup, config);
    let mut all = JoinSet::new();
    for name in names {
        let resolver = resolver.clone();
        all.spawn(async move { resolver.resolve(&name).await.unwrap() });
    }
    all.join_all().await;
    assert_eq!(answers.most_at_once.load(Ordering::SeqCst), 7);
}

/// Answers at once, but for one zone never.
struct SlowZone;

impl Lookup for SlowZone {
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, LookupError>> {
        Box::pin(async move {
            if name.trim_end_matches('.').ends_with("slow.example") {
                std::future::pending::<()>().await;
            }
            // As long as a real answer takes.
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(vec![IpAddr::from([8, 8, 8, 8])])
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_zone_starves_nobody() {
    let resolver = Resolver::with_lookup(Arc::new(SlowZone), ResolverConfig::default());
    let mut slow = JoinSet::new();
    for i in 0..2000 {
        let resolver = resolver.clone();
        let name = match i % 3 {
            0 => format!("n{i}.slow.example"),
            1 => format!("a.b.n{i}.slow.example."),
            _ => "slow.example".to_owned(),
        };
        slow.spawn(async move { resolver.resolve(&name).await.map_err(|e| e.failure()) });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = tokio::time::Instant::now();
    let mut others = JoinSet::new();
    for i in 0..400 {
        let resolver = resolver.clone();
        others.spawn(async move { resolver.resolve(&format!("www.other{i}.example")).await });
    }
    for found in others.join_all().await {
        assert_eq!(found.unwrap().len(), 1);
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    for failed in slow.join_all().await {
        assert_eq!(failed, Err(LookupFailure::Timeout));
    }
    // Nothing is left of them: all turns are there again.
    let began = tokio::time::Instant::now();
    resolver.resolve("www.example").await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_millis(20));
}

/// An address of IPv6 on which connections are neither taken nor refused: the queue is full.
async fn dead_v6(port: u16) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v6().unwrap();
    socket.bind((Ipv6Addr::LOCALHOST, port).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut queued = Vec::new();
    let patience = Duration::from_millis(300);
    while let Ok(stream) =
        tokio::time::timeout(patience, TcpStream::connect((Ipv6Addr::LOCALHOST, port))).await
    {
        queued.push(stream.unwrap());
        assert!(queued.len() < 100, "the queue has no end");
    }
    (listener, queued)
}

#[tokio::test]
async fn a_dead_ipv6_address_does_not_hold_up_a_live_ipv4_one() {
    let origin = Origin::saying(Then::SayAndClose(ok(b"alive"))).await;
    let dead = dead_v6(origin.port()).await;
    let answers = Arc::new(Answers::new(&[
        ("dual.example", &[&["::1", "127.0.0.1"]]),
        ("only6.example", &[&["::1"]]),
    ]));
    let client = |connect_timeout| {
        let resolver = Some(resolver(&answers));
        let config = ClientConfig { resolver, connect_timeout, ..ClientConfig::default() };
        Client::new(policy(&["127.0.0.1", "::1"]), config).unwrap()
    };

    // It would be tried alone for half of the time there is, were they tried in turn.
    let began = tokio::time::Instant::now();
    let response = get(&client(PATIENCE), &url("dual.example", &origin)).await.unwrap();
    assert_eq!(response.remote_addr.unwrap().ip().to_string(), "127.0.0.1");
    assert!(began.elapsed() < PATIENCE / 4, "{:?}", began.elapsed());

    let impatient = client(Duration::from_millis(500));
    let error = get(&impatient, &url("only6.example", &origin)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "it is dead indeed: {error}");
    drop(dead);
}

#[tokio::test]
async fn the_system_resolver_knows_localhost_and_keeps_it_from_strangers() {
    let origin = Origin::saying(Then::SayAndClose(ok(b""))).await;
    let resolver = Resolver::system(ResolverConfig::default());
    let found = resolver.resolve("localhost").await.unwrap();
    assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");

    let config = || ClientConfig { resolver: Some(resolver.clone()), ..ClientConfig::default() };
    let strict = Client::new(Policy::public_only(), config()).unwrap();
    let error = get(&strict, &url("localhost", &origin)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    for exemption in ["127.0.0.0/8", "localhost"] {
        let open = Client::new(policy(&[exemption]), config()).unwrap();
        assert_eq!(get(&open, &url("localhost", &origin)).await.unwrap().status, 200);
    }
}
