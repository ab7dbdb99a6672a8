//! When the map was brought to where its tiles are, as `data.json` beside them says.

use std::io::ErrorKind;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDateTime};

use super::{STATUS, TILES};
use crate::config::Config;
use crate::objects::{Error, Objects, Place};

/// The bucket that the map goes to; `None` when it goes to the folder that the web role serves.
#[must_use]
pub fn bucket(config: &Config) -> Option<&str> {
    let uri = config.asset_bucket.as_deref()?;
    matches!(Place::parse(uri), Ok(Place::Bucket { .. })).then_some(uri)
}

/// The time in UTC; `None` when there is no map yet.
pub async fn of(config: &Config) -> anyhow::Result<Option<NaiveDateTime>> {
    let json = if let Some(uri) = bucket(config) {
        let objects = Objects::open(uri, &config.objects)?;
        match objects.get(&format!("{TILES}/{STATUS}")).await {
            Ok(json) => json.to_vec(),
            Err(Error::NotFound(_)) => return Ok(None),
            Err(failure) => return Err(failure.into()),
        }
    } else {
        let file = config.map_dir.join(TILES).join(STATUS);
        match tokio::fs::read(&file).await {
            Ok(json) => json,
            Err(failure) if failure.kind() == ErrorKind::NotFound => return Ok(None),
            Err(failure) => return Err(failure).context(file.display().to_string()),
        }
    };
    let status: serde_json::Value = serde_json::from_slice(&json).context("data.json")?;
    let updated = status["updated"].as_str().context("data.json has no date")?;
    Ok(Some(DateTime::parse_from_rfc3339(updated).context("data.json")?.naive_utc()))
}
