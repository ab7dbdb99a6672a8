//! `ichnaea alembic` and `ichnaea db`.

use std::io::Write as _;
use std::process::Stdio;

use ichnaea_testkit::Backend;
use ichnaea_testkit::database::fresh;

use crate::command::{Backends, Ichnaea};

const HEAD: &str = "3be4004781bc (head)";
const HISTORY: [&str; 11] = [
    "a0ee5e10f44b -> 3be4004781bc (head), No-op migration for testing deploys",
    "138cb0d71dfb -> a0ee5e10f44b, Remove allow_transfer column",
    "5797389a3842 -> 138cb0d71dfb, Drop OCID tables",
    "30a4df7eafd5 -> 5797389a3842, Add fallback schema",
    "73c5f5ae5b23 -> 30a4df7eafd5, Add allow_region column to api_key table.",
    "d2d9ecb12edc -> 73c5f5ae5b23, Remove api key shortname column.",
    "cad2875fd8cb -> d2d9ecb12edc, Add datamap modified index",
    "385f842b2526 -> cad2875fd8cb, Extend api keys with sample_store columns.",
    "1bdf1028a085 -> 385f842b2526, Add allow_transfer column to api_key table.",
    "000000000000 -> 1bdf1028a085, extend export config",
    "<base> -> 000000000000, Base schema.",
];

/// Lines on standard output; the command has to end well.
fn lines(ichnaea: &Ichnaea, arguments: &[&str]) -> Vec<String> {
    let ended = ichnaea.run(arguments);
    assert_eq!(ended.status, 0, "{arguments:?}: {:?}", ended.complaints);
    ended.lines
}

/// What the logger of the migration tool says on standard error.
fn logged(ichnaea: &Ichnaea, arguments: &[&str]) -> Vec<String> {
    let output = ichnaea.command(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stderr).unwrap();
    let parsed =
        text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    parsed
        .filter(|line| line["Type"] == "alembic.runtime.migration")
        .map(|line| line["Fields"]["msg"].as_str().unwrap().to_owned())
        .collect()
}

pub fn a_set_up_as_in_the_deployment_guide_can_be_repeated(backend: Backend) {
    let backends = Backends::new(backend);
    // Redis is none of its business.
    let ichnaea = Ichnaea::with(&[("SQLALCHEMY_URL", &backends.database.uri)]);
    for _ in 0..2 {
        assert_eq!(lines(&ichnaea, &["alembic", "stamp", "base"]), Vec::<String>::new());
        let rows = backends.database.rows("SELECT COUNT(*) FROM alembic_version");
        assert_eq!(rows, [[Some("0".to_owned())]]);
        assert_eq!(lines(&ichnaea, &["alembic", "current"]), Vec::<String>::new());
    }
    let steps = logged(&ichnaea, &["alembic", "-c", "alembic.ini", "upgrade", "head"]);
    assert_eq!(steps[1], "Will assume non-transactional DDL.");
    let expected = match backend {
        Backend::Server => {
            let walk = HISTORY.iter().rev().map(|line| {
                format!("Running upgrade {}", line.replace("<base>", "").replace(" (head)", ""))
            });
            walk.collect()
        }
        Backend::Embedded => vec!["Running upgrade  -> 3be4004781bc, Base schema.".to_owned()],
    };
    assert_eq!(steps[2..], expected);
    let again = logged(&ichnaea, &["alembic", "upgrade", "head"]);
    assert_eq!(again.len(), 2, "{again:?}");
    assert_eq!(lines(&ichnaea, &["alembic", "current"]), [HEAD]);
    assert_eq!(lines(&ichnaea, &["alembic", "heads"]), [HEAD]);
    let keys = backends.database.rows("SELECT COUNT(*) FROM api_key");
    assert_eq!(keys, [[Some("0".to_owned())]], "nobody gets a key without asking");
    assert_eq!(lines(&ichnaea, &["db", "status"])[0], "Version: 3be4004781bc");

    // On a database in use the version goes and comes back; nothing else changes.
    let warned = logged(&ichnaea, &["alembic", "stamp", "base"]);
    assert_eq!(warned[2], "Running stamp_revision 3be4004781bc -> ");
    assert!(warned[3].contains("alembic upgrade head"), "{warned:?}");
    assert_eq!(ichnaea.run(&["db", "status"]).status, 1);
    lines(&ichnaea, &["alembic", "upgrade", "head"]);
    assert_eq!(lines(&ichnaea, &["alembic", "current"]), [HEAD]);
}

pub fn a_database_is_checked_created_and_dropped(backend: Backend) {
    let backends = Backends::new(backend);
    let uri = backends.database.uri.replace("root@", "root:@");
    let ichnaea = Ichnaea::with(&[("SQLALCHEMY_URL", &uri)]);
    let shown = uri.replace("root:@", "root:***@");
    lines(&ichnaea, &["db", "drop"]);
    let absent = ichnaea.run(&["db", "check"]);
    assert_eq!(absent.status, 1);
    assert!(absent.lines[0].starts_with("Database is not ready: "), "{:?}", absent.lines);
    let created = [format!("Creating database {shown}...."), "Done.".to_owned()];
    assert_eq!(lines(&ichnaea, &["db", "create"]), created);
    assert_eq!(lines(&ichnaea, &["db", "check"]), ["Database is ready."]);
    assert_eq!(lines(&ichnaea, &["alembic", "current"]), [HEAD]);
    let again = ichnaea.run(&["db", "create"]);
    assert_eq!((again.status, again.lines[1].as_str()), (1, "Database already exists."));
    let dropped = [format!("Dropping database {shown}...."), "Done.".to_owned()];
    for _ in 0..2 {
        assert_eq!(lines(&ichnaea, &["db", "drop", "--yes"]), dropped);
    }
    assert_eq!(ichnaea.run(&["db", "check"]).status, 1);
    for arguments in [&["db"][..], &["db", "nonsense"], &["alembic"], &["alembic", "upgrade"]] {
        assert_eq!(ichnaea.run(arguments).status, 2, "{arguments:?}");
    }
}

