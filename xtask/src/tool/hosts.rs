use std::net::Ipv4Addr;

/// The loopback address that stands for the `index`-th host: 127.0.1.1, 127.0.1.2 … 127.0.255.250.
pub(crate) fn address(index: u32) -> Ipv4Addr {
    const PER_NET: u32 = 250;
    let net = u8::try_from(1 + (index / PER_NET) % 255).expect("at most 255");
    let host = u8::try_from(1 + index % PER_NET).expect("at most 250");
    Ipv4Addr::new(127, 0, net, host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_different_loopback_addresses() {
        let all: std::collections::BTreeSet<_> = (0..10_000).map(address).collect();
        assert_eq!(all.len(), 10_000);
        assert!(all.iter().all(Ipv4Addr::is_loopback));
        assert_eq!(address(0), Ipv4Addr::new(127, 0, 1, 1));
        assert_eq!(address(250), Ipv4Addr::new(127, 0, 2, 1));
    }
}
