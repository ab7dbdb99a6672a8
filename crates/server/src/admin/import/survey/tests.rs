use std::io::{Seek as _, SeekFrom};

use ::zip::ZipWriter;
use ::zip::write::SimpleFileOptions;

use super::*;

/// 2026-01-01.
const MOMENT_MS: i64 = 1_767_225_600_000;

const WIGLE: &str = "\
WigleWifi-1.6,appRelease=2.78,model=X-37B,release=11.0.0,device=felgercarb,display=OPSPLS1.76-1-S,board=snodgrass,\"brand=Moog, LLC\",star=Sol,body=4,subBody=0
MAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type
1a:9f:ee:5c:71:c6,Scampoodle,[WPA2-EAP-CCMP][ESS],2018-08-01 13:08:27,161,5805,-43,37.76578028,-123.45919439,67,3.2160000801086426,5A03BA0000 BAA2D00000 BAA2D02000,,WIFI
1a:9f:ee:5c:71:c7,\"Scam, \"\"poodle\"\"\",[ESS],2018-08-01 13:08:27,161,5805,-43,37.76578028,-123.45919439,67,3.2160000801086426,,,WIFI
310410_56967_4118917,AT&T Mobility,WCDMA;310410,2018-08-03 18:14:15,,4385,-81,37.72090053,-122.44579219,104,34.30400085449219,,,WCDMA
63:56:ac:c4:d4:30,,Misc [LE],2018-08-03 18:14:12,0,,-67,37.76090571,-122.44877987,104,49.3120002746582,,72,BLE
";

fn moment() -> Moment {
    Moment { now_ms: MOMENT_MS, regions: Regions::shared() }
}

fn stream(text: impl Into<Vec<u8>>) -> Input {
    Input::Stream(Box::new(io::Cursor::new(text.into())))
}

/// All reports of a log, what was counted, and the file of rejects.
fn read_all(format: Format, input: Input) -> (Vec<Report>, Counts, String) {
    let mut file = tempfile::tempfile().unwrap();
    let rejects: Box<dyn Write + Send> = Box::new(file.try_clone().unwrap());
    let mut notes = Notes { rejects: Some(rejects), ..Notes::default() };
    let mut log = open(format, input, moment()).unwrap();
    let mut reports = Vec::new();
    while let Some(report) = log.next(&mut notes).unwrap() {
        notes.counts.reports += 1;
        reports.push(report);
    }
    let counts = finished(notes).unwrap();
    let mut rejected = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut rejected).unwrap();
    (reports, counts, String::from_utf8_lossy(&rejected).into_owned())
}

fn problem(format: Format, input: Input) -> String {
    match count(format, input, moment(), None, || {}) {
        Err(problem) => problem.to_string(),
        Ok(counts) => panic!("{counts:?}"),
    }
}

fn archive(files: &[(&str, &str)]) -> File {
    let mut writer = ZipWriter::new(tempfile::tempfile().unwrap());
    for (name, text) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn a_wigle_file_becomes_reports() {
    let wigle = Format::Wigle;
    let (reports, counts, _) = read_all(wigle, stream(WIGLE));
    assert_eq!(counts, Counts { taken: 4, reports: 3, ..Counts::default() });
    assert_eq!(reports[0].wifi.len(), 2);

    // Two files, one after the other, the second with other columns, and with Windows' line ends.
    let other = WIGLE.replace(",Channel,", ",Chan,").replace('\n', "\r\n");
    let (twice, counts, _) = read_all(wigle, stream(format!("\u{feff}{WIGLE}{other}")));
    assert_eq!((counts.taken, counts.reports, counts.rejects()), (8, 6, 0));
    assert_eq!(twice[3].wifi[0].channel, None);
    assert_eq!(twice[..3], reports);
}

#[test]
fn rows_nothing_can_be_learned_from_are_counted_and_kept() {
    let long = "x".repeat(70_000);
    let bad = format!(
        "{WIGLE}\
         310_1_7,x,CDMA,2018-08-03 18:14:15,,0,-81,37.7,-122.4,104,34,,,CDMA\n\
         1a:9f:ee:5c:71:c8,\"Joe's place,[ESS],2018-08-03 18:14:12,1,2412,-43,37.7,-122.4,6,3,,,WIFI\n\
         only,three,cells\n\
         {long}\n\n\
         1a:9f:ee:5c:71:c9,cafe_NOMAP,[ESS],2018-08-03 18:14:12,1,2412,-43,37.7,-122.4,6,3,,,WIFI\n\
         1a:9f:ee:5c:71:ca,,[ESS],2018-08-03 18:14:12,1,2412,-43,37.7,-122.4,6,3,,,WIFI\n"
    );
    let (_, counts, rejects) = read_all(Format::Wigle, stream(bad));
    assert_eq!((counts.taken, counts.opted_out), (5, 2));
    let expected = [("long_line", 1), ("radio_unsupported", 1), ("short_row", 1)];
    assert_eq!(counts.rejected, expected.into());
    assert_eq!(counts.rows(), 10);
    let lines: Vec<&str> = rejects.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "7\tradio_unsupported\t310_1_7,x,CDMA,2018-08-03 18:14:15,,0,-81,37.7,-122.4,104,34,,,CDMA",
            "9\tshort_row\tonly,three,cells",
        ]
    );
    assert!(lines[2].starts_with("10\tlong_line\txxx"));
    assert!(!rejects.contains("NOMAP"), "what asks to be left out is left out");
}

