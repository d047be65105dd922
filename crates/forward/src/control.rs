//! What a receiver can say in header fields beside a status that is no 2xx.

use http::{HeaderMap, HeaderName};

/// With the value `never`: this delivery is not to be tried again.
pub const PAGEWIRE_RETRY: HeaderName = HeaderName::from_static("pagewire-retry");

/// With the value `true`: the same, as receivers of QStash say it.
const NON_RETRYABLE: HeaderName = HeaderName::from_static("upstash-nonretryable-error");

/// Whether the receiver does not want to be asked again.
pub(crate) fn declines(headers: &HeaderMap) -> bool {
    let says = |name: &HeaderName, word: &str| {
        let values = headers.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok()).any(|v| v.trim().eq_ignore_ascii_case(word))
    };
    says(&PAGEWIRE_RETRY, "never") || says(&NON_RETRYABLE, "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_fields_are_heard_and_nothing_else() {
        for (name, value, declined) in [
            ("pagewire-retry", "never", true),
            ("Pagewire-Retry", " Never ", true),
            ("pagewire-retry", "later", false),
            ("pagewire-retry", "", false),
            ("upstash-nonretryable-error", "true", true),
            ("upstash-nonretryable-error", "false", false),
            ("webhook-retry", "never", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            assert_eq!(declines(&headers), declined, "{name}: {value}");
        }
        assert!(!declines(&HeaderMap::new()));
    }
}
