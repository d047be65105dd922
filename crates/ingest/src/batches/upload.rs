//! `POST /v1/batches`: many jobs in one request.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::header::{self, HeaderMap, HeaderValue};
use http::{StatusCode, request};
use http_body_util::BodyExt as _;
use jobs::JobId;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::intake::{GROUP_BYTES, Intake, Places, Stored, store};
use super::lines::{Line, Lines};
use super::options::{self, Options};
use super::verdicts::{BATCHES_AT, Verdicts, push_batch, push_closed};
use crate::auth::{Caller, Submitter};
use crate::batch::{Batch, Receiving};
use crate::body::{self, Typing, busy, is_utf8};
use crate::budget::Reservation;
use crate::connection::{Duplex, Held, Peer};
use crate::description::KeyInUse;
use crate::prefer::{self, Prefer};
use crate::problem::{Fault, Kind, Problem};
use crate::submission::Submission;
use crate::submit::scoped_key;
use crate::view::json_body;
use crate::{derived, parse};

/// Most jobs of an array; more come as lines, whose verdicts need not be held.
const MAX_ELEMENTS: usize = 10_000;
/// Verdicts of so many groups wait for a reader.
const ANSWERS_WAITING: usize = 2;
/// What the verdicts of a group take, more or less.
const ANSWER_BYTES: u64 = 128 << 10;
/// Lines taken in before others get a turn.
const LINES_AT_ONCE: usize = 128;

/// Accepts many jobs.
///
/// Lines are answered while they are read: one verdict each, in order.
#[utoipa::path(
    post, path = "/v1/batches", tag = "Batches", operation_id = "submitBatch",
    params(
        ("defaults" = Option<String>, Query, description = "A job's fields in JSON, for lines that do not give them."),
        ("sink" = Option<String>, Query, description = "Where `batch.completed` goes: a URL or a sink's name."),
        ("metadata" = Option<String>, Query, description = "A JSON object, told back with the batch."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key goes on with the same batch: lines that were accepted are not accepted again."),
        ("Prefer" = Option<String>, Header, description = "`return=minimal`: verdicts of refused lines only."),
    ),
    request_body(content(
        (String = "application/x-ndjson"),
        (Vec<Submission> = "application/json"),
    )),
    responses(
        (status = 202, description = "The batch was read. Verdicts, and what became of the whole.", content((String = "application/x-ndjson"), (serde_json::Value = "application/json"))),
        KeyInUse,
    ),
)]
pub(crate) async fn start(
    Submitter(caller): Submitter,
    request: Request,
) -> Result<Response, Problem> {
    let answer = received(&caller, request).await;
    if let Err(problem) = &answer {
        caller.meters.refused(problem.kind());
    }
    answer
}

async fn received(caller: &Caller, request: Request) -> Result<Response, Problem> {
    let (request::Parts { headers, uri, extensions, .. }, body) = request.into_parts();
    let is_lines = is_lines(&headers)?;
    let key = scoped_key(caller, &headers)?;
    let now = caller.clock.now();
    let options = Options::read(caller, uri.query().unwrap_or_default(), now)?;
    let id = key.as_deref().map_or_else(JobId::draw, derived);
    let since = now - caller.config.idempotency_window;
    let places = key.map(|_| Places::new(id, options.defaults.as_deref(), since));
    let prefer = Prefer::read(&headers);
    let upload = Upload { caller: caller.clone(), id, options, places, prefer };
    let mut response = if is_lines {
        let line = extensions.get::<Duplex>().map(Duplex::hold);
        let stop = extensions.get::<Peer>().map(Peer::stop).unwrap_or_default();
        upload.lines(body, line, stop).await?
    } else {
        upload.array(body).await?
    };
    let location = HeaderValue::try_from(format!("{BATCHES_AT}{id}")).expect("a path of ASCII");
    response.headers_mut().insert(header::LOCATION, location);
    if prefer.is_minimal {
        prefer::applied(response.headers_mut(), "return=minimal");
    }
    Ok(response)
}

