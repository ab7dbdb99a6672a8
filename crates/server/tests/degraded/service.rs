//! The binary as a process of its own, and a client that counts the time.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A process or an answer that takes longer than this hangs.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A running role; it is killed when the test ends before it does.
pub struct Service {
    /// Where it answers, if it does.
    pub address: SocketAddr,
    child: Child,
    said: PathBuf,
}

/// An answer and how long it took.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub took: Duration,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// A setting of the environment.
pub type Setting = (&'static str, String);

/// Runs a command to its end, which has to be good.
pub fn run(arguments: &[&str], settings: &[Setting]) {
    let output = command(arguments, settings).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {}\n{said}", output.status);
}

/// Runs a command that has to fail; what it said.
pub fn run_into_failure(arguments: &[&str], settings: &[Setting]) -> String {
    let output = command(arguments, settings).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}\n{said}", output.status);
    said
}

/// A command of the binary.
pub fn command(arguments: &[&str], settings: &[Setting]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ichnaea"));
    command
        .args(arguments)
        .env("SECRET_KEY", "a secret of the tests")
        .envs(settings.iter().map(|(name, value)| (*name, value)))
        .env_remove("ICHNAEA_FAULT")
        .stdin(Stdio::null());
    command
}

impl Service {
    /// Starts a role.
    pub fn start(role: &str, settings: &[Setting]) -> Self {
        Self::spawn(command(&[role], settings))
    }

    /// Starts the web role with room for no more than what it has when told so, which it lives to see.
    pub fn start_web_that_can_be_limited(settings: &[Setting]) -> Self {
        let binary = command(&["web"], settings);
        let mut shell = Command::new("sh");
        // A write beyond the limit is an error then, instead of the end.
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" web"]).arg(binary.get_program());
        for (name, value) in binary.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        let mut web = Self::spawn(shell);
        web.until("it listens", |web| TcpStream::connect(web.address).is_ok());
        web
    }

    /// Lets the process write no byte at or beyond this position of any file; `None`: no limit.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let arguments = [format!("--pid={}", self.child.id()), format!("--fsize={limit}:")];
        assert!(Command::new("prlimit").args(arguments).status().unwrap().success());
    }

    fn spawn(mut command: Command) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let said = tempfile::Builder::new().prefix("ichnaea-said-").tempfile().unwrap();
        let (file, said) = said.keep().unwrap();
        let child = command
            .stdin(Stdio::null())
            .env("GUNICORN_PORT", address.port().to_string())
            .env("BIND", "127.0.0.1")
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap();
        Self { address, child, said }
    }

    /// Starts the web role and waits until it listens; how long that took.
    pub fn start_web(settings: &[Setting]) -> (Self, Duration) {
        let started = Instant::now();
        let mut web = Self::start("web", settings);
        web.until("it listens", |web| TcpStream::connect(web.address).is_ok());
        (web, started.elapsed())
    }

    /// Waits until something is so; there is nothing to wait on but the process itself.
    pub fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended before {what}: {ended:?}\n{}", self.said());
            assert!(started.elapsed() < PATIENCE, "not so: {what}\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Everything it wrote into its log.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Its log without the lines for single requests.
    pub fn events(&self) -> String {
        let is_event = |line: &&str| !line.contains("http_status");
        self.said().lines().filter(is_event).collect::<Vec<_>>().join("\n")
    }

    /// How many lines of its log contain this.
    pub fn times_said(&self, text: &str) -> usize {
        self.said().lines().filter(|line| line.contains(text)).count()
    }

    /// The most memory it ever used, in MB.
    pub fn peak_memory_mb(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Has it begun to listen for SIGTERM?
    pub fn handles_signals(&self) -> bool {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        // Signal 15 is the fifteenth bit.
        u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << 14) != 0
    }

    /// Asks it to stop and waits until it did so in good order.
    pub fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "no end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(status.success(), "{status}\n{}", self.said());
    }

    /// Sends a request and reads the answer.
    pub fn send(&self, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
        send(self.address, method, target, headers, body)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.said);
    }
}

/// Sends a request and reads the answer.
pub fn send(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[&str],
    body: &str,
) -> Answer {
    let started = Instant::now();
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    let _ = write!(request, "Content-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).unwrap_or_else(|error| panic!("{method} {target}: {error}"));
    let raw = String::from_utf8(raw).unwrap();
    let (head, body) = raw.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {raw:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, body: body.to_owned(), took: started.elapsed() }
}
