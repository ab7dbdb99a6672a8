//! Server processes of a test's own, to stop, kill, freeze and start again.
//!
//! Each has a free port and a folder for its data, survives `kill -9` without losing what it
//! acknowledged, and is killed when the test drops it.

#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test without its server must say so and stop"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Redis server that writes every change to disk before it acknowledges it.
pub struct RedisServer {
    /// The address.
    pub uri: String,
    process: Process,
}

/// A reverse proxy that hands requests on to web processes in turn, as the simplest configuration
/// has it.
pub struct NginxServer {
    /// Where it listens.
    pub address: SocketAddr,
    process: Process,
}

/// A MariaDB server with an empty database.
pub struct MariaDbServer {
    /// The address of the empty database, with a user who may do everything.
    pub uri: String,
    process: Process,
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more options and waits until it answers.
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        let (folder, port) = (folder("ichnaea-redis-"), free_port());
        let data = folder.path().display().to_string();
        let arguments = ["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir", &data]
            .into_iter()
            .chain(["--appendonly", "yes", "--appendfsync", "always", "--save", ""])
            .chain(options.iter().copied())
            .map(str::to_owned)
            .collect();
        let is_ready = |stream: &mut TcpStream| {
            let mut answer = [0; 5];
            stream.write_all(b"PING\r\n")?;
            stream.read_exact(&mut answer)?;
            Ok(&answer == b"+PONG")
        };
        let process = Process::start("redis-server", arguments, folder, port, is_ready);
        Self { uri: format!("redis://127.0.0.1:{port}/0"), process }
    }
}

impl NginxServer {
    /// Starts a proxy in front of these processes and waits until it listens.
    #[must_use]
    pub fn start(web: &[SocketAddr]) -> Self {
        let (folder, port) = (folder("ichnaea-nginx-"), free_port());
        let root = folder.path().display();
        let servers = web.iter().map(|web| format!("server {web}; ")).collect::<Vec<_>>().concat();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {root}/{kind};\n"))
            .concat();
        let config = format!(
            "daemon off; master_process off; pid {root}/pid; error_log stderr;\n\
             events {{}}\n\
             http {{\n{temporary}access_log off;\n\
             upstream web {{ {servers}}}\n\
             server {{\n\
             listen 127.0.0.1:{port};\n\
             client_max_body_size 11m;\n\
             location / {{\n\
             proxy_pass http://web;\n\
             proxy_next_upstream off;\n\
             proxy_set_header Host $http_host;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
             }}\n}}\n}}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).unwrap_or_else(|error| panic!("cannot write: {error}"));
        let arguments = ["-p", &root.to_string(), "-e", "stderr", "-c"].map(str::to_owned);
        let arguments = arguments.into_iter().chain([file.display().to_string()]).collect();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let process = Process::start("nginx", arguments, folder, port, |_| Ok(true));
        Self { address, process }
    }
}

impl MariaDbServer {
    /// Starts a server and waits until it answers.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more options and waits until it answers.
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        let (folder, port) = (folder("ichnaea-mariadb-"), free_port());
        let data = folder.path().join("data").display().to_string();
        // Small, so that it is quick; the log is flushed with every commit, as by default.
        let small = ["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M"];
        let installed = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--user=root", "--auth-root-authentication-method=normal"])
            .args(["--skip-test-db", "--skip-name-resolve", &format!("--datadir={data}")])
            .args(small)
            // A server deletes what it takes for left behind in its folder for temporary tables.
            .env("TMPDIR", folder.path())
            .output()
            .unwrap_or_else(|error| panic!("mariadb-install-db does not run: {error}"));
        let said = String::from_utf8_lossy(&installed.stderr);
        assert!(installed.status.success(), "mariadb-install-db failed: {said}");

