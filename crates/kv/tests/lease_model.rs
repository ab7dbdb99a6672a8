//! A model check of how batches are worked on: every order in which workers can take, apply, finish,
//! give back and bury batches, with a crash, a lost answer or the end of a lease at any point.
//!
//! The model is the protocol, not the code: what `take`, `finish`, `renew` and `Op::Restore` promise
//! (`kv`), the transaction that knows applied batches (`store`), and the order in which a worker
//! calls them (`tasks/batch.rs` of the server). All states that can be reached are visited. In each:
//!
//! - no item was applied twice, and nothing followed from one twice;
//! - each item is in one place: waiting, in flight, among the dead letters, or done;
//! - a worker that meets no more trouble gets everything done, and then each item was applied once.
//!
//! That the checker can find mistakes is shown by taking one safeguard out at a time.
//!
//! What is assumed: an applied batch is forgotten only when it is neither in flight, nor a dead
//! letter, nor held by a worker that still lives.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

/// What a protocol with a mistake does differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    /// Nothing.
    None,
    /// Taking a batch removes it, as the original does.
    TakenIsGone,
    /// A batch that is taken again gets a new id.
    NewIdEachTime,
    /// The id is written after the rows, not with them.
    IdAfterRows,
    /// Ids are not looked at before rows are changed.
    NotLookedAt,
    /// Finishing does what follows whether or not the batch is in flight.
    FinishedUnseen,
    /// Applied batches are forgotten while they can still come again.
    ForgottenTooSoon,
    /// A batch is buried under one id and sent again under another.
    SentAgainAsNew,
}

/// A step that can be next.
struct Step {
    name: String,
    /// Does a worker that meets no trouble do this?
    is_smooth: bool,
    next: State,
}

impl Step {
    fn smooth(name: String, next: State) -> Self {
        Self { name, is_smooth: true, next }
    }

    fn trouble(name: String, next: State) -> Self {
        Self { name, is_smooth: false, next }
    }
}

/// Items, small numbers from 0.
type Item = u8;
type Id = u8;

/// Most ids; only a protocol with a mistake comes near.
const IDS: Id = 6;

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
struct State {
    waiting: Vec<Item>,
    in_flight: BTreeMap<Id, Batch>,
    dead: BTreeMap<Id, Vec<Item>>,
    workers: Vec<Option<Worker>>,
    /// How often each item was applied.
    applied: Vec<u8>,
    /// How often what follows from each item was done.
    followed: Vec<u8>,
    /// Batches known as applied.
    known: BTreeSet<Id>,
    next_id: Id,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Batch {
    items: Vec<Item>,
    /// May it be taken again?
    is_due: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Worker {
    id: Id,
    items: Vec<Item>,
    at: At,
}

/// What a worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// Change rows, or look whether the batch is to be buried.
    Taken,
    /// Write the id; with a mistake only.
    RowsWritten,
    /// Make dead letters of it: it was not known as applied.
    ToBury,
    /// Finish.
    Worked,
    /// Give it back: something failed, or was not answered.
    Failed,
}

impl State {
    fn start(items: u8, workers: usize) -> Self {
        Self {
            waiting: (0..items).collect(),
            workers: vec![None; workers],
            applied: vec![0; items.into()],
            followed: vec![0; items.into()],
            ..Self::default()
        }
    }

    /// Is there nothing left to do?
    fn is_done(&self) -> bool {
        let is_idle = self.workers.iter().all(Option::is_none);
        is_idle && self.waiting.is_empty() && self.in_flight.is_empty() && self.dead.is_empty()
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next
    }

    fn set(&mut self, worker: usize, at: Option<At>) {
        match (at, &mut self.workers[worker]) {
            (Some(at), Some(holding)) => holding.at = at,
            (_, place) => *place = None,
        }
    }

    /// Every step that can be next.
    fn steps(&self, mistake: Mistake) -> Vec<Step> {
        let mut steps = Vec::new();
        for worker in 0..self.workers.len() {
            match &self.workers[worker] {
                None => self.takes(worker, mistake, &mut steps),
                Some(holding) => {
                    self.works(worker, holding, mistake, &mut steps);
                    let crashed = self.with(|next| next.set(worker, None));
                    steps.push(Step::trouble(format!("{worker} crashes"), crashed));
                }
            }
        }
        for (&id, batch) in &self.in_flight {
            if !batch.is_due {
                let late = self.with(|next| next.due(id));
                steps.push(Step::smooth(format!("the lease of {id} runs out"), late));
            }
        }
        for &id in self.dead.keys() {
            let again = self.sent_again(id, mistake);
            steps.push(Step::smooth(format!("{id} is sent again"), again));
        }
        for &id in &self.known {
            let holds = |worker: &Option<Worker>| worker.as_ref().is_some_and(|it| it.id == id);
            let can_come = self.in_flight.contains_key(&id)
                || self.dead.contains_key(&id)
                || self.workers.iter().any(holds);
            if !can_come || mistake == Mistake::ForgottenTooSoon {
                let forgotten = self.with(|next| {
                    next.known.remove(&id);
                });
                steps.push(Step::trouble(format!("{id} is forgotten"), forgotten));
            }
        }
        steps
    }

