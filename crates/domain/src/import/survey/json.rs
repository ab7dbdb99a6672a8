//! Finds the reports in JSON of any length, without holding more than one of them.
//!
//! Understood are the bodies of the submit API (`{"items": [ … ]}`), a list of reports, single
//! reports, and any number of these one after the other. With JSON lines every line is for itself,
//! so that a broken one does not take its neighbours along. Whether a report is valid JSON is found
//! out by whoever reads it; here only brackets and texts are followed.

/// Most bytes of one report: the largest body the submit API takes is not larger.
const MAX_LEN: usize = 8 << 20;
/// The member that holds the reports of a body.
const ITEMS: &[u8] = b"items";
/// What some programs write before everything else.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A report, or what stands in the place of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its text; `None` when it is longer than any report.
    pub text: Option<&'a [u8]>,
}

/// Splits JSON that comes piece by piece.
#[derive(Debug)]
pub struct Splitter {
    has_lines: bool,
    mode: Mode,
    line: u64,
    /// Open brackets of the value that is being followed.
    depth: usize,
    text: Text,
    /// The last text directly in an object of which it is not known yet what it is.
    name: Vec<u8>,
    /// That text is followed by a colon and nothing else so far.
    is_named: bool,
    item: Vec<u8>,
    item_line: u64,
    is_long: bool,
}

/// Where in a text the splitter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    /// Not in one.
    None,
    /// Between its quotes.
    Inside,
    /// After a backslash.
    Escaped,
}

/// Where in the document the splitter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Between values.
    Outside,
    /// In an object that is a report, unless it turns out to hold reports.
    Object,
    /// In a list of reports, between two of them; `true` when an object is around it.
    List(bool),
    /// In an element of such a list.
    Element(bool),
    /// In the rest of an object whose reports were found.
    Rest,
    /// In something that is no JSON, up to the end of the line.
    Noise,
}

impl Splitter {
    /// Splits a document; with `has_lines`, lines that are documents of their own.
    #[must_use]
    pub const fn new(has_lines: bool) -> Self {
        Self {
            has_lines,
            mode: Mode::Outside,
            line: 1,
            depth: 0,
            text: Text::None,
            name: Vec::new(),
            is_named: false,
            item: Vec::new(),
            item_line: 1,
            is_long: false,
        }
    }

