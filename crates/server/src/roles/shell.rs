//! The role `shell`: programs in the container, or a small prompt where there is no shell.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, ErrorKind, IsTerminal as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use tokio::signal::unix::{SignalKind, signal};

use super::signals::Stop;
use crate::admin::print;

/// Where the original's shell begins.
const HOME: &str = "/app";
/// Shells, the most comfortable first.
const SHELLS: &[&str] = &["bash", "sh"];
/// Status of a program that is not there, and of one that cannot be run, as shells have it.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;

/// Becomes another program. Returns only when that failed.
#[must_use]
pub fn become_program(program: &OsStr, arguments: &[OsString]) -> ExitCode {
    let failure = at_home(Command::new(program).args(arguments)).exec();
    let name = Path::new(program).display();
    crate::cli::complain(format!("{name}: {failure}"));
    ExitCode::from(match failure.kind() {
        ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_RUNNABLE,
    })
}

/// Whether a path leads to a file that is not this program.
#[must_use]
pub fn is_file_of_others(path: &Path) -> bool {
    let is_path = path.components().count() > 1;
    match (path.canonicalize(), std::env::current_exe()) {
        (Ok(file), Ok(own)) => is_path && own.canonicalize().is_ok_and(|own| own != file),
        _ => false,
    }
}

/// Becomes an interactive shell, or is one.
#[must_use]
pub fn interactive() -> ExitCode {
    for shell in SHELLS {
        let failure = at_home(&mut Command::new(shell)).exec();
        if failure.kind() != ErrorKind::NotFound {
            crate::cli::complain(format!("{shell}: {failure}"));
            return ExitCode::from(NOT_RUNNABLE);
        }
    }
    attend()
}

/// Runs the prompt, and ends when it is asked to: the first process of a container has to see to
/// that by itself. What interrupts a command leaves the prompt alone.
fn attend() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return prompt() };
    let code = runtime.block_on(async {
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return prompt();
        };
        let mut prompt = tokio::task::spawn_blocking(prompt);
        loop {
            tokio::select! {
                code = &mut prompt => return code.unwrap_or(ExitCode::FAILURE),
                _ = terminate.recv() => return ExitCode::from(Stop::Terminate.status()),
                _ = interrupt.recv() => {}
            }
        }
    });
    // It waits for input that nobody will give.
    runtime.shutdown_background();
    code
}

fn at_home(command: &mut Command) -> &mut Command {
    if Path::new(HOME).is_dir() { command.current_dir(HOME) } else { command }
}

/// Reads commands of this program and runs them, until `exit` or the end of the input.
fn prompt() -> ExitCode {
    let is_terminal = std::io::stdin().is_terminal();
    if is_terminal {
        print("There is no shell in here; commands of ichnaea can be given.");
        print("For example: apikey list, alembic current, help, exit");
    }
    let mut input = std::io::stdin().lock();
    loop {
        if is_terminal {
            let mut out = std::io::stdout().lock();
            let _ = write!(out, "ichnaea> ").and_then(|()| out.flush());
        }
        let mut line = String::new();
        match input.read_line(&mut line) {
            Ok(0) => {
                if is_terminal {
                    print("");
                }
                return ExitCode::SUCCESS;
            }
            Ok(_) => {}
            Err(failure) if failure.kind() == ErrorKind::Interrupted => continue,
            Err(failure) => {
                crate::cli::complain(format!("the input cannot be read: {failure}"));
                return ExitCode::FAILURE;
            }
        }
        let Some(words) = words(&line) else {
            crate::cli::complain("a quotation mark is not closed");
            continue;
        };
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            // No shell within this one.
            [] | ["shell"] => {}
            ["exit" | "quit" | "logout", ..] => return ExitCode::SUCCESS,
            ["ichnaea", words @ ..] => run(words),
            // Programs of the original are understood behind `shell`.
            words => run(&[&["shell"], words].concat()),
        }
    }
}

/// Runs one command line in a process of its own, and waits for it.
fn run(words: &[&str]) {
    let program = std::env::current_exe();
    let status = program.and_then(|program| Command::new(program).args(words).status());
    if let Err(failure) = status {
        crate::cli::complain(failure);
    }
}

/// Splits a line into words at blanks outside of quotation marks; `None` when one is not closed.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_line_is_split_at_blanks_outside_of_quotation_marks() {
        let split = |line| words(line).map(|words| words.join("|"));
        assert_eq!(
            split("  apikey  create 'my key' \"\"x\n").as_deref(),
            Some("apikey|create|my key|x")
        );
        assert_eq!(split("set a=\"b 'c'\" ''").as_deref(), Some("set|a=b 'c'|"));
        assert_eq!(split("\n").as_deref(), Some(""));
        assert_eq!(split("a 'b"), None);
    }
}