        let first = folder.path().join("first.sql");
        let sql = "CREATE USER IF NOT EXISTS 'ichnaea'@'%' IDENTIFIED BY 'ichnaea';\n\
            GRANT ALL ON *.* TO 'ichnaea'@'%' WITH GRANT OPTION;\n\
            CREATE DATABASE IF NOT EXISTS ichnaea CHARACTER SET utf8mb4;\n";
        std::fs::write(&first, sql).unwrap_or_else(|error| panic!("cannot write: {error}"));
        let socket = folder.path().join("socket");
        let arguments = ["--no-defaults", "--user=root", "--bind-address=127.0.0.1"]
            .into_iter()
            .chain(["--skip-name-resolve", "--skip-log-bin", "--performance-schema=OFF"])
            .chain(["--innodb-fast-shutdown=2", "--key-buffer-size=64K"])
            .chain(small)
            .chain(options.iter().copied())
            .map(str::to_owned)
            .chain([format!("--datadir={data}"), format!("--port={port}")])
            .chain([format!("--socket={}", socket.display())])
            .chain([format!("--init-file={}", first.display())])
            .collect();
        // The greeting comes when the file of first statements is done.
        let is_ready = |stream: &mut TcpStream| Ok(stream.read(&mut [0])? == 1);
        let process = Process::start("mariadbd", arguments, folder, port, is_ready);
        Self { uri: format!("mysql://ichnaea:ichnaea@127.0.0.1:{port}/ichnaea"), process }
    }

    /// The address of the server without a database.
    #[must_use]
    pub fn server_uri(&self) -> &str {
        self.uri.rsplit_once('/').map_or(&self.uri, |(server, _)| server)
    }
}

impl RedisServer {
    /// A connection past the code under test; with a password where the server asks for one.
    #[must_use]
    pub fn connect(&self, password: Option<&str>) -> RedisConnection {
        let credentials = password.map(|word| format!(":{word}@")).unwrap_or_default();
        let uri = self.uri.replace("redis://", &format!("redis://{credentials}"));
        let client = redis::Client::open(uri).and_then(|client| client.get_connection());
        RedisConnection(client.unwrap_or_else(|error| panic!("no connection: {error}")))
    }

    /// Runs a command past the code under test.
    pub fn say(&self, words: &[&str]) {
        let outcome = self.connect(None).say(words);
        outcome.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }
}

/// A connection to a Redis server.
pub struct RedisConnection(redis::Connection);

impl RedisConnection {
    /// Runs a command; its answer as texts, one for each element, or why there is none.
    pub fn say(&mut self, words: &[&str]) -> Result<Vec<String>, String> {
        let Some((command, arguments)) = words.split_first() else { return Ok(Vec::new()) };
        let answer: redis::RedisResult<redis::Value> =
            redis::cmd(command).arg(arguments).query(&mut self.0);
        let texts = match answer.map_err(|error| error.to_string())? {
            redis::Value::Array(values) => values,
            value => vec![value],
        };
        let text = |value| redis::from_redis_value(value).map_err(|error| error.to_string());
        texts.into_iter().map(text).collect()
    }
}

impl MariaDbServer {
    /// The rows of a statement as text, past the code under test.
    #[must_use]
    pub fn rows(&self, statement: &str) -> Vec<Vec<Option<String>>> {
        crate::database::server_rows(&self.uri, vec![statement.to_owned()])
    }

    /// Runs a statement past the code under test.
    pub fn execute(&self, statement: &str) {
        let _ = self.rows(statement);
    }

    /// The first number of a query; 0 when it finds none.
    #[must_use]
    pub fn number(&self, query: &str) -> i64 {
        let rows = self.rows(query);
        let first = rows.first().and_then(|row| row.first()?.as_ref()?.parse().ok());
        first.unwrap_or(0)
    }
}

/// A connection to a MariaDB server that is kept until it is dropped.
pub struct SqlConnection(mysql_async::Conn);

impl SqlConnection {
    /// Connects.
    pub async fn open(uri: &str) -> Result<Self, String> {
        let options = mysql_async::Opts::from_url(uri).map_err(|error| error.to_string())?;
        mysql_async::Conn::new(options).await.map(Self).map_err(|error| error.to_string())
    }