pub fn a_person_is_asked_before_a_database_is_dropped(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = Ichnaea::with(&[("SQLALCHEMY_URL", &backends.database.uri)]);
    lines(&ichnaea, &["alembic", "upgrade", "head"]);
    let name = backends.database.uri.rsplit(['/', ':']).next().unwrap();
    let name = if backend == Backend::Embedded {
        backends.database.uri.strip_prefix("sqlite:").unwrap()
    } else {
        name
    };
    for (answer, status, is_there) in [("yes", 1, true), ("", 1, true), (name, 0, false)] {
        assert_eq!(at_a_terminal(&ichnaea, "db drop", answer), status, "{answer:?}");
        let is_ready = ichnaea.run(&["db", "check"]).status == 0;
        assert_eq!(is_ready, is_there, "{answer:?}");
    }
}

/// Runs the command on a terminal, with one line typed; its status.
fn at_a_terminal(ichnaea: &Ichnaea, arguments: &str, typed: &str) -> i32 {
    let mut command = ichnaea.command(&[]);
    let program = command.get_program().to_owned();
    let environment: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command = std::process::Command::new("/usr/bin/script");
    let line = format!("{} {arguments}", program.display());
    command.args(["-qec", &line, "/dev/null"]).env_clear().envs(environment);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut child = child.unwrap();
    child.stdin.take().unwrap().write_all(format!("{typed}\n").as_bytes()).unwrap();
    child.wait().unwrap().code().unwrap()
}

#[test]
fn the_history_of_a_server_database_is_the_original_s() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing has to be configured to read it.
    for ichnaea in [
        Ichnaea::without_backends(folder.path()),
        Ichnaea::with(&[("SQLALCHEMY_URL", "mysql://a:b@127.0.0.1:1/x")]),
    ] {
        assert_eq!(lines(&ichnaea, &["alembic", "history"]), HISTORY);
        assert_eq!(lines(&ichnaea, &["alembic", "heads"]), [HEAD]);
    }
}

#[test]
fn a_server_database_is_walked_up_and_down_by_id_and_by_steps() {
    let database = fresh(Backend::Server);
    let ichnaea = Ichnaea::with(&[("DB_READWRITE_URI", &database.uri)]);
    let current = || lines(&ichnaea, &["alembic", "current"]);
    lines(&ichnaea, &["alembic", "upgrade", "5797389a3842"]);
    assert_eq!(current(), ["5797389a3842"]);
    lines(&ichnaea, &["alembic", "upgrade", "+1"]);
    assert_eq!(current(), ["138cb0d71dfb"]);
    let marked = lines(&ichnaea, &["alembic", "history", "--indicate-current"]);
    assert_eq!(marked[2], "5797389a3842 -> 138cb0d71dfb (current), Drop OCID tables");
    lines(&ichnaea, &["alembic", "upgrade", "head"]);
    let down = logged(&ichnaea, &["alembic", "downgrade", "-2"]);
    let expected = [
        "Running downgrade 3be4004781bc -> a0ee5e10f44b, No-op migration for testing deploys",
        "Running downgrade a0ee5e10f44b -> 138cb0d71dfb, Remove allow_transfer column",
    ];
    assert_eq!(down[2..], expected);
    assert_eq!(current(), ["138cb0d71dfb"]);
    lines(&ichnaea, &["alembic", "stamp", "a0ee5e10f44b"]);
    assert_eq!(current(), ["a0ee5e10f44b"]);
    lines(&ichnaea, &["alembic", "stamp", "head"]);
    assert_eq!(current(), [HEAD]);
    lines(&ichnaea, &["alembic", "downgrade", "base"]);
    assert_eq!(database.rows("SHOW TABLES"), [[Some("alembic_version".to_owned())]]);
    for (arguments, why) in [
        (&["alembic", "upgrade", "nonsense"][..], "Can't locate revision identified by 'nonsense'"),
        (&["alembic", "downgrade", "-1"], "didn't produce 1 migrations"),
        (&["alembic", "upgrade", "head", "--sql"], "no script"),
    ] {
        let ended = ichnaea.run(arguments);
        assert_eq!(ended.status, 1, "{arguments:?}");
        let is_said = ended.complaints.iter().any(|line| line.contains(why));
        assert!(is_said, "{:?}", ended.complaints);
    }
}

#[test]
fn a_missing_address_is_complained_about_as_ever() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Ichnaea::without_backends(folder.path()).run(&["alembic", "upgrade", "head"]);
    assert_eq!(ended.status, 78);
    let text = "SQLALCHEMY_URL is not specified in the environment";
    assert!(ended.complaints.iter().any(|line| line.contains(text)), "{:?}", ended.complaints);
}

#[test]
fn a_worker_names_the_revisions_that_an_old_database_lacks() {
    let backends = Backends::new(Backend::Server);
    let ichnaea = backends.ichnaea();
    lines(&ichnaea, &["alembic", "upgrade", "138cb0d71dfb"]);
    let ended = ichnaea.run(&["worker"]);
    assert_eq!(ended.status, 1);
    for name in ["a0ee5e10f44b", "3be4004781bc", "V2__additions", "alembic upgrade head"] {
        let is_said = ended.complaints.iter().any(|line| line.contains(name));
        assert!(is_said, "{name}: {:?}", ended.complaints);
    }
}
