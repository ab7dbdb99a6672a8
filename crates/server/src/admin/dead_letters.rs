//! `ichnaea pipeline dead-letters`: what could not be worked on, and what becomes of it.
//!
//! The letters of a queue are a queue themselves, so they are taken under a lease and finished in
//! one step with what becomes of them: a command that is killed on the way has changed nothing, and
//! what it held comes back with the next one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::ensure;
use clap::{Args, Subcommand};
use ichnaea_kv::queue::{Codec, DataQueue};
use ichnaea_kv::{KeyValue, Op};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{confirm, print, print_json, refuse, table};
use crate::tasks::letter::Letter;
use crate::{fault, keys};

/// Letters that are looked at in one step.
const PAGE: usize = 1000;
/// The most that are, so as not to part a batch.
const MAX_PAGE: usize = 100_000;
/// Length of the id of a letter; each byte is two digits.
const ID_BYTES: usize = 6;

/// What to do with dead letters.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Lists dead letters, oldest first
    #[command(after_help = "Status 0, also when there are none.")]
    List {
        /// Which ones
        #[command(flatten)]
        which: Which,
        /// Most letters to list
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Print the letters as JSON, with what they hold
        #[arg(long)]
        json: bool,
    },
    /// Shows whole letters, with what they hold
    #[command(after_help = "Reports have positions in them. Ends with status 1 when there is no \
        such letter.")]
    Show {
        /// Ids, as `list` shows them, or ids of batches
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Puts letters back into their queues, to be worked on again
    #[command(
        after_help = "A batch that became dead letters as a whole is worked on again as that \
        batch, under its old id, when all its letters are meant: a target can tell that it has \
        seen it before. Others wait in their queue like new.\n\n\
        Examples:\n  \
        ichnaea pipeline dead-letters requeue queue_export_partner\n  \
        ichnaea pipeline dead-letters requeue --reason refused\n\n\
        May be interrupted and repeated. Status 1 when no letter was meant."
    )]
    Requeue {
        /// Which ones
        #[command(flatten)]
        which: Which,
        /// Most letters to put back
        #[arg(long)]
        limit: Option<usize>,
        /// Print what was done as JSON
        #[arg(long)]
        json: bool,
    },
    /// Throws letters away for good
    #[command(after_help = "At a terminal it asks before. Status 1 when no letter was meant.")]
    Drop {
        /// Which ones
        #[command(flatten)]
        which: Which,
        /// Most letters to throw away
        #[arg(long)]
        limit: Option<usize>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Print what was done as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Which letters are meant: all that fit everything that is given.
#[derive(Args, Clone, Debug, Default)]
pub struct Which {
    /// Their queue; without one, of all queues
    queue: Option<String>,
    /// Why they are dead: `undecodable`, `failed_batch` or `refused`
    #[arg(long)]
    reason: Option<String>,
    /// Ids of letters, or of batches
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,
}

/// A letter with its place.
#[derive(Debug, Serialize)]
struct Shown {
    queue: String,
    id: String,
    reason: String,
    detail: String,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<String>,
    item: Value,
}

/// Runs one of the commands; false when no letter was meant.
///
/// `lease` is how long a page stays with a command that was killed.
pub async fn run(kv: &dyn KeyValue, lease: Duration, command: Command) -> anyhow::Result<bool> {
    match command {
        Command::List { which, limit, json } => {
            list(kv, &which, limit, json).await?;
            Ok(true)
        }
        Command::Show { ids, json } => {
            let which = Which { ids, ..Which::default() };
            let found = found(kv, &which, usize::MAX).await?;
            if found.is_empty() {
                return Ok(refuse(json, "There is no such dead letter"));
            }
            if json {
                print_json(&found)?;
            } else {
                found.iter().flat_map(lines).for_each(print);
            }
            Ok(true)
        }
        Command::Requeue { which, limit, json } => {
            let done = each_queue(kv, lease, &which, limit, Fate::Requeued).await?;
            tell(&done, "put back", json)
        }
        Command::Drop { which, limit, yes, json } => {
            let meant = count(kv, &which).await?.min(limit.unwrap_or(usize::MAX));
            let name = which.queue.clone().unwrap_or_else(|| "all".to_owned());
            let question = format!("This throws {meant} dead letters away for good.");
            ensure!(meant == 0 || yes || confirm(&question, &name), "nothing was thrown away");
            let done = each_queue(kv, lease, &which, limit, Fate::Dropped).await?;
            tell(&done, "thrown away", json)
        }
    }
}

async fn list(kv: &dyn KeyValue, which: &Which, limit: usize, json: bool) -> anyhow::Result<()> {
    let found = found(kv, which, limit).await?;
    if json {
        return print_json(&found);
    }
    if found.is_empty() {
        print("No dead letters.");
    } else {
        let head = ["id", "queue", "reason", "time", "batch", "detail"].map(str::to_owned).to_vec();
        let row = |shown: &Shown| {
            let batch = shown.batch.clone().unwrap_or_default();
            let Shown { queue, id, reason, detail, time, .. } = shown;
            [id, queue, reason, time, &batch, detail].map(Clone::clone).to_vec()
        };
        let rows: Vec<_> = std::iter::once(head).chain(found.iter().map(row)).collect();
        table(&rows, "  ").iter().map(|line| line.trim_end()).for_each(print);
    }
    let kept = count_all(kv, which).await?;
    if found.len() < kept.waiting {
        print(format!("{} of {} are shown: see --limit.", found.len(), kept.waiting));
    }
    if kept.held > 0 {
        print(format!(
            "{} more are held by another command; when it was killed, the next `requeue` or `drop` \
             takes them up.",
            kept.held
        ));
    }
    Ok(())
}

fn lines(shown: &Shown) -> Vec<String> {
    let Shown { queue, id, reason, detail, time, batch, item } = shown;
    let batch = batch.as_ref().map(|batch| format!("batch   {batch}"));
    [
        Some(format!("id      {id}")),
        Some(format!("queue   {queue}")),
        Some(format!("reason  {reason}: {detail}")),
        Some(format!("time    {time}")),
        batch,
        Some(format!("item    {item}")),
        Some(String::new()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The letters that are meant, without taking them.
async fn found(kv: &dyn KeyValue, which: &Which, limit: usize) -> anyhow::Result<Vec<Shown>> {
    let mut found = Vec::new();
    for queue in queues(kv, which).await? {
        let list = keys::dead_letters(&queue);
        let mut start = 0;
        while found.len() < limit {
            let page = kv.peek(&list, start, PAGE).await?;
            if page.is_empty() {
                break;
            }
            start += page.len();
            let meant = page.iter().filter(|bytes| which.means(bytes));
            found.extend(meant.take(limit - found.len()).map(|bytes| shown(&queue, bytes)));
        }
    }
    Ok(found)
}

/// How many letters are meant, as far as that can be known without taking them.
async fn count(kv: &dyn KeyValue, which: &Which) -> anyhow::Result<usize> {
    let mut count = 0;
    for queue in queues(kv, which).await? {
        let list = keys::dead_letters(&queue);
        let mut start = 0;
        loop {
            let page = kv.peek(&list, start, PAGE).await?;
            if page.is_empty() {
                break;
            }
            start += page.len();
            count += page.iter().filter(|bytes| which.means(bytes)).count();
        }
    }
    Ok(count)
}

struct Kept {
    waiting: usize,
    held: u64,
}

async fn count_all(kv: &dyn KeyValue, which: &Which) -> anyhow::Result<Kept> {
    let lists: Vec<String> =
        queues(kv, which).await?.iter().map(|queue| keys::dead_letters(queue)).collect();
    let held = kv.queues(&lists).await?.iter().map(|state| state.in_flight).sum();
    Ok(Kept { waiting: count(kv, which).await?, held })
}

/// The queues of which there are dead letters, as far as they are meant.
async fn queues(kv: &dyn KeyValue, which: &Which) -> anyhow::Result<Vec<String>> {
    let lists = kv.queue_names(keys::DEAD_PREFIX).await?;
    let names = lists.iter().filter_map(|list| list.strip_prefix(keys::DEAD_PREFIX));
    let is_meant = |name: &&str| which.queue.as_deref().is_none_or(|queue| queue == *name);
    Ok(names.filter(is_meant).map(str::to_owned).collect())
}

impl Which {
    fn means(&self, bytes: &[u8]) -> bool {
        let letter = Letter::decode(bytes);
        let is_reason = self
            .reason
            .as_deref()
            .is_none_or(|reason| letter.as_ref().is_some_and(|letter| letter.reason == reason));
        let batch = letter.as_ref().and_then(Letter::batch).map(|batch| batch.id);
        let is_id = |id: &String| batch.as_ref() == Some(id) || *id == id_of(bytes);
        is_reason && (self.ids.is_empty() || self.ids.iter().any(is_id))
    }
}

/// The id of a letter: what it says, in short.
fn id_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..ID_BYTES])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn shown(queue: &str, bytes: &[u8]) -> Shown {
    let id = id_of(bytes);
    let Some(letter) = Letter::decode(bytes) else {
        return Shown {
            queue: queue.to_owned(),
            id,
            reason: "unknown".to_owned(),
            detail: "this is no dead letter of this release".to_owned(),
            time: String::new(),
            batch: None,
            item: String::from_utf8_lossy(bytes).into_owned().into(),
        };
    };
    let item = letter.item().unwrap_or_default();
    Shown {
        queue: queue.to_owned(),
        id,
        batch: letter.batch().map(|batch| batch.id),
        item: readable(&item),
        reason: letter.reason,
        detail: letter.detail,
        time: letter.time,
    }
}

/// What an item holds, in whichever form it can be read.
fn readable(item: &[u8]) -> Value {
    let as_form =
        |codec| DataQueue { name: String::new(), codec, batch: 0 }.decode::<Value>(item).ok();
    as_form(Codec::Json).or_else(|| as_form(Codec::GzipJson)).unwrap_or_else(|| hex(item).into())
}

/// What becomes of letters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Requeued,
    Dropped,
}

/// How many letters of each queue met their fate.
async fn each_queue(
    kv: &dyn KeyValue,
    lease: Duration,
    which: &Which,
    limit: Option<usize>,
    fate: Fate,
) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut left = limit.unwrap_or(usize::MAX);
    let mut done = BTreeMap::new();
    for queue in queues(kv, which).await? {
        let count = one_queue(kv, lease, which, &queue, left, fate).await?;
        left -= count;
        if count > 0 {
            done.insert(queue, count);
        }
    }
    Ok(done)
}

