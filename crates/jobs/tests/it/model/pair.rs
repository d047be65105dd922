//! Two stores that are asked the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jobs::{
    Bounds, Breaker, Claimed, Filter, JobId, LaneKey, LaneLimit, Lease, Outcome, Record, Redrive,
    Settlement, Stage, Store, Timestamp, Verdict,
};

use super::command::{
    Command, GROUPS, LONGEST_INTERVAL_MS, NOTES, body, group, id, key, next, stage,
};
use crate::backend::{Backend, DELIVER, Durable, FETCH, Memory, Sqlite, config};
use crate::rig::{MANY, at};

const INTERVAL: Duration = Duration::from_millis(LONGEST_INTERVAL_MS);
/// Short enough that sequences come to it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(3);
/// Later than any real clock: a store that drops pauses when it opens must not drop these.
const BEGIN_MS: u64 = 200 * 365 * 24 * 3_600 * 1_000;

pub(super) struct Pair {
    memory: Memory,
    /// `None` only while it is being reopened.
    sqlite: Option<Sqlite>,
    now: Timestamp,
    /// The latest that the clock has shown.
    latest: Timestamp,
    /// The clock never steps back behind this.
    floor: Timestamp,
    /// All leases given out, with the same job's lease in either store.
    leases: Vec<[Lease; 2]>,
    /// After a restart the lanes' turn may be another, so that a claim of a part of what is
    /// ready may be of another part.
    turn_is_free: bool,
    /// Nothing is told that a restart forgets, and there are restarts.
    lasting: bool,
}

impl Pair {
    pub(super) fn new(with_interval: bool, lasting: bool) -> Self {
        let interval = if with_interval { INTERVAL } else { Duration::ZERO };
        let breaker = (!lasting).then_some(Breaker { window: 4, failures: 2 });
        let mut config = config(
            LaneLimit { concurrency: 2, interval, breaker, in_order: false },
            // Which of a batch finds the last room is told by the contract, not here.
            Bounds::default(),
        );
        config.stages[0].give_up_after = Some(GIVE_UP_AFTER);
        Self {
            memory: Memory::start(config.clone()),
            sqlite: Some(Sqlite::start(config)),
            now: at(BEGIN_MS),
            latest: at(BEGIN_MS),
            floor: at(0),
            leases: Vec::new(),
            turn_is_free: false,
            lasting,
        }
    }

    fn stores(&self) -> [Arc<dyn Store>; 2] {
        let sqlite = self.sqlite.as_ref().expect("it is open");
        [Arc::clone(self.memory.store()), Arc::clone(sqlite.store())]
    }

    /// Asks both; the answers must be equal.
    async fn both<T: PartialEq + std::fmt::Debug>(
        &self,
        ask: impl AsyncFn(Arc<dyn Store>) -> jobs::Result<T>,
    ) -> T {
        let [memory, sqlite] = self.stores();
        let memory = ask(memory).await.expect("memory answers");
        let sqlite = ask(sqlite).await.expect("sqlite answers");
        assert_eq!(memory, sqlite, "left: memory, right: sqlite");
        memory
    }

