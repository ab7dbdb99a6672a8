//! Public files of cells: made, listed, fetched, whatever the place for them does.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

#[path = "../support/pairs.rs"]
#[macro_use]
mod pairs;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;

mod assets;
mod bucket;
mod fetch;
mod folder;
#[cfg(feature = "fault-points")]
mod killed;
mod scene;
mod tiles;

on_both_pairs! {
    assets::files_of_the_site_are_served_out_of_the_binary_and_nothing_else,
    bucket::files_and_their_list_land_in_a_bucket,
    bucket::a_bucket_that_refuses_is_an_empty_page_and_no_failure,
    bucket::a_place_that_refuses_is_one_line_and_made_up_for,
    folder::a_folder_has_the_same_files_and_the_same_bytes_each_time,
    folder::two_workers_at_once_leave_a_list_of_everything,
    fetch::files_of_a_folder_are_served_and_nothing_else,
    fetch::the_page_has_its_list_and_a_copy_of_it,
    tiles::tiles_of_a_folder_are_served_and_nothing_else,
}