/// Goes once through the letters of a queue. Those that are not meant go to the end of the list,
/// so that afterwards all that are left stand in their old order.
async fn one_queue(
    kv: &dyn KeyValue,
    lease: Duration,
    which: &Which,
    queue: &str,
    limit: usize,
    fate: Fate,
) -> anyhow::Result<usize> {
    let list = keys::dead_letters(queue);
    let state = kv.queues(std::slice::from_ref(&list)).await?;
    let mut to_see = state.first().map_or(0, |state| state.len + state.in_flight);
    let mut count = 0;
    while to_see > 0 {
        let size = page_size(kv, &list).await?;
        let Some(taken) = kv.take(&list, size, lease).await? else { break };
        to_see = to_see.saturating_sub(taken.items.len() as u64);
        let mut kept = Vec::new();
        let mut meant = Vec::new();
        for bytes in taken.items {
            // What is no letter has no way back into a queue.
            let has_way = fate == Fate::Dropped || Letter::decode(&bytes).is_some();
            if count + meant.len() < limit && has_way && which.means(&bytes) {
                meant.push(bytes);
            } else {
                kept.push(bytes);
            }
        }
        let met = meant.len();
        let mut ops = vec![Op::Push { queue: list.clone(), items: kept }];
        if fate == Fate::Requeued {
            ops.extend(requeue(queue, &meant));
        }
        fault::point("letters_before_finish");
        if kv.finish(&list, &taken.id, ops).await? {
            count += met;
        }
        fault::point("letters_finished");
    }
    Ok(count)
}

