use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use egress::{Allow, Policy, Refused, Route};
use proptest::prelude::*;
use url::Url;

fn url(s: &str) -> Url {
    s.parse().unwrap_or_else(|e| panic!("{s}: {e}"))
}

fn check(policy: &Policy, s: &str) -> Result<Route, Refused> {
    policy.check_url(&url(s))
}

fn allowing(exemptions: &[&str]) -> Policy {
    let exemptions: Vec<Allow> = exemptions.iter().map(|s| s.parse().unwrap()).collect();
    Policy::public_only().allow(&exemptions)
}

#[test]
fn names_that_mean_this_machine_are_refused_by_name() {
    let policy = Policy::public_only();
    for host in
        ["localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.localhost.", "ｌocalhost"]
    {
        let refused = check(&policy, &format!("http://{host}/")).expect_err(host);
        assert!(matches!(refused, Refused::Localhost(_)), "{refused}");
    }
    assert_eq!(check(&policy, "http://localhost.example/"), Ok(Route::Guarded));
    assert_eq!(check(&policy, "http://notlocalhost/"), Ok(Route::Guarded));
    assert_eq!(check(&allowing(&["127.0.0.0/8"]), "http://localhost/"), Ok(Route::Guarded));
    assert_eq!(check(&allowing(&["localhost"]), "http://localhost./"), Ok(Route::Exempt));
}

#[test]
fn only_http_on_ports_of_http() {
    let policy = Policy::public_only();
    for s in [
        "ftp://a.example/",
        "file:///etc/passwd",
        "gopher://a.example/",
        "data:,x",
        "ws://a.example/",
    ] {
        assert!(matches!(check(&policy, s), Err(Refused::Scheme(_))), "{s}");
    }
    for port in [0, 22, 25, 53, 6000, 6667, 10080] {
        assert_eq!(check(&policy, &format!("http://a.example:{port}/")), Err(Refused::Port(port)));
    }
    for s in [
        "http://a.example/",
        "https://a.example/",
        "http://a.example:8080/",
        "http://8.8.8.8:3000/",
    ] {
        assert_eq!(check(&policy, s), Ok(Route::Guarded), "{s}");
    }
    assert_eq!(check(&policy, "http://./"), Err(Refused::NoHost));
}

#[test]
fn a_network_is_exempt_in_every_spelling_and_nothing_beside_it() {
    let policy = allowing(&["10.1.0.0/16", "fd00:1::/32"]);
    for ip in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "fd00:1::1"] {
        assert!(policy.permits(ip.parse().unwrap()), "{ip}");
    }
    // Carried through a translator, it is somebody else's network.
    for ip in ["10.0.255.255", "10.2.0.0", "64:ff9b::10.1.2.3", "fd00:2::1", "127.0.0.1"] {
        assert!(!policy.permits(ip.parse().unwrap()), "{ip}");
    }
    assert_eq!(check(&policy, "http://10.1.2.3:8080/"), Ok(Route::Guarded));
    assert_eq!(check(&policy, "http://10.1.2.3:25/"), Err(Refused::Port(25)));
}

#[test]
fn a_host_is_exempt_by_its_whole_name() {
    let policy = allowing(&["internal.example", "127.0.0.1"]);
    for s in ["http://internal.example/", "https://INTERNAL.example.:8443/"] {
        assert_eq!(check(&policy, s), Ok(Route::Exempt), "{s}");
    }
    for s in
        ["http://a.internal.example/", "http://internal.example.org/", "http://xinternal.example/"]
    {
        assert_eq!(check(&policy, s), Ok(Route::Guarded), "{s}");
    }
    assert_eq!(check(&policy, "http://internal.example:25/"), Err(Refused::Port(25)));
    assert_eq!(check(&policy, "http://127.0.0.1:9999/"), Ok(Route::Guarded));
    assert!(check(&policy, "http://127.0.0.2/").is_err());
}

