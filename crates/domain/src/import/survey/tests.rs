use std::borrow::Cow;

use super::*;
use crate::cell::{CellKey, Radio};
use crate::report::{Report, ReportedCell, ReportedWifi};
use crate::station::Source;

/// 2026-01-01.
const NOW_MS: i64 = 1_767_225_600_000;

/// Header and sample rows of <https://api.wigle.net/csvFormat.html>, version 1.6.
const WIGLE_16: &str = "\
MAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type
1a:9f:ee:5c:71:c6,Scampoodle,[WPA2-EAP-CCMP][ESS],2018-08-01 13:08:27,161,5805,-43,37.76578028,-123.45919439,67,3.2160000801086426,5A03BA0000 BAA2D00000 BAA2D02000,,WIFI
310410_56967_4118917,AT&T Mobility,WCDMA;310410,2018-08-03 18:14:15,,4385,-81,37.72090053,-122.44579219,104,34.30400085449219,,,WCDMA
63:56:ac:c4:d4:30,,Misc [LE],2018-08-03 18:14:12,0,,-67,37.76090571,-122.44877987,104,49.3120002746582,,72,BLE";

/// The header of version 1.4 there, and rows as the app writes them.
const WIGLE_14: &str = "\
MAC,SSID,AuthMode,FirstSeen,Channel,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,Type
1a:9f:ee:5c:71:c6,Scampoodle,[WPA2-EAP-CCMP][ESS],2018-08-01 13:08:27,161,-43,37.76578028,-123.45919439,67,3.2160000801086426,WIFI
63:56:ac:c4:d4:30,,Misc [LE],2018-08-03 18:14:12,0,-67,37.76090571,-122.44877987,104,49.3120002746582,BLE";

/// The columns of NeoStumbler 2: its three files, the last one as the first release had it.
const NEO_WIFIS: &str = "\
timestamp,latitude,longitude,locationAccuracy,altitude,altitudeAccuracy,locationAge,speed,pressure,macAddress,wifiScanAge,signalStrength,ssid
1718632917000,60.1698557,24.9383791,12.5,17.2,3,450,1.25,1013.2,a8:20:66:00:00:11,1200,-61,kotiverkko";
const NEO_CELLS: &str = "\
timestamp,latitude,longitude,locationAccuracy,altitude,altitudeAccuracy,locationAge,speed,pressure,cellId,radioType,mcc,mnc,lac,psc,signalStrength,asu,arfcn,cellScanAge
1718632917000,60.1698557,24.9383791,12.5,17.2,3,450,1.25,1013.2,64729200248,nr,244,05,11259375,301,-95,61,630000,-12
1718632917000,60.1698557,24.9383791,12.5,17.2,3,450,1.25,1013.2,,lte,244,05,,12,-101,,1300,20";
const NEO_BEACONS: &str = "\
timestamp,latitude,longitude,locationAccuracy,locationAge,speed,macAddress,bluetoothScanAge,signalStrength
1718632917000,60.1698557,24.9383791,12.5,450,1.25,c4:11:04:00:00:05,80,-88";

/// The columns of the export of Tower Collector.
const TOWER: &str = r#"mcc,mnc,lac,cell_id,psc,asu,dbm,ta,lat,lon,accuracy,speed,bearing,altitude,measured_at,net_type,neighboring,device
260,2,45070,26511110,72,31,-85,3,52.22967560,21.01222870,8,0.5,90,113.2,"2014-07-17T15:00:28.123Z",LTE,false,"Motorola XT1032"
260,2,45070,133211910,,,-91,,52.22967560,21.01222870,0,0,0,0,"2014-07-17T15:00:28.123Z",UMTS,true,"Motorola XT1032"
,1,45070,5,,,,,52.22967560,21.01222870,8,0,0,0,"2014-07-17T15:00:28.123Z",CDMA,false,"x""#;

/// The same row in the form that it uploads to OpenCelliD.
const TOWER_UPLOAD: &str = r#"lat,lon,mcc,mnc,sid,lac,tac,nid,cellid,bid,psc,pci,signal,ta,measured_at,rating,speed,direction,act,devn
52.22967560,21.01222870,260,2,,,45070,,26511110,,,72,31,3,"2014-07-17 15:00:28.123Z",8,1,90,LTE,"Motorola XT1032""#;

