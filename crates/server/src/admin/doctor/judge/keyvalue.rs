//! What Redis, or the file in its place, has to be like.

use ichnaea_kv::Facts;

use super::size;
use crate::admin::doctor::Finding;

/// The oldest release whose commands are enough.
const OLDEST: (u32, u32) = (3, 2);

/// Is it there, and of a release that will do?
pub(in super::super) fn engine(facts: &Result<Facts, String>) -> Finding {
    let check = "redis";
    let facts = match facts {
        Ok(facts) => facts,
        Err(why) => {
            return Finding::error(
                check,
                why.clone(),
                "start Redis, or correct REDIS_URI (`ichnaea config` shows what counts)",
            );
        }
    };
    let what = format!("{} {}", facts.engine, facts.version);
    if facts.is_replica == Some(true) {
        let what = format!("{what}, a replica: it takes no changes");
        return Finding::error(check, what, "name the primary server in REDIS_URI");
    }
    let is_redis = facts.file.is_none();
    if is_redis && facts.version_numbers().is_some_and(|version| version < OLDEST) {
        let (major, minor) = OLDEST;
        return Finding::error(check, what, format!("update it to {major}.{minor} or newer"));
    }
    Finding::ok(check, what)
}

/// Does what was accepted survive a restart?
pub(in super::super) fn persistence(facts: &Facts) -> Vec<Finding> {
    let check = "redis, persistence";
    if facts.has_write_error == Some(true) {
        return vec![Finding::error(
            check,
            "the last attempt to write to disk failed",
            "look into the log of Redis, and at the free space on its disk",
        )];
    }
    vec![match facts.is_durable {
        Some(true) => Finding::ok(check, "what was accepted survives a restart"),
        Some(false) => Finding::warning(
            check,
            "reports that were accepted and not yet learned are lost with the server",
            "set `appendonly yes` in its configuration",
        ),
        None => Finding::skipped(check, "the server does not tell"),
    }]
}

/// Does it keep what it was given when memory runs out, and is there enough?
pub(in super::super) fn memory(facts: &Facts) -> Vec<Finding> {
    let (check, policy_check) = ("redis, memory", "redis, eviction");
    let mut findings = Vec::new();
    match (facts.eviction.as_deref(), facts.max_bytes) {
        (None, _) if facts.file.is_some() => {}
        (None, _) => findings.push(Finding::skipped(policy_check, "the server does not tell")),
        (Some("noeviction"), _) => {
            findings.push(Finding::ok(policy_check, "nothing is thrown away"));
        }
        // Only keys that expire by themselves: caches and counters. Queues never do.
        (Some(policy), _) if policy.starts_with("volatile-") => findings.push(Finding::warning(
            policy_check,
            format!("{policy} throws counters of daily limits away when memory runs out"),
            "set `maxmemory-policy noeviction`",
        )),
        (Some(policy), None) => findings.push(Finding::warning(
            policy_check,
            format!("{policy} would throw reports away if memory were limited"),
            "set `maxmemory-policy noeviction`",
        )),
        (Some(policy), Some(_)) => findings.push(Finding::error(
            policy_check,
            format!("{policy} throws accepted reports away when memory runs out"),
            "set `maxmemory-policy noeviction`",
        )),
    }
    match (facts.used_bytes, facts.max_bytes) {
        (Some(used), Some(max)) => {
            let percent = u128::from(used) * 100 / u128::from(max.max(1));
            let what = format!("{} of {} in use ({percent} %)", size(used), size(max));
            let remedy = "give it more memory, or start more workers if the queues are long";
            findings.push(match percent {
                95.. => Finding::error(check, what, remedy),
                80.. => Finding::warning(check, what, remedy),
                _ => Finding::ok(check, what),
            });
        }
        (Some(used), None) => findings.push(Finding::ok(check, format!("{} in use", size(used)))),
        (None, _) => findings.push(Finding::skipped(check, "the server does not tell")),
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::doctor::Verdict::{self, Error, Ok as Fine, Skipped, Warning};

    fn redis(version: &str) -> Facts {
        Facts { engine: "Redis".into(), version: version.into(), ..Facts::default() }
    }

    fn verdicts(findings: &[Finding]) -> Vec<Verdict> {
        findings.iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn the_release_has_to_know_the_commands() {
        let file = Facts { file: Some("/a".into()), ..redis("3.1") };
        let replica = Facts { is_replica: Some(true), ..redis("7.0.15") };
        for (facts, verdict) in [
            (redis("7.0.15"), Fine),
            (redis("3.2.0"), Fine),
            (redis("3.0.7"), Error),
            (redis("2.8"), Error),
            (redis("unknown"), Fine),
            (file, Fine),
            (replica, Error),
        ] {
            assert_eq!(engine(&Ok(facts.clone())).verdict, verdict, "{facts:?}");
        }
        assert_eq!(engine(&Err("refused".into())).verdict, Error);
    }

    #[test]
    fn what_was_accepted_has_to_survive() {
        for (is_durable, has_write_error, verdict) in [
            (Some(true), Some(false), Fine),
            (Some(false), Some(false), Warning),
            (Some(true), Some(true), Error),
            (None, None, Skipped),
        ] {
            let facts = Facts { is_durable, has_write_error, ..redis("7.0") };
            assert_eq!(verdicts(&persistence(&facts)), [verdict], "{facts:?}");
        }
    }

    #[test]
    fn nothing_may_be_thrown_away_and_there_has_to_be_room() {
        for (eviction, used_bytes, max_bytes, expected) in [
            (Some("noeviction"), Some(10), None, &[Fine, Fine][..]),
            (Some("noeviction"), Some(79), Some(100), &[Fine, Fine]),
            (Some("noeviction"), Some(80), Some(100), &[Fine, Warning]),
            (Some("allkeys-lru"), Some(95), Some(100), &[Error, Error]),
            (Some("allkeys-lru"), Some(10), None, &[Warning, Fine]),
            (Some("volatile-lru"), Some(10), Some(100), &[Warning, Fine]),
            (None, None, None, &[Skipped, Skipped]),
        ] {
            let eviction = eviction.map(str::to_owned);
            let facts = Facts { eviction, used_bytes, max_bytes, ..redis("7.0") };
            assert_eq!(verdicts(&memory(&facts)), expected, "{facts:?}");
        }
        let file = Facts { file: Some("/a".into()), used_bytes: Some(1), ..Facts::default() };
        assert_eq!(verdicts(&memory(&file)), [Fine]);
    }
}
