use super::*;
use crate::resolver::ResolverConfig;

fn transport() -> Transport {
    let resolver = Resolver::system(ResolverConfig::default());
    let policy = Arc::new(Policy::public_only());
    Transport::new(ClientConfig::default(), resolver, policy).unwrap()
}

fn path(number: usize, to_proxy: Route) -> Path {
    let proxy = Proxy::parse(&format!("http://user:{number}@proxy.example:3128")).unwrap();
    Path { proxy, to_proxy, to_target: Route::Guarded }
}

fn kept(transport: &Transport) -> Vec<Path> {
    let proxied = transport.proxied.lock().unwrap();
    proxied.iter().map(|(path, _)| path.clone()).collect()
}

#[test]
fn clients_of_proxies_are_kept_up_to_a_bound_and_the_least_used_goes() {
    let transport = transport();
    for number in 0..MAX_PROXIED {
        transport.through(&path(number, Route::Guarded)).unwrap();
    }
    assert_eq!(kept(&transport).len(), MAX_PROXIED);
    transport.through(&path(0, Route::Guarded)).unwrap();
    assert_eq!(kept(&transport).len(), MAX_PROXIED, "it is used again");
    // Other credentials and another rule are another way.
    for new in [path(MAX_PROXIED, Route::Guarded), path(0, Route::Exempt)] {
        transport.through(&new).unwrap();
        assert_eq!(kept(&transport).len(), MAX_PROXIED);
        assert_eq!(kept(&transport)[0], new);
    }
    let kept = kept(&transport);
    assert_eq!(kept[2], path(0, Route::Guarded), "used a moment ago");
    for gone in [1, 2] {
        assert!(!kept.contains(&path(gone, Route::Guarded)), "{gone}");
    }
    assert!(kept.contains(&path(3, Route::Guarded)));
}

/// What the layers below cannot read as a proxy they would go past.
#[test]
fn every_credential_reaches_the_layers_below() {
    let awkward: String = (0_u8..128).map(char::from).collect();
    for text in [&awkward, "%", "%zz", "a:b@c", "日本", "%00%ff"] {
        for scheme in ["http", "https", "socks5"] {
            let mut url = url::Url::parse(&format!("{scheme}://proxy.example:1")).unwrap();
            url.set_username(text).unwrap();
            url.set_password(Some(text)).unwrap();
            let proxy = Proxy::parse(url.as_str()).unwrap();
            assert!(proxy.for_reqwest().is_ok(), "{url}");
        }
    }
}
