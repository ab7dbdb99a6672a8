//! The `ichnaea` command as a user meets it, on both backend pairs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod apikey;
mod command;
mod export_config;
mod operate;
mod sentry;
mod serve;
mod settings;

/// Runs every listed test on both pairs.
macro_rules! on_both_pairs {
    ($($module:ident :: $name:ident),* $(,)?) => {
        mod sqlite_and_embedded {
            $(
                #[test]
                fn $name() {
                    crate::$module::$name(ichnaea_testkit::Backend::Embedded);
                }
            )*
        }

        mod mariadb_and_redis {
            $(
                #[test]
                fn $name() {
                    crate::$module::$name(ichnaea_testkit::Backend::Server);
                }
            )*
        }
    };
}

on_both_pairs! {
    apikey::keys_are_created_listed_changed_and_deleted,
    apikey::a_key_is_random_unless_named,
    apikey::a_set_up_that_runs_again_makes_no_second_key,
    apikey::what_is_no_key_is_refused,
    apikey::a_publicly_known_key_is_made_with_a_warning,
    export_config::targets_are_created_listed_changed_and_deleted,
    export_config::what_is_no_target_is_refused,
    sentry::a_database_that_fails_is_reported_once_and_requests_go_on,
    sentry::a_failure_to_count_is_reported,
    sentry::a_failed_task_is_reported_with_its_name,
    sentry::a_worker_sends_the_test_event,
    settings::settings_are_listed_set_and_unset,
    settings::what_is_no_setting_is_refused,
    operate::a_schema_is_created_once,
    operate::a_worker_names_the_migrations_it_misses,
    operate::a_task_that_does_not_exist_is_a_usage_error,
    operate::an_empty_pipeline_is_drained_at_once,
    serve::the_printed_requests_work_and_a_signal_ends_it_well,
}

#[test]
fn every_configuration_problem_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let run = command::Ichnaea::without_backends(folder.path())
        .env("TRUSTED_PROXIES", "nonsense")
        .env("GUNICORN_TIMEOUT", "0")
        .run(&["web"]);
    assert_eq!(run.status, 78);
    let names: Vec<&str> =
        run.complaints.iter().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(names, ["DB_READWRITE_URI", "TRUSTED_PROXIES", "GUNICORN_TIMEOUT"]);
}

#[test]
fn wrong_usage_has_a_status_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let ichnaea = command::Ichnaea::without_backends(folder.path());
    for arguments in [&["nonsense"][..], &[], &["apikey", "create", "--maxreq", "many"]] {
        assert_eq!(ichnaea.run(arguments).status, 2, "{arguments:?}");
    }
    let many = ichnaea.run(&["apikey", "create", "--maxreq", "many"]);
    assert!(many.complaints[0].ends_with("many is not a valid integer"), "{:?}", many.complaints);
    for command in ["apikey", "export-config", "settings", "sentry-test"] {
        let usage = ichnaea.run(&[command]);
        assert_eq!(usage.status, 0, "{command}");
        assert!(
            usage
                .lines
                .iter()
                .any(|line| { line.starts_with("  list ") || line.starts_with("  cli ") }),
            "{:?}",
            usage.lines
        );
    }
    let version = ichnaea.run(&["--version"]);
    assert_eq!((version.status, version.lines.len()), (0, 1));
    assert_eq!(ichnaea.run(&["task", "list"]).status, 0);
}
