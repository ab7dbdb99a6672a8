//! Logs of survey apps, from the file to the tables.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use ichnaea_testkit::Backend;
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::command::{Backends, Ended, Ichnaea};
use crate::process::Process;

/// The documented samples of version 1.6, with one network that asks to be left out and one row of a
/// kind that is not learned.
const WIGLE: &str = "\
WigleWifi-1.6,appRelease=2.78,model=X-37B,release=11.0.0,device=felgercarb,display=OPSPLS1.76-1-S,board=snodgrass,\"brand=Moog, LLC\",star=Sol,body=4,subBody=0
MAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type
1a:9f:ee:5c:71:c6,Scampoodle,[WPA2-EAP-CCMP][ESS],2018-08-01 13:08:27,161,5805,-43,37.76578028,-123.45919439,67,3.2160000801086426,5A03BA0000 BAA2D00000 BAA2D02000,,WIFI
310410_56967_4118917,AT&T Mobility,WCDMA;310410,2018-08-03 18:14:15,,4385,-81,37.72090053,-122.44579219,104,34.30400085449219,,,WCDMA
63:56:ac:c4:d4:30,,Misc [LE],2018-08-03 18:14:12,0,,-67,37.76090571,-122.44877987,104,49.3120002746582,,72,BLE
1a:9f:ee:5c:71:c8,secret-name_nomap,[ESS],2018-08-03 18:14:12,1,2412,-43,37.7,-122.4,6,3,,,WIFI
310_1_7,x,CDMA,2018-08-03 18:14:15,,0,-81,37.7,-122.4,104,34,,,CDMA
";
const NEO_WIFIS: &str = "\
timestamp,latitude,longitude,locationAccuracy,altitude,altitudeAccuracy,locationAge,speed,pressure,macAddress,wifiScanAge,signalStrength,ssid
1718632917000,60.1698557,24.9383791,12.5,17.2,3,450,1.25,1013.2,a8:20:66:00:00:11,1200,-61,secret-name
1718632917000,60.1698557,24.9383791,12.5,17.2,3,450,1.25,1013.2,a8:20:66:00:00:12,1200,-61,
";
const NEO_CELLS: &str = "\
timestamp,latitude,longitude,locationAccuracy,altitude,altitudeAccuracy,locationAge,speed,pressure,cellId,radioType,mcc,mnc,lac,psc,signalStrength,asu,arfcn,cellScanAge
1718632917000,60.1698557,24.9383791,12.5,17.2,3,450,1.25,1013.2,64729200248,nr,244,05,11259375,301,-95,61,630000,-12
";
const TOWER: &str = "\
mcc,mnc,lac,cell_id,psc,asu,dbm,ta,lat,lon,accuracy,speed,bearing,altitude,measured_at,net_type,neighboring,device\r
260,2,45070,26511110,72,31,-85,3,52.22967560,21.01222870,8,0.5,90,113.2,\"2014-07-17T15:00:28.123Z\",LTE,false,\"Motorola XT1032\"\r
";
/// As Tower Collector writes it: the body of a submission.
const TOWER_JSON: &str = r#"{
"items":[
{"timestamp":1405609228123,"position":{"latitude":52.2296756,"longitude":21.0122287,"accuracy":8,"altitude":113.2,"heading":90,"speed":0.5,"source":"gps"},"cellTowers":[{"radioType":"gsm","mobileCountryCode":260,"mobileNetworkCode":2,"locationAreaCode":45070,"cellId":5,"asu":31,"signalStrength":-85,"serving":1}]}
]
}"#;
const MICROG_CELLS: &str =
    "mcc,mnc,type,lac,cid,psc,lat,lon,alt\n262,2,3,5126,26385419,0,52.5200066,13.404954,34.5\n";
