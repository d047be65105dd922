//! Whatever text is taken for a URL: either it is refused, or its host is no special address, by
//! tables and parsers of its own.

use std::net::IpAddr;

use egress::{Policy, Proxy, Route};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use url::{Host, Url};

use crate::special;

pub(crate) fn try_one(random: &mut StdRng) -> (String, Result<(), String>) {
    let text = url(random);
    let result = hold(&text);
    (text, result)
}

fn hold(text: &str) -> Result<(), String> {
    let policy = Policy::public_only();
    if let Ok(proxy) = Proxy::parse(text) {
        hold_proxy(text, &proxy)?;
    }
    let Ok(url) = Url::parse(text) else { return Ok(()) };
    let verdict = policy.check_url(&url);
    let again =
        Url::parse(url.as_str()).map_err(|e| format!("written as {url}, it is none: {e}"))?;
    if policy.check_url(&again).is_ok() != verdict.is_ok() {
        return Err(format!("as {url} it is judged otherwise"));
    }
    match verdict {
        Err(_) => Ok(()),
        Ok(Route::Exempt) => Err("nothing is exempt".to_owned()),
        Ok(Route::Guarded) => passed(&url),
    }
}

/// It passed, so it has to be harmless.
fn passed(url: &Url) -> Result<(), String> {
    if !["http", "https"].contains(&url.scheme()) {
        return Err(format!("{url} is not HTTP"));
    }
    if url.port() == Some(0) || [22, 25, 6667].map(Some).contains(&url.port()) {
        return Err(format!("{url} has a port of another protocol"));
    }
    // What is connected to: hyper takes the host of the URI, and an address that std reads for one.
    let uri: http::Uri = match url.as_str().parse() {
        Ok(uri) => uri,
        // It cannot be sent at all.
        Err(_) => return Ok(()),
    };
    let host = uri.host().ok_or("no host is connected to")?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.is_empty() || bare == "." {
        return Err(format!("{url} has no host"));
    }
    if let Ok(ip) = bare.parse::<IpAddr>()
        && special::is_special(ip)
    {
        return Err(format!("{url} is {ip}"));
    }
    if let Some(ip) = inet_aton(bare) {
        return Err(format!("{url} is {ip} to whoever reads addresses as of old"));
    }
    match url.host() {
        Some(Host::Ipv4(ip)) if special::is_special(ip.into()) => Err(format!("{url} is {ip}")),
        Some(Host::Ipv6(ip)) if special::is_special(ip.into()) => Err(format!("{url} is {ip}")),
        Some(Host::Domain(name)) if localhost(name) => Err(format!("{url} is this machine")),
        Some(host) if host.to_string() != uri.host().unwrap_or_default() => {
            Err(format!("{host} was judged, {uri} is connected to"))
        }
        Some(_) => Ok(()),
        None => Err(format!("{url} has no host")),
    }
}

fn localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.rsplit('.').next() == Some("localhost")
}

/// A special address in a form that `inet_aton(3)` takes and std does not.
fn inet_aton(text: &str) -> Option<IpAddr> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.parse::<IpAddr>().is_ok() {
        return None;
    }
    let numbers = text.split('.').map(|part| {
        let digits = part.to_ascii_lowercase();
        match digits.strip_prefix("0x") {
            Some("") => Some(0),
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None if digits.len() > 1 && digits.starts_with('0') => {
                u64::from_str_radix(&digits, 8).ok()
            }
            None => digits.parse::<u64>().ok(),
        }
    });
    let numbers: Vec<u64> = numbers.collect::<Option<_>>()?;
    let (last, firsts) = numbers.split_last()?;
    let room = 4_usize.checked_sub(firsts.len())?;
    if room == 0 || firsts.iter().any(|n| *n > 255) || *last >= 1 << (8 * room) {
        return None;
    }
    let first = firsts.iter().enumerate().fold(0, |sum, (i, n)| sum | (n << (24 - 8 * i)));
    let ip = special::address(u128::from(first | last), 32);
    special::is_special(ip).then_some(ip)
}

/// What it prints is what it is, without credentials, and can be judged like a URL.
fn hold_proxy(text: &str, proxy: &Proxy) -> Result<(), String> {
    let printed = proxy.to_string();
    let again = Proxy::parse(&printed).map_err(|e| format!("printed as {printed}: {e}"))?;
    if again.to_string() != printed || printed.contains('@') {
        return Err(format!("{text} is printed as {printed}, then as {again}"));
    }
    let uri: http::Uri = printed.parse().map_err(|e| format!("{printed} is no URI: {e}"))?;
    // As text it is the address that will be connected to, or a name that no reader of addresses
    // takes for one.
    match uri.host().map(inet_aton) {
        Some(None) => Ok(()),
        _ => Err(format!("{printed} has no host, or an old form of an address")),
    }
}

fn pick<'a>(random: &mut impl Rng, choices: &[&'a str]) -> &'a str {
    choices.choose(random).expect("there are choices")
}