#[test]
fn a_host_and_port_is_exempt_on_that_port_alone() {
    let policy = allowing(&["127.0.0.1:9000", "[::1]:25", "mail.example:25", "localhost:80"]);
    for s in [
        "http://127.0.0.1:9000/",
        "http://0x7f.1:9000/",
        "http://[::1]:25/",
        "http://mail.example:25/",
        "http://localhost/",
    ] {
        assert_eq!(check(&policy, s), Ok(Route::Exempt), "{s}");
    }
    assert!(matches!(check(&policy, "http://127.0.0.1:9001/"), Err(Refused::Address { .. })));
    assert!(matches!(check(&policy, "http://127.0.0.1/"), Err(Refused::Address { .. })));
    assert!(matches!(check(&policy, "http://localhost:8080/"), Err(Refused::Localhost(_))));
    assert_eq!(check(&policy, "http://mail.example:26/"), Ok(Route::Guarded));
    assert_eq!(check(&policy, "http://mail.example:587/"), Err(Refused::Port(587)));
    assert!(!policy.permits(IpAddr::V4(Ipv4Addr::LOCALHOST)), "a name may not lead there");
}

#[test]
fn a_trusted_url_exempts_its_own_host_and_port() {
    let policy = Policy::trusted(&[
        url("http://127.0.0.1:9000/hook"),
        url("https://sink.internal/"),
        url("http://[::1]/"),
    ]);
    for s in ["http://127.0.0.1:9000/other", "https://sink.internal/", "http://[::1]:80/x"] {
        assert_eq!(check(&policy, s), Ok(Route::Exempt), "{s}");
    }
    assert!(check(&policy, "http://127.0.0.1:9001/").is_err());
    assert_eq!(check(&policy, "http://sink.internal/"), Ok(Route::Guarded), "another port");
}

#[test]
fn the_target_of_a_redirect_is_judged_like_any_other() {
    let policy = Policy::public_only();
    let from = url("https://a.example/page");
    for location in [
        "http://127.0.0.1/",
        "//[::1]/",
        "//0x7f.1/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "file:///etc/passwd",
        "http://a.example:22/",
    ] {
        assert!(policy.check_url(&from.join(location).unwrap()).is_err(), "{location}");
    }
    for location in ["/elsewhere", "//b.example/", "?q"] {
        assert_eq!(policy.check_url(&from.join(location).unwrap()), Ok(Route::Guarded));
    }
}

#[test]
fn a_refusal_says_what_the_address_is() {
    let text = |s| check(&Policy::public_only(), s).unwrap_err().to_string();
    assert_eq!(
        text("http://0xa000001/"),
        "10.0.0.1 is not a public address (10.0.0.0/8: private-use, RFC 1918)"
    );
    assert!(text("http://localhost/").contains("this machine"));
    assert!(text("http://a.example:22/").contains("22"));
}

proptest! {
    #[test]
    fn no_string_makes_it_panic(s in any::<String>(), tail in "[ -~]{0,40}") {
        let policy = allowing(&["10.0.0.0/8", "a.example", "b.example:1"]);
        for candidate in [s.clone(), format!("http://{s}/"), format!("http://{tail}/"), format!("https://[{tail}]/")] {
            let _ = candidate.parse::<Allow>();
            if let Ok(url) = Url::parse(&candidate) {
                let _ = policy.check_url(&url);
            }
        }
    }

    #[test]
    fn a_url_passes_as_a_literal_only_if_its_address_is_permitted(bits in any::<u128>(), v4 in any::<u32>(), narrow in any::<bool>()) {
        let policy = Policy::public_only();
        let (ip, url) = if narrow {
            (IpAddr::V4(Ipv4Addr::from_bits(v4)), url(&format!("http://{v4}/")))
        } else {
            let ip = Ipv6Addr::from_bits(bits);
            (IpAddr::V6(ip), url(&format!("http://[{ip}]/")))
        };
        prop_assert_eq!(policy.check_url(&url).is_ok(), policy.permits(ip));
    }

    #[test]
    fn mapped_or_translated_makes_no_difference(v4 in any::<u32>()) {
        let policy = Policy::public_only();
        let plain = Ipv4Addr::from_bits(v4);
        let nat64 = Ipv6Addr::from_bits((0x64_ff9b_u128 << 96) | u128::from(v4));
        prop_assert_eq!(policy.permits(plain.into()), policy.permits(plain.to_ipv6_mapped().into()));
        prop_assert_eq!(policy.permits(plain.into()), policy.permits(nat64.into()));
    }

    #[test]
    fn whatever_is_permitted_is_global_unicast(bits in any::<u128>()) {
        let ip = Ipv6Addr::from_bits(bits);
        if Policy::public_only().permits(ip.into()) {
            prop_assert!(bits >> 125 == 1 || ip.to_ipv4_mapped().is_some() || bits >> 32 == 0x64_ff9b << 64);
        }
    }
}
