use std::time::Duration;

use egress::{backoff, retry_after};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Sun, 06 Nov 1994 08:49:37 GMT
const NOW_S: i64 = 784_111_777;

fn parse(value: &[u8]) -> Option<u64> {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_bytes(value).unwrap());
    retry_after(&headers, NOW_S).map(|delay| delay.as_secs())
}

#[test]
fn retry_after_in_every_form() {
    for (value, delay_s) in [
        ("0", Some(0)),
        ("120", Some(120)),
        (" 120 ", Some(120)),
        ("000120", Some(120)),
        ("99999999999999999999999999", Some(u64::from(u32::MAX))),
        // IMF-fixdate, RFC 850, asctime
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
        ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
        ("Sun Nov  6 08:50:37 1994", Some(60)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(u64::from(u32::MAX))),
        ("", None),
        ("-1", None),
        ("+5", None),
        ("1.5", None),
        ("5s", None),
        ("soon", None),
        ("Sun, 06 Nov 1994 08:50:37", None),
        ("Sun, 99 Nov 1994 08:50:37 GMT", None),
        ("1994-11-06T08:50:37Z", None),
    ] {
        assert_eq!(parse(value.as_bytes()), delay_s, "{value:?}");
    }
    assert_eq!(parse(b"\xff\xfe"), None);
    assert_eq!(retry_after(&HeaderMap::new(), NOW_S), None);
}

#[test]
fn a_clock_at_either_end_is_no_trouble() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(retry_after(&headers, i64::MAX), Some(Duration::ZERO));
    assert_eq!(retry_after(&headers, i64::MIN), Some(Duration::from_secs(u64::from(u32::MAX))));
}

#[test]
fn backoff_spreads_over_a_window_that_doubles() {
    let (base, cap) = (Duration::from_secs(1), Duration::from_secs(60));
    let mut rng = StdRng::seed_from_u64(1);
    for (attempt, window_s) in [(0, 1), (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (100, 60)] {
        let window = Duration::from_secs(window_s);
        let drawn: Vec<_> = (0..1000).map(|_| backoff(attempt, base, cap, &mut rng)).collect();
        assert!(drawn.iter().all(|d| *d <= window), "attempt {attempt}");
        assert!(drawn.iter().any(|d| *d > window.mul_f64(0.95)), "attempt {attempt}");
        assert!(drawn.iter().any(|d| *d < window.mul_f64(0.05)), "attempt {attempt}");
    }
}

proptest! {
    #[test]
    fn no_value_makes_retry_after_panic(value in proptest::collection::vec(any::<u8>(), 0..60), now_s in any::<i64>()) {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value);
            let _ = retry_after(&headers, now_s);
        }
    }

    #[test]
    fn backoff_never_exceeds_its_cap(attempt in any::<u32>(), base in any::<Duration>(), cap in any::<Duration>(), seed in any::<u64>()) {
        let mut rng = StdRng::seed_from_u64(seed);
        prop_assert!(backoff(attempt, base, cap, &mut rng) <= cap);
    }
}