    fn due(&mut self, id: Id) {
        if let Some(batch) = self.in_flight.get_mut(&id) {
            batch.is_due = true;
        }
    }

    fn sent_again(&self, id: Id, mistake: Mistake) -> Self {
        self.with(|next| {
            let items = next.dead.remove(&id).unwrap_or_default();
            let id = if mistake == Mistake::SentAgainAsNew { next.new_id() } else { id };
            next.in_flight.insert(id, Batch { items, is_due: true });
        })
    }

    fn new_id(&mut self) -> Id {
        self.next_id += 1;
        self.next_id - 1
    }

    fn takes(&self, worker: usize, mistake: Mistake, steps: &mut Vec<Step>) {
        let due: Vec<Id> =
            self.in_flight.iter().filter(|(_, batch)| batch.is_due).map(|(&id, _)| id).collect();
        let mut add = |id: Id, next: Self| {
            let items = next.in_flight[&id].items.clone();
            let mut next = next;
            if mistake == Mistake::TakenIsGone {
                next.in_flight.remove(&id);
            }
            // The batch is in flight, but the worker does not hear of it.
            steps.push(Step::trouble(format!("{worker} takes {id}, no answer"), next.clone()));
            next.workers[worker] = Some(Worker { id, items, at: At::Taken });
            steps.push(Step::smooth(format!("{worker} takes {id}"), next));
        };
        for &id in &due {
            let mut next = self.clone();
            let Some(mut batch) = next.in_flight.remove(&id) else { continue };
            batch.is_due = false;
            let id = if mistake == Mistake::NewIdEachTime { next.new_id() } else { id };
            next.in_flight.insert(id, batch);
            add(id, next);
        }
        if due.is_empty() {
            for len in 1..=self.waiting.len() {
                let mut next = self.clone();
                let items = next.waiting.drain(..len).collect();
                let id = next.new_id();
                next.in_flight.insert(id, Batch { items, is_due: false });
                add(id, next);
            }
        }
    }

    fn works(&self, worker: usize, holding: &Worker, mistake: Mistake, steps: &mut Vec<Step>) {
        let Worker { id, items, at } = holding;
        let id = *id;
        let mut add = |step: fn(String, Self) -> Step, what: &str, next: Self| {
            steps.push(step(format!("{worker} {what} {id}"), next));
        };
        let failed = |mut next: Self| {
            next.set(worker, Some(At::Failed));
            next
        };
        if let Some(batch) = self.in_flight.get(&id)
            && batch.is_due
        {
            add(
                Step::trouble,
                "renews",
                self.with(|next| {
                    next.in_flight.entry(id).and_modify(|batch| batch.is_due = false);
                }),
            );
        }
        match at {
            At::Taken => {
                let is_known = self.known.contains(&id) && mistake != Mistake::NotLookedAt;
                let done = self.with(|next| {
                    if !is_known {
                        for &item in items {
                            next.applied[usize::from(item)] += 1;
                        }
                    }
                    let at = if mistake == Mistake::IdAfterRows && !is_known {
                        At::RowsWritten
                    } else {
                        next.known.insert(id);
                        At::Worked
                    };
                    next.set(worker, Some(at));
                });
                if mistake != Mistake::IdAfterRows {
                    add(Step::trouble, "applies, no answer,", failed(done.clone()));
                }
                add(Step::smooth, "applies", done);
                add(Step::trouble, "cannot apply", failed(self.clone()));
                if !self.known.contains(&id) {
                    add(
                        Step::trouble,
                        "wants to bury",
                        self.with(|next| next.set(worker, Some(At::ToBury))),
                    );
                }
            }
            At::RowsWritten => add(
                Step::smooth,
                "notes",
                self.with(|next| {
                    next.known.insert(id);
                    next.set(worker, Some(At::Worked));
                }),
            ),
            At::ToBury => {
                let buried = self.with(|next| {
                    if let Some(batch) = next.in_flight.remove(&id) {
                        next.dead.insert(id, batch.items);
                    }
                });
                add(Step::trouble, "buries, no answer,", failed(buried.clone()));
                add(Step::trouble, "buries", buried.with(|next| next.set(worker, None)));
            }
            At::Worked => {
                let finished = self.with(|next| {
                    let was_there = next.in_flight.remove(&id).is_some();
                    if was_there || mistake == Mistake::FinishedUnseen {
                        for &item in items {
                            next.followed[usize::from(item)] += 1;
                        }
                    }
                });
                add(Step::trouble, "finishes, no answer,", failed(finished.clone()));
                add(Step::smooth, "finishes", finished.with(|next| next.set(worker, None)));
            }
            At::Failed => add(
                Step::smooth,
                "gives back",
                self.with(|next| {
                    next.due(id);
                    next.set(worker, None);
                }),
            ),
        }
    }

