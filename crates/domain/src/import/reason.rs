//! Why a row cannot be used.

/// The closed list of reasons; their names are in summaries and files of rejected rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Bytes that are no text: not UTF-8, or with a zero byte.
    Encoding,
    /// A line of more bytes than any row has.
    LongLine,
    /// A quotation mark without its partner.
    Quoting,
    /// Too few fields.
    ShortRow,
    /// Too many fields.
    LongRow,
    /// The heading once more, as in files that were put together.
    RepeatedHeader,
    /// The end of the file is missing, and with it the end of the row.
    CutOff,
    /// No JSON, or JSON that is no report.
    BadJson,
    /// A kind of station that is not kept: NFC and the like.
    UnknownKind,
    /// A report without any station that can be kept.
    NoStation,
    /// A field that has to be there is empty.
    MissingValue,
    /// Text where a number belongs.
    BadNumber,
    /// No radio type.
    RadioMissing,
    /// A radio type that is not kept: CDMA, NB-IoT.
    RadioUnsupported,
    /// No radio type that exists.
    RadioUnknown,
    /// A mobile country code that no country uses.
    UnknownMcc,
    /// A mobile network code above 999 or below 0.
    BadMnc,
    /// An area code that is reserved (0, 65534, 65535) or too large.
    BadArea,
    /// A cell identity that is reserved (0) or too large.
    BadCell,
    /// An address that no device has.
    BadMac,
    /// A position beyond the edges of the map.
    BadPosition,
    /// Latitude 0, longitude 0: what programs write that know no position.
    NoPosition,
    /// A range that is negative.
    BadRange,
    /// A number of samples that is negative.
    BadSamples,
    /// A time that is missing or long before any of these networks.
    BadTime,
    /// A time that has not come yet.
    FutureTime,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 26] = [
        Self::Encoding,
        Self::LongLine,
        Self::Quoting,
        Self::ShortRow,
        Self::LongRow,
        Self::RepeatedHeader,
        Self::CutOff,
        Self::BadJson,
        Self::UnknownKind,
        Self::NoStation,
        Self::MissingValue,
        Self::BadNumber,
        Self::RadioMissing,
        Self::RadioUnsupported,
        Self::RadioUnknown,
        Self::UnknownMcc,
        Self::BadMnc,
        Self::BadArea,
        Self::BadCell,
        Self::BadMac,
        Self::BadPosition,
        Self::NoPosition,
        Self::BadRange,
        Self::BadSamples,
        Self::BadTime,
        Self::FutureTime,
    ];

    /// The name in summaries and in files of rejected rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::LongLine => "long_line",
            Self::Quoting => "quoting",
            Self::ShortRow => "short_row",
            Self::LongRow => "long_row",
            Self::RepeatedHeader => "repeated_header",
            Self::CutOff => "cut_off",
            Self::BadJson => "bad_json",
            Self::UnknownKind => "unknown_kind",
            Self::NoStation => "no_station",
            Self::MissingValue => "missing_value",
            Self::BadNumber => "bad_number",
            Self::RadioMissing => "radio_missing",
            Self::RadioUnsupported => "radio_unsupported",
            Self::RadioUnknown => "radio_unknown",
            Self::UnknownMcc => "unknown_mcc",
            Self::BadMnc => "bad_mnc",
            Self::BadArea => "bad_area",
            Self::BadCell => "bad_cell",
            Self::BadMac => "bad_mac",
            Self::BadPosition => "bad_position",
            Self::NoPosition => "no_position",
            Self::BadRange => "bad_range",
            Self::BadSamples => "bad_samples",
            Self::BadTime => "bad_time",
            Self::FutureTime => "future_time",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }
}