/// A page that does not end within a batch, as far as batches have any usual size.
async fn page_size(kv: &dyn KeyValue, list: &str) -> anyhow::Result<usize> {
    let batch_of = |bytes: Option<&Vec<u8>>| Letter::decode(bytes?)?.batch().map(|batch| batch.id);
    let mut size = PAGE;
    while size < MAX_PAGE {
        let more = kv.peek(list, size - 1, PAGE).await?;
        let last = batch_of(more.first());
        let is_end = |next: &Vec<u8>| last.is_none() || batch_of(Some(next)) != last;
        match more.iter().skip(1).position(is_end) {
            Some(rest) => return Ok(size + rest),
            None if more.len() < PAGE => return Ok(size + more.len()),
            None => size += PAGE - 1,
        }
    }
    Ok(size)
}

/// What puts letters back. Batches of which all letters are here go back as what they were.
fn requeue(queue: &str, letters: &[Vec<u8>]) -> Vec<Op> {
    let letters: Vec<Letter> = letters.iter().filter_map(|bytes| Letter::decode(bytes)).collect();
    let mut batches: BTreeMap<String, (usize, Vec<Vec<u8>>)> = BTreeMap::new();
    let mut items = Vec::new();
    for letter in &letters {
        let Some(item) = letter.item() else { continue };
        match letter.batch() {
            Some(batch) => {
                batches.entry(batch.id).or_insert((batch.items, Vec::new())).1.push(item);
            }
            None => items.push(item),
        }
    }
    let mut ops = Vec::new();
    for (id, (whole, of_batch)) in batches {
        if of_batch.len() == whole {
            ops.push(Op::Delete { key: keys::tries(&id).into_bytes() });
            ops.push(Op::Restore { queue: queue.to_owned(), id, items: of_batch });
        } else {
            items.extend(of_batch);
        }
    }
    ops.push(Op::Push { queue: queue.to_owned(), items });
    ops
}

