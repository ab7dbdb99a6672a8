//! Roles as processes: how they start, what signals do, and who takes over.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use ichnaea_testkit::{Backend, geoip};
use serde_json::Value;

use crate::command::{Backends, Ichnaea, PROGRAM};
use crate::process::{Process, connect, free_port, get, read, send_signal};

const WEB: &[&str] = &["web", "--bind", "127.0.0.1", "--port", "0"];

/// Each role with the banner of the original and the line that says that it is ready.
const ROLES: [(&[&str], &str, &str); 3] = [
    (WEB, "Starting Web Server", "web server is ready"),
    (&["worker"], "Starting Celery Worker", "worker is ready"),
    (&["scheduler"], "Starting Celery Scheduler", "scheduler is active"),
];

pub fn every_role_is_ready_and_ends_well_when_asked_again_and_again(backend: Backend) {
    let backends = Backends::new(backend);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("city.mmdb");
    geoip::write_city_file(&path).unwrap();
    let ichnaea = backends.migrated().env("GEOIP_PATH", &path.display().to_string());
    for (arguments, banner, ready) in ROLES {
        // The same place again, as after `docker restart`; nothing of the first run is in the way.
        for signal in ["TERM", "INT", "TERM"] {
            let mut role = Process::start(&ichnaea, arguments);
            role.says(ready);
            role.signal(signal);
            let said = role.rest();
            assert_eq!(role.ended().code(), Some(0), "{arguments:?} {signal}: {said}");
            assert!(said.lines().any(|line| line == banner), "{said}");
            // The others have no use for the city database, and it is large.
            assert_eq!(said.contains("GeoIP configured"), arguments == WEB, "{said}");
        }
    }
}

pub fn the_lines_about_start_and_stop_have_a_level_of_their_own(backend: Backend) {
    let ichnaea = Backends::new(backend).migrated();
    for (level, is_said) in [("info", true), ("warning", false)] {
        let mut command = ichnaea.command(&["web", "--bind", "127.0.0.1"]);
        let port = free_port();
        command.env("GUNICORN_LOGLEVEL", level).env("GUNICORN_PORT", port.to_string());
        let mut web = Process::spawn(&mut command);
        // It says nothing when it is ready.
        let answers = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        web.until(answers);
        web.signal("TERM");
        let said = web.rest();
        assert_eq!(web.ended().code(), Some(0), "{said}");
        assert_eq!(said.contains("stopping"), is_said, "{level}: {said}");
    }
}

pub fn a_request_that_is_being_sent_is_answered_before_the_end(backend: Backend) {
    let backends = Backends::new(backend);
    let mut web = Process::start(&backends.migrated(), WEB);
    let port = web.port();
    let body = r#"{"items":[]}"#;
    let head = format!(
        "POST /v2/geosubmit HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    let mut stream = connect(port, &head);
    // The request has begun when the server asks for its body.
    let mut go_on = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    web.signal("TERM");
    web.says("stopping");
    std::io::Write::write_all(&mut stream, body.as_bytes()).unwrap();
    let answer = read(stream);
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    assert!(!answer.starts_with("HTTP/1.1 5"), "{answer}");
    assert_eq!(web.ended().code(), Some(0));
}

pub fn a_second_signal_ends_a_process_at_once(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    for (first, second, status) in [("TERM", "TERM", 143), ("INT", "INT", 130)] {
        let mut web = Process::start(&ichnaea, WEB);
        let port = web.port();
        // A request that never ends, which the process would wait for.
        let mut stream = connect(
            port,
            "POST /v2/geosubmit HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
        );
        std::io::Read::read_exact(&mut stream, &mut [0; 25]).unwrap();
        web.signal(first);
        web.says("stopping");
        web.signal(second);
        assert_eq!(web.ended().code(), Some(status));
    }
}

pub fn the_second_scheduler_takes_over_when_the_first_is_killed(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    let mut first = Process::start(&ichnaea, &["scheduler"]);
    first.says("scheduler is active");
    let mut second = Process::start(&ichnaea, &["scheduler"]);
    second.says("another scheduler is active, standing by");
    first.signal("KILL");
    assert_eq!(first.ended().signal(), Some(9));
    second.says("scheduler is active");
    // One that ends well gives its lease up, so that the next one need not wait for it.
    let mut third = Process::start(&ichnaea, &["scheduler"]);
    third.says("standing by");
    second.signal("TERM");
    assert_eq!(second.ended().code(), Some(0));
    third.says("scheduler is active");
}

pub fn the_first_process_of_a_container_ends_well_and_buries_orphans(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    for (arguments, _, ready) in ROLES {
        let mut outside = Process::spawn(&mut as_first_process(&ichnaea, arguments));
        outside.says(ready);
        let outer = outside.id();
        let children = format!("/proc/{outer}/task/{outer}/children");
        let first: u32 = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
        assert_eq!(first_process_name(first), "ichnaea");

        // A process whose parent is gone becomes a child of the first one, and ends.
        let orphan = "sleep 0.2 & echo $!";
        let entered = Command::new("nsenter")
            .args(["--pid", "--target", &first.to_string(), "sh", "-c", orphan])
            .output()
            .unwrap();
        assert!(entered.status.success());
        let children = format!("/proc/{first}/task/{first}/children");
        let children = || std::fs::read_to_string(&children).unwrap();
        until("the orphan is buried", || children().trim().is_empty());

        send_signal("TERM", first);
        let said = outside.rest();
        assert_eq!(outside.ended().code(), Some(0), "{arguments:?}: {said}");
    }
}

/// The command as process 1 of a namespace of its own.
fn as_first_process(ichnaea: &Ichnaea, arguments: &[&str]) -> Command {
    let inner = ichnaea.command(arguments);
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--", PROGRAM]).args(arguments);
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

fn first_process_name(id: u32) -> String {
    std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap().trim().to_owned()
}

pub fn a_hang_up_reads_the_city_database_and_nothing_else_again(backend: Backend) {
    let backends = Backends::new(backend);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("city.mmdb");
    let ichnaea = backends.migrated().env("GEOIP_PATH", &path.display().to_string());
    let mut web = Process::start(&ichnaea, WEB);
    let port = web.port();
    let geoip = || {
        let answer = get(port, "/__heartbeat__");
        let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        body["geoip"]["up"].clone()
    };
    assert_eq!(geoip(), false);
    web.signal("HUP");
    web.says("the city database is the same as before");
    geoip::write_city_file(&path).unwrap();
    web.signal("HUP");
    web.says("GeoIP configured");
    assert_eq!(geoip(), true);
    web.signal("TERM");
    assert_eq!(web.ended().code(), Some(0));
}

pub fn the_web_role_is_checked_without_listening(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.ichnaea();
    // The port is taken, and what else was given is ignored, as in the original.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ichnaea = ichnaea.env("PORT", &port).env("BIND", "127.0.0.1");
    let checked = ichnaea.run(&["web", "--check", "whatever", "--else"]);
    assert_eq!((checked.status, checked.lines), (0, vec!["Starting Web Server".to_owned()]));
    assert_eq!(ichnaea.run(&["web"]).status, 1);
    assert_eq!(ichnaea.env("STATSD_PORT", "many").run(&["web", "--check"]).status, 78);
}

/// Looks again and again until it is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !is_so() {
        assert!(started.elapsed().as_secs() < 20, "not so: {what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
