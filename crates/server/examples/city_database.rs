//! Writes the city database of the tests to a file: `city_database FILE`.
//!
//! For measurements and trials without a real database; it knows 247 networks.

use std::path::Path;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1).context("usage: city_database FILE")?;
    Ok(ichnaea_testkit::geoip::write_city_file(Path::new(&file))?)
}