const MICROG_WIFIS: &str = "mac,lat,lon,alt\na82066000021,52.5200066,13.404954,\n";
/// The oldest form of a report, then a body of the newest.
const LINES: &str = r#"{"lat": 51.5, "lon": -0.1, "time": "2014-07-17T13:00:28Z", "wifi": [{"key": "94b40f010d01", "ssid": "secret-name"}]}
broken
{"items": [{"position": {"latitude": 51.5, "longitude": -0.1}, "wifiAccessPoints": [{"macAddress": "94b40f010d02"}]}]}
"#;

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

fn archive(folder: &Path) -> String {
    let path = folder.join("neostumbler_export.zip");
    let mut writer = ZipWriter::new(File::create(&path).unwrap());
    for (name, text) in [("cells.csv", NEO_CELLS), ("wifis.csv", NEO_WIFIS)] {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    path.to_str().unwrap().to_owned()
}

fn summaries(ended: &Ended) -> Vec<Value> {
    serde_json::from_str(&ended.lines.concat()).unwrap()
}

pub fn logs_of_every_app_become_stations(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rejects = folder.join("rejects.txt").to_str().unwrap().to_owned();
    let files = [
        write(folder, "WigleWifi_20180801130827.csv.gz", &gzip(WIGLE)),
        archive(folder),
        write(folder, "Measurements-20140717.csv", TOWER.as_bytes()),
        write(folder, "Measurements-20140717.json", TOWER_JSON.as_bytes()),
        write(folder, "cell-b7.csv.gz", &gzip(MICROG_CELLS)),
        write(folder, "wifi-b7.csv", MICROG_WIFIS.as_bytes()),
        write(folder, "reports.jsonl.zst", &zstd::encode_all(LINES.as_bytes(), 1).unwrap()),
    ];
    let mut arguments = vec!["import", "--json", "--rejects", &rejects];
    arguments.extend(files.iter().map(String::as_str));
    let dry: Vec<&str> = arguments.iter().copied().chain(["--dry-run"]).collect();
    for (arguments, is_dry) in [(dry, true), (arguments, false)] {
        let ended = ichnaea.run(&arguments);
        assert_eq!(ended.status, 0, "{:?}", ended.complaints);
        let numbers = |one: &Value| {
            let number = |name: &str| one[name].as_u64().unwrap();
            assert_eq!(
                number("rows"),
                number("taken") + number("opted_out") + number("rejected"),
                "{one}"
            );
            let format = one["format"].as_str().unwrap().to_owned();
            (format, number("reports"), number("taken"), number("opted_out"), number("rejected"))
        };
        let read: Vec<_> = summaries(&ended).iter().map(numbers).collect();
        let expected = [
            ("wigle", 3, 3, 1, 1),
            ("neostumbler", 1, 2, 1, 0),
            ("tower-collector", 1, 1, 0, 0),
            ("geosubmit", 1, 1, 0, 0),
            ("microg", 1, 1, 0, 0),
            ("microg", 1, 1, 0, 0),
            ("geosubmit-lines", 2, 2, 0, 1),
        ];
        let expected = expected.map(|(format, a, b, c, d)| (format.to_owned(), a, b, c, d));
        assert_eq!(read, expected);
        let queued = ichnaea.run(&["pipeline", "status", "--json"]).lines.concat();
        let queued: Value = serde_json::from_str(&queued).unwrap();
        assert_eq!(queued["queues"][0]["waiting"], if is_dry { 0 } else { 10 });
    }
    let rejects = std::fs::read_to_string(&rejects).unwrap();
    assert!(rejects.contains("7\tradio_unsupported\t310_1_7,x,CDMA,"), "{rejects}");
    assert!(rejects.contains("2\tbad_json\tbroken\n"), "{rejects}");
    assert!(!rejects.contains("secret-name"), "{rejects}");

    assert_eq!(ichnaea.run(&["pipeline", "drain"]).status, 0);
    let count = |table: &str| {
        backends.database.rows(&format!("SELECT COUNT(*) FROM {table}"))[0][0].clone().unwrap()
    };
    for (table, stations) in [
        ("wifi_shard_e", "1"),
        ("wifi_shard_6", "2"),
        ("wifi_shard_0", "2"),
        ("blue_shard_a", "1"),
        ("cell_gsm", "1"),
        ("cell_wcdma", "1"),
        ("cell_lte", "2"),
        ("cell_nr", "1"),
        ("restricted_cell", "0"),
    ] {
        assert_eq!(count(table), stations, "{table}");
    }
    let lte = "SELECT lat, lon, samples FROM cell_lte ORDER BY cellid";
    let lte: Vec<Vec<f64>> = backends
        .database
        .rows(lte)
        .into_iter()
        .map(|row| row.into_iter().map(|cell| cell.unwrap().parse().unwrap()).collect())
        .collect();
    assert_eq!(lte, [[52.229_675_6, 21.012_228_7, 1.0], [52.520_006_6, 13.404_954, 1.0]]);
}

fn from_stdin(ichnaea: &Ichnaea, arguments: &[&str], bytes: &[u8]) -> Ended {
    let mut command = ichnaea.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    Ended::of(&child.wait_with_output().unwrap())
}

pub fn a_log_is_imported_once_unless_that_is_wanted(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    let waiting = || {
        let status = ichnaea.run(&["pipeline", "status", "--json"]).lines.concat();
        let status: Value = serde_json::from_str(&status).unwrap();
        status["queues"][0]["waiting"].as_u64().unwrap()
    };
    let packed = gzip(WIGLE);
    let first = from_stdin(&ichnaea, &["import", "-"], &packed);
    assert_eq!(first.status, 0, "{:?}", first.complaints);
    assert_eq!(first.lines[0], "standard input: wigle, import 1");
    assert_eq!(waiting(), 3);
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "the same.csv.gz", &packed);
    for second in [from_stdin(&ichnaea, &["import", "-"], &packed), ichnaea.run(&["import", &path])]
    {
        assert_eq!(second.status, 0);
        assert!(second.lines[0].contains("was imported at"), "{:?}", second.lines);
        assert_eq!(waiting(), 3);
    }
    assert_eq!(ichnaea.run(&["import", &path, "--again"]).status, 0);
    assert_eq!(waiting(), 6);

    // Cut off in the middle: what was there is queued, and the import says that it is not finished.
    let long = format!(
        "{WIGLE}{}",
        WIGLE
            .lines()
            .skip(2)
            .cycle()
            .take(20_000)
            .fold(String::new(), |text, line| text + line + "\n",)
    );
    let packed = gzip(&long);
    let path = write(folder.path(), "cut.csv.gz", &packed[..packed.len() / 2]);
    for _ in 0..2 {
        let ended = ichnaea.run(&["import", &path]);
        assert_eq!(ended.status, 1);
        assert!(ended.complaints.join("\n").contains("not finished"), "{:?}", ended.complaints);
        assert!(waiting() > 1000);
    }
}

pub fn an_import_waits_while_too_much_waits(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated().env("MAX_WAITING_REPORTS", "2");
    let row = "262,2,5126,26385419,-90,52.5,13.4";
    let rows = (0..1100).fold(String::new(), |text, number| {
        text + row + &format!(",{},LTE\n", 1_700_000_000 + number)
    });
    let folder = tempfile::tempdir().unwrap();
    let text = format!("mcc,mnc,lac,cell_id,dbm,lat,lon,measured_at,net_type\n{rows}");
    let path = write(folder.path(), "log.csv", text.as_bytes());
    let mut import = Process::start(&ichnaea, &["import", &path]);
    for waiting in ["500 items wait", "500 items wait"] {
        import.says(waiting);
        assert_eq!(ichnaea.run(&["pipeline", "drain"]).status, 0);
    }
    assert!(import.ended().success(), "{}", import.rest());
    assert_eq!(ichnaea.run(&["pipeline", "drain"]).status, 0);
    let samples = backends.database.rows("SELECT samples FROM cell_lte");
    assert_eq!(samples, [[Some("1100".to_owned())]]);
}
