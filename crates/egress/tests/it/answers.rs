//! A resolver that answers what it is told to, and the clients that use it.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use egress::{
    Allow, Client, ClientConfig, Error, Lookup, LookupError, LookupFailure, Policy, Resolver,
    ResolverConfig, Response,
};
use futures_util::future::BoxFuture;

/// Gives the answers of a name in turn, the last one for ever.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) names: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    pub(crate) asked: AtomicUsize,
    pub(crate) at_once: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
    pub(crate) delay: Duration,
}

impl Answers {
    pub(crate) fn new(names: &[(&str, &[&[&str]])]) -> Self {
        let names = names.iter().map(|(name, turns)| {
            let turns = turns.iter().map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect());
            ((*name).to_owned(), turns.collect())
        });
        Self { names: Mutex::new(names.collect()), ..Self::default() }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn next(&self, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        let mut names = self.names.lock().unwrap();
        let turns = names
            .get_mut(name.trim_end_matches('.'))
            .ok_or(LookupError::new(LookupFailure::NotFound))?;
        let answer = turns[0].clone();
        if turns.len() > 1 {
            turns.pop_front();
        }
        Ok(answer)
    }
}

impl Lookup for Answers {
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, LookupError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(self.delay).await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            self.next(name)
        })
    }
}

pub(crate) fn policy(exemptions: &[&str]) -> Policy {
    let exemptions: Vec<Allow> = exemptions.iter().map(|s| s.parse().unwrap()).collect();
    Policy::public_only().allow(&exemptions)
}

pub(crate) fn resolver(answers: &Arc<Answers>) -> Resolver {
    let lookup: Arc<dyn Lookup> = Arc::<Answers>::clone(answers);
    Resolver::with_lookup(lookup, ResolverConfig::default())
}

pub(crate) fn client_with(policy: Policy, answers: &Arc<Answers>) -> Client {
    let config = ClientConfig { resolver: Some(resolver(answers)), ..ClientConfig::default() };
    Client::new(policy, config).unwrap()
}

/// A client that may talk to loopback, with short patience.
pub(crate) fn loopback_client() -> Client {
    let config =
        ClientConfig { read_timeout: Duration::from_millis(300), ..ClientConfig::default() };
    Client::new(policy(&["127.0.0.0/8"]), config).unwrap()
}

/// Long enough never to matter.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn get(client: &Client, url: &str) -> Result<Response, Error> {
    client.send(http::Request::get(url).body(Bytes::new()).unwrap(), PATIENCE).await
}
