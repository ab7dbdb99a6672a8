//! Side by side with the original on one Redis: its web and worker write what ours read, and the
//! other way round; both take from the same queues, and nobody gets what the other took.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ichnaea_kv::Op;
use ichnaea_server::tasks::Task;
use ichnaea_server::tasks::drain::Drain;
use ichnaea_server::{http, keys};
use ichnaea_testkit::Backend;
use ichnaea_testkit::original::{Form, LIST_TTL_S, Original, read, written};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{Bench, NOON_MS, observation};
use crate::worker;

/// What the original queued for one submission.
const SUBMITTED: &str = r#"{"api_key": "test", "report": {"timestamp": 1405602028568,
    "bluetoothBeacons": [{"macAddress": "ff:23:45:67:89:ab", "age": 2000, "name": "b\u00e4con \ud83d\ude00", "signalStrength": -110}],
    "wifiAccessPoints": [
        {"macAddress": "94:B4:0F:01:0D:01", "age": 2000, "channel": 7, "signalStrength": -50, "signalToNoiseRatio": 30, "ssid": "x"},
        {"macAddress": "94:B4:0F:01:0D:02", "age": 2000, "ssid": "home_nomap"},
        {"macAddress": "000000000000"}],
    "cellTowers": [
        {"radioType": "wcdma", "mobileCountryCode": 234, "mobileNetworkCode": 30, "locationAreaCode": 5, "cellId": 6789, "age": 2000, "asu": 46, "timingAdvance": 1, "primaryScramblingCode": 9},
        {"radioType": "gsm", "mobileCountryCode": 999, "mobileNetworkCode": 30, "locationAreaCode": 5, "cellId": 6789}],
    "position": {"latitude": 51.5, "longitude": -1e-05, "accuracy": 20.0, "age": 1000, "speed": 10.0, "source": "gnss"}}, "source": "gnss"}"#;

/// What the original queued for one position query.
const QUERIED: &str = r#"{"api_key": null, "source": "query", "report": {
    "wifiAccessPoints": [{"macAddress": "a82066000011", "age": 20, "channel": 5, "frequency": 2432, "signalStrength": -60, "ssid": "x"}, {"macAddress": "a82066000012", "signalStrength": -60}],
    "fallbacks": {"ipf": false, "lacf": true},
    "position": {"latitude": 51.6, "longitude": -0.1, "accuracy": 10.0, "source": "query"}}}"#;

/// One line, as the original's Python is given it.
fn line(json: &str) -> String {
    serde_json::from_str::<Value>(json).unwrap().to_string()
}