/// Cells and access points as microG exports them.
const MICROG_CELLS: &str = "\
mcc,mnc,type,lac,cid,psc,lat,lon,alt
262,2,3,5126,26385419,0,52.5200066,13.404954,34.5
262,2,LTE,5126,26385420,17,52.5200066,13.404954,
262,2,0,5126,5,0,52.5200066,13.404954,
262,2,9,5126,5,0,52.5200066,13.404954,";
const MICROG_WIFIS: &str = "mac,lat,lon,alt\na82066000011,52.5200066,13.404954,";

fn cells(line: &str) -> Vec<Cow<'_, str>> {
    // Good enough for samples without commas inside of quotes.
    line.split(',').map(|cell| cell.trim_matches('"').into()).collect()
}

fn open(text: &str) -> (Rows, Form) {
    let header = Header::new(text.lines().next().unwrap().split(','));
    let form = Rows::form(&header).unwrap();
    (Rows::open(form, &header).unwrap(), form)
}

fn read(text: &str) -> Vec<Result<Read, Reason>> {
    let (rows, _) = open(text);
    let read = |line| rows.read(Row::new(&cells(line)), NOW_MS, Regions::shared());
    text.lines().skip(1).map(read).collect()
}

fn seen(text: &str) -> Vec<Sighting> {
    let sighting = |read| match read {
        Ok(Read::Seen(sighting)) => *sighting,
        other => panic!("{other:?}"),
    };
    read(text).into_iter().map(sighting).collect()
}

#[test]
fn every_form_is_known_by_its_header() {
    for (text, form) in [
        (WIGLE_14, Form::Wigle),
        (WIGLE_16, Form::Wigle),
        (NEO_WIFIS, Form::NeoStumbler),
        (NEO_CELLS, Form::NeoStumbler),
        (NEO_BEACONS, Form::NeoStumbler),
        (TOWER, Form::TowerCollector),
        (TOWER_UPLOAD, Form::TowerCollector),
        (MICROG_CELLS, Form::Microg),
        (MICROG_WIFIS, Form::Microg),
    ] {
        assert_eq!(open(text).1, form, "{text}");
    }
    for other in [
        "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal",
        "MAC,SSID,FirstSeen",
        "",
    ] {
        assert_eq!(Rows::form(&Header::new(other.split(','))), None, "{other}");
    }
    let missing = Rows::open(Form::Wigle, &Header::new(["MAC", "Type"])).err();
    assert_eq!(missing, Some(vec!["firstseen", "currentlatitude", "currentlongitude"]));
}

#[test]
fn the_format_of_a_log_is_told_from_its_beginning() {
    let device = format!("\u{feff}WigleWifi-1.4,appRelease=2.53,model=X-37B\r\n{WIGLE_14}");
    for (head, format) in [
        (device.as_str(), Some(Format::Wigle)),
        (WIGLE_16, Some(Format::Wigle)),
        (NEO_CELLS, Some(Format::NeoStumbler)),
        ("PK\u{3}\u{4}\u{14}", Some(Format::NeoStumbler)),
        (TOWER, Some(Format::TowerCollector)),
        (MICROG_CELLS, Some(Format::Microg)),
        (MICROG_WIFIS, Some(Format::Microg)),
        ("{\n\"items\":[\n{}]}", Some(Format::Geosubmit)),
        ("\n {\"items\": [{}, {}]}\n", Some(Format::Geosubmit)),
        ("[{}, {", Some(Format::Geosubmit)),
        ("{\"items\": [{}]}\n{\"items\": [{}", Some(Format::GeosubmitLines)),
        ("\n{\"wifi\": []}\r\n{\"cell\": []}\n", Some(Format::GeosubmitLines)),
        ("mac,lat,lon,max_lat,min_lat,max_lon,min_lon,radius,region", None),
        ("radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated", None),
        ("hello", None),
        ("", None),
    ] {
        let line = head.trim_start_matches('\u{feff}').lines().find(|line| !line.is_empty());
        let line = line.unwrap_or_default().as_bytes();
        assert_eq!(detect(head.as_bytes(), line), format, "{head}");
    }
}

