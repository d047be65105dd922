use ipnet::IpNet;

use super::*;

fn ip(s: &str) -> IpAddr {
    s.parse().unwrap_or_else(|e| panic!("{s}: {e}"))
}

#[test]
fn a_block_is_what_its_text_says() {
    for (blocks, bits) in [(V4_BLOCKS, V4_BITS), (V6_BLOCKS, V6_BITS)] {
        for block in blocks {
            let net: IpNet = block.cidr.parse().unwrap();
            assert_eq!(net, net.trunc(), "{}", block.cidr);
            assert_eq!(net.prefix_len(), block.prefix, "{}", block.cidr);
            let first = match net.network() {
                IpAddr::V4(v4) => u128::from(v4.to_bits()),
                IpAddr::V6(v6) => v6.to_bits(),
            };
            assert_eq!(first, block.first, "{}", block.cidr);
            assert!(block.contains(first, bits));
        }
    }
}

#[test]
fn the_most_telling_block_is_named() {
    for (address, cidr) in [
        ("127.0.0.1", "127.0.0.0/8"),
        ("255.255.255.255", "255.255.255.255/32"),
        ("255.255.255.254", "240.0.0.0/4"),
        ("::1", "::1/128"),
        ("::127.0.0.1", "::/96"),
        ("::ffff:127.0.0.1", "127.0.0.0/8"),
        ("64:ff9b::10.0.0.1", "10.0.0.0/8"),
        ("2001:0:1::", "2001::/32"),
        ("2001:1::1", "2001::/23"),
        ("4000::", "4000::/2"),
        ("fd00:ec2::254", "fc00::/7"),
    ] {
        assert_eq!(special_block(ip(address)).map(|b| b.cidr), Some(cidr), "{address}");
    }
}

#[test]
fn a_carrier_is_judged_by_what_it_carries() {
    for carrier in ["::ffff:", "64:ff9b::", "2606:4700::5efe:", "2606:4700::200:5efe:"] {
        for (v4, forbidden) in [("10.0.0.1", true), ("169.254.169.254", true), ("8.8.8.8", false)] {
            let address = format!("{carrier}{v4}");
            assert_eq!(special_block(ip(&address)).is_some(), forbidden, "{address}");
        }
    }
    // A public address inside does not make the prefix around it public.
    for address in ["fe80::5efe:8.8.8.8", "2002:808:808::1", "64:ff9b:1::8.8.8.8", "::8.8.8.8"] {
        assert!(special_block(ip(address)).is_some(), "{address}");
    }
}
