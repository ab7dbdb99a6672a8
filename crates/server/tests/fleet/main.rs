//! Several processes of the real binary on one database and one key-value store.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so and stops"
)]

mod capacity;
mod guide;
mod leftovers;
mod process;
mod takeover;
mod traffic;

/// Runs every listed test on both pairs.
macro_rules! on_both_pairs {
    ($($module:ident :: $name:ident),* $(,)?) => {
        mod sqlite_and_embedded {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$module::$name(ichnaea_testkit::Backend::Embedded).await;
                }
            )*
        }

        mod mariadb_and_redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$module::$name(ichnaea_testkit::Backend::Server).await;
                }
            )*
        }
    };
}

on_both_pairs! {
    capacity::many_processes_leave_the_same_tables_as_one_of_each,
    takeover::the_second_scheduler_takes_over_and_nothing_is_sent_twice,
}
