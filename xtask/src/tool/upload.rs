use std::cell::Cell;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::job::Jobs;
use crate::clock;

/// Bytes of lines that are sent as one chunk.
const CHUNK: usize = 64 << 10;
/// Longest line of the answer that is understood; verdicts are short.
const LINE_MAX: usize = 16 << 10;
/// Time for the end of the sending once the answer is whole.
const PARTING: Duration = Duration::from_secs(1);
/// Bytes of a refusal that are shown.
const SHOWN: usize = 500;

/// Whom to send one batch of jobs, and with what in it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the batch goes
    #[arg(long)]
    target: SocketAddr,
    /// How many lines
    #[arg(long)]
    jobs: u32,
    #[command(flatten)]
    each: Jobs,
    /// Give up after this time, in seconds
    #[arg(long)]
    within_s: u64,
}

/// How the upload went. Times are in microseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Verdicts that came.
    pub(crate) verdicts: u64,
    /// Of those, jobs that were accepted.
    pub(crate) accepted: u64,
    /// Verdicts that were not about the line whose turn it was.
    pub(crate) out_of_order: u64,
    /// The first line that was refused, or what else went wrong.
    pub(crate) first_error: Option<String>,
    /// How long it took, from the first byte sent to the last of the answer.
    pub(crate) took_us: u64,
    /// Verdicts that had come before the last line was sent: it is answered while it is read.
    pub(crate) verdicts_meanwhile: u64,
    /// Jobs that were accepted, by the server's own count at the end.
    pub(crate) counted: u64,
}

/// A line of the answer: about a line of the body, or about the batch.
#[derive(Deserialize)]
struct Line {
    line: Option<u64>,
    id: Option<serde::de::IgnoredAny>,
    batch: Option<Batch>,
}

#[derive(Deserialize)]
struct Batch {
    accepted: Option<u64>,
    #[serde(default)]
    interrupted: bool,
}

/// Sends the batch while it reads the verdicts, and prints the report as one line of JSON.
pub(crate) async fn run(options: Options) -> Result<()> {
    ensure!(options.jobs > 0 && options.each.is_sound(), "jobs and hosts have to be at least 1");
    let limit = Duration::from_secs(options.within_s);
    let done = timeout(limit, upload(options)).await;
    let report = done.context("the batch was not answered in time")??;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

async fn upload(options: Options) -> Result<Report> {
    let stream = TcpStream::connect(options.target).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let (input, mut output) = stream.into_split();
    let began = clock::now();
    let is_sent = Cell::new(false);
    let mut answer = Answer::new(input, &is_sent);
    // Both go on at once: who only sends is not read from any more when the buffers are full.
    let (sent, read) = {
        let mut sending = pin!(send(&mut output, &options, &is_sent));
        let mut reading = pin!(answer.read());
        tokio::select! {
            read = &mut reading => (timeout(PARTING, sending).await.ok(), read),
            sent = &mut sending => (Some(sent), reading.await),
        }
    };
    let mut report = answer.report;
    // What the answer says of a refusal counts; that the connection then broke is no news.
    if let Err(error) = read.and(sent.context("the answer came before its end").flatten()) {
        report.first_error.get_or_insert(format!("{error:#}"));
    }
    report.took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok(report)
}

/// Sends the lines, in chunks.
async fn send(output: &mut OwnedWriteHalf, options: &Options, is_sent: &Cell<bool>) -> Result<()> {
    let head = format!(
        "POST /v1/batches HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-ndjson\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        options.target
    );
    output.write_all(head.as_bytes()).await.context("cannot send")?;
    let mut chunk = String::with_capacity(CHUNK + 1_024);
    for job in 0..options.jobs {
        chunk.push_str(&options.each.body(job, clock::unix_us()));
        chunk.push('\n');
        if chunk.len() >= CHUNK || job + 1 == options.jobs {
            let framed = format!("{:x}\r\n{chunk}\r\n", chunk.len());
            output.write_all(framed.as_bytes()).await.context("cannot send")?;
            chunk.clear();
        }
    }
    output.write_all(b"0\r\n\r\n").await.context("cannot send")?;
    is_sent.set(true);
    Ok(())
}

/// What comes back.
struct Answer<'a> {
    input: BufReader<OwnedReadHalf>,
    report: Report,
    /// The line that is to be spoken of next.
    next: u64,
    /// The part of a line that has come.
    line: Vec<u8>,
    is_sent: &'a Cell<bool>,
}

impl<'a> Answer<'a> {
    fn new(input: OwnedReadHalf, is_sent: &'a Cell<bool>) -> Self {
        let input = BufReader::with_capacity(CHUNK, input);
        Self { input, report: Report::default(), next: 1, line: Vec::new(), is_sent }
    }

    async fn read(&mut self) -> Result<()> {
        let status = self.head_line().await?;
        let mut is_chunked = false;
        loop {
            let field = self.head_line().await?.to_ascii_lowercase();
            if field.is_empty() {
                break;
            }
            is_chunked |= field.starts_with("transfer-encoding:") && field.contains("chunked");
        }
        if !is_chunked || !status.contains(" 20") {
            let mut text = vec![0; SHOWN];
            let read = self.input.read(&mut text).await.unwrap_or(0);
            bail!("{status}: {}", String::from_utf8_lossy(&text[..read]));
        }
        let mut chunk = vec![0; CHUNK];
        loop {
            let size = self.head_line().await?;
            let size = size.split(';').next().unwrap_or_default();
            let mut left =
                usize::from_str_radix(size, 16).with_context(|| format!("a chunk of {size:?}"))?;
            if left == 0 {
                break;
            }
            while left > 0 {
                let piece = left.min(chunk.len());
                self.input.read_exact(&mut chunk[..piece]).await.context("the answer is cut")?;
                self.take(&chunk[..piece])?;
                left -= piece;
            }
            ensure!(self.head_line().await?.is_empty(), "a chunk is longer than it says");
        }
        ensure!(self.line.is_empty(), "the answer ends within a line");
        Ok(())
    }

    async fn head_line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        let read = self.input.read_until(b'\n', &mut line).await.context("cannot read")?;
        ensure!(read > 0, "the connection was closed within the answer");
        Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let Some(at) = bytes.iter().position(|&byte| byte == b'\n') {
            self.line.extend_from_slice(&bytes[..at]);
            let line = std::mem::take(&mut self.line);
            if !line.is_empty() {
                self.verdict(&line)?;
            }
            self.line = line;
            self.line.clear();
            bytes = &bytes[at + 1..];
        }
        self.line.extend_from_slice(bytes);
        ensure!(self.line.len() <= LINE_MAX, "a line of the answer is longer than {LINE_MAX}");
        Ok(())
    }

    fn verdict(&mut self, bytes: &[u8]) -> Result<()> {
        let text = || String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned();
        let line: Line = serde_json::from_slice(bytes)
            .with_context(|| format!("a verdict is not JSON: {}", text()))?;
        if let Some(Batch { accepted: Some(accepted), interrupted }) = line.batch {
            self.report.counted = accepted;
            if interrupted {
                self.report.first_error.get_or_insert_with(text);
            }
        }
        let Some(number) = line.line else {
            return Ok(());
        };
        self.report.verdicts += 1;
        self.report.out_of_order += u64::from(number != self.next);
        self.next = number + 1;
        if line.id.is_some() {
            self.report.accepted += 1;
        } else {
            self.report.first_error.get_or_insert_with(text);
        }
        self.report.verdicts_meanwhile += u64::from(!self.is_sent.get());
        Ok(())
    }
}
