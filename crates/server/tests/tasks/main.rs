//! Tasks, worker and scheduler on both backend pairs.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so and stops"
)]

#[path = "../support/pairs.rs"]
#[macro_use]
mod pairs;

mod bench;
mod beside;
mod broken;
mod flow;
mod interleaved;
mod measured;
mod monitor;
mod schedule;
mod seen;
mod statistics;
mod worker;

on_both_pairs! {
    flow::a_report_becomes_stations_an_area_grid_cells_and_counters,
    flow::a_batch_of_reports_goes_on_in_parts_and_in_order,
    flow::a_queue_that_has_fallen_behind_is_worked_off_in_large_steps,
    flow::all_reports_are_gathered_before_a_station_is_updated,
    flow::a_batch_that_others_hold_is_waited_for,
    flow::an_export_queue_below_its_batch_can_be_left_alone,
    flow::an_incoming_batch_asks_for_the_exports_it_made_ready,
    flow::targets_that_nobody_sends_to_keep_their_reports,
    flow::an_observation_in_a_wrong_queue_reaches_its_table,
    broken::reports_wait_while_the_database_is_away,
    broken::observations_are_put_back_while_the_database_is_away,
    broken::what_cannot_be_read_becomes_a_dead_letter,
    broken::a_batch_that_always_fails_is_given_up,
    broken::an_applied_batch_is_not_applied_again,
    interleaved::nothing_is_lost_or_doubled_whoever_comes_next,
    interleaved::schedules_find_what_each_safeguard_is_for,
    seen::a_worker_is_seen_while_it_runs,
    seen::one_that_dies_leaves_a_sign_that_goes_away_by_itself,
    statistics::counters_are_carried_over_once,
    statistics::forgotten_counters_are_collected_too,
    statistics::totals_grow_on_after_a_clock_was_ahead,
    statistics::regions_are_counted_and_old_ones_removed,
    statistics::old_rows_are_removed,
    measured::what_becomes_of_reports_and_stations_is_counted,
    measured::a_key_that_does_not_exist_is_no_tag,
    measured::only_runs_that_end_well_are_timed,
    measured::dead_letters_are_counted_once_they_are_kept,
    measured::a_batch_that_two_workers_hold_is_counted_once,
    monitor::the_use_of_keys_today_is_reported,
    monitor::distinct_users_are_reported_and_old_days_removed,
    monitor::users_are_cleaned_up_without_any_sink,
    monitor::every_queue_is_reported,
    monitor::a_fresh_store_gets_a_controller_that_is_off,
    monitor::the_controller_follows_the_backlog,
    monitor::the_grid_and_regions_need_no_map_token,
    schedule::one_of_two_schedulers_is_active,
    schedule::a_clock_that_is_set_back_does_not_stop_the_schedule,
    schedule::a_daily_task_is_made_up_for_after_a_gap,
    schedule::a_map_is_drawn_at_once_and_then_at_its_interval_whoever_schedules,
    worker::a_worker_runs_what_it_is_told,
    worker::a_worker_refuses_an_old_schema,
    worker::an_expired_message_is_dropped,
}
