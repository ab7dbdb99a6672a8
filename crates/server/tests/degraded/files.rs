//! The same on SQLite files: locked by others, moved away, replaced, on a full disk.

use std::path::{Path, PathBuf};

use ichnaea_testkit::database::{LockedFile, rows_of_file};
use ichnaea_testkit::geoip;
use tempfile::TempDir;

use crate::rows::{FROM_LONDON, Row, State, report, settle, walk};
use crate::scene::{RECOVERY, SLACK, city, statements, warm};
use crate::service::{Service, Setting, run};

/// `BACKEND_TIMEOUT`: a file that is locked is waited for this long.
const BOUND: std::time::Duration = std::time::Duration::from_secs(1);

/// Two folders with a file each.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = TempDir::with_prefix("ichnaea-files-").unwrap();
        for name in ["tables", "queues"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        geoip::write_city_file(&folder.path().join("city.mmdb")).unwrap();
        let files = Self { folder };
        run(&["db", "migrate"], &files.settings());
        for statement in statements("datetime('now')", "date('now')") {
            let _ = rows_of_file(&files.database(), &statement);
        }
        files
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("tables/ichnaea.sqlite")
    }

    fn queues(&self) -> PathBuf {
        self.folder.path().join("queues/queue.sqlite")
    }

    fn settings(&self) -> Vec<Setting> {
        let uri = |path: PathBuf| format!("sqlite:{}", path.display());
        vec![
            ("DB_READWRITE_URI", uri(self.database())),
            ("REDIS_URI", uri(self.queues())),
            ("GEOIP_PATH", city(self.folder.path())),
            ("BACKEND_TIMEOUT", BOUND.as_secs().to_string()),
        ]
    }

    /// How many reports wait.
    fn waiting(&self) -> u64 {
        let query = "SELECT last_number - after_number FROM queue WHERE name = 'update_incoming'";
        let rows = rows_of_file(&self.queues(), query);
        rows.first().and_then(|row| row[0].as_ref()?.parse().ok()).unwrap_or(0)
    }
}

fn start(files: &Files) -> Service {
    let (web, _) = Service::start_web(&files.settings());
    warm(&web);
    settle(&web, State::HEALTHY, RECOVERY);
    web
}

fn rename(from: &Path, to: &Path) {
    std::fs::rename(from, to).unwrap();
}

#[test]
fn files_that_another_program_has_locked_can_be_read_and_are_written_later() {
    let files = Files::new();
    let web = start(&files);
    let lock = LockedFile::new(&files.database());
    walk(&web, State::HEALTHY, BOUND + SLACK);
    drop(lock);

    let lock = LockedFile::new(&files.queues());
    let waiting = files.waiting();
    walk(&web, State::NO_WRITES, BOUND + SLACK);
    assert_eq!(files.waiting(), waiting, "what was answered 503 is not there later");
    drop(lock);
    settle(&web, State::HEALTHY, RECOVERY);
    assert!(files.waiting() > waiting);
    web.stop();
}

#[test]
fn files_and_folders_that_are_gone_are_away_until_they_are_back() {
    let files = Files::new();
    let web = start(&files);
    let aside = files.folder.path().join("aside");

    rename(&files.database(), &aside);
    settle(&web, State::NO_DATABASE, RECOVERY);
    walk(&web, State::NO_DATABASE, BOUND + SLACK);
    assert!(!files.database().exists(), "no empty file was begun in its place");
    rename(&aside, &files.database());
    settle(&web, State::HEALTHY, RECOVERY);

    for (folder, state) in [("tables", State::NO_DATABASE), ("queues", State::NO_REDIS)] {
        let path = files.folder.path().join(folder);
        rename(&path, &aside);
        settle(&web, state, RECOVERY);
        walk(&web, state, BOUND + SLACK);
        rename(&aside, &path);
        settle(&web, State::HEALTHY, RECOVERY);
    }
    web.stop();
}

#[test]
fn a_file_that_was_replaced_gets_what_is_accepted_from_then_on() {
    let files = Files::new();
    let web = start(&files);
    // As when a backup is put in place: the same content, another file.
    let copy = files.folder.path().join("copy");
    let _ = rows_of_file(&files.queues(), &format!("VACUUM INTO '{}'", copy.display()));
    for journal in ["-wal", "-shm"] {
        let path = format!("{}{journal}", files.queues().display());
        std::fs::remove_file(path).unwrap();
    }
    rename(&copy, &files.queues());
    let before = files.waiting();
    for number in 1..=5 {
        let body = serde_json::json!({"items": [report(number)]}).to_string();
        let answer = web.send("POST", "/v2/geosubmit?key=test", &[FROM_LONDON], &body);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(files.waiting(), before + 5);
    settle(&web, State::HEALTHY, RECOVERY);
    web.stop();
}

#[test]
fn a_full_disk_refuses_reports_and_nothing_else() {
    let files = Files::new();
    let web = Service::start_web_that_can_be_limited(&files.settings());
    warm(&web);
    settle(&web, State::HEALTHY, RECOVERY);
    // No file may grow; that goes for the log as well.
    web.limit_files(Some(1));
    walk(&web, State::NO_WRITES, BOUND + SLACK);
    let waiting = files.waiting();
    assert_eq!(Row::SubmitV2.send(&web).status, 503);
    assert_eq!(files.waiting(), waiting);
    web.limit_files(None);
    settle(&web, State::HEALTHY, RECOVERY);
    assert!(files.waiting() > waiting);
    web.stop();
}
