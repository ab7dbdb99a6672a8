//! Rows of files of cells, good and damaged.

use proptest::prelude::*;

use super::*;

const GOOD: &str = "GSM,234,30,5,6,7,-1.2577,51.752,1200,9,1,1500000000,1600000000,";

fn reader() -> Reader {
    Reader::new(Rules { newest_s: 1_764_100_000, empty_unit_is_zero: false }, Regions::shared())
}

fn read(line: &str) -> Result<CellRow, Reason> {
    reader().row(line.as_bytes())
}

fn key(radio: Radio, mcc: u16, mnc: u16, lac: u32, cid: u64) -> CellKey {
    CellKey { area: AreaKey { radio, mcc, mnc, lac }, cid }
}

#[test]
fn a_row_says_where_a_cell_is() {
    let expected = CellRow {
        key: key(Radio::Gsm, 234, 30, 5, 6),
        lat: 51.752,
        lon: -1.2577,
        radius_m: Some(1200),
        samples: Some(9),
        psc: Some(7),
        created_s: Some(1_500_000_000),
        modified_s: 1_600_000_000,
    };
    assert_eq!(read(GOOD), Ok(expected));
    // With quotes, spaces, one field less, or numbers as other programs write them.
    for line in [
        "\"GSM\",\"234\",30,5,6,7,-1.2577,51.752,1200,9,1,1500000000,1600000000,\"\"",
        " gsm ,234, 30,5,6,7,-1.2577,51.752,1200,9,1,1500000000,1600000000",
        "GSM,234.0,030,5.0,6,7,-1.2577e0,+51.752,1200.0,9,1,1.5e9,1600000000,-71",
    ] {
        assert_eq!(read(line), Ok(expected), "{line}");
    }
}

#[test]
fn the_words_of_all_services_for_a_radio_type_are_known() {
    for (word, expected) in [
        ("GSM", Ok(Radio::Gsm)),
        ("UMTS", Ok(Radio::Wcdma)),
        ("wcdma", Ok(Radio::Wcdma)),
        ("Lte", Ok(Radio::Lte)),
        ("NR", Ok(Radio::Nr)),
        ("5G", Ok(Radio::Nr)),
        ("5G-NR", Ok(Radio::Nr)),
        ("CDMA", Err(Reason::RadioUnsupported)),
        ("NB-IoT", Err(Reason::RadioUnsupported)),
        ("NBIOT", Err(Reason::RadioUnsupported)),
        ("", Err(Reason::RadioMissing)),
        ("0", Err(Reason::RadioUnknown)),
        ("WIFI", Err(Reason::RadioUnknown)),
        ("a word that is much too long", Err(Reason::RadioUnknown)),
    ] {
        let row = read(&GOOD.replace("GSM", word));
        assert_eq!(row.map(|row| row.key.area.radio), expected, "{word}");
    }
}

#[test]
fn every_damage_has_its_reason() {
    for (from, to, reason) in [
        ("234,", ",", Reason::MissingValue),
        ("234,", "901,", Reason::UnknownMcc),
        ("234,", "0,", Reason::UnknownMcc),
        ("234,", "70000,", Reason::UnknownMcc),
        ("234,", "UK,", Reason::BadNumber),
        (",30,", ",1000,", Reason::BadMnc),
        (",30,", ",-1,", Reason::BadMnc),
        (",5,6,", ",0,6,", Reason::BadArea),
        (",5,6,", ",65534,6,", Reason::BadArea),
        (",5,6,", ",65535,6,", Reason::BadArea),
        (",5,6,", ",-1,6,", Reason::BadArea),
        (",5,6,", ",5,0,", Reason::BadCell),
        (",5,6,", ",5,268435456,", Reason::BadCell),
        (",5,6,", ",5,99999999999999999999,", Reason::BadNumber),
        (",7,", ",x,", Reason::BadNumber),
        ("51.752", "x", Reason::BadNumber),
        ("51.752", "nan", Reason::BadNumber),
        ("51.752", "", Reason::MissingValue),
        ("51.752", "85.1", Reason::BadPosition),
        ("-1.2577", "180.1", Reason::BadPosition),
        // Swapped.
        ("-1.2577,51.752", "51.752,-100.2577", Reason::BadPosition),
        ("-1.2577,51.752", "0,0.0", Reason::NoPosition),
        ("1200", "-1", Reason::BadRange),
        (",9,", ",-9,", Reason::BadSamples),
        ("1600000000", "", Reason::BadTime),
        ("1600000000", "0", Reason::BadTime),
        ("1600000000", "-1", Reason::BadTime),
        ("1600000000", "1764100001", Reason::FutureTime),
        ("1600000000", "1600000000000", Reason::FutureTime),
        (",1600000000,", "", Reason::ShortRow),
        ("1600000000,", "1600000000,,x", Reason::LongRow),
        ("GSM", "\"GSM", Reason::Quoting),
        ("GSM", "G\0SM", Reason::Encoding),
    ] {
        let line = GOOD.replacen(from, to, 1);
        assert_ne!(line, GOOD, "{from}");
        assert_eq!(read(&line).err(), Some(reason), "{line}");
    }
    assert_eq!(reader().row(b"GSM\xff,234").err(), Some(Reason::Encoding));
    assert_eq!(read("").err(), Some(Reason::ShortRow));
    assert_eq!(read(HEADER).err(), Some(Reason::RepeatedHeader));
}

