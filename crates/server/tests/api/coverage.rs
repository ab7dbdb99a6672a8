//! `/coverage.json`.

use std::collections::BTreeSet;

use chrono::Days;
use h3o::{LatLng, Resolution};
use ichnaea_domain::datamap::{Grid, Quadrant};
use ichnaea_kv::Op;
use ichnaea_server::keys;
use ichnaea_testkit::Backend;
use ichnaea_testkit::compare::Answer;
use serde_json::{Value, json};

use crate::support::app::{App, Setting};
use crate::support::client::send_raw;

/// Nobody listens there.
const NO_PROVIDER: &str = "http://127.0.0.1:9";

async fn ask(app: &App, query: &str) -> Answer {
    let target = format!("/coverage.json?{query}");
    send_raw(app.address, "GET", target.as_bytes(), &[], None).await
}

/// Names and ages of the hexagons.
async fn cells(app: &App, query: &str) -> BTreeSet<(String, u64)> {
    let answer = ask(app, query).await;
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, 200, "{query}: {body}");
    let cell =
        |cell: &Value| (cell["h3"].as_str().unwrap().to_owned(), cell["months"].as_u64().unwrap());
    body["cells"].as_array().unwrap().iter().map(cell).collect()
}

fn hexagon(lat: f64, lon: f64, resolution: Resolution) -> String {
    LatLng::new(lat, lon).unwrap().to_cell(resolution).to_string()
}

/// Puts grid cells last reported from so many days ago into their tables.
fn report(app: &App, places: &[(f64, f64, u64)]) {
    for &(lat, lon, days) in places {
        let grid = Grid::at(lat, lon);
        let key = ichnaea_domain::cell::KeyBytes::from(grid).hex();
        let day = app.now.date().checked_sub_days(Days::new(days)).unwrap();
        app.execute(&[&format!(
            "INSERT INTO datamap_{} (grid, created, modified) VALUES (X'{key}', '{day}', '{day}')",
            grid.quadrant().name()
        )]);
    }
}

pub async fn what_was_reported_in_a_box_is_shown_with_its_age(backend: Backend) {
    let app = App::start(backend, NO_PROVIDER).await;
    report(
        &app,
        &[
            (52.52, 13.405, 0),
            (52.525, 13.41, 100),
            (52.53, 13.42, 366),
            (52.9, 13.9, 0),
            // On both sides of the lines between the tables.
            (36.0, 5.0, 0),
            (35.999, 4.999, 0),
            (36.001, 4.999, 0),
            (35.999, 5.001, 0),
            // On both sides of the antimeridian.
            (-17.001, 179.999, 0),
            (-17.001, -179.992, 200),
        ],
    );
    let nine = Resolution::Nine;
    assert_eq!(
        cells(&app, "bbox=13.4,52.51,13.43,52.54").await,
        [(hexagon(52.52, 13.405, nine), 3), (hexagon(52.525, 13.41, nine), 6)].into()
    );
    let five = hexagon(52.52, 13.405, Resolution::Five);
    let shown = cells(&app, "bbox=13.4,52.51,13.43,52.54&resolution=5").await;
    assert!(shown.contains(&(five, 3)));
    let at = |lat, lon| (hexagon(lat, lon, nine), 3);
    let around = [at(36.0, 5.0), at(35.999, 4.999), at(36.001, 4.999), at(35.999, 5.001)];
    let shown = cells(&app, "bbox=4.99,35.99,5.01,36.01&resolution=9").await;
    assert_eq!(shown, around.into());
    let across = "bbox=179.99,-17.01,-179.99,-16.99";
    assert_eq!(
        cells(&app, across).await,
        [at(-17.001, 179.999), (hexagon(-17.001, -179.992, nine), 9)].into()
    );
    assert_eq!(cells(&app, "bbox=0,0,0.5,0.5").await, BTreeSet::new());
    // The same again, from what is kept.
    let kept = app.context.kv.keys("ichnaea:coverage:1:9:").await.unwrap();
    assert_eq!(kept.len(), 1 + 4 + 6, "a copy of each block: {kept:?}");
    app.execute(&Quadrant::ALL.map(|quadrant| match quadrant {
        Quadrant::Ne => "DROP TABLE datamap_ne",
        Quadrant::Nw => "DROP TABLE datamap_nw",
        Quadrant::Se => "DROP TABLE datamap_se",
        Quadrant::Sw => "DROP TABLE datamap_sw",
    }));
    assert_eq!(cells(&app, across).await.len(), 2);
    // What is neither kept nor there cannot be told.
    let answer = ask(&app, "bbox=20,20,20.1,20.1").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("60")));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["error"]["errors"][0]["reason"], "serviceUnavailable");
    app.stop().await;
}

