//! The binary with the backends of one test.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use ichnaea_testkit::Backend;
use ichnaea_testkit::database::{self, FreshDatabase};
use ichnaea_testkit::keyvalue::{self, FreshKeyValue};

/// The binary.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ichnaea");

/// How a command is run.
#[derive(Clone)]
pub struct Ichnaea {
    environment: Vec<(String, String)>,
}

/// What came of it.
pub struct Ended {
    pub status: i32,
    /// Standard output.
    pub lines: Vec<String>,
    /// Lines on standard error that are not log lines.
    pub complaints: Vec<String>,
}

/// Backends of a test, without a schema.
pub struct Backends {
    pub database: FreshDatabase,
    pub keyvalue: FreshKeyValue,
}

impl Backends {
    pub fn new(backend: Backend) -> Self {
        Self { database: database::fresh(backend), keyvalue: keyvalue::fresh(backend) }
    }

    /// The command with these backends.
    pub fn ichnaea(&self) -> Ichnaea {
        let environment = [
            ("DB_READWRITE_URI", self.database.uri.as_str()),
            ("REDIS_URI", &self.keyvalue.uri),
            ("SECRET_KEY", "only for tests"),
        ];
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ichnaea { environment: environment.map(own).to_vec() }
    }

    /// The command with these backends and a schema.
    pub fn migrated(&self) -> Ichnaea {
        let ichnaea = self.ichnaea();
        assert_eq!(ichnaea.run(&["db", "migrate"]).status, 0);
        ichnaea
    }
}

impl Ichnaea {
    /// The command in a place where nothing is configured.
    pub fn without_backends(folder: &Path) -> Self {
        let data = folder.join("data").display().to_string();
        Self { environment: vec![("DATA_DIR".to_owned(), data)] }
    }

    /// The command with these variables and no others.
    pub fn with(variables: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { environment: variables.iter().map(own).collect() }
    }

    /// With one more variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command, ready to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env_clear().stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }
}

impl Ended {
    /// What came of a process.
    pub fn of(output: &Output) -> Self {
        let lines = |bytes: &[u8]| -> Vec<String> {
            String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
        };
        let mut complaints = lines(&output.stderr);
        complaints.retain(|line| !line.starts_with('{'));
        Self { status: output.status.code().unwrap(), lines: lines(&output.stdout), complaints }
    }
}
