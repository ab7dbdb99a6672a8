//! What the service says about itself: metrics through a real UDP socket and a real scrape, and the
//! lines of a real process.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;

#[path = "../support/pairs.rs"]
#[macro_use]
mod pairs;

mod process;
mod running;
mod statsd;
mod udp;

on_both_pairs! {
    statsd::positions_are_counted_by_source_and_result,
    statsd::regions_are_counted_alike,
    statsd::requests_are_counted_by_what_became_of_their_key,
    statsd::reports_are_counted_when_they_are_taken_in,
    statsd::the_outside_provider_is_measured,
    statsd::what_nobody_offers_is_not_counted,
    statsd::a_key_that_cannot_be_checked_is_not_counted,
    process::lines_are_mozlog_with_the_fields_of_the_request,
    process::figures_are_scraped_from_a_port_of_their_own,
    process::in_development_lines_are_for_people_and_have_the_metrics,
    process::a_task_that_did_something_has_a_line,
}
