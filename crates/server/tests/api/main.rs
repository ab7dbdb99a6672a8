//! What this service offers beyond the original's API, on both backend pairs.

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

mod coverage;
mod description;
mod explain;
mod overload;
mod unknown;

on_both_pairs! {
    coverage::what_was_reported_in_a_box_is_shown_with_its_age,
    coverage::outlines_are_geojson,
    coverage::a_copy_that_cannot_be_read_is_made_anew,
    coverage::what_cannot_be_answered_is_refused_with_a_reason,
    coverage::an_operator_may_switch_it_off,
    description::the_document_is_served_to_tools_anywhere,
    description::every_example_is_answered_as_it_says,
    explain::the_answer_is_that_of_geolocate_and_says_which_stations_are_known,
    explain::nothing_is_told_of_one_access_point,
    explain::a_query_without_a_position_is_answered_all_the_same,
    explain::the_permission_decides_and_is_looked_up_each_time,
    explain::the_daily_limit_counts,
    explain::nothing_is_learned_from_it,
    explain::what_geolocate_refuses_is_refused,
    overload::reports_are_refused_while_observations_pile_up,
    overload::reports_are_refused_while_a_target_takes_none,
    overload::reports_are_refused_while_they_take_too_much_room,
    unknown::who_goes_through_unknown_stations_is_stopped,
    unknown::a_key_has_a_bound_whoever_uses_it,
    unknown::without_a_bound_all_is_answered,
    unknown::what_cannot_be_looked_up_is_not_called_unknown,
}
