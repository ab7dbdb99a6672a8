//! The list of public files for the page of downloads, and the copy of it that is kept.
//!
//! Name and form of the copy are those of the original, so that its web role and ours can use each
//! other's. Whatever happens, there is a list: an empty one at worst, and that not for long.

use std::time::Duration;

use ichnaea_domain::downloads::Downloads;
use ichnaea_kv::Op;

use crate::cell_export::PREFIX;
use crate::config::Config;
use crate::context::Context;
use crate::keys;
use crate::logging::warn_seldom;
use crate::objects::{self, Objects, Place};
use crate::sentry::incident;

/// How long a copy is good.
const KEEP: Duration = Duration::from_mins(30);
/// How long an empty list stands in for one that could not be made.
const KEEP_FAILURE: Duration = Duration::from_mins(1);

/// Where files of a folder are served.
pub const PATH: &str = "/downloads/";

/// The public files.
pub async fn list(ctx: &Context) -> Downloads {
    let Some(uri) = &ctx.config.asset_bucket else { return Downloads::default() };
    let kv = &ctx.breakers.keyvalue;
    let key = keys::DOWNLOADS_CACHE.as_bytes().to_vec();
    let names = [key.clone()];
    let copy = kv.ask(ctx.kv.get(&names)).await;
    if let Err(missed) = &copy {
        missed.log(incident::DOWNLOADS, "public files are listed each time");
    }
    let copy = copy.ok().and_then(|values| values.into_iter().next().flatten());
    if let Some(list) = copy.and_then(|copy| serde_json::from_slice(&copy).ok()) {
        return list;
    }
    let (list, keep) = match made(ctx, uri).await {
        Ok(list) => (list, KEEP),
        Err(failure) => {
            warn_seldom!(incident = incident::DOWNLOADS, "no public files are shown: {failure}");
            (Downloads::default(), KEEP_FAILURE)
        }
    };
    match serde_json::to_vec(&list) {
        // Nothing is lost without the copy.
        Ok(value) => {
            drop(kv.ask(ctx.kv.apply(vec![Op::Set { key, value, ttl: Some(keep) }])).await);
        }
        Err(error) => warn_seldom!(%error, "public files cannot be written as JSON"),
    }
    list
}

/// Where programs find the list of all files; `None` where nobody knows.
#[must_use]
pub fn index_address(config: &Config) -> Option<String> {
    let uri = config.asset_bucket.as_deref()?;
    match (Place::parse(uri), &config.asset_url) {
        (Ok(Place::Bucket { .. }), None) | (Err(_), _) => None,
        (Ok(_), Some(base)) => Some(format!("{base}{PREFIX}/index.json")),
        (Ok(Place::Folder(_)), None) => Some(format!("{PATH}index.json")),
    }
}

async fn made(ctx: &Context, uri: &str) -> objects::Result<Downloads> {
    let objects = Objects::open(uri, &ctx.config.objects)?;
    let there = objects.list(PREFIX).await?;
    // Without an address of its own a bucket is reached through the web role, which does not know
    // where either; a folder always is.
    let base = ctx.config.asset_url.as_deref().unwrap_or(PATH);
    Ok(Downloads::of(there.iter().map(|object| (object.key.as_str(), object.size)), base))
}
