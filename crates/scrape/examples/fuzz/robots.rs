//! robots.txt against a matcher that is slow and simple: it tries every way a pattern can fit.

#[allow(dead_code, reason = "not all of it is tried")]
#[path = "../../src/robots/fresh.rs"]
pub(crate) mod fresh;
#[path = "../../src/robots/pattern.rs"]
mod pattern;
#[allow(dead_code, reason = "not all of it is tried")]
#[path = "../../src/robots/rules.rs"]
mod rules;

use std::time::Duration;

use url::{Position, Url};

use crate::random::Random;
use crate::{Kept, holds};
use rules::Rules;

#[rustfmt::skip]
const PIECES: &[&str] = &[
    "/", "/", "a", "b", "aa", "*", "*", "$", "?", "=", "&", "%2f", "%2F", "%61", "%41", "%2A", "%24",
    "%3a", ":", "%zz", "%", "ä", "%C3%A4", "%c3", " ", "+", "%2b", ".", "x", "#", "\"", "<", "|", "//",
];

#[rustfmt::skip]
const KEYS: &[&str] = &[
    "user-agent", "User-Agent ", "useragent", "allow", "Disallow", "disallow", "disalow", "crawl-delay",
    "sitemap", "x", "", "\u{feff}disallow", " disallow", "allow\t",
];

#[rustfmt::skip]
const AGENTS: &[&str] = &["bot", "BOT/2", "bot*", "bots", "*", "* ", "*x", "other", "bot x", "", "b-t", "1"];

const DELAYS: &[&str] = &["1", "0.5", "-1", "x", "601", "1e3", "", "0"];

pub(crate) fn check(random: &mut Random) -> Kept {
    let mut file = String::from(random.of(&["", "\u{feff}", "\n", "user-agent: *\n"]));
    for _ in 0..random.below(14) {
        let key = random.of(KEYS);
        file += key;
        file += random.of(&[":", ": ", " : ", " ", "", ":\t", "::"]);
        file += &match key.trim().to_ascii_lowercase().as_str() {
            "user-agent" | "useragent" => random.of(AGENTS).to_owned(),
            "crawl-delay" => random.of(DELAYS).to_owned(),
            _ => random.of(&["/", ""]).to_owned() + &random.several(PIECES, 7),
        };
        file += random.of(&["", "", " # no", " ", "\t"]);
        file += random.of(&["\n", "\n", "\r\n", "\r", "\n\n"]);
    }
    let token = Some("Bot").filter(|_| !random.once_in(5));
    let read = Rules::parse(file.as_bytes(), token);
    let groups = groups(&file);
    holds(read.crawl_delay() == delay(&groups, token), "crawl-delay", (&file, read.crawl_delay()))?;
    for _ in 0..4 {
        let path = random.several(PIECES, 8);
        let Ok(url) = Url::parse(&format!("http://a.example/{path}")) else {
            continue;
        };
        let expected = allows(&groups, token, &url);
        let found = read.allows(&url);
        holds(found == expected, "allowed or not", (&file, token, url.as_str(), found))?;
        holds(read == Rules::parse(file.as_bytes(), token), "two answers", &file)?;
    }
    holds(read.bytes() < 4 * file.len() + 1024, "bytes", (&file, read.bytes()))
}

#[derive(Default)]
struct Group {
    agents: Vec<String>,
    rules: Vec<(bool, Vec<u8>)>,
    /// With how many agents had been named by then.
    delays: Vec<(usize, f64)>,
}

fn groups(file: &str) -> Vec<Group> {
    let file = file.strip_prefix('\u{feff}').unwrap_or(file).replace('\r', "\n");
    let mut groups: Vec<Group> = Vec::new();
    for line in file.split('\n') {
        let white = |c: char| c.is_ascii_whitespace();
        let line = line.split('#').next().unwrap_or("").trim_matches(white);
        let words: Vec<_> = line.split(white).filter(|word| !word.is_empty()).collect();
        let (key, value) = match (line.split_once(':'), &words[..]) {
            (Some((key, value)), _) => (key.trim_matches(white), value.trim_matches(white)),
            (None, [key, value]) => (*key, *value),
            _ => continue,
        };
        let last = groups.last_mut();
        match (key.to_ascii_lowercase().as_str(), last) {
            ("user-agent" | "useragent", Some(group)) if group.rules.is_empty() => {
                group.agents.push(value.to_owned());
            }
            ("user-agent" | "useragent", _) => {
                groups.push(Group { agents: vec![value.to_owned()], ..Group::default() });
            }
            ("allow", Some(group)) => group.rules.push((true, value.into())),
            ("disallow" | "disalow", Some(group)) => group.rules.push((false, value.into())),
            ("crawl-delay", Some(group)) => {
                let plain = value.chars().all(|c| c.is_ascii_digit() || c == '.');
                if let Some(seconds) = value.parse().ok().filter(|_| plain) {
                    group.delays.push((group.agents.len(), f64::min(seconds, 600.0)));
                }
            }
            _ => {}
        }
    }
    groups
}

