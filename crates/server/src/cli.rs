//! The flags. Their defaults are the libraries' own; their meaning is checked in [`crate::check`].

mod get;
mod moving;
mod verify;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{
    Arg, ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
};
use clap_complete::Shell;
use egress::Allow;
use ingest::Origin;
use url::Url;

pub(crate) use self::get::{Get, Printed, Scope};
pub(crate) use self::moving::{Export, Import, Moving};
pub(crate) use self::verify::Verify;
use crate::byte_size::ByteSize;
use crate::host_limit::HostLimit;
use crate::pace::Pace;
use crate::span::Span;

/// Prefix of every environment variable that stands for a flag.
const ENV_PREFIX: &str = "PAGEWIRE_";

const LISTENING: &str = "Listening";
const STORING: &str = "Storing";
const FETCHING: &str = "Fetching";
const DELIVERING: &str = "Delivering";
const RUNNING: &str = "Running";

/// POST a URL; the page comes back to you as a signed webhook; nothing accepted is ever lost.
///
/// Without a subcommand the server starts. Every flag can also be given by the environment
/// variable named beside it; a flag wins over the environment. Durations are written as 500ms,
/// 30s or 1h30m, sizes as 500KB, 64MB or 64MiB; lists repeat the flag or use commas.
#[derive(Parser)]
#[command(name = "pagewire", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub(crate) options: Options,
}

const AFTER_HELP: &str = "\
Exit codes: 0 stopped as asked; 1 could not run (port taken, a part failed), an input of `get` \
could not be had, or what `verify` was given does not verify; 2 bad flag or environment variable; \
74 the store could not be opened or failed; 130 or 143 a second signal cut the shutdown short. Of \
what talks to a server: 0 done; 1 refused, or something failed; 2 bad flag or input file; 3 there is \
no such thing; 4 the server cannot be reached.

Try it:
  pagewire listen                                   (in a second terminal)
  pagewire --forward-to http://127.0.0.1:9000/
  pagewire submit https://example.com               (in a third)
  curl -d '{\"url\":\"https://example.com\"}' http://127.0.0.1:8080/
  pagewire get https://example.com";

