//! What the page of downloads lists.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The files on the page of downloads, in the form in which the original keeps them in its cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downloads {
    /// Full files, newest first.
    pub full: Vec<Download>,
    /// The first half of the differential files, newest first; it has the odd one.
    pub diff1: Vec<Download>,
    /// The other half.
    pub diff2: Vec<Download>,
    /// Files of 5G cells, newest first; the original knows none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nr: Vec<Download>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// What is shown.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// Its size in kB of 1024 bytes, half to even.
    pub size: u64,
    /// Whether a file with its checksum lies beside it; those of the original have none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_checksum: bool,
}

/// What the name of a checksum ends in.
const CHECKSUM: &str = ".sha256";

impl Downloads {
    /// The files among objects of these keys and sizes in bytes; `base` ends in a slash and is what
    /// their keys are added to.
    #[must_use]
    pub fn of<'a>(objects: impl IntoIterator<Item = (&'a str, u64)>, base: &str) -> Self {
        let (mut full, mut diff, mut nr) = (Vec::new(), Vec::new(), Vec::new());
        let objects: Vec<(&str, u64)> = objects.into_iter().collect();
        let sums = objects.iter().filter_map(|(key, _)| key.strip_suffix(CHECKSUM));
        let sums: BTreeSet<&str> = sums.collect();
        for (key, bytes) in objects {
            let name = key.rsplit('/').next().unwrap_or(key);
            let list = match name {
                // Of these there is one beside each file.
                name if name.ends_with(CHECKSUM) => continue,
                name if name.contains("diff-") => &mut diff,
                name if name.contains("full-") => &mut full,
                name if name.starts_with("NR-cell-export-") => &mut nr,
                _ => continue,
            };
            let has_checksum = sums.contains(key);
            let path = format!("{base}{key}");
            let size = kilobytes(bytes);
            list.push(Download { name: name.to_owned(), path, size, has_checksum });
        }
        for list in [&mut full, &mut diff, &mut nr] {
            list.sort_by(|one, other| other.name.cmp(&one.name));
        }
        let diff2 = diff.split_off(diff.len().div_ceil(2));
        Self { full, diff1: diff, diff2, nr }
    }
}

/// Bytes as kB, half to even.
const fn kilobytes(bytes: u64) -> u64 {
    let (whole, rest) = (bytes / 1024, bytes % 1024);
    whole + (rest > 512 || rest == 512 && whole % 2 == 1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_half_to_even() {
        for (bytes, size) in
            [(0, 0), (511, 0), (512, 0), (513, 1), (1000, 1), (1024, 1), (1536, 2), (2560, 2)]
        {
            assert_eq!(kilobytes(bytes), size, "{bytes}");
        }
    }

    #[test]
    fn files_are_grouped_by_name_newest_first_and_the_left_half_has_the_odd_one() {
        let objects = [
            ("export/MLS-diff-cell-export-2026-07-01T110000.csv.gz", 2048),
            ("export/MLS-diff-cell-export-2026-07-01T130000.csv.gz", 2048),
            ("export/MLS-diff-cell-export-2026-07-01T130000.csv.gz.sha256", 111),
            ("export/old/MLS-diff-cell-export-2026-07-01T120000.csv.gz", 2048),
            ("export/MLS-full-cell-export-2026-07-01T000000.csv.gz", 5000),
            ("export/MLS-full-cell-export-2026-07-02T000000.csv.gz", 5000),
            ("export/NR-cell-export-day-2026-07-02T000000.csv.gz", 5000),
            ("export/index.json", 100),
            ("export/full-diff-of-somebody", 1),
        ];
        let Downloads { full, diff1, diff2, nr } = Downloads::of(objects, "https://cdn.example/");
        let names = |list: &[Download]| -> Vec<String> {
            list.iter().map(|file| file.name.clone()).collect()
        };
        assert_eq!(
            names(&full),
            [
                "MLS-full-cell-export-2026-07-02T000000.csv.gz",
                "MLS-full-cell-export-2026-07-01T000000.csv.gz",
            ]
        );
        assert_eq!(
            names(&diff1),
            ["full-diff-of-somebody", "MLS-diff-cell-export-2026-07-01T130000.csv.gz"]
        );
        assert_eq!(
            names(&diff2),
            [
                "MLS-diff-cell-export-2026-07-01T120000.csv.gz",
                "MLS-diff-cell-export-2026-07-01T110000.csv.gz",
            ]
        );
        assert_eq!(
            diff2[0].path,
            "https://cdn.example/export/old/MLS-diff-cell-export-2026-07-01T120000.csv.gz"
        );
        assert_eq!(full[0].size, 5);
        assert_eq!(names(&nr), ["NR-cell-export-day-2026-07-02T000000.csv.gz"]);
        let checked: Vec<bool> = diff1.iter().map(|file| file.has_checksum).collect();
        assert_eq!(checked, [false, true]);
    }

    #[test]
    fn without_objects_there_are_three_empty_lists() {
        let nothing = Downloads::of([], "/downloads/");
        let json = serde_json::to_string(&nothing).unwrap();
        assert_eq!(json, r#"{"full":[],"diff1":[],"diff2":[]}"#);
    }
}
