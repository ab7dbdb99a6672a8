//! Buckets, folders and export targets, against real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod objects;
