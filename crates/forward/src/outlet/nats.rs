use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::header::HeaderMap;
use async_nats::jetstream::context::{Context, PublishError, PublishErrorKind};
use async_nats::{ConnectOptions, Event as Happening};
use tokio::sync::{OnceCell, watch};

use super::event::Event;
use super::trouble::Trouble;

/// Publications that wait for the connection's task. Few: each holds an event.
const QUEUE: usize = 64;

/// Longest pause between two attempts to connect.
const MAX_RECONNECT_PAUSE: Duration = Duration::from_secs(4);

/// Longest wait for a connection and for an acknowledgement; a delivery's own timeout is shorter
/// as a rule.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where on which server.
#[derive(Debug)]
pub(super) struct Subject {
    /// Host and port.
    pub(super) server: String,
    /// Name and password.
    pub(super) user: Option<(String, String)>,
    pub(super) subject: String,
    /// The stream that has to take it.
    pub(super) stream: Option<String>,
}

/// Publishes to JetStream over one connection, which is made when it is first needed, and made
/// again for as long as the process lives.
pub(super) struct Nats {
    subject: Subject,
    connect_timeout: Duration,
    connection: OnceCell<Connection>,
}

struct Connection {
    jetstream: Context,
    up: watch::Receiver<bool>,
    /// What the server or the client last complained about.
    complaint: Arc<Mutex<Option<String>>>,
}

impl Nats {
    pub(super) fn new(subject: Subject, connect_timeout: Duration) -> Self {
        Self { subject, connect_timeout, connection: OnceCell::new() }
    }

    /// Where the event is, once the stream has stored it.
    pub(super) async fn publish(&self, event: Event) -> Result<String, Trouble> {
        let connection = self.connection.get_or_try_init(|| self.connect()).await?;
        // Without one nothing is handed over: it would lie in memory and be sent after we said
        // that it was not.
        let mut up = connection.up.clone();
        let connected = tokio::time::timeout(self.connect_timeout, up.wait_for(|up| *up)).await;
        if !matches!(connected, Ok(Ok(_))) {
            return Err(connection.down(&self.subject.server));
        }
        drop(connected);
        let headers = self.headers(&event);
        let subject = self.subject.subject.clone();
        let storing = async {
            let sent = connection.jetstream.publish_with_headers(subject, headers, event.body);
            sent.await?.await
        };
        let stored = tokio::select! {
            biased;
            stored = storing => stored.map_err(|error| self.trouble(&error))?,
            // An acknowledgement comes on the connection that was asked on, or never.
            _ = up.wait_for(|up| !*up) => return Err(connection.down(&self.subject.server)),
        };
        let again = if stored.duplicate { ", which had it" } else { "" };
        Ok(format!("stream {} at {}{again}", stored.stream, stored.sequence))
    }

    async fn connect(&self) -> Result<Connection, Trouble> {
        let (state, up) = watch::channel(false);
        let complaint = Arc::new(Mutex::new(None));
        let heard = Arc::clone(&complaint);
        let mut options = ConnectOptions::new()
            .name("pagewire")
            .retry_on_initial_connect()
            .connection_timeout(self.connect_timeout)
            .client_capacity(QUEUE)
            .reconnect_delay_callback(|attempts| {
                let doubled = 1u64.checked_shl(u32::try_from(attempts).unwrap_or(u32::MAX));
                Duration::from_millis(50)
                    .saturating_mul(
                        doubled.map_or(u32::MAX, |n| u32::try_from(n).unwrap_or(u32::MAX)),
                    )
                    .min(MAX_RECONNECT_PAUSE)
            })
            .event_callback(move |happening| {
                match happening {
                    Happening::Connected => drop(state.send_replace(true)),
                    Happening::Disconnected | Happening::Closed => drop(state.send_replace(false)),
                    Happening::ServerError(_) | Happening::ClientError(_) => {
                        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                        *heard = Some(happening.to_string());
                    }
                    _ => {}
                }
                std::future::ready(())
            });
        if let Some((name, password)) = &self.subject.user {
            options = options.user_and_password(name.clone(), password.clone());
        }
        let client = options.connect(self.subject.server.as_str()).await.map_err(|e| {
            Trouble::passing(format!("cannot connect to {}: {e}", self.subject.server))
        })?;
        let mut jetstream = async_nats::jetstream::new(client);
        jetstream.set_timeout(PATIENCE);
        Ok(Connection { jetstream, up, complaint })
    }

    fn headers(&self, event: &Event) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // The stream drops what it has seen under the same id within its window (2 minutes unless
        // set otherwise).
        headers.insert("Nats-Msg-Id", event.id.as_str());
        if let Some(stream) = &self.subject.stream {
            headers.insert("Nats-Expected-Stream", stream.as_str());
        }
        for (name, value) in &event.headers {
            if let Ok(value) = value.to_str() {
                headers.insert(name.as_str(), value);
            }
        }
        headers
    }

    fn trouble(&self, error: &PublishError) -> Trouble {
        let Subject { server, subject, .. } = &self.subject;
        match error.kind() {
            PublishErrorKind::StreamNotFound => Trouble::passing(format!(
                "no stream of {server} takes the subject `{subject}`: add one, or look at \
                 whether JetStream is on"
            )),
            PublishErrorKind::MaxPayloadExceeded => Trouble::lasting(format!(
                "{error}: raise `max_payload` of {server}, or lower the sink's inline limit"
            )),
            _ => Trouble::passing(format!("{server} did not store it: {error}")),
        }
    }
}

impl Connection {
    fn down(&self, server: &str) -> Trouble {
        let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        let why = complaint.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        Trouble::passing(format!("there is no connection to {server}{why}"))
    }
}
