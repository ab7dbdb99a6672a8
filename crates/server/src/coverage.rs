//! Where something was reported, as hexagons: read block by block, and kept for an hour.
//!
//! Strangers may ask as much as they like, so few boxes are worked on at a time, one block after the
//! other. What a request that ran out of time has made is there for the next.

use std::time::Duration;

use chrono::NaiveDate;
use h3o::Resolution;
use ichnaea_domain::datamap::coverage::{self, Area, Block, Covered};
use ichnaea_kv::Op;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::context::Context;
use crate::keys;
use crate::sentry::incident;

/// How long a block is kept. Reports reach the tables within minutes, and the map is drawn once a day.
const KEEP: Duration = Duration::from_hours(1);
/// How long it is kept that a block is empty: most of the world is, and whoever walked over it would
/// fill the store.
const KEEP_EMPTY: Duration = Duration::from_mins(5);
/// Boxes that are worked on at the same time.
const AT_ONCE: usize = 4;
/// How long a box waits for its turn.
const TURN: Duration = Duration::from_secs(2);

/// The database did not tell in time, or too many ask at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

/// Lets few boxes be worked on at a time.
pub struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Turns {
    async fn wait(&self) -> Result<SemaphorePermit<'_>, Unknown> {
        let turn = tokio::time::timeout(TURN, self.0.acquire()).await;
        turn.map_err(|_| Unknown)?.map_err(|_| Unknown)
    }
}

/// The hexagons of a box. Without the key-value store they are made each time; without the database
/// there are those that are kept, when all blocks of the box are.
pub async fn within(
    ctx: &Context,
    turns: &Turns,
    area: Area,
    blocks: &[Block],
    resolution: Resolution,
) -> Result<Vec<Covered>, Unknown> {
    let kept = kept(ctx, blocks, resolution).await;
    let mut cells = Vec::new();
    let mut missing = Vec::new();
    for (block, kept) in blocks.iter().zip(kept) {
        match kept {
            Some(kept) => cells.extend(kept),
            None => missing.push(*block),
        }
    }
    if !missing.is_empty() {
        let _turn = turns.wait().await?;
        for block in missing {
            cells.extend(made(ctx, block, resolution).await?);
        }
    }
    cells.retain(|covered| area.touches(covered.cell));
    Ok(coverage::merged(cells))
}

/// The copies of blocks, as far as there are any.
async fn kept(
    ctx: &Context,
    blocks: &[Block],
    resolution: Resolution,
) -> Vec<Option<Vec<Covered>>> {
    let names: Vec<_> = blocks.iter().map(|block| keys::coverage(*block, resolution)).collect();
    match ctx.breakers.keyvalue.ask(ctx.kv.get(&names)).await {
        Ok(copies) => {
            let read = |copy: Option<Vec<u8>>| coverage::decode(&copy?, resolution);
            copies.into_iter().map(read).collect()
        }
        Err(missed) => {
            missed.log(incident::COVERAGE, "coverage is read from the database each time");
            vec![None; blocks.len()]
        }
    }
}

async fn made(
    ctx: &Context,
    block: Block,
    resolution: Resolution,
) -> Result<Vec<Covered>, Unknown> {
    let rows = ctx.breakers.database.ask(ctx.reader.datamap_block(block)).await;
    let rows = rows.map_err(|missed| {
        missed.log(incident::COVERAGE, "coverage is not shown");
        Unknown
    })?;
    let cells = computed(rows, resolution, ctx.clock.now().date()).await?;
    let (key, value) = (keys::coverage(block, resolution), coverage::encode(&cells));
    let ttl = if cells.is_empty() { KEEP_EMPTY } else { KEEP };
    let keep = Op::Set { key, value, ttl: Some(ttl) };
    // Nothing is lost without a copy.
    let _ = ctx.breakers.keyvalue.ask(ctx.kv.apply(vec![keep])).await;
    Ok(cells)
}

/// Tens of thousands of rows take milliseconds: not on a thread that answers requests.
async fn computed(
    rows: Vec<(ichnaea_domain::datamap::Grid, NaiveDate)>,
    resolution: Resolution,
    today: NaiveDate,
) -> Result<Vec<Covered>, Unknown> {
    let work = move || coverage::covered(rows, resolution, today);
    tokio::task::spawn_blocking(work).await.map_err(|_| Unknown)
}
