//! The IANA special-purpose registries, and what goes beyond them, as texts: the oracle of tests
//! and of the fuzz harness. It shares nothing with the code that it judges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Each block of the registry as published, nested ones included, then multicast and clouds'
/// metadata. <https://www.iana.org/assignments/iana-ipv4-special-registry>
#[rustfmt::skip]
pub(crate) const V4: &[&str] = &[
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32",
    "192.0.0.10/32", "192.0.0.170/32", "192.0.0.171/32", "192.0.2.0/24", "192.31.196.0/24",
    "192.52.193.0/24", "192.88.99.0/24", "192.88.99.2/32", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "255.255.255.255/32",
    "224.0.0.0/4", "169.254.169.254/32", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32",
];

/// Each block of the registry but the two that are judged by the address inside (`::ffff:0:0/96`
/// and `64:ff9b::/96`), then retired forms, multicast and all that is not handed out.
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
#[rustfmt::skip]
pub(crate) const V6: &[&str] = &[
    "::1/128", "::/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32",
    "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32",
    "2001:4:112::/48", "2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16",
    "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
    "::/96", "::ffff:0:0:0/96", "fec0::/10", "ff00::/8", "4000::/2", "8000::/1", "fd00:ec2::254/128",
];

/// A block by its first address and the length of its prefix.
pub(crate) fn block(cidr: &str) -> (IpAddr, u32) {
    let (first, prefix) = cidr.split_once('/').expect("CIDR");
    (first.parse().expect("an address"), prefix.parse().expect("a length"))
}

fn bits(ip: IpAddr) -> (u128, u32) {
    match ip {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    }
}

pub(crate) fn address(bits: u128, width: u32) -> IpAddr {
    match width {
        32 => IpAddr::V4(Ipv4Addr::from(u32::try_from(bits).expect("32 bits"))),
        _ => IpAddr::V6(Ipv6Addr::from(bits)),
    }
}

/// The numbers of the first and the last address of a block, and how many bits they have.
pub(crate) fn range(cidr: &str) -> (u128, u128, u32) {
    let (first, prefix) = block(cidr);
    let (first, width) = bits(first);
    let size = 1_u128.checked_shl(width - prefix).map_or(u128::MAX, |size| size - 1);
    (first, first + size, width)
}

fn within(ip: IpAddr, cidr: &str) -> bool {
    let ((number, width), (first, last, of)) = (bits(ip), range(cidr));
    width == of && (first..=last).contains(&number)
}

/// Whether `ip` is not a stranger's, by the tables above.
pub(crate) fn is_special(ip: IpAddr) -> bool {
    let number = bits(ip).0;
    let inside = Ipv4Addr::from((number & 0xffff_ffff) as u32);
    match ip {
        IpAddr::V4(_) => V4.iter().any(|cidr| within(ip, cidr)),
        IpAddr::V6(_) if number >> 32 == 0xffff || number >> 32 == 0x64_ff9b << 64 => {
            is_special(inside.into())
        }
        IpAddr::V6(v6) => {
            let [.., u, id, _, _] = v6.segments();
            let isatap = u & 0xfcff == 0 && id == 0x5efe;
            let global_unicast = number >> 125 == 1;
            !global_unicast
                || V6.iter().any(|cidr| within(ip, cidr))
                || (isatap && is_special(inside.into()))
        }
    }
}
