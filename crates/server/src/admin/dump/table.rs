//! The original's dump: the stations of one kind as CSV.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use ichnaea_domain::geo::BoundingBox;
use ichnaea_domain::station::{Kind, Shard, Station, StationKey};
use ichnaea_domain::station_file::{box_around, header, write_row};
use ichnaea_store::{Selection, Store};
use tracing::info;

use crate::admin::output::Output;
use crate::admin::print;
use crate::cell_export::lines::{Compression, LineFile, Written};

/// The level at which the original compresses dumps.
const GZIP_LEVEL: u32 = 6;

/// What to dump in the words of the original.
#[derive(Args, Clone, Debug, Default)]
#[group(id = "table")]
pub struct Options {
    /// Write the stations of one kind as CSV: blue, cell or wifi
    #[arg(long, value_name = "KIND", requires = "filename", conflicts_with_all = ["output", "check"])]
    datatype: Option<String>,
    /// With --datatype: the file to write, compressed with gzip; it must not exist yet
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "check"])]
    filename: Option<PathBuf>,
    /// With --lon and --radius: only what is around this position
    #[arg(long, requires = "datatype", allow_negative_numbers = true)]
    lat: Option<f64>,
    /// With --lat and --radius
    #[arg(long, requires = "datatype", allow_negative_numbers = true)]
    lon: Option<f64>,
    /// Metres, with --lat and --lon
    #[arg(long, requires = "datatype")]
    radius: Option<f64>,
}

impl Options {
    /// Whether the stations of one kind are asked for.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.filename.is_some()
    }
}

/// Writes the file; false when it was refused.
pub async fn run(store: &Store, options: &Options) -> anyhow::Result<bool> {
    let Some(filename) = &options.filename else { return Ok(false) };
    if filename.exists() {
        print("File already exists.");
        return Ok(false);
    }
    let kinds = [Kind::Blue, Kind::Cell, Kind::Wifi];
    let named = |kind: &Kind| Some(kind.name()) == options.datatype.as_deref();
    let Some(kind) = kinds.into_iter().find(named) else {
        print("Unknown data type.");
        return Ok(false);
    };
    let within = match (options.lat, options.lon, options.radius) {
        (Some(lat), Some(lon), Some(radius_m)) => {
            let around = box_around((lat, lon), radius_m);
            Some(around.context("there is no area around this position")?)
        }
        _ => None,
    };
    let output = Output::begin(filename)?;
    write(store, kind, within, output.target()?).await?;
    if !output.complete_new()? {
        print("File already exists.");
        return Ok(false);
    }
    Ok(true)
}

/// Writes the stations of a kind, all of them as one moment has them.
pub async fn write(
    store: &Store,
    kind: Kind,
    within: Option<BoundingBox>,
    target: impl Write + Send + 'static,
) -> anyhow::Result<Written> {
    let selection = Selection {
        shards: Shard::all().filter(|shard| shard.kind() == kind).collect(),
        within: within.into_iter().collect(),
        ..Selection::default()
    };
    let mut snapshot = store.selected_stations(&selection).await?;
    let gzip = Compression::Gzip(GZIP_LEVEL);
    let file = LineFile::begin(target, gzip, header(kind).into_bytes(), encode);
    let mut last = None;
    while let Some(page) = snapshot.next().await {
        let page = page?;
        if last.replace(page.table) != Some(page.table)
            && let Some(shard) = selection.shards.get(page.table)
        {
            info!("Exporting table: {}", shard.table());
        }
        if !file.push(page.rows).await {
            break;
        }
    }
    Ok(file.finish().await?)
}

fn encode(out: &mut Vec<u8>, (key, station): &(StationKey, Station)) {
    write_row(out, *key, station);
}