    /// Takes the next piece and gives away every report that ends in it.
    pub fn feed(&mut self, piece: &[u8], found: &mut impl FnMut(Item<'_>)) {
        for &byte in piece {
            if byte == b'\n' && self.has_lines {
                self.end(found);
            } else {
                self.step(byte, found);
            }
            self.line += u64::from(byte == b'\n');
        }
    }

    /// Ends the document, or the line. What is not complete is given away as it is.
    pub fn end(&mut self, found: &mut impl FnMut(Item<'_>)) {
        if matches!(self.mode, Mode::Object | Mode::Element(_) | Mode::Noise) {
            self.give(found);
        }
        self.mode = Mode::Outside;
        self.depth = 0;
        self.text = Text::None;
    }

    fn step(&mut self, byte: u8, found: &mut impl FnMut(Item<'_>)) {
        match self.mode {
            Mode::Outside => match byte {
                b'{' => self.begin(Mode::Object, byte),
                b'[' => self.mode = Mode::List(false),
                b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
                other => self.begin(Mode::Noise, other),
            },
            Mode::Noise if byte == b'\n' => {
                self.give(found);
                self.mode = Mode::Outside;
            }
            Mode::Noise => {
                self.keep(byte);
                if self.item == BYTE_ORDER_MARK {
                    self.mode = Mode::Outside;
                }
            }
            Mode::List(in_object) => match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
                b']' if in_object => {
                    self.mode = Mode::Rest;
                    self.depth = 1;
                }
                b']' => self.mode = Mode::Outside,
                other => self.begin(Mode::Element(in_object), other),
            },
            Mode::Element(in_object) => {
                // A plain value has no bracket that would end it.
                let ends_before =
                    self.depth == 0 && self.text == Text::None && matches!(byte, b',' | b']');
                if ends_before {
                    self.give(found);
                    self.mode = Mode::List(in_object);
                    return self.step(byte, found);
                }
                self.keep(byte);
                let was_open = self.depth > 0;
                self.follow(byte);
                if was_open && self.depth == 0 {
                    self.give(found);
                    self.mode = Mode::List(in_object);
                }
            }
            Mode::Object => {
                self.keep(byte);
                if self.is_list_of_items(byte) {
                    self.clear();
                    self.mode = Mode::List(true);
                    return;
                }
                self.follow(byte);
                if self.depth == 0 {
                    self.give(found);
                    self.mode = Mode::Outside;
                }
            }
            Mode::Rest => {
                self.follow(byte);
                if self.depth == 0 {
                    self.mode = Mode::Outside;
                }
            }
        }
    }

    fn begin(&mut self, mode: Mode, byte: u8) {
        self.clear();
        self.mode = mode;
        self.item_line = self.line;
        self.depth = 0;
        self.text = Text::None;
        self.keep(byte);
        self.follow(byte);
    }

    /// Follows texts and brackets.
    fn follow(&mut self, byte: u8) {
        match (self.text, byte) {
            (Text::Escaped, _) | (Text::None, b'"') => self.text = Text::Inside,
            (Text::Inside, b'\\') => self.text = Text::Escaped,
            (Text::Inside, b'"') => self.text = Text::None,
            (Text::None, b'{' | b'[') => self.depth += 1,
            (Text::None, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
            (Text::None | Text::Inside, _) => {}
        }
    }

    /// Does this byte, in an object, begin the list of its member `items`?
    fn is_list_of_items(&mut self, byte: u8) -> bool {
        if self.depth != 1 {
            self.is_named = false;
            return false;
        }
        match byte {
            b'"' if self.text == Text::None => {
                self.name.clear();
                self.is_named = false;
            }
            _ if self.text != Text::None => {
                if self.name.len() <= ITEMS.len() && byte != b'"' {
                    self.name.push(byte);
                }
            }
            b':' => self.is_named = true,
            b'[' => return self.is_named && self.name == ITEMS,
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.is_named = false,
        }
        false
    }

    fn keep(&mut self, byte: u8) {
        if self.item.len() < MAX_LEN {
            self.item.push(byte);
        } else {
            self.is_long = true;
        }
    }

    fn give(&mut self, found: &mut impl FnMut(Item<'_>)) {
        let text = (!self.is_long).then_some(self.item.as_slice());
        found(Item { line: self.item_line, text });
        self.clear();
    }

    fn clear(&mut self) {
        self.item.clear();
        self.name.clear();
        self.is_named = false;
        self.is_long = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(has_lines: bool, text: &str, piece: usize) -> Vec<(u64, String)> {
        let mut splitter = Splitter::new(has_lines);
        let mut items = Vec::new();
        let mut found = |item: Item<'_>| {
            let text = item.text.map_or("too long".into(), String::from_utf8_lossy).into_owned();
            items.push((item.line, text));
        };
        for piece in text.as_bytes().chunks(piece.max(1)) {
            splitter.feed(piece, &mut found);
        }
        splitter.end(&mut found);
        items
    }

    fn texts(has_lines: bool, text: &str) -> Vec<String> {
        let whole = split(has_lines, text, usize::MAX);
        assert_eq!(split(has_lines, text, 1), whole, "{text}");
        whole.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn reports_are_found_in_every_shape() {
        for (document, expected) in [
            (r#"{"items": [{"a": 1}, {"b": "]}{"}]}"#, &[r#"{"a": 1}"#, r#"{"b": "]}{"}"#][..]),
            ("{\n\"items\":[\n{\"a\":1},\n{\"b\":{}}\n]\n}", &[r#"{"a":1}"#, r#"{"b":{}}"#]),
            (r#"{"x": {"items": [1]}, "y": ["items"], "items": [{}], "z": [{}]}"#, &["{}"]),
            (r#"{"items" : [ ] }{"items": [{"q": "\"]"}]}"#, &[r#"{"q": "\"]"}"#]),
            (r#"[{"a": 1}, {"b": 2}]"#, &[r#"{"a": 1}"#, r#"{"b": 2}"#]),
            ("{\"wifi\": []}\n{\"cell\": [{}]}", &[r#"{"wifi": []}"#, r#"{"cell": [{}]}"#]),
            (r#"{"items": 5, "a": []}"#, &[r#"{"items": 5, "a": []}"#]),
            (r#"{"a": "items", "b": [1]}"#, &[r#"{"a": "items", "b": [1]}"#]),
            (r#"{"items": [1, "a,b", [2], null]}"#, &["1", r#""a,b""#, "[2]", "null"]),
            ("\u{feff}{\"items\": [{}]}", &["{}"]),
            (r#"{"items": [{"a": 1}, {"b": "#, &[r#"{"a": 1}"#, r#"{"b": "#]),
            ("MAC,SSID\n{}", &["MAC,SSID", "{}"]),
            ("", &[]),
        ] {
            assert_eq!(texts(false, document), expected, "{document}");
        }
    }

    #[test]
    fn a_broken_line_costs_only_itself() {
        let lines =
            "{\"a\": 1}\n{\"b\": \n\n{\"items\": [{\"c\": 1}, {\"d\": 2}]}\nnothing\n{\"e\": 1}";
        let items = split(true, lines, usize::MAX);
        let expected = [
            (1, r#"{"a": 1}"#),
            (2, r#"{"b": "#),
            (4, r#"{"c": 1}"#),
            (4, r#"{"d": 2}"#),
            (5, "nothing"),
            (6, r#"{"e": 1}"#),
        ];
        let expected = expected.map(|(line, text)| (line, text.to_owned()));
        assert_eq!(items, expected);
    }

    #[test]
    fn a_report_without_end_is_not_kept() {
        let long = format!("{{\"items\": [{{\"a\": \"{}\"}}, {{}}]}}", "x".repeat(MAX_LEN));
        assert_eq!(split(false, &long, 1 << 16), [(1, "too long".into()), (1, "{}".into())]);
    }

    proptest::proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[\\[\\]{}\",:items\\\\ \n]{0,60}", piece in 1_usize..7) {
            for has_lines in [false, true] {
                proptest::prop_assert_eq!(
                    split(has_lines, &text, piece), split(has_lines, &text, usize::MAX)
                );
            }
        }
    }
}
