//! Several processes of the real binary on one database and one key-value store.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so and stops"
)]

#[path = "../support/pairs.rs"]
#[macro_use]
mod pairs;

mod capacity;
mod guide;
mod leftovers;
mod process;
mod takeover;
mod traffic;

on_both_pairs! {
    capacity::many_processes_leave_the_same_tables_as_one_of_each,
    takeover::the_second_scheduler_takes_over_and_nothing_is_sent_twice,
}
