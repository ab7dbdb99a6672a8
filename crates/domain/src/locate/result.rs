//! Positions and regions from several sources, and which of them is the answer.

use crate::cell::AreaKey;
use crate::geo::{distance_m, round7};
use crate::station::{RegionCode, StationKey};

/// How far results may be apart, in multiples of the larger accuracy, to support each other.
const SUPPORT_FACTOR: f64 = 1.5;
/// Sum of scores at which no further source is asked.
const SATISFYING_SCORE: f64 = 1.0;

/// How accurate an answer is; better is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccuracyClass {
    /// No position, or no better than the whole planet.
    None,
    /// A region.
    Low,
    /// A cell: up to 50 km.
    Medium,
    /// Wi-Fi or Bluetooth: up to 500 m.
    High,
}

impl AccuracyClass {
    /// The class of an accuracy in metres.
    #[must_use]
    pub fn of(accuracy_m: f64) -> Self {
        match accuracy_m {
            ..=500.0 => Self::High,
            ..=50_000.0 => Self::Medium,
            ..=40_000_000.0 => Self::Low,
            _ => Self::None,
        }
    }

    /// The name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Where a result comes from. Of equal regions the one from the earlier source is preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResultSource {
    /// Our own stations.
    Internal,
    /// An outside location provider.
    Provider,
    /// The address database.
    GeoIp,
}

impl ResultSource {
    /// The name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Provider => "fallback",
            Self::GeoIp => "geoip",
        }
    }
}

/// What an answer had to fall back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The address of the client.
    Ipf,
    /// The area of a cell.
    Lacf,
}

impl Fallback {
    /// The name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipf => "ipf",
            Self::Lacf => "lacf",
        }
    }
}

/// The identity of a station or a cell area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NetworkKey {
    /// A station.
    Station(StationKey),
    /// A cell area.
    Area(AreaKey),
}

/// A network that a position was computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedNetwork {
    /// Which one.
    pub key: NetworkKey,
    /// Was its position confirmed today already?
    pub is_seen_today: bool,
}

/// A possible answer to a position query.
#[derive(Clone, Debug, PartialEq)]
pub struct PositionResult {
    /// Latitude, degrees, seven decimals.
    pub lat: f64,
    /// Longitude, degrees, seven decimals.
    pub lon: f64,
    /// Radius within which the device is, metres, seven decimals.
    pub accuracy_m: f64,
    /// Weight against other results.
    pub score: f64,
    /// Where it comes from.
    pub source: ResultSource,
    /// What it had to fall back to.
    pub fallback: Option<Fallback>,
    /// What it was computed from; only internal results have this.
    pub used: Vec<UsedNetwork>,
}

impl PositionResult {
    /// A result, rounded as answers are, without a fallback and used networks.
    #[must_use]
    pub fn new(lat: f64, lon: f64, accuracy_m: f64, score: f64, source: ResultSource) -> Self {
        Self {
            lat: round7(lat),
            lon: round7(lon),
            accuracy_m: round7(accuracy_m),
            score,
            source,
            fallback: None,
            used: Vec::new(),
        }
    }

    /// The class of its accuracy.
    #[must_use]
    pub fn accuracy_class(&self) -> AccuracyClass {
        AccuracyClass::of(self.accuracy_m)
    }
}

/// The answer among results for one query: of the group of results close to each other that has
/// the highest sum of scores, the most accurate.
#[must_use]
pub fn best_position(results: &[PositionResult]) -> Option<&PositionResult> {
    best_group(results).map(|(best, _)| best)
}

/// Is the best group sure enough and its most accurate result accurate enough?
pub(super) fn is_satisfying(results: &[PositionResult], expected: AccuracyClass) -> bool {
    best_group(results)
        .is_some_and(|(best, score)| score >= SATISFYING_SCORE && best.accuracy_class() >= expected)
}

/// The most accurate result of the best group, and the group's sum of scores.
///
/// A group is a result with all less accurate ones whose circles come close to its circle.
fn best_group(results: &[PositionResult]) -> Option<(&PositionResult, f64)> {
    let mut sorted: Vec<&PositionResult> = results.iter().collect();
    sorted.sort_by(|a, b| a.accuracy_m.total_cmp(&b.accuracy_m));
    let mut best: Option<Group<'_>> = None;
    for (place, first) in sorted.iter().enumerate() {
        let group = Group::around(first, &sorted[place..]);
        if best.as_ref().is_none_or(|best| group.rank() > best.rank()) {
            best = Some(group);
        }
    }
    best.map(|group| (group.chosen, group.score))
}

struct Group<'a> {
    /// Sum of scores.
    score: f64,
    /// Highest score of one result.
    top_score: f64,
    /// The most accurate result; the one with the highest score among equals.
    chosen: &'a PositionResult,
}

impl<'a> Group<'a> {
    /// The first result with those of the others that support it; the first is one of them.
    fn around(first: &'a PositionResult, others: &[&'a PositionResult]) -> Self {
        let mut group = Self { score: 0.0, top_score: f64::NEG_INFINITY, chosen: first };
        for other in others.iter().copied().filter(|other| is_support(first, other)) {
            group.score += other.score;
            group.top_score = group.top_score.max(other.score);
            let is_as_accurate = other.accuracy_m <= group.chosen.accuracy_m;
            if is_as_accurate && other.score > group.chosen.score {
                group.chosen = other;
            }
        }
        group
    }

    fn rank(&self) -> (f64, f64) {
        (self.score, self.top_score)
    }
}

fn is_support(result: &PositionResult, other: &PositionResult) -> bool {
    std::ptr::eq(result, other)
        || distance_m((result.lat, result.lon), (other.lat, other.lon))
            <= SUPPORT_FACTOR * result.accuracy_m.max(other.accuracy_m)
}

/// A possible answer to a region query.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionResult {
    /// The region.
    pub region: RegionCode,
    /// Size of the region, metres.
    pub accuracy_m: f64,
    /// Weight against other results.
    pub score: f64,
    /// Where it comes from.
    pub source: ResultSource,
    /// What it had to fall back to.
    pub fallback: Option<Fallback>,
}

impl RegionResult {
    /// The class of its accuracy.
    #[must_use]
    pub fn accuracy_class(&self) -> AccuracyClass {
        AccuracyClass::of(self.accuracy_m)
    }
}

/// The answer among results for one query: the region with the highest sum of scores, the larger
/// one among equals; from our own stations if they know it.
#[must_use]
pub fn best_region(results: &[RegionResult]) -> Option<&RegionResult> {
    let mut groups: Vec<(&RegionResult, f64, f64)> = Vec::new();
    for result in results {
        match groups.iter_mut().find(|(chosen, ..)| chosen.region == result.region) {
            None => groups.push((result, result.score, result.accuracy_m)),
            Some((chosen, score, accuracy_m)) => {
                *score += result.score;
                *accuracy_m = accuracy_m.max(result.accuracy_m);
                let is_nearer = result.source < chosen.source;
                let is_stronger = result.source == chosen.source && result.score > chosen.score;
                if is_nearer || is_stronger {
                    *chosen = result;
                }
            }
        }
    }
    let mut groups = groups.into_iter();
    let first = groups.next()?;
    let best = groups.fold(
        first,
        |best, group| {
            if (group.1, group.2) > (best.1, best.2) { group } else { best }
        },
    );
    Some(best.0)
}
