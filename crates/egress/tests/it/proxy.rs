use egress::{ParseProxyError, Proxy};

#[test]
fn a_proxy_is_read_in_every_form_and_printed_without_its_credentials() {
    for (text, printed) in [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://proxy.example", "http://proxy.example:80"),
        ("HTTPS://Proxy.Example./", "https://proxy.example.:443"),
        ("socks5://proxy.example", "socks5://proxy.example:1080"),
        ("socks5://proxy.example:80", "socks5://proxy.example:80"),
        (" http://user:s3cret@127.1:8080 ", "http://127.0.0.1:8080"),
        ("socks5://user:s3cret@0x7f.1:8080", "socks5://127.0.0.1:8080"),
        ("socks5://user:s3cret@[::1]:8080", "socks5://[::1]:8080"),
        ("socks5://b%C3%BCcher.example", "socks5://xn--bcher-kva.example:1080"),
        ("https://s3cret@[::1]", "https://[::1]:443"),
    ] {
        let proxy = Proxy::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(proxy.to_string(), printed, "{text}");
        let debug = format!("{proxy:?}");
        assert!(debug.contains(printed) && !debug.contains("s3cret"), "{debug}");
        assert!(!debug.contains("user"), "{debug}");
    }
}

#[test]
fn what_is_no_proxy_is_refused_with_a_remedy_and_no_secret() {
    let long = format!("http://s3cret:{}@proxy.example", "x".repeat(2048));
    for (text, error) in [
        ("", ParseProxyError::NotUrl),
        ("proxy.example:3128/s3cret", ParseProxyError::Scheme),
        ("//s3cret@proxy.example", ParseProxyError::NotUrl),
        ("socks5h://u:s3cret@proxy.example", ParseProxyError::RemoteNames),
        ("socks4a://u:s3cret@proxy.example", ParseProxyError::RemoteNames),
        ("socks4://u:s3cret@proxy.example", ParseProxyError::Scheme),
        ("ftp://u:s3cret@proxy.example", ParseProxyError::Scheme),
        ("http://u:s3cret@proxy.example/path", ParseProxyError::Path),
        ("http://u:s3cret@proxy.example?q", ParseProxyError::Path),
        ("socks5://u:s3cret@proxy.example#f", ParseProxyError::Path),
        ("http://u:s3cret@proxy.example:0", ParseProxyError::Port),
        ("http://u:s3cret@proxy.example:99999", ParseProxyError::NotUrl),
        ("socks5:proxy.example", ParseProxyError::Path),
        ("socks5:///", ParseProxyError::Host),
        ("socks5://u:s3cret@a b", ParseProxyError::NotUrl),
        ("socks5://u:s3cret@[::1%25eth0]", ParseProxyError::NotUrl),
        ("socks5://u:s3cret@1.2.3.4.5", ParseProxyError::Host),
        ("socks5://s3cret@proxy.example", ParseProxyError::Credentials),
        (&long, ParseProxyError::TooLong),
    ] {
        let refused = Proxy::parse(text).expect_err(text);
        assert_eq!(refused, error, "{text:.60}");
        let printed = format!("{refused} {refused:?}");
        assert!(!printed.contains("s3cret"), "{printed}");
        assert!(printed.contains("HOST") || printed.contains("socks5") || text.len() > 2048);
    }
    let byte = "%ff".repeat(255);
    assert!(Proxy::parse(&format!("socks5://{byte}:{byte}@proxy.example")).is_ok());
    let more = format!("socks5://{byte}a:b@proxy.example");
    assert_eq!(Proxy::parse(&more), Err(ParseProxyError::Credentials));
}

#[test]
fn a_proxy_is_found_among_the_targets_that_are_allowed() {
    let at = |proxy: &str, allow: &str| {
        Proxy::parse(proxy).unwrap().is_at(&allow.parse::<egress::Allow>().unwrap())
    };
    for (proxy, allow) in [
        ("http://me:secret@proxy.example:3128", "proxy.example"),
        ("http://PROXY.example.:3128", "proxy.example:3128"),
        ("socks5://10.1.2.3", "10.0.0.0/8"),
        ("socks5://10.1.2.3", "10.1.2.3:1080"),
        ("http://[fd00::1]:8080", "[fd00::1]:8080"),
    ] {
        assert!(at(proxy, allow), "{proxy} {allow}");
    }
    for (proxy, allow) in [
        ("http://proxy.example:3128", "proxy.example:3129"),
        ("http://a.proxy.example:3128", "proxy.example"),
        ("http://11.1.2.3", "10.0.0.0/8"),
        ("http://proxy.example", "10.0.0.0/8"),
    ] {
        assert!(!at(proxy, allow), "{proxy} {allow}");
    }
}