    /// What is wrong with this state.
    fn problem(&self) -> Option<String> {
        for (item, (&applied, &followed)) in self.applied.iter().zip(&self.followed).enumerate() {
            let item = u8::try_from(item).ok()?;
            let batches = self.in_flight.values().map(|batch| &batch.items);
            let lists = batches.chain(self.dead.values()).chain([&self.waiting]);
            let places = lists.filter(|items| items.contains(&item)).count();
            if applied > 1 {
                return Some(format!("item {item} was applied {applied} times"));
            }
            if followed > 1 {
                return Some(format!("what follows from item {item} was done {followed} times"));
            }
            if places + usize::from(followed) != 1 {
                return Some(format!("item {item} is in {places} places, done {followed} times"));
            }
            if followed > applied {
                return Some(format!("item {item} is done and was not applied"));
            }
        }
        None
    }

    /// What is left undone when all workers crash now and one works on without any trouble.
    fn unsettled(&self, mistake: Mistake) -> Option<String> {
        let mut state = self.with(|next| next.workers.fill(None));
        for _ in 0..64 {
            if state.is_done() {
                let wrong = state.applied.iter().find(|&&times| times != 1);
                return wrong.map(|times| format!("in the end an item was applied {times} times"));
            }
            let next = state.steps(mistake).into_iter().find(|step| step.is_smooth);
            match next {
                Some(step) => state = step.next,
                None => return Some("nothing can be done any more".to_owned()),
            }
        }
        Some("it does not come to an end".to_owned())
    }
}

/// Visits every state; how many there are, or the shortest way to one that is wrong.
fn check(items: u8, workers: usize, mistake: Mistake) -> Result<usize, String> {
    let start = State::start(items, workers);
    let mut seen = HashSet::from([start.clone()]);
    let mut visited: Vec<(State, usize, String)> = vec![(start, 0, "start".to_owned())];
    let mut open = VecDeque::from([0]);
    while let Some(number) = open.pop_front() {
        let state = visited[number].0.clone();
        if let Some(problem) = state.problem().or_else(|| state.unsettled(mistake)) {
            let (mut at, mut way) = (number, vec![problem]);
            while at > 0 {
                way.push(visited[at].2.clone());
                at = visited[at].1;
            }
            way.reverse();
            return Err(way.join("; "));
        }
        for Step { name, next, .. } in state.steps(mistake) {
            if next.next_id <= IDS && seen.insert(next.clone()) {
                open.push_back(visited.len());
                visited.push((next, number, name));
            }
        }
    }
    Ok(visited.len())
}

#[test]
fn no_order_of_steps_loses_or_doubles_an_item() {
    for (items, workers, at_least) in [(2, 2, 1_000), (3, 2, 5_000), (2, 3, 10_000)] {
        let states = check(items, workers, Mistake::None).unwrap_or_else(|way| panic!("{way}"));
        assert!(states > at_least, "only {states} states were looked at");
    }
}

#[test]
fn the_check_finds_what_each_safeguard_is_for() {
    for (mistake, problem) in [
        (Mistake::TakenIsGone, "in 0 places"),
        (Mistake::NewIdEachTime, "applied 2 times"),
        (Mistake::IdAfterRows, "applied 2 times"),
        (Mistake::NotLookedAt, "applied 2 times"),
        (Mistake::FinishedUnseen, "done 2 times"),
        (Mistake::ForgottenTooSoon, "applied 2 times"),
        (Mistake::SentAgainAsNew, "applied 2 times"),
    ] {
        let found = check(2, 2, mistake).expect_err("the mistake was not found");
        assert!(found.contains(problem), "{mistake:?}: {found}");
    }
}
