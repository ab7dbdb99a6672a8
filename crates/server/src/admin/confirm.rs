//! Asking before something is destroyed.

use std::io::{IsTerminal as _, Write as _};

/// Whether a person at the terminal types this name. A script has nobody to ask, and run books
/// have it that it goes on.
#[must_use]
pub fn confirm(warning: &str, name: &str) -> bool {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return true;
    }
    let mut stderr = std::io::stderr().lock();
    // A terminal that cannot show the question gets no answer either.
    let _ = write!(stderr, "{warning}\nType {name} to go on: ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    stdin.read_line(&mut answer).is_ok() && answer.trim() == name
}
