//! Whatever a client sends, the service answers in time, without a server error, and goes on; and
//! what it took in does not stop the pipeline.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;

mod arbitrary;
mod property;
mod protocol;
mod size;
