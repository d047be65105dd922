//! The name of the site, under all that it goes by.

use url::Url;

use super::squeeze::folded;

/// Names of one site.
const MAX_NAMES: usize = 8;

/// The names of a site, folded.
#[derive(Debug, Default)]
pub(super) struct Site {
    names: Vec<String>,
    /// Without blanks, to compare with hosts.
    tight: Vec<String>,
    host: String,
    /// The host's most telling label: `example` of `www.example.co.uk`.
    label: String,
}

impl Site {
    pub(super) fn new<'a>(url: &Url, names: impl IntoIterator<Item = &'a str>) -> Self {
        let host = url.host_str().unwrap_or("").trim_start_matches("www.").to_ascii_lowercase();
        let label = label(&host).to_owned();
        let mut site = Self { host, label, ..Self::default() };
        for name in names {
            site.add(name);
        }
        site
    }

    pub(super) fn add(&mut self, name: &str) {
        let name = folded(name);
        if !name.is_empty() && self.names.len() < MAX_NAMES && !self.names.contains(&name) {
            self.tight.push(name.replace(' ', ""));
            self.names.push(name);
        }
    }

    /// Whether `text` is the name of the site or its host.
    pub(super) fn is(&self, text: &str) -> bool {
        let folded = folded(text);
        if folded.is_empty() {
            return false;
        }
        let tight = folded.replace(' ', "");
        let host = self.host.replace(['.', '-'], "");
        self.tight.contains(&tight)
            || tight == host
            || tight.strip_prefix("www") == Some(&host)
            || tight == self.label.replace('-', "")
            || tight
                .strip_prefix("the")
                .is_some_and(|rest| rest == self.label || self.tight.iter().any(|own| own == rest))
            || self.tight.iter().any(|own| own.strip_prefix("the") == Some(&tight))
    }

    /// Whether `text` is the name of the site with something more, or most of it.
    pub(super) fn resembles(&self, text: &str) -> bool {
        if self.is(text) {
            return true;
        }
        let tight = folded(text).replace(' ', "");
        let label = self.label.replace('-', "");
        let long = |name: &str| name.chars().count() >= 4;
        let within = |name: &str| {
            long(name) && tight.contains(name) && name.chars().count() * 2 >= tight.chars().count()
                || long(&tight) && name.contains(&tight)
        };
        tight.chars().count() >= 3 && (within(&label) || self.tight.iter().any(|name| within(name)))
    }
}

/// The label before the public suffix, guessed: the last but one, or the one before it where that
/// is a short word of the registry (`co.uk`, `com.au`, `gov.br`).
fn label(host: &str) -> &str {
    let labels: Vec<&str> = host.split('.').collect();
    let registry = |label: &str| {
        matches!(
            label,
            "co" | "com"
                | "net"
                | "org"
                | "gov"
                | "gob"
                | "gouv"
                | "ac"
                | "edu"
                | "go"
                | "or"
                | "ne"
                | "blogspot"
                | "wordpress"
                | "github"
                | "tumblr"
                | "substack"
                | "medium"
        )
    };
    match labels.as_slice() {
        [.., name, second, _] if registry(second) => name,
        [.., name, _] => name,
        [name] => name,
        [] => "",
    }
}
