//! What was found, and how it is shown.

use serde::Serialize;

/// How good or bad something is, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It does not apply here, or could not be looked at because of another finding.
    Skipped,
    /// It is as it should be.
    Ok,
    /// The service works, and this will cost something sooner or later.
    Warning,
    /// The service, or a part of it, does not work.
    Error,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// A symbol in colour.
    const fn symbol(self) -> &'static str {
        match self {
            Self::Skipped => "\u{1b}[2m-\u{1b}[0m",
            Self::Ok => "\u{1b}[32m✓\u{1b}[0m",
            Self::Warning => "\u{1b}[33m!\u{1b}[0m",
            Self::Error => "\u{1b}[31m✗\u{1b}[0m",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, as one word.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, one line.
    pub what: String,
    /// What to do about it, one line.
    pub remedy: Option<String>,
}

impl Finding {
    /// As it should be.
    pub(super) fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, what: what.into(), remedy: None }
    }

    /// Does not apply.
    pub(super) fn skipped(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Skipped, what: what.into(), remedy: None }
    }

    /// Worth to be looked after.
    pub(super) fn warning(
        check: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (what, remedy) = (what.into(), Some(remedy.into()));
        Self { check, verdict: Verdict::Warning, what, remedy }
    }

    /// Broken.
    pub(super) fn error(
        check: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Error, ..Self::warning(check, what, remedy) }
    }

    /// One line, and one more for the remedy.
    pub(super) fn lines(&self, is_terminal: bool) -> Vec<String> {
        let Self { check, verdict, what, remedy } = self;
        let (head, indent) = if is_terminal {
            (verdict.symbol().to_owned(), 2)
        } else {
            (format!("{:<7}", verdict.word()), 9)
        };
        let mut lines =
            vec![format!("{head}{:1$}{check}: {what}", "", indent - head_width(is_terminal))];
        lines.extend(remedy.as_ref().map(|remedy| format!("{:indent$}  {remedy}", "")));
        lines
    }
}

/// How wide a verdict is on the screen.
const fn head_width(is_terminal: bool) -> usize {
    if is_terminal { 1 } else { 7 }
}

/// The last line.
pub(super) fn summary(worst: Option<Verdict>) -> &'static str {
    match worst {
        Some(Verdict::Error) => "Something does not work: see the errors above.",
        Some(Verdict::Warning) => "It works; see the warnings above.",
        _ => "Everything is in order.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_and_its_remedy_another() {
        let finding = Finding::error("database", "no answer", "start it");
        assert_eq!(finding.lines(false), ["error    database: no answer", "           start it"]);
        let shown = finding.lines(true);
        assert!(shown[0].contains('✗') && shown[0].ends_with(" database: no answer"), "{shown:?}");
        assert_eq!(Finding::ok("geoip", "there").lines(false), ["ok       geoip: there"]);
    }

    #[test]
    fn a_finding_in_json_has_always_the_same_members() {
        let finding = serde_json::to_value(Finding::skipped("disk", "no file")).unwrap();
        let expected = serde_json::json!({
            "check": "disk", "verdict": "skipped", "what": "no file", "remedy": null,
        });
        assert_eq!(finding, expected);
    }
}
