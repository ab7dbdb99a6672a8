//! Where a file comes from, under which licence, and whether what comes of it may be given away
//! without conditions.

/// What is kept about the origin of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) source: Option<String>,
    pub(super) licence: Option<String>,
    /// Cells of the file may be in the public file.
    pub(super) is_public: bool,
    /// Nothing says which licence it is.
    pub(super) is_guess: bool,
}

/// A source that is known by name, and by what its files are called.
struct Known {
    name: &'static str,
    files: &'static [&'static str],
    licence: &'static str,
}

/// Sources and their licences as they state them.
const SOURCES: [Known; 2] = [
    // https://opencellid.org: share-alike.
    Known {
        name: "opencellid",
        files: &["opencellid", "ocid", "cell_towers"],
        licence: "CC-BY-SA-4.0",
    },
    // The public service that this one succeeds dedicated its cells to the public domain.
    Known {
        name: "mls",
        files: &["mls-full-cell-export", "mls-diff-cell-export"],
        licence: "CC0-1.0",
    },
];

/// Licences that ask for nothing, by their SPDX identifiers.
const UNCONDITIONAL: [&str; 4] = ["CC0-1.0", "PDDL-1.0", "Unlicense", "CC-PDDC"];

/// What was said about a file, and what its name says.
pub(super) fn origin(
    source: Option<&str>,
    licence: Option<&str>,
    is_public: Option<bool>,
    file: &str,
) -> Origin {
    let file = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
    let known = match source {
        Some(name) => SOURCES.iter().find(|known| known.name.eq_ignore_ascii_case(name)),
        None => SOURCES.iter().find(|known| known.files.iter().any(|part| file.contains(part))),
    };
    let source = source.or(known.map(|known| known.name)).map(str::to_owned);
    let licence = licence.or(known.map(|known| known.licence)).map(str::to_owned);
    let asks_nothing = licence.as_ref().is_none_or(|licence| {
        UNCONDITIONAL.iter().any(|known| known.eq_ignore_ascii_case(licence))
    });
    Origin {
        is_guess: licence.is_none() && is_public.is_none(),
        is_public: is_public.unwrap_or(asks_nothing),
        source,
        licence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_licence_follows_from_what_is_known() {
        for (source, licence, flag, file, expected) in [
            (None, None, None, "cells.csv", (None, None, true, true)),
            (None, None, Some(true), "cells.csv", (None, None, true, false)),
            (None, None, Some(false), "cells.csv", (None, None, false, false)),
            (
                None,
                None,
                None,
                "/data/MLS-full-cell-export-2024-03-13T000000.csv.gz",
                (Some("mls"), Some("CC0-1.0"), true, false),
            ),
            (
                None,
                None,
                None,
                "cell_towers.csv.gz",
                (Some("opencellid"), Some("CC-BY-SA-4.0"), false, false),
            ),
            (
                Some("OpenCelliD"),
                None,
                None,
                "262.csv.gz",
                (Some("OpenCelliD"), Some("CC-BY-SA-4.0"), false, false),
            ),
            (
                Some("opencellid"),
                None,
                Some(true),
                "-",
                (Some("opencellid"), Some("CC-BY-SA-4.0"), true, false),
            ),
            (Some("ours"), None, None, "cell_towers.csv", (Some("ours"), None, true, true)),
            (None, Some("ODbL-1.0"), None, "-", (None, Some("ODbL-1.0"), false, false)),
            (None, Some("cc0-1.0"), None, "-", (None, Some("cc0-1.0"), true, false)),
        ] {
            let seen = origin(source, licence, flag, file);
            let (source, licence, is_public, is_guess) = expected;
            let expected = Origin {
                source: source.map(str::to_owned),
                licence: licence.map(str::to_owned),
                is_public,
                is_guess,
            };
            assert_eq!(seen, expected, "{file}");
        }
    }
}
