//! Redirects that lead nowhere, or where nobody may go.

use super::script::{Asked, PAGE, Script, Step, always, answer, forever, page, send};
use super::{Behaviour, Expected, twin};

const REDIRECT: Expected = Expected::Failure(&["redirect"]);
const BLOCKED: Expected = Expected::Failure(&["blocked"]);

pub(super) fn behaviours() -> Vec<Behaviour> {
    [loops(), forbidden(), garbage(), burdened()].into_iter().flatten().collect()
}

/// A redirect to where `location` says.
fn to(location: impl Fn(&Asked) -> String + Send + Sync + 'static) -> Script {
    Box::new(move |asked| vec![moved(&location(asked))])
}

fn moved(location: &str) -> Step {
    answer("302 Found", &format!("Location: {location}\r\n"), "<p>elsewhere</p>")
}

fn loops() -> Vec<Behaviour> {
    let twin_of = |asked: &Asked| format!("http://{}:{}", twin(asked.ip), asked.port);
    vec![
        Behaviour::answer("redirect-to-itself", REDIRECT, to(|asked| asked.path.clone())),
        Behaviour::answer("redirect-empty", REDIRECT, to(|_| String::new())),
        Behaviour::answer("redirect-to-fragment", REDIRECT, to(|_| "#more".to_owned())),
        Behaviour::answer("redirect-ping-pong", REDIRECT, {
            to(move |asked| format!("{}{}", twin_of(asked), asked.path))
        }),
        Behaviour::answer("redirect-growing", REDIRECT, to(|asked| format!("{}/on", asked.path))),
        // Each is twice as long as the one before: 128 KB of it within ten.
        Behaviour::answer(
            "redirect-doubling",
            Expected::Failure(&["redirect", "body", "blocked"]),
            to(|asked| format!("{0}?{0}{1}", asked.path, "x".repeat(100))),
        ),
        Behaviour::answer("redirect-see-other", REDIRECT, {
            Box::new(|asked| {
                vec![answer("303 See Other", &format!("Location: {}?\r\n", asked.path), "")]
            })
        }),
    ]
}

fn forbidden() -> Vec<Behaviour> {
    let blocked =
        |name, url: &'static str| Behaviour::answer(name, BLOCKED, to(move |_| url.to_owned()));
    let refused = |name, url: &'static str| {
        let expected = Expected::Failure(&["redirect", "blocked"]);
        Behaviour::answer(name, expected, to(move |_| url.to_owned()))
    };
    vec![
        blocked("redirect-to-metadata", "http://169.254.169.254/latest/meta-data/"),
        blocked("redirect-to-decimal", "http://2852039166/"),
        blocked("redirect-to-octal", "http://0251.0376.0251.0376/"),
        blocked("redirect-to-hexadecimal", "http://0xa9fea9fe/"),
        blocked("redirect-to-mapped", "http://[::ffff:169.254.169.254]/"),
        blocked("redirect-to-private", "http://10.0.0.1/"),
        blocked("redirect-to-unspecified", "http://0.0.0.0/"),
        blocked("redirect-to-loopback-6", "http://[::1]/"),
        blocked("redirect-to-multicast", "//224.0.0.1/"),
        Behaviour::answer("redirect-to-bad-port", BLOCKED, {
            to(|asked| format!("http://{}:25/", asked.ip))
        }),
        refused("redirect-to-file", "file:///etc/passwd"),
        refused("redirect-to-ftp", "ftp://127.0.0.1/"),
        refused("redirect-to-data", "data:text/html,<p>here"),
        refused("redirect-to-script", "javascript:alert(1)"),
        refused("redirect-to-gopher", "gopher://127.0.0.1:25/_EHLO"),
        refused("redirect-to-nobody", "http://"),
        refused("redirect-to-bad-address", "http://[::g]/"),
        refused("redirect-to-bad-number", "http://1.2.3.4.5/"),
        refused("redirect-to-huge-port", "http://127.0.0.1:99999/"),
    ]
}

fn garbage() -> Vec<Behaviour> {
    let noise = b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let long = format!("/{}", "x".repeat(100_000));
    vec![
        // As a path, it leads back here, and round and round.
        Behaviour::answer("redirect-to-noise", REDIRECT, always([send(*noise)])),
        Behaviour::answer(
            "redirect-very-far",
            Expected::Failure(&["redirect", "body", "status", "blocked"]),
            to(move |_| long.clone()),
        ),
        Behaviour::answer("redirect-two-ways", Expected::Failure(&["redirect", "body"]), {
            Box::new(|asked| {
                let lines = format!("Location: {0}?a\r\nLocation: {0}?b\r\n", asked.path);
                vec![answer("302 Found", &lines, "")]
            })
        }),
        Behaviour::answer("redirect-nowhere", Expected::Failure(&["status", "redirect"]), {
            always([answer("302 Found", "", PAGE)])
        }),
        Behaviour::answer("redirect-many-choices", Expected::Failure(&["status"]), {
            to_status("300 Multiple Choices")
        }),
        Behaviour::answer("redirect-use-proxy", Expected::Failure(&["status"]), {
            to_status("305 Use Proxy")
        }),
    ]
}

fn to_status(status: &'static str) -> Script {
    Box::new(move |asked| vec![answer(status, &format!("Location: {}\r\n", asked.path), PAGE)])
}

/// Redirects that lead to a page and bring something along that has to be got rid of.
fn burdened() -> Vec<Behaviour> {
    let after = |name, burden: fn() -> Vec<Step>| {
        let script: Script = Box::new(move |asked| match asked.path.ends_with("?there") {
            true => vec![page("", PAGE)],
            false => {
                let head = format!("HTTP/1.1 302 Found\r\nLocation: {}?there\r\n", asked.path);
                let mut steps = vec![send(head)];
                steps.extend(burden());
                steps
            }
        });
        Behaviour::answer(name, Expected::Page, script)
    };
    vec![
        after("redirect-with-endless-body", || {
            vec![send("Connection: close\r\n\r\n"), forever([b'x'; 8_192])]
        }),
        after("redirect-with-huge-length", || {
            vec![send("Content-Length: 1000000000000\r\n\r\n"), forever([b'x'; 8_192])]
        }),
        after("redirect-with-bomb-coding", || {
            vec![send(
                "Connection: close\r\nContent-Encoding: gzip, snappy\r\nContent-Length: 4\r\n\r\nbomb",
            )]
        }),
        Behaviour::answer("redirect-cookies", Expected::Page, Box::new(cookies)),
    ]
}

/// Some 100 KB of cookies with each of five redirects. What comes back of them has to fit into a
/// head of 64 KB.
fn cookies(asked: &Asked) -> Vec<Step> {
    let hop = asked.path.rsplit_once("?hop=").and_then(|(_, hop)| hop.parse().ok()).unwrap_or(0);
    if asked.head_bytes > 64_000 {
        return vec![answer("431 Too Large", "", "")];
    }
    if hop == 5 {
        return vec![page("", PAGE)];
    }
    let path = asked.path.split('?').next().unwrap_or_default();
    let mut lines = format!("Location: {path}?hop={}\r\n", hop + 1);
    for n in 0..25 {
        lines.push_str(&format!("Set-Cookie: c{hop}-{n}={}\r\n", "v".repeat(4_000)));
    }
    vec![answer("302 Found", &lines, "")]
}
