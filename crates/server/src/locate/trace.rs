//! What happened on the way to an answer, for the log and the metrics.

use std::time::Duration;

use ichnaea_domain::locate::{
    AccuracyClass, Counts, Found, PositionResult, Query, RegionResult, ResultSource,
};
use ichnaea_domain::station::{RegionCode, StationKey};

use crate::metrics::CacheStatus;

/// What happened to one query.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Stations as sent.
    pub sent: Counts,
    /// Stations left after validation.
    pub valid: Counts,
    /// Is there a valid client address?
    pub has_ip: bool,
    /// The region of the client's address, when the address is known.
    pub region: Option<RegionCode>,
    /// The best class of accuracy an answer could have.
    pub expected: AccuracyClass,
    /// The sources that were asked, in order.
    pub sources: Vec<(ResultSource, Consulted)>,
    /// The provider that might be asked, if the query came so far.
    pub provider: Option<Provider>,
    /// The answer, once there is one: its class and its source.
    pub answer: Option<(AccuracyClass, ResultSource)>,
    /// The stations that are not known, where somebody wants to know.
    pub unknown: Option<Vec<StationKey>>,
}

/// What a source said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consulted {
    /// Class of the first result that is as good as expected, of the last one when none is.
    pub found: Option<AccuracyClass>,
    /// Is one as good as expected?
    pub is_hit: bool,
}

/// What happened with the outside provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name in the metrics.
    pub name: String,
    /// What its cached answers said.
    pub cache: CacheStatus,
    /// The status it answered and how long that took, when it was asked and answered.
    pub lookup: Option<(u16, Duration)>,
}

impl Trace {
    /// What is known before anything is looked up.
    #[must_use]
    pub fn new(query: &Query) -> Self {
        Self {
            sent: query.sent,
            valid: query.valid,
            has_ip: query.client.has_ip,
            region: query.client.geoip.map(|geoip| geoip.region),
            expected: query.expected_accuracy(),
            sources: Vec::new(),
            provider: None,
            answer: None,
            unknown: None,
        }
    }

    /// The same; are unknown stations noted?
    #[must_use]
    pub fn watching(query: &Query, notes_unknown: bool) -> Self {
        Self { unknown: notes_unknown.then(Vec::new), ..Self::new(query) }
    }

    /// Notes which of the stations that were looked up are unknown.
    pub(super) fn looked_up(&mut self, stations: &[StationKey], found: &Found) {
        if let Some(unknown) = &mut self.unknown {
            let is_unknown = |key: &&StationKey| !found.stations.contains_key(key);
            unknown.extend(stations.iter().filter(is_unknown));
        }
    }

    /// Notes what a source said.
    pub(super) fn consulted(
        &mut self,
        source: ResultSource,
        classes: impl IntoIterator<Item = AccuracyClass>,
    ) {
        let mut said = Consulted { found: None, is_hit: false };
        for class in classes {
            said.found = Some(class);
            said.is_hit = class >= self.expected;
            if said.is_hit {
                break;
            }
        }
        self.sources.push((source, said));
    }

    /// Notes what a source said, for tests elsewhere.
    #[cfg(test)]
    pub(crate) fn consulted_for_tests(
        &mut self,
        source: ResultSource,
        found: Option<AccuracyClass>,
        is_hit: bool,
    ) {
        self.sources.push((source, Consulted { found, is_hit }));
    }

    pub(super) fn position(&mut self, best: Option<&PositionResult>) {
        self.answer = best.map(|best| (best.accuracy_class(), best.source));
    }

    pub(super) fn region(&mut self, best: Option<&RegionResult>) {
        self.answer = best.map(|best| (best.accuracy_class(), best.source));
    }

    /// Where the answer came from, when it is as good as expected.
    #[must_use]
    pub fn hit(&self) -> Option<ResultSource> {
        self.answer.filter(|(class, _)| *class >= self.expected).map(|(_, source)| source)
    }
}

#[cfg(test)]
mod tests {
    use ichnaea_domain::locate::{Api, Client, Request};

    use super::*;

    #[test]
    fn a_source_hits_with_any_result_that_is_good_enough() {
        use AccuracyClass::{High, Low, Medium};
        let mut trace = Trace::new(&Query::new(Api::Locate, Request::default(), Client::default()));
        assert_eq!(trace.expected, AccuracyClass::None);
        trace.expected = Medium;
        for (classes, found, is_hit) in [
            (&[][..], None, false),
            (&[Low], Some(Low), false),
            (&[Low, High, Low], Some(High), true),
            (&[AccuracyClass::None, Low], Some(Low), false),
        ] {
            trace.consulted(ResultSource::Internal, classes.iter().copied());
            let (_, said) = trace.sources.pop().unwrap();
            assert_eq!(said, Consulted { found, is_hit }, "{classes:?}");
        }
    }
}
