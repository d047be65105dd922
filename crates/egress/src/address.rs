use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of addresses that are not for talking to strangers, and who says so.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The block in CIDR form, e.g. `10.0.0.0/8`.
    pub cidr: &'static str,
    /// The registry's name for it, lower case.
    pub name: &'static str,
    /// The document that sets it apart.
    pub source: &'static str,
    first: u128,
    prefix: u8,
}

const V4_BITS: u8 = 32;
const V6_BITS: u8 = 128;

impl Block {
    const fn v4(
        [a, b, c, d]: [u8; 4],
        prefix: u8,
        cidr: &'static str,
        name: &'static str,
        source: &'static str,
    ) -> Self {
        let first = Ipv4Addr::new(a, b, c, d).to_bits() as u128;
        Self { cidr, name, source, first, prefix }
    }

    const fn v6(
        s: [u16; 8],
        prefix: u8,
        cidr: &'static str,
        name: &'static str,
        source: &'static str,
    ) -> Self {
        let first = Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]).to_bits();
        Self { cidr, name, source, first, prefix }
    }

    /// `bits` is 32 or 128: the length of the address that `ip` is the value of.
    const fn contains(&self, ip: u128, bits: u8) -> bool {
        // A block of prefix 0 does not exist in the tables, so the shift is below 128.
        (ip ^ self.first) >> (bits - self.prefix) == 0
    }
}

/// IANA IPv4 Special-Purpose Address Registry (RFC 6890), every entry that is not inside another
/// one, then what is not in that registry but is not a stranger's either. Entries that the
/// registry calls globally reachable (AS112, AMT) are refused too: no page is served from there.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
#[rustfmt::skip]
static V4_BLOCKS: &[Block] = &[
    Block::v4([0, 0, 0, 0], 8, "0.0.0.0/8", "\"this network\"", "RFC 791 section 3.2"),
    Block::v4([10, 0, 0, 0], 8, "10.0.0.0/8", "private-use", "RFC 1918"),
    Block::v4([100, 64, 0, 0], 10, "100.64.0.0/10", "shared address space", "RFC 6598"),
    Block::v4([127, 0, 0, 0], 8, "127.0.0.0/8", "loopback", "RFC 1122 section 3.2.1.3"),
    Block::v4([169, 254, 0, 0], 16, "169.254.0.0/16", "link-local", "RFC 3927"),
    Block::v4([172, 16, 0, 0], 12, "172.16.0.0/12", "private-use", "RFC 1918"),
    // With 192.0.0.0/29 (RFC 7335), .8 (RFC 7600), .9 (RFC 7723), .10 (RFC 8155), .170 and .171
    // (RFC 8880) inside.
    Block::v4(
        [192, 0, 0, 0],
        24,
        "192.0.0.0/24",
        "IETF protocol assignments",
        "RFC 6890 section 2.1",
    ),
    Block::v4([192, 0, 2, 0], 24, "192.0.2.0/24", "documentation (TEST-NET-1)", "RFC 5737"),
    Block::v4([192, 31, 196, 0], 24, "192.31.196.0/24", "AS112-v4", "RFC 7535"),
    Block::v4([192, 52, 193, 0], 24, "192.52.193.0/24", "AMT", "RFC 7450"),
    // With 192.88.99.2 (6a44 relay, RFC 6751) inside.
    Block::v4(
        [192, 88, 99, 0],
        24,
        "192.88.99.0/24",
        "deprecated (6to4 relay anycast)",
        "RFC 7526",
    ),
    Block::v4([192, 168, 0, 0], 16, "192.168.0.0/16", "private-use", "RFC 1918"),
    Block::v4(
        [192, 175, 48, 0],
        24,
        "192.175.48.0/24",
        "direct delegation AS112 service",
        "RFC 7534",
    ),
    Block::v4([198, 18, 0, 0], 15, "198.18.0.0/15", "benchmarking", "RFC 2544"),
    Block::v4([198, 51, 100, 0], 24, "198.51.100.0/24", "documentation (TEST-NET-2)", "RFC 5737"),
    Block::v4([203, 0, 113, 0], 24, "203.0.113.0/24", "documentation (TEST-NET-3)", "RFC 5737"),
    Block::v4(
        [255, 255, 255, 255],
        32,
        "255.255.255.255/32",
        "limited broadcast",
        "RFC 919 section 7",
    ),
    Block::v4([240, 0, 0, 0], 4, "240.0.0.0/4", "reserved", "RFC 1112 section 4"),
    Block::v4([224, 0, 0, 0], 4, "224.0.0.0/4", "multicast", "RFC 5771"),
    // A public address that answers inside every virtual machine of one cloud only.
    Block::v4(
        [168, 63, 129, 16],
        32,
        "168.63.129.16/32",
        "virtual machine metadata",
        "Azure WireServer",
    ),
];

