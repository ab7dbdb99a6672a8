//! Compares table rows, counters and queue items with the recorded ones.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;
use serde_json::Value;

use super::{is_same, json_value};
use crate::cases::{Row, Rules, Tables, Tolerances};

/// Columns of primary keys; every table has its own ones of these.
const KEY_COLUMNS: [&str; 8] = ["mac", "cellid", "areaid", "grid", "key", "time", "region", "name"];

/// The columns by which rows of a table are told apart: `region` is a key of one table only.
fn key_of(table: &str, row: &Row) -> String {
    let is_key = |column: &str| column != "region" || table == "region_stat";
    let parts = KEY_COLUMNS.iter().filter(|column| is_key(column));
    let parts = parts.filter_map(|column| Some(format!("{column} {}", row.get(*column)?)));
    parts.collect::<Vec<_>>().join(", ")
}

/// The time a run took, first and last moment; what `{{now}}` may be.
#[derive(Clone, Copy, Debug)]
pub struct TimeSpan {
    /// First moment.
    pub from: NaiveDateTime,
    /// Last moment.
    pub to: NaiveDateTime,
}

impl TimeSpan {
    fn contains_text(&self, text: &str) -> bool {
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S");
        time.is_ok_and(|time| self.from <= time && time <= self.to)
    }

    fn contains_ms(&self, ms: i64) -> bool {
        let (from, to) = (self.from.and_utc().timestamp(), self.to.and_utc().timestamp());
        (from..=to).contains(&(ms / 1000))
    }
}

/// All rows of all tables.
///
/// Tables that are not named must be empty; the order of rows does not matter; columns that the
/// recorded row does not name are additions of ours and must be null or zero.
#[must_use]
pub fn tables(
    expected: &Tables,
    got: &Tables,
    tolerances: &Tolerances,
    span: &TimeSpan,
) -> Vec<String> {
    let mut differences = Vec::new();
    let names: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    for table in names {
        let by_key = |tables: &Tables| -> BTreeMap<String, Row> {
            let rows = tables.get(table).cloned().unwrap_or_default();
            rows.into_iter().map(|row| (key_of(table, &row), row)).collect()
        };
        let (expected, got) = (by_key(expected), by_key(got));
        let keys: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
        for key in keys {
            match (expected.get(key), got.get(key)) {
                (Some(expected), Some(got)) => {
                    let columns = columns(expected, got, tolerances, span).into_iter();
                    differences.extend(columns.map(|text| format!("{table} {key} {text}")));
                }
                (Some(_), None) => differences.push(format!("{table} {key}: no such row")),
                (None, _) => differences.push(format!("{table} {key}: one row too many")),
            }
        }
    }
    differences
}

fn columns(expected: &Row, got: &Row, tolerances: &Tolerances, span: &TimeSpan) -> Vec<String> {
    let names: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    let mut differences = Vec::new();
    for name in names {
        let got = got.get(name).unwrap_or(&Value::Null);
        let expected = expected.get(name);
        if expected.is_none() && got.as_i64() == Some(0) {
            continue;
        }
        let expected = expected.unwrap_or(&Value::Null);
        if !value_agrees(name, expected, got, tolerances, span) {
            differences.push(format!("{name}: {got} for {expected}"));
        }
    }
    differences
}

fn value_agrees(
    column: &str,
    expected: &Value,
    got: &Value,
    tolerances: &Tolerances,
    span: &TimeSpan,
) -> bool {
    if expected == "{{now}}" {
        return got.as_str().is_some_and(|text| span.contains_text(text));
    }
    let (Some(number), Some(found)) = (expected.as_f64(), got.as_f64()) else {
        return expected == got;
    };
    let apart = (number - found).abs();
    match column {
        "lat" | "lon" | "min_lat" | "max_lat" | "min_lon" | "max_lon" => {
            apart <= tolerances.lat_lon_abs
        }
        "weight" => apart <= tolerances.weight_rel * number.abs(),
        "radius" | "avg_cell_radius" => apart <= tolerances.radius_abs,
        _ => is_same(expected, got),
    }
}

/// Counters of a day that have not been carried over.
#[must_use]
pub fn counters(expected: &BTreeMap<String, i64>, got: &BTreeMap<String, i64>) -> Vec<String> {
    let value = |counters: &BTreeMap<String, i64>, name| counters.get(name).copied().unwrap_or(0);
    let names: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    let pairs = names.into_iter().map(|name| (name, value(expected, name), value(got, name)));
    let different = pairs.filter(|(_, expected, got)| expected != got);
    different.map(|(name, expected, got)| format!("counter {name}: {got} for {expected}")).collect()
}

