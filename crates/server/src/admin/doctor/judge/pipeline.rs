//! What has to move, and who has to move it.

use std::collections::BTreeMap;

use super::time;
use crate::admin::doctor::Finding;
use crate::seen::{Kind, Sign};
use crate::tasks::export::Rest;

/// A queue that got nothing new for this long and still holds something is not worked on: what waits
/// is taken after an hour at the latest.
const STUCK_S: u64 = 2 * 3600;

/// A queue and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Waiting {
    pub(in super::super) queue: String,
    pub(in super::super) items: u64,
    pub(in super::super) in_flight: u64,
    /// Since the last time something was added.
    pub(in super::super) age_s: Option<u64>,
    /// What could not be worked on and was put aside.
    pub(in super::super) dead: u64,
    /// Somebody takes from it.
    pub(in super::super) is_served: bool,
}

/// Do the queues move, and is there room for more? `limit` is `MAX_WAITING_REPORTS`, 0 for none.
pub(in super::super) fn queues(queues: &[Waiting], limit: u64) -> Vec<Finding> {
    let check = "queues";
    let mut findings = Vec::new();
    let sum = |of: fn(&Waiting) -> u64| queues.iter().map(of).sum::<u64>();
    let (waiting, in_flight) = (sum(|queue| queue.items), sum(|queue| queue.in_flight));
    let held = waiting + in_flight;
    let remedy = "start more workers (`ichnaea worker`), or see in their log why they stand still";
    if limit > 0 && held >= limit / 2 {
        let what = format!("{held} items wait; from {limit} on reports are refused");
        findings.push(if held >= limit {
            Finding::error(check, what, remedy)
        } else {
            Finding::warning(check, what, remedy)
        });
    }
    let is_stuck = |queue: &&Waiting| {
        queue.is_served && queue.items > 0 && queue.age_s.is_some_and(|age_s| age_s > STUCK_S)
    };
    for queue in queues.iter().filter(is_stuck) {
        let age = time(queue.age_s.unwrap_or_default());
        let what = format!("{} holds {} items for {age} now", queue.queue, queue.items);
        findings.push(Finding::warning(check, what, remedy));
    }
    let dead = sum(|queue| queue.dead);
    if dead > 0 {
        findings.push(Finding::warning(
            check,
            format!("{dead} items could not be worked on and were put aside"),
            "`ichnaea pipeline dead-letters list` shows them; its `requeue` and `drop` take them away",
        ));
    }
    if findings.is_empty() {
        let what = format!("{waiting} items wait, {in_flight} are being worked on");
        findings.push(Finding::ok(check, what));
    }
    findings
}

/// A target that takes nothing for this long is more than a disturbance.
const AWAY_S: i64 = 24 * 3600;

/// Does every export target take what is meant for it?
pub(in super::super) fn resting(targets: &BTreeMap<String, Rest>, now_ms: i64) -> Vec<Finding> {
    let finding = |(target, rest): (&String, &Rest)| {
        let away_s = (now_ms - rest.since_ms).max(0) / 1000;
        let what = format!(
            "target '{target}' takes nothing for {}: {}; its reports wait",
            time(away_s.unsigned_abs()),
            rest.why
        );
        let remedy = "put right what the line says; it is tried again by itself";
        if away_s >= AWAY_S {
            Finding::error("targets", what, remedy)
        } else {
            Finding::warning("targets", what, remedy)
        }
    };
    targets.iter().map(finding).collect()
}