fn url(random: &mut StdRng) -> String {
    let scheme = pick(
        random,
        &[
            "http://",
            "https://",
            "HTTP://",
            "http:",
            "http:/",
            "http:\\\\",
            "https:\\/",
            "ftp://",
            "ws://",
            "file:///",
            "socks5://",
            "socks5h://",
            "http:////",
            " http://",
            "ht\ttp://",
            "",
            "//",
            "javascript:",
        ],
    );
    let user = if random.random_ratio(1, 4) {
        pick(
            random,
            &["u:p@", "@", "127.0.0.1@", "8.8.8.8:80@", "a%40b@", "\\@", "u:p@x@", ":@", "%00@"],
        )
    } else {
        ""
    };
    let mut host = host(random);
    for _ in 0..random.random_range(0..3) {
        host = twist(random, &host);
    }
    let port = pick(
        random,
        &[
            "", "", "", ":80", ":443", ":8080", ":0", ":22", ":25", ":6667", ":", ":65536",
            ":0080", ":8a",
        ],
    );
    let path = pick(random, &["/", "", "/x?y#z", "?q", "#f", "\\x", "/..//", "/@8.8.8.8", ";a"]);
    format!("{scheme}{user}{host}{port}{path}")
}

fn host(random: &mut StdRng) -> String {
    match random.random_range(0..10) {
        0..=3 => v4(random),
        4..=6 => v6(random),
        7 => pick(
            random,
            &[
                "localhost",
                "LOCALHOST.",
                "a.localhost",
                "localhost.localdomain",
                "a.example",
                "xn--bcher-kva.example",
                "bücher.example",
                ".",
                "..",
                "a..b",
                "-",
                "_",
                "*",
                "0x7f.example",
                "127.0.0.1.example",
                "1.2.3.4.5",
                "256",
                "0xffffffffff",
            ],
        )
        .to_owned(),
        8 => (0..random.random_range(0..12)).map(|_| random.random::<char>()).collect(),
        _ => {
            let letters: Vec<char> = "0123456789abcdefx.:[]%@/\\ ".chars().collect();
            let length = random.random_range(0..20);
            (0..length).filter_map(|_| letters.choose(random)).collect()
        }
    }
}

/// An address in a block or beside one, or anywhere.
fn number(random: &mut StdRng, blocks: &[&str], width: u32) -> u128 {
    let all = if width == 32 { u128::from(u32::MAX) } else { u128::MAX };
    if random.random_ratio(1, 4) {
        return random.random::<u128>() & all;
    }
    let (first, last, _) = special::range(pick(random, blocks));
    match random.random_range(0..5) {
        0 => first.saturating_sub(1),
        1 => last.saturating_add(1).min(all),
        2 => first,
        3 => last,
        _ => random.random_range(first..=last),
    }
}

fn v4(random: &mut StdRng) -> String {
    let number = number(random, special::V4, 32) as u64;
    let parts = random.random_range(1..=4_u32);
    let mut texts = Vec::new();
    for part in 0..parts {
        let left = 32 - 8 * part;
        let (shift, room) = if part + 1 == parts { (0, left) } else { (left - 8, 8) };
        let n = (number >> shift) & ((1_u64 << room) - 1);
        texts.push(match random.random_range(0..4) {
            0 => format!("0{n:o}"),
            1 => format!("0x{n:x}"),
            2 => format!("0X{n:08X}"),
            _ => n.to_string(),
        });
    }
    texts.join(".") + pick(random, &["", "", "", ".", ".."])
}

fn v6(random: &mut StdRng) -> String {
    let inner = number(random, special::V4, 32);
    let number = match random.random_range(0..6) {
        0 => (0xffff << 32) | inner,
        1 => (0x64_ff9b << 96) | inner,
        2 => (0x2002 << 112) | (inner << 80) | u128::from(random.random::<u64>()),
        3 => (0x2606_4700 << 96) | (0x5efe << 32) | inner,
        _ => number(random, special::V6, 128),
    };
    let IpAddr::V6(ip) = special::address(number, 128) else { unreachable!("it is wide") };
    let text = match random.random_range(0..4) {
        0 => ip.segments().map(|s| format!("{s:x}")).join(":"),
        1 => ip.segments().map(|s| format!("{s:04X}")).join(":"),
        2 => {
            let [a, b, c, d] = (number as u32).to_be_bytes();
            let front = ip.segments().map(|s| format!("{s:x}"))[..6].join(":");
            format!("{front}:{a}.{b}.{c}.{d}")
        }
        _ => ip.to_string(),
    };
    let zone = if random.random_ratio(1, 8) { "%25eth0" } else { "" };
    format!("[{text}{zone}]")
}

/// Another spelling of some of it.
fn twist(random: &mut StdRng, host: &str) -> String {
    let odds = random.random_range(1..4);
    let way = random.random_range(0..6);
    let mut twisted = String::new();
    for c in host.chars() {
        if !random.random_ratio(1, odds) {
            twisted.push(c);
            continue;
        }
        match way {
            0 => c.to_string().bytes().for_each(|b| twisted.push_str(&format!("%{b:02X}"))),
            1 if c.is_ascii_graphic() => {
                twisted.extend(char::from_u32(u32::from(c) - 0x21 + 0xff01));
            }
            2 if c == '.' => twisted.push(*['。', '．', '｡'].choose(random).expect("three")),
            3 => twisted.extend(c.to_uppercase()),
            4 => {
                twisted.push(c);
                twisted.push(
                    *['\u{ad}', '\u{200b}', '\t', '\n', '\u{200d}'].choose(random).expect("five"),
                );
            }
            5 if c.is_ascii_digit() => {
                twisted.extend(char::from_u32(0x1d7ce + u32::from(c) - u32::from('0')));
            }
            _ => twisted.push(c),
        }
    }
    twisted
}
