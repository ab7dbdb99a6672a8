//! `ichnaea dump` and `ichnaea restore`.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use ichnaea_kv::Op;
use ichnaea_server::backup::Digest;
use ichnaea_testkit::Backend;
use serde_json::Value;

use crate::command::{Backends, Ended, Ichnaea};
use crate::process::Process;

/// Rows with odd values in tables of every kind.
const ROWS: [&str; 12] = [
    "INSERT INTO wifi_shard_0 (mac, lat, lon, max_lat, weight, created, modified, radius, region, \
     samples, source, last_seen, block_first, block_last, block_count) VALUES \
     (X'000000000000', 51.5, -0.1, 0.30000000000000004, 1.7976931348623157e308, \
     '2020-02-29 23:59:59', '2026-01-31 00:00:00', 4294967295, 'GB', 1, 3, '2026-01-31', \
     '2020-01-01', '2026-01-30', 255)",
    "INSERT INTO wifi_shard_0 (mac) VALUES (X'0000000000FF'), (X'00275C000A0D')",
    "INSERT INTO blue_shard_f (mac, lat, lon, weight) VALUES (X'FFFFFFFFFFFF', -85.0511, 179.9999999, \
     2.2250738585072014e-308)",
    "INSERT INTO cell_gsm (cellid, radio, mcc, mnc, lac, cid, psc, lat) VALUES \
     (X'0000EA001E000100000001', 0, 234, 30, 1, 1, NULL, 1e-7), \
     (X'0000EA001EFFFEFFFFFFFF', 0, 234, 30, 65534, 4294967295, -1, NULL)",
    "INSERT INTO cell_nr (cellid, radio, mcc, mnc, lac, cid) VALUES \
     (X'0500EA001E00FFFFFF0000000FFFFFFFFF', 5, 234, 30, 16777215, 68719476735)",
    "INSERT INTO cell_area (areaid, radio, mcc, mnc, lac, radius, avg_cell_radius, num_cells) VALUES \
     (X'0000EA001E0001', 0, 234, 30, 1, 2147483647, 4294967295, 1)",
    "INSERT INTO stat (`key`, `time`, `value`) VALUES (1, '2026-01-31', 9223372036854775807), \
     (5, '1970-01-01', NULL)",
    "INSERT INTO api_key (valid_key, maxreq, allow_locate, fallback_url) VALUES \
     ('B_key', 0, 1, 'https://example.com/?a=\"b\"&c=\u{e9}'), ('a-key', NULL, NULL, NULL), ('A_key2', 7, 0, '')",
    "INSERT INTO export_config (name, batch, `schema`, url, skip_keys) VALUES \
     ('more', 0, 's3', 's3://bucket/{api_key}', 'a-key,B_key')",
    "INSERT INTO imported_file (id, digest, name, format, licence, is_public, started, finished) \
     VALUES (7, NULL, 'world.csv', 'cells', 'CC-BY-SA-4.0', 0, '2026-01-31 12:00:00', NULL)",
    "INSERT INTO restricted_cell (cellid, import_id) VALUES (X'0000EA001E000100000001', 7), \
     (X'0500EA001E00FFFFFF0000000FFFFFFFFF', 7)",
    "INSERT INTO datamap_ne (grid, created, modified) VALUES (X'000222E000030D40', '2020-01-01', NULL)",
];

/// How many rows these are, with the one that a migration makes.
const COUNT: u64 = 19;

/// An installation with rows of every kind, and a setting.
fn filled(backend: Backend) -> (Backends, Ichnaea) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    backends.database.execute(&ROWS);
    let set = ichnaea.run(&["settings", "set", "global_locate_sample_rate", "20"]);
    assert_eq!(set.status, 0, "{:?}", set.complaints);
    (backends, ichnaea)
}

fn empty(backend: Backend) -> (Backends, Ichnaea) {
    let backends = Backends::new(backend);
    let ichnaea = backends.ichnaea();
    (backends, ichnaea)
}

