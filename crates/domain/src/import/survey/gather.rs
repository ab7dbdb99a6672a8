//! Sightings of one place and moment become one report.

use std::mem;

use super::sighting::{Place, Sighting, Station};
use crate::report::Report;

/// Most stations in one report; one more begins the next.
const MAX_STATIONS: usize = 500;

/// The report that is being put together from the rows of a file.
#[derive(Debug, Default)]
pub struct Gatherer {
    place: Place,
    report: Report,
    stations: usize,
}

impl Gatherer {
    /// Adds the next sighting; gives the report before it when that is complete.
    pub fn add(&mut self, sighting: Sighting) -> Option<Report> {
        let is_next = self.place != sighting.place || self.stations == MAX_STATIONS;
        let complete = if is_next { self.finish() } else { None };
        self.place = sighting.place;
        match sighting.station {
            Station::Blue(blue) => self.report.blue.push(blue),
            Station::Cell(cell) => self.report.cell.push(cell),
            Station::Wifi(wifi) => self.report.wifi.push(wifi),
        }
        self.stations += 1;
        complete
    }

    /// The last report, if there is one.
    pub fn finish(&mut self) -> Option<Report> {
        let Self { place, report, stations } = mem::take(self);
        (stations > 0).then_some(Report {
            timestamp: place.timestamp,
            position: Some(place.position),
            ..report
        })
    }
}

/// The next report out of several files that are read side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// Which of the heads it was made from; the next of these files has to be read.
    pub taken: Vec<usize>,
    /// The report.
    pub report: Report,
}

/// Joins the heads of files that an app wrote from one list of reports, each in order of time. The
/// earliest report comes first, with what the other files have of the same place and moment.
/// Files that are not in order lose nothing: their reports are only joined less often.
pub fn merge(heads: &mut [Option<Report>]) -> Option<Merged> {
    let is_head = |(at, head): (usize, &Option<Report>)| Some((head.as_ref()?.timestamp, at));
    let (_, first) = heads.iter().enumerate().filter_map(is_head).min()?;
    let mut report = heads.get_mut(first)?.take()?;
    let mut taken = vec![first];
    for (at, head) in heads.iter_mut().enumerate() {
        let is_same = |other: &Report| {
            (other.timestamp, &other.position) == (report.timestamp, &report.position)
        };
        if head.as_ref().is_some_and(is_same)
            && let Some(other) = head.take()
        {
            report.blue.extend(other.blue);
            report.cell.extend(other.cell);
            report.wifi.extend(other.wifi);
            taken.push(at);
        }
    }
    Some(Merged { taken, report })
}
