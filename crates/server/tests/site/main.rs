//! The pages of the site through the whole server, on both backend pairs.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on stops"
)]

#[path = "../support/pairs.rs"]
#[macro_use]
mod pairs;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;

mod ask;
mod content;
mod operator;
mod page;
mod route;

on_both_pairs! {
    page::every_page_is_whole_small_and_loads_nothing_from_elsewhere,
    page::every_link_of_the_site_leads_somewhere,
    page::pages_are_packed_for_those_who_ask,
    route::methods_and_paths_lead_where_they_did,
    route::people_are_told_in_the_frame_that_nothing_is_there_and_programs_as_ever,
    route::what_follows_a_page_in_its_path_makes_no_name_of_a_metric,
    operator::what_an_operator_says_is_shown_and_what_looks_like_html_is_not,
    operator::texts_and_a_logo_of_an_operator_take_the_place_of_ours,
    operator::texts_that_cannot_be_read_stop_the_start,
    operator::hosts_that_are_named_are_allowed_and_no_other,
    content::totals_are_shown_in_their_order_cut_off_after_two_decimals,
    content::regions_are_shown_with_most_cells_first,
    content::files_are_listed_with_their_checksums,
}