/// What the binary does besides serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Checks the configuration and prints every value with where it came from.
    Config {
        /// Print the reference of all flags as Markdown instead.
        #[arg(long)]
        markdown: bool,
    },
    /// Prints what is made of pages: of files, of standard input, or of URLs that it fetches under
    /// the same limits as the server. Markdown of the main content unless told otherwise.
    Get(Get),
    /// Checks a delivery that was received, a Standard Webhook of whatever sender, and says exactly
    /// what is wrong with it: from a request saved to a file or standard input, or from its body and
    /// headers. Verifies with --secret or --secret-file: secrets (whsec_…) or public keys (whpk_…).
    Verify(Verify),
    /// Looks at everything that a start depends upon, and says what to do about what is wrong: the
    /// configuration, the data directory, the clock, file descriptors, names, sinks, the port. It
    /// takes the server's flags. The exit code is 1 when something is in the way.
    Doctor {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Moves everything in a store: into a file, and out of one into a store that is new. For a
    /// copy that is safe, another disk, another machine.
    #[command(subcommand)]
    Store(Moving),
    /// What talks to a running server.
    #[command(flatten)]
    Client(Box<client::Command>),
    /// Prints what completes commands and flags in a shell: `pagewire completions bash >
    /// /etc/bash_completion.d/pagewire`.
    Completions {
        /// Which shell.
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Prints the manual page (roff): `pagewire man | man -l -`.
    Man {
        /// The page of this subcommand, such as `sinks add`.
        #[arg(value_name = "COMMAND", conflicts_with = "out")]
        command: Vec<String>,
        /// Write the pages of all commands into this directory instead.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Everything that can be set.
#[derive(Clone, Args)]
pub(crate) struct Options {
    /// Address and port to accept jobs on. Anything but a loopback address needs a key: an
    /// --api-key, or one that was made through the API (`pagewire keys create`).
    #[arg(long, env = "PAGEWIRE_LISTEN", help_heading = LISTENING, value_name = "ADDRESS:PORT",
          default_value = "127.0.0.1:8080", value_parser = listen_address)]
    pub(crate) listen: SocketAddr,

    /// A key that clients must send as `Authorization: Bearer KEY`; several are allowed, so that
    /// keys can be changed one at a time. At least 16 characters each.
    #[arg(long, env = "PAGEWIRE_API_KEY", help_heading = LISTENING, value_name = "KEY",
          value_delimiter = ',', hide_env_values = true)]
    pub(crate) api_key: Vec<String>,

    /// The server's certificate for HTTPS (PEM), with those between it and its authority's after
    /// it. With it, nothing but HTTPS is spoken. It and its key are read again on SIGHUP and when
    /// the files change.
    #[arg(long, env = "PAGEWIRE_TLS_CERT", help_heading = LISTENING, value_name = "PATH")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert (PEM, not encrypted).
    #[arg(long, env = "PAGEWIRE_TLS_KEY", help_heading = LISTENING, value_name = "PATH")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Sites whose pages may use the API from their readers' browsers (CORS):
    /// `https://app.example.com`, or `*` for all. None unless given.
    #[arg(long, env = "PAGEWIRE_CORS_ORIGIN", help_heading = LISTENING, value_name = "ORIGIN",
          value_delimiter = ',')]
    pub(crate) cors_origin: Vec<Origin>,

    /// Largest request body that is read; larger ones are answered 413.
    #[arg(long, env = "PAGEWIRE_MAX_BODY", help_heading = LISTENING, value_name = "SIZE",
          default_value_t = ByteSize(ingest::Config::default().max_body))]
    pub(crate) max_body: ByteSize,

    /// Connections of clients open at once; further ones wait. Cut down when there are too few
    /// file descriptors.
    #[arg(long, env = "PAGEWIRE_MAX_CONNECTIONS", help_heading = LISTENING, value_name = "N",
          default_value_t = ingest::ServeConfig::default().max_connections as u32,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: u32,

    /// `sqlite` keeps everything in --data-dir; `memory` keeps nothing over a restart.
    #[arg(long, env = "PAGEWIRE_STORE", help_heading = STORING, value_name = "STORE",
          default_value = "sqlite", value_parser = store_kind)]
    pub(crate) store: StoreKind,

    /// Directory of the sqlite store; made when it is not there. One server at a time.
    #[arg(long, env = "PAGEWIRE_DATA_DIR", help_heading = STORING, value_name = "PATH",
          default_value = "./pagewire-data")]
    pub(crate) data_dir: PathBuf,

    /// Jobs that may be waiting or under way; above it, new ones are answered 503.
    #[arg(long, env = "PAGEWIRE_QUEUE_MAX_JOBS", help_heading = STORING, value_name = "N",
          default_value_t = jobs::Bounds::default().jobs,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) queue_max_jobs: u64,

    /// Bytes of those jobs and their results; above it, new ones are answered 503.
    #[arg(long, env = "PAGEWIRE_QUEUE_MAX_BYTES", help_heading = STORING, value_name = "SIZE",
          default_value_t = ByteSize(jobs::Bounds::default().bytes))]
    pub(crate) queue_max_bytes: ByteSize,

    /// How long jobs that are over are kept, with their results and as dead letters.
    #[arg(long, env = "PAGEWIRE_RETAIN", help_heading = STORING, value_name = "DURATION",
          default_value = "24h")]
    pub(crate) retain: Span,

    /// How long an Idempotency-Key stands for the job it was first used for; not longer than
    /// --retain, which is also the default.
    #[arg(long, env = "PAGEWIRE_IDEMPOTENCY_WINDOW", help_heading = STORING,
          value_name = "DURATION")]
    pub(crate) idempotency_window: Option<Span>,

    /// Addresses that fetches may reach though they are not public: a network (10.0.0.0/8), a host
    /// (wiki.internal) or one port of it (wiki.internal:8080).
    #[arg(long, env = "PAGEWIRE_FETCH_ALLOW", help_heading = FETCHING, value_name = "TARGET",
          value_delimiter = ',')]
    pub(crate) fetch_allow: Vec<Allow>,

    /// Fetches in flight at once. Fitted to the file descriptors unless given.
    #[arg(long, env = "PAGEWIRE_FETCH_CONCURRENCY", help_heading = FETCHING, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) fetch_concurrency: Option<u32>,

    /// How hard one origin (host and port) is asked: `N` fetches at once, `R/s` starts a second, or
    /// both as `R/s,N`.
    #[arg(long, env = "PAGEWIRE_PER_HOST", help_heading = FETCHING, value_name = "PACE",
          default_value_t = Pace(jobs::LaneLimit::default()))]
    pub(crate) per_host: Pace,

    /// Limits of single hosts instead of --per-host, as HOST=PACE: `example.com=2/s,4`. HOST is a
    /// name or an address, either with a port, or `*.example.com` for every host below; the
    /// closest one decides. Repeat the flag for more; in the environment, separate them by
    /// semicolons.
    #[arg(long, env = "PAGEWIRE_HOST_LIMIT", help_heading = FETCHING, value_name = "HOST=PACE",
          value_delimiter = ';')]
    pub(crate) host_limit: Vec<HostLimit>,

    /// What a site's robots.txt (RFC 9309) is worth: `obey`, what it disallows is not fetched;
    /// `optional`, it is obeyed unless a job says `"robots": "ignore"`; `ignore`, it is not asked
    /// for unless a job says `"robots": "obey"`.
    #[arg(long, env = "PAGEWIRE_ROBOTS", help_heading = FETCHING, value_name = "RULE",
          default_value = "obey")]
    pub(crate) robots: RobotsRule,

    /// Proxies that jobs may have their pages fetched through, by address or host, written as for
    /// --fetch-allow. Without it a job that names a proxy is refused.
    #[arg(long, env = "PAGEWIRE_PROXY_ALLOW", help_heading = FETCHING, value_name = "TARGET",
          value_delimiter = ',')]
    pub(crate) proxy_allow: Vec<Allow>,

    /// Files with certificate authorities (PEM) that fetches trust besides Mozilla's.
    #[arg(long, env = "PAGEWIRE_CA_FILE", help_heading = FETCHING, value_name = "PATH",
          value_delimiter = ',')]
    pub(crate) ca_file: Vec<PathBuf>,

    /// Longest a fetch may take, over all redirects and the whole body; also the most a job may
    /// ask for.
    #[arg(long, env = "PAGEWIRE_FETCH_TIMEOUT", help_heading = FETCHING, value_name = "DURATION",
          default_value_t = Span(scrape::Config::default().timeout))]
    pub(crate) fetch_timeout: Span,

    /// Most bytes of a page that are read, after decompression; also the most a job may ask for.
    #[arg(long, env = "PAGEWIRE_MAX_BYTES", help_heading = FETCHING, value_name = "SIZE",
          default_value_t = ByteSize(scrape::Config::default().max_bytes))]
    pub(crate) max_bytes: ByteSize,

    /// Bytes a second that a body has to bring on average, once it has taken ten seconds; a slower
    /// one is given up.
    #[arg(long, env = "PAGEWIRE_MIN_RATE", help_heading = FETCHING, value_name = "SIZE",
          default_value_t = ByteSize(scrape::Config::default().min_rate))]
    pub(crate) min_rate: ByteSize,

    /// Redirects followed; also the most a job may ask for.
    #[arg(long, env = "PAGEWIRE_MAX_REDIRECTS", help_heading = FETCHING, value_name = "N",
          default_value_t = scrape::Config::default().max_redirects)]
    pub(crate) max_redirects: u32,

    /// Waits before each attempt at a fetch that may yet succeed; as many attempts as waits.
    #[arg(long, env = "PAGEWIRE_FETCH_SCHEDULE", help_heading = FETCHING, value_name = "DURATIONS",
          value_delimiter = ',', default_value = "0,5s,30s")]
    pub(crate) fetch_schedule: Vec<Span>,

    /// How long after it was accepted a fetch is still repeated. Every job gets a first attempt
    /// unless it carries a `deadline` of its own.
    #[arg(long, env = "PAGEWIRE_DEADLINE", help_heading = FETCHING, value_name = "DURATION",
          default_value = "15m")]
    pub(crate) deadline: Span,

    /// How long it is remembered what a page was like that a job asked for with `cache` or
    /// `only_if_changed`. The page itself is kept for --retain.
    #[arg(long, env = "PAGEWIRE_REMEMBER", help_heading = FETCHING, value_name = "DURATION",
          default_value = "30d")]
    pub(crate) remember: Span,

    /// The `User-Agent` of fetches. Its first word, up to a slash, is what groups of a robots.txt
    /// are looked up by. Say in it where sites can reach you: `MyBot/1.0 (+https://my.site/bot)`.
    #[arg(long, env = "PAGEWIRE_USER_AGENT", help_heading = FETCHING, value_name = "TEXT",
          default_value_t = scrape::Config::default().user_agent)]
    pub(crate) user_agent: String,

    /// Where results go whose job names no sink of its own: a URL, or the name of a sink of the
    /// --sinks file. Without it they are only kept to be read. It is trusted: the address policy
    /// does not apply to it.
    #[arg(long, env = "PAGEWIRE_FORWARD_TO", help_heading = DELIVERING, value_name = "SINK")]
    pub(crate) forward_to: Option<ForwardTo>,

    /// A file (TOML) with the operator's own sinks, which jobs use by name. They are trusted as
    /// --forward-to is. Others are defined through the API.
    #[arg(long, env = "PAGEWIRE_SINKS", help_heading = DELIVERING, value_name = "PATH")]
    pub(crate) sinks: Option<PathBuf>,

    /// The key deliveries are signed with (`whsec_…`, Standard Webhooks); with several, each
    /// delivery carries a signature by each, so that keys can be changed. Unless given, one is made
    /// and kept in the data directory.
    #[arg(long, env = "PAGEWIRE_SECRET", help_heading = DELIVERING, value_name = "WHSEC",
          value_delimiter = ',', hide_env_values = true)]
    pub(crate) secret: Vec<String>,

    /// Addresses that sinks named by jobs may have though they are not public; written as for
    /// --fetch-allow.
    #[arg(long, env = "PAGEWIRE_SINK_ALLOW", help_heading = DELIVERING, value_name = "TARGET",
          value_delimiter = ',')]
    pub(crate) sink_allow: Vec<Allow>,

    /// Deliveries in flight at once.
    #[arg(long, env = "PAGEWIRE_DELIVERY_CONCURRENCY", help_heading = DELIVERING, value_name = "N",
          default_value_t = forward::Config::default().concurrency as u32,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) delivery_concurrency: u32,

    /// Deliveries in flight to one sink at once.
    #[arg(long, env = "PAGEWIRE_PER_SINK", help_heading = DELIVERING, value_name = "N",
          default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) per_sink: u32,

    /// Waits before each attempt at a delivery; as many attempts as waits, then the job is kept as
    /// a dead letter.
    #[arg(long, env = "PAGEWIRE_DELIVERY_SCHEDULE", help_heading = DELIVERING,
          value_name = "DURATIONS", default_value_t = forward::Schedule::default())]
    pub(crate) delivery_schedule: forward::Schedule,

    /// Longest a sink may take to answer.
    #[arg(long, env = "PAGEWIRE_DELIVERY_TIMEOUT", help_heading = DELIVERING,
          value_name = "DURATION", default_value_t = Span(forward::Config::default().timeout))]
    pub(crate) delivery_timeout: Span,

    /// How long a delivery waits for a sink that fails all the time, or is disabled, before it is
    /// kept as a dead letter. The usual schedule takes as long.
    #[arg(long, env = "PAGEWIRE_GIVE_UP_AFTER", help_heading = DELIVERING,
          value_name = "DURATION", default_value = "75h")]
    pub(crate) give_up_after: Span,

    /// When a sink has failed without interruption for so long, it is disabled, and `sink.disabled`
    /// is told to --forward-to; `never` to go on for ever.
    #[arg(long, env = "PAGEWIRE_DISABLE_AFTER", help_heading = DELIVERING,
          value_name = "DURATION", default_value = "5d")]
    pub(crate) disable_after: Patience,

    /// An event above this is sent with a link to its content instead. Common receivers take less
    /// than 6 MB (AWS Lambda), and one that cannot reach this server has no use for a link.
    #[arg(long, env = "PAGEWIRE_INLINE_LIMIT", help_heading = DELIVERING, value_name = "SIZE",
          default_value = "5MB")]
    pub(crate) inline_limit: ByteSize,

    /// How long such a link works; not longer than --retain.
    #[arg(long, env = "PAGEWIRE_LINK_TTL", help_heading = DELIVERING, value_name = "DURATION",
          default_value = "24h")]
    pub(crate) link_ttl: Span,

    /// The address that receivers reach this server by, for such links: http or https. The address
    /// listened on unless given.
    #[arg(long, env = "PAGEWIRE_PUBLIC_URL", help_heading = DELIVERING, value_name = "URL",
          value_parser = web_url)]
    pub(crate) public_url: Option<Url>,

    /// Bytes of pages in memory at once: half for fetching and extraction, a quarter for results on
    /// their way to disk, three sixteenths for deliveries, the rest for clients' requests.
    #[arg(long, env = "PAGEWIRE_MEMORY_BUDGET", help_heading = RUNNING, value_name = "SIZE",
          default_value = "256MB")]
    pub(crate) memory_budget: ByteSize,

    /// Threads that decompress, decode and extract. Fitted to the processors unless given.
    #[arg(long, env = "PAGEWIRE_CPU_THREADS", help_heading = RUNNING, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) cpu_threads: Option<u16>,

    /// After SIGTERM or SIGINT: how long work under way may take to finish. What does not finish is
    /// put back and done after the next start. A second signal ends the process at once.
    #[arg(long, env = "PAGEWIRE_GRACE", help_heading = RUNNING, value_name = "DURATION",
          default_value = "30s")]
    pub(crate) grace: Span,

    /// What is logged: a level (error, warn, info, debug, trace), or levels by part such as
    /// `info,egress=debug`.
    #[arg(long, env = "PAGEWIRE_LOG", help_heading = RUNNING, value_name = "FILTER",
          default_value = "info")]
    pub(crate) log: String,

    /// How it is logged, on standard error: `auto` is human on a terminal and JSON otherwise.
    #[arg(long, env = "PAGEWIRE_LOG_FORMAT", help_heading = RUNNING, value_name = "FORMAT",
          default_value = "auto")]
    pub(crate) log_format: LogFormat,
}

