//! The original's processes, as far as a queue can tell: what they write, by Python itself, how
//! they append and take, and what they would read of ours.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test without its server or interpreter must say so and stop"
)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::keyvalue::FreshKeyValue;

/// Life of a list after every append of the original, seconds.
pub const LIST_TTL_S: i64 = 86_400;

/// Age at which the original works on a queue however little is in it, seconds.
const READY_AGE_S: i64 = 3600;

const SCRIPT: &str = include_str!("original/queue.py");

/// What the items of a queue are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `update_incoming`.
    Report,
    /// `queue_export_*`.
    Export,
    /// `update_blue_*`.
    Blue,
    /// `update_wifi_*`.
    Wifi,
    /// `update_cell_*`.
    Cell,
    /// `update_cellarea`; as text in hex.
    Area,
    /// `update_datamap_*`; as text in hex.
    Grid,
}

impl Form {
    const fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Export => "export",
            Self::Blue => "blue",
            Self::Wifi => "wifi",
            Self::Cell => "cell",
            Self::Area => "area",
            Self::Grid => "grid",
        }
    }
}

/// The bytes the original writes for items, each given as JSON text or hex.
#[must_use]
pub fn written(form: Form, items: &[String]) -> Vec<Vec<u8>> {
    let lines = python("write", form, items).expect("Python writes the items");
    lines.iter().map(|line| STANDARD.decode(line).expect("base64")).collect()
}

/// What the original reads in items. The error says what it could not have read.
pub fn read(form: Form, items: &[Vec<u8>]) -> Result<Vec<Value>, String> {
    let items: Vec<String> = items.iter().map(|item| STANDARD.encode(item)).collect();
    let lines = python("read", form, &items)?;
    Ok(lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

fn python(verb: &str, form: Form, lines: &[String]) -> Result<Vec<String>, String> {
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT, verb, form.name()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tests need python3");
    let mut input = child.stdin.take().expect("an input");
    let text = lines.join("\n") + "\n";
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("python3 ends");
    // A reader that refuses an item leaves the rest.
    let _ = writer.join();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("text");
    Ok(text.lines().map(str::to_owned).collect())
}

/// A connection that does to queues what the original's processes do.
pub struct Original {
    connection: redis::Connection,
    prefix: String,
}

impl Original {
    /// Beside the code under test on one server.
    #[must_use]
    pub fn beside(keyvalue: &FreshKeyValue) -> Self {
        Self {
            connection: keyvalue.connection().expect("a server, not a file"),
            prefix: keyvalue.prefix().unwrap_or_default().to_owned(),
        }
    }

    /// On the server at this address.
    #[must_use]
    pub fn at(uri: &str) -> Self {
        let client = redis::Client::open(uri).expect("an address");
        Self { connection: client.get_connection().expect("a server"), prefix: String::new() }
    }

    /// Appends items and renews the expiry of the list.
    pub fn enqueue(&mut self, queue: &str, items: &[Vec<u8>]) {
        let key = self.key(queue);
        let mut pipe = redis::pipe();
        pipe.atomic();
        if !items.is_empty() {
            pipe.rpush(&key, items).ignore();
        }
        pipe.expire(&key, LIST_TTL_S).ignore();
        pipe.exec(&mut self.connection).expect("the server appends");
    }

    /// Takes items off the head, all at 0; nobody can bring them back.
    pub fn dequeue(&mut self, queue: &str, batch: isize) -> Vec<Vec<u8>> {
        let key = self.key(queue);
        let (start, stop) = if batch == 0 { (1, 0) } else { (batch, -1) };
        let (items,): (Vec<Vec<u8>>,) = redis::pipe()
            .atomic()
            .lrange(&key, 0, batch - 1)
            .ltrim(&key, start, stop)
            .ignore()
            .query(&mut self.connection)
            .expect("the server gives items");
        items
    }

    /// Would the original work on an export queue with this batch size now?
    pub fn is_ready(&mut self, queue: &str, batch: i64) -> bool {
        let (ttl, len) = (self.ttl(queue), self.number(&["LLEN", queue]));
        let age = if ttl < 0 { -1 } else { (LIST_TTL_S - ttl).max(0) };
        len > 0 && (len >= batch || age >= READY_AGE_S)
    }

    /// Seconds until a key expires; −1 without an expiry, −2 without the key.
    pub fn ttl(&mut self, key: &str) -> i64 {
        self.number(&["TTL", key])
    }

    /// Runs a command whose second word is a key, for its whole number.
    pub fn number(&mut self, words: &[&str]) -> i64 {
        self.command(words).query(&mut self.connection).expect("a number")
    }

    /// Runs a command whose second word is a key.
    pub fn run(&mut self, words: &[&str]) {
        self.command(words).exec(&mut self.connection).expect("the server does it");
    }

    /// A key as the server would write it to disk, with its content to the last byte; `None` where
    /// there is none.
    pub fn dump(&mut self, key: &str) -> Option<Vec<u8>> {
        self.command(&["DUMP", key]).query(&mut self.connection).expect("a dump")
    }

    /// The text of a key.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.command(&["GET", key]).query(&mut self.connection).expect("a text")
    }

    fn command(&self, words: &[&str]) -> redis::Cmd {
        let (verb, rest) = words.split_first().expect("a command");
        let (key, rest) = rest.split_first().expect("a key");
        let mut command = redis::cmd(verb);
        command.arg(self.key(key)).arg(rest);
        command
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_reads_what_python_wrote_and_nothing_else() {
        let report = r#"{"api_key": null, "report": {"position": null, "wifiAccessPoints": []}, "source": "gnss"}"#;
        let items = written(Form::Report, &[report.to_owned()]);
        // A gzip member with the time in its header, as Python's module writes it.
        assert_eq!(items[0][..4], [0x1f, 0x8b, 8, 0]);
        assert_eq!(read(Form::Report, &items).unwrap()[0]["source"], "gnss");
        assert!(read(Form::Export, &[report.as_bytes().to_vec()]).unwrap_err().contains("source"));
        let nr_area = vec![5, 0, 234, 0, 30, 0, 0, 0, 1];
        assert!(read(Form::Area, &[nr_area]).unwrap_err().contains("struct.error"));
    }
}
