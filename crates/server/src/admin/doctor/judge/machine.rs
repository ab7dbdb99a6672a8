//! What the machine and the settings have to be like.

use std::path::PathBuf;

use super::{size, time};
use crate::admin::doctor::Finding;

/// Age of the city database from which on a newer one is worth the trouble, days: they come once or
/// twice a month, and addresses move.
const OLD_DAYS: i64 = 90;
/// Difference of two clocks that is worth looking after, and one that does harm: leases of a minute
/// end too early or too late, milliseconds.
const SKEW_MS: u64 = 5_000;
const HARMFUL_SKEW_MS: u64 = 30_000;
/// Free space that is little, and too little, bytes.
const LITTLE: u64 = 1_000_000_000;
const TOO_LITTLE: u64 = 100_000_000;

/// Is there a city database that can be read and is not too old? `built` is its age in days.
pub(in super::super) fn geoip(path: &str, built: &Result<i64, String>) -> Finding {
    let check = "geoip";
    let remedy = "put a newer City database there (`make geoip` fetches a free one); it is taken up \
                  without a restart";
    match built {
        Ok(days) if *days > OLD_DAYS => {
            Finding::warning(check, format!("{path} is {days} days old"), remedy)
        }
        Ok(days) => Finding::ok(check, format!("{path} is {days} days old")),
        Err(why) => Finding::warning(
            check,
            format!("{why}: addresses alone give no position, /__heartbeat__ answers 503"),
            format!("set GEOIP_PATH; or {remedy}"),
        ),
    }
}

/// Clocks, milliseconds since 1970; `None` where one could not be read or is that of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Clocks {
    pub(in super::super) here: i64,
    /// In whole seconds.
    pub(in super::super) database: Option<i64>,
    pub(in super::super) redis: Option<i64>,
}

/// Do all clocks say the same?
pub(in super::super) fn clocks(clocks: Clocks) -> Vec<Finding> {
    let check = "clocks";
    let others = [("the database", clocks.database), ("Redis", clocks.redis)];
    let others: Vec<(&str, u64)> = others
        .into_iter()
        .filter_map(|(name, ms)| Some((name, ms?.abs_diff(clocks.here))))
        .collect();
    if others.is_empty() {
        return vec![Finding::skipped(check, "no other clock to compare this one with")];
    }
    let wrong = others.iter().filter(|(_, skew_ms)| *skew_ms > SKEW_MS);
    let finding = |(name, skew_ms): &(&str, u64)| {
        let what = format!("that of {name} differs by {}", time(skew_ms / 1000));
        let remedy = "run a time service (chrony, systemd-timesyncd) on every machine";
        if *skew_ms > HARMFUL_SKEW_MS {
            Finding::error(check, what, remedy)
        } else {
            Finding::warning(check, what, remedy)
        }
    };
    let mut findings: Vec<Finding> = wrong.map(finding).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(check, "all say the same"));
    }
    findings
}

/// The file system of one of our files.
#[derive(Clone, Debug)]
pub(in super::super) struct Space {
    pub(in super::super) folder: PathBuf,
    pub(in super::super) free_bytes: u64,
}

/// Is there room for our files to grow?
pub(in super::super) fn disk(spaces: &[Space]) -> Vec<Finding> {
    let check = "disk";
    if spaces.is_empty() {
        return vec![Finding::skipped(check, "nothing is kept on this machine")];
    }
    let finding = |space: &Space| {
        let what = format!("{} free in {}", size(space.free_bytes), space.folder.display());
        let remedy = "make room; a full disk stops everything that is written";
        match space.free_bytes {
            ..TOO_LITTLE => Finding::error(check, what, remedy),
            TOO_LITTLE..LITTLE => Finding::warning(check, what, remedy),
            _ => Finding::ok(check, what),
        }
    };
    spaces.iter().map(finding).collect()
}

/// Where a secret that everybody knows does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Whereabouts {
    /// The web role makes one and keeps it.
    Files,
    /// The web role starts with any.
    Development,
    /// The web role refuses the default.
    Production,
}