fn other(backend: Backend) -> Backend {
    match backend {
        Backend::Embedded => Backend::Server,
        Backend::Server => Backend::Embedded,
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn done(ended: &Ended) {
    assert_eq!(ended.status, 0, "{:?} {:?}", ended.lines, ended.complaints);
}

/// The tables of a dump with their rows and digests.
fn tables(ichnaea: &Ichnaea, dump: &Path) -> Value {
    let checked = ichnaea.run(&["dump", "--check", text(dump), "--json"]);
    done(&checked);
    let said: Value = serde_json::from_str(&checked.lines.concat()).unwrap();
    said["tables"].clone()
}

fn restored(from: &Path, backend: Backend) -> (Backends, Ichnaea) {
    let (backends, ichnaea) = empty(backend);
    let ended = ichnaea.run(&["restore", text(from)]);
    done(&ended);
    assert_eq!(ended.complaints, Vec::<String>::new());
    assert!(ended.lines[1].contains("compared with the dump row for row"), "{:?}", ended.lines);
    (backends, ichnaea)
}

pub fn an_installation_moves_to_the_other_backends_and_back_unchanged(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let (_here, ichnaea) = filled(backend);
    let first = folder.path().join("first.zst");
    let ended = ichnaea.run(&["dump", "-o", text(&first), "--json"]);
    done(&ended);
    assert_eq!(ended.complaints, Vec::<String>::new());
    let said: Value = serde_json::from_str(&ended.lines.concat()).unwrap();
    assert_eq!((&said["rows"], &said["unreadable"]), (&(COUNT + 1).into(), &0.into()));
    assert_eq!(first.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let (there, at_there) = restored(&first, other(backend));
    let second = folder.path().join("second.zst");
    done(&at_there.run(&["dump", "-o", text(&second)]));
    let (back, at_back) = restored(&second, backend);
    let third = folder.path().join("third.zst");
    done(&at_back.run(&["dump", "-o", text(&third)]));

    let expected = tables(&ichnaea, &first);
    assert_eq!(tables(&at_there, &second), expected);
    assert_eq!(tables(&at_back, &third), expected);
    for database in [&there.database, &back.database] {
        let keys = database.rows("SELECT valid_key FROM api_key ORDER BY maxreq");
        assert_eq!(keys.len(), 3);
        let lat = database
            .rows("SELECT max_lat = 0.30000000000000004e0 FROM wifi_shard_0 WHERE radius > 0");
        assert_eq!(lat[0][0].as_deref(), Some("1"));
        let large = database.rows("SELECT cid FROM cell_nr");
        assert_eq!(large[0][0].as_deref(), Some("68719476735"));
        assert_eq!(database.rows("SELECT id FROM applied_batch").len(), 0);
        let targets = database.rows("SELECT name FROM export_config ORDER BY name");
        assert_eq!(targets.concat(), [Some("internal".to_owned()), Some("more".to_owned())]);
    }
    let rate = at_back.run(&["settings", "get", "global_locate_sample_rate"]);
    assert_eq!(rate.lines, ["20"]);
}

pub fn an_installation_moves_through_a_pipe(backend: Backend) {
    let (_here, from) = filled(backend);
    let (_there, to) = empty(other(backend));
    let mut dump = from.command(&["dump", "-o", "-"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut restore = to.command(&["restore", "-", "--json"]);
    restore.stdin(dump.stdout.take().unwrap());
    let ended = Ended::of(&restore.output().unwrap());
    assert!(dump.wait().unwrap().success());
    done(&ended);
    let said: Value = serde_json::from_str(&ended.lines.concat()).unwrap();
    assert_eq!((&said["rows"], &said["verified"]), (&COUNT.into(), &true.into()));
}

pub fn two_installations_are_never_mixed(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.zst");
    let (_here, from) = filled(backend);
    done(&from.run(&["dump", "-o", text(&dump)]));
    // A dump that is there is not written over.
    let again = from.run(&["dump", "-o", text(&dump)]);
    assert_eq!(again.status, 1);
    assert!(again.complaints[0].contains("exists already"), "{:?}", again.complaints);

    let there = Backends::new(backend);
    let to = there.migrated();
    done(&to.run(&["apikey", "create", "mine"]));
    there.database.execute(&["INSERT INTO region_stat (region) VALUES ('DE')"]);
    for arguments in [&["restore", text(&dump)][..], &["restore", "--dry-run", text(&dump)]] {
        let refused = to.run(arguments);
        assert_eq!(refused.status, 1);
        let why = refused.lines.last().unwrap();
        assert!(why.contains("api_key, region_stat") && why.contains("--replace"), "{why}");
    }
    assert_eq!(there.database.rows("SELECT mac FROM wifi_shard_0").len(), 0);

    done(&to.run(&["restore", "--dry-run", "--replace", text(&dump)]));
    assert_eq!(there.database.rows("SELECT region FROM region_stat").len(), 1);
    done(&to.run(&["restore", "--replace", text(&dump)]));
    assert_eq!(there.database.rows("SELECT region FROM region_stat").len(), 0);
    assert_eq!(there.database.rows("SELECT mac FROM wifi_shard_0").len(), 3);
    assert_eq!(there.database.rows("SELECT valid_key FROM api_key").len(), 3);
}

pub fn a_dump_without_secrets_leaves_those_that_are_there(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.zst");
    let (_here, from) = filled(backend);
    done(&from.run(&["dump", "--without-keys", "--without-settings", "-o", text(&dump)]));
    let plain = zstd::decode_all(std::fs::File::open(&dump).unwrap()).unwrap();
    let plain = String::from_utf8(plain).unwrap();
    assert!(!plain.contains("a-key") && !plain.contains("example.com"), "{plain}");

    let there = Backends::new(backend);
    let to = there.migrated();
    done(&to.run(&["apikey", "create", "mine"]));
    done(&to.run(&["settings", "set", "global_locate_sample_rate", "30"]));
    done(&to.run(&["restore", text(&dump)]));
    let keys = there.database.rows("SELECT valid_key FROM api_key");
    assert_eq!(keys.concat(), [Some("mine".to_owned())]);
    assert_eq!(there.database.rows("SELECT mac FROM wifi_shard_0").len(), 3);
    assert_eq!(to.run(&["settings", "get", "global_locate_sample_rate"]).lines, ["30"]);
}

pub fn accounts_need_no_more_than_their_rights(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.zst");
    let (here, _) = filled(backend);
    let reader = Ichnaea::with(&[
        ("DB_READONLY_URI", &here.database.reader_uri()),
        ("DB_READWRITE_URI", "mysql://nobody@127.0.0.1:1/nothing"),
        ("REDIS_URI", &here.keyvalue.uri),
    ]);
    done(&reader.run(&["dump", "-o", text(&dump)]));

    let there = Backends::new(backend);
    let to = Ichnaea::with(&[
        ("DB_READONLY_URI", &there.database.reader_uri()),
        ("DB_READWRITE_URI", &there.database.writer_uri()),
        ("SQLALCHEMY_URL", &there.database.uri),
        ("REDIS_URI", &there.keyvalue.uri),
    ]);
    done(&to.run(&["restore", text(&dump)]));
    assert_eq!(there.database.rows("SELECT mac FROM wifi_shard_0").len(), 3);
}

/// An installation of some size, for what takes a while.
fn large(backend: Backend) -> (Backends, Ichnaea) {
    let (backends, ichnaea) = filled(backend);
    for table in ["wifi_shard_1", "wifi_shard_2"] {
        for part in 0..10 {
            let row = |number: u32| format!("(X'{:012X}', {number}.5)", part * 1000 + number);
            let rows: Vec<String> = (0..1000).map(row).collect();
            let insert = format!("INSERT INTO {table} (mac, lat) VALUES {}", rows.join(","));
            backends.database.execute(&[&insert]);
        }
    }
    (backends, ichnaea)
}

pub fn a_restore_that_was_killed_is_begun_again(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.zst");
    let (_here, from) = large(backend);
    done(&from.run(&["dump", "-o", text(&dump)]));
    // Not compressed, a part of it is a part of the rows.
    let plain = zstd::decode_all(std::fs::File::open(&dump).unwrap()).unwrap();

    let (there, to) = empty(backend);
    done(&to.run(&["db", "migrate"]));
    let mut command: Command = to.command(&["restore", "-"]);
    let (pipe, mut end) = std::io::pipe().unwrap();
    command.stdin(pipe);
    let mut process = Process::spawn(&mut command);
    drop(command);
    end.write_all(&plain[..plain.len() * 3 / 4]).unwrap();
    process.until(|| !there.database.rows("SELECT mac FROM wifi_shard_1 LIMIT 1").is_empty());
    process.signal("KILL");
    assert!(!process.ended().success());

    for arguments in [&["restore", text(&dump)][..], &["restore", "--dry-run", text(&dump)]] {
        let refused = to.run(arguments);
        assert_eq!(refused.status, 1);
        let why = refused.lines.last().unwrap();
        assert!(why.contains("half restored (begun 2") && why.contains("--replace"), "{why}");
    }
    let doctor = to.run(&["doctor", "--problems"]).lines.concat();
    assert!(doctor.contains("a restore did not end: begun 2"), "{doctor}");
    let half = to.run(&["dump", "-o", text(&folder.path().join("half.zst"))]);
    assert_eq!(half.status, 1);
    assert!(half.complaints[0].contains("half restored"), "{:?}", half.complaints);

    done(&to.run(&["restore", "--replace", text(&dump)]));
    let copy = folder.path().join("copy.zst");
    done(&to.run(&["dump", "-o", text(&copy)]));
    assert_eq!(tables(&to, &copy), tables(&from, &dump));
}

pub fn a_damaged_dump_changes_nothing(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.zst");
    let (_here, from) = filled(backend);
    done(&from.run(&["dump", "-o", text(&dump)]));
    let whole = std::fs::read(&dump).unwrap();
    let plain = String::from_utf8(zstd::decode_all(&whole[..]).unwrap()).unwrap();
    let (_there, to) = empty(backend);
    let broken = folder.path().join("broken.zst");
    let refuse = |bytes: &[u8], word: &str| {
        std::fs::write(&broken, bytes).unwrap();
        for arguments in [&["dump", "--check", text(&broken)][..], &["restore", text(&broken)]] {
            let ended = to.run(arguments);
            assert_eq!(ended.status, 1, "{arguments:?} {word}");
            assert!(ended.lines[0].contains(word), "{arguments:?} {word}: {:?}", ended.lines);
        }
    };
    refuse(&whole[..whole.len() / 2], "cut off");
    refuse(&plain.as_bytes()[..plain.len() - 30], "cut off");
    refuse(b"", "no dump");
    refuse(b"mac,lat,lon\n", "no dump");
    refuse(b"{\"format\": \"ichnaea dump\", \"version\": 2}\n", "version 2");
    refuse(plain.replacen("51.5", "51.6", 1).as_bytes(), "not as it was written");
    refuse(plain.replacen("\"GB\"", "7", 1).as_bytes(), "the value of region is no text");
    let without_a_row: Vec<&str> =
        plain.lines().filter(|line| !line.contains("ffffffffffff")).collect();
    refuse((without_a_row.join("\n") + "\n").as_bytes(), "0 rows of 1");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    refuse(&flipped, "damaged in line");
    // Not even a table was made.
    let status = to.run(&["db", "status"]);
    assert_eq!(status.status, 1);
    assert!(status.lines.iter().any(|line| line.starts_with("Missing: ")), "{:?}", status.lines);
    done(&to.run(&["restore", text(&dump)]));
}

pub fn running_roles_are_a_reason_to_refuse(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.zst");
    let (_here, from) = filled(backend);
    done(&from.run(&["dump", "-o", text(&dump)]));
    let there = Backends::new(backend);
    let to = there.migrated();
    let mut worker = Process::start(&to, &["worker"]);
    let seen =
        || to.run(&["pipeline", "status"]).lines.iter().any(|line| line.starts_with("worker on"));
    worker.until(seen);
    let refused = to.run(&["restore", "--replace", text(&dump)]);
    assert_eq!(refused.status, 1);
    assert!(refused.lines[0].contains("a worker on"), "{:?}", refused.lines);
    worker.signal("TERM");
    assert!(worker.ended().success());
}

/// A dump as a release would have written it that calls a table so.
fn with_table_renamed(dump: &Path, old: &str, new: &str) -> String {
    let plain = zstd::decode_all(std::fs::File::open(dump).unwrap()).unwrap();
    let plain = String::from_utf8(plain).unwrap();
    let (old, new) = (format!("{{\"table\":\"{old}\""), format!("{{\"table\":\"{new}\""));
    let mut sum = None;
    let mut lines = Vec::new();
    for line in plain.lines() {
        let mut line = line.replace(&old, &new);
        if line.starts_with(&new) {
            sum = Some(Digest::default());
        }
        if line.starts_with("{\"rows\"")
            && let Some(sum) = sum.take()
        {
            let (before, _) = line.split_once("\"digest\"").unwrap();
            line = format!("{before}\"digest\":\"{sum}\"}}");
        }
        if let Some(sum) = &mut sum {
            sum.add(Digest::of(line.as_bytes()));
        }
        lines.push(line);
    }
    lines.join("\n") + "\n"
}

pub fn columns_and_tables_of_other_releases_are_told(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.zst");
    let (here, from) = filled(backend);
    here.database.execute(&[
        "ALTER TABLE api_key ADD COLUMN shortname varchar(40)",
        "UPDATE api_key SET shortname = 'Jo'",
    ]);
    done(&from.run(&["dump", "-o", text(&dump)]));
    let (there, to) = empty(backend);
    done(&to.run(&["db", "migrate"]));
    there.database.execute(&["ALTER TABLE stat ADD COLUMN note varchar(40)"]);
    let ended = to.run(&["restore", text(&dump)]);
    done(&ended);
    assert!(
        ended.complaints[0].contains("api_key.shortname is not known"),
        "{:?}",
        ended.complaints
    );
    assert_eq!(there.database.rows("SELECT valid_key FROM api_key").len(), 3);

    let newer = folder.path().join("newer.jsonl");
    std::fs::write(&newer, with_table_renamed(&dump, "stat", "statistics")).unwrap();
    let refused = to.run(&["restore", "--replace", text(&newer)]);
    assert_eq!(refused.status, 1);
    assert!(
        refused.complaints.concat().contains("statistics is not known"),
        "{:?}",
        refused.complaints
    );
}

pub fn what_waits_is_warned_of(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let (here, ichnaea) = filled(backend);
    let push = async {
        let kv = ichnaea_kv::open(&here.keyvalue.uri, &ichnaea_kv::Options::default()).await?;
        let queue = "update_wifi_0".to_owned();
        kv.apply(vec![
            Op::Push { queue, items: vec![b"1".to_vec(), b"2".to_vec()] },
            Op::Count { key: "statcounter_wifi_20260131".to_owned(), by: 3, ttl: None },
            Op::Count { key: "statcounter_cell_20260131".to_owned(), by: 0, ttl: None },
        ])
        .await
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(push).unwrap();
    let ended = ichnaea.run(&["dump", "-o", text(&folder.path().join("dump.zst"))]);
    done(&ended);
    let said = ended.complaints.concat();
    assert!(said.contains("2 items wait in queues"), "{said}");
    assert!(said.contains("1 daily counters") && said.contains("update_statcounter"), "{said}");
}

#[test]
fn a_full_disk_and_a_closed_pipe_end_a_dump_with_one_line() {
    let (_here, ichnaea) = filled(Backend::Embedded);
    for target in ["/dev/full", "closed"] {
        let mut command = ichnaea.command(&["dump", "-o", "-"]);
        if target == "closed" {
            let (pipe, end) = std::io::pipe().unwrap();
            drop(pipe);
            command.stdout(end);
        } else {
            command.stdout(std::fs::OpenOptions::new().write(true).open(target).unwrap());
        }
        let ended = Ended::of(&command.output().unwrap());
        assert_eq!((ended.status, ended.complaints.len()), (1, 1), "{:?}", ended.complaints);
        assert!(ended.complaints[0].contains("cannot write the dump"), "{:?}", ended.complaints);
    }
    let nowhere = ichnaea.run(&["dump", "-o", "/nonexistent/dump.zst"]);
    assert_eq!((nowhere.status, nowhere.complaints.len()), (1, 1));
    assert_eq!(ichnaea.run(&["dump"]).status, 2);
    assert_eq!(ichnaea.run(&["restore"]).status, 2);
    assert_eq!(ichnaea.run(&["restore", "/nonexistent"]).status, 1);
}
