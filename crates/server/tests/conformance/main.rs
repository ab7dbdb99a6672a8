//! The recorded cases against the real service, every family on both backend pairs.
//!
//! A case that is listed in `docs/compatibility.md` has to differ, every other one has to agree.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "the counts are for the reader")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;

mod deliberate;
mod exports;
mod import;
mod monitoring;
mod pipeline;
mod provider;
mod request;
mod submit;
mod verdict;

use ichnaea_testkit::Backend;
use ichnaea_testkit::servers::MariaDbServer;
use support::app::Setting;

macro_rules! on_both_pairs {
    ($($name:ident => $run:path),* $(,)?) => {
        mod sqlite_and_embedded {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    $run(super::Setting::Direct(super::Backend::Embedded)).await;
                }
            )*
        }

        mod mariadb_and_redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    $run(super::Setting::Direct(super::Backend::Server)).await;
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
    files_of_cells_are_imported_as_recorded => super::import::import,
    health_is_told_as_recorded => super::monitoring::monitoring,
    files_are_written_as_recorded => super::exports::exports,
}

/// Every family once more, as a large installation has it: a server with the settings of the
/// deployment guide and every strictness there is, accounts that may only read or only change rows,
/// and two instances that nginx hands requests to in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_behind_nginx_on_a_strict_server_answer_as_recorded() {
    let server = MariaDbServer::start_with(&[
        "--sql-mode=TRADITIONAL,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,ANSI,NO_BACKSLASH_ESCAPES",
        "--log-output=TABLE",
        "--general-log",
        "--character-set-server=utf8",
        "--collation-server=utf8_general_ci",
        "--init-connect=SET NAMES utf8",
    ]);
    let setting = Setting::Proxied(&server);
    request::geolocate(setting).await;
    request::country(setting).await;
    submit::submit(setting).await;
    provider::provider(setting).await;
    pipeline::pipeline(setting).await;
    import::import(setting).await;
    monitoring::monitoring(setting).await;
    exports::exports(setting).await;
    assert_readers_only_read(&server);
}

/// The accounts of the web role asked for nothing but rows, whatever they were allowed.
fn assert_readers_only_read(server: &MariaDbServer) {
    // By name: the accounts are gone with their databases.
    let of_readers = "FROM mysql.general_log WHERE user_host REGEXP '^ichnaea_test_[0-9]+_[0-9a-f]+[[]' \
        AND command_type IN ('Query', 'Prepare', 'Execute')";
    let asked = server.number(&format!("SELECT COUNT(*) {of_readers} AND argument LIKE 'SELECT%'"));
    assert!(asked > 100, "{asked} statements of readers in the log");
    let harmless = "REGEXP '^[[:space:](]*(SELECT|SET|START TRANSACTION|COMMIT|ROLLBACK)'";
    let others = server.rows(&format!("SELECT argument {of_readers} AND NOT argument {harmless}"));
    assert!(others.is_empty(), "{others:?}");
}

/// What writes rows, on a server that lets everything pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stations_are_learned_as_recorded_without_an_sql_mode() {
    let server = MariaDbServer::start_with(&["--sql-mode="]);
    pipeline::pipeline(Setting::On(&server)).await;
}
