use jobs::Timestamp;
use serde_json::value::RawValue;

use crate::auth::Caller;
use crate::problem::{Fault, Kind, Problem};
use crate::strict::Strict;
use crate::submission::{SinkGiven, Submission};
use crate::validate::Rules;
use crate::{JobSpec, Sink, parse};

/// Longest metadata of a batch, in bytes: it is kept beside it.
const MAX_METADATA_BYTES: usize = 16 << 10;
/// Stands for the URL that each line brings.
const ANY_URL: &str = "http://example.com/";

/// What is said of a whole batch, in the query.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// A job's fields, in JSON, for lines that do not give them.
    pub(crate) defaults: Option<String>,
    /// Where `batch.completed` goes; see [`crate::batch::Batch`].
    pub(crate) sink: Option<Sink>,
    pub(crate) sink_name: Option<String>,
    pub(crate) metadata: Option<Box<RawValue>>,
}

impl Options {
    /// Each parameter at most once, and none that is not known.
    pub(crate) fn read(caller: &Caller, query: &str, now: Timestamp) -> Result<Self, Problem> {
        let limits = &caller.config.limits;
        let (pipeline, sinks) = (&*caller.pipeline, &*caller.sinks);
        let rules = Rules { limits, pipeline, sinks, now };
        let mut options = Self::default();
        let mut seen = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let refused = |detail: String| {
                Problem::faulty(Kind::BadRequest, vec![Fault::parameter(&name, detail)])
            };
            if seen.contains(&name) {
                return Err(refused("given twice".to_owned()));
            }
            match &*name {
                "defaults" => {
                    check_defaults(&rules, &value).map_err(refused)?;
                    options.defaults = Some(value.into_owned());
                }
                "sink" => {
                    let mut faults = Vec::new();
                    (options.sink, options.sink_name) =
                        rules.sink(SinkGiven::text(value), &mut faults);
                    if !faults.is_empty() {
                        return Err(refused(Problem::faulty(Kind::Invalid, faults).into_detail()));
                    }
                }
                "metadata" => options.metadata = Some(metadata(&value).map_err(refused)?),
                _ => {
                    let known = "unknown; known are defaults, sink, metadata";
                    return Err(refused(known.to_owned()));
                }
            }
            seen.push(name);
        }
        options.aim(caller)?;
        Ok(options)
    }

    /// Whose jobs go to one sink, to it goes what is said of their batch.
    fn aim(&mut self, caller: &Caller) -> Result<(), Problem> {
        let (sink, sink_name) = (self.sink.take(), self.sink_name.take());
        let any_url = ANY_URL.parse().expect("it is a URL");
        let mut spec = JobSpec { sink, sink_name, ..JobSpec::new(any_url) };
        caller.aim(&mut spec)?;
        (self.sink, self.sink_name) = (spec.sink, spec.sink_name);
        Ok(())
    }
}

/// Whether a line that gives nothing but its URL could be accepted.
fn check_defaults(rules: &Rules<'_>, text: &str) -> Result<(), String> {
    let mut given = parse::submission(text.as_bytes()).map_err(Problem::into_detail)?;
    given.url.get_or_insert(ANY_URL.into());
    rules.check(given).map(drop).map_err(Problem::into_detail)
}

/// The defaults, read again: what they hold was checked.
pub(crate) fn defaults(text: Option<&str>) -> Option<Submission<'_>> {
    parse::submission(text?.as_bytes()).ok()
}

fn metadata(text: &str) -> Result<Box<RawValue>, String> {
    if text.len() > MAX_METADATA_BYTES {
        return Err(format!("longer than {MAX_METADATA_BYTES} bytes"));
    }
    let not_json = |error: serde_json::Error| format!("not JSON: {error}");
    serde_json::from_str::<Strict>(text).map_err(not_json)?;
    let value: Box<RawValue> = serde_json::from_str(text).map_err(not_json)?;
    if value.get().starts_with('{') { Ok(value) } else { Err("must be a JSON object".to_owned()) }
}
