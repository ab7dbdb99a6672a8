//! The revisions of the original's schema, by which its tools and the heartbeat know them.

/// The last revision of the original.
pub(super) const HEAD: &str = "3be4004781bc";

/// A revision of the original's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// What the table `alembic_version` holds.
    pub id: &'static str,
    /// The revision before; `None` for the first.
    pub parent: Option<&'static str>,
    /// What it is about, in one line.
    pub title: &'static str,
}

/// All revisions a server database may be at, oldest first.
pub const REVISIONS: [Revision; 11] = [
    Revision { id: "000000000000", parent: None, title: "Base schema." },
    Revision { id: "1bdf1028a085", parent: Some("000000000000"), title: "extend export config" },
    Revision {
        id: "385f842b2526",
        parent: Some("1bdf1028a085"),
        title: "Add allow_transfer column to api_key table.",
    },
    Revision {
        id: "cad2875fd8cb",
        parent: Some("385f842b2526"),
        title: "Extend api keys with sample_store columns.",
    },
    Revision {
        id: "d2d9ecb12edc",
        parent: Some("cad2875fd8cb"),
        title: "Add datamap modified index",
    },
    Revision {
        id: "73c5f5ae5b23",
        parent: Some("d2d9ecb12edc"),
        title: "Remove api key shortname column.",
    },
    Revision {
        id: "30a4df7eafd5",
        parent: Some("73c5f5ae5b23"),
        title: "Add allow_region column to api_key table.",
    },
    Revision { id: "5797389a3842", parent: Some("30a4df7eafd5"), title: "Add fallback schema" },
    Revision { id: "138cb0d71dfb", parent: Some("5797389a3842"), title: "Drop OCID tables" },
    Revision {
        id: "a0ee5e10f44b",
        parent: Some("138cb0d71dfb"),
        title: "Remove allow_transfer column",
    },
    Revision {
        id: HEAD,
        parent: Some("a0ee5e10f44b"),
        title: "No-op migration for testing deploys",
    },
];

/// An SQLite database has no history: the original never made one.
pub(super) const SQLITE_REVISIONS: [Revision; 1] =
    [Revision { id: HEAD, parent: None, title: "Base schema." }];

/// How many of these revisions a database has, told from what its version table holds.
pub(super) fn position(revisions: &[Revision], versions: &[String]) -> Result<usize, String> {
    match versions {
        [] => Ok(0),
        [version] => revisions
            .iter()
            .position(|revision| revision.id == version)
            .map(|index| index + 1)
            .ok_or_else(|| {
                format!("the database is at revision {version:?}, which this release does not know")
            }),
        several => Err(format!(
            "the table alembic_version holds {} revisions ({}); exactly one is expected",
            several.len(),
            several.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_revision_follows_the_one_before() {
        let mut before = None;
        for revision in REVISIONS {
            assert_eq!(revision.parent, before, "{revision:?}");
            before = Some(revision.id);
        }
        assert_eq!(before, Some(HEAD));
    }

    #[test]
    fn a_database_is_at_the_revision_that_its_version_table_names() {
        let at = |ids: &[&str]| {
            position(&REVISIONS, &ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(at(&[]), Ok(0));
        assert_eq!(at(&["000000000000"]), Ok(1));
        assert_eq!(at(&[HEAD]), Ok(11));
        assert!(at(&["ffffffffffff"]).is_err_and(|why| why.contains("ffffffffffff")));
        assert!(at(&[HEAD, "a0ee5e10f44b"]).is_err_and(|why| why.contains("2 revisions")));
    }
}
