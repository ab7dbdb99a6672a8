//! Programs of the original that run books call by name or path, in the words of this one.
//!
//! They are understood behind `shell`, and when this program is called by one of their names (a
//! symbolic link).

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// What became of a program of the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Now {
    /// A command of this program; the arguments follow.
    Command(&'static str),
    /// Command lines of this program, one after the other.
    Lines(&'static [&'static [&'static str]]),
    /// The task queue's own program.
    Celery,
    /// Nothing: why.
    Gone(&'static str),
}

const NOT_NEEDED: &str = "is not needed: region shapes are compiled in";

/// Every program, by the name of its file.
const PROGRAMS: &[(&str, Now)] = &[
    ("alembic", Now::Command("alembic")),
    ("apikey.py", Now::Command("apikey")),
    ("db.py", Now::Command("db")),
    ("sentry_test.py", Now::Command("sentry-test")),
    ("load_cell_data.py", Now::Command("load-cell-data")),
    ("dump.py", Now::Command("dump")),
    ("location_dump", Now::Command("dump")),
    ("datamap.py", Now::Command("datamap")),
    ("location_map", Now::Command("datamap")),
    ("region_json.py", Now::Gone(NOT_NEEDED)),
    ("location_region_json", Now::Gone(NOT_NEEDED)),
    ("run_check_db.sh", Now::Lines(&[&["wait-for-database"]])),
    ("run_setup.sh", Now::Lines(&[&["db", "drop"], &["db", "create"]])),
    ("celery", Now::Celery),
];

/// The command lines that a call comes to, each without the name of this program; `None` for a
/// program that is none of the original's. `Err` says why a call cannot be understood.
#[must_use]
pub fn lines(
    program: &OsStr,
    arguments: &[OsString],
) -> Option<Result<Vec<Vec<OsString>>, String>> {
    let name = Path::new(program).file_name()?.to_str()?;
    let (_, now) = PROGRAMS.iter().find(|(known, _)| *known == name)?;
    Some(match now {
        Now::Command(command) => {
            let words = std::iter::once(OsString::from(command)).chain(arguments.iter().cloned());
            Ok(vec![words.collect()])
        }
        Now::Lines(lines) => Ok(lines.iter().map(|words| owned(words)).collect()),
        Now::Celery => celery(arguments).map(|words| vec![words]),
        Now::Gone(why) => Err(format!("{name} {why}")),
    })
}

fn owned(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// The calls of `celery` that run books know.
fn celery(arguments: &[OsString]) -> Result<Vec<OsString>, String> {
    let mut words = Vec::new();
    let mut shard = None;
    let mut rest = arguments.iter().filter_map(|word| word.to_str());
    while let Some(word) = rest.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => (flag, Some(value.to_owned())),
            _ => (word, None),
        };
        let mut value = || value.clone().or_else(|| rest.next().map(str::to_owned));
        match flag {
            // Which application, and where its messages go: there is one of each.
            "-A" | "--app" | "-b" | "--broker" | "-Q" | "--queue" => drop(value()),
            "-a" | "--args" | "-k" | "--kwargs" => {
                shard = value().as_deref().and_then(first_text);
            }
            flag if flag.starts_with('-') => {
                return Err(format!("celery {flag} is not understood here"));
            }
            word => words.push(word.to_owned()),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["call", path] => {
            let name = path.rsplit('.').next().unwrap_or(path);
            let mut line = owned(&["task", "send", name]);
            if let Some(shard) = shard {
                line.extend(owned(&["--shard", &shard]));
            }
            Ok(line)
        }
        ["inspect", "registered"] => Ok(owned(&["task", "list"])),
        ["inspect", "stats" | "active" | "ping"] => Ok(owned(&["pipeline", "status"])),
        _ => Err("of celery, `call TASK`, `inspect stats` and `inspect registered` are understood"
            .to_owned()),
    }
}

/// The first text in a JSON list or object.
fn first_text(json: &str) -> Option<String> {
    use serde_json::Value;
    let first = match serde_json::from_str(json).ok()? {
        Value::Array(list) => list.into_iter().next(),
        Value::Object(members) => members.into_iter().next().map(|(_, value)| value),
        _ => None,
    };
    first?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Result<Vec<String>, String>> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let lines = lines(&words[0], &words[1..])?;
        let joined = |words: Vec<OsString>| words.join(OsStr::new(" ")).into_string().unwrap();
        Some(lines.map(|lines| lines.into_iter().map(joined).collect()))
    }

    #[test]
    fn calls_of_the_original_have_their_command() {
        for (call, expected) in [
            ("alembic upgrade head", &["alembic upgrade head"][..]),
            ("/usr/local/bin/alembic stamp base", &["alembic stamp base"]),
            ("/app/ichnaea/scripts/apikey.py create --maxreq 5", &["apikey create --maxreq 5"]),
            ("ichnaea/scripts/db.py check", &["db check"]),
            ("/app/ichnaea/scripts/sentry_test.py clitest", &["sentry-test clitest"]),
            (
                "/app/ichnaea/scripts/dump.py --datatype cell --filename a.csv.gz",
                &["dump --datatype cell --filename a.csv.gz"],
            ),
            ("location_dump --datatype wifi", &["dump --datatype wifi"]),
            ("/app/ichnaea/scripts/datamap.py --create", &["datamap --create"]),
            ("location_map --upload --output x", &["datamap --upload --output x"]),
            ("./docker/run_check_db.sh", &["wait-for-database"]),
            ("./docker/run_setup.sh", &["db drop", "db create"]),
            (
                "celery -A ichnaea.taskapp.app:celery_app call ichnaea.data.tasks.update_cellarea",
                &["task send update_cellarea"],
            ),
            (
                r#"celery --app=x call ichnaea.data.tasks.update_wifi --kwargs={"shard_id":"f"}"#,
                &["task send update_wifi --shard f"],
            ),
            (
                r#"celery -A x call data.update_datamap -a ["ne"]"#,
                &["task send update_datamap --shard ne"],
            ),
            ("celery -A ichnaea.taskapp.app:celery_app inspect registered", &["task list"]),
            ("celery -A ichnaea.taskapp.app:celery_app inspect stats", &["pipeline status"]),
        ] {
            let expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(read(call), Some(Ok(expected)), "{call}");
        }
    }

    #[test]
    fn what_is_gone_says_why_and_what_is_unknown_is_not_ours() {
        for call in
            ["region_json.py", "/app/ichnaea/scripts/region_json.py", "celery worker", "celery -X"]
        {
            assert!(read(call).unwrap().is_err(), "{call}");
        }
        for call in ["bash", "/bin/ls -l", "apikey.pyc", ""] {
            assert_eq!(read(call), None, "{call}");
        }
    }
}