/// IANA IPv6 Special-Purpose Address Registry (RFC 6890), every entry (the one that is judged by
/// the address inside it, 64:ff9b::/96, apart), then what is not in that registry.
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
#[rustfmt::skip]
static V6_BLOCKS: &[Block] = &[
    Block::v6([0, 0, 0, 0, 0, 0, 0, 1], 128, "::1/128", "loopback", "RFC 4291 section 2.5.3"),
    Block::v6([0; 8], 128, "::/128", "unspecified", "RFC 4291 section 2.5.2"),
    Block::v6([0; 8], 96, "::/96", "IPv4-compatible, deprecated", "RFC 4291 section 2.5.5.1"),
    Block::v6(
        [0, 0, 0, 0, 0xffff, 0, 0, 0],
        96,
        "::ffff:0:0:0/96",
        "IPv4-translated",
        "RFC 2765 section 2.1",
    ),
    Block::v6(
        [0x64, 0xff9b, 1, 0, 0, 0, 0, 0],
        48,
        "64:ff9b:1::/48",
        "IPv4-IPv6 translation, local use",
        "RFC 8215",
    ),
    Block::v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "100::/64", "discard-only", "RFC 6666"),
    Block::v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64, "100:0:0:1::/64", "dummy prefix", "RFC 9780"),
    Block::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "2001::/32", "Teredo", "RFC 4380"),
    // With 2001:1::1 to ::3 (RFC 7723, 8155, 9665), 2001:2::/48 (RFC 5180), 2001:3::/32
    // (RFC 7450), 2001:4:112::/48 (RFC 7535), 2001:10::/28 (RFC 4843), 2001:20::/28 (RFC 7343)
    // and 2001:30::/28 (RFC 9374) inside.
    Block::v6(
        [0x2001, 0, 0, 0, 0, 0, 0, 0],
        23,
        "2001::/23",
        "IETF protocol assignments",
        "RFC 2928",
    ),
    Block::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "2001:db8::/32", "documentation", "RFC 3849"),
    Block::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "2002::/16", "6to4", "RFC 3056, RFC 7526"),
    Block::v6(
        [0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0],
        48,
        "2620:4f:8000::/48",
        "direct delegation AS112 service",
        "RFC 7534",
    ),
    Block::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "3fff::/20", "documentation", "RFC 9637"),
    Block::v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "5f00::/16", "segment routing SIDs", "RFC 9602"),
    Block::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "fc00::/7", "unique-local", "RFC 4193"),
    Block::v6(
        [0xfe80, 0, 0, 0, 0, 0, 0, 0],
        10,
        "fe80::/10",
        "link-local unicast",
        "RFC 4291 section 2.5.6",
    ),
    Block::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "fec0::/10", "site-local, deprecated", "RFC 3879"),
    Block::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "ff00::/8", "multicast", "RFC 4291 section 2.7"),
    // Everything else outside 2000::/3: the three prefixes that, with it, make up the whole space.
    Block::v6([0; 8], 3, "::/3", "not global unicast", "RFC 4291 section 2.4"),
    Block::v6(
        [0x4000, 0, 0, 0, 0, 0, 0, 0],
        2,
        "4000::/2",
        "not global unicast",
        "RFC 4291 section 2.4",
    ),
    Block::v6(
        [0x8000, 0, 0, 0, 0, 0, 0, 0],
        1,
        "8000::/1",
        "not global unicast",
        "RFC 4291 section 2.4",
    ),
];

/// The block that makes `ip` no stranger's address, if any: an entry of the IANA special-purpose
/// registries or one of the few like it.
///
/// An IPv6 address that carries an IPv4 address to which the packet will go is judged by that one:
/// IPv4-mapped (`::ffff:0:0/96`), NAT64 (`64:ff9b::/96`, RFC 6052) and ISATAP interface
/// identifiers (RFC 5214). The retired carriers (6to4, Teredo, IPv4-compatible, IPv4-translated)
/// and NAT64 of local use are refused whatever they carry.
pub fn special_block(ip: IpAddr) -> Option<&'static Block> {
    match ip {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => match carried_v4(v6) {
            Some(Carried::Decides(v4)) => special_v4(v4),
            Some(Carried::AlsoCounts(v4)) => special_v4(v4).or_else(|| special_v6(v6)),
            None => special_v6(v6),
        },
    }
}

fn special_v4(ip: Ipv4Addr) -> Option<&'static Block> {
    V4_BLOCKS.iter().find(|b| b.contains(ip.to_bits().into(), V4_BITS))
}

fn special_v6(ip: Ipv6Addr) -> Option<&'static Block> {
    V6_BLOCKS.iter().find(|b| b.contains(ip.to_bits(), V6_BITS))
}

enum Carried {
    /// The packet goes to this address and nowhere else.
    Decides(Ipv4Addr),
    /// The packet goes to the IPv6 prefix first, so that has to be permitted as well.
    AlsoCounts(Ipv4Addr),
}

fn carried_v4(ip: Ipv6Addr) -> Option<Carried> {
    let low = Ipv4Addr::from_bits((ip.to_bits() & u128::from(u32::MAX)) as u32);
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(Carried::Decides(low)),
        // The u and g bits of the identifier differ with the uniqueness of the address inside.
        [_, _, _, _, 0 | 0x100 | 0x200 | 0x300, 0x5efe, ..] => Some(Carried::AlsoCounts(low)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
