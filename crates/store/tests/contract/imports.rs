//! What is kept about imported files.

use ichnaea_store::{Begun, ImportEnd, NewImport};

use crate::{on_both, time};

fn file(digest: char) -> NewImport {
    NewImport {
        digest: digest.to_string().repeat(64),
        size: 1 << 40,
        name: "cells.csv.gz".to_owned(),
        format: "cells".to_owned(),
        source: Some("opencellid".to_owned()),
        licence: Some("CC-BY-SA-4.0".to_owned()),
        is_public: false,
        started: time("2026-11-25 12:00:00"),
    }
}

fn end() -> ImportEnd {
    ImportEnd {
        finished: time("2026-11-25 12:01:00"),
        records: 5_000_000_000,
        rejected: 7,
        outcome: r#"{"added":1}"#.to_owned(),
    }
}

on_both! {
    async fn an_import_is_kept_with_where_it_came_from_and_what_became_of_it(store, _db) {
        let begun = store.begin_import(&file('a')).await.unwrap();
        assert_eq!(begun, Begun { id: 1, is_resumed: false });
        let listed = store.imported_files().await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].id, &listed[0].file, listed[0].finished), (1, &file('a'), None));
        assert!(!store.has_import_of_size(1 << 40).await.unwrap());

        store.finish_import(1, &end()).await.unwrap();
        store.finish_import(1, &end()).await.unwrap();
        let found = store.imports_of(&file('a').digest).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].finished, Some(end().finished));
        assert_eq!((found[0].records, found[0].rejected), (Some(5_000_000_000), Some(7)));
        assert_eq!(found[0].outcome, Some(end().outcome));
        assert!(store.has_import_of_size(1 << 40).await.unwrap());
        assert!(!store.has_import_of_size(1 << 41).await.unwrap());
        assert_eq!(store.imports_of(&file('b').digest).await.unwrap(), []);
    }

    async fn an_import_that_was_interrupted_goes_on_under_its_number(store, _db) {
        let first = store.begin_import(&file('a')).await.unwrap();
        let other = store.begin_import(&file('b')).await.unwrap();
        assert_eq!((first.id, other.id), (1, 2));
        let again = store.begin_import(&file('a')).await.unwrap();
        assert_eq!(again, Begun { id: 1, is_resumed: true });
        // Under other conditions it is another import.
        let public = store.begin_import(&NewImport { is_public: true, ..file('a') }).await.unwrap();
        assert_eq!(public, Begun { id: 3, is_resumed: false });
        store.finish_import(1, &end()).await.unwrap();
        let anew = store.begin_import(&file('a')).await.unwrap();
        assert_eq!(anew, Begun { id: 4, is_resumed: false });
        let ids: Vec<u32> =
            store.imported_files().await.unwrap().iter().map(|one| one.id).collect();
        assert_eq!(ids, [4, 3, 2, 1]);
    }

    async fn imports_that_begin_at_once_have_numbers_of_their_own(store, _db) {
        let tasks: Vec<_> = "abcdefgh".chars().map(|digest| {
            let store = store.clone();
            tokio::spawn(async move { store.begin_import(&file(digest)).await })
        }).collect();
        let mut ids = Vec::new();
        for task in tasks {
            // On a server two of them may be in each other's way more often than is tried.
            match task.await.unwrap() {
                Ok(begun) => ids.push(begun.id),
                Err(failure) => assert!(matches!(failure, ichnaea_store::Error::Busy(_)), "{failure}"),
            }
        }
        ids.sort_unstable();
        let numbers: Vec<u32> = (1..).take(ids.len()).collect();
        assert!(!ids.is_empty());
        assert_eq!(ids, numbers);
    }

    async fn a_long_name_is_cut(store, _db) {
        let long = NewImport { name: "é😀".repeat(1000), ..file('a') };
        store.begin_import(&long).await.unwrap();
        assert_eq!(store.imported_files().await.unwrap()[0].file.name.chars().count(), 255);
    }
}
