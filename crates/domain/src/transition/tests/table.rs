//! Every cell of the table of transitions.

use super::*;

/// The decision without its row.
fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::New(_) => "new",
        Decision::NewBlocked(_) => "new blocked",
        Decision::Confirm(_) => "confirm",
        Decision::Change(_) => "change",
        Decision::Replace(_) => "replace",
        Decision::Block(_) => "block",
        Decision::Nothing => "nothing",
        Decision::Dropped => "dropped",
    }
}

#[test]
fn each_state_meets_each_batch_as_the_table_says() {
    let far = |station: Station| Station { lat: Some(P.0 + 2.0), ..station };
    let of_source = |source| Station { source, ..row() };
    let old = |station: Station| Station {
        modified: date(2025, 11, 21).and_hms_opt(23, 59, 59),
        ..station
    };
    let blocked = Station { block_last: Some(now().date()), block_count: Some(1), ..placeless() };
    let query_based = of_source(Some(Source::Query));
    // Station, then: gnss consistent, query consistent, gnss inconsistent, query inconsistent.
    let table: [(&str, Option<Station>, [&str; 4]); 11] = [
        ("unknown", None, ["new", "new", "new blocked", "new blocked"]),
        ("blocked", Some(blocked), ["dropped"; 4]),
        ("placeless", Some(placeless()), ["change", "change", "nothing", "nothing"]),
        ("agrees gnss", Some(row()), ["change", "confirm", "block", "block"]),
        ("agrees none", Some(of_source(None)), ["change", "confirm", "block", "block"]),
        (
            "agrees fused",
            Some(of_source(Some(Source::Fused))),
            ["change", "confirm", "block", "block"],
        ),
        ("agrees query", Some(query_based.clone()), ["replace", "change", "block", "block"]),
        ("disagrees", Some(far(row())), ["block"; 4]),
        ("disagrees query", Some(far(query_based)), ["block"; 4]),
        (
            "disagrees undated",
            Some(far(Station { modified: None, ..row() })),
            ["block", "block", "block", "block"],
        ),
        ("disagrees old", Some(far(old(row()))), ["replace", "replace", "block", "block"]),
    ];
    // For each kind: an offset that is consistent with P, and one that is not.
    for (key, near, apart) in [(blue(), 0.0005, 0.002), (wifi(), 0.02, 0.1), (gsm(), 0.5, 1.5)] {
        for (name, station, words) in &table {
            let gnss = |offset| vec![seen(key, 0.0, 0.0), seen(key, offset, 0.0)];
            let query = |offset| gnss(offset).into_iter().map(queried).collect();
            let batches = [gnss(near), query(near), gnss(apart), query(apart)];
            for (batch, expected) in batches.iter().zip(words) {
                let decision = decision(key, station.as_ref(), batch);
                assert_eq!(word(&decision), *expected, "{name} {:?}", key.kind());
            }
        }
    }
}

#[test]
fn counters_and_areas_follow_from_the_decision() {
    let far = [seen(gsm(), 0.0, 0.0), seen(gsm(), 1.5, 0.0)];
    let near = [seen(gsm(), 0.0, 0.0), seen(gsm(), 0.1, 0.0)];
    let query = near.map(queried);
    let blocked = Station { block_last: Some(now().date()), ..placeless() };
    let query_based = Station { source: Some(Source::Query), ..row() };
    let counts = |new, confirm, block| Counts { obs: 2, new, confirm, block };
    for (station, batch, expected, moves_area) in [
        (None, near, counts(1, 0, 0), true),
        (None, far, counts(1, 0, 1), true),
        (Some(row()), query, counts(0, 1, 0), false),
        (Some(row()), near, counts(0, 1, 0), true),
        (Some(query_based), near, counts(0, 1, 0), true),
        (Some(row()), far, counts(0, 0, 1), true),
        (Some(placeless()), far, counts(0, 0, 0), false),
        (Some(blocked), near, counts(0, 0, 0), false),
    ] {
        let decided = run(gsm(), station.as_ref(), &batch);
        assert_eq!(decided.counts, expected, "{station:?}");
        assert_eq!(!decided.areas.is_empty(), moves_area, "{station:?}");
        let rows = usize::from(expected != counts(0, 0, 0));
        let (insert, update) = if station.is_none() { (rows, 0) } else { (0, rows) };
        assert_eq!((decided.insert.len(), decided.update.len()), (insert, update));
    }
}

