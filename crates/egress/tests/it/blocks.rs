use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use egress::{Kind, Policy, Refused};
use http::Method;
use url::Url;

use crate::answers::{Answers, PATIENCE, client_with, get};
use crate::origin::{Origin, Then, ok};
use crate::special;

/// Carriers of forbidden addresses, beside the blocks of [`special`].
#[rustfmt::skip]
const CARRIERS: &[&str] = &[
    "::ffff:127.0.0.0/104", "::ffff:10.0.0.0/104", "::ffff:169.254.0.0/112",
    "64:ff9b::10.0.0.0/104", "64:ff9b::127.0.0.0/104", "2002:7f00::/24", "2002:c0a8::/32",
    "2001:0:7f00::/40",
];

fn forbidden() -> impl Iterator<Item = &'static str> {
    special::V4.iter().chain(special::V6).chain(CARRIERS).copied()
}

#[rustfmt::skip]
const PERMITTED: &[&str] = &[
    "1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255",
    "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0",
    "192.31.195.255", "192.31.197.0", "192.88.98.255", "192.88.100.0", "192.167.255.255",
    "192.169.0.0", "192.175.47.255", "192.175.49.0", "198.17.255.255", "198.20.0.0",
    "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "2000::",
    "2001:200::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "2003::",
    "2606:4700:4700::1111", "2620:4f:7fff::1", "2620:4f:8001::", "3fff:1000::",
    "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
];

fn literal(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[test]
fn every_special_purpose_block_is_refused_from_its_first_address_to_its_last() {
    let policy = Policy::public_only();
    for cidr in forbidden() {
        let (first, last, width) = special::range(cidr);
        for number in [first, first + (last - first) / 2, last] {
            let ip = special::address(number, width);
            assert!(!policy.permits(ip), "{ip} of {cidr}");
            let url = format!("http://{}/", literal(ip));
            let refused = policy.check_url(&url.parse().unwrap()).expect_err(&url);
            assert!(matches!(refused, Refused::Address { ip: of, .. } if of == ip), "{refused}");
        }
    }
}

#[test]
fn just_outside_of_a_block_it_is_another_that_decides() {
    let (policy, mut permitted) = (Policy::public_only(), 0);
    for cidr in forbidden() {
        let (first, last, width) = special::range(cidr);
        let end = if width == 32 { u128::from(u32::MAX) } else { u128::MAX };
        let before = first.checked_sub(1);
        let after = (last < end).then(|| last + 1);
        for number in [before, after].into_iter().flatten() {
            let ip = special::address(number, width);
            assert_eq!(policy.permits(ip), !special::is_special(ip), "{ip} beside {cidr}");
            permitted += usize::from(policy.permits(ip));
        }
    }
    assert!(permitted > 30, "most blocks stand alone: {permitted}");
}

#[test]
fn their_neighbours_are_permitted() {
    for s in PERMITTED {
        assert!(Policy::public_only().permits(s.parse().unwrap()), "{s}");
    }
}

/// All of them 127.0.0.1, another address of this machine or its network, or a cloud's metadata.
#[rustfmt::skip]
const ODD_SPELLINGS: &[&str] = &[
    "127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0x7f000001", "0X7F.0.0.1", "017700000001",
    "0177.0.0.1", "2130706433", "127.0.0.1.", "0x7f.1.", "127.0.0.01", "127.00.0.1", "0", "0x0",
    "00", "0x", "0x.0x.0", "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "%30%78%37%66.1", "127.1%2E",
    "１２７.0.0.1", "①②⑦.0.0.1", "𝟏𝟐𝟕.𝟎.𝟎.𝟏", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "０ｘ７ｆ。１",
    "127.0.0.1\u{ad}", "127\u{200b}.0.0.1", "12\t7.0.0\n.1", "3232235777", "0xA9FEA9FE",
    "169.254.43518", "0xa9.254.0251.0376", "user:pass@127.0.0.1", "8.8.8.8@127.0.0.1",
    "127.0.0.1:80", "127.0.0.1\\@8.8.8.8", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]",
    "[::ffff:7f00:1]", "[::FFFF:127.0.0.1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[2606:4700::5efe:127.0.0.1]",
    "[fe80::1]", "[fd00::1]", "[fd00:ec2::254]", "[ff02::1]",
];

#[test]
fn odd_spellings_are_judged_by_what_they_mean() {
    for host in ODD_SPELLINGS {
        let url: Url = format!("http://{host}/").parse().unwrap_or_else(|e| panic!("{host}: {e}"));
        let verdict = Policy::public_only().check_url(&url);
        assert!(matches!(verdict, Err(Refused::Address { .. })), "{host} → {url}: {verdict:?}");
    }
}

/// The WHATWG URL standard's "IPv4 parser": one to four parts, each decimal, octal or hexadecimal,
/// the last one filling what is left.
fn spellings(ip: Ipv4Addr) -> Vec<String> {
    let bytes = ip.octets();
    let mut spellings = Vec::new();
    for parts in 1..=4 {
        let rest = bytes[parts - 1..].iter().fold(0_u64, |n, byte| (n << 8) | u64::from(*byte));
        let numbers = bytes[..parts - 1].iter().map(|byte| u64::from(*byte)).chain([rest]);
        let numbers: Vec<_> = numbers.collect();
        for radices in 0..3_usize.pow(parts as u32) {
            let texts = numbers.iter().enumerate().map(|(i, n)| {
                match radices / 3_usize.pow(i as u32) % 3 {
                    0 => n.to_string(),
                    1 => format!("0{n:o}"),
                    _ => format!("0x{n:x}"),
                }
            });
            spellings.push(texts.collect::<Vec<_>>().join("."));
        }
    }
    spellings
}

