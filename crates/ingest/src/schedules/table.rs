//! The schedules there are.
//!
//! A change is made while nobody else changes the same schedule, is on disk before it holds, and
//! is made even if whoever asked for it goes away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jobs::JobId;
use tokio::sync::{Notify, OnceCell};

use super::stored::{Known, SCHEDULES};
use crate::problem::{Kind, Problem};
use crate::router::{Api, store_problem};

/// Every schedule, read from the store when one is first asked for.
#[derive(Default)]
pub(crate) struct Schedules {
    entries: OnceCell<Mutex<BTreeMap<JobId, Arc<Entry>>>>,
    /// Held by whoever makes one: what there is may not change meanwhile.
    making: Arc<tokio::sync::Mutex<()>>,
    /// Signalled when one was made or changed.
    pub(super) changed: Notify,
}

/// The place of one schedule.
pub(super) struct Entry {
    id: JobId,
    changing: tokio::sync::Mutex<()>,
    /// `None` once it is removed.
    known: Mutex<Option<Arc<Known>>>,
}

impl Entry {
    fn new(known: Known) -> Arc<Self> {
        let (id, known) = (known.id, Mutex::new(Some(Arc::new(known))));
        Arc::new(Self { id, changing: tokio::sync::Mutex::default(), known })
    }

    pub(super) fn known(&self) -> Option<Arc<Known>> {
        lock(&self.known).clone()
    }

    /// Lets something be seen that need not last.
    pub(super) fn show(&self, change: impl FnOnce(&Known) -> Known) {
        let mut known = lock(&self.known);
        if let Some(now) = known.as_ref() {
            *known = Some(Arc::new(change(now)));
        }
    }

    /// Puts what `change` makes of the schedule on disk, and then into force; `None` removes it.
    /// Answers `None` when there is no schedule, before or after.
    pub(super) async fn change(
        self: &Arc<Self>,
        api: Arc<Api>,
        change: impl FnOnce(&Known) -> Result<Option<Known>, Problem> + Send + 'static,
    ) -> Result<Option<Arc<Known>>, Problem> {
        let entry = Arc::clone(self);
        let own = Arc::clone(&api);
        let change = async move {
            let api = own;
            let _alone = entry.changing.lock().await;
            let Some(before) = entry.known() else {
                return Ok(None);
            };
            let after = change(&before)?.map(Arc::new);
            put(&api, entry.id, after.as_deref()).await?;
            lock(&entry.known).clone_from(&after);
            if after.is_none() {
                api.schedules.forget(entry.id);
            }
            api.schedules.changed.notify_one();
            Ok(after)
        };
        api.change(change).await
    }
}

async fn put(api: &Api, id: JobId, known: Option<&Known>) -> Result<(), Problem> {
    let bytes = known.map(|known| known.schedule.to_bytes());
    let put = api.store.put_document(SCHEDULES, id.to_string(), bytes).await;
    put.map_err(|error| store_problem(&error))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Schedules {
    /// All there are, by their ids.
    pub(super) async fn all(&self, api: &Api) -> Result<Vec<Arc<Entry>>, Problem> {
        let entries = self.entries.get_or_try_init(|| load(api)).await?;
        Ok(lock(entries).values().cloned().collect())
    }

    pub(super) async fn find(&self, api: &Api, id: JobId) -> Result<Option<Arc<Entry>>, Problem> {
        let entries = self.entries.get_or_try_init(|| load(api)).await?;
        Ok(lock(entries).get(&id).cloned())
    }

    /// Keeps a new one, unless its owner has another of this name, or there are too many.
    pub(super) async fn make(api: &Arc<Api>, known: Known) -> Result<Arc<Known>, Problem> {
        let shared = Arc::clone(api);
        let change = async move {
            let schedules = &shared.schedules;
            let _alone = Arc::clone(&schedules.making).lock_owned().await;
            let there = schedules.all(&shared).await?;
            let most = shared.config.max_schedules;
            if there.len() >= most {
                let detail = format!("there are {most} schedules already, this server's limit");
                return Err(Problem::new(Kind::Conflict, detail));
            }
            let (name, owner) = (&known.schedule.name, &known.schedule.owner);
            let is_same =
                |other: &Known| other.schedule.name == *name && other.schedule.owner == *owner;
            if there.iter().filter_map(|entry| entry.known()).any(|other| is_same(&other)) {
                let detail = format!("there is a schedule `{name}` already");
                return Err(Problem::new(Kind::Conflict, detail));
            }
            put(&shared, known.id, Some(&known)).await?;
            let entry = Entry::new(known.clone());
            if let Some(entries) = schedules.entries.get() {
                lock(entries).insert(known.id, entry);
            }
            schedules.changed.notify_one();
            Ok(Arc::new(known))
        };
        api.change(change).await
    }

    fn forget(&self, id: JobId) {
        if let Some(entries) = self.entries.get() {
            lock(entries).remove(&id);
        }
    }
}

/// What is on disk. One that cannot be read stays there, and is told of.
async fn load(api: &Api) -> Result<Mutex<BTreeMap<JobId, Arc<Entry>>>, Problem> {
    let documents = api.store.documents(SCHEDULES).await.map_err(|error| store_problem(&error))?;
    let mut entries = BTreeMap::new();
    for (key, bytes) in documents {
        let Ok(id) = key.parse() else {
            tracing::error!(schedule.id = %key, "kept schedule has no id");
            continue;
        };
        match Known::from_bytes(id, &bytes) {
            Ok(known) => {
                entries.insert(id, Entry::new(known));
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(schedule.id = %id, error, "kept schedule cannot be used");
            }
        }
    }
    Ok(Mutex::new(entries))
}