#[test]
fn the_documented_rows_of_wigle_are_read() {
    for text in [WIGLE_14, WIGLE_16] {
        let first = seen(text).into_iter().next().unwrap();
        assert_eq!(first.place.timestamp, Some(1_533_128_907_000));
        let position = &first.place.position;
        assert_eq!((position.lat, position.lon), (Some(37.765_780_28), Some(-123.459_194_39)));
        assert_eq!(position.accuracy, Some(3.216_000_080_108_642_6));
        assert_eq!(position.altitude, Some(67.0));
        let Station::Wifi(wifi) = first.station else { panic!("{first:?}") };
        assert_eq!(wifi.mac.as_deref(), Some("1a:9f:ee:5c:71:c6"));
        assert_eq!((wifi.channel, wifi.signal), (Some(161), Some(-43)));
        assert_eq!(wifi.frequency, (text == WIGLE_16).then_some(5805));
        assert!(matches!(seen(text).pop().unwrap().station, Station::Blue(_)));
    }
    let Station::Cell(cell) = seen(WIGLE_16).remove(1).station else { panic!() };
    let expected = ReportedCell {
        radio: Some("wcdma".into()),
        mcc: Some(310),
        mnc: Some(410),
        lac: Some(56_967),
        cid: Some(4_118_917),
        signal: Some(-81),
        ..ReportedCell::default()
    };
    assert_eq!(cell, expected);
}