/// Whether the body is one job a line; otherwise it is an array of jobs.
fn is_lines(headers: &HeaderMap) -> Result<bool, Problem> {
    body::check_coding(headers)?;
    let given = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let media = given.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let media = media.to_ascii_lowercase();
    let lines = [&b"application/x-ndjson"[..], b"application/ndjson", b"application/jsonl"];
    if lines.contains(&&*media) && is_utf8(given) {
        return Ok(true);
    }
    let detail = "send one job a line with `Content-Type: application/x-ndjson`, or an array of \
                  jobs with `application/json`, in UTF-8";
    body::check_type(headers, Typing::Strict).map(|()| false).map_err(|_| {
        let fault = Fault::header(&header::CONTENT_TYPE, detail);
        let accept = HeaderValue::from_static("application/x-ndjson, application/json");
        Problem::faulty(Kind::UnsupportedType, vec![fault]).with_header(header::ACCEPT, accept)
    })
}

/// The id of the batch with this key: the same each time (UUIDv8, RFC 9562 §5.8).
fn derived(key: &str) -> JobId {
    let digest = Sha256::new_with_prefix("batch\n").chain_update(key).finalize();
    derived::id(std::array::from_fn(|at| digest[at]), derived::CUSTOM)
}

/// A batch as it is asked for.
struct Upload {
    caller: Caller,
    id: JobId,
    options: Options,
    places: Option<Places>,
    prefer: Prefer,
}

impl Upload {
    /// Begins the batch, or goes on with it.
    async fn begin(&mut self) -> Result<(Receiving, Batch), Problem> {
        let (caller, id) = (&self.caller, self.id);
        let new = Batch {
            owner: caller.owner().map(|owner| owner.as_ref().to_owned()),
            sink: self.options.sink.take(),
            sink_name: self.options.sink_name.take(),
            metadata: self.options.metadata.take(),
            ..Batch::new(caller.clock.now().as_millis())
        };
        let mut receiving = caller.receive(id, &new).await?;
        let earlier = match self.places {
            Some(_) => caller.stored_batch(id).await?,
            None => None,
        };
        let batch = match earlier {
            Some(Batch { created_ms, completed_ms, completed_jobs, .. }) => {
                Batch { created_ms, completed_ms, completed_jobs, ..new }
            }
            None => new,
        };
        // One that is completed stays so unless jobs come to it.
        if batch.completed_ms.is_none() {
            caller.keep_batch(id, &batch).await?;
        }
        receiving.stored();
        Ok((receiving, batch))
    }

    /// The answer to lines comes while they are read.
    async fn lines(
        mut self,
        mut body: Body,
        line: Option<Held>,
        stop: CancellationToken,
    ) -> Result<Response, Problem> {
        let config = &self.caller.config;
        let (max, time) = (config.max_body, config.body_timeout);
        // All that it holds, more or less: a line that is not whole yet, a group that is being
        // read and one that is being stored, and verdicts.
        let mut memory = self.caller.budget.reservation();
        let groups = 2 * GROUP_BYTES as u64;
        if !memory.grow(max + groups + ANSWER_BYTES * (1 + ANSWERS_WAITING as u64)) {
            return Err(busy());
        }
        // Whoever waits to be told to go on (RFC 9110 §10.1.1) is told so by this, before the
        // answer begins.
        let first = piece(&mut body, time).await;
        if let Piece::Broken(why) = first {
            return Err(Problem::new(Kind::Unreadable, why));
        }
        let (receiving, batch) = self.begin().await?;
        let (out, mut answers) = mpsc::channel(ANSWERS_WAITING);
        let mut head = b"{".to_vec();
        push_batch(&mut head, self.id);
        head.extend_from_slice(b"}}\n");
        let verdicts = Verdicts::new(b'\n', self.prefer.is_minimal);
        let changes = self.caller.changes.clone();
        let stream = Stream { upload: self, body, receiving, batch, verdicts, out, stop };
        changes.spawn(stream.run(first, memory, line));
        let rest = stream::poll_fn(move |cx| answers.poll_recv(cx));
        let whole = stream::once(std::future::ready(Bytes::from(head)));
        let whole = futures_util::StreamExt::chain(whole, rest);
        let body = futures_util::StreamExt::map(whole, Ok::<_, std::convert::Infallible>);
        let mut response = Response::new(Body::from_stream(body));
        *response.status_mut() = StatusCode::ACCEPTED;
        let media = HeaderValue::from_static("application/x-ndjson");
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        Ok(response)
    }

