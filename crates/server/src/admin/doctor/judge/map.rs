//! Whether the data map is fresh and can be seen.

use super::time;
use crate::admin::doctor::Finding;

/// How many intervals may pass without a map: one run may be skipped while another takes long.
const INTERVALS: u64 = 3;
/// From when on a map that is drawn from outside is old, seconds: eight days, for those who draw it
/// once a week.
const OLD_S: u64 = 8 * 86_400;

/// The map as it is found.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Map {
    /// Since its tiles were brought there, seconds; `None`: there is none.
    pub(in super::super) age_s: Option<i64>,
    /// How often workers draw it, seconds; 0: never.
    pub(in super::super) interval_s: u64,
    /// Its tiles are in a bucket, and nobody has said what address that has.
    pub(in super::super) is_hidden: bool,
}

/// Is the map drawn as often as it should be, and does the page find it?
pub(in super::super) fn map(map: Map) -> Vec<Finding> {
    let check = "map";
    let age_s = map.age_s.map(|age_s| u64::try_from(age_s).unwrap_or(0));
    let drawn = match (age_s, map.interval_s) {
        (None, 0) => {
            Finding::skipped(check, "it was never drawn; workers draw it when MAP_INTERVAL is set")
        }
        (None, _) => Finding::warning(
            check,
            "it was not drawn yet",
            "see that a scheduler and a worker run; `ichnaea task send render_map` draws it at once",
        ),
        (Some(age_s), 0) if age_s > OLD_S => Finding::warning(
            check,
            format!("it is {} old", time(age_s)),
            "set MAP_INTERVAL, so that workers draw it; or look after what ran the role `map`",
        ),
        (Some(age_s), interval_s @ 1..) if age_s > interval_s.saturating_mul(INTERVALS) => {
            Finding::warning(
                check,
                format!("it is {} old, though MAP_INTERVAL is {}", time(age_s), time(interval_s)),
                "look for lines about render_map in the log of the workers",
            )
        }
        (Some(age_s), _) => Finding::ok(check, format!("it was drawn {} ago", time(age_s))),
    };
    let mut findings = vec![drawn];
    if map.is_hidden && age_s.is_some() {
        findings.push(Finding::warning(
            check,
            "its tiles are in a bucket, but the page looks for them on this server",
            "set ASSET_URL to the public address of the bucket",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::doctor::Verdict::{self, Ok as Fine, Skipped, Warning};

    #[test]
    fn a_map_is_drawn_as_often_as_it_should_be() {
        let hour_s = 3600;
        for (age_s, interval_s, expected) in [
            (None, 0, Skipped),
            (None, hour_s, Warning),
            (Some(5), 0, Fine),
            (Some(-5), hour_s, Fine),
            (Some(8 * 86_400), 0, Fine),
            (Some(8 * 86_400 + 1), 0, Warning),
            (Some(3 * 3600), hour_s, Fine),
            (Some(3 * 3600 + 1), hour_s, Warning),
        ] {
            let found = map(Map { age_s, interval_s, is_hidden: false });
            let verdicts: Vec<Verdict> = found.iter().map(|finding| finding.verdict).collect();
            assert_eq!(verdicts, [expected], "{age_s:?} {interval_s}");
        }
    }

    #[test]
    fn tiles_in_a_bucket_need_an_address() {
        let hidden = Map { age_s: Some(5), interval_s: 0, is_hidden: true };
        let found = map(hidden);
        assert!(found[1].remedy.as_ref().unwrap().contains("ASSET_URL"));
        assert_eq!(map(Map { age_s: None, ..hidden }).len(), 1, "there is nothing to see yet");
    }
}