#[test]
fn the_order_of_columns_and_unknown_ones_do_not_matter() {
    let turned = |text: &str| {
        let line = |line: &str| {
            let mut cells: Vec<_> = line.split(',').collect();
            cells.insert(1, "more");
            cells.reverse();
            cells.join(",")
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    };
    for text in [WIGLE_14, WIGLE_16, NEO_WIFIS, NEO_CELLS, NEO_BEACONS, TOWER, MICROG_CELLS] {
        assert_eq!(read(&turned(text)), read(text), "{text}");
    }
}

#[test]
fn rows_of_wigle_nothing_can_be_learned_from_say_why() {
    let good = "1a:9f:ee:5c:71:c6,Scampoodle,[ESS],2018-08-01 13:08:27,6,-43,37.76578028,-122.45919439,67,0,WIFI";
    for (from, to, expected) in [
        ("Scampoodle", "", Ok(Read::OptedOut)),
        ("Scampoodle", "Scampoodle_NoMap", Ok(Read::OptedOut)),
        ("Scampoodle", "Scam_optout_poodle", Ok(Read::OptedOut)),
        (",WIFI", ",NFC", Err(Reason::UnknownKind)),
        (",WIFI", ",CDMA", Err(Reason::RadioUnsupported)),
        (",WIFI", ",", Err(Reason::MissingValue)),
        (",WIFI", "", Err(Reason::ShortRow)),
        (",WIFI", ",WIFI,x", Err(Reason::LongRow)),
        ("1a:9f:ee:5c:71:c6", "1a:9f:ee:5c:71", Err(Reason::BadMac)),
        ("1a:9f:ee:5c:71:c6", "00:00:00:00:00:00", Err(Reason::BadMac)),
        (",WIFI", ",LTE", Err(Reason::BadCell)),
        ("37.76578028", "", Err(Reason::MissingValue)),
        ("37.76578028,-122.45919439", "0,0", Err(Reason::NoPosition)),
        ("37.76578028", "NaN", Err(Reason::MissingValue)),
        ("37.76578028", "91", Err(Reason::BadPosition)),
        ("2018-08-01 13:08:27", "1970-01-01 00:00:00", Err(Reason::BadTime)),
        ("2018-08-01 13:08:27", "2026-01-03 13:08:27", Err(Reason::FutureTime)),
        ("2018-08-01 13:08:27", "yesterday", Err(Reason::BadTime)),
    ] {
        assert!(good.contains(from));
        let text = format!("{}\n{}", WIGLE_14.lines().next().unwrap(), good.replace(from, to));
        assert_eq!(read(&text), [expected], "{from} -> {to}");
    }
    // An accuracy of 0 is not known, a time zone ahead of UTC no mistake, and a comma too many at the
    // end no column.
    let text = format!("{}\n{good},\n", WIGLE_14.lines().next().unwrap())
        .replace("2018-08-01 13:08:27", "2026-01-01 13:59:00");
    let sighting = seen(&text).remove(0);
    assert_eq!(sighting.place.position.accuracy, None);
    assert_eq!(sighting.place.timestamp, Some(1_767_275_940_000));
}

#[test]
fn cells_of_wigle_are_taken_apart() {
    let key = |key: &str, kind: &str| {
        let row = format!("{key},x,{kind},2018-08-01 13:08:27,99,-71,52.5,13.4,34,9,{kind}");
        let read = read(&format!("{}\n{row}", WIGLE_14.lines().next().unwrap())).remove(0);
        match read {
            Ok(Read::Seen(sighting)) => match sighting.station {
                Station::Cell(cell) => cell.key(Regions::shared()),
                _ => None,
            },
            _ => None,
        }
    };
    let parts = |cell: CellKey| {
        let CellKey { area, cid } = cell;
        (area.radio, area.mcc, area.mnc, area.lac, cid)
    };
    for (text, kind, expected) in [
        ("262002_5126_26385419", "LTE", Some((Radio::Lte, 262, 2, 5126, 26_385_419))),
        ("26202_5126_26385419", "LTE", Some((Radio::Lte, 262, 2, 5126, 26_385_419))),
        ("262002_5126_9001", "GSM", Some((Radio::Gsm, 262, 2, 5126, 9001))),
        ("262002_5126_26385419", "GSM", Some((Radio::Wcdma, 262, 2, 5126, 26_385_419))),
        (
            "262002_11259375_64729200248",
            "NR",
            Some((Radio::Nr, 262, 2, 11_259_375, 64_729_200_248)),
        ),
        ("262002_0_26385419", "LTE", None),
        ("262002_5126_2147483647", "LTE", None),
        ("_5126_26385419", "LTE", None),
        ("262002_5126", "LTE", None),
        ("262002_5126_1_1", "LTE", None),
        ("262002_-1_1", "LTE", None),
        ("9990021_5126_1", "LTE", None),
        ("999002_5126_1", "LTE", None),
        ("262002__1", "LTE", None),
    ] {
        assert_eq!(key(text, kind).map(parts), expected, "{text} {kind}");
    }
}

#[test]
fn the_files_of_neo_stumbler_are_read_and_joined() {
    let files = [NEO_BEACONS, NEO_CELLS, NEO_WIFIS];
    let reports: Vec<_> = files
        .into_iter()
        .filter_map(|text| {
            let mut gatherer = Gatherer::default();
            for read in read(text) {
                match read {
                    Ok(Read::Seen(sighting)) => assert_eq!(gatherer.add(*sighting), None),
                    // A neighbour without an identity.
                    other => assert_eq!(other, Err(Reason::BadArea)),
                }
            }
            gatherer.finish()
        })
        .collect();
    let [mut blue, cell, wifi] = <[Report; 3]>::try_from(reports).unwrap();
    let position = wifi.position.clone().unwrap();
    assert_eq!((position.lat, position.lon), (Some(60.169_855_7), Some(24.938_379_1)));
    assert_eq!((position.accuracy, position.age), (Some(12.5), Some(450)));
    assert_eq!((position.speed, position.pressure), (Some(1.25), Some(1013.2)));
    assert_eq!((position.altitude, position.altitude_accuracy), (Some(17.2), Some(3.0)));
    assert_eq!(wifi.timestamp, Some(1_718_632_917_000));
    let expected = ReportedWifi {
        mac: Some("a8:20:66:00:00:11".into()),
        age: Some(1200),
        signal: Some(-61),
        ..ReportedWifi::default()
    };
    assert_eq!(wifi.wifi, [expected]);
    let nr = &cell.cell[0];
    assert_eq!((nr.radio.as_deref(), nr.mnc, nr.lac), (Some("nr"), Some(5), Some(11_259_375)));
    assert_eq!((nr.cid, nr.psc, nr.age), (Some(64_729_200_248), Some(301), Some(-12)));
    assert_eq!((nr.signal, nr.asu), (Some(-95), Some(61)));

    // The first release had no altitude; its rows are from another place then.
    let merged = merge(&mut [Some(blue.clone()), Some(cell.clone()), Some(wifi.clone())]).unwrap();
    assert_eq!(merged.taken, [0]);
    blue.position = wifi.position.clone();
    let mut heads = [Some(blue), Some(cell), Some(wifi)];
    let merged = merge(&mut heads).unwrap();
    assert_eq!(merged.taken, [0, 1, 2]);
    let report = merged.report;
    assert_eq!((report.blue.len(), report.cell.len(), report.wifi.len()), (1, 1, 1));
    assert_eq!(merge(&mut heads), None);
}

#[test]
fn the_earliest_report_comes_first() {
    let at = |timestamp| Report { timestamp: Some(timestamp), ..Report::default() };
    let mut heads = [Some(at(3)), None, Some(at(2)), Some(at(3))];
    assert_eq!(merge(&mut heads), Some(Merged { taken: vec![2], report: at(2) }));
    assert_eq!(merge(&mut heads), Some(Merged { taken: vec![0, 3], report: at(3) }));
    assert_eq!(merge(&mut heads), None);
}

#[test]
fn networks_of_neo_stumbler_that_ask_for_it_are_left_out() {
    for ssid in ["kotiverkko_nomap", "koti_optout_verkko", ""] {
        assert_eq!(read(&NEO_WIFIS.replace("kotiverkko", ssid)), [Ok(Read::OptedOut)], "{ssid}");
    }
}

#[test]
fn both_forms_of_tower_collector_are_read() {
    let mut rows = read(TOWER);
    assert_eq!(rows.pop(), Some(Err(Reason::RadioUnsupported)));
    let sighting = |read: Option<Result<Read, Reason>>| match read {
        Some(Ok(Read::Seen(sighting))) => *sighting,
        other => panic!("{other:?}"),
    };
    let neighbour = sighting(rows.pop());
    assert_eq!(neighbour.place.position.accuracy, None);
    let Station::Cell(cell) = neighbour.station else { panic!() };
    assert_eq!((cell.radio.as_deref(), cell.serving), (Some("wcdma"), Some(0)));
    assert_eq!((cell.signal, cell.asu, cell.psc), (Some(-91), None, None));

    let serving = sighting(rows.pop());
    assert_eq!(serving.place.timestamp, Some(1_405_609_228_123));
    let position = &serving.place.position;
    assert_eq!((position.lat, position.lon), (Some(52.229_675_6), Some(21.012_228_7)));
    assert_eq!((position.accuracy, position.altitude), (Some(8.0), Some(113.2)));
    assert_eq!((position.speed, position.heading), (Some(0.5), Some(90.0)));
    let Station::Cell(cell) = serving.station else { panic!() };
    let expected = ReportedCell {
        radio: Some("lte".into()),
        mcc: Some(260),
        mnc: Some(2),
        lac: Some(45_070),
        cid: Some(26_511_110),
        age: None,
        asu: Some(31),
        psc: Some(72),
        serving: Some(1),
        signal: Some(-85),
        ta: Some(3),
    };
    assert_eq!(cell, expected);

    let upload = seen(TOWER_UPLOAD).remove(0);
    assert_eq!(upload.place.timestamp, Some(1_405_609_228_123));
    assert_eq!(upload.place.position.accuracy, Some(8.0));
    let Station::Cell(cell) = upload.station else { panic!() };
    assert_eq!(cell, ReportedCell { serving: None, signal: None, ..expected });
}

#[test]
fn what_microg_has_learned_counts_as_fused_and_uncertain() {
    let mut rows = read(MICROG_CELLS);
    assert_eq!(rows.split_off(2), [Err(Reason::RadioUnsupported), Err(Reason::RadioUnknown)]);
    for (row, psc) in rows.into_iter().zip([None, Some(17)]) {
        let Ok(Read::Seen(sighting)) = row else { panic!("{row:?}") };
        assert_eq!(sighting.place.timestamp, Some(NOW_MS));
        assert_eq!(sighting.place.position.source, Some(Source::Fused));
        assert_eq!(sighting.place.position.accuracy, Some(1000.0));
        let Station::Cell(cell) = sighting.station else { panic!() };
        assert_eq!((cell.radio.as_deref(), cell.lac, cell.psc), (Some("lte"), Some(5126), psc));
    }
    let sighting = seen(MICROG_WIFIS).remove(0);
    assert_eq!(sighting.place.position.accuracy, Some(100.0));
    let Station::Wifi(wifi) = sighting.station else { panic!() };
    assert_eq!(wifi.mac.as_deref(), Some("a82066000011"));
}

#[test]
fn sightings_of_one_place_and_moment_are_one_report() {
    let all = seen(WIGLE_16);
    let mut other = all[0].clone();
    other.place.timestamp = Some(1_533_128_908_000);
    let mut gatherer = Gatherer::default();
    let given: Vec<_> = [all[0].clone(), all[0].clone(), other, all[1].clone()]
        .into_iter()
        .filter_map(|sighting| gatherer.add(sighting))
        .collect();
    let counts: Vec<_> = given.iter().map(|report| report.wifi.len()).collect();
    assert_eq!(counts, [2, 1]);
    let last = gatherer.finish().unwrap();
    assert_eq!((last.cell.len(), last.wifi.len()), (1, 0));
    assert_eq!(last.timestamp, all[1].place.timestamp);
    assert_eq!(gatherer.finish(), None);

    let mut gatherer = Gatherer::default();
    let sizes: Vec<_> = std::iter::repeat_n(all[0].clone(), 1001)
        .filter_map(|sighting| gatherer.add(sighting))
        .map(|report| report.wifi.len())
        .collect();
    assert_eq!(sizes, [500, 500]);
    assert_eq!(gatherer.finish().unwrap().wifi.len(), 1);
}

#[test]
fn of_a_whole_report_only_what_can_be_learned_from_stays() {
    let sighting = seen(WIGLE_16).remove(0);
    let mut gatherer = Gatherer::default();
    gatherer.add(sighting);
    let good = gatherer.finish().unwrap();
    let checked = |report: &Report| checked_report(report.clone(), NOW_MS, Regions::shared());
    assert_eq!(checked(&good), Ok(good.clone()));
    let mut odd = good.clone();
    odd.wifi.push(ReportedWifi { mac: Some("x".into()), ..ReportedWifi::default() });
    odd.cell.push(ReportedCell::default());
    assert_eq!(checked(&odd), Ok(good.clone()));
    odd.wifi.remove(0);
    assert_eq!(checked(&odd), Err(Reason::NoStation));
    assert_eq!(checked(&Report { wifi: vec![], ..good.clone() }), Err(Reason::NoStation));
    assert_eq!(checked(&Report { position: None, ..good.clone() }), Err(Reason::MissingValue));
    assert_eq!(checked(&Report { timestamp: Some(1), ..good }), Err(Reason::BadTime));
}

proptest::proptest! {
    #[test]
    fn no_row_makes_a_reader_fall_over(
        cells in proptest::collection::vec("\\PC{0,20}|-?[0-9]{0,20}(\\.[0-9]{0,9})?|[0-9_]{0,20}|WIFI|LTE|nr|3", 0..20),
    ) {
        let cells: Vec<Cow<'_, str>> = cells.into_iter().map(Cow::Owned).collect();
        for text in [WIGLE_14, WIGLE_16, NEO_WIFIS, NEO_CELLS, NEO_BEACONS, TOWER, MICROG_CELLS, MICROG_WIFIS] {
            let (rows, _) = open(text);
            let width = text.lines().next().unwrap().split(',').count();
            let _ = rows.read(Row::new(&cells), NOW_MS, Regions::shared());
            let fitting: Vec<_> = cells.iter().cloned().cycle().take(width).collect();
            if let Ok(Read::Seen(sighting)) = rows.read(Row::new(&fitting), NOW_MS, Regions::shared()) {
                let mut gatherer = Gatherer::default();
                gatherer.add(*sighting);
                let report = gatherer.finish().unwrap();
                proptest::prop_assert_eq!(report.observations(Regions::shared()).observations.len(), 1);
            }
        }
    }
}
