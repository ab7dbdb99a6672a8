//! Whatever a client sends, the service answers in time, without a server error, and goes on; and
//! what it took in does not stop the pipeline.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[macro_use]
#[path = "../support/pairs.rs"]
mod pairs;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;

mod arbitrary;
mod cache;
mod property;
mod protocol;
mod raw;
mod size;
mod text;

on_both_pairs! {
    cache::stations_of_others_cannot_be_moved_by_asking_for_them,
    text::text_is_text,
}
