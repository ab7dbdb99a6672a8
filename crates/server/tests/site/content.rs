//! Pages that show what is in the database and in the folder of public files.

use ichnaea_testkit::Backend;
use tempfile::TempDir;

use crate::ask::{between, start, text};

pub async fn totals_are_shown_in_their_order_cut_off_after_two_decimals(backend: Backend) {
    let app = start(backend, &[]).await;
    app.execute(&["DELETE FROM stat"]);
    let empty = text(&app, "/").await;
    assert!(!empty.contains("Known so far"), "nothing is known yet");
    app.clear_keyvalue().await;
    let today = app.now.date();
    let rows = [(1, 12_345_678), (2, 3_289_900), (3, 99_999), (4, 1_000_000), (8, 0), (9, 9_999)];
    for (key, value) in rows {
        let row =
            format!("INSERT INTO stat (`key`, `time`, `value`) VALUES ({key}, '{today}', {value})");
        app.execute(&[&row]);
    }
    let page = text(&app, "/stats").await;
    let totals = between(&page, "class=\"columns totals\">", "<h2>")[0];
    let names = between(totals, "<th scope=\"row\">", "</th>");
    let values = between(totals, "<td class=\"number\">", "</td>");
    assert_eq!(
        names.into_iter().zip(values).collect::<Vec<_>>(),
        [
            ("Bluetooth Networks", "0.00"),
            ("Bluetooth Observations", "0.00"),
            ("Wifi Networks", "1.00"),
            ("Wifi Observations", "0.09"),
            ("Cells", "3.28"),
            ("Cell Observations", "12.34"),
        ]
    );
    for (chart, total) in
        [("blue_chart", "9999"), ("cell_chart", "3289900"), ("wifi_chart", "1000000")]
    {
        let section = between(&page, &format!("id=\"{chart}\""), "</section>")[0];
        assert!(section.contains("class=\"chart\""), "{chart}");
        let month = today.format("%Y-%m");
        let line = format!("<th scope=\"row\">{month}</th><td class=\"number\">{total}</td>");
        assert!(section.contains(&line), "{section}");
    }
    let home = text(&app, "/").await;
    assert_eq!(
        between(&home, "<dt>", "</dt>"),
        ["Wi-Fi access points", "cells"],
        "what would be 0.00 is not shown"
    );
    app.stop().await;
}

pub async fn regions_are_shown_with_most_cells_first(backend: Backend) {
    let app = start(backend, &[]).await;
    app.execute(&["DELETE FROM region_stat"]);
    assert!(text(&app, "/stats/regions").await.contains("Nothing has been counted yet"));
    app.clear_keyvalue().await;
    app.execute(&["INSERT INTO region_stat (region, gsm, wcdma, lte, nr, blue, wifi) VALUES \
        ('CI', 1, 1, NULL, NULL, 0, 9), ('GB', 10, 20, 30, 40, 5, 6), ('ZZ', 1, 0, 0, 0, 0, 0)"]);
    let page = text(&app, "/stats/regions").await;
    let rows = between(&page, "<tr><td data-order=\"", "</tr>");
    assert!(rows[0].starts_with("united kin\">United Kingdom</td>"), "{rows:?}");
    assert_eq!(
        between(rows[0], "<td class=\"number\">", "</td>"),
        ["5", "10", "20", "30", "40", "100", "6"]
    );
    assert!(rows[1].contains("ivo") && rows[1].contains("Côte d’Ivoire</td>"), "{rows:?}");
    assert_eq!(
        between(rows[1], "<td class=\"number\">", "</td>"),
        ["0", "1", "1", "0", "0", "2", "9"]
    );
    assert!(rows[2].starts_with("zz\">ZZ</td>"), "{rows:?}");
    assert_eq!(
        between(&page, "<th scope=\"col\"", "</th>").len(),
        8,
        "a column for each number and one for the name"
    );
    app.stop().await;
}

pub async fn files_are_listed_with_their_checksums(backend: Backend) {
    let folder = TempDir::new().unwrap();
    let export = folder.path().join("export");
    std::fs::create_dir(&export).unwrap();
    for (name, bytes) in [
        ("MLS-full-cell-export-2026-07-01T000000.csv.gz", 1536),
        ("MLS-full-cell-export-2026-07-01T000000.csv.gz.sha256", 100),
        ("MLS-full-cell-export-2026-06-30T000000.csv.gz", 2560),
        ("MLS-diff-cell-export-2026-07-01T110000.csv.gz", 511),
        ("NR-cell-export-day-2026-07-01T000000.csv.gz", 1000),
        ("full-<b>&\"'.csv.gz", 1),
    ] {
        std::fs::write(export.join(name), vec![0; bytes]).unwrap();
    }
    let uri = format!("file://{}", folder.path().display());
    let app = start(backend, &["--asset-bucket", &uri]).await;
    let page = text(&app, "/downloads").await;
    assert!(!page.contains("<b>") && page.contains("full-&#60;b&#62;"));
    let full = between(&page, "<h2 id=\"full\">", "</section>")[0];
    let newer = full.find("2026-07-01").unwrap();
    assert!(newer < full.find("2026-06-30").unwrap());
    assert_eq!(between(full, "class=\"size\">", "<"), ["0kB", "2kB", "2kB"]);
    let sum = "href=\"/downloads/export/MLS-full-cell-export-2026-07-01T000000.csv.gz.sha256\"";
    assert!(full.contains(sum));
    assert_eq!(page.matches("class=\"checksum\"").count(), 1);
    assert!(between(&page, "<h2 id=\"differential\">", "</section>")[0].contains("0kB"));
    assert!(between(&page, "<h2 id=\"nr\">", "</section>")[0].contains("1kB"));
    assert!(page.contains("href=\"/downloads/index.json\""));
    // The copy that was kept says the same.
    assert_eq!(text(&app, "/downloads").await, page);
    app.stop().await;

    let app = start(backend, &[]).await;
    let page = text(&app, "/downloads").await;
    assert!(page.contains("There are no public files at the moment"));
    assert!(!page.contains("<h2 id=\"full\">"));
    app.stop().await;
}
