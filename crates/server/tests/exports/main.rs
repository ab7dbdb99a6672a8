//! Buckets, folders and export targets, against real servers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so and stops"
)]

#[macro_use]
#[path = "../support/pairs.rs"]
mod pairs;

mod buckets;
mod delivery;
mod letters;
mod objects;
mod scene;
mod targets;

on_both_pairs! {
    targets::a_partner_gets_what_the_original_would_send,
    targets::a_batch_is_repeated_under_its_id_until_the_target_takes_it,
    targets::a_target_that_is_away_for_long_loses_nothing_and_makes_no_dead_letters,
    targets::one_worker_at_a_time_tries_a_target_in_trouble,
    targets::a_batch_that_a_target_refuses_is_a_dead_letter_and_others_pass_it,
    targets::what_is_the_fault_of_an_address_or_a_key_is_held_against_no_batch,
    targets::a_target_can_say_when_it_wants_to_be_asked_again,
    targets::a_redirect_is_not_followed,
    targets::a_dummy_counts_and_sends_nothing,
    buckets::a_bucket_gets_a_file_for_each_source_and_key,
    buckets::a_folder_gets_the_same_files,
    buckets::a_batch_that_is_sent_again_writes_the_same_object,
    buckets::a_bucket_that_cannot_be_used_makes_reports_wait,
    letters::letters_are_listed_shown_put_back_and_thrown_away,
    letters::a_command_that_is_killed_loses_no_letter,
    delivery::a_hundred_thousand_reports_survive_a_bad_target_and_two_kills,
}
