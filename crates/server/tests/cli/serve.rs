//! `ichnaea serve` from an empty database.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use ichnaea_testkit::Backend;

use crate::command::Backends;

/// Ends with the test, whatever happens.
pub struct Running(pub Child);

impl Running {
    /// Asks it to stop, and waits until it did so in good order.
    pub fn stop(&mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn the_printed_requests_work_and_a_signal_ends_it_well(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.ichnaea();
    let arguments = ["serve", "--demo", "--bind", "127.0.0.1", "--port", "0"];
    let mut command = ichnaea.command(&arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut running = Running(child);
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let examples = lines.map(Result::unwrap).filter(|line| line.starts_with("  curl"));
    let mut port = String::new();
    for line in examples.take(3) {
        let parts: Vec<&str> = line.split('\'').collect();
        let (body, address) = (parts[1], parts[3].strip_prefix("http://").unwrap());
        let (host, path) = address.split_once('/').unwrap();
        let answer = post(host, path, body);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{line}\n{answer}");
        host.rsplit(':').next().unwrap().clone_into(&mut port);
    }
    let healthy = |port: &str| ichnaea.run(&["healthcheck", "--port", port]).status;
    assert_eq!(healthy(&port), 0);
    let keys = ichnaea.run(&["apikey", "list"]).lines;
    assert_eq!(keys[0], "1 api keys.");
    // Only a small installation learns every report by itself.
    let at_once = "SELECT name FROM export_config WHERE name = 'internal' AND batch = 1";
    let expected = usize::from(backend == Backend::Embedded);
    assert_eq!(backends.database.rows(at_once).len(), expected);

    let id = running.0.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert_eq!(healthy(&port), 1);

    // What was taken in is not lost with the process.
    assert_eq!(ichnaea.run(&["pipeline", "drain"]).status, 0);
    let learned = "SELECT samples FROM wifi_shard_a WHERE lat = 51.0 AND lon = 10.0";
    assert_eq!(backends.database.rows(learned).len(), 2);
}

fn post(host: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
