//! API keys and export targets.

use ichnaea_domain::api_key::ApiKey;
use ichnaea_domain::export::ExportConfig;
use ichnaea_store::{Options, Store};

use crate::{on_both, value};

fn full_key(name: &str) -> ApiKey {
    ApiKey {
        valid_key: name.to_owned(),
        maxreq: Some(i32::MAX),
        allow_fallback: Some(true),
        allow_locate: Some(false),
        allow_region: Some(true),
        fallback_name: Some("name".to_owned()),
        fallback_schema: Some("combain/v1".to_owned()),
        fallback_url: Some("https://localhost/?key='\\\"Ä".to_owned()),
        fallback_ratelimit: Some(10),
        fallback_ratelimit_interval: Some(60),
        fallback_cache_expire: Some(600),
        store_sample_locate: Some(0),
        store_sample_submit: Some(100),
        allow_explain: Some(true),
    }
}

on_both! {
    async fn keys_are_created_changed_and_deleted(store, _db) {
        let empty = ApiKey { valid_key: "empty".to_owned(), ..ApiKey::default() };
        assert!(store.create_api_key(&full_key("full")).await.unwrap());
        assert!(store.create_api_key(&empty).await.unwrap());
        assert_eq!(store.api_key("full").await.unwrap(), Some(full_key("full")));
        assert_eq!(store.api_key("empty").await.unwrap(), Some(empty.clone()));
        assert_eq!(store.api_keys().await.unwrap(), [empty.clone(), full_key("full")]);

        assert!(!store.create_api_key(&full_key("empty")).await.unwrap());
        assert_eq!(store.api_key("empty").await.unwrap(), Some(empty));
        assert!(store.update_api_key(&full_key("empty")).await.unwrap());
        // Nothing changes, but the key is there.
        assert!(store.update_api_key(&full_key("empty")).await.unwrap());
        assert_eq!(store.api_key("empty").await.unwrap(), Some(full_key("empty")));
        assert!(!store.update_api_key(&full_key("none")).await.unwrap());
        assert!(store.delete_api_key("empty").await.unwrap());
        assert!(!store.delete_api_key("empty").await.unwrap());
        assert_eq!(store.api_key("empty").await.unwrap(), None);
    }

    async fn keys_are_found_in_any_case_and_keep_their_own(store, _db) {
        store.create_api_key(&full_key("Test-Key")).await.unwrap();
        for spelling in ["test-key", "TEST-KEY", "Test-Key"] {
            let key = store.api_key(spelling).await.unwrap();
            assert_eq!(key.map(|key| key.valid_key).as_deref(), Some("Test-Key"), "{spelling}");
        }
        assert!(!store.create_api_key(&full_key("TEST-key")).await.unwrap());
        assert!(store.delete_api_key("tEST-kEY").await.unwrap());
    }

    async fn quotes_in_a_key_are_just_text(store, _db) {
        let odd = "' OR '1'='1";
        assert_eq!(store.api_key(odd).await.unwrap(), None);
        store.create_api_key(&full_key(odd)).await.unwrap();
        assert_eq!(store.api_key(odd).await.unwrap(), Some(full_key(odd)));
    }

    async fn export_targets_are_put_and_deleted(store, db) {
        let full = ExportConfig {
            name: "partner".to_owned(),
            batch: Some(0),
            schema: Some("geosubmit".to_owned()),
            url: Some("https://localhost/'".to_owned()),
            skip_keys: Some("a,b".to_owned()),
            skip_sources: Some("query".to_owned()),
        };
        let empty = ExportConfig { name: "empty".to_owned(), ..ExportConfig::default() };
        store.put_export_config(&full).await.unwrap();
        store.put_export_config(&empty).await.unwrap();
        assert_eq!(store.export_config("partner").await.unwrap(), Some(full.clone()));
        assert_eq!(store.export_config("none").await.unwrap(), None);
        let names: Vec<_> =
            store.export_configs().await.unwrap().into_iter().map(|export| export.name).collect();
        assert_eq!(names, ["empty", "internal", "partner"]);
        store.put_export_config(&ExportConfig { name: "partner".to_owned(), ..empty.clone() })
            .await
            .unwrap();
        let changed = store.export_config("partner").await.unwrap().unwrap();
        assert_eq!((changed.batch, changed.url), (None, None));
        assert!(store.delete_export_config("partner").await.unwrap());
        assert!(!store.delete_export_config("partner").await.unwrap());
        assert_eq!(value(&db, "SELECT COUNT(*) FROM export_config"), "2");
    }

    async fn a_database_tells_about_itself_and_the_account(store, db) {
        let facts = store.facts().await.unwrap();
        assert!(!facts.is_read_only, "{facts:?}");
        let Some(rights) = facts.rights else {
            assert!(facts.server.starts_with("SQLite 3."), "{facts:?}");
            assert!(facts.file.is_some_and(|file| file.exists()) && facts.clock.is_none());
            return;
        };
        assert!(facts.server.starts_with('M') && facts.file.is_none(), "{facts:?}");
        assert!(facts.clock.is_some());
        assert!(rights.select && rights.can_write() && rights.ddl, "{rights:?}");
        let reader = Store::open(&db.reader_uri(), &Options::default()).unwrap();
        let rights = reader.facts().await.unwrap().rights.unwrap();
        assert!(rights.select && !rights.can_change_something(), "{rights:?}");
    }
}
