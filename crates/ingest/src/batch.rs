use bytes::Bytes;
use jobs::JobId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Sink;
use crate::auth::Caller;
use crate::problem::{Kind, Problem};
use crate::router::store_problem;

/// The space of the store's documents that batches are kept in, by their ids.
pub(crate) const BATCHES: &str = "batches";

/// A batch, as it is stored. How its jobs went is the store's to tell ([`jobs::Store::group`]).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// When it began; milliseconds since the Unix epoch.
    pub(crate) created_ms: u64,
    /// The id of the key it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// Where `batch.completed` goes; `None` for a named or the server's default sink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sink: Option<Sink>,
    /// The name of the sink where it goes; never together with `sink`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sink_name: Option<String>,
    /// The owner's, told back with the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<Box<RawValue>>,
    /// Lines that were refused.
    #[serde(default)]
    pub(crate) refused: u64,
    /// Whether no more jobs come to it.
    #[serde(default)]
    pub(crate) is_closed: bool,
    /// When its last job's outcome was known and `batch.completed` was accepted for delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) completed_ms: Option<u64>,
}

impl Batch {
    /// An empty one that begins at `created_ms`.
    pub(crate) const fn new(created_ms: u64) -> Self {
        Self {
            created_ms,
            owner: None,
            sink: None,
            sink_name: None,
            metadata: None,
            refused: 0,
            is_closed: false,
            completed_ms: None,
        }
    }
}

impl Caller {
    /// Puts a batch on disk, in the place of what is there.
    pub(crate) async fn keep_batch(&self, id: JobId, batch: &Batch) -> Result<(), Problem> {
        let bytes = serde_json::to_vec(batch).expect("string keys, and a Vec takes every byte");
        let kept = self.store.put_document(BATCHES, id.to_string(), Some(Bytes::from(bytes)));
        kept.await.map_err(|error| store_problem(&error))
    }

    /// The batch with this id. Another's is not there.
    pub(crate) async fn batch(&self, id: JobId) -> Result<Batch, Problem> {
        let unknown = || Problem::new(Kind::NotFound, format!("there is no batch {id}"));
        let found = self.store.document(BATCHES, id.to_string()).await;
        let bytes = found.map_err(|error| store_problem(&error))?.ok_or_else(unknown)?;
        let unreadable = |_| Problem::new(Kind::Internal, format!("batch {id} cannot be read"));
        let batch: Batch = serde_json::from_slice(&bytes).map_err(unreadable)?;
        if self.may_see(batch.owner.as_deref()) { Ok(batch) } else { Err(unknown()) }
    }
}
