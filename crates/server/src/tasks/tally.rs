//! What is measured about a batch, once it is finished.
//!
//! The end of a batch is the one step that takes place exactly once, so measuring after it counts
//! nothing twice: not when a worker dies between the commit and the end, and another finds the
//! batch applied; not when two hold the same batch. What a worker does not live to send is lost.

use std::collections::BTreeMap;

use ichnaea_domain::report::KindCounts;
use ichnaea_domain::station::Kind;
use ichnaea_domain::transition::Counts;

use crate::metrics::Metrics;

/// What is to be counted when a batch has come to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tally {
    /// Nothing but its dead letters.
    #[default]
    Nothing,
    /// Reports reached an export target.
    Exported {
        /// The name of the target.
        target: String,
        /// What came out of them, by API key, when the target is this service itself.
        learned: BTreeMap<Option<String>, Learned>,
    },
    /// Stations were updated from observations.
    Stations {
        /// What they are.
        kind: Kind,
        /// What happened to them.
        counts: Counts,
    },
}

/// What came out of the reports of one API key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// Reports that mention a station.
    pub reports: u64,
    /// Those of them that nothing could be learned from.
    pub dropped: u64,
    /// Observations of stations.
    pub observations: KindCounts,
    /// Mentions of stations that cannot be used.
    pub malformed: KindCounts,
}

impl Learned {
    /// Adds what came out of other reports.
    pub fn add(&mut self, other: &Self) {
        self.reports += other.reports;
        self.dropped += other.dropped;
        for kind in Kind::ALL {
            self.observations.add(kind, other.observations.of(kind));
            self.malformed.add(kind, other.malformed.of(kind));
        }
    }
}

impl Tally {
    /// Sends all of it; counts of zero are left out.
    pub fn emit(&self, metrics: &Metrics) {
        match self {
            Self::Nothing => {}
            Self::Exported { target, learned } => {
                metrics.export_batch(target);
                for (key, learned) in learned {
                    let key = key.as_deref();
                    metrics.report_upload(key, learned.reports);
                    metrics.report_drop(key, learned.dropped);
                    for kind in Kind::ALL {
                        metrics.observation_upload(kind, key, learned.observations.of(kind));
                        metrics.observation_drop(kind, key, learned.malformed.of(kind));
                    }
                }
            }
            Self::Stations { kind, counts } => {
                metrics.observation_insert(*kind, counts.obs);
                metrics.station_blocked(*kind, counts.block);
                metrics.station_confirmed(*kind, counts.confirm);
                metrics.station_new(*kind, counts.new);
            }
        }
    }
}
