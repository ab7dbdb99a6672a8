//! The words by which a revision is named: `head`, `base`, an id or its beginning, and steps from
//! there or from where the database is.

use ichnaea_store::Revision;

/// How many of the revisions there are after the walk to this target. `current` is how many there
/// are now.
pub fn resolve(revisions: &[Revision], current: usize, text: &str) -> Result<usize, String> {
    let (start, steps) = match text.find(['+', '-']) {
        Some(index) => {
            let (start, steps) = text.split_at(index);
            let number = steps.parse::<isize>();
            (start, number.map_err(|_| format!("{steps:?} is no number of steps"))?)
        }
        None => (text, 0),
    };
    let start = match start {
        "" if steps != 0 => current,
        "base" => 0,
        "head" | "heads" => revisions.len(),
        id => named(revisions, id)?,
    };
    start.checked_add_signed(steps).filter(|&end| end <= revisions.len()).ok_or_else(|| {
        format!("Relative revision {text} didn't produce {} migrations", steps.unsigned_abs())
    })
}

fn named(revisions: &[Revision], id: &str) -> Result<usize, String> {
    let found: Vec<usize> = revisions
        .iter()
        .enumerate()
        .filter(|(_, revision)| !id.is_empty() && revision.id.starts_with(id))
        .map(|(index, _)| index + 1)
        .collect();
    match found.as_slice() {
        [only] => Ok(*only),
        [] => Err(format!("Can't locate revision identified by '{id}'")),
        _ => Err(format!("Multiple revisions begin with '{id}'")),
    }
}

#[cfg(test)]
mod tests {
    use ichnaea_store::REVISIONS;

    use super::*;

    #[test]
    fn a_target_is_a_word_an_id_or_steps() {
        for (text, current, end) in [
            ("head", 0, 11),
            ("heads", 11, 11),
            ("base", 11, 0),
            ("000000000000", 3, 1),
            ("a0ee5e10f44b", 0, 10),
            ("a0e", 0, 10),
            ("+1", 9, 10),
            ("+11", 0, 11),
            ("-1", 11, 10),
            ("-11", 11, 0),
            ("head-2", 0, 9),
            ("base+3", 11, 3),
            ("5797389a3842-1", 0, 7),
        ] {
            assert_eq!(resolve(&REVISIONS, current, text), Ok(end), "{text}");
        }
    }

    #[test]
    fn what_names_no_revision_is_refused() {
        for (text, current, why) in [
            ("nonsense", 0, "Can't locate revision identified by 'nonsense'"),
            ("", 0, "Can't locate"),
            ("3", 0, "Multiple revisions"),
            ("+1", 11, "Relative revision +1 didn't produce 1 migrations"),
            ("-2", 1, "Relative revision -2"),
            ("head+1", 0, "Relative revision head+1"),
            ("+x", 0, "is no number of steps"),
            ("head-", 0, "is no number of steps"),
        ] {
            let refused = resolve(&REVISIONS, current, text).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