/// Says what was done; false when that was nothing.
fn tell(done: &BTreeMap<String, usize>, what: &str, json: bool) -> anyhow::Result<bool> {
    if json {
        print_json(done)?;
    } else if done.is_empty() {
        print("No dead letter was meant");
    } else {
        for (queue, count) in done {
            print(format!("{queue}: {count} dead letters {what}"));
        }
    }
    Ok(!done.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::batch::{Dead, OfBatch, Reason};

    fn letter(reason: Reason, item: &str, batch: Option<(&str, usize)>) -> Vec<u8> {
        let batch = batch.map(|(id, items)| OfBatch { id: id.to_owned(), items });
        let dead = Dead { reason, detail: "d".into(), item: item.into(), batch };
        Letter::new(&dead, "2026-01-31 12:00:00").encode()
    }

    #[test]
    fn letters_are_meant_by_reason_and_by_id() {
        let refused = letter(Reason::Refused, "{}", Some(("b1", 1)));
        let odd = letter(Reason::Undecodable, "x", None);
        let which = |reason: Option<&str>, ids: &[&str]| Which {
            queue: None,
            reason: reason.map(str::to_owned),
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        };
        let id = id_of(&odd);
        for (which, expected) in [
            (which(None, &[]), [true, true]),
            (which(Some("refused"), &[]), [true, false]),
            (which(Some("refused"), &["other"]), [false, false]),
            (which(None, &["b1"]), [true, false]),
            (which(None, &[&id, "b1"]), [true, true]),
            (which(Some("undecodable"), &[&id]), [false, true]),
        ] {
            assert_eq!([which.means(&refused), which.means(&odd)], expected, "{which:?}");
        }
        assert!(which(None, &[]).means(b"\xff") && !which(Some("refused"), &[]).means(b"\xff"));
    }

    #[test]
    fn only_whole_batches_go_back_under_their_id() {
        let letters = [
            letter(Reason::Refused, "1", Some(("whole", 2))),
            letter(Reason::Refused, "2", Some(("part", 2))),
            letter(Reason::Refused, "3", Some(("whole", 2))),
            letter(Reason::Undecodable, "4", None),
        ];
        let bytes = |items: &[&str]| items.iter().map(|item| item.as_bytes().to_vec()).collect();
        let queue = "queue_export_x".to_owned();
        assert_eq!(
            requeue(&queue, &letters),
            [
                Op::Delete { key: b"ichnaea:tries:whole".to_vec() },
                Op::Restore { queue: queue.clone(), id: "whole".into(), items: bytes(&["1", "3"]) },
                Op::Push { queue: queue.clone(), items: bytes(&["4", "2"]) },
            ]
        );
    }

    #[test]
    fn items_are_shown_in_whichever_form_they_can_be_read() {
        assert_eq!(readable(br#"{"a":1}"#), serde_json::json!({"a": 1}));
        let gzip = DataQueue { name: String::new(), codec: Codec::GzipJson, batch: 0 };
        let item = gzip.encode(&[serde_json::json!([1])]).unwrap().remove(0);
        assert_eq!(readable(&item), serde_json::json!([1]));
        assert_eq!(readable(b"\xff\x00"), "ff00");
    }
}
