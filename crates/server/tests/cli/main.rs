//! The `ichnaea` command as a user meets it, on both backend pairs.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so and stops"
)]

mod apikey;
mod backup;
mod command;
mod datamap;
mod doctor;
mod draw;
mod export_config;
mod files;
mod import;
mod logs;
mod operate;
mod process;
mod roles;
mod schema;
mod sentry;
mod serve;
mod settings;
mod shell;
mod stats;

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
    backup::a_damaged_dump_changes_nothing,
    backup::a_dump_without_secrets_leaves_those_that_are_there,
    backup::a_restore_that_was_killed_is_begun_again,
    backup::accounts_need_no_more_than_their_rights,
    backup::an_installation_moves_through_a_pipe,
    backup::an_installation_moves_to_the_other_backends_and_back_unchanged,
    backup::columns_and_tables_of_other_releases_are_told,
    backup::running_roles_are_a_reason_to_refuse,
    backup::two_installations_are_never_mixed,
    backup::what_waits_is_warned_of,
    doctor::accounts_may_do_what_they_are_for,
    doctor::an_installation_becomes_healthy_step_by_step,
    draw::the_map_is_drawn_from_the_grid_and_only_what_changes_is_written,
    draw::a_worker_draws_the_map_when_the_scheduler_says_so,
    draw::the_roles_bring_the_map_to_its_bucket_and_its_folder,
    export_config::targets_are_created_listed_changed_and_deleted,
    export_config::what_is_no_target_is_refused,
    files::a_dump_of_a_table_is_the_original_s,
    files::extracts_hold_what_was_asked_for,
    logs::logs_of_every_app_become_stations,
    logs::a_log_is_imported_once_unless_that_is_wanted,
    logs::an_import_waits_while_too_much_waits,
    import::a_file_of_cells_is_merged_and_every_row_is_accounted_for,
    import::newer_rows_overwrite_and_older_ones_do_not,
    import::the_same_file_is_imported_once,
    import::nothing_is_written_in_a_dry_run,
    import::packed_files_and_standard_input_are_read,
    import::a_file_that_ends_early_gives_what_it_has,
    import::what_cannot_be_imported_is_said,
    import::rejects_that_cannot_be_written_stop_the_import_before_it_begins,
    import::cells_under_conditions_are_kept_apart,
    import::tables_of_stations_come_in_with_all_columns,
    import::the_tool_of_the_original_is_understood,
    sentry::a_database_that_fails_is_reported_once_and_requests_go_on,
    sentry::a_failure_to_count_is_reported,
    sentry::a_failed_task_is_reported_with_its_name,
    sentry::a_worker_sends_the_test_event,
    settings::settings_are_listed_set_and_unset,
    settings::what_is_no_setting_is_refused,
    stats::totals_growth_and_regions_are_shown,
    operate::a_schema_is_created_once,
    schema::a_set_up_as_in_the_deployment_guide_can_be_repeated,
    schema::a_database_is_checked_created_and_dropped,
    schema::a_person_is_asked_before_a_database_is_dropped,
    operate::a_worker_names_the_migrations_it_misses,
    operate::a_task_that_does_not_exist_is_a_usage_error,
    operate::an_empty_pipeline_is_drained_at_once,
    roles::every_role_is_ready_and_ends_well_when_asked_again_and_again,
    roles::the_lines_about_start_and_stop_have_a_level_of_their_own,
    roles::a_request_that_is_being_sent_is_answered_before_the_end,
    roles::a_second_signal_ends_a_process_at_once,
    roles::the_second_scheduler_takes_over_when_the_first_is_killed,
    roles::the_first_process_of_a_container_ends_well_and_buries_orphans,
    roles::a_hang_up_reads_the_city_database_and_nothing_else_again,
    roles::the_web_role_is_checked_without_listening,
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
fn a_role_that_does_not_exist_is_answered_with_the_list_of_those_that_do() {
    let folder = tempfile::tempdir().unwrap();
    let ended = command::Ichnaea::without_backends(folder.path()).run(&["nonsense", "x"]);
    assert_eq!((ended.status, ended.lines.len()), (1, 0));
    for role in ["web", "worker", "scheduler", "map", "local_map", "shell", "alembic"] {
        assert!(ended.complaints[1].contains(role), "{:?}", ended.complaints);
    }
}

#[test]
fn every_setting_is_shown_with_its_origin_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let plain = command::Ichnaea::without_backends(folder.path());
    let ichnaea = plain
        .clone()
        .env("DB_READONLY_URI", "mysql://u:hidden@db/location")
        .env("SECRET_KEY", "hidden")
        .env("MAP_TOKEN", "hidden")
        .env("SENTRY_DSN", "https://public:hidden@sentry.example/1")
        .env("REDIS_URI", "redis://:hidden@cache/0")
        .env("PORT", "8080");
    let ended = ichnaea.run(&["config", "--statsd-host", "stats"]);
    assert_eq!(ended.status, 0, "{:?}", ended.complaints);
    let said = ended.lines.join("\n");
    assert!(!said.contains("hidden"), "{said}");
    for line in [
        "  DB_READONLY_URI = mysql://u:***@db/location  [DB_READONLY_URI]",
        "  MAPBOX_TOKEN = ***  [MAP_TOKEN]",
        "  GUNICORN_PORT = 8080  [PORT]",
        "  STATSD_HOST = stats  [flag --statsd-host]",
        "  STATSD_PORT = 8125  [default]",
    ] {
        assert!(ended.lines.iter().any(|shown| shown == line), "{line}\n{said}");
    }
    let json = ichnaea.run(&["config", "--json"]).lines.concat();
    assert!(!json.contains("hidden"), "{json}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["problems"], serde_json::json!([]));
    let first = &json["settings"][0];
    assert_eq!(
        (&first["name"], &first["flag"]),
        (&"DB_READONLY_URI".into(), &"--db-readonly-uri".into())
    );

    // What is wrong is said, and the rest is shown all the same.
    let wrong = plain.env("STATSD_PORT", "many").run(&["config"]);
    assert_eq!((wrong.status, wrong.complaints.len()), (78, 1));
    assert!(wrong.complaints[0].starts_with("ichnaea: STATSD_PORT: \"many\" was given"));
    assert!(wrong.lines.iter().any(|line| line.contains("STATSD_PORT = many")));
}

#[test]
fn the_secret_has_to_be_set_where_redis_is_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let guide = command::Ichnaea::without_backends(folder.path())
        .env("DB_HOST", "192.0.2.1")
        .env("DB_USER", "location")
        .env("DB_PASSWORD", "hidden")
        .env("GEOIP_PATH", "/nonexistent")
        .env("REDIS_HOST", "127.0.0.1");
    for role in ["web", "serve"] {
        let ended = guide.run(&[role]);
        assert_eq!(ended.status, 78);
        assert!(ended.complaints[0].contains("secret_key is not set"), "{:?}", ended.complaints);
    }
    let default = guide.env("SECRET_KEY", "default for development, change in production");
    let ended = default.run(&["web", "--check"]);
    assert_eq!(ended.status, 78);
    let complaint = &ended.complaints[0];
    assert!(complaint.contains("secret_key has the default value"), "{complaint}");
    assert!(!complaint.contains("hidden"), "{complaint}");
}

#[test]
fn wrong_usage_has_a_status_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let ichnaea = command::Ichnaea::without_backends(folder.path());
    for arguments in [
        &[][..],
        &["apikey", "nonsense"],
        &["apikey", "create", "--maxreq", "many"],
        &["worker", "--worker-concurrency", "many"],
    ] {
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
