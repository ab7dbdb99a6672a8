//! The list beside the files, `export/index.json`.

use std::time::Duration;

use bytes::Bytes;
use ichnaea_domain::cell_file::index::{Entry, Index, expired};
use ichnaea_kv::Op;

use super::{PREFIX, name_of};
use crate::context::Context;
use crate::objects::{self, Error, Meta, Objects};
use crate::turn::Turn;
use crate::{fault, keys};

/// How long another worker may take for the list.
const PATIENCE: Duration = Duration::from_mins(2);

/// For how many days files stay in a folder, which has no rules of its own for that.
pub(super) const FOLDER_DAYS: u32 = 31;

const LIST: Meta = Meta {
    content_type: Some("application/json"),
    content_encoding: None,
    cache_control: Some("max-age=60, public"),
};

/// Makes the list anew from what is there. Workers take turns, so that none overwrites what
/// another has just added.
pub(super) async fn update(
    ctx: &Context,
    objects: &Objects,
    written: &[Entry],
) -> anyhow::Result<()> {
    let turn = Turn::wait(&ctx.kv, keys::CELL_EXPORT_INDEX, PATIENCE).await?;
    let updated = update_now(ctx, objects, written).await;
    turn.end().await;
    updated?;
    fault::point("cells_listed");
    // The page of downloads is to show them.
    let copy = keys::DOWNLOADS_CACHE.as_bytes().to_vec();
    ctx.kv.apply(vec![Op::Delete { key: copy }]).await?;
    Ok(())
}

/// The list as it is; `None` when there is none that can be read.
pub(super) async fn read(objects: &Objects) -> objects::Result<Option<Index>> {
    match objects.get(&key()).await {
        Ok(json) => Ok(Index::parse(&json)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn key() -> String {
    format!("{PREFIX}/index.json")
}

async fn update_now(ctx: &Context, objects: &Objects, written: &[Entry]) -> anyhow::Result<()> {
    let last = read(objects).await?;
    let mut there = objects.list(PREFIX).await?;
    if objects.is_folder() {
        let names = there.iter().filter_map(|object| name_of(&object.key));
        let old = expired(names, ctx.clock.now(), FOLDER_DAYS);
        for file in &old {
            let key = format!("{PREFIX}/{file}");
            objects.delete(&key).await?;
            objects.delete(&format!("{key}.sha256")).await?;
            there.retain(|object| object.key != key);
        }
    }
    let files = there.iter().filter_map(|object| Some((name_of(&object.key)?, object.size)));
    let index = Index::of(files, written, last.as_ref());
    if last.as_ref() != Some(&index) {
        let mut json = serde_json::to_vec_pretty(&index)?;
        json.push(b'\n');
        objects.put(&key(), Bytes::from(json), &LIST).await?;
    }
    Ok(())
}