/// Is somebody there to work, and of this release?
pub(in super::super) fn seen(kind: Kind, signs: &[Sign], release: &str) -> Vec<Finding> {
    let (check, remedy) = match kind {
        Kind::Worker => ("workers", "start `ichnaea worker`, or everything with `ichnaea serve`"),
        Kind::Scheduler => {
            ("scheduler", "start `ichnaea scheduler`, or everything with `ichnaea serve`")
        }
    };
    let signs: Vec<&Sign> = signs.iter().filter(|sign| sign.kind == kind).collect();
    if signs.is_empty() {
        let what = match kind {
            Kind::Worker => "none was seen in the last minute: nothing is learned",
            Kind::Scheduler => "none was seen in the last minute: no task becomes due",
        };
        return vec![Finding::error(check, what, remedy)];
    }
    let others: Vec<&str> =
        signs.iter().map(|sign| sign.version.as_str()).filter(|it| *it != release).collect();
    let what = format!("{} seen in the last minute", signs.len());
    vec![match others.first() {
        Some(other) => Finding::warning(
            check,
            format!("{what}, {} of another release ({other} and not {release})", others.len()),
            "finish the upgrade: stop those of the old release",
        ),
        None => Finding::ok(check, what),
    }]
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;

    use super::*;
    use crate::admin::doctor::Verdict::{self, Error, Ok as Fine, Warning};

    fn queue(name: &str, items: u64, age_s: u64) -> Waiting {
        Waiting {
            queue: name.into(),
            items,
            in_flight: 0,
            age_s: Some(age_s),
            dead: 0,
            is_served: true,
        }
    }

    fn verdicts(findings: &[Finding]) -> Vec<Verdict> {
        findings.iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn queues_have_to_move_and_to_have_room() {
        let incoming = |waiting| queue("update_incoming", waiting, 5);
        let unserved = Waiting { is_served: false, ..queue("queue_export_x", 5, 100_000) };
        let dead = Waiting { dead: 3, ..incoming(0) };
        for (found, limit, expected) in [
            (vec![incoming(0)], 1000, &[Fine][..]),
            (vec![incoming(499)], 1000, &[Fine]),
            (vec![incoming(500)], 1000, &[Warning]),
            (vec![incoming(1000)], 1000, &[Error]),
            (vec![incoming(1_000_000)], 0, &[Fine]),
            (vec![queue("update_wifi_0", 5, STUCK_S)], 0, &[Fine]),
            (vec![queue("update_wifi_0", 5, STUCK_S + 1)], 0, &[Warning]),
            (vec![queue("update_wifi_0", 0, STUCK_S + 1)], 0, &[Fine]),
            (vec![unserved], 0, &[Fine]),
            (vec![dead], 1000, &[Warning]),
        ] {
            assert_eq!(verdicts(&queues(&found, limit)), expected, "{found:?}");
        }
    }

    #[test]
    fn a_target_that_takes_nothing_is_named_with_its_reason() {
        let rest =
            |since_ms| Rest { since_ms, until_ms: 0, failures: 9, why: "answered 503".into() };
        let day_ms = 1000 * AWAY_S;
        let targets =
            BTreeMap::from([("a".to_owned(), rest(day_ms - 1)), ("b".to_owned(), rest(0))]);
        let found = resting(&targets, day_ms);
        assert_eq!(verdicts(&found), [Warning, Error]);
        assert!(found[1].what.contains("'b'") && found[1].what.contains("answered 503"));
        assert_eq!(resting(&BTreeMap::new(), day_ms), []);
    }

    #[test]
    fn somebody_has_to_work_and_to_be_of_this_release() {
        let sign = |kind, version: &str| Sign {
            kind,
            host: "a".into(),
            pid: 1,
            version: version.into(),
            started: NaiveDateTime::default(),
            seen: NaiveDateTime::default(),
            concurrency: None,
        };
        let signs = [sign(Kind::Worker, "1.0"), sign(Kind::Worker, "0.9")];
        assert_eq!(verdicts(&seen(Kind::Worker, &signs[..1], "1.0")), [Fine]);
        assert_eq!(verdicts(&seen(Kind::Worker, &signs, "1.0")), [Warning]);
        assert_eq!(verdicts(&seen(Kind::Scheduler, &signs, "1.0")), [Error]);
        assert_eq!(verdicts(&seen(Kind::Worker, &[], "1.0")), [Error]);
    }
}