/// Reports in the incoming queue, in their order; `{{now_ms}}` is any moment of the run.
#[must_use]
pub fn queued(expected: &[Value], got: &[Value], span: &TimeSpan) -> Vec<String> {
    if expected.len() != got.len() {
        return vec![format!("queued: {} reports for {}", got.len(), expected.len())];
    }
    let mut differences = Vec::new();
    for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
        let mut expected = expected.clone();
        if let Some(time) = expected.pointer_mut("/report/timestamp")
            && time == "{{now_ms}}"
        {
            let found = got.pointer("/report/timestamp").and_then(Value::as_i64);
            if let Some(ms) = found.filter(|ms| span.contains_ms(*ms)) {
                *time = ms.into();
            }
        }
        let report = json_value(&expected, got, &Rules::new()).into_iter();
        differences.extend(report.map(|text| format!("queued {index} {text}")));
    }
    differences
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TOLERANCES: Tolerances =
        Tolerances { lat_lon_abs: 1e-7, weight_rel: 1e-6, radius_abs: 1.0 };

    fn span() -> TimeSpan {
        let time = |text: &str| text.parse().unwrap();
        TimeSpan { from: time("2026-03-01T12:00:00"), to: time("2026-03-01T12:00:10") }
    }

    fn differences(expected: Value, got: Value) -> usize {
        let expected = serde_json::from_value(expected).unwrap();
        tables(&expected, &serde_json::from_value(got).unwrap(), &TOLERANCES, &span()).len()
    }

    #[test]
    fn rows_are_matched_by_key_in_any_order() {
        let row = |mac: &str, region: &str| json!({"mac": mac, "region": region});
        let expected = json!({"wifi_shard_0": [row("a", "GB"), row("b", "GB")]});
        let turned = json!({"wifi_shard_0": [row("b", "GB"), row("a", "GB")], "stat": []});
        assert_eq!(differences(expected.clone(), turned), 0);
        let other = json!({"wifi_shard_0": [row("b", "DE"), row("c", "GB")]});
        assert_eq!(differences(expected.clone(), other), 3, "b differs, a is missing, c is new");
        assert_eq!(differences(expected.clone(), json!({})), 2);
        assert_eq!(differences(json!({}), expected), 2);
        let stat = |value: i64| json!({"stat": [{"key": 1, "time": "2026-03-01", "value": value}]});
        assert_eq!(differences(stat(1), stat(2)), 1);
        let regions = json!({"region_stat": [{"region": "GB"}, {"region": "DE"}]});
        assert_eq!(differences(regions.clone(), regions), 0);
    }

    #[test]
    fn columns_have_their_tolerances() {
        for (column, expected, got, count) in [
            ("lat", json!(51.5), json!(51.500_000_09), 0),
            ("lat", json!(51.5), json!(51.500_000_2), 1),
            ("max_lon", json!(1.0), json!(1.000_000_09), 0),
            ("weight", json!(1_000.0), json!(1_000.000_9), 0),
            ("weight", json!(1_000.0), json!(1_000.002), 1),
            ("radius", json!(100), json!(101), 0),
            ("radius", json!(100), json!(102), 1),
            ("radius", json!(null), json!(0), 1),
            ("samples", json!(1), json!(2), 1),
            ("created", json!("{{now}}"), json!("2026-03-01 12:00:05"), 0),
            ("created", json!("{{now}}"), json!("2026-03-01 12:00:11"), 1),
            ("created", json!("{{now}}"), json!(null), 1),
            ("psc", json!(null), json!(null), 0),
            ("psc", json!(null), json!(3), 1),
        ] {
            let table = |value: &Value| json!({"cell_lte": [{"cellid": "00", column: value}]});
            let found = differences(table(&expected), table(&got));
            assert_eq!(found, count, "{column}: {got} for {expected}");
        }
        let recorded = json!({"stat": [{"key": 1}]});
        for (ours, count) in [(json!(null), 0), (json!(0), 0), (json!(1), 1), (json!(""), 1)] {
            let got = json!({"stat": [{"key": 1, "more": ours}]});
            assert_eq!(differences(recorded.clone(), got), count, "{ours}");
        }
    }

    #[test]
    fn counters_that_are_not_there_are_zero() {
        let counters_of = |pairs: &[(&str, i64)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
        };
        let expected = counters_of(&[("wifi", 2), ("cell", 0)]);
        assert_eq!(counters(&expected, &counters_of(&[("wifi", 2)])).len(), 0);
        assert_eq!(counters(&expected, &counters_of(&[("wifi", 1), ("blue", 1)])).len(), 2);
    }

    #[test]
    fn queued_reports_arrive_within_the_run() {
        let ms = span().from.and_utc().timestamp_millis();
        let report = |time: Value| json!({"api_key": null, "report": {"timestamp": time}});
        let expected = [report(json!("{{now_ms}}")), report(json!(5))];
        let good = [report(json!(ms + 10_999)), report(json!(5))];
        assert_eq!(queued(&expected, &good, &span()).len(), 0);
        let bad = [report(json!(ms + 11_000)), report(json!(6))];
        assert_eq!(queued(&expected, &bad, &span()).len(), 2);
        assert_eq!(queued(&expected, &good[..1], &span()).len(), 1);
    }
}
