use std::time::Duration;

use egress::rate_limit;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

/// Sun, 06 Nov 1994 08:49:37 GMT is too early to be taken for a Unix time; this is 2026.
const NOW_S: i64 = 1_790_000_000;

fn delay_s(headers: &[(&str, &str)]) -> Option<u64> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    rate_limit(&map, NOW_S).map(|delay| delay.as_secs())
}

#[test]
fn a_used_up_rate_limit_says_when_to_come_back() {
    for (value, delay) in [
        (r#""default";r=0;t=30"#, Some(30)),
        (r#"  "default" ; r=0 ; t=30  "#, Some(30)),
        (r#""default";t=30;r=0"#, Some(30)),
        (r#"default;r=0;t=30"#, Some(30)),
        (r#""default";r=0;t=30;pk=:cGs=:"#, Some(30)),
        (r#""a;r=0,b=";r=0;t=7"#, Some(7)),
        (r#""a\"b";r=0;t=7"#, Some(7)),
        (r#""minute";r=0;t=10, "day";r=0;t=5000"#, Some(5000)),
        (r#""minute";r=0;t=10, "day";r=99;t=5000"#, Some(10)),
        (r#""default";r=1;t=30"#, None),
        (r#""default";r=0"#, None),
        (r#""default";t=30"#, None),
        (r#""r=0;t=30""#, None),
        ("limit=100, remaining=0, reset=30", Some(30)),
        ("limit=100, remaining=1, reset=30", None),
        ("100", None),
        ("", None),
        (r#""unclosed;r=0;t=30"#, None),
        (r#""default";r=0;t=99999999999999999999999"#, Some(u64::from(u32::MAX))),
    ] {
        assert_eq!(delay_s(&[("ratelimit", value)]), delay, "{value}");
    }
    let two = [("ratelimit", r#""a";r=0;t=3"#), ("ratelimit", r#""b";r=0;t=4"#)];
    assert_eq!(delay_s(&two), Some(4));
}

#[test]
fn the_older_pairs_of_headers_are_understood() {
    for prefix in ["ratelimit", "RateLimit", "x-ratelimit", "X-RateLimit"] {
        let (remaining, reset) = (format!("{prefix}-remaining"), format!("{prefix}-reset"));
        let both = |left, at| delay_s(&[(&remaining, left), (&reset, at)]);
        for (left, at, delay) in [
            ("0", "30", Some(30)),
            ("0", " 30 ", Some(30)),
            ("0", "29.5", Some(30)),
            ("0", "30.0", Some(30)),
            ("0, 0;w=60", "30", Some(30)),
            ("0", "1790000042", Some(42)),
            ("0", "1790000041500", Some(42)),
            ("0", "1789999999", Some(0)),
            ("0", "999999999", Some(999_999_999)),
            ("1", "30", None),
            ("0", "", None),
            ("0", "-1", None),
            ("0", "soon", None),
            ("", "30", None),
            ("none", "30", None),
        ] {
            assert_eq!(both(left, at), delay, "{prefix}: {left} {at}");
        }
        assert_eq!(delay_s(&[(&remaining, "0")]), None);
        assert_eq!(delay_s(&[(&reset, "30")]), None);
    }
}

#[test]
fn of_several_limits_the_longest_counts() {
    let pair = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "10")];
    assert_eq!(delay_s(&[pair[0], pair[1], ("ratelimit", r#""a";r=0;t=20"#)]), Some(20));
    assert_eq!(delay_s(&[pair[0], pair[1], ("ratelimit", r#""a";r=0;t=5"#)]), Some(10));
    assert_eq!(delay_s(&[]), None);
}

proptest! {
    #[test]
    fn no_value_makes_rate_limit_panic(
        value in r#"("[a-z;=,\\"]{0,9}"|[a-z0-9;=, .:-]{0,30}){0,4}"#, now_s in any::<i64>(),
    ) {
        let mut headers = HeaderMap::new();
        for name in ["ratelimit", "ratelimit-remaining", "ratelimit-reset", "x-ratelimit-reset"] {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
        if let Some(delay) = rate_limit(&headers, now_s) {
            prop_assert!(delay <= Duration::from_secs(u64::from(u32::MAX)));
        }
    }
}
