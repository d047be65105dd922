//! Where a page comes from.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use scrape::{Formats, Kind, Options, Request, Robots, Scraper};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::cli;
use crate::exit::Failure;
use crate::{check, descriptors};

/// Files and standard input are read up to here.
const MOST_FILE_BYTES: u64 = 1 << 30;

/// Types of files by the end of their names, where looking into them could go wrong.
const TYPES: [(&str, &str); 6] = [
    ("html", "text/html"),
    ("htm", "text/html"),
    ("xhtml", "application/xhtml+xml"),
    ("json", "application/json"),
    ("xml", "application/xml"),
    ("txt", "text/plain"),
];

/// One argument.
#[derive(Debug)]
pub(super) enum Input {
    /// Standard input.
    Stdin,
    /// To be fetched.
    Url(String),
    /// To be read.
    File(String),
}

/// A page as it came.
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) content_type: Option<String>,
    /// What its links are relative to.
    pub(super) url: Url,
    /// Whether that is known, and not made up for a file.
    pub(super) located: bool,
    /// For what was fetched: its URL as asked for, and the answer's status.
    pub(super) fetched: Option<(String, u16)>,
}

impl Input {
    pub(super) fn of(text: &str) -> Self {
        let starts = |scheme: &str| {
            text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        match text {
            "-" => Self::Stdin,
            _ if starts("http://") || starts("https://") => Self::Url(text.to_owned()),
            _ => Self::File(text.to_owned()),
        }
    }

    /// Reads or fetches it. `base` and `content_type` are for what is not fetched; `fetcher` is
    /// there when there is something to fetch.
    pub(super) fn read(
        &self,
        base: Option<&Url>,
        content_type: Option<&str>,
        fetcher: Option<&Fetcher>,
    ) -> Result<Body> {
        let (path, bytes) = match self {
            Self::Url(url) => return fetcher.context("nothing to fetch with")?.fetch(url),
            Self::Stdin => ("", read(stdin().lock(), 0)?),
            Self::File(path) => {
                let file = File::open(path).map_err(|error| unopened(path, error))?;
                let bytes = file.metadata().map_or(0, |about| about.len());
                (path.as_str(), read(file, bytes)?)
            }
        };
        let url = match base {
            Some(url) => url.clone(),
            // Addresses below it are no web addresses, so relative links are left out.
            None => Url::parse("file:///").context("making up an address")?,
        };
        let content_type = content_type.or_else(|| type_of(path)).map(str::to_owned);
        Ok(Body { bytes, content_type, url, located: base.is_some(), fetched: None })
    }
}

fn unopened(path: &str, error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::NotFound if path.contains('.') => {
            anyhow!("no such file (a URL begins with https:// or http://)")
        }
        _ => anyhow::Error::from(error).context("cannot be opened"),
    }
}

/// All of it; `likely_bytes` is how much that is, as far as is known.
fn read(from: impl Read, likely_bytes: u64) -> Result<Bytes> {
    // One more byte, so that the end is found without growing.
    let room = usize::try_from(likely_bytes.min(MOST_FILE_BYTES)).unwrap_or(0) + 1;
    let mut bytes = Vec::with_capacity(room);
    from.take(MOST_FILE_BYTES + 1).read_to_end(&mut bytes).context("cannot be read")?;
    if bytes.len() as u64 > MOST_FILE_BYTES {
        bail!("larger than {MOST_FILE_BYTES} bytes");
    }
    Ok(bytes.into())
}

/// The type that a file's name tells.
fn type_of(path: &str) -> Option<&'static str> {
    let extension = Path::new(path).extension()?.to_ascii_lowercase();
    TYPES.iter().find(|(own, _)| extension == *own).map(|(_, kind)| *kind)
}

/// What fetches, as the server would.
pub(super) struct Fetcher {
    runtime: Runtime,
    scraper: Scraper,
    limits: scrape::Config,
    robots: Robots,
}

impl Fetcher {
    pub(super) fn start(options: &cli::Options) -> Result<Self, Failure> {
        descriptors::raise_limit();
        let fetching = check::fetching(options).map_err(Failure::Usage)?;
        let limits = scrape::Config { cpu_threads: 1, ..fetching };
        let runtime =
            Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
        let entered = runtime.enter();
        let (scraper, _ends_with_us) =
            scrape::start(limits.clone()).context("starting to fetch")?;
        drop(entered);
        let robots = match options.robots {
            cli::RobotsRule::Ignore => Robots::Ignore,
            cli::RobotsRule::Obey | cli::RobotsRule::Optional => Robots::Obey,
        };
        Ok(Self { runtime, scraper, limits, robots })
    }

    fn fetch(&self, text: &str) -> Result<Body> {
        let url = Url::parse(text).context("not a URL")?;
        let mut request = Request::with_limits(url, &self.limits);
        request.robots = self.robots;
        request.options = Options { formats: Formats::NONE, ..Options::default() };
        request.options.formats.raw = true;
        // One page that a person asks for: RFC 9309 is for crawlers.
        let response = self.runtime.block_on(self.scraper.scrape(request)).map_err(|error| {
            match error.kind() {
                Kind::Blocked => anyhow!(
                    "{error}; --fetch-allow HOST lets addresses through that are not public"
                ),
                Kind::Robots => anyhow!("{error}; --robots ignore fetches it all the same"),
                Kind::TooLarge => anyhow!("{error}; --max-bytes SIZE allows more"),
                _ => error.into(),
            }
        })?;
        Ok(Body {
            bytes: response.raw.context("the answer came without its body")?,
            content_type: response.content_type,
            url: response.final_url,
            located: true,
            fetched: Some((text.to_owned(), response.status.as_u16())),
        })
    }
}
