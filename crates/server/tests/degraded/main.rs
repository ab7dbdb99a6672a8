//! What the service does while something it stands on is away, hangs or refuses, and that it goes on by
//! itself afterwards. Real processes, a real MariaDB and Redis, and proxies in between that stall.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and stops; waits are for the reader"
)]

mod accounting;
mod files;
mod flood;
mod matrix;
mod rows;
mod scene;
mod service;
mod site;
mod startup;
mod worker;