fn is_named(agent: &str, token: Option<&str>) -> bool {
    let name: String =
        agent.chars().take_while(|c| c.is_ascii_alphabetic() || "-_".contains(*c)).collect();
    token.is_some_and(|token| !agent.starts_with('*') && name.eq_ignore_ascii_case(token))
}

fn is_for_all(agent: &str) -> bool {
    agent == "*" || agent.starts_with("* ") || agent.starts_with("*\t")
}

/// Whether an agent of a group is the one whose rules hold.
fn holder(groups: &[Group], token: Option<&str>) -> impl Fn(&String) -> bool {
    let own = groups.iter().flat_map(|group| &group.agents).any(|agent| is_named(agent, token));
    let token = token.map(str::to_owned);
    move |agent| if own { is_named(agent, token.as_deref()) } else { is_for_all(agent) }
}

fn delay(groups: &[Group], token: Option<&str>) -> Option<Duration> {
    let holds = holder(groups, token);
    let for_us = |group: &Group, named: usize| group.agents[..named].iter().any(&holds);
    let delays = groups.iter().flat_map(|group| {
        group.delays.iter().filter(|(named, _)| for_us(group, *named)).map(|(_, delay)| *delay)
    });
    delays.map(Duration::from_secs_f64).max()
}

fn allows(groups: &[Group], token: Option<&str>, url: &Url) -> bool {
    if url.path() == "/robots.txt" {
        return true;
    }
    let holds = holder(groups, token);
    let path = signs(url[Position::BeforePath..Position::AfterQuery].as_bytes(), false);
    let mut best = (0, true);
    for group in groups.iter().filter(|group| group.agents.iter().any(&holds)) {
        for (allow, value) in &group.rules {
            let anchored = value.ends_with(b"$");
            let pattern = signs(&value[..value.len() - usize::from(anchored)], true);
            if !value.is_empty() && fits(&pattern, anchored, &path) {
                let octets: usize = pattern.iter().map(|sign| sign.octets()).sum();
                best = best.max((octets + usize::from(anchored), *allow));
            }
        }
    }
    best.1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Plain(u8),
    Encoded(u8),
    Any,
}

impl Sign {
    fn octets(self) -> usize {
        if matches!(self, Self::Encoded(_)) { 3 } else { 1 }
    }
}

fn signs(mut text: &[u8], is_pattern: bool) -> Vec<Sign> {
    let mut signs = Vec::new();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:@!'(),;[]".contains(c);
    while let [first, rest @ ..] = text {
        text = rest;
        let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let digits = digits.filter(|two| two.chars().all(|c| c.is_ascii_hexdigit()));
        let octet = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        let in_query = signs.contains(&Sign::Plain(b'?'));
        signs.push(match (first, octet) {
            (b'%', Some(octet)) => {
                text = &rest[2..];
                let slash = octet == b'/' && in_query;
                if plain(octet.into()) || slash { Sign::Plain(octet) } else { Sign::Encoded(octet) }
            }
            (b'*', _) if is_pattern => Sign::Any,
            (own, _) if plain((*own).into()) || b"/?&=+".contains(own) => Sign::Plain(*own),
            (own, _) => Sign::Encoded(*own),
        });
    }
    signs
}

fn fits(pattern: &[Sign], anchored: bool, path: &[Sign]) -> bool {
    match pattern {
        [] => !anchored || path.is_empty(),
        [Sign::Any, rest @ ..] => (0..=path.len()).any(|n| fits(rest, anchored, &path[n..])),
        [sign, rest @ ..] => path.first() == Some(sign) && fits(rest, anchored, &path[1..]),
    }
}
