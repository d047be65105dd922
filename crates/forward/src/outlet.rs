//! The ways out other than HTTP: a sink URL's scheme chooses one. They are for sinks that the
//! operator named, and only for the very URLs in [`Config::trusted`]: a job cannot ask for one.

mod address;
mod event;
mod file;
#[cfg(feature = "kafka")]
mod kafka;
mod lines;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "object-store")]
mod objects;
mod parameters;
#[cfg(feature = "object-store")]
mod s3;
mod stdout;
mod trouble;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use crate::config::Config;
use crate::delivery::Delivery;
use crate::error::{Error, ErrorKind};
use crate::receipt::{Answer, Receipt};

pub use self::address::{InvalidSink, check_sink_url, parse_sink_url};

use self::address::Address;
use self::event::Event;
use self::lines::Lines;
use self::trouble::Trouble;

/// Every way out that the configuration names, open.
pub(crate) struct Outlets {
    /// By the sink's URL.
    open: HashMap<String, Outlet>,
}

enum Outlet {
    Lines(Lines),
    #[cfg(feature = "object-store")]
    Objects(objects::Objects),
    #[cfg(feature = "nats")]
    Nats(Box<nats::Nats>),
    #[cfg(feature = "kafka")]
    Kafka(kafka::Kafka),
}

impl Outlets {
    /// Opens what has to be there at start (files, folders); brokers and stores are connected to
    /// when the first event is for them.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when a URL cannot be used, or its file or folder not be written.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let mut open = HashMap::new();
        let mut files: Vec<PathBuf> = Vec::new();
        for url in &config.trusted {
            let unusable = |why: String| Error::new(ErrorKind::Config, why);
            let address = Address::of(url).map_err(|why| unusable(why.to_string()))?;
            if let Address::File(rotation) = &address {
                // The same URL again is the same sink.
                if !open.contains_key(url.as_str()) && files.contains(&rotation.path) {
                    let path = rotation.path.display();
                    return Err(unusable(format!("two sinks write to {path}: give each its own")));
                }
                files.push(rotation.path.clone());
            }
            if let Entry::Vacant(place) = open.entry(url.as_str().to_owned())
                && let Some(outlet) = Outlet::open(address, config).map_err(unusable)?
            {
                place.insert(outlet);
            }
        }
        Ok(Self { open })
    }

    /// Hands one event over, within `timeout`. `headers` are the signed ones; they travel along
    /// where the way out has a place for them.
    pub(crate) async fn send(
        &self,
        delivery: Delivery,
        headers: HeaderMap,
        timeout: Duration,
    ) -> Receipt {
        let Some(outlet) = self.open.get(delivery.sink.as_str()).filter(|_| delivery.trusted)
        else {
            let scheme = delivery.sink.scheme();
            return Receipt::forbidden(&format!(
                "no `{scheme}:` sink was named at start by this very URL"
            ));
        };
        let started = Instant::now();
        let event = Event::new(delivery, headers);
        let given = tokio::time::timeout(timeout, outlet.give(event)).await.unwrap_or_else(|_| {
            Err(Trouble::passing(format!("not done within {} ms", timeout.as_millis())))
        });
        let duration = started.elapsed();
        match given {
            Ok(detail) => Receipt::unanswered(Answer::Accepted, duration, &detail),
            Err(Trouble { answer, status, what }) => {
                Receipt { status, ..Receipt::unanswered(answer, duration, &what) }
            }
        }
    }
}

impl Outlet {
    /// `None` for HTTP, which needs none.
    #[cfg_attr(
        not(any(feature = "object-store", feature = "nats")),
        expect(unused_variables, reason = "lines need no settings")
    )]
    fn open(address: Address, config: &Config) -> Result<Option<Self>, String> {
        let outlet = match address {
            Address::Http => return Ok(None),
            Address::File(rotation) => {
                Self::Lines(Lines::start("outlet-file", file::Log::open(rotation)?)?)
            }
            Address::Stdout => Self::Lines(Lines::start("outlet-stdout", stdout::Pipe::stdout()?)?),
            #[cfg(feature = "object-store")]
            Address::Folder(path) => Self::Objects(objects::Objects::folder(&path)?),
            #[cfg(feature = "object-store")]
            Address::S3(bucket) => Self::Objects(s3::open(&bucket, config)?),
            #[cfg(feature = "nats")]
            Address::Nats(subject) => {
                Self::Nats(Box::new(nats::Nats::new(subject, config.connect_timeout)))
            }
            #[cfg(feature = "kafka")]
            Address::Kafka(topic) => Self::Kafka(kafka::Kafka::new(topic)),
        };
        Ok(Some(outlet))
    }

    /// What the receipt of an accepted event says, or what went wrong.
    async fn give(&self, event: Event) -> Result<String, Trouble> {
        match self {
            Self::Lines(lines) => lines.append(event.into_lines()?).await.map(|()| String::new()),
            #[cfg(feature = "object-store")]
            Self::Objects(objects) => objects.put(event).await,
            #[cfg(feature = "nats")]
            Self::Nats(nats) => nats.publish(event).await,
            #[cfg(feature = "kafka")]
            Self::Kafka(kafka) => kafka.produce(event).await,
        }
    }
}