#[test]
fn numbers_at_the_limits_are_taken() {
    for (line, expected) in [
        (
            "GSM,234,30,65533,65535,,1,51,1,1,1,,1600000000,",
            key(Radio::Gsm, 234, 30, 65_533, 65_535),
        ),
        // A phone that says GSM with a longer identity is on WCDMA.
        ("GSM,234,30,5,65536,,1,51,1,1,1,,1600000000,", key(Radio::Wcdma, 234, 30, 5, 65_536)),
        ("LTE,310,0,1,268435455,,1,51,1,1,1,,1600000000,", key(Radio::Lte, 310, 0, 1, 268_435_455)),
        (
            "NR,262,2,16777213,68719476735,,1,51,1,1,1,,1600000000,",
            key(Radio::Nr, 262, 2, 16_777_213, 68_719_476_735),
        ),
    ] {
        assert_eq!(read(line).map(|row| row.key), Ok(expected), "{line}");
    }
    assert_eq!(read("NR,262,2,16777214,1,,1,51,1,1,1,,1600000000,").err(), Some(Reason::BadArea));
}

#[test]
fn what_a_row_can_do_without_is_left_out_or_cut() {
    assert_eq!(read("LTE").err(), Some(Reason::ShortRow));
    let row = read("LTE,234,30,5,6,504,1,51,200000,5000000000,1,1,1600000000,").unwrap();
    assert_eq!((row.psc, row.radius_m, row.samples), (None, Some(100_000), Some(u32::MAX)));
    assert_eq!(row.created_s, None);
    let row = read("LTE,234,30,5,6,-1,1,51,,,1,,1600000000,").unwrap();
    assert_eq!((row.psc, row.radius_m, row.samples), (None, None, None));
    // As the original has it.
    let rules = Rules { newest_s: i64::MAX, empty_unit_is_zero: true };
    let row = Reader::new(rules, Regions::shared()).row(b"LTE,234,30,5,6,,1,51,0,1,1,,1900000000,");
    assert_eq!(row.map(|row| row.psc), Ok(Some(0)));
}

#[test]
fn columns_are_found_by_their_names() {
    let mut reader = reader();
    assert!(reader.header(b"cid,LAC,mnc,mcc,Radio,latitude,longitude,modified"));
    let row = reader.row(b"6,5,30,234,GSM,51.752,-1.2577,1600000000").unwrap();
    assert_eq!((row.key, row.lat), (key(Radio::Gsm, 234, 30, 5, 6), 51.752));
    assert_eq!((row.psc, row.radius_m), (None, None));
    assert_eq!(reader.row(GOOD.as_bytes()).err(), Some(Reason::LongRow));
    assert!(
        !reader.header(b"cid,LAC,mnc,mcc,Radio,latitude,longitude"),
        "nothing says how new a row is"
    );
    assert!(!reader.header(GOOD.as_bytes()));
}

proptest! {
    #[test]
    fn no_line_does_any_harm(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = reader().row(&line);
        let _ = is_header(&line);
        let _ = looks_like_row(&line);
    }

    #[test]
    fn whatever_is_accepted_is_within_the_limits(
        line in "[A-Z5]{0,4},[0-9]{1,3},-?[0-9]{1,4},[0-9]{1,5},[0-9]{1,11},-?[0-9]{0,4},\
                 -?[0-9]{1,3}\\.[0-9]{1,7},-?[0-9]{1,2}\\.[0-9]{1,7},-?[0-9]{0,7},[0-9]{0,11},1,\
                 [0-9]{0,10},1[0-9]{9},"
    ) {
        if let Ok(row) = read(&line) {
            prop_assert!(row.lat.abs() <= geo::MAX_LAT && row.lon.abs() <= geo::MAX_LON);
            prop_assert!(row.key.area.mnc <= 999 && row.radius_m.is_none_or(|radius| radius <= 100_000));
            prop_assert_eq!(CellKey::decode(&row.key.encode()), Some(row.key));
        }
    }
}