#[test]
fn a_file_without_the_columns_says_which_are_missing() {
    let text = "mac,type\n1,2\n";
    let why = problem(Format::Wigle, stream(text));
    assert!(why.contains("missing firstseen, currentlatitude, currentlongitude"), "{why}");
    let why = problem(Format::Wigle, stream(""));
    assert!(why.contains("everything"), "{why}");
}

#[test]
fn json_in_every_shape_becomes_reports() {
    // The example of the specification, in the three versions of the API, and Tower Collector's.
    let v2 = r#"{"timestamp": 1405602028568, "position": {"latitude": 51.5, "longitude": -0.1,
        "accuracy": 20.0, "age": 1000, "source": "gps"},
        "bluetoothBeacons": [{"macAddress": "ff:23:45:67:89:ab", "age": 2000, "name": "beacon"}],
        "cellTowers": [{"radioType": "umts", "mobileCountryCode": 234, "mobileNetworkCode": 30,
        "locationAreaCode": 5, "cellId": 6789, "primaryScramblingCode": 9}],
        "wifiAccessPoints": [{"macAddress": "94:B4:0F:01:0D:01", "ssid": "x"},
        {"macAddress": "94:B4:0F:01:0D:02", "ssid": "x_nomap"}]}"#;
    let v1 = r#"{"timestamp": 1405602028568, "latitude": 51.5, "longitude": -0.1, "radioType": "gsm",
        "cellTowers": [{"mobileCountryCode": 234, "mobileNetworkCode": 30,
        "locationAreaCode": 5, "cellId": 6789, "psc": 9}]}"#;
    let v0 = r#"{"lat": 51.5, "lon": -0.1, "time": "2014-07-17T13:00:28Z", "radio": "gsm",
        "cell": [{"mcc": 234, "mnc": 30, "lac": 5, "cid": 6789}],
        "wifi": [{"key": "94b40f010d01", "signal": -60}]}"#;
    let line = |text: &str| text.replace('\n', " ");
    let items = format!("{{\"items\": [\n{v2},\n{v1},\n{v0}\n]}}");
    let lines = format!("{}\n{{\"items\": [{}]}}\n{}", line(v2), line(v1), line(v0));
    for (kind, text) in [
        (Format::Geosubmit, items),
        (Format::Geosubmit, lines.clone()),
        (Format::GeosubmitLines, lines),
    ] {
        let (reports, counts, _) = read_all(kind, stream(text));
        assert_eq!(counts, Counts { taken: 3, reports: 3, ..Counts::default() });
        assert_eq!(reports[0].cell[0].radio.as_deref(), Some("wcdma"));
        assert_eq!((reports[0].wifi.len(), reports[0].blue.len()), (1, 1));
        assert_eq!(reports[0].position.as_ref().unwrap().source, None);
        assert_eq!(reports[1].cell[0].psc, Some(9));
        assert_eq!(reports[2].timestamp, Some(1_405_602_028_000));
        assert_eq!((reports[2].wifi.len(), reports[2].cell.len()), (1, 1));
    }
}

#[test]
fn bad_json_costs_only_itself() {
    let good = r#"{"position": {"latitude": 51.5, "longitude": -0.1, "accuracy": NaN},
        "wifiAccessPoints": [{"macAddress": "94b40f010d01"}]}"#;
    let items = [
        good.to_owned(),
        "5".to_owned(),
        r#"{"a": tru}"#.to_owned(),
        "{\"position\": \"here\"}".to_owned(),
        good.replace("51.5", "0.5"),
        good.replace("94b40f010d01", "94b40f010d"),
        r#"{"position": {"latitude": 51.5, "longitude": -0.1},
            "wifiAccessPoints": [{"macAddress": "94b40f010d01", "ssid": ""}]}"#
            .to_owned(),
        good.to_owned(),
    ];
    let (_, counts, rejects) =
        read_all(Format::Geosubmit, stream(format!("{{\"items\": [{}]}}", items.join(",\n"))));
    assert_eq!((counts.taken, counts.reports), (2, 2));
    let expected = [("bad_json", 3), ("bad_position", 1), ("no_station", 2)];
    assert_eq!(counts.rejected, expected.into());
    assert!(rejects.contains("\tbad_json\t{\"a\": tru}\n"), "{rejects}");
    let (_, counts, _) =
        read_all(Format::GeosubmitLines, stream(b"\xff\n{\"items\": []}\n".as_slice()));
    assert_eq!(counts.rejected, [("encoding", 1)].into());
}

