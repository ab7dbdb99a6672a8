//! The recorded cases against the real service, every family on both backend pairs.
//!
//! A case that is listed in `docs/compatibility.md` has to differ, every other one has to agree.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "the counts are for the reader")]

#[path = "../support/mod.rs"]
mod support;

mod deliberate;
mod monitoring;
mod pipeline;
mod provider;
mod request;
mod submit;
mod verdict;

use ichnaea_testkit::Backend;

macro_rules! on_both_pairs {
    ($($name:ident => $run:path),* $(,)?) => {
        mod sqlite_and_embedded {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    $run(super::Backend::Embedded).await;
                }
            )*
        }

        mod mariadb_and_redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    $run(super::Backend::Server).await;
                }
            )*
        }
    };
}

on_both_pairs! {
    positions_are_found_as_recorded => super::request::geolocate,
    regions_are_found_as_recorded => super::request::country,
    reports_are_taken_in_as_recorded => super::submit::submit,
    the_provider_is_asked_as_recorded => super::provider::provider,
    stations_are_learned_as_recorded => super::pipeline::pipeline,
    health_is_told_as_recorded => super::monitoring::monitoring,
}