/// Where jobs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    /// In the data directory.
    Sqlite,
    /// In memory: for trying out and for tests.
    Memory,
}

/// What a site's robots.txt is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RobotsRule {
    /// It is obeyed.
    Obey,
    /// It is obeyed unless a job wants it ignored.
    Optional,
    /// It is ignored unless a job wants it obeyed.
    Ignore,
}

/// Where results go whose job names no sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ForwardTo {
    /// To this address.
    Url(Url),
    /// To the operator's sink of this name.
    Named(String),
}

impl FromStr for ForwardTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = "expected a URL, such as https://example.com/hook, or a sink's name";
        if text.contains(':') {
            let url = match text.starts_with("file:") {
                // A relative path looks like an absolute one in a URL.
                true => forward::parse_sink_url(text).map_err(|error| error.to_string()),
                false => Url::parse(text).map_err(|error| error.to_string()),
            };
            return url.map(Self::Url).map_err(|error| format!("{error}: {usage}"));
        }
        let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match !text.is_empty() && text.bytes().all(named) {
            true => Ok(Self::Named(text.to_owned())),
            false => Err(usage.to_owned()),
        }
    }
}

/// How long something is put up with; `None` for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience(pub(crate) Option<Duration>);

impl FromStr for Patience {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        let span: Span = text.parse().map_err(|error| format!("{error}, or `never`"))?;
        Ok(Self(Some(span.0)))
    }
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The subcommands that the server's flags are for. They stand before or after these.
const ABOUT_THE_SERVER: [&str; 4] = ["config", "get", "verify", "doctor"];

