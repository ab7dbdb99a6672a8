//! The accounts of the roles on a server of its own.

use ichnaea_store::{Access, Account, Options, Outcome, Store};
use ichnaea_testkit::servers::MariaDbServer;

/// `p'a\s@%/\'`, which would end its quotes, or its address, where they are not seen to.
const ENCODED: &str = "p%27a%5Cs%40%25%2F%5C%27";

fn address(server: &MariaDbServer, account: &str) -> String {
    server.uri.replace("ichnaea:ichnaea@", &format!("{account}@"))
}

fn open(uri: &str) -> Store {
    Store::open(uri, &Options::default()).unwrap()
}

fn seen(accounts: &[Account]) -> Vec<(&str, &Outcome)> {
    accounts.iter().map(|account| (account.name.as_str(), &account.outcome)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_accounts_are_made_with_the_least_rights_on_the_one_database() {
    // Whatever a server takes for a quote or an escape.
    let server = MariaDbServer::start_with(&["--sql-mode=ANSI,NO_BACKSLASH_ESCAPES"]);
    let admin = open(&server.uri);
    admin.migrate().await.unwrap();
    server.execute("CREATE DATABASE other");
    let reader = address(&server, &format!("re%27ader:{ENCODED}"));
    let writer = address(&server, &format!("writer:{ENCODED}"));
    let wanted = [(reader.as_str(), Access::Read), (writer.as_str(), Access::ReadWrite)];

    let made = admin.provide_accounts(&wanted).await.unwrap();
    let read = Outcome::Created("SELECT".to_owned());
    let write = Outcome::Created("SELECT, INSERT, UPDATE, DELETE".to_owned());
    assert_eq!(seen(&made), [("re'ader", &read), ("writer", &write)]);
    let grants = server.rows("SHOW GRANTS FOR 'writer'@'%'");
    let on_other =
        |row: &Vec<Option<String>>| row[0].as_ref().is_some_and(|g| g.contains("ON *.*"));
    let everywhere: Vec<_> = grants.iter().filter(|row| on_other(row)).collect();
    assert!(everywhere.iter().all(|row| row[0].as_ref().unwrap().contains("GRANT USAGE")));

    // They are enough for their roles, and no more.
    assert!(open(&reader).api_keys().await.unwrap().is_empty());
    assert!(open(&reader).delete_api_key("none").await.is_err());
    assert!(!open(&writer).delete_api_key("none").await.unwrap());
    assert!(open(&writer).downgrade(None, std::sync::Arc::new(|_| {})).await.is_err());
    let elsewhere = |uri: &str| uri.replace("/ichnaea", "/other");
    for uri in [&reader, &writer] {
        assert!(open(&elsewhere(uri)).ping().await.is_err(), "another database is not theirs");
    }

    // Again: they are there. A right that was taken is given back, a password is never changed.
    let again = admin.provide_accounts(&wanted).await.unwrap();
    assert_eq!(seen(&again), [("re'ader", &Outcome::Ready), ("writer", &Outcome::Ready)]);
    server.execute("REVOKE DELETE ON ichnaea.* FROM 'writer'@'%'");
    let completed = admin.provide_accounts(&wanted).await.unwrap();
    assert_eq!(completed[1].outcome, Outcome::Granted("DELETE".to_owned()));
    let other_password = address(&server, "writer:forgotten");
    let refused = admin.provide_accounts(&[(&other_password, Access::ReadWrite)]).await.unwrap();
    let Outcome::Refused { why, .. } = &refused[0].outcome else { panic!("{refused:?}") };
    assert!(why.contains("password"), "{why}");
    assert!(!open(&writer).delete_api_key("none").await.unwrap(), "the old password still counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_not_make_others_says_what_has_to_be_run() {
    let server = MariaDbServer::start();
    open(&server.uri).migrate().await.unwrap();
    for statement in ["CREATE USER owner IDENTIFIED BY 'owner'", "GRANT ALL ON ichnaea.* TO owner"]
    {
        server.execute(statement);
    }
    let owner = open(&address(&server, "owner:owner"));
    let reader = address(&server, "reader:secret");
    let accounts = owner.provide_accounts(&[(&reader, Access::Read)]).await.unwrap();
    let Outcome::Refused { remedy, .. } = &accounts[0].outcome else { panic!("{accounts:?}") };
    assert_eq!(remedy.len(), 2, "{remedy:?}");
    assert!(remedy[0].starts_with("CREATE USER 'reader'@'%'"), "{remedy:?}");
    assert!(remedy[1].starts_with("GRANT SELECT ON `ichnaea`.* TO 'reader'"), "{remedy:?}");
    assert!(!format!("{accounts:?}").contains("secret"));
    // One account for everything needs nothing.
    assert!(
        owner
            .provide_accounts(&[(&address(&server, "owner:owner"), Access::ReadWrite)])
            .await
            .unwrap()
            .is_empty()
    );
}