async fn bench() -> (Bench, Original) {
    let bench = Bench::new(Backend::Server).await;
    let original = Original::beside(&bench.keyvalue);
    (bench, original)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_that_the_original_queued_are_learned() {
    let (bench, mut original) = bench().await;
    original.enqueue("update_incoming", &written(Form::Report, &[line(SUBMITTED), line(QUERIED)]));
    assert!(original.ttl("update_incoming") > LIST_TTL_S - 60);
    bench.drain().await;

    let rows = bench.rows("SELECT HEX(mac), lat, lon, source, samples FROM wifi_shard_0");
    assert_eq!(json!(rows), json!([["94B40F010D01", 51.5, -1e-5, 3.0, 1.0]]));
    let rows = bench.rows("SELECT lat, source FROM blue_shard_4");
    assert_eq!(json!(rows), json!([[51.5, 3.0]]));
    let rows = bench.rows("SELECT mcc, mnc, lac, cid, psc, lon FROM cell_wcdma");
    assert_eq!(json!(rows), json!([[234.0, 30.0, 5.0, 6789.0, 9.0, -1e-5]]));
    let rows = bench.rows("SELECT lat, lon, num_cells FROM cell_area");
    assert_eq!(json!(rows), json!([[51.5, -1e-5, 1.0]]));
    // Access points found by a query are kept as such.
    let rows = bench.rows("SELECT HEX(mac), lat, source FROM wifi_shard_0 WHERE source = 9");
    let others = bench.rows("SELECT HEX(mac), lat, source FROM wifi_shard_6 ORDER BY mac");
    assert_eq!((rows.len(), others.len()), (0, 2), "{others:?}");
    assert_eq!(bench.rows("SELECT grid FROM datamap_nw").len(), 2);
    let counters = bench.counters(["statcounter_wifi_20260131", "statcounter_blue_20260131"]).await;
    assert_eq!(counters, [Some(3), Some(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_queue_that_the_original_filled_is_worked_off() {
    let (bench, mut original) = bench().await;
    let place = r#""lat": 51.5, "lon": -0.1, "accuracy": 20.0, "timestamp": 1405602027568"#;
    let cell = |radio: u8| {
        format!(r#"{{"radio": {radio}, "mcc": 234, "mnc": 30, "lac": 5, "cid": 7, {place}}}"#)
    };
    let filled = [
        ("queue_export_internal", Form::Export, {
            let mut report: Value = serde_json::from_str(SUBMITTED).unwrap();
            report.as_object_mut().unwrap().remove("source");
            report.to_string()
        }),
        (
            "update_blue_4",
            Form::Blue,
            format!(r#"{{"mac": "ff23456789ac", "age": 1000, {place}}}"#),
        ),
        (
            "update_wifi_6",
            Form::Wifi,
            format!(
                r#"{{"mac": "a82066000013", "signal": -50, "snr": 30, {place}, "source": null}}"#
            ),
        ),
        ("update_cell_gsm", Form::Cell, cell(0)),
        ("update_cell_wcdma", Form::Cell, cell(2)),
        ("update_cell_lte", Form::Cell, cell(3)),
        ("update_datamap_nw", Form::Grid, "000228BC0002BEBC".to_owned()),
        // An area without cells is removed from its table.
        ("update_cellarea", Form::Area, "0200EA001E0009".to_owned()),
    ];
    bench.database.execute(&["INSERT INTO cell_area (areaid, radio, mcc, mnc, lac, lat, lon) \
        VALUES (UNHEX('0200EA001E0009'), 2, 234, 30, 9, 51.5, -0.1)"]);
    for (queue, form, item) in &filled {
        original.enqueue(queue, &written(*form, std::slice::from_ref(item)));
        assert!(original.ttl(queue) > 0, "{queue}");
    }
    bench.drain().await;
    for (queue, ..) in &filled {
        assert_eq!(original.ttl(queue), -2, "{queue} is gone");
    }
    let dead = bench.context().kv.keys(keys::DEAD_PREFIX).await.unwrap();
    assert!(dead.is_empty(), "{dead:?}");
    for (table, rows) in [
        ("blue_shard_4", 2),
        ("wifi_shard_0", 1),
        ("wifi_shard_6", 1),
        ("cell_gsm", 1),
        ("cell_wcdma", 2),
        ("cell_lte", 1),
        ("cell_area", 3),
        ("datamap_nw", 2),
    ] {
        assert_eq!(bench.rows(&format!("SELECT 1 FROM {table}")).len(), rows, "{table}");
    }
    let gone = bench.rows("SELECT lac FROM cell_area WHERE lac = 9");
    assert!(gone.is_empty(), "{gone:?}");
}

/// Sends one request and returns its answer.
async fn send(address: std::net::SocketAddr, path: &str, body: &Value) -> String {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Serves the API while `requests` are sent; each with the start of its answer.
async fn serve(bench: &Bench, requests: &[(&str, Value, &str)]) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let server = tokio::spawn(http::serve(Arc::clone(bench.context()), listener, shutdown));
    for (path, body, expected) in requests {
        let answer = send(address, path, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{path}: {answer}");
    }
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

/// Everything a phone may send, in the shape of the newest interface; with a cell of each radio.
fn full_report() -> Value {
    let cell = |radio: &str, lac: u32, cid: u64| {
        json!({
            "radioType": radio, "mobileCountryCode": 234, "mobileNetworkCode": 30,
            "locationAreaCode": lac, "cellId": cid, "age": 10, "asu": 20, "serving": 1,
            "primaryScramblingCode": 9, "signalStrength": -90, "timingAdvance": 3,
        })
    };
    json!({
        "timestamp": NOON_MS, "carrier": "Größe", "homeMobileCountryCode": 234,
        "homeMobileNetworkCode": 30,
        "position": {
            "latitude": 51.5, "longitude": -0.1, "accuracy": 20, "age": 1000, "altitude": 100.5,
            "altitudeAccuracy": 30, "heading": 90, "pressure": 1010, "speed": 1e1, "source": "fused",
        },
        "bluetoothBeacons": [{"macAddress": "ff:23:45:67:89:ab", "age": 5, "name": "b\u{e4}con", "signalStrength": -70}],
        "wifiAccessPoints": [{"macAddress": "94:b4:0f:01:0d:01", "age": 5, "channel": 7, "frequency": 2442, "radioType": "802.11n", "signalStrength": -60.4, "signalToNoiseRatio": 30, "ssid": "x"}],
        "cellTowers": [
            cell("gsm", 5, 6), cell("wcdma", 5, 6), cell("lte", 5, 6),
            cell("nr", 70_000, 1 << 33),
        ],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_original_reads_what_our_web_role_queues() {
    let (bench, mut original) = bench().await;
    bench.database.execute(&[
        "INSERT INTO api_key (valid_key, allow_locate, store_sample_submit, store_sample_locate) \
        VALUES ('test', 1, 100, 100)",
    ]);
    // Two access points that are known already, so that a query is worth learning from.
    let seen = |mac: &str| observation(mac, 51.5, -0.1);
    bench.push("update_wifi_6", vec![seen("a82066000011"), seen("a82066000012")]).await;
    bench.run(Task::UpdateWifi, Some("6")).await;
    let queried = ["a82066000011", "a82066000012", "a82066000013"]
        .map(|mac| json!({"macAddress": mac, "signalStrength": -60}));
    serve(
        &bench,
        &[
            ("/v2/geosubmit?key=test", json!({"items": [full_report()]}), "200"),
            (
                "/v2/geosubmit",
                json!({"items": [{"wifiAccessPoints": [{"macAddress": "94b40f010d02"}]}]}),
                "200",
            ),
            (
                "/v1/geosubmit?key=unknown",
                json!({"items": [{"latitude": 51, "longitude": 1, "wifiAccessPoints": [{"macAddress": "94b40f010d03"}]}]}),
                "200",
            ),
            (
                "/v1/submit?key=test",
                json!({"items": [{"lat": 51.0, "lon": 1.0, "wifi": [{"key": "94b40f010d04", "signal": -60}]}]}),
                "204",
            ),
            ("/v1/geolocate?key=test", json!({"wifiAccessPoints": queried}), "200"),
        ],
    )
    .await;

    let items = original.dequeue("update_incoming", 5000);
    let reports = read(Form::Report, &items).unwrap();
    let keys: Vec<_> = reports.iter().map(|report| &report["api_key"]).collect();
    assert_eq!(json!(keys), json!(["test", null, null, "test", "test"]));
    let sources: Vec<_> = reports.iter().map(|report| &report["source"]).collect();
    assert_eq!(json!(sources), json!(["fused", "gnss", "gnss", "gnss", "query"]));
    // Names of networks go no further; all else arrives as it was sent.
    let mut expected = full_report();
    let wifi = &mut expected["wifiAccessPoints"][0];
    wifi.as_object_mut().unwrap().remove("ssid");
    wifi["signalStrength"] = json!(-60);
    for (name, value) in expected["position"].as_object_mut().unwrap() {
        if let (Some(number), true) = (value.as_f64(), name != "age") {
            *value = json!(number);
        }
    }
    assert_eq!(reports[0]["report"], expected);
    assert_eq!(reports[2]["report"]["position"], json!({"latitude": 51.0, "longitude": 1.0}));
    let query = &reports[4]["report"];
    assert_eq!(query["fallbacks"], json!({"ipf": true, "lacf": true}));
    assert_eq!(query["position"]["source"], "query");
    assert_eq!(original.ttl("update_incoming"), -2, "the original took all of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_original_reads_what_our_worker_queues() {
    let (bench, mut original) = bench().await;
    let report = full_report();
    bench.submit(std::slice::from_ref(&report)).await;
    bench.run(Task::UpdateIncoming, None).await;
    let exported = original.dequeue("queue_export_internal", 100);
    let read_back = read(Form::Export, &exported).unwrap();
    assert_eq!(read_back[0]["report"]["carrier"], "Größe");

    // What it took is gone, so the same report is sent once more.
    bench.submit(&[report]).await;
    bench.run(Task::UpdateIncoming, None).await;
    bench.run(Task::ExportReports, Some("internal")).await;
    for radio in ["gsm", "wcdma", "lte", "nr"] {
        if radio == "nr" {
            bench.run(Task::UpdateCell, Some(radio)).await;
            continue;
        }
        let items = original.dequeue(&format!("update_cell_{radio}"), 500);
        let cells = read(Form::Cell, &items).unwrap();
        assert_eq!((cells.len(), &cells[0]["cid"]), (1, &json!(6)), "{radio}");
        // One of each goes back, for the areas.
        original.enqueue(&format!("update_cell_{radio}"), &items);
        bench.run(Task::UpdateCell, Some(radio)).await;
    }
    let wifi = read(Form::Wifi, &original.dequeue("update_wifi_0", 500)).unwrap();
    assert_eq!(
        wifi[0],
        json!({
            "mac": "94b40f010d01", "age": -995, "channel": 7, "frequency": 2442, "signal": -60,
            "snr": 30, "lat": 51.5, "lon": -0.1, "accuracy": 20.0, "altitude": 100.5,
            "altitude_accuracy": 30.0, "heading": 90.0, "pressure": 1010.0, "speed": 10.0,
            "source": 6, "timestamp": NOON_MS - 1000,
        })
    );
    let blue = read(Form::Blue, &original.dequeue("update_blue_4", 500)).unwrap();
    assert_eq!(blue[0]["signal"], -70);
    let grid = read(Form::Grid, &original.dequeue("update_datamap_nw", 500)).unwrap();
    assert_eq!(json!(grid), json!(["000228bc0002bebc"]));
    let mut areas = read(Form::Area, &original.dequeue("update_cellarea", 100)).unwrap();
    areas.sort_by_key(Value::to_string);
    assert_eq!(json!(areas), json!(["0000ea001e0005", "0200ea001e0005", "0300ea001e0005"]));
    // 5G waits where the original never looks.
    assert_eq!(bench.queue(keys::UPDATE_CELLAREA_NR).await.len, 1);
    bench.run(Task::UpdateCellarea, None).await;
    let nr = bench.rows("SELECT lac, num_cells FROM cell_area_nr");
    assert_eq!(json!(nr), json!([[70_000.0, 1.0]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_the_original_appended_to_last_does_not_expire_in_our_hands() {
    let (bench, mut original) = bench().await;
    let items: Vec<Vec<u8>> =
        (0..1200).map(|n| observation(&format!("94b40f01{n:04x}"), 51.5, -0.1)).collect();
    original.enqueue("update_wifi_0", &items);
    // An hour of the list's life is left.
    original.run(&["EXPIRE", "update_wifi_0", "3600"]);
    bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!(original.ttl("update_wifi_0"), -1);
    let state = bench.queue("update_wifi_0").await;
    assert_eq!(state.len, 700);
    // It is as old as before: 23 hours, up to what the test took.
    let age = state.age.unwrap();
    assert!(age >= Duration::from_hours(23) && age < Duration::from_mins(23 * 60 + 1), "{age:?}");
    // What is being worked on does not expire either.
    let taken = bench.context().kv.take("update_wifi_0", 500, Duration::from_mins(1)).await;
    let id = taken.unwrap().unwrap().id;
    assert_eq!(original.ttl(&format!("ichnaea:inflight:update_wifi_0:{id}")), -1);
    // Until the original appends again.
    original.enqueue("update_wifi_0", &items[..1]);
    assert!(original.ttl("update_wifi_0") > 0);
    bench.context().kv.put_back("update_wifi_0", &id).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.rows("SELECT 1 FROM wifi_shard_0").len(), 1200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_kinds_of_workers_on_one_queue_get_every_item_once() {
    let (bench, mut original) = bench().await;
    let queue = "update_datamap_nw";
    let items: Vec<Vec<u8>> = (0..20_000_u32).map(|n| n.to_be_bytes().to_vec()).collect();
    let (theirs, ours) = items.split_at(items.len() / 2);
    let kv = Arc::clone(&bench.context().kv);

    // The original's web and worker: append, and take batches that nobody gives back.
    let their_items = theirs.to_vec();
    let original_side = std::thread::spawn(move || {
        let mut taken = Vec::new();
        for part in their_items.chunks(100) {
            original.enqueue(queue, part);
            taken.extend(original.dequeue(queue, 70));
        }
        (original, taken)
    });
    // Ours: append, take batches under leases, drop every third, whose lease then runs out.
    let mut finished = Vec::new();
    for (round, part) in ours.chunks(100).enumerate() {
        kv.apply(vec![Op::Push { queue: queue.to_owned(), items: part.to_vec() }]).await.unwrap();
        let is_dropped = round % 3 == 0;
        let lease = if is_dropped { Duration::ZERO } else { Duration::from_mins(1) };
        if let Some(batch) = kv.take(queue, 70, lease).await.unwrap()
            && !is_dropped
        {
            assert!(kv.finish(queue, &batch.id, Vec::new()).await.unwrap());
            finished.extend(batch.items);
        }
    }
    let (mut original, mut taken) = original_side.join().unwrap();
    assert!(!taken.is_empty() && !finished.is_empty());
    while let Some(batch) = kv.take(queue, 500, Duration::from_mins(1)).await.unwrap() {
        assert!(kv.finish(queue, &batch.id, Vec::new()).await.unwrap());
        finished.extend(batch.items);
    }
    assert!(original.dequeue(queue, 0).is_empty());
    taken.extend(finished);
    taken.sort_unstable();
    assert_eq!(taken, items);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shortening_the_life_of_a_queue_has_it_exported_at_once() {
    let (bench, mut original) = bench().await;
    let queue = "queue_export_internal";
    bench.submit(&[full_report()]).await;
    assert_eq!(bench.run(Task::UpdateIncoming, None).await.counts.get("exports"), None);
    assert!(!original.is_ready(queue, 100), "one report is no batch of a hundred");
    // What operators of the original do to have a queue processed at once.
    original.run(&["EXPIRE", queue, "300"]);
    assert!(original.is_ready(queue, 100));
    assert_eq!(bench.run(Task::UpdateIncoming, None).await.counts["exports"], 1);
    worker::work(&bench).await;
    assert_eq!(bench.queue(queue).await.len, 0);
    assert_eq!(bench.queue("update_wifi_0").await.len, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_of_both_add_up() {
    let (bench, mut original) = bench().await;
    bench.database.execute(&[
        "INSERT INTO api_key (valid_key, maxreq, allow_locate) VALUES ('limited', 3, 1)",
    ]);
    // The original has answered two of the three requests this key may make today.
    let limit = "apilimit:limited:v1.geolocate:20260131";
    original.run(&["SET", limit, "2", "EX", "90000"]);
    let query = json!({"considerIp": false});
    serve(
        &bench,
        &[
            ("/v1/geolocate?key=limited", query.clone(), "404"),
            ("/v1/geolocate?key=limited", query, "403"),
        ],
    )
    .await;
    assert_eq!(original.number(&["INCRBY", limit, "0"]), 4);

    // Both have learned today; what the original's task counted down stays so.
    let counter = "statcounter_wifi_20260131";
    original.run(&["SET", counter, "5", "EX", "172800"]);
    bench.push("update_wifi_0", vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!(original.number(&["DECRBY", counter, "4"]), 2);
    bench.run(Task::UpdateStatcounter, None).await;
    assert_eq!(original.text(counter).as_deref(), Some("0"));
    let stat = bench.rows("SELECT `key`, value FROM stat WHERE value > 0 ORDER BY `key`");
    assert_eq!(json!(stat), json!([[3.0, 2.0], [4.0, 1.0]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_of_ours_leaves_behind_is_all_under_known_names() {
    let (bench, mut original) = bench().await;
    bench.submit(&[full_report()]).await;
    Drain::default().run(&bench.run, |_| {}).await.unwrap();
    bench.run(Task::UpdateStatcounter, None).await;
    let names = bench.context().kv.keys("").await.unwrap();
    let foreign: Vec<_> = names
        .iter()
        .filter(|name| !name.starts_with("ichnaea:") && !name.starts_with("statcounter_"))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    // Numbers that the original's own task can take over.
    let counters: BTreeMap<&String, Option<String>> = names
        .iter()
        .filter(|name| name.starts_with("stat"))
        .map(|n| (n, original.text(n)))
        .collect();
    assert_eq!(counters.len(), 6);
    assert!(counters.values().flatten().all(|text| text.parse::<i64>().is_ok()), "{counters:?}");
}
