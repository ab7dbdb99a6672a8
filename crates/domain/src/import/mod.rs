//! Files of others: which format they have, and what their rows say.
//!
//! Two classes of files come in. *Aggregates* say where stations are, and are merged into the
//! tables; *observations* say what a device saw where, and are learned from like reports. A row that
//! cannot be used is a value with its [`Reason`], never the end of a file.

pub mod cell_csv;
pub mod merge;
mod number;
mod reason;
pub mod survey;
pub mod table_dump;

pub use reason::Reason;

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// The public cell file of the original and of `OpenCelliD`.
    Cells,
    /// A table of cells with all columns, as `ichnaea dump --datatype cell` writes it.
    CellDump,
    /// A table of Wi-Fi access points with all columns.
    WifiDump,
    /// A table of Bluetooth beacons with all columns.
    BlueDump,
    /// A log of `WiGLE`, versions 1.4 and 1.6.
    Wigle,
    /// The zip that NeoStumbler exports, or one of the files in it.
    NeoStumbler,
    /// A log of Tower Collector as CSV.
    TowerCollector,
    /// What microG has learned about cells or access points.
    Microg,
    /// Reports as the submit API takes them, in one JSON document.
    Geosubmit,
    /// The same, every line a document by itself.
    GeosubmitLines,
}

/// What is done with the rows of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// They are merged into the tables of stations.
    Aggregates,
    /// They go through the pipeline as reports.
    Observations,
}

/// What the beginning of a file says about its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detected {
    /// It can be told.
    Format(Format),
    /// A table of addresses: of access points or of beacons, which its columns do not say.
    MacDump,
    /// It is none that is known here.
    Unknown,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 10] = [
        Self::Cells,
        Self::CellDump,
        Self::WifiDump,
        Self::BlueDump,
        Self::Wigle,
        Self::NeoStumbler,
        Self::TowerCollector,
        Self::Microg,
        Self::Geosubmit,
        Self::GeosubmitLines,
    ];

    /// The name on the command line and in the table of imports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cells => "cells",
            Self::CellDump => "cell-dump",
            Self::WifiDump => "wifi-dump",
            Self::BlueDump => "blue-dump",
            Self::Wigle => "wigle",
            Self::NeoStumbler => "neostumbler",
            Self::TowerCollector => "tower-collector",
            Self::Microg => "microg",
            Self::Geosubmit => "geosubmit",
            Self::GeosubmitLines => "geosubmit-lines",
        }
    }

    /// The format with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What is done with its rows.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Cells | Self::CellDump | Self::WifiDump | Self::BlueDump => Class::Aggregates,
            Self::Wigle
            | Self::NeoStumbler
            | Self::TowerCollector
            | Self::Microg
            | Self::Geosubmit
            | Self::GeosubmitLines => Class::Observations,
        }
    }
}

/// The format of a file, from its first bytes: a few lines are enough. `name` is what the file is
/// called; of addresses only that says whose they are.
#[must_use]
pub fn detect(head: &[u8], name: &str) -> Detected {
    let line = first_line(head);
    if let Some(format) = survey::detect(head, line) {
        return Detected::Format(format);
    }
    if let Some(dump) = table_dump::kind_of_header(line) {
        return match dump {
            table_dump::Columns::Cell => Detected::Format(Format::CellDump),
            table_dump::Columns::Mac => of_name(name),
        };
    }
    if cell_csv::is_header(line) || cell_csv::looks_like_row(line) {
        return Detected::Format(Format::Cells);
    }
    Detected::Unknown
}

fn of_name(name: &str) -> Detected {
    let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let is_wifi = name.contains("wifi") || name.contains("wlan");
    let is_blue = name.contains("blue");
    match (is_wifi, is_blue) {
        (true, false) => Detected::Format(Format::WifiDump),
        (false, true) => Detected::Format(Format::BlueDump),
        _ => Detected::MacDump,
    }
}

/// The first line that is not empty, without its end and without a byte order mark.
fn first_line(head: &[u8]) -> &[u8] {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    head.split(|&byte| byte == b'\n' || byte == b'\r')
        .find(|line| !line.trim_ascii().is_empty())
        .unwrap_or_default()
}

/// What some programs put before UTF-8 text.
pub const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_names_of_their_own() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("auto"), None);
    }

    #[test]
    fn the_format_is_told_from_the_first_line() {
        let cells = Detected::Format(Format::Cells);
        for (head, name, expected) in [
            (
                "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\r\n",
                "",
                cells,
            ),
            (
                "\u{feff}radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal",
                "",
                cells,
            ),
            ("\n\nGSM,234,30,5,6,,-1.2577,51.752,1200,7,1,1500000000,1600000000,\n", "", cells),
            ("cell,area,net,mcc,radio,lat,lon,updated\n", "", cells),
            (
                "radio,mcc,mnc,lac,cid,psc,lat,lon,max_lat,min_lat,max_lon,min_lon,radius",
                "x",
                Detected::Format(Format::CellDump),
            ),
            (
                "mac,lat,lon,max_lat,min_lat,max_lon,min_lon,radius,region",
                "/blue/wifi.csv",
                Detected::Format(Format::WifiDump),
            ),
            (
                "mac,lat,lon,max_lat,min_lat,max_lon,min_lon,radius,region",
                "Bluetooth.csv.gz",
                Detected::Format(Format::BlueDump),
            ),
            ("mac,lat,lon,max_lat,min_lat,max_lon,min_lon,radius,region", "-", Detected::MacDump),
            ("hello world", "cells.csv", Detected::Unknown),
            ("", "cells.csv", Detected::Unknown),
        ] {
            assert_eq!(detect(head.as_bytes(), name), expected, "{head}");
        }
    }
}
