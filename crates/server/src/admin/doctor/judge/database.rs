//! What the database has to be like.

use ichnaea_domain::api_key::{ApiKey, is_well_formed};
use ichnaea_domain::export::{ExportConfig, Schema};
use ichnaea_store::Facts;

use crate::admin::apikey::is_publicly_known;
use crate::admin::doctor::Finding;
use crate::admin::export_config::{warning, warning_about_all};

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Account {
    /// The web role: SELECT is enough.
    ReadOnly,
    /// Workers and commands.
    ReadWrite,
    /// Migrations.
    Ddl,
}

impl Account {
    const fn check(self) -> &'static str {
        match self {
            Self::ReadOnly => "database, read-only",
            Self::ReadWrite => "database, read-write",
            Self::Ddl => "database, migrations",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::ReadOnly => "DB_READONLY_URI",
            Self::ReadWrite => "DB_READWRITE_URI",
            Self::Ddl => "SQLALCHEMY_URL",
        }
    }
}

/// Is the database there, and may the account do what it is for, and no more? `is_shared`: the same
/// account serves another purpose as well, which is allowed.
pub(in super::super) fn account(
    account: Account,
    is_shared: bool,
    facts: &Result<Facts, String>,
) -> Finding {
    let check = account.check();
    let facts = match facts {
        Ok(facts) => facts,
        Err(why) => {
            let remedy = format!(
                "start the database, or correct {} (`ichnaea config` shows what counts)",
                account.variable()
            );
            return Finding::error(check, why.clone(), remedy);
        }
    };
    let server = &facts.server;
    let Some(rights) = facts.rights else { return Finding::ok(check, server.clone()) };
    let lacks = match account {
        Account::ReadOnly if !rights.select => Some("SELECT"),
        Account::ReadWrite if !rights.select || !rights.can_write() => {
            Some("SELECT, INSERT, UPDATE, DELETE")
        }
        Account::Ddl if !rights.ddl => Some("ALL PRIVILEGES"),
        _ => None,
    };
    if let Some(needed) = lacks {
        let remedy =
            format!("GRANT {needed} ON the database TO the account in {}", account.variable());
        if rights.is_incomplete {
            let what = format!("{server}; {needed} may come through a role: not known");
            return Finding::warning(check, what, remedy);
        }
        return Finding::error(check, format!("{server}; the account lacks {needed}"), remedy);
    }
    if facts.is_read_only && account != Account::ReadOnly {
        return Finding::error(
            check,
            format!("{server}; the server takes no changes (read_only is on)"),
            "name the primary server, or switch read_only off",
        );
    }
    if account == Account::ReadOnly && !is_shared && rights.can_change_something() {
        return Finding::warning(
            check,
            format!("{server}; the account of the web role may change data"),
            "leave it SELECT alone; the web role needs nothing else",
        );
    }
    Finding::ok(check, format!("{server}; the account may do what it is for"))
}

/// Are the tables those of this release?
pub(in super::super) fn schema(
    versions: &[String],
    pending: &[String],
    half_restored: Option<&str>,
) -> Vec<Finding> {
    let check = "schema";
    if !pending.is_empty() {
        let what = format!("missing migrations: {}", pending.join(", "));
        let remedy = "run `ichnaea alembic upgrade head` (or `ichnaea db migrate`)";
        return vec![Finding::error(check, what, remedy)];
    }
    if let Some(said) = half_restored {
        let what = format!("a restore did not end: {said}; rows are missing");
        let remedy = "stop all roles and run `ichnaea restore --replace FILE`";
        return vec![Finding::error(check, what, remedy)];
    }
    vec![Finding::ok(check, format!("up to date, revision {}", versions.join(", ")))]
}

/// Is there a key that is of use, and none that strangers guess?
pub(in super::super) fn keys(keys: &[ApiKey]) -> Vec<Finding> {
    let check = "keys";
    let mut findings = Vec::new();
    let useful = keys.iter().filter(|key| key.may_locate() && is_well_formed(&key.valid_key));
    match useful.count() {
        0 => findings.push(Finding::error(
            check,
            format!("none of the {} API keys may locate: every query is refused", keys.len()),
            "run `ichnaea apikey create`",
        )),
        useful => findings.push(Finding::ok(check, format!("{useful} API keys may locate"))),
    }
    for key in keys.iter().filter(|key| is_publicly_known(&key.valid_key)) {
        if key.may_locate() || key.may_region() {
            findings.push(Finding::warning(
                check,
                format!("everybody knows the key '{}'", key.valid_key),
                format!("run `ichnaea apikey delete {}` and create a random one", key.valid_key),
            ));
        }
    }
    let unusable = keys.iter().filter(|key| !is_well_formed(&key.valid_key)).count();
    if unusable > 0 {
        findings.push(Finding::warning(
            check,
            format!("{unusable} keys are never accepted: 4 to 40 letters, digits and hyphens are"),
            "delete them and create others",
        ));
    }
    findings
}