/// Is the secret a secret?
pub(in super::super) fn secret(is_default: bool, whereabouts: Whereabouts) -> Finding {
    let check = "secret";
    let remedy = "set SECRET_KEY to a random text, the same for every web role";
    match (is_default, whereabouts) {
        (false, _) => Finding::ok(check, "SECRET_KEY is set"),
        (true, Whereabouts::Files) => Finding::ok(check, "one is made and kept beside the queue"),
        (true, Whereabouts::Development) => {
            Finding::ok(check, "SECRET_KEY has its default, which is good enough for development")
        }
        (true, Whereabouts::Production) => {
            let what = "SECRET_KEY has the default that everybody knows: web does not start";
            Finding::error(check, what, remedy)
        }
    }
}

/// Can clients choose the address they are counted and located by?
pub(in super::super) fn proxies(are_set: bool) -> Finding {
    let check = "proxies";
    if are_set {
        return Finding::ok(check, "only your own proxies tell the address of a client");
    }
    Finding::warning(
        check,
        "whoever sends X-Forwarded-For chooses the address that counts",
        "set TRUSTED_PROXIES to the networks of your proxies, or to 127.0.0.1 when there are none",
    )
}

/// Can the host of a service for observation be found? `None`: it is not used.
pub(in super::super) fn host(
    check: &'static str,
    variable: &str,
    found: Option<(String, Result<(), String>)>,
) -> Finding {
    match found {
        None => Finding::skipped(check, format!("{variable} is not set")),
        Some((host, Ok(()))) => Finding::ok(check, format!("{host} is a known host")),
        Some((host, Err(why))) => Finding::warning(
            check,
            format!("{host} cannot be found: {why}"),
            format!("correct {variable}, or the name service"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::doctor::Verdict::{self, Error, Ok as Fine, Skipped, Warning};

    fn verdicts(findings: &[Finding]) -> Vec<Verdict> {
        findings.iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn the_city_database_is_there_and_fresh() {
        for (built, verdict) in [
            (Ok(0), Fine),
            (Ok(OLD_DAYS), Fine),
            (Ok(OLD_DAYS + 1), Warning),
            (Err("no file".to_owned()), Warning),
        ] {
            assert_eq!(geoip("/geoip", &built).verdict, verdict, "{built:?}");
        }
    }

    #[test]
    fn clocks_agree() {
        let here = 1_000_000_000;
        for (database, redis, expected) in [
            (None, None, &[Skipped][..]),
            (Some(0), None, &[Fine]),
            (Some(-1000), Some(5000), &[Fine]),
            (Some(-5001), Some(0), &[Warning]),
            (None, Some(30_001), &[Error]),
            (Some(6000), Some(-60_000), &[Warning, Error]),
        ] {
            let of = |skew: Option<i64>| skew.map(|skew| here + skew);
            let all = Clocks { here, database: of(database), redis: of(redis) };
            assert_eq!(verdicts(&clocks(all)), expected, "{all:?}");
        }
    }

    #[test]
    fn there_is_room_on_the_disk() {
        let space = |free_bytes| Space { folder: "/data".into(), free_bytes };
        for (free_bytes, verdict) in
            [(TOO_LITTLE - 1, Error), (TOO_LITTLE, Warning), (LITTLE, Fine)]
        {
            assert_eq!(verdicts(&disk(&[space(free_bytes)])), [verdict]);
        }
        assert_eq!(verdicts(&disk(&[])), [Skipped]);
    }

    #[test]
    fn settings_keep_strangers_out() {
        use Whereabouts::{Development, Files, Production};
        for (is_default, whereabouts, verdict) in [
            (false, Production, Fine),
            (true, Files, Fine),
            (true, Development, Fine),
            (true, Production, Error),
        ] {
            assert_eq!(secret(is_default, whereabouts).verdict, verdict);
        }
        assert_eq!((proxies(true).verdict, proxies(false).verdict), (Fine, Warning));
    }

    #[test]
    fn hosts_are_known() {
        let found = |result| Some(("stats.example".to_owned(), result));
        assert_eq!(host("statsd", "STATSD_HOST", None).verdict, Skipped);
        assert_eq!(host("statsd", "STATSD_HOST", found(Ok(()))).verdict, Fine);
        let missing = host("statsd", "STATSD_HOST", found(Err("no such name".to_owned())));
        assert_eq!(missing.verdict, Warning);
        assert!(missing.remedy.unwrap().contains("STATSD_HOST"));
    }
}
