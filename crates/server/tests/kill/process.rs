//! The binary as a process of its own.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A process that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// The addresses a process is given.
#[derive(Clone)]
pub struct Addresses {
    pub database: String,
    pub keyvalue: String,
    /// The port to which it sends what it measures.
    pub statsd: Option<u16>,
}

/// A process that is killed when the test ends before it does.
pub struct Process {
    child: Child,
    said: std::path::PathBuf,
}

impl Addresses {
    /// Backends, and nobody to send to.
    pub fn new(database: &str, keyvalue: &str) -> Self {
        Self { database: database.to_owned(), keyvalue: keyvalue.to_owned(), statsd: None }
    }

    /// Starts a command; `fault` is where it is to be killed or halted.
    pub fn start(&self, arguments: &[&str], fault: Option<&str>) -> Process {
        let said = tempfile::Builder::new().prefix("ichnaea-said-").tempfile().unwrap();
        let (file, said) = said.keep().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ichnaea"));
        command
            .args(arguments)
            .env("DB_READWRITE_URI", &self.database)
            .env("REDIS_URI", &self.keyvalue)
            .env("SECRET_KEY", "only for tests")
            .env("LEASE_SECONDS", "1")
            .env_remove("ICHNAEA_FAULT")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file);
        if let Some(port) = self.statsd {
            command.env("STATSD_HOST", "127.0.0.1").env("STATSD_PORT", port.to_string());
        }
        if let Some(fault) = fault {
            command.env("ICHNAEA_FAULT", fault);
        }
        Process { child: command.spawn().unwrap(), said }
    }

    /// Runs a command that has to succeed.
    pub fn run(&self, arguments: &[&str]) {
        self.start(arguments, None).succeeds();
    }

    /// Runs a command that has to fail and say why.
    pub fn fails(&self, arguments: &[&str], why: &str) {
        let mut process = self.start(arguments, None);
        let status = process.wait();
        assert_eq!(status.code(), Some(1), "{}", process.said());
        assert!(process.said().contains(why), "{}", process.said());
    }

    /// Runs a command that has to be killed on the way.
    pub fn run_into(&self, arguments: &[&str], fault: &str) {
        self.start(arguments, Some(fault)).is_killed(fault);
    }
}

impl Process {
    /// Waits until the process was killed.
    pub fn is_killed(&mut self, fault: &str) {
        use std::os::unix::process::ExitStatusExt as _;
        let status = self.wait();
        assert_eq!(status.signal(), Some(9), "{fault} was not reached: {status}\n{}", self.said());
    }

    /// Waits until the process has halted at the fault point it was given.
    pub fn is_halted(&mut self) {
        let path = format!("/proc/{}/stat", self.child.id());
        self.wait_for(|_| {
            let stat = std::fs::read_to_string(&path).unwrap();
            // The state follows the name, which is in brackets.
            stat.rsplit_once(") ").unwrap().1.starts_with('T').then_some(())
        });
    }

    /// Lets a process go on that has halted.
    pub fn goes_on(&mut self) {
        self.send("CONT");
    }

    /// Waits until the process ends in good order.
    pub fn succeeds(&mut self) {
        let status = self.wait();
        assert!(status.success(), "{status}\n{}", self.said());
    }

    /// Asks the process to stop, and waits until it did so in good order.
    pub fn stop(mut self) {
        self.send("TERM");
        let status = self.wait();
        assert!(status.success(), "{status}\n{}", self.said());
    }

    /// Waits until the process has ended, however it does.
    pub fn end(mut self) {
        self.wait();
    }

    fn send(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    fn wait(&mut self) -> ExitStatus {
        self.wait_for(|child| child.try_wait().unwrap())
    }

    fn wait_for<T>(&mut self, look: impl Fn(&mut Child) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(seen) = look(&mut self.child) {
                return seen;
            }
            assert!(started.elapsed() < PATIENCE, "no end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.said);
    }
}