    /// An array is answered when all of it is stored, even if its sender goes away meanwhile.
    async fn array(mut self, body: Body) -> Result<Response, Problem> {
        let config = &self.caller.config;
        let received =
            body::read(body, config.max_body, config.body_timeout, &self.caller.budget).await?;
        let elements: Vec<&RawValue> = parse::object(&received.bytes, Kind::InvalidRequest)?;
        if elements.len() > MAX_ELEMENTS {
            let detail =
                format!("more than {MAX_ELEMENTS} jobs: send them as application/x-ndjson");
            return Err(Problem::faulty(Kind::InvalidRequest, vec![Fault::at("", detail)]));
        }
        drop(elements);
        let (receiving, batch) = self.begin().await?;
        let changes = self.caller.changes.clone();
        let storing = changes.spawn(async move {
            let mut verdicts = Verdicts::new(b',', self.prefer.is_minimal);
            let elements: Vec<&RawValue> = parse::object(&received.bytes, Kind::InvalidRequest)?;
            let defaults = options::defaults(self.options.defaults.as_deref());
            let mut intake = Intake::new(&self.caller, self.id, self.places.as_ref(), defaults);
            let mut numbered = (1..).zip(elements).peekable();
            while numbered.peek().is_some() {
                let now = self.caller.clock.now();
                while !intake.group().is_full()
                    && let Some((number, element)) = numbered.next()
                {
                    intake.take(number, &Line::Whole(element.get().as_bytes()), now);
                }
                let stored = store(self.caller.clone(), intake.take_group()).await;
                // Each element has its verdict, so a store that fails needs no other word.
                let _ = stored.tell(&self.caller, &mut verdicts);
                tokio::task::yield_now().await;
            }
            self.close(receiving, batch, &verdicts, None).await;
            verdicts.out.pop();
            let mut answer = b"{".to_vec();
            push_closed(&mut answer, self.id, verdicts.tally, None);
            answer.extend_from_slice(b",\"verdicts\":[");
            answer.append(&mut verdicts.out);
            answer.extend_from_slice(b"]}");
            Ok(json_body(StatusCode::ACCEPTED, answer))
        });
        storing.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a batch panicked");
            Err(Problem::new(Kind::Internal, "the batch could not be read to its end"))
        })
    }

    /// No more jobs come to the batch.
    async fn close(
        &self,
        receiving: Receiving,
        batch: Batch,
        verdicts: &Verdicts,
        why: Option<&str>,
    ) {
        let (caller, id, tally) = (&self.caller, self.id, verdicts.tally);
        let has_grown = caller.batch_jobs(id).jobs > batch.completed_jobs;
        let batch = Batch {
            refused: tally.refused,
            is_closed: true,
            is_interrupted: why.is_some(),
            completed_ms: batch.completed_ms.filter(|_| !has_grown),
            ..batch
        };
        if caller.keep_batch(id, &batch).await.is_err() {
            tracing::warn!(batch.id = %id, "could not store that a batch is closed");
        }
        let (accepted, refused) = (tally.accepted, tally.refused);
        tracing::info!(batch.id = %id, accepted, refused, interrupted = why, "batch closed");
        drop(receiving);
    }
}

/// A part of a body.
enum Piece {
    Data(Bytes),
    End,
    /// It ended too early.
    Broken(String),
}

/// The next part of a body, if it comes within `time`. May be dropped and asked for again.
async fn piece(body: &mut Body, time: Duration) -> Piece {
    let next = async {
        loop {
            match body.frame().await {
                None => return Piece::End,
                Some(Err(_)) => {
                    return Piece::Broken("the body ended before it was complete".to_owned());
                }
                // Trailers mean nothing here.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Piece::Data(data),
                    Err(_) => continue,
                },
            }
        }
    };
    let late = || Piece::Broken(format!("nothing more came within {time:?}"));
    tokio::time::timeout(time, next).await.unwrap_or_else(|_| late())
}