    pub(super) async fn apply(&mut self, command: Command) {
        let now = self.now;
        self.latest = self.latest.max(now);
        match command {
            Command::Submit(drafts) => {
                let jobs: Vec<_> = drafts.iter().map(|d| d.job(now, self.lasting)).collect();
                self.both(async |s| s.submit(jobs.clone(), now).await).await;
            }
            Command::Claim { deliver, max, lease_ms } => {
                let max = if self.turn_is_free { MANY } else { max };
                self.claim(stage(deliver), max, lease_ms).await;
            }
            Command::Extend { which, by_ms } => {
                if !self.leases.is_empty() {
                    let which: Vec<_> = which.iter().map(|w| *w.get(&self.leases)).collect();
                    self.extend(&which, by_ms).await;
                }
            }
            Command::Settle(sayings) => {
                if !self.leases.is_empty() {
                    let said = sayings.iter().map(|s| (*s.which.get(&self.leases), s));
                    let said: Vec<_> = said
                        .map(|(leases, s)| leases.map(|l| s.settlement(l, now, self.lasting)))
                        .collect();
                    self.settle(&said).await;
                }
            }
            Command::Cancel { job, tell } => {
                let next = tell.map(|ms| next(now, 0, ms, 10, Verdict::Cancelled));
                self.both(async |s| s.cancel(id(job), next.clone(), now).await).await;
            }
            Command::Redrive { job, deliver, lane, in_ms } => {
                let due = now + Duration::from_millis(in_ms);
                let to = Redrive { stage: stage(deliver).clone(), lane: key(lane), due };
                self.both(async |s| s.redrive(id(job), to.clone(), now).await).await;
            }
            Command::Sweep { older_than_ms, any } => {
                let before = now - Duration::from_millis(older_than_ms);
                let max = if any { MANY } else { 0 };
                self.both(async |s| {
                    s.sweep(before, max).await.map(|swept| (swept.jobs, swept.notes))
                })
                .await;
                let kept: Vec<_> = self.listed().await.iter().map(|r| r.id).collect();
                self.leases.retain(|[lease, _]| kept.contains(&lease.id));
            }
            Command::Pass { ms } => self.now = now + Duration::from_millis(ms),
            Command::StepBack { ms } => {
                self.now = self.floor.max(now - Duration::from_millis(ms));
            }
            Command::ClaimLane { deliver, lane, max, lease_ms } => {
                self.claim_lane(stage(deliver), &key(lane), max, lease_ms).await;
            }
            Command::Tell { deliver, lane, news } => {
                let news = news.told(now, self.lasting);
                self.both(async |s| s.tell(stage(deliver), &key(lane), news, now).await).await;
            }
            Command::Relimit { deliver } => {
                self.stores().iter().for_each(|s| s.relimit(stage(deliver)));
            }
            Command::Put { document, bytes } => {
                let (key, value) = (format!("document {document}"), bytes.map(body));
                self.both(async |s| s.put_document("model", key.clone(), value.clone()).await)
                    .await;
            }
            Command::List(wanted) => self.list(&wanted.filter()).await,
            Command::ForgetGroup { group: n } => {
                self.both(async |s| s.forget_group(group(n)).await).await;
            }
            // A restart forgets what a breaker looks back on.
            Command::Reopen if !self.lasting => {}
            Command::Reopen => self.reopen().await,
        }
    }

    async fn claim(&mut self, stage: &Stage, max: usize, lease_ms: u64) -> usize {
        let (now, until) = (self.now, self.now + Duration::from_millis(lease_ms));
        let mut claims = Vec::new();
        for store in self.stores() {
            claims.push(store.claim(stage, max, until, now).await.expect("claimed"));
        }
        self.claimed(claims)
    }

    async fn claim_lane(&mut self, stage: &Stage, lane: &LaneKey, max: usize, lease_ms: u64) {
        let (now, until) = (self.now, self.now + Duration::from_millis(lease_ms));
        let mut claims = Vec::new();
        for store in self.stores() {
            claims.push(store.claim_lane(stage, lane, max, until, now).await.expect("claimed"));
        }
        let order = |claims: &Vec<Claimed>| claims.iter().map(|c| c.lease.id).collect::<Vec<_>>();
        assert_eq!(order(&claims[0]), order(&claims[1]), "left: memory, right: sqlite");
        self.claimed(claims);
    }

    /// Compares what both gave, in whatever order; answers how much it was.
    fn claimed(&mut self, claims: Vec<Vec<Claimed>>) -> usize {
        let by_id = |claimed: Vec<Claimed>| -> BTreeMap<JobId, Claimed> {
            claimed.into_iter().map(|c| (c.lease.id, c)).collect()
        };
        let claims: Vec<_> = claims.into_iter().map(by_id).collect();
        let told = |claims: &BTreeMap<JobId, Claimed>| {
            let told = claims.values().map(|c| {
                let seen = (c.lane.clone(), c.attempt, c.created_at, c.spec.clone());
                (c.lease.id, seen, c.verdict, c.result_bytes, c.interval, c.without_work)
            });
            told.collect::<Vec<_>>()
        };
        assert_eq!(told(&claims[0]), told(&claims[1]), "left: memory, right: sqlite");
        let leases = claims[0].values().zip(claims[1].values()).map(|(m, s)| [m.lease, s.lease]);
        self.leases.extend(leases);
        claims[0].len()
    }

