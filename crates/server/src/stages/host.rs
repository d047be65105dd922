//! What a fetch tells of its host: how long to leave it alone, and whether it is well.

use std::time::Duration;

use jobs::{Health, LaneNews, Timestamp};
use scrape::Response;
use url::Url;

use super::scrape::Fault;

/// Longest that an origin's `Retry-After` or `RateLimit` is heeded: it is written by a stranger.
pub(super) const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// After an answer of `url`'s host or of one that it redirected to. `obeyed` says that robots.txt
/// was asked, `keeps` what interval the lane keeps already.
pub(super) fn after_answer(
    url: &Url,
    response: &Response,
    obeyed: bool,
    keeps: Duration,
    now: Timestamp,
) -> LaneNews {
    let own = response.final_url.origin() == url.origin();
    let asked = response.rate_limit.filter(|_| own).map(|wait| wait.min(MAX_RETRY_AFTER));
    let wants = response.crawl_delay.unwrap_or_default();
    LaneNews {
        pause_until: asked.map(|wait| now + wait),
        interval: (obeyed && wants != keeps).then_some(wants),
        // Whatever came after it, the host itself has answered.
        health: Some(Health::Good),
        ..LaneNews::default()
    }
}

/// After a fetch that failed.
pub(super) fn after_fault(fault: &Fault, keeps: Duration, now: Timestamp) -> LaneNews {
    let interval = fault.crawl_delay.filter(|wants| *wants != keeps);
    if fault.code == scrape::Kind::Paced.code() {
        // robots.txt was asked for just now: that was a request too.
        let pause_until = interval.map(|wait| now + wait);
        return LaneNews { pause_until, interval, ..LaneNews::default() };
    }
    let mut news = LaneNews { interval, ..LaneNews::default() };
    if !fault.of_host {
        return news;
    }
    news.health = match (fault.code, fault.status) {
        (_, Some(429 | 503)) => Some(Health::Bad),
        (_, Some(_)) => Some(Health::Good),
        (
            "dns" | "connect" | "timeout" | "too_slow" | "tls_handshake" | "robots_unreachable",
            _,
        ) => Some(Health::Bad),
        _ => None,
    };
    if news.health == Some(Health::Bad) {
        // Whoever asks for a pause gets it for all that is fetched there.
        let asked = fault.retry_after.map(|wait| wait.min(MAX_RETRY_AFTER));
        news.pause_until = asked.map(|wait| now + wait);
    }
    news
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn fault(code: &'static str, status: Option<u16>) -> Fault {
        Fault { status, of_host: true, ..Fault::new(code, "no", true) }
    }

    fn health(fault: &Fault) -> Option<Health> {
        after_fault(fault, Duration::ZERO, NOW).health
    }

    #[test]
    fn a_host_is_unwell_when_it_says_so_or_does_not_answer() {
        for (code, status) in [
            ("status", Some(429)),
            ("status", Some(503)),
            ("dns", None),
            ("connect", None),
            ("timeout", None),
            ("tls_handshake", None),
            ("robots_unreachable", None),
        ] {
            assert_eq!(health(&fault(code, status)), Some(Health::Bad), "{code} {status:?}");
        }
        for status in [404, 410, 500, 403] {
            assert_eq!(health(&fault("status", Some(status))), Some(Health::Good), "{status}");
        }
        for code in
            ["body", "decode", "too_large", "blocked", "robots_disallowed", "busy", "internal"]
        {
            assert_eq!(health(&fault(code, None)), None, "{code}");
        }
    }

    #[test]
    fn a_host_is_not_blamed_for_where_it_sends_us() {
        let elsewhere =
            Fault { of_host: false, retry_after: Some(MINUTE), ..fault("status", Some(429)) };
        assert_eq!(after_fault(&elsewhere, Duration::ZERO, NOW), LaneNews::default());
    }

    #[test]
    fn who_asks_for_a_pause_gets_it_up_to_a_cap() {
        let asked = |wait| Fault { retry_after: Some(wait), ..fault("status", Some(503)) };
        let until = |wait| after_fault(&asked(wait), Duration::ZERO, NOW).pause_until;
        assert_eq!(until(MINUTE), Some(NOW + MINUTE));
        assert_eq!(until(1_000 * MINUTE), Some(NOW + MAX_RETRY_AFTER));
        // Other trouble of one page is no reason to leave the site alone.
        let trouble = Fault { retry_after: Some(MINUTE), ..fault("status", Some(500)) };
        assert_eq!(after_fault(&trouble, Duration::ZERO, NOW).pause_until, None);
    }

    #[test]
    fn a_crawl_delay_is_news_when_the_lane_does_not_keep_it() {
        let paced = Fault { crawl_delay: Some(MINUTE), ..fault("paced", None) };
        let news = after_fault(&paced, Duration::ZERO, NOW);
        assert_eq!((news.interval, news.pause_until), (Some(MINUTE), Some(NOW + MINUTE)));
        assert_eq!(news.health, None);
        assert_eq!(after_fault(&paced, MINUTE, NOW), LaneNews::default());
    }
}
