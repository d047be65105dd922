//! `pagewire get`: files and URLs in, what is made of them out. No server, no store.

mod input;
mod output;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use rustix::time::{ClockId, clock_gettime};
use scrape::{Field, Options, Scope, Select};
use tokio::time::Instant;

use crate::cli::{self, Get};
use crate::exit::Failure;
use crate::object::Object;
use crate::welcome;

use self::input::{Body, Fetcher, Input};

/// Reads, extracts and prints each input in turn. What one of them is refused for does not keep the
/// others from being printed.
///
/// # Errors
/// Flags that do not make sense; or, at the end, that some input could not be had.
pub(crate) fn run(get: &Get, options: &cli::Options) -> Result<(), Failure> {
    let wanted = wanted(get)?;
    let inputs: Vec<_> = get.inputs.iter().map(|text| Input::of(text)).collect();
    let bases = get.base_url.as_slice();
    if bases.len() > 1 && bases.len() != inputs.len() {
        let (given, inputs) = (bases.len(), inputs.len());
        let message = format!(
            "--base-url: {given} of them for {inputs} inputs; give one for all, or one for each"
        );
        return Err(Failure::Usage(message));
    }
    let needs_network = inputs.iter().any(|input| matches!(input, Input::Url(_)));
    let fetcher = needs_network.then(|| Fetcher::start(options)).transpose()?;
    let mut out = BufWriter::new(stdout().lock());
    let (mut spent, mut failed) = (Spent::default(), 0_usize);
    for (at, (name, input)) in get.inputs.iter().zip(&inputs).enumerate() {
        let base = bases.get(at).or(bases.first());
        let printed = input
            .read(base, get.content_type.as_deref(), fetcher.as_ref())
            .and_then(|body| one(get, &wanted, name, &body, &mut spent));
        let written = match printed {
            Ok(text) => out.write_all(&text),
            Err(error) => {
                failed += 1;
                welcome::complain(&Failure::Runtime(error.context(name.clone())));
                Ok(())
            }
        };
        // A reader that went away has read enough.
        if written.is_err() {
            return Ok(());
        }
    }
    if out.flush().is_err() {
        return Ok(());
    }
    if get.time {
        spent.tell();
    }
    match failed {
        0 => Ok(()),
        n => Err(Failure::Runtime(anyhow!("{n} of {} could not be had", inputs.len()))),
    }
}

/// Extracts one body as often as asked; what is to be printed of it.
fn one(
    get: &Get,
    wanted: &Options,
    name: &str,
    body: &Body,
    spent: &mut Spent,
) -> anyhow::Result<Vec<u8>> {
    let content_type = body.content_type.as_deref();
    let begun = Moment::now();
    let mut page = scrape::extract(&body.bytes, content_type, &body.url, wanted);
    for _ in 1..get.repeat {
        page = scrape::extract(&body.bytes, content_type, &body.url, wanted);
    }
    spent.add(body.bytes.len(), get.repeat, begun);
    output::print(get.printed(), name, body, &page)
}

/// What the flags ask for.
fn wanted(get: &Get) -> Result<Options, Failure> {
    let mut fields: BTreeMap<String, Field> = match &get.select_json {
        Some(path) => described(path)?,
        None => BTreeMap::new(),
    };
    for (name, css) in &get.select {
        let field = Field { css: css.clone(), ..Field::default() };
        if fields.insert(name.clone(), field).is_some() {
            return Err(Failure::Usage(format!("--select: the field {name:?} is given twice")));
        }
    }
    let select = match fields.is_empty() {
        true => None,
        false => {
            let compiled = Select::compile(fields);
            Some(Arc::new(compiled.map_err(|error| Failure::Usage(format!("--select: {error}")))?))
        }
    };
    let scope = match get.scope {
        cli::Scope::Main => Scope::Main,
        cli::Scope::Page => Scope::Page,
    };
    Ok(Options { formats: get.wanted(), scope, select })
}

fn described(path: &Path) -> Result<BTreeMap<String, Field>, Failure> {
    let read = fs::read(path).with_context(|| "cannot be read".to_owned());
    let fields =
        read.and_then(|bytes| serde_json::from_slice(&bytes).context("is no object of selectors"));
    fields.map_err(|error| Failure::Usage(format!("--select-json {}: {error:#}", path.display())))
}

/// A time by the clock, and of this thread on the processor.
#[derive(Clone, Copy)]
struct Moment {
    clock: Instant,
    cpu: Duration,
}

impl Moment {
    fn now() -> Self {
        let cpu = clock_gettime(ClockId::ThreadCPUTime);
        // Neither is ever below nothing.
        let (s, ns) = (cpu.tv_sec.unsigned_abs(), cpu.tv_nsec.unsigned_abs());
        Self { clock: Instant::now(), cpu: Duration::from_secs(s) + Duration::from_nanos(ns) }
    }
}

/// What extraction took.
#[derive(Default)]
struct Spent {
    pages: u64,
    bytes: u64,
    clock: Duration,
    cpu: Duration,
}

impl Spent {
    fn add(&mut self, bytes: usize, times: u32, begun: Moment) {
        let ended = Moment::now();
        self.pages += u64::from(times);
        self.bytes += bytes as u64 * u64::from(times);
        self.clock += ended.clock - begun.clock;
        self.cpu += ended.cpu.saturating_sub(begun.cpu);
    }

    fn tell(&self) {
        let mut object = Object::open(Vec::new());
        object.field("pages", &self.pages);
        object.field("bytes", &self.bytes);
        object.field("clock_us", &self.clock.as_micros());
        object.field("cpu_us", &self.cpu.as_micros());
        object.optional("peak_rss_bytes", peak_rss_bytes().as_ref());
        let mut line = object.close();
        line.push(b'\n');
        // If nobody listens, so be it.
        let _ = std::io::stderr().lock().write_all(&line);
    }
}

/// The most memory this process ever had, where the system tells (`VmHWM`, in KiB).
fn peak_rss_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
