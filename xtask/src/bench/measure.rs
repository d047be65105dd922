use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use super::process::{Process, Usage};
use super::report::{Row, mb, ms, tenth};
use super::rig::{Bench, get, poll, tool};
use crate::clock;
use crate::tool::{self, LoadReport, OriginSeen, SinkStats, UploadReport};
use crate::units::grouped;

/// How often the server's memory and the sink's count are looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked how much is left to be fetched.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often progress is shown.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);
/// Time after the last answer or delivery in which the server writes down what it still has to: it belongs
/// to the cost of the jobs.
pub(super) const TAIL: Duration = Duration::from_millis(500);

/// What to submit.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// What to call the run.
    pub(crate) name: String,
    /// How many jobs.
    pub(crate) jobs: u32,
    /// Connections.
    pub(crate) clients: u32,
    /// Jobs per second; 0 for as fast as answers come.
    pub(crate) rate: u32,
    /// Formats, `+` between them.
    pub(crate) formats: String,
    /// Hosts to use in turn.
    pub(crate) hosts: u32,
    /// Let all jobs start at once, this long after the first submission.
    pub(crate) due_in: Option<Duration>,
    /// Most time for the submissions, and again for the deliveries.
    pub(crate) within: Duration,
}

/// What a run showed, besides its row.
pub(crate) struct Measured {
    /// The numbers.
    pub(crate) row: Row,
    /// Memory of the server in bytes while jobs were submitted, in order of time.
    pub(crate) rss: Vec<u64>,
    /// What the load generator says.
    pub(crate) load: LoadReport,
}

impl Bench {
    /// Submits, waits for the deliveries, and puts down what it took.
    pub(crate) fn measure(&mut self, load: &Load) -> Result<Measured> {
        let before = self.server.usage()?;
        let (report, accepted, rss) = self.submit(load)?;
        self.await_delivered(&load.name, report.accepted, load.within)?;
        let mut row = self.row(load, &report, &accepted, before)?;
        row.scenario = load.name.clone();
        Ok(Measured { row, rss, load: report })
    }

    /// Runs the load generator to its end: its report, which jobs were accepted, and the server's
    /// memory meanwhile.
    pub(crate) fn submit(&mut self, load: &Load) -> Result<(LoadReport, Vec<u8>, Vec<u64>)> {
        self.submit_to(load, None)
    }

    /// The same, for a sink of the jobs' own.
    pub(crate) fn submit_to(
        &mut self,
        load: &Load,
        sink: Option<&str>,
    ) -> Result<(LoadReport, Vec<u8>, Vec<u64>)> {
        let accepted = self.dir.path().join("accepted");
        let mut args = self.order(load);
        args.extend([
            format!("--clients={}", load.clients),
            format!("--rate={}", load.rate),
            format!("--accepted={}", accepted.display()),
        ]);
        args.extend(sink.map(|sink| format!("--sink={sink}")));
        let generator = tool("load", &self.dir.path().join("load.log"), &args)?;
        // The generator ends by itself when its time is over.
        let limit = load.within + Duration::from_secs(30);
        let (said, rss) = self.watch(generator, limit)?;
        let report = serde_json::from_str(&said)
            .with_context(|| format!("the load generator said {said:?}"))?;
        let accepted = std::fs::read(&accepted).context("cannot read which jobs were accepted")?;
        Ok((report, accepted, rss))
    }

    /// Sends the load's jobs as one batch: what came back, and the server's memory meanwhile.
    pub(crate) fn upload(&mut self, load: &Load) -> Result<(UploadReport, Vec<u64>)> {
        let uploader = tool("upload", &self.dir.path().join("upload.log"), &self.order(load))?;
        let (said, rss) = self.watch(uploader, load.within + Duration::from_secs(30))?;
        let report =
            serde_json::from_str(&said).with_context(|| format!("the uploader said {said:?}"))?;
        Ok((report, rss))
    }

    /// What every tool that submits jobs is told.
    fn order(&self, load: &Load) -> Vec<String> {
        let due_us = load.due_in.map_or(0, |due_in| clock::unix_us() + micros(due_in));
        vec![
            format!("--target={}", self.server_addr),
            format!("--jobs={}", load.jobs),
            format!("--formats={}", load.formats.replace('+', ",")),
            format!("--origin-port={}", self.origin_port),
            format!("--hosts={}", load.hosts),
            format!("--due-us={due_us}"),
            format!("--within-s={}", load.within.as_secs()),
        ]
    }

    /// Lets a tool run to its end: what it says, and the server's memory meanwhile.
    fn watch(&mut self, mut tool: Process, limit: Duration) -> Result<(String, Vec<u64>)> {
        let mut rss = Vec::new();
        poll(limit, SAMPLE_EVERY, || {
            self.server.check_alive(&self.log())?;
            rss.push(self.server.usage()?.rss);
            tool.is_over()
        })?;
        Ok((tool.finish()?, rss))
    }

