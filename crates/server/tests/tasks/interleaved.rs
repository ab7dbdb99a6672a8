//! Batches on the real engines while several workers get in each other's way.
//!
//! Dice decide who does the next step: take, apply, finish, give back, bury; which call took place
//! without the worker hearing of it; who dies; whose lease ends; when applied batches are forgotten;
//! which two do their next steps at the same time. Each step is an hour. At the end everybody dies,
//! one worker works off what is left, and every item has to be in the tables once, and once in the
//! queue of what follows.
//!
//! `SCHEDULE_SEED=7 SCHEDULES=100` plays other schedules, from that seed on and so many of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use ichnaea_domain::mac::Mac;
use ichnaea_domain::station::{Station, StationKey};
use ichnaea_kv::{KeyValue, Op};
use ichnaea_store::{BatchRef, Error, StationChanges, Store};
use ichnaea_testkit::Backend;

use crate::bench::{Bench, NOON_MS};

const WORKERS: usize = 4;
const STEPS: i64 = 400;
/// Longer than any schedule: a lease ends when the dice say so.
const LEASE: Duration = Duration::from_hours(24);
/// Hours after which a worker is dead for certain, and dead letters are sent again. Much less than
/// what applied batches are remembered for.
const MOST_HOURS: i64 = 60;
const REMEMBERED_HOURS: i64 = 7 * 24;

/// What is done differently, to see that it is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mistake {
    None,
    /// Each try is written down under an id of its own.
    NewIdEachTime,
    /// What follows is done whether or not the batch was in flight.
    FinishedUnseen,
    /// Applied batches are forgotten after an hour, in flight or not.
    ForgottenTooSoon,
}

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        // Steele, Lea and Flood's SplitMix.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

/// The handles of one worker, as another process has them.
#[derive(Clone)]
struct Handles {
    kv: Arc<dyn KeyValue>,
    store: Store,
    queue: String,
    mistake: Mistake,
}

/// A batch in the hands of a worker.
#[derive(Clone)]
struct Holding {
    id: String,
    items: Vec<Vec<u8>>,
    again: bool,
    at: At,
    since: i64,
}

#[derive(Clone, Copy)]
enum At {
    Taken,
    ToBury,
    Worked,
}

/// How the next step of a worker goes.
struct Plan {
    hour: i64,
    max: usize,
    is_answered: bool,
    would_bury: bool,
}

impl Handles {
    fn follows(&self) -> String {
        format!("{}:follows", self.queue)
    }

    fn dead(&self) -> String {
        format!("{}:dead", self.queue)
    }

    /// One step; what the worker has then.
    async fn step(self, holding: Option<Holding>, plan: Plan) -> Option<Holding> {
        let Some(held) = holding else {
            let taken = self.kv.take(&self.queue, plan.max, LEASE).await.unwrap()?;
            let (id, items, again) = (taken.id, taken.items, taken.again);
            let holding = Holding { id, items, again, at: At::Taken, since: plan.hour };
            return plan.is_answered.then_some(holding);
        };
        let at = match held.at {
            At::Taken if held.again && plan.would_bury => {
                let is_applied = self.store.is_applied(&held.id).await.unwrap();
                Some(if is_applied { At::Taken } else { At::ToBury })
            }
            At::Taken => self.apply(&held, plan.hour).await.then_some(At::Worked),
            At::ToBury => {
                let letter = [held.id.as_bytes(), &held.items.concat()].concat();
                let ops = vec![Op::Push { queue: self.dead(), items: vec![letter] }];
                self.kv.finish(&self.queue, &held.id, ops).await.unwrap();
                return None;
            }
            At::Worked => {
                let follows = Op::Push { queue: self.follows(), items: held.items };
                if self.mistake == Mistake::FinishedUnseen {
                    self.kv.finish(&self.queue, &held.id, Vec::new()).await.unwrap();
                    self.kv.apply(vec![follows]).await.unwrap();
                } else {
                    self.kv.finish(&self.queue, &held.id, vec![follows]).await.unwrap();
                }
                if !plan.is_answered {
                    self.kv.put_back(&self.queue, &held.id).await.unwrap();
                }
                return None;
            }
        };
        if let Some(at) = at.filter(|_| plan.is_answered) {
            return Some(Holding { at, ..held });
        }
        self.kv.put_back(&self.queue, &held.id).await.unwrap();
        None
    }