    /// Runs a statement.
    pub async fn execute(&mut self, statement: &str) {
        let outcome = mysql_async::prelude::Queryable::query_drop(&mut self.0, statement).await;
        outcome.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// Closes the connection.
    pub async fn close(self) {
        // Fails when the server did that already.
        let _ = self.0.disconnect().await;
    }
}

macro_rules! controls {
    ($($server:path),*) => {$(
        impl $server {
            /// Ends the server in good order.
            pub fn stop(&mut self) {
                self.process.signal("TERM");
                self.process.wait_for_end();
            }

            /// Ends the server as a power cut would: `kill -9`.
            pub fn kill(&mut self) {
                self.process.kill();
            }

            /// Starts the server again, on the same port and data, after it was stopped or
            /// killed, and waits until it answers.
            pub fn restart(&mut self) {
                self.process.kill();
                self.process.launch();
            }

            /// Freezes the server: connections stay open, nothing is answered.
            pub fn freeze(&self) {
                self.process.signal("STOP");
            }

            /// Ends [`freeze`](Self::freeze).
            pub fn thaw(&self) {
                self.process.signal("CONT");
            }
        }
    )*};
}

controls!(RedisServer, MariaDbServer, NginxServer, crate::buckets::S3Server);

/// True when a server is ready to work on this new connection.
pub(crate) type IsReady = fn(&mut TcpStream) -> std::io::Result<bool>;

pub(crate) struct Process {
    program: PathBuf,
    arguments: Vec<String>,
    folder: TempDir,
    port: u16,
    is_ready: IsReady,
    child: Option<Child>,
}

impl Process {
    pub(crate) fn start(
        program: impl Into<PathBuf>,
        arguments: Vec<String>,
        folder: TempDir,
        port: u16,
        is_ready: IsReady,
    ) -> Self {
        let program = program.into();
        let mut process = Self { program, arguments, folder, port, is_ready, child: None };
        process.launch();
        process
    }

    fn launch(&mut self) {
        let program = self.program.display().to_string();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap_or_else(|error| panic!("no log for {program}: {error}"));
        let log_too = log.try_clone().unwrap_or_else(|error| panic!("{program}: {error}"));
        // Where Debian keeps it, which is not in the path of everybody.
        let place = PathBuf::from("/usr/sbin").join(&self.program);
        let program_or_place = if place.exists() { place } else { self.program.clone() };
        let child = Command::new(program_or_place)
            .args(&self.arguments)
            .env("TMPDIR", self.folder.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not run: {error}"));
        self.child = Some(child);
        self.poll("does not answer", |process| {
            process.is_ready().unwrap_or(false) || {
                assert!(!process.has_ended(), "{program} ended:\n{}", process.said());
                false
            }
        });
    }

    fn is_ready(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        (self.is_ready)(&mut stream)
    }

    fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    fn wait_for_end(&mut self) {
        self.poll("does not end", Self::has_ended);
        self.child = None;
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only when it is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn signal(&self, signal: &str) {
        let Some(child) = &self.child else { return };
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "cannot signal {}",
            self.program.display()
        );
    }

    /// Asks until it is so; there is nothing to wait on but the process itself.
    fn poll(&mut self, complaint: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            let waited = started.elapsed();
            assert!(waited < PATIENCE, "{} {complaint}:\n{}", self.program.display(), self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn folder(prefix: &str) -> TempDir {
    TempDir::with_prefix(prefix).unwrap_or_else(|error| panic!("no folder for a server: {error}"))
}

pub(crate) fn free_port() -> u16 {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    bound.unwrap_or_else(|error| panic!("no free port: {error}")).port()
}

#[cfg(test)]
mod tests {
    use mysql_async::prelude::Queryable;

    use super::*;

    #[tokio::test]
    async fn a_killed_mariadb_comes_back_with_what_was_committed() {
        let mut server = MariaDbServer::start();
        for round in 0..3 {
            let options = mysql_async::Opts::from_url(&server.uri).unwrap();
            let mut connection = mysql_async::Conn::new(options).await.unwrap();
            connection.query_drop("CREATE TABLE IF NOT EXISTS t (n INT)").await.unwrap();
            connection.query_drop("INSERT INTO t VALUES (1)").await.unwrap();
            let rows: Option<u32> = connection.query_first("SELECT count(*) FROM t").await.unwrap();
            assert_eq!(rows, Some(round + 1));
            if round == 0 {
                server.stop();
            } else {
                server.kill();
            }
            assert!(connection.ping().await.is_err());
            server.restart();
        }
    }

    #[test]
    fn a_killed_redis_comes_back_with_what_was_acknowledged() {
        let mut server = RedisServer::start();
        for round in 1..4 {
            let client = redis::Client::open(server.uri.as_str()).unwrap();
            let mut connection = client.get_connection().unwrap();
            let count: i64 = redis::cmd("INCR").arg("n").query(&mut connection).unwrap();
            assert_eq!(count, round);
            server.kill();
            assert!(client.get_connection().is_err());
            server.restart();
        }
    }
}