    /// Waits until `jobs` were delivered or the time is over; then a moment more.
    pub(crate) fn await_delivered(
        &mut self,
        name: &str,
        jobs: u64,
        within: Duration,
    ) -> Result<()> {
        let mut shown = clock::now();
        poll(within, SAMPLE_EVERY, || {
            let delivered = self.deliveries("/stats")?.distinct;
            if shown.elapsed() > PROGRESS_EVERY {
                eprintln!("{name}: {} of {} delivered", grouped(delivered), grouped(jobs));
                shown = clock::now();
            }
            self.server.check_alive(&self.log())?;
            Ok(delivered >= jobs)
        })?;
        std::thread::sleep(TAIL);
        Ok(())
    }

    /// Waits until nothing is left to be fetched; then a moment more.
    pub(crate) fn await_fetched(&mut self, name: &str, within: Duration) -> Result<()> {
        let mut shown = clock::now();
        let done = poll(within, LOOK_EVERY, || {
            let left = self.metric("pagewire_jobs", "stage=\"scrape\"")?;
            if shown.elapsed() > PROGRESS_EVERY {
                eprintln!("{name}: {left} jobs are to be fetched");
                shown = clock::now();
            }
            self.server.check_alive(&self.log())?;
            Ok(left < 1.0)
        })?;
        anyhow::ensure!(done, "the pages were not fetched within {within:?}");
        std::thread::sleep(TAIL);
        Ok(())
    }

    /// The sum of a metric's values whose labels contain `label`; 0 when there is none.
    pub(crate) fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let (status, text) = get(self.server_addr, "/metrics").context("cannot ask for metrics")?;
        anyhow::ensure!(status == 200, "the answer to /metrics is {status}");
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
        let values = lines
            .filter(|(labels, _)| labels.starts_with('{') && labels.contains(label))
            .filter_map(|(_, value)| value.parse::<f64>().ok());
        Ok(values.sum())
    }

    /// The numbers of a run that is over.
    #[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
    pub(crate) fn row(
        &self,
        load: &Load,
        report: &LoadReport,
        accepted: &[u8],
        before: Usage,
    ) -> Result<Row> {
        let after = self.server.usage()?;
        let sink = self.deliveries("/report")?;
        let counts = get(self.sink_addr, "/counts").context("cannot ask the sink")?.1;
        let came = |job: usize| counts.get(job).is_some_and(|&count| count > 0);
        let lost = (0..accepted.len()).filter(|&job| accepted[job] > 0 && !came(job)).count();
        let seconds = sink.last_us.saturating_sub(report.first_us).max(1) as f64 / 1e6;
        if let Some(error) = &report.first_error {
            eprintln!(
                "{}: {} submissions failed, the first with: {error}",
                load.name, report.errors
            );
        }
        if let Some(event) = &sink.first_failure {
            eprintln!("{}: {} jobs failed, the first with: {event}", load.name, sink.failed);
        }
        let cpu_us = after.cpu_us.saturating_sub(before.cpu_us) as f64;
        Ok(Row {
            scenario: load.name.clone(),
            system: self.system.name(),
            jobs: report.accepted,
            jobs_per_s: tenth(sink.distinct as f64 / seconds),
            accept_p50_ms: ms(report.answer_p50_us),
            accept_p99_ms: ms(report.answer_p99_us),
            end_to_end_p50_ms: ms(sink.p50_us),
            end_to_end_p99_ms: ms(sink.p99_us),
            cpu_us_per_job: tenth(cpu_us / report.accepted.max(1) as f64),
            cpu_ratio: None,
            peak_rss_mb: mb(after.peak_rss),
            refused: report.refused,
            errors: report.errors,
            lost: lost as u64,
            duplicates: sink.duplicates,
            failed: sink.failed,
            drain_ms: ms(sink.last_us.saturating_sub(report.last_us)),
            broken: Vec::new(),
            more: std::collections::BTreeMap::new(),
        })
    }

    /// What the origin has seen.
    pub(crate) fn origin_seen(&self) -> Result<OriginSeen> {
        let addr = SocketAddr::from((tool::first_host(), self.origin_port));
        let (_, body) = get(addr, "/bench/report").context("cannot ask the origin")?;
        serde_json::from_slice(&body).context("the origin's answer is not what it should be")
    }

    /// What the sink has seen.
    pub(crate) fn deliveries(&self, path: &str) -> Result<SinkStats> {
        let (_, body) = get(self.sink_addr, path).context("cannot ask the sink")?;
        serde_json::from_slice(&body).context("the sink's answer is not what it should be")
    }
}

/// Whole microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
