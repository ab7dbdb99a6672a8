//! The real program in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use ichnaea_testkit::Backend;
use ichnaea_testkit::database::{self, FreshDatabase};
use ichnaea_testkit::keyvalue::{self, FreshKeyValue};

/// A line that does not come in this time does not come.
const PATIENCE: Duration = Duration::from_mins(1);

/// `ichnaea serve` on empty backends.
pub struct Running {
    pub address: SocketAddr,
    pub key: String,
    _backends: (FreshDatabase, FreshKeyValue),
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Starts it and waits until it answers.
    pub fn start(backend: Backend, variables: &[(&str, &str)]) -> Self {
        let backends = (database::fresh(backend), keyvalue::fresh(backend));
        let mut child = Command::new(env!("CARGO_BIN_EXE_ichnaea"))
            .args(["serve", "--bind", "127.0.0.1", "--port", "0"])
            .env_clear()
            .env("DB_READWRITE_URI", &backends.0.uri)
            .env("REDIS_URI", &backends.1.uri)
            .env("SECRET_KEY", "specsecret")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Ends with the test.
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let (mut address, mut key) = (None, None);
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            if let Some(found) = line.strip_prefix("Ichnaea answers at http://") {
                address = found.parse().ok();
            }
            if let Some(found) = line.strip_prefix("API key: ") {
                key = Some(found.to_owned());
                break;
            }
        }
        let (address, key) = (address.expect("an address"), key.expect("a key"));
        Self { address, key, _backends: backends, child, lines }
    }

    /// The first line on standard error that passes.
    pub fn line(&self, passes: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("such a line");
            if passes(&line) {
                return line;
            }
        }
    }

    /// Asks it to end; the lines it still writes.
    pub fn stop(mut self) -> Vec<String> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        self.lines.iter().collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