/// How a stream of lines ended.
enum End {
    Whole,
    Early(String),
}

/// Lines that are read, stored and answered.
struct Stream {
    upload: Upload,
    body: Body,
    receiving: Receiving,
    batch: Batch,
    verdicts: Verdicts,
    out: mpsc::Sender<Bytes>,
    /// The server stops.
    stop: CancellationToken,
}

impl Stream {
    async fn run(mut self, first: Piece, memory: Reservation, line: Option<Held>) {
        let end = self.work(first).await;
        let Self { upload, receiving, batch, mut verdicts, out, .. } = self;
        let why = match &end {
            End::Whole => None,
            End::Early(why) => Some(&**why),
        };
        upload.close(receiving, batch, &verdicts, why).await;
        verdicts.out.push(b'{');
        push_closed(&mut verdicts.out, upload.id, verdicts.tally, why);
        verdicts.out.extend_from_slice(b"}\n");
        if let (Some(line), Some(_)) = (&line, why) {
            line.cut_short();
        }
        // Nobody may be there to be told.
        let _ = out.send(Bytes::from(verdicts.out)).await;
        drop((line, memory));
    }

    /// While one group is being stored, the next one is read; the verdicts of a group are told
    /// before another is stored.
    async fn work(&mut self, first: Piece) -> End {
        let Self { upload, body, receiving, verdicts, out, stop, .. } = self;
        let caller = &upload.caller;
        let config = &caller.config;
        let mut lines = Lines::new(usize::try_from(config.max_body).unwrap_or(usize::MAX));
        let defaults = options::defaults(upload.options.defaults.as_deref());
        let mut intake = Intake::new(caller, upload.id, upload.places.as_ref(), defaults);
        let mut storing: Option<BoxFuture<'static, Stored>> = None;
        let mut end = None;
        let mut read = Some(first);
        loop {
            match read.take() {
                Some(Piece::Data(data)) => lines.feed(data),
                Some(Piece::End) => {
                    if let Some((number, line)) = lines.last() {
                        intake.take(number, &line, caller.clock.now());
                    }
                    end = Some(End::Whole);
                }
                Some(Piece::Broken(why)) => end = Some(End::Early(why)),
                None => {}
            }
            let is_drained = take_in(caller, &mut lines, &mut intake).await;
            if storing.is_none() {
                if !intake.group().is_empty() {
                    storing = Some(store(caller.clone(), intake.take_group()).boxed());
                } else if let Some(end) = end {
                    return end;
                }
            }
            let stored = async {
                match storing.as_mut() {
                    Some(storing) => storing.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                stored = stored => {
                    storing = None;
                    if let Err(error) = stored.tell(caller, verdicts) {
                        end.get_or_insert(End::Early(format!("the store does not work: {error}")));
                    }
                    let told = std::mem::take(&mut verdicts.out);
                    if !told.is_empty() && out.send(Bytes::from(told)).await.is_err() {
                        end.get_or_insert(gone());
                    }
                }
                () = stop.cancelled(), if end.is_none() => {
                    end = Some(End::Early("the server stops".to_owned()));
                }
                () = receiving.upload.stop.cancelled(), if end.is_none() => {
                    end = Some(End::Early("the batch was called off".to_owned()));
                }
                () = caller.revoked(), if end.is_none() => {
                    end = Some(End::Early("the API key was revoked".to_owned()));
                }
                () = out.closed(), if end.is_none() => end = Some(gone()),
                piece = piece(body, config.body_timeout), if is_drained && end.is_none() => {
                    read = Some(piece);
                }
            }
        }
    }
}

fn gone() -> End {
    End::Early("the client went away".to_owned())
}

/// Takes what has arrived into the group; answers whether more is to be read.
async fn take_in(caller: &Caller, lines: &mut Lines, intake: &mut Intake<'_>) -> bool {
    let now = caller.clock.now();
    let mut taken = 0;
    while !intake.group().is_full() {
        let Some((number, line)) = lines.next() else {
            return true;
        };
        intake.take(number, &line, now);
        taken += 1;
        if taken % LINES_AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
    }
    false
}
