//! `ichnaea stats`.

use ichnaea_testkit::Backend;
use serde_json::{Value, json};

use crate::command::Backends;

pub fn totals_growth_and_regions_are_shown(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    let nothing = ichnaea.run(&["stats"]);
    assert_eq!(nothing.status, 0, "{:?}", nothing.complaints);
    assert_eq!(nothing.lines[1], "Wi-Fi access points     0      -      -       -");
    assert_eq!(nothing.lines.len(), 7);

    let today = match backend {
        Backend::Embedded => "date('now')",
        Backend::Server => "UTC_DATE()",
    };
    let ago = |days: u32| match backend {
        Backend::Embedded => format!("date('now', '-{days} days')"),
        Backend::Server => format!("DATE_SUB(UTC_DATE(), INTERVAL {days} DAY)"),
    };
    backends.database.execute(&[
        &format!(
            "INSERT INTO stat (`key`, `time`, `value`) VALUES (4, {today}, 1500), (4, {}, 1000), \
             (4, {}, 100), (9, {}, 7)",
            ago(2),
            ago(20),
            ago(500)
        ),
        "INSERT INTO region_stat (region, gsm, nr, wifi) VALUES ('DE', 1, 2, 3), ('FR', 7, 0, 0)",
    ]);
    // Should midnight pass in between, today has no row yet.
    let totals = ichnaea.run(&["stats", "--json"]).lines.concat();
    let totals: Value = serde_json::from_str(&totals).unwrap();
    let of = |name: &str| {
        let lines = totals.as_array().unwrap();
        lines.iter().find(|line| line["name"] == name).unwrap().clone()
    };
    assert_eq!(of("unique_wifi")["total"], 1500);
    assert_eq!(of("unique_wifi")["days_7"], 1400);
    assert_eq!(of("unique_wifi")["days_30"], Value::Null);
    assert_eq!(of("unique_blue")["total"], 7);

    let regions = ichnaea.run(&["stats", "--regions", "--json"]).lines.concat();
    let regions: Value = serde_json::from_str(&regions).unwrap();
    assert_eq!(regions[0]["code"], "FR");
    assert_eq!(
        regions[1],
        json!({"code": "DE", "name": "Germany", "gsm": 1, "wcdma": 0, "lte": 0, "nr": 2, "cell": 3,
            "blue": 0, "wifi": 3})
    );
    let listed = ichnaea.run(&["stats", "--regions"]).lines;
    assert_eq!(listed.len(), 3);
    assert!(listed[2].starts_with("DE      Germany  3      1"), "{listed:?}");
}
