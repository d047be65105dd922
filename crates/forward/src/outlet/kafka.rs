use std::sync::Arc;
use std::time::Duration;

use rskafka::BackoffConfig;
use rskafka::chrono::DateTime;
use rskafka::client::error::{Error as KafkaError, ProtocolError};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::event::Event;
use super::trouble::Trouble;

/// How long the client itself tries again (a leader that moved, a broker that is not up yet)
/// before it says what is wrong.
const CLIENT_PATIENCE: Duration = Duration::from_secs(1);

/// Where on which cluster.
#[derive(Debug)]
pub(super) struct Topic {
    /// Host and port of the brokers that are asked for the others.
    pub(super) brokers: Vec<String>,
    pub(super) topic: String,
}

/// Produces to a topic with `acks=all`. The brokers are connected to when they are first needed,
/// and anew after a failure.
pub(super) struct Kafka {
    topic: Topic,
    partitions: Mutex<Option<Partitions>>,
}

type Partitions = Arc<Vec<PartitionClient>>;

impl Kafka {
    pub(super) fn new(topic: Topic) -> Self {
        Self { topic, partitions: Mutex::new(None) }
    }

    /// Where the event is, once every replica in sync has it.
    pub(super) async fn produce(&self, event: Event) -> Result<String, Trouble> {
        let partitions = self.partitions().await?;
        let partition = &partitions[chosen(&event.id, partitions.len())];
        match partition.produce(vec![record(event)], Compression::NoCompression).await {
            Ok(offsets) => {
                let offset = offsets.first().copied().unwrap_or_default();
                Ok(format!("partition {} at {offset}", partition.partition()))
            }
            Err(error) => {
                self.forget(&partitions).await;
                Err(self.trouble(&error))
            }
        }
    }

    async fn partitions(&self) -> Result<Partitions, Trouble> {
        let mut known = self.partitions.lock().await;
        if let Some(partitions) = &*known {
            return Ok(Arc::clone(partitions));
        }
        let partitions = self.connect().await.map_err(|error| self.trouble(&error))?;
        if partitions.is_empty() {
            let topic = &self.topic.topic;
            return Err(Trouble::passing(format!("there is no topic `{topic}`: create it")));
        }
        Ok(Arc::clone(known.insert(Arc::new(partitions))))
    }

    async fn connect(&self) -> Result<Vec<PartitionClient>, KafkaError> {
        let patience = BackoffConfig {
            max_backoff: CLIENT_PATIENCE,
            deadline: Some(CLIENT_PATIENCE),
            ..BackoffConfig::default()
        };
        let client = ClientBuilder::new(self.topic.brokers.clone())
            .client_id("pagewire")
            .backoff_config(patience)
            .build()
            .await?;
        let topics = client.list_topics().await?;
        let ours = topics.into_iter().find(|topic| topic.name == self.topic.topic);
        let mut partitions = Vec::new();
        for number in ours.map(|topic| topic.partitions).unwrap_or_default() {
            partitions.push(self.partition(&client, number).await?);
        }
        Ok(partitions)
    }

    async fn partition(&self, client: &Client, number: i32) -> Result<PartitionClient, KafkaError> {
        client.partition_client(&self.topic.topic, number, UnknownTopicHandling::Error).await
    }

    /// Unless somebody else has connected anew already.
    async fn forget(&self, partitions: &Partitions) {
        let mut known = self.partitions.lock().await;
        if known.as_ref().is_some_and(|known| Arc::ptr_eq(known, partitions)) {
            *known = None;
        }
    }

    fn trouble(&self, error: &KafkaError) -> Trouble {
        let topic = &self.topic.topic;
        match error {
            KafkaError::ServerError { protocol_error, .. } => match protocol_error {
                ProtocolError::MessageTooLarge | ProtocolError::RecordListTooLarge => {
                    Trouble::lasting(format!(
                        "the event is longer than the brokers take: raise `max.message.bytes` of \
                         `{topic}`, or lower the sink's inline limit"
                    ))
                }
                ProtocolError::UnknownTopicOrPartition => {
                    Trouble::passing(format!("there is no topic `{topic}`: create it"))
                }
                other => Trouble::passing(format!("the brokers did not store it: {other}")),
            },
            other => Trouble::passing(format!(
                "the brokers at {} did not answer: {other}",
                self.topic.brokers.join(", ")
            )),
        }
    }
}

/// The same partition for the same id, as long as their number stays.
fn chosen(id: &str, partitions: usize) -> usize {
    let digest = Sha256::digest(id);
    let drawn = digest.iter().take(4).fold(0usize, |n, byte| (n << 8) | usize::from(*byte));
    drawn % partitions
}

fn record(event: Event) -> Record {
    let headers = event
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    Record {
        key: Some(event.id.into_bytes()),
        value: Some(event.body.into()),
        headers,
        timestamp: DateTime::from_timestamp(event.now_s, 0).unwrap_or_default(),
    }
}