    /// Adds a sample to the station of each item; false when the database asks to try again.
    async fn apply(&self, held: &Holding, hour: i64) -> bool {
        let keys: Vec<StationKey> = held.items.iter().map(|item| station(item)).collect();
        let id = match self.mistake {
            Mistake::NewIdEachTime => format!("{}-{hour}", held.id),
            _ => held.id.clone(),
        };
        let batch = BatchRef { id, queue: self.queue.clone(), now: time(hour) };
        let of_rule = keys.clone();
        let rule = move |found: &HashMap<StationKey, Station>| {
            let mut changes =
                StationChanges { insert: Vec::new(), update: Vec::new(), outcome: () };
            for key in &of_rule {
                match found.get(key) {
                    Some(known) => {
                        let samples = known.samples.map(|samples| samples + 1);
                        changes.update.push((*key, Station { samples, ..known.clone() }));
                    }
                    None => changes
                        .insert
                        .push((*key, Station { samples: Some(1), ..Station::default() })),
                }
            }
            changes
        };
        match self.store.update_stations(&batch, keys, rule).await {
            Ok(_) => true,
            Err(Error::Busy(_)) => false,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Sends the oldest dead letter again under its old id; false when there is none.
    async fn resend(&self) -> bool {
        let Some(taken) = self.kv.take(&self.dead(), 1, LEASE).await.unwrap() else { return false };
        let (id, items) = taken.items[0].split_at(36);
        let id = String::from_utf8(id.to_vec()).unwrap();
        let items = items.chunks(6).map(<[u8]>::to_vec).collect();
        let ops = vec![Op::Restore { queue: self.queue.clone(), id, items }];
        assert!(self.kv.finish(&self.dead(), &taken.id, ops).await.unwrap());
        true
    }

    async fn forget(&self, hour: i64) {
        let (hours, in_flight) = match self.mistake {
            Mistake::ForgottenTooSoon => (0, Vec::new()),
            _ => (REMEMBERED_HOURS, self.kv.in_flight().await.unwrap()),
        };
        self.store.cleanup_applied(time(hour - hours), &in_flight).await.unwrap();
    }
}

fn time(hour: i64) -> NaiveDateTime {
    DateTime::from_timestamp_millis(NOON_MS).unwrap().naive_utc() + TimeDelta::hours(hour)
}

fn station(item: &[u8]) -> StationKey {
    StationKey::Wifi(Mac::from_bytes(item.try_into().unwrap()))
}

/// One schedule.
struct Play {
    workers: Vec<Handles>,
    holding: Vec<Option<Holding>>,
    dice: Dice,
    number: u16,
    pushed: u16,
    /// All batches that a worker has heard of, oldest first.
    ids: Vec<String>,
    dead_since: Option<i64>,
}

impl Play {
    async fn begin(bench: &Bench, number: u16, seed: u64, mistake: Mistake) -> Self {
        let queue = format!("update_schedule_{number}");
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            let options = ichnaea_kv::Options::default();
            let kv = ichnaea_kv::open(&bench.keyvalue.uri, &options).await.unwrap();
            let uri = bench.database.writer_uri();
            let store = Store::open(&uri, &ichnaea_store::Options::default()).unwrap();
            workers.push(Handles { kv, store, queue: queue.clone(), mistake });
        }
        let (holding, ids) = (vec![None; WORKERS], Vec::new());
        Self { workers, holding, dice: Dice(seed), number, pushed: 0, ids, dead_since: None }
    }

    async fn push(&mut self) {
        let many = 1 + u16::try_from(self.dice.below(6)).unwrap();
        let item = |number: u16| {
            [[2, 0].as_slice(), &self.number.to_be_bytes(), &number.to_be_bytes()].concat()
        };
        let items = (self.pushed..self.pushed + many).map(item).collect();
        let handles = &self.workers[0];
        handles.kv.apply(vec![Op::Push { queue: handles.queue.clone(), items }]).await.unwrap();
        self.pushed += many;
    }

    fn plan(&mut self, hour: i64, is_answered: bool) -> Plan {
        let max = 1 + self.dice.below(4);
        Plan { hour, max, is_answered, would_bury: self.dice.below(6) == 0 }
    }

    async fn work(&mut self, worker: usize, plan: Plan) {
        let held = self.holding[worker].take();
        self.holding[worker] = self.workers[worker].clone().step(held, plan).await;
        self.hear(worker);
    }

    fn hear(&mut self, worker: usize) {
        if let Some(held) = &self.holding[worker]
            && !self.ids.contains(&held.id)
        {
            self.ids.push(held.id.clone());
        }
    }

    /// Two workers do their next steps at the same time.
    async fn work_at_once(&mut self, first: usize, plans: [Plan; 2]) {
        let second = (first + 1) % WORKERS;
        let [one, two] = plans;
        let (held, other) = (self.holding[first].take(), self.holding[second].take());
        let handles = (self.workers[first].clone(), self.workers[second].clone());
        let first_step = tokio::spawn(handles.0.step(held, one));
        let second_step = tokio::spawn(handles.1.step(other, two));
        self.holding[first] = first_step.await.unwrap();
        self.holding[second] = second_step.await.unwrap();
        self.hear(first);
        self.hear(second);
    }

    async fn end_lease_of(&self, id: &str) {
        let handles = &self.workers[0];
        handles.kv.renew(&handles.queue, id, Duration::ZERO).await.unwrap();
    }

    async fn step(&mut self, hour: i64) {
        for held in &mut self.holding {
            held.take_if(|held| hour - held.since > MOST_HOURS);
        }
        if self.dead_since.is_some_and(|since| hour - since > MOST_HOURS) {
            while self.workers[0].resend().await {}
            self.dead_since = None;
        }
        let worker = self.dice.below(WORKERS);
        match self.dice.below(100) {
            0..50 => {
                let plan = self.plan(hour, true);
                self.work(worker, plan).await;
            }
            50..60 => {
                let plan = self.plan(hour, false);
                self.work(worker, plan).await;
            }
            60..68 => self.holding[worker] = None,
            68..80 => {
                if !self.ids.is_empty() {
                    let recent = self.ids.len().saturating_sub(8);
                    let place = recent + self.dice.below(self.ids.len() - recent);
                    self.end_lease_of(&self.ids[place]).await;
                }
            }
            80..86 => self.push().await,
            86..89 => {
                self.workers[worker].resend().await;
            }
            89..92 => self.workers[worker].forget(hour).await,
            _ => {
                let plans = [self.plan(hour, true), self.plan(hour, true)];
                self.work_at_once(worker, plans).await;
            }
        }
        if self.dead_since.is_none() {
            let handles = &self.workers[0];
            let dead = handles.kv.queues(&[handles.dead()]).await.unwrap();
            self.dead_since = (dead[0].len > 0).then_some(hour);
        }
    }

    /// Everybody dies; one worker works off what is left.
    async fn settle(&mut self) -> Result<(), String> {
        self.holding.fill(None);
        while self.workers[0].resend().await {}
        let handles = self.workers[0].clone();
        for id in handles.kv.in_flight().await.unwrap() {
            self.end_lease_of(&id).await;
        }
        for _ in 0..4 * STEPS {
            let plan = || Plan { hour: STEPS, max: 100, is_answered: true, would_bury: false };
            let Some(taken) = handles.clone().step(None, plan()).await else {
                let state =
                    handles.kv.queues(std::slice::from_ref(&handles.queue)).await.unwrap()[0];
                let left = state.len + state.in_flight;
                return if left == 0 { Ok(()) } else { Err(format!("{left} items are left")) };
            };
            if let Some(worked) = handles.clone().step(Some(taken), plan()).await {
                handles.clone().step(Some(worked), plan()).await;
            }
        }
        Err("it does not come to an end".to_owned())
    }

    /// Counts how often each item is in the tables, and in the queue of what follows.
    async fn account(&self, bench: &Bench) -> Result<(), String> {
        let handles = &self.workers[0];
        let follows = handles.kv.peek(&handles.follows(), 0, 100_000).await.unwrap();
        let mut followed: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        for item in follows {
            *followed.entry(item).or_default() += 1;
        }
        let rows = bench.database.rows("SELECT HEX(mac), samples FROM wifi_shard_0");
        let samples: HashMap<String, String> = rows
            .into_iter()
            .filter_map(|row| <[Option<String>; 2]>::try_from(row).ok())
            .filter_map(|[mac, samples]| Some((mac?, samples?)))
            .collect();
        for number in 0..self.pushed {
            let item =
                [[2, 0].as_slice(), &self.number.to_be_bytes(), &number.to_be_bytes()].concat();
            let name = item.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat();
            let applied = samples.get(&name).map_or("0", String::as_str);
            let follows = followed.get(&item).copied().unwrap_or(0);
            if applied != "1" || follows != 1 {
                return Err(format!("item {number}: applied {applied}, followed {follows} times"));
            }
        }
        Ok(())
    }

    async fn play(mut self, bench: &Bench) -> Result<u16, String> {
        self.push().await;
        for hour in 0..STEPS {
            self.step(hour).await;
        }
        self.settle().await?;
        self.account(bench).await?;
        Ok(self.pushed)
    }
}

#[expect(clippy::disallowed_methods, reason = "which schedules are played is no setting")]
fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

pub async fn nothing_is_lost_or_doubled_whoever_comes_next(backend: Backend) {
    let bench = Bench::new(backend).await;
    let first = number_from("SCHEDULE_SEED", 1);
    for number in 0..u16::try_from(number_from("SCHEDULES", 5)).unwrap() {
        let seed = first + u64::from(number);
        let ended = Play::begin(&bench, number, seed, Mistake::None).await.play(&bench).await;
        let pushed = ended.unwrap_or_else(|problem| panic!("SCHEDULE_SEED={seed}: {problem}"));
        assert!(pushed > 20, "SCHEDULE_SEED={seed}: only {pushed} items");
    }
}

pub async fn schedules_find_what_each_safeguard_is_for(backend: Backend) {
    let bench = Bench::new(backend).await;
    let mut number = 0;
    for mistake in [Mistake::NewIdEachTime, Mistake::FinishedUnseen, Mistake::ForgottenTooSoon] {
        let mut found = None;
        for seed in 1..=30 {
            number += 1;
            let ended = Play::begin(&bench, number, seed, mistake).await.play(&bench).await;
            found = ended.err();
            if found.is_some() {
                break;
            }
        }
        assert!(found.is_some(), "mistake {number} was not found");
    }
}
