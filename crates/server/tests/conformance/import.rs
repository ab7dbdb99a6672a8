//! Files of cells that the original's tool read.

use std::collections::BTreeSet;
use std::io::Write as _;

use ichnaea_server::admin::import::load_cell_data;
use ichnaea_testkit::cases::{self, Tables, Tolerances};
use ichnaea_testkit::compare::{self, TimeSpan};
use serde::Deserialize;
use serde_json::Value;

use crate::request::NO_PROVIDER;
use crate::support::app::{App, Setting};
use crate::verdict::Verdicts;

/// A file and the rows it leaves.
#[derive(Deserialize)]
struct Case {
    id: String,
    csv: String,
    given: Tables,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    refused: bool,
    tables: Tables,
    areas_queued: BTreeSet<String>,
}

fn all() -> Vec<Case> {
    let cases: Vec<Value> = cases::read_json("cases/exports.json");
    let imports = cases.into_iter().filter(|case| case["kind"] == "import");
    imports.map(|case| serde_json::from_value(case).expect("an import")).collect()
}

/// All cases, each with empty tables.
pub async fn import(setting: Setting<'_>) {
    let mut app = App::start_in(setting, NO_PROVIDER).await;
    let mut verdicts = Verdicts::new("imports", setting);
    for case in all() {
        let differences = run_case(&mut app, &case).await;
        verdicts.add(&case.id, differences);
    }
    app.stop().await;
    verdicts.conclude();
}

async fn run_case(app: &mut App, case: &Case) -> Vec<String> {
    app.database.clear().await;
    app.clear_keyvalue().await;
    app.database.load(&case.given).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    let mut packed = flate2::write::GzEncoder::new(&file, flate2::Compression::fast());
    packed.write_all(case.csv.as_bytes()).expect("a file");
    packed.finish().expect("a file");
    let loaded = load_cell_data(app.context.clone(), file.path().to_owned()).await;

    let mut differences = Vec::new();
    if loaded.is_ok_and(|is_loaded| is_loaded) == case.expected.refused {
        differences.push(format!("refused: {} expected", case.expected.refused));
    }
    let mut found = app.database.read().await;
    // Where the original leaves areas in a queue, here they are computed at once.
    let areas: BTreeSet<String> = ["cell_area", "cell_area_nr"]
        .into_iter()
        .filter_map(|table| found.remove(table))
        .flatten()
        .filter_map(|row| Some(row["areaid"].as_str()?.to_lowercase()))
        .collect();
    if areas != case.expected.areas_queued {
        differences.push(format!("areas {areas:?} for {:?}", case.expected.areas_queued));
    }
    found.remove("region_stat");
    let exact = Tolerances { lat_lon_abs: 1e-9, weight_rel: 0.0, radius_abs: 0.0 };
    let span = TimeSpan { from: app.now, to: app.now };
    differences.extend(compare::tables(&case.expected.tables, &found, &exact, &span));
    differences
}
