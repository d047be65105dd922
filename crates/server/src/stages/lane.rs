//! Names of lanes: what jobs wait for together. They are stored and shown, so they hold no
//! credentials and no query.

use jobs::LaneKey;
use url::Url;

/// Longest key, bytes. What is longer is cut and told apart by a digest.
const MAX_KEY_BYTES: usize = 200;

/// The origin a page is fetched from: `host:port`.
pub(crate) fn of_origin(url: &Url) -> LaneKey {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    LaneKey::new(&bounded(format!("{host}:{port}")))
}

/// The sink an event is sent to: its URL without credentials, query and fragment.
pub(crate) fn of_sink(url: &Url) -> LaneKey {
    LaneKey::new(&bounded(without_secrets(url)))
}

/// What the lane of a sink with a name begins with. No address does: there is no `//`.
const NAMED: &str = "sink:";

/// The sink of this name.
pub(crate) fn of_name(name: &str) -> LaneKey {
    LaneKey::new(&format!("{NAMED}{name}"))
}

/// The name of the sink that this is the lane of; `None` for that of an address.
pub(crate) fn sink_name(lane: &LaneKey) -> Option<&str> {
    lane.as_str().strip_prefix(NAMED).filter(|name| !name.contains('/'))
}

/// The URL without what may be secret: credentials, query and fragment.
pub(crate) fn without_secrets(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

/// The same, of whatever scheme, still as a URL.
pub(crate) fn bare(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // A scheme without an authority has no credentials either.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url
}

fn bounded(key: String) -> String {
    if key.len() <= MAX_KEY_BYTES {
        return key;
    }
    let mut cut = MAX_KEY_BYTES - "~0123456789abcdef".len();
    while !key.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}~{:016x}", &key[..cut], fnv1a(key.as_bytes()))
}

/// FNV-1a, 64 bit: the same in every version and on every machine, as stored keys must be.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn an_origin_is_its_host_and_port_in_one_spelling() {
        for (text, key) in [
            ("https://Example.COM/a?b", "example.com:443"),
            ("http://example.com", "example.com:80"),
            ("http://example.com:8080/", "example.com:8080"),
            ("http://[::1]:9/", "[::1]:9"),
            ("https://bücher.example/", "xn--bcher-kva.example:443"),
        ] {
            assert_eq!(of_origin(&url(text)).as_str(), key);
        }
    }

    #[test]
    fn a_sink_is_its_url_without_what_may_be_secret() {
        let key = of_sink(&url("https://user:pass@hooks.example/in?token=x#y"));
        assert_eq!(key.as_str(), "https://hooks.example/in");
        assert_eq!(of_sink(&url("http://a:81/")).as_str(), "http://a:81/");
    }

    #[test]
    fn the_lane_of_a_name_is_told_from_that_of_an_address() {
        assert_eq!(sink_name(&of_name("crm")), Some("crm"));
        for address in ["https://crm/", "sink://crm", "sink://"] {
            assert_eq!(sink_name(&of_sink(&url(address))), None, "{address}");
        }
    }

    #[test]
    fn long_keys_are_cut_and_still_told_apart() {
        let long = |end: &str| of_sink(&url(&format!("https://a/{}{end}", "x".repeat(5_000))));
        assert_ne!(long("1"), long("2"));
        assert_eq!(long("1"), long("1"));
        assert!(long("1").as_str().len() <= MAX_KEY_BYTES);
    }
}