impl Cli {
    /// The parser.
    pub(crate) fn parser() -> clap::Command {
        let command = Self::command();
        let options: Vec<_> = settings(&command).cloned().map(repeated).collect();
        ABOUT_THE_SERVER.iter().fold(command, |command, name| {
            command.mut_subcommand(name, |own| own.args(options.clone()))
        })
    }

    /// Parses what the process was started with; prints help, the version or what is wrong with a
    /// flag and ends the process when that is all there is to do.
    pub(crate) fn from_process() -> (Self, ArgMatches) {
        let matches = Self::parser().get_matches();
        let cli = Self::read(&matches).unwrap_or_else(|error| error.exit());
        (cli, matches)
    }

    fn read(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut cli = Self::from_arg_matches(matches)?;
        match matches.subcommand() {
            None => {}
            Some((name, own)) if ABOUT_THE_SERVER.contains(&name) => {
                cli.options.update_from_arg_matches(own)?;
            }
            Some((name, _)) => refuse_idle_flags(name, matches)?,
        }
        Ok(cli)
    }
}

/// The arguments that set something of the server: those with an environment variable.
pub(crate) fn settings(command: &clap::Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_env().is_some())
}

/// A flag of the server as it stands after a subcommand: only what is said there counts there.
fn repeated(arg: Arg) -> Arg {
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let arg = arg.env(Resettable::Reset).default_value(Resettable::Reset).hide_short_help(true);
    match is_switch {
        // It would be false where it is not said.
        true => arg.action(ArgAction::Set).num_args(0).default_missing_value("true"),
        false => arg,
    }
}

