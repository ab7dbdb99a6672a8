//! Whatever is read as a dump ends: with everything it says of itself, or with what is wrong. A dump in
//! which one bit was turned, or that was cut off, is never read as whole with other rows.
#![no_main]

use ichnaea_server::backup::{Event, FORMAT, Header, Reader, VERSION, Writer};
use ichnaea_store::{Column, Kind, Value};
use libfuzzer_sys::fuzz_target;

/// The values of one row, of each kind one.
type Input<'a> = (i64, Option<u64>, f64, &'a str, &'a [u8], u32);

/// Tables and their rows.
type Content = Vec<(String, Vec<Column>, Vec<Vec<Value>>)>;

/// Seconds of the years 1970 to 9999, which is what both databases know.
const SECONDS: i64 = 253_402_300_800;

fn read(bytes: &[u8]) -> Option<Content> {
    let mut reader = Reader::begin(bytes).ok()?;
    assert_eq!((reader.header().format.as_str(), reader.header().version), (FORMAT, VERSION));
    let mut content = Content::new();
    loop {
        match reader.read() {
            Err(damage) => {
                assert!(!damage.to_string().is_empty());
                return None;
            }
            Ok(Some(Event::Table(head, columns))) => {
                assert_eq!(head.columns.len(), columns.len());
                content.push((head.table, columns, Vec::new()));
            }
            Ok(Some(Event::Rows(rows))) => {
                assert!(!rows.is_empty());
                let (_, columns, all) = content.last_mut().expect("rows are in a table");
                for row in rows {
                    assert_eq!(row.values.len(), columns.len());
                    all.push(row.values);
                }
            }
            Ok(Some(Event::End(end))) => {
                let (_, _, rows) = content.last().expect("a table ends");
                assert_eq!(rows.len() as u64, end.rows);
            }
            Ok(Some(Event::Done(trailer))) => {
                assert_eq!(content.len() as u64, trailer.tables);
                let rows: usize = content.iter().map(|(_, _, rows)| rows.len()).sum();
                assert_eq!(rows as u64, trailer.total_rows);
                assert_eq!(reader.read().expect("nothing follows"), None);
                return Some(content);
            }
            Ok(None) => panic!("it ends without its last line"),
        }
    }
}

fn row(input: &Input<'_>) -> Vec<Value> {
    let &(number, large, real, text, bytes, time) = input;
    let seconds = i64::from(time).wrapping_mul(60).rem_euclid(SECONDS);
    let time = chrono::DateTime::from_timestamp(seconds, 0).expect("a time").naive_utc();
    vec![
        Value::Int(number),
        // What fits the smaller kind is read as that.
        large.map_or(Value::Null, |large| Value::Uint(large | 1 << 63)),
        if real.is_finite() { Value::Real(real + 0.0) } else { Value::Null },
        Value::Text(text.to_owned()),
        Value::Bytes(bytes.to_vec()),
        Value::Date(time.date()),
        Value::DateTime(time),
    ]
}

fn made(name: &str, rows: &[Vec<Value>]) -> Vec<u8> {
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        release: "0".to_owned(),
        made: "2026-01-31T12:00:00Z".to_owned(),
        source: "fuzz".to_owned(),
        schema: Vec::new(),
        without: Vec::new(),
    };
    let kinds =
        [Kind::Integer, Kind::Integer, Kind::Real, Kind::Text, Kind::Bytes, Kind::Date, Kind::Time];
    let columns = kinds.map(|kind| Column { name: kind.name().to_owned(), kind });
    let mut writer = Writer::begin(Vec::new(), &header).expect("memory");
    writer.table(name, &columns).expect("memory");
    for row in rows {
        writer.row(row).expect("memory");
    }
    writer.table("empty", &columns[..1]).expect("memory");
    writer.end().expect("memory").1
}

fuzz_target!(|input: (u16, u8, bool, &str, Vec<Input<'_>>, &[u8])| {
    let (place, bit, is_cut, name, rows, bytes) = input;
    let _ = read(bytes);

    let rows: Vec<_> = rows.iter().take(8).map(row).collect();
    let packed = made(name, &rows);
    let whole = read(&packed).expect("what was written is read");
    assert_eq!(whole.len(), 2);
    assert_eq!((&whole[0].0[..], &whole[0].2), (name, &rows));
    let plain = zstd::decode_all(&packed[..]).expect("what was packed is unpacked");
    assert_eq!(read(&plain).as_ref(), Some(&whole));
    for mut changed in [packed, plain] {
        let place = usize::from(place) % changed.len();
        if is_cut {
            changed.truncate(place);
            assert_eq!(read(&changed), None, "cut off at {place}");
        } else {
            changed[place] ^= 1 << (bit % 8);
            let read = read(&changed);
            assert!(read.is_none() || read.as_ref() == Some(&whole), "byte {place}: {read:?}");
        }
    }
});
