//! Counts what agrees and says what does not.

use crate::deliberate;
use crate::support::app::Setting;

/// What the cases of one family showed in one setting.
pub struct Verdicts {
    family: &'static str,
    pair: &'static str,
    cases: Vec<(String, Vec<String>)>,
}

impl Verdicts {
    /// None yet.
    pub const fn new(family: &'static str, setting: Setting<'_>) -> Self {
        Self { family, pair: setting.name(), cases: Vec::new() }
    }

    /// Adds what differs in a case.
    pub fn add(&mut self, id: &str, differences: Vec<String>) {
        self.cases.push((id.to_owned(), differences));
    }

    /// Prints the counts.
    ///
    /// # Panics
    ///
    /// When a case differs that is not listed, or a listed one agrees.
    pub fn conclude(self) {
        let listed = deliberate::ids();
        let mut unexpected = Vec::new();
        let (mut agreeing, mut deliberate) = (0, Vec::new());
        for (id, differences) in &self.cases {
            match (differences.is_empty(), listed.contains(id)) {
                (true, false) => agreeing += 1,
                (false, true) => deliberate.push(format!("  {id}: {}", differences.join("; "))),
                (true, true) => unexpected.push(format!(
                    "{id}: is listed as a deliberate difference, but answers as recorded"
                )),
                (false, false) => {
                    unexpected.push(format!("{id}: {}", differences.join("\n    ")));
                }
            }
        }
        let summary = format!(
            "{} on {}: {agreeing} of {} as recorded, {} deliberate differences",
            self.family,
            self.pair,
            self.cases.len(),
            deliberate.len()
        );
        println!("{summary}\n{}", deliberate.join("\n"));
        assert!(
            unexpected.is_empty(),
            "{summary}, {} unexpected:\n{}",
            unexpected.len(),
            unexpected.join("\n")
        );
    }
}
