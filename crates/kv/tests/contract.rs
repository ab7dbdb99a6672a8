//! The contract, clause by clause, on every engine.
//!
//! A case is written once, in `contract/`, and listed once, below. It runs on a SQLite file, on
//! SQLite in memory, and on the Redis server at `TEST_REDIS_URI` (by default the one on this
//! machine).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a case stops at the first surprise")]

#[path = "contract/queues.rs"]
mod queues;
#[path = "contract/values.rs"]
mod values;

use std::sync::Arc;

use ichnaea_kv::{KeyValue, Options, open};
use ichnaea_testkit::Backend;
use ichnaea_testkit::keyvalue::{FreshKeyValue, fresh};

/// An empty store for one case.
struct Bench {
    kv: Arc<dyn KeyValue>,
    fresh: Option<FreshKeyValue>,
    is_exact: bool,
}

impl Bench {
    async fn on(backend: Backend) -> Self {
        let fresh = fresh(backend);
        let kv = open(&fresh.uri, &Options::default()).await.expect("the store opens");
        Self { kv, fresh: Some(fresh), is_exact: backend == Backend::Embedded }
    }

    async fn in_memory() -> Self {
        let kv = open("sqlite::memory:", &Options::default()).await.expect("the store opens");
        Self { kv, fresh: None, is_exact: true }
    }

    /// The same store as a process sees it that starts now.
    async fn reopened(&self) -> Arc<dyn KeyValue> {
        match &self.fresh {
            Some(fresh) => open(&fresh.uri, &Options::default()).await.expect("the store opens"),
            None => Arc::clone(&self.kv),
        }
    }
}

macro_rules! contract {
    ($($subject:ident: $($case:ident,)*;)*) => {
        contract!(@engine embedded_file Bench::on(Backend::Embedded); $($($subject $case)*)*);
        contract!(@engine embedded_in_memory Bench::in_memory(); $($($subject $case)*)*);
        contract!(@engine redis Bench::on(Backend::Server); $($($subject $case)*)*);
    };
    (@engine $engine:ident $bench:expr; $($subject:ident $case:ident)*) => {
        mod $engine {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$subject::$case(&$bench.await).await;
                }
            )*
        }
    };
}

contract! {
    queues:
        an_empty_queue_gives_no_batch,
        all_batches_in_flight_are_named,
        items_come_out_in_the_order_they_went_in,
        a_batch_has_at_most_as_many_items_as_asked_for,
        zero_asks_for_everything,
        a_batch_is_kept_from_others_while_its_lease_lasts,
        a_batch_whose_lease_ran_out_is_taken_again_as_it_was,
        a_batch_put_back_is_taken_again_as_it_was,
        a_batch_that_is_due_comes_before_what_waits,
        a_renewed_lease_counts_from_now,
        a_lease_of_a_clock_that_was_far_ahead_is_over,
        a_finished_batch_is_gone,
        only_the_first_of_two_finishes_does_its_ops,
        a_finish_that_fails_leaves_the_batch,
        a_finish_for_another_queue_does_nothing,
        a_crash_between_any_two_verbs_loses_nothing_and_repeats_nothing,
        eight_workers_get_every_item_exactly_once,
        items_are_any_bytes,
        a_hundred_thousand_items_go_in_one_push,
        a_bounded_push_keeps_the_newest,
        a_bounded_push_leaves_batches_alone,
        a_push_of_nothing_does_nothing,
        peek_shows_what_waits_and_takes_nothing,
        a_queue_tells_how_much_waits_how_much_is_in_flight_and_since_when,
        deleting_a_queue_leaves_its_batches,
        a_restored_batch_is_taken_under_its_old_id,
        a_batch_in_flight_is_not_restored,
        queues_are_found_by_what_waits_and_by_what_is_in_flight,
    ;
    values:
        the_engine_answers_a_ping,
        the_engine_tells_about_itself,
        a_value_is_read_back_until_it_is_deleted,
        keys_and_values_are_any_bytes,
        values_are_read_in_the_order_of_their_keys,
        a_value_without_time_to_live_is_gone_at_once,
        a_counter_starts_at_zero_and_is_read_as_text,
        a_counter_whose_time_is_over_starts_again,
        ops_give_one_result_each,
        ops_are_done_all_or_not_at_all,
        collect_moves_counters_into_a_queue,
        collect_leaves_alone_what_is_no_counter,
        the_size_of_a_union_of_sets_is_known,
        a_set_whose_time_is_over_is_empty,
        keys_are_found_by_a_literal_prefix,
        a_named_lease_has_one_holder,
        a_named_lease_that_ran_out_is_free,
    ;
}