pub async fn outlines_are_geojson(backend: Backend) {
    let app = App::start(backend, NO_PROVIDER).await;
    report(&app, &[(52.52, 13.405, 0)]);
    let answer = ask(&app, "bbox=13.4,52.51,13.41,52.53&format=geojson").await;
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("content-type", "application/geo+json"),
        ("cache-control", "max-age=3600, public"),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["type"], "FeatureCollection");
    let feature = &body["features"][0];
    assert_eq!(feature["id"], hexagon(52.52, 13.405, Resolution::Nine));
    assert_eq!(feature["properties"], json!({"months": 3}));
    assert_eq!(feature["geometry"]["coordinates"][0].as_array().unwrap().len(), 7);
    app.stop().await;
}

pub async fn a_copy_that_cannot_be_read_is_made_anew(backend: Backend) {
    let app = App::start(backend, NO_PROVIDER).await;
    report(&app, &[(52.52, 13.405, 0)]);
    let block = ichnaea_domain::datamap::coverage::Block::of(Grid::at(52.52, 13.405));
    let key = keys::coverage(block, Resolution::Nine);
    for broken in [&b""[..], b"[]", b"nine bytes and more", &[255; 9]] {
        let keep = Op::Set { key: key.clone(), value: broken.to_vec(), ttl: None };
        app.context.kv.apply(vec![keep]).await.unwrap();
        let expected = usize::from(!broken.is_empty());
        assert_eq!(cells(&app, "bbox=13.4,52.51,13.41,52.53").await.len(), expected, "{broken:?}");
    }
    app.stop().await;
}

pub async fn what_cannot_be_answered_is_refused_with_a_reason(backend: Backend) {
    let app = App::start(backend, NO_PROVIDER).await;
    for (query, name) in [
        ("", "bbox"),
        ("bbox=0,0,0", "bbox"),
        ("bbox=0,0,0,NaN", "bbox"),
        ("bbox=0,1,1,0", "bbox"),
        ("bbox=0,-91,1,0", "bbox"),
        ("bbox=-180,-90,180,90", "bbox"),
        ("bbox=0,0,1e308,1", "bbox"),
        ("bbox=0,0,1,1&resolution=99", "resolution"),
        ("bbox=0,0,1,1&resolution=9", "resolution"),
        ("bbox=0,0,1,1&format=xml", "format"),
    ] {
        let answer = ask(&app, query).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(body["error"]["errors"][0]["reason"], "invalidParameter", "{query}");
        let details = body["details"]["validation"].as_object().unwrap();
        assert_eq!(details.keys().collect::<Vec<_>>(), [name], "{query}");
    }
    let post = send_raw(app.address, "POST", b"/coverage.json?bbox=0,0,1,1", &[], None).await;
    assert_eq!(post.status, 405);
    for poles in ["bbox=-180,89.9,-179.9,90", "bbox=179.9,-90,180,-89.9"] {
        assert_eq!(cells(&app, poles).await, BTreeSet::new());
    }
    app.stop().await;
}

pub async fn an_operator_may_switch_it_off(backend: Backend) {
    let app =
        App::start_with(Setting::Direct(backend), NO_PROVIDER, &["--coverage", "false"]).await;
    assert_eq!(ask(&app, "bbox=0,0,1,1").await.status, 404);
    app.stop().await;
}
