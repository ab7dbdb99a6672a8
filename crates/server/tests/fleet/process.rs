//! The processes of one installation.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ichnaea_kv::KeyValue;
use ichnaea_server::keys;
use ichnaea_server::tasks::message::{Message, send};
use ichnaea_server::tasks::{PERIODIC, Task, When};

/// A process that takes longer than this for anything hangs.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// Pause between looks at something that only time changes.
pub const LOOK: Duration = Duration::from_millis(20);

/// Where the processes of an installation find their backends.
pub struct Installation {
    pub database: String,
    pub keyvalue: String,
    /// The queues, past the processes.
    pub kv: Arc<dyn KeyValue>,
}

/// A process; killed when the test ends before it does.
pub struct Process {
    child: Child,
    log: tempfile::NamedTempFile,
}

/// A web process and where it listens.
pub struct Web {
    pub process: Process,
    pub port: u16,
}

impl Installation {
    /// On these backends, with a schema and an export of every single report.
    pub async fn new(database: &str, keyvalue: &str) -> Self {
        let kv = ichnaea_kv::open(keyvalue, &ichnaea_kv::Options::default()).await.unwrap();
        let installation = Self { database: database.into(), keyvalue: keyvalue.into(), kv };
        installation.run(&["db", "migrate"]);
        installation
    }

    pub fn start(&self, arguments: &[&str]) -> Process {
        let log = tempfile::Builder::new().prefix("ichnaea-fleet-").tempfile().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_ichnaea"))
            .args(arguments)
            .env("DB_READWRITE_URI", &self.database)
            .env("REDIS_URI", &self.keyvalue)
            .env("SECRET_KEY", "of a test")
            .env("LEASE_SECONDS", "2")
            .env("CELERY_WORKER_CONCURRENCY", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen().unwrap())
            .spawn()
            .unwrap();
        Process { child, log }
    }

    /// Runs a command that has to succeed.
    pub fn run(&self, arguments: &[&str]) {
        let mut process = self.start(arguments);
        let status = process.ended();
        assert!(status.success(), "{arguments:?}: {status}\n{}", process.said());
    }

    /// Starts a web process and waits until it listens.
    pub fn web(&self) -> Web {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let process = self.start(&["web", "--bind", "127.0.0.1", "--port", &port.to_string()]);
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < PATIENCE, "web does not listen:\n{}", process.said());
            std::thread::sleep(LOOK);
        }
        Web { process, port }
    }

    /// Sends the workers what a scheduler sends in the course of a minute. The schedulers that
    /// run do so too; a test has less time.
    pub async fn tick(&self) {
        let now_ms = now_ms();
        let expires = Duration::from_secs(30);
        let often = PERIODIC.iter().filter(|line| matches!(line.when, When::Every(_)));
        let messages: Vec<Message> = often
            .filter(|line| line.task != Task::UpdateStatcounter)
            .flat_map(|line| {
                let mut shards: Vec<_> = line.task.shards().into_iter().map(Some).collect();
                if shards.is_empty() {
                    shards.push(None);
                }
                shards.into_iter().map(move |s| Message::new(line.task, s, now_ms, expires))
            })
            .collect();
        self.kv.apply(vec![send(&messages)]).await.unwrap();
    }

    /// Messages, and items that wait or are worked on.
    pub async fn unfinished(&self) -> (u64, u64) {
        let mut names: Vec<String> = keys::data_queues().into_iter().map(|q| q.name).collect();
        names.extend(["queue_export_internal".to_owned(), keys::TASKS.to_owned()]);
        let states = self.kv.queues(&names).await.unwrap();
        let sizes: Vec<u64> = states.iter().map(|state| state.len + state.in_flight).collect();
        (sizes[sizes.len() - 1], sizes[..sizes.len() - 1].iter().sum())
    }

    /// Keeps the workers busy until nothing is left.
    pub async fn work_off(&self) {
        let started = Instant::now();
        let mut rounds_without = 0;
        // What one task makes of the last items is found by the round of messages after it.
        while rounds_without < 2 {
            let (messages, items) = self.unfinished().await;
            if items > 0 {
                rounds_without = 0;
            }
            if messages == 0 {
                rounds_without += u32::from(items == 0);
                self.tick().await;
            }
            assert!(started.elapsed() < 2 * PATIENCE, "{items} items are left");
            tokio::time::sleep(LOOK).await;
        }
        while self.unfinished().await != (0, 0) {
            assert!(started.elapsed() < 2 * PATIENCE, "messages are left");
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Process {
    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the process ends well.
    pub fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        let status = self.ended();
        assert!(status.success(), "{status}\n{}", self.said());
    }

    /// Waits until the log has a line with this text.
    pub async fn has_said(&self, text: &str) {
        let started = Instant::now();
        while !self.said().contains(text) {
            assert!(started.elapsed() < PATIENCE, "nothing about {text}:\n{}", self.said());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The log.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    fn ended(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "no end:\n{}", self.said());
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "messages have to be fresh for a real worker")]
fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