/// Is what comes in learned, soon enough, and does everybody else get it who should?
pub(in super::super) fn exports(targets: &[ExportConfig]) -> Vec<Finding> {
    let check = "exports";
    let mut findings = Vec::new();
    if let Some(what) = warning_about_all(targets) {
        let (what, remedy) = what.split_once("; ").unwrap_or((&what, "leave one of them"));
        findings.push(Finding::error(check, what, remedy));
    }
    for target in targets {
        if let Some(what) = warning(target) {
            let remedy = format!(
                "`ichnaea export-config set {0} …` corrects it, `ichnaea export-config delete {0}` \
                 removes it",
                target.name
            );
            findings.push(Finding::warning(check, what, remedy));
        } else if target.target() == Some(Schema::Internal) && target.batch.unwrap_or(0) > 10_000 {
            findings.push(Finding::warning(
                check,
                format!(
                    "target '{}': reports are learned when {} have come together, or after an hour",
                    target.name,
                    target.batch.unwrap_or(0)
                ),
                format!("`ichnaea export-config set {} batch=100` learns sooner", target.name),
            ));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(check, format!("{} targets get what comes in", targets.len())));
    }
    findings
}

#[cfg(test)]
mod tests {
    use ichnaea_store::Rights;

    use super::*;
    use crate::admin::doctor::Verdict::{self, Error, Ok as Fine, Warning};

    fn facts(rights: Rights) -> Facts {
        Facts {
            server: "MariaDB 10.11.6".into(),
            clock: None,
            rights: Some(rights),
            is_read_only: false,
            file: None,
        }
    }

    #[test]
    fn every_account_needs_what_it_is_for() {
        let read = Rights { select: true, ..Rights::default() };
        let write = Rights { insert: true, update: true, delete: true, ..read };
        let all = Rights { ddl: true, ..write };
        let role = Rights { is_incomplete: true, ..Rights::default() };
        for (purpose, is_shared, rights, verdict) in [
            (Account::ReadOnly, false, read, Fine),
            (Account::ReadOnly, false, write, Warning),
            (Account::ReadOnly, true, all, Fine),
            (Account::ReadOnly, false, Rights::default(), Error),
            (Account::ReadOnly, false, role, Warning),
            (Account::ReadWrite, false, write, Fine),
            (Account::ReadWrite, false, read, Error),
            (Account::ReadWrite, false, Rights { delete: false, ..write }, Error),
            (Account::Ddl, false, all, Fine),
            (Account::Ddl, false, write, Error),
        ] {
            let finding = account(purpose, is_shared, &Ok(facts(rights)));
            assert_eq!(finding.verdict, verdict, "{purpose:?} {rights:?}: {finding:?}");
        }
    }

    #[test]
    fn a_server_that_takes_no_changes_is_good_for_reading_only() {
        let all = Rights {
            select: true,
            insert: true,
            update: true,
            delete: true,
            ddl: true,
            is_incomplete: false,
        };
        let replica = Facts { is_read_only: true, ..facts(all) };
        for (purpose, verdict) in
            [(Account::ReadOnly, Fine), (Account::ReadWrite, Error), (Account::Ddl, Error)]
        {
            assert_eq!(account(purpose, true, &Ok(replica.clone())).verdict, verdict);
        }
        let away = account(Account::ReadWrite, false, &Err("connection refused".to_owned()));
        assert_eq!((away.verdict, away.what.as_str()), (Error, "connection refused"));
        assert!(away.remedy.unwrap().contains("DB_READWRITE_URI"));
        let file = Facts { rights: None, ..facts(all) };
        assert_eq!(account(Account::ReadWrite, true, &Ok(file)).verdict, Fine);
    }

    #[test]
    fn missing_migrations_are_named() {
        assert_eq!(schema(&["3be4004781bc".into()], &[], None)[0].verdict, Fine);
        let finding = &schema(&[], &["V2__additions".into()], None)[0];
        assert_eq!(finding.verdict, Error);
        assert!(finding.what.contains("V2__additions"));
    }

    #[test]
    fn a_restore_that_did_not_end_is_an_error() {
        let finding = &schema(&["3be4004781bc".into()], &[], Some("begun at noon"))[0];
        assert_eq!(finding.verdict, Error);
        assert!(finding.what.contains("begun at noon"));
    }

    fn verdicts(findings: &[Finding]) -> Vec<Verdict> {
        findings.iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn one_key_has_to_be_of_use_and_none_well_known() {
        let key = |name: &str, may_locate| ApiKey {
            valid_key: name.into(),
            allow_locate: Some(may_locate),
            ..ApiKey::default()
        };
        for (found, expected) in [
            (&[][..], &[Error][..]),
            (&[key("our-app", true)], &[Fine]),
            (&[key("our-app", false)], &[Error]),
            (&[key("test", true)], &[Fine, Warning]),
            (&[key("test", false), key("our-app", true)], &[Fine]),
            (&[key("ab", true)], &[Error, Warning]),
        ] {
            assert_eq!(verdicts(&keys(found)), expected, "{found:?}");
        }
    }

    #[test]
    fn something_has_to_be_learned_from() {
        let target = |name: &str, schema: &str, batch| ExportConfig {
            name: name.into(),
            schema: Some(schema.into()),
            batch: Some(batch),
            ..ExportConfig::default()
        };
        for (targets, expected) in [
            (&[][..], &[Error][..]),
            (&[target("internal", "internal", 100)], &[Fine]),
            (&[target("internal", "internal", 0)], &[Fine]),
            (&[target("internal", "internal", 100_000)], &[Warning]),
            (&[target("a", "internal", 1), target("b", "internal", 1)], &[Error]),
            (&[target("internal", "internal", 1), target("x", "other", 1)], &[Warning]),
        ] {
            assert_eq!(verdicts(&exports(targets)), expected, "{targets:?}");
        }
        let none = &exports(&[])[0];
        assert!(none.remedy.as_deref().is_some_and(|remedy| remedy.contains("export-config set")));
    }
}
