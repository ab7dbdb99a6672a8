//! A command that runs until it is told to end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::command::Ichnaea;

/// What takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running command; killed when the test ends before it does.
pub struct Process {
    child: Child,
    /// Lines of both outputs, as they come.
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Process {
    /// Starts a command.
    pub fn start(ichnaea: &Ichnaea, arguments: &[&str]) -> Self {
        Self::spawn(&mut ichnaea.command(arguments))
    }

    /// Starts any command.
    pub fn spawn(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let outputs: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    // Nobody listens any more when the test is over.
                    let _ = sender.send(line);
                }
            });
        }
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line that contains these words.
    pub fn says(&mut self, words: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(why) => panic!("{words:?} was not said ({why}):\n{}", self.seen.join("\n")),
            }
        }
    }

    /// Waits until something is so.
    pub fn until(&mut self, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            let has_ended = self.child.try_wait().unwrap().is_some();
            assert!(!has_ended && started.elapsed() < PATIENCE, "it never was so");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything that was said until its end.
    pub fn rest(&mut self) -> String {
        let until = Instant::now() + PATIENCE;
        while let Ok(line) =
            self.lines.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.seen.push(line);
        }
        self.seen.join("\n")
    }

    /// The port that the web role says it listens on.
    pub fn port(&mut self) -> u16 {
        let line = self.says("web server is ready");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = line["Fields"]["address"].as_str().unwrap();
        address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        send_signal(name, self.child.id());
    }

    /// Waits for the end.
    pub fn ended(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "no end:\n{}", self.seen.join("\n"));
            std::thread::sleep(Duration::from_millis(5));
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

/// Sends a signal to any process.
pub fn send_signal(name: &str, id: u32) {
    let status = Command::new("kill").args(["-s", name, &id.to_string()]).status().unwrap();
    assert!(status.success());
}

/// Opens a connection and sends these bytes.
pub fn connect(port: u16, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    stream
}

/// The whole answer to a request.
pub fn get(port: u16, path: &str) -> String {
    read(connect(port, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")))
}

/// Reads until the other side closes.
pub fn read(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
