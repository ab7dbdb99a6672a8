//! Lends a test in another language what the tests here have: empty backends and a city database.
//!
//! `throwaway embedded|server` prints one line of JSON with their addresses. Each line of standard
//! input is then an SQL statement, and each is answered with its rows as one line of JSON. All of
//! it is gone at the end of the input, so also when whoever asked was killed.

#![expect(clippy::expect_used, reason = "a test without its backends must say so and stop")]

use std::io::{BufRead as _, Write as _};

use ichnaea_testkit::{Backend, database, geoip, keyvalue};
use serde_json::{Value, json};

fn main() {
    let backend = match std::env::args().nth(1).as_deref() {
        Some("embedded") => Backend::Embedded,
        Some("server") => Backend::Server,
        _ => {
            say(&json!("usage: throwaway embedded|server"));
            std::process::exit(2);
        }
    };
    let database = database::fresh(backend);
    let keyvalue = keyvalue::fresh(backend);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let city_file = folder.path().join("city.mmdb");
    geoip::write_city_file(&city_file).expect("the folder can be written");
    say(&json!({
        "database": database.uri,
        "keyvalue": keyvalue.uri,
        "geoip": city_file,
    }));
    for statement in std::io::stdin().lock().lines() {
        say(&json!(database.rows(&statement.expect("statements are text"))));
    }
}

fn say(value: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}").and_then(|()| out.flush()).expect("somebody reads");
}