    async fn extend(&self, which: &[[Lease; 2]], by_ms: u64) {
        let until = self.now + Duration::from_millis(by_ms);
        let mut answers = Vec::new();
        for (at, store) in self.stores().iter().enumerate() {
            let leases = which.iter().map(|pair| pair[at]).collect();
            answers.push(store.extend(leases, until, self.now).await.expect("answered"));
        }
        assert_eq!(answers[0], answers[1], "left: memory, right: sqlite");
    }

    async fn settle(&self, said: &[[Settlement; 2]]) {
        let mut answers = Vec::new();
        for (at, store) in self.stores().iter().enumerate() {
            let settlements = said.iter().map(|pair| pair[at].clone());
            answers.push(store.settle(settlements.collect(), self.now).await.expect("answered"));
        }
        assert_eq!(answers[0], answers[1], "left: memory, right: sqlite");
    }

    /// Leases are void after a restart, and a memory store has none: both release them first.
    async fn reopen(&mut self) {
        let at = self.now;
        let all: Vec<_> = std::mem::take(&mut self.leases)
            .into_iter()
            .map(|pair| pair.map(|lease| Settlement::new(lease, Outcome::Release { at })))
            .collect();
        self.settle(&all).await;
        let sqlite = self.sqlite.take().expect("it is open");
        self.sqlite = Some(sqlite.reopen().await);
        // The interval since a lane's last claim is not kept across restarts.
        self.now = self.latest + INTERVAL;
        self.floor = self.now;
        self.turn_is_free = true;
    }

    async fn listed(&self) -> Vec<Record> {
        self.both(async |s| s.list(Filter::default(), None, MANY).await).await
    }

    /// A list by what the filter says is a part of the list of everything.
    async fn list(&self, filter: &Filter) {
        let found = self.both(async |s| s.list(filter.clone(), None, MANY).await).await;
        let all = self.listed().await;
        assert_eq!(found, all.into_iter().filter(|r| filter.matches(r)).collect::<Vec<_>>());
        let few = self.both(async |s| s.list(filter.clone(), None, 2).await).await;
        assert_eq!(few, found[..found.len().min(2)]);
    }

    /// Everything that can be read.
    pub(super) async fn compare(&self) {
        let now = self.now;
        let records = self.listed().await;
        for record in &records {
            self.both(async |s| s.result(record.id).await).await;
            self.both(async |s| s.attempts(record.id).await).await;
        }
        for n in 0..NOTES {
            self.both(async |s| s.note("model", [n; 32]).await).await;
        }
        for (key, _) in self.both(async |s| s.documents("model").await).await {
            self.both(async |s| s.document("model", key.clone()).await).await;
        }
        for n in 0..GROUPS {
            self.both(async |s| Ok(s.group(group(n)))).await;
        }
        self.both(async |s| Ok(s.counts())).await;
        self.both(async |s| {
            let mut lanes = s.lanes(MANY, now);
            lanes.sort_by(|a, b| (&a.stage, &a.key).cmp(&(&b.stage, &b.key)));
            Ok(lanes)
        })
        .await;
        if !self.turn_is_free {
            for stage in [&FETCH, &DELIVER] {
                self.both(async |s| Ok(s.next_due(stage))).await;
                self.both(async |s| Ok(s.oldest_due(stage))).await;
            }
        }
    }

    /// Brings every live job to its end by nothing but waiting as long as `next_due` says.
    pub(super) async fn drain(&mut self) {
        for _ in 0..500 {
            let before = self.leases.len();
            let claimed =
                self.claim(&FETCH, MANY, 1_000).await + self.claim(&DELIVER, MANY, 1_000).await;
            let done = Outcome::Done { verdict: None, result: None, note: None };
            let said: Vec<_> = self.leases[before..]
                .iter()
                .map(|pair| pair.map(|lease| Settlement::new(lease, done.clone())))
                .collect();
            self.settle(&said).await;
            if self.stores()[0].counts().live() == 0 {
                return;
            }
            if claimed == 0 {
                let due = self.next_due().expect("a live job is claimable some time");
                assert!(due > self.now, "nothing was claimable, so waiting must help");
                self.now = due;
            }
        }
        panic!("jobs are stuck: {:#?}", self.stores()[0].counts());
    }

    /// The earlier of both: a store may name a moment at which there turns out to be nothing.
    fn next_due(&self) -> Option<Timestamp> {
        let dues = self.stores().map(|store| [&FETCH, &DELIVER].map(|stage| store.next_due(stage)));
        dues.into_iter().flatten().flatten().min()
    }
}