#[test]
fn stations_keep_the_order_of_their_first_appearance() {
    let mac = |digit| StationKey::Wifi(Mac::from_bytes([0xa8, 0x20, 0x66, 0, 0, digit]));
    let useless = |key| measured(seen(key, 0.0, 0.0), Some(200.1), None, None, None);
    let observations = [
        useless(mac(9)),
        seen(mac(3), 0.0, 0.0),
        seen(mac(1), 0.0, 0.0),
        seen(mac(3), 0.0, 0.0),
        seen(mac(2), 0.0, 0.0),
        useless(mac(2)),
    ];
    assert_eq!(keys(&observations), [mac(3), mac(1), mac(2)]);
    let found = HashMap::from([(mac(1), row())]);
    let decided = decide_all(&found, &observations, Regions::shared(), now());
    let written = |rows: &[(StationKey, Station)]| -> Vec<_> {
        rows.iter().map(|(key, station)| (*key, station.samples)).collect()
    };
    assert_eq!(written(&decided.insert), [(mac(3), Some(2)), (mac(2), Some(1))]);
    assert_eq!(written(&decided.update), [(mac(1), Some(3))]);
    assert_eq!(decided.counts, Counts { obs: 4, new: 2, confirm: 1, block: 0 });
    assert_eq!(decided.areas, []);
}

#[test]
fn an_area_is_named_once() {
    let StationKey::Cell(first) = gsm() else { panic!("not a cell") };
    let second = StationKey::Cell(CellKey { cid: 100, ..first });
    let decided = run(gsm(), None, &[seen(gsm(), 0.0, 0.0), seen(second, 0.0, 0.0)]);
    assert_eq!((decided.insert.len(), decided.areas), (2, vec![first.area]));
}

#[test]
fn the_last_scrambling_code_is_kept() {
    let with_psc = |psc, source| {
        let seen = from(source, seen(gsm(), 0.0, 0.0));
        Observation { reading: Reading { psc, ..seen.reading }, ..seen }
    };
    let gnss = Some(Source::Gnss);
    let batch = [
        with_psc(Some(1), gnss),
        with_psc(Some(2), gnss),
        with_psc(None, gnss),
        with_psc(Some(3), Some(Source::Query)),
    ];
    let psc = |station: Option<&Station>, batch: &[Observation]| {
        let decided = run(gsm(), station, batch);
        decided.insert.iter().chain(&decided.update).map(|(_, row)| row.psc).collect::<Vec<_>>()
    };
    let known = Station { psc: Some(7), ..row() };
    let far = [with_psc(None, gnss), seen(gsm(), 2.0, 0.0)];
    assert_eq!(psc(None, &batch), [Some(2)]);
    assert_eq!(psc(None, &far), [None]);
    assert_eq!(psc(Some(&known), &batch), [Some(2)]);
    assert_eq!(psc(Some(&known), &batch[2..3]), [Some(7)]);
    assert_eq!(psc(Some(&known), &far), [Some(7)]);
}

#[test]
fn the_count_of_blocks_stays_within_a_byte() {
    let far = [seen(wifi(), 0.1, 0.0)];
    for (before, after) in
        [(None, 1), (Some(0), 1), (Some(9), 10), (Some(254), 255), (Some(255), 255)]
    {
        let station = Station {
            created: date(2000, 1, 1).and_hms_opt(0, 0, 0),
            block_count: before,
            block_first: before.map(|_| date(2001, 1, 1)),
            ..row()
        };
        let decided = run(wifi(), Some(&station), &far);
        let blocked = &decided.update[0].1;
        assert_eq!(blocked.block_count, Some(after));
        assert_eq!(blocked.block_last, Some(now().date()));
        let first = if before.is_some() { date(2001, 1, 1) } else { now().date() };
        assert_eq!(blocked.block_first, Some(first));
    }
}