/// The server's flags mean nothing to what only talks to one.
fn refuse_idle_flags(name: &str, matches: &ArgMatches) -> Result<(), clap::Error> {
    let command = Cli::parser();
    let idle = settings(&command)
        .find(|arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine));
    let Some(flag) = idle.and_then(Arg::get_long) else {
        return Ok(());
    };
    let message = format!(
        "--{flag} before `{name}` is a flag of the server, which `{name}` does not start: see \
         `pagewire {name} --help` for its own\n"
    );
    Err(clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, message).with_cmd(&command))
}

/// Variables with our prefix that stand for no flag: misspelt, most likely. Those that Kubernetes
/// sets for a service called `pagewire` are not meant.
pub(crate) fn unknown_variables() -> Vec<String> {
    let mut known = Vec::new();
    variables(&Cli::parser(), &mut known);
    std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| !known.contains(name))
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.starts_with(ENV_PREFIX))
        .filter(|name| !name.contains("_PORT") && !name.contains("_SERVICE_"))
        .collect()
}

fn variables(command: &clap::Command, known: &mut Vec<OsString>) {
    known.extend(command.get_arguments().filter_map(Arg::get_env).map(ToOwned::to_owned));
    command.get_subcommands().for_each(|below| variables(below, known));
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        "expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned()
    })
}