const WIFIS: &str = "\
timestamp,latitude,longitude,locationAccuracy,locationAge,speed,macAddress,wifiScanAge,signalStrength,ssid
1718632917000,60.1698557,24.9383791,12.5,450,1.25,a8:20:66:00:00:11,1200,-61,kotiverkko
1718632917000,60.1698557,24.9383791,12.5,450,1.25,a8:20:66:00:00:12,1200,-71,kotiverkko_nomap
1718632925000,60.1699557,24.9383791,12.5,450,1.25,a8:20:66:00:00:11,1200,-61,kotiverkko
";
const CELLS: &str = "\
timestamp,latitude,longitude,locationAccuracy,locationAge,speed,cellId,radioType,mcc,mnc,lac,psc,signalStrength,asu,cellScanAge
1718632917000,60.1698557,24.9383791,12.5,450,1.25,64729200248,nr,244,05,11259375,301,-95,61,-12
1718632917000,60.1698557,24.9383791,12.5,450,1.25,,lte,244,05,,12,-101,,20
1718632921000,60.1699557,24.9383791,12.5,450,1.25,26385419,lte,244,05,5126,12,-101,,20
";
const BEACONS: &str = "\
timestamp,latitude,longitude,locationAccuracy,locationAge,speed,macAddress,bluetoothScanAge,signalStrength
1718632925000,60.1699557,24.9383791,12.5,450,1.25,c4:11:04:00:00:05,80,-88
";

#[test]
fn the_files_of_an_archive_are_joined_to_reports() {
    let names = [("beacons.csv", BEACONS), ("cells.csv", CELLS), ("wifis.csv", WIFIS)];
    let (reports, counts, _) = read_all(Format::NeoStumbler, Input::Archive(archive(&names)));
    let sizes = |report: &Report| {
        (report.timestamp.unwrap(), report.blue.len(), report.cell.len(), report.wifi.len())
    };
    let expected =
        [(1_718_632_917_000, 0, 1, 1), (1_718_632_921_000, 0, 1, 0), (1_718_632_925_000, 1, 0, 1)];
    assert_eq!(reports.iter().map(sizes).collect::<Vec<_>>(), expected);
    let stations =
        Counts { taken: 5, reports: 3, opted_out: 1, rejected: [("bad_area", 1)].into() };
    assert_eq!(counts, stations);

    // One of them alone, in a folder, beside something else.
    let file = archive(&[("export/wifis.csv", WIFIS), ("README.txt", "hello")]);
    let (reports, ..) = read_all(Format::NeoStumbler, Input::Archive(file));
    assert_eq!(reports.len(), 2);
}

#[test]
fn an_archive_that_is_none_of_ours_says_so() {
    let why = problem(Format::NeoStumbler, Input::Archive(archive(&[("a.csv", WIFIS)])));
    assert!(why.contains("has none of wifis.csv, cells.csv, beacons.csv"), "{why}");
    let why = problem(Format::NeoStumbler, Input::Archive(archive(&[("wifis.csv", "a,b\n1,2\n")])));
    assert!(why.contains("wifis.csv has no line"), "{why}");
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(WIFIS.as_bytes()).unwrap();
    let why = problem(Format::NeoStumbler, Input::Archive(file));
    assert!(why.contains("cannot be read"), "{why}");
}

#[test]
fn a_damaged_archive_is_noticed_and_a_huge_one_is_cut_off() {
    let mut file = archive(&[("wifis.csv", WIFIS)]);
    // A bit in the middle of the packed rows.
    file.seek(SeekFrom::Start(150)).unwrap();
    let mut byte = [0];
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(150)).unwrap();
    file.write_all(&[byte[0] ^ 4]).unwrap();
    let why = problem(Format::NeoStumbler, Input::Archive(file));
    assert!(why.contains("cannot be read"), "{why}");
}

proptest::proptest! {
    #[test]
    fn whatever_a_file_holds_every_row_is_counted_once(
        noise in proptest::collection::vec(
            "[\"\\\\,{}\\[\\]:a-z0-9 ]{0,40}|\\PC{0,30}", 0..20
        ),
    ) {
        let text = noise.join("\n");
        for form in [Format::Wigle, Format::NeoStumbler] {
            let header = if form == Format::Wigle { WIGLE } else { WIFIS };
            let (_, counts, rejects) =
                read_all(form, stream(format!("{header}{text}")));
            let rows = text.lines().filter(|line| !line.trim_ascii().is_empty()).count() as u64;
            let known = if form == Format::Wigle { 4 } else { 3 };
            proptest::prop_assert!(counts.rows() <= rows + known);
            proptest::prop_assert!(rejects.matches('\n').count() as u64 >= counts.rejects());
        }
        for kind in [Format::Geosubmit, Format::GeosubmitLines] {
            let (reports, counts, _) = read_all(kind, stream(text.as_str()));
            proptest::prop_assert_eq!(reports.len() as u64, counts.taken);
        }
    }
}
