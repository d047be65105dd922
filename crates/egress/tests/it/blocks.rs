use std::net::IpAddr;

use egress::{Policy, Refused};
use ipnet::IpNet;
use url::Url;

/// The registries as published, nested entries included, and the blocks that they leave out.
#[rustfmt::skip]
const FORBIDDEN: &[&str] = &[
    // iana-ipv4-special-registry
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32",
    "192.0.0.10/32", "192.0.0.170/32", "192.0.0.171/32", "192.0.2.0/24", "192.31.196.0/24",
    "192.52.193.0/24", "192.88.99.0/24", "192.88.99.2/32", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "255.255.255.255/32",
    // not in it: multicast, clouds' metadata
    "224.0.0.0/4", "169.254.169.254/32", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32",
    // iana-ipv6-special-registry
    "::1/128", "::/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32",
    "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32",
    "2001:4:112::/48", "2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16",
    "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
    // not in it: retired forms, multicast, what is not handed out
    "::/96", "::ffff:0:0:0/96", "fec0::/10", "ff00::/8", "4000::/3", "8000::/1",
    "fd00:ec2::254/128",
    // carriers of forbidden addresses
    "::ffff:127.0.0.0/104", "::ffff:10.0.0.0/104", "::ffff:169.254.0.0/112",
    "64:ff9b::10.0.0.0/104", "64:ff9b::127.0.0.0/104", "2002:7f00::/24", "2002:c0a8::/32",
    "2001:0:7f00::/40",
];

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

#[test]
fn every_special_purpose_block_is_refused_from_its_first_address_to_its_last() {
    let policy = Policy::public_only();
    for block in FORBIDDEN {
        let net: IpNet = block.parse().unwrap_or_else(|e| panic!("{block}: {e}"));
        for ip in [net.network(), net.broadcast()] {
            assert!(!policy.permits(ip), "{ip} of {block}");
            let literal = match ip {
                IpAddr::V4(ip) => format!("http://{ip}/"),
                IpAddr::V6(ip) => format!("https://[{ip}]/"),
            };
            let refused = policy.check_url(&literal.parse().unwrap()).expect_err(&literal);
            assert!(matches!(refused, Refused::Address { ip: of, .. } if of == ip), "{refused}");
        }
    }
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
    "00", "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "１２７.0.0.1", "①②⑦.0.0.1", "127。0。0。1",
    "3232235777", "0xA9FEA9FE", "169.254.43518", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]",
    "[::ffff:7f00:1]", "[::FFFF:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[fe80::1]", "[fd00::1]", "[ff02::1]",
];

#[test]
fn odd_spellings_are_judged_by_what_they_mean() {
    for host in ODD_SPELLINGS {
        let url: Url = format!("http://{host}/").parse().unwrap();
        let verdict = Policy::public_only().check_url(&url);
        assert!(matches!(verdict, Err(Refused::Address { .. })), "{host} → {url}: {verdict:?}");
    }
}