fn store_kind(text: &str) -> Result<StoreKind, String> {
    match text {
        "sqlite" => Ok(StoreKind::Sqlite),
        "memory" => Ok(StoreKind::Memory),
        _ if text.starts_with("postgres") => {
            Err("this version has no Postgres store: use sqlite or memory".to_owned())
        }
        _ => Err("expected sqlite or memory (the directory is set by --data-dir)".to_owned()),
    }
}

fn web_url(text: &str) -> Result<Url, String> {
    let usage = "expected an http or https URL, such as https://example.com/hook";
    let url = Url::parse(text).map_err(|error| format!("{error}: {usage}"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(format!("the scheme is {scheme}: {usage}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Cli, clap::Error> {
        let args = [&["pagewire"], args].concat();
        Cli::read(&Cli::parser().try_get_matches_from(args)?)
    }

    #[test]
    fn the_parser_fits_together() {
        Cli::parser().debug_assert();
    }

    #[test]
    fn flags_of_the_server_stand_before_or_after_what_is_about_it() {
        let cli = parsed(&["--retain", "2h", "--grace", "9s", "config", "--grace", "3s"]).unwrap();
        assert_eq!(cli.options.retain.0, Duration::from_secs(7200));
        assert_eq!(cli.options.grace.0, Duration::from_secs(3));
        let cli = parsed(&["doctor", "--fetch-allow", "10.0.0.0/8", "--json"]).unwrap();
        assert_eq!(cli.options.fetch_allow.len(), 1);
        assert!(matches!(cli.command, Some(Command::Doctor { json: true })));
    }

    #[test]
    fn flags_of_the_server_are_refused_where_they_would_do_nothing() {
        let error = parsed(&["--retain", "2h", "jobs"]).err().unwrap().to_string();
        assert!(error.contains("--retain") && error.contains("pagewire jobs --help"), "{error}");
        assert!(parsed(&["jobs", "--retain", "2h"]).is_err());
        assert!(parsed(&["jobs", "--limit", "3"]).is_ok());
    }

    #[test]
    fn every_variable_of_every_command_is_known() {
        let mut known = Vec::new();
        variables(&Cli::parser(), &mut known);
        for name in ["PAGEWIRE_KEY", "PAGEWIRE_SERVER", "PAGEWIRE_DATA_DIR"] {
            assert!(known.contains(&name.into()), "{name}");
        }
    }
}