#[test]
fn every_spelling_of_a_number_is_the_same_address() {
    let policy = Policy::public_only();
    for ip in [[127, 0, 0, 1], [10, 1, 2, 3], [169, 254, 169, 254], [192, 168, 0, 255]] {
        let ip = Ipv4Addr::from(ip);
        let spellings = spellings(ip);
        assert_eq!(spellings.len(), 3 + 9 + 27 + 81);
        for host in spellings {
            let percent: String = host.bytes().map(|b| format!("%{b:02x}")).collect();
            let wide: String = host.chars().map(full_width).collect();
            for host in [format!("{host}."), host.to_uppercase(), host, percent, wide] {
                let url: Url = format!("http://{host}/").parse().unwrap();
                let verdict = policy.check_url(&url).expect_err(&host);
                assert!(matches!(verdict, Refused::Address { ip: of, .. } if of == IpAddr::V4(ip)));
            }
        }
    }
}

fn full_width(c: char) -> char {
    char::from_u32(u32::from(c) - 0x21 + 0xff01).expect("it has one")
}

#[test]
fn zone_ids_and_other_near_misses_are_no_urls() {
    for host in [
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[::1%251]",
        "[::1",
        "::1",
        "[127.0.0.1]",
        "[::127.1]",
        "1.2.3.4.5",
        "127.0.0.256",
        "0x100000000",
        "4294967296",
        "127.0.0.08",
        "127..0.1",
        "127.0.0.1%00",
        "127.0.0.1%2f",
        "[::ffff:127.0.0.1.]",
        "[v1.x]",
    ] {
        if let Ok(url) = Url::parse(&format!("http://{host}/")) {
            let verdict = Policy::public_only().check_url(&url);
            assert!(verdict.is_err(), "{host} → {url}: {verdict:?}");
        }
    }
}

/// Connects, if anything does: a listener on every address of this machine.
async fn everywhere() -> (Origin, Origin) {
    (Origin::saying(Then::Say(ok(b"secret"))).await, Origin::on_v6(Then::Say(ok(b"secret"))).await)
}

#[tokio::test]
async fn nothing_connects_to_a_forbidden_literal_nor_by_a_redirect_to_one() {
    let (v4, v6) = everywhere().await;
    let client = client_with(Policy::public_only(), &Arc::new(Answers::default()));
    let from: Url = "https://a.example/page".parse().unwrap();
    for host in
        ODD_SPELLINGS.iter().filter(|host| !host.contains([':', '\\']) || host.contains('['))
    {
        for port in [v4.port(), v6.port()] {
            let location = format!("//{host}:{port}/latest/meta-data/");
            // A redirect is a new request, so what is true of one is true of the other.
            let direct: Url = format!("http:{location}").parse().unwrap();
            let redirected = from.join(&location).unwrap();
            for url in [direct, redirected] {
                let (headers, body) = (http::HeaderMap::new(), Bytes::new());
                let sent = client.send_to(Method::GET, url, headers, body, PATIENCE, None);
                assert_eq!(sent.await.expect_err(host).kind(), Kind::Refused, "{host}");
            }
        }
    }
    assert_eq!((v4.connections(), v6.connections()), (0, 0));
}

#[tokio::test]
async fn nothing_connects_to_a_name_of_forbidden_addresses_alone_however_they_are_mixed() {
    let (v4, v6) = everywhere().await;
    let mut names = HashMap::new();
    for (i, cidr) in forbidden().enumerate() {
        let (first, last, width) = special::range(cidr);
        let middle = first + (last - first) / 2;
        let found = [first, middle, last].map(|number| special::address(number, width));
        for (j, ip) in found.into_iter().enumerate() {
            names.insert(format!("n{j}.{i}.example"), VecDeque::from([vec![ip]]));
        }
        let mixed = [&found[..], &["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()]].concat();
        names.insert(format!("mixed.{i}.example"), VecDeque::from([mixed.clone()]));
        // One that changes between look-ups.
        let turns = mixed.into_iter().map(|ip| vec![ip]).collect();
        names.insert(format!("rebind.{i}.example"), turns);
    }
    let hosts: Vec<_> = names.keys().cloned().collect();
    let answers = Arc::new(Answers { names: Mutex::new(names), ..Answers::default() });
    let client = client_with(Policy::public_only(), &answers);
    for host in &hosts {
        for port in [v4.port(), v6.port()] {
            let error = get(&client, &format!("http://{host}:{port}/")).await.expect_err(host);
            assert_eq!(error.kind(), Kind::Refused, "{host}: {error}");
        }
    }
    assert_eq!(answers.asked(), 2 * hosts.len());
    assert_eq!((v4.connections(), v6.connections()), (0, 0));
}
