//! What the kernel says about this process, and which release it is: at the Prometheus endpoint only.

use std::fmt::Write as _;

/// Ticks a second in which the kernel counts processor time for user space; fixed on Linux.
const TICKS: f64 = 100.0;
/// Bytes in a page on the machines this is built for.
const PAGE: u64 = 4096;

/// One of them: its name, its type and what it says.
pub const FACTS: [(&str, &str, &str); 5] = [
    ("location_build_info", "gauge", "always 1; `version` and `commit` say which release runs"),
    ("process_cpu_seconds_total", "counter", "processor time used, seconds"),
    ("process_resident_memory_bytes", "gauge", "memory in use, bytes"),
    ("process_open_fds", "gauge", "open files and connections"),
    ("process_threads", "gauge", "threads"),
];

/// All of them in the text format; those that cannot be read are left out.
pub fn facts() -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").ok();
    let stat = stat.as_deref().and_then(Stat::parse);
    let commit = option_env!("ICHNAEA_COMMIT").unwrap_or("unknown");
    let version = env!("CARGO_PKG_VERSION");
    let files = std::fs::read_dir("/proc/self/fd").map(Iterator::count).ok();
    let values = [
        Some(format!("{{version=\"{version}\",commit=\"{commit}\"}} 1")),
        stat.as_ref().map(|stat| format!(" {}", stat.cpu_s)),
        stat.as_ref().map(|stat| format!(" {}", stat.resident_bytes)),
        files.map(|files| format!(" {files}")),
        stat.as_ref().map(|stat| format!(" {}", stat.threads)),
    ];
    let mut text = String::new();
    for ((name, kind, help), value) in FACTS.iter().zip(values) {
        let Some(value) = value else { continue };
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{value}\n\n");
    }
    text
}

/// Some of the fields of `/proc/self/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_s: f64,
    threads: u64,
    resident_bytes: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name of the program stands in parentheses and may contain blanks; the fields after it
        // are counted from 3 in the manual.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<_> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_s: (field(14)? + field(15)?) as f64 / TICKS,
            threads: field(20)?,
            resident_bytes: field(24)? * PAGE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_kernel_is_read() {
        let line = "42 (a ) b) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 7 0 100 1000000 \
                    256 18446744073709551615";
        let stat = Stat { cpu_s: 2.0, threads: 7, resident_bytes: 256 * 4096 };
        assert_eq!(Stat::parse(line), Some(stat));
    }

    #[test]
    fn this_process_has_all_facts() {
        let text = facts();
        for (name, ..) in FACTS {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name} is not in\n{text}");
        }
    }
}
