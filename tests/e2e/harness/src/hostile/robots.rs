//! Hostile answers for `/robots.txt`, in front of a page that nothing is wrong with.

use super::bombs::{gzip, inside, noise};
use super::script::{
    Asked, PAGE, Script, Step, always, answer, chunked, drip, forever, open, page, send, typed,
};
use super::{Behaviour, Expected, twin};

/// RFC 9309, section 2.3.1.4: what cannot be reached forbids everything.
const UNREACHABLE: Expected = Expected::Failure(&["robots_unreachable"]);
const DISALLOWED: Expected = Expected::Failure(&["robots_disallowed"]);
/// Section 2.3.1.3 and 2.2.2: without rules, or beyond what can be read, everything is allowed.
const ALLOWED: Expected = Expected::Page;
/// The standard leaves it open.
const EITHER: Expected = Expected::PageOr(&["robots_unreachable", "robots_disallowed"]);

pub(super) fn behaviours() -> Vec<Behaviour> {
    let of = |name, expected, robots: Script| {
        Behaviour::answer(name, expected, always([page("", PAGE)])).with_robots(robots)
    };
    let served = |name, expected, steps: Vec<Step>| of(name, expected, always(steps));
    let text = |body: &[u8]| vec![typed("text/plain", "", body)];
    let line = "Disallow: /nothing/of/interest\n";
    let large = format!("User-agent: *\n{}", line.repeat(80_000));
    let rule = format!("User-agent: *\nDisallow: /{}$\n", "*a".repeat(50_000));
    let agents = format!("{}Disallow: /nothing\n", "User-agent: *\n".repeat(30_000));
    let last = format!("{}\nUser-agent: *\nDisallow: /\n", "# rules\n".repeat(90_000));
    let bomb = typed("text/plain", "Content-Encoding: gzip\r\n", gzip(&inside()));
    let loud =
        "User-agent: *\nCrawl-delay: -1\nCrawl-delay: NaN\nCrawl-delay: 1e999\nCrawl-delay: x\n";
    vec![
        served("robots-disallow", DISALLOWED, text(b"User-agent: *\nDisallow: /\n")),
        served("robots-huge", ALLOWED, text(large.as_bytes())),
        served("robots-huge-rule", ALLOWED, text(rule.as_bytes())),
        served("robots-many-agents", ALLOWED, text(agents.as_bytes())),
        // What stands after the first 500 KiB is not read.
        served("robots-rule-too-late", ALLOWED, text(last.as_bytes())),
        served("robots-endless", ALLOWED, vec![open(""), forever(line.repeat(200))]),
        served("robots-endless-line", ALLOWED, vec![open(""), forever("a".repeat(8_000))]),
        served("robots-noise", ALLOWED, text(&noise(100_000))),
        served("robots-nul", ALLOWED, text(&[0; 10_000])),
        served("robots-page", ALLOWED, vec![page("", PAGE)]),
        served("robots-crawl-delay-nonsense", ALLOWED, text(loud.as_bytes())),
        served("robots-bomb", EITHER, vec![bomb]),
        served("robots-unknown-coding", EITHER, vec![page("Content-Encoding: snappy\r\n", PAGE)]),
        served("robots-404", ALLOWED, vec![answer("404 Not Found", "", PAGE)]),
        served("robots-401", ALLOWED, vec![answer("401 Unauthorized", "", PAGE)]),
        served(
            "robots-410-endless",
            ALLOWED,
            vec![send("HTTP/1.1 410 Gone\r\n\r\n"), forever([b'x'; 8_192])],
        ),
        served(
            "robots-429",
            UNREACHABLE,
            vec![answer("429 Too Many Requests", "Retry-After: 1000000000000000000\r\n", "")],
        ),
        served("robots-503", UNREACHABLE, vec![answer("503 Service Unavailable", "", PAGE)]),
        served(
            "robots-reset",
            Expected::Failure(&["robots_unreachable", "connect"]),
            vec![Step::Reset],
        ),
        served("robots-cut", UNREACHABLE, vec![chunked(""), send("ff\r\nUser-agent: *\n")]),
        served("robots-silence", UNREACHABLE, vec![Step::Silence]),
        served("robots-drip", UNREACHABLE, vec![open(""), drip("#")]),
        served("robots-no-http", UNREACHABLE, vec![send("User-agent: *\n")]),
        of(
            "robots-redirect-loop",
            EITHER,
            Box::new(|asked| {
                let to = format!("Location: {}?\r\n", asked.path);
                vec![answer("301 Moved Permanently", &to, "")]
            }),
        ),
        of(
            "robots-redirect-forbidden",
            EITHER,
            always([answer("302 Found", "Location: http://169.254.169.254/robots.txt\r\n", "")]),
        ),
        // Rules may stand elsewhere, and hold all the same.
        of("robots-redirect-disallow", DISALLOWED, Box::new(redirected)),
    ]
}

fn redirected(asked: &Asked) -> Vec<Step> {
    if asked.ip.octets()[1] == super::TWIN_NET {
        return vec![typed("text/plain", "", "User-agent: *\nDisallow: /hostile/\n")];
    }
    let to = format!("Location: http://{}:{}/robots.txt\r\n", twin(asked.ip), asked.port);
    vec![answer("302 Found", &to, "")]
}
