//! Writes files of the MaxMind DB format, version 2.0, small ones for tests.
//!
//! The format is a binary search tree over address bits, sixteen zero bytes, a section of values
//! and a metadata map behind a marker. Only what tests need is here: no pointers between values,
//! no signed integers.

use std::collections::HashMap;
use std::net::Ipv6Addr;

/// Marks the start of the metadata.
const METADATA_MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// Zero bytes between the tree and the values.
const SEPARATOR_LEN: usize = 16;

/// A value of the data section.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// UTF-8 text.
    Text(String),
    /// A number of double precision.
    Double(f64),
    /// A number of single precision.
    Float(f32),
    /// An unsigned number of at most 16 bits.
    U16(u16),
    /// An unsigned number of at most 32 bits.
    U32(u32),
    /// An unsigned number of at most 64 bits.
    U64(u64),
    /// Members in their order.
    Map(Vec<(String, Value)>),
    /// Elements in their order.
    Array(Vec<Value>),
}

impl Value {
    /// A text value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// A map from names that are known when the test is compiled.
    #[must_use]
    pub fn map<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Map(members.map(|(name, value)| (name.to_owned(), value)).to_vec())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                control(out, 2, text.len());
                out.extend(text.as_bytes());
            }
            Self::Double(number) => {
                control(out, 3, 8);
                out.extend(number.to_be_bytes());
            }
            Self::Float(number) => {
                control(out, 15, 4);
                out.extend(number.to_be_bytes());
            }
            Self::U16(number) => unsigned(out, 5, &number.to_be_bytes()),
            Self::U32(number) => unsigned(out, 6, &number.to_be_bytes()),
            Self::U64(number) => unsigned(out, 9, &number.to_be_bytes()),
            Self::Map(members) => {
                control(out, 7, members.len());
                for (name, value) in members {
                    Self::text(name).encode(out);
                    value.encode(out);
                }
            }
            Self::Array(elements) => {
                control(out, 11, elements.len());
                for element in elements {
                    element.encode(out);
                }
            }
        }
    }
}

/// Writes the type and the length of a value.
///
/// Types above 7 need a second byte; lengths from 29 on need one to three more.
fn control(out: &mut Vec<u8>, kind: u8, len: usize) {
    let (short, rest) = match len {
        0..29 => (low_byte(len), Vec::new()),
        29..285 => (29, vec![low_byte(len - 29)]),
        285..65_821 => (30, (len - 285).to_be_bytes()[6..].to_vec()),
        _ => (31, (len - 65_821).to_be_bytes()[5..].to_vec()),
    };
    if kind > 7 {
        out.extend([short, kind - 7]);
    } else {
        out.push(kind << 5 | short);
    }
    out.extend(rest);
}

fn unsigned(out: &mut Vec<u8>, kind: u8, big_endian: &[u8]) {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    control(out, kind, big_endian.len() - zeros);
    out.extend(&big_endian[zeros..]);
}

fn low_byte(number: usize) -> u8 {
    number.to_be_bytes()[7]
}

/// Bits of an address that name a network, most significant first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    bits: u128,
    len: u8,
}

impl Prefix {
    /// The network of `len` leading bits of `address`.
    #[must_use]
    pub fn v6(address: Ipv6Addr, len: u8) -> Self {
        Self { bits: address.to_bits(), len }
    }

    /// The same network in a tree of IPv4 addresses, if it lies in `::/96`, where a tree of IPv6
    /// addresses keeps the IPv4 ones.
    #[must_use]
    pub fn as_v4(self) -> Option<Self> {
        let is_v4 = self.len >= 96 && self.bits >> 32 == 0;
        is_v4.then(|| Self { bits: self.bits << 96, len: self.len - 96 })
    }

    fn bit(self, depth: u8) -> usize {
        usize::from(self.bits >> (127 - u32::from(depth)) & 1 == 1)
    }
}

/// Which addresses the tree has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVersion {
    /// IPv4 only.
    V4,
    /// IPv6, with the IPv4 addresses in `::/96`.
    V6,
}

/// How wide the records of the tree are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordSize {
    /// 28 bits, as usual for city databases.
    Bits28,
    /// 32 bits.
    Bits32,
}

/// What a file says about itself, and its networks.
#[derive(Clone, Debug)]
pub struct Database {
    /// What readers look at to know the schema, for example `GeoIP2-City`.
    pub database_type: String,
    /// What the file is, in English; some files leave it out.
    pub description: Option<String>,
    /// When it was made, seconds since 1970.
    pub build_epoch: u64,
    /// Which addresses it has.
    pub ip_version: IpVersion,
    /// Width of the records.
    pub record_size: RecordSize,
    /// Networks that do not overlap, with their values.
    pub networks: Vec<(Prefix, Value)>,
    /// Further places of a tree of IPv6 addresses that lead to the IPv4 addresses, for example
    /// `::ffff:0:0/96`.
    pub ipv4_aliases: Vec<Prefix>,
}

/// Where one branch of a node leads.
#[derive(Clone, Copy, Debug)]
enum Branch {
    Nothing,
    Node(usize),
    Value(usize),
}

impl Database {
    /// The content of the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut values: Vec<u8> = Vec::new();
        let mut offsets: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut tree = Tree(vec![[Branch::Nothing; 2]]);
        for (prefix, value) in &self.networks {
            let mut encoded = Vec::new();
            value.encode(&mut encoded);
            let offset = *offsets.entry(encoded).or_insert_with_key(|bytes| {
                let offset = values.len();
                values.extend(bytes);
                offset
            });
            tree.put(*prefix, Branch::Value(offset));
        }
        if !self.ipv4_aliases.is_empty() {
            let ipv4 = tree.node_at(Prefix { bits: 0, len: 96 });
            for alias in &self.ipv4_aliases {
                tree.put(*alias, Branch::Node(ipv4));
            }
        }
        let mut out = tree.encode(self.record_size);
        out.extend([0; SEPARATOR_LEN]);
        out.extend(values);
        out.extend(METADATA_MARKER);
        self.metadata(tree.0.len()).encode(&mut out);
        out
    }

    fn metadata(&self, node_count: usize) -> Value {
        let node_count = u32::try_from(node_count).unwrap_or(u32::MAX);
        let ip_version = match self.ip_version {
            IpVersion::V4 => 4,
            IpVersion::V6 => 6,
        };
        let record_size = match self.record_size {
            RecordSize::Bits28 => 28,
            RecordSize::Bits32 => 32,
        };
        let (mut description, mut languages) = (Vec::new(), Vec::new());
        if let Some(text) = &self.description {
            description.push(("en".to_owned(), Value::text(text)));
            languages.push(Value::text("en"));
        }
        Value::map([
            ("binary_format_major_version", Value::U16(2)),
            ("binary_format_minor_version", Value::U16(0)),
            ("build_epoch", Value::U64(self.build_epoch)),
            ("database_type", Value::text(&self.database_type)),
            ("description", Value::Map(description)),
            ("ip_version", Value::U16(ip_version)),
            ("languages", Value::Array(languages)),
            ("node_count", Value::U32(node_count)),
            ("record_size", Value::U16(record_size)),
        ])
    }
}

/// The search tree; the first node is the root.
struct Tree(Vec<[Branch; 2]>);

impl Tree {
    fn put(&mut self, prefix: Prefix, target: Branch) {
        let parent = self.node_at(Prefix { len: prefix.len - 1, ..prefix });
        self.0[parent][prefix.bit(prefix.len - 1)] = target;
    }

    /// The node that decides the bit after the prefix, made when it is not there.
    fn node_at(&mut self, prefix: Prefix) -> usize {
        let mut at = 0;
        for depth in 0..prefix.len {
            let side = prefix.bit(depth);
            at = match self.0[at][side] {
                Branch::Node(next) => next,
                Branch::Nothing | Branch::Value(_) => {
                    let next = self.0.len();
                    self.0.push([Branch::Nothing; 2]);
                    self.0[at][side] = Branch::Node(next);
                    next
                }
            };
        }
        at
    }

    fn encode(&self, record_size: RecordSize) -> Vec<u8> {
        let count = self.0.len();
        let record = |branch: Branch| {
            let number = match branch {
                Branch::Nothing => count,
                Branch::Node(index) => index,
                Branch::Value(offset) => count + SEPARATOR_LEN + offset,
            };
            u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
        };
        let mut out = Vec::new();
        for [left, right] in &self.0 {
            let (left, right) = (record(*left), record(*right));
            match record_size {
                RecordSize::Bits32 => {
                    out.extend(left);
                    out.extend(right);
                }
                // The byte in the middle holds the upper four bits of both.
                RecordSize::Bits28 => {
                    out.extend(&left[1..]);
                    out.push(left[0] << 4 | right[0] & 0x0f);
                    out.extend(&right[1..]);
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_and_small_numbers_are_read_back() {
        let text = |len: usize| Value::Text("x".repeat(len));
        let value = Value::map([
            ("short", text(28)),
            ("medium", text(29)),
            ("longer", text(284)),
            ("long", text(285)),
            ("huge", text(70_000)),
            ("zero", Value::U32(0)),
            ("single", Value::Float(0.5)),
            ("many", Value::Array((0..40).map(Value::U16).collect())),
        ]);
        let database = Database {
            database_type: "Test".to_owned(),
            description: Some("written by a test".to_owned()),
            build_epoch: 0,
            ip_version: IpVersion::V4,
            record_size: RecordSize::Bits32,
            networks: vec![(Prefix { bits: 10 << 120, len: 8 }, value)],
            ipv4_aliases: Vec::new(),
        };
        let reader = maxminddb::Reader::from_source(database.to_bytes()).unwrap();
        reader.verify().unwrap();
        let read: serde_json::Value =
            reader.lookup("10.1.2.3".parse().unwrap()).unwrap().decode().unwrap().unwrap();
        for (name, len) in
            [("short", 28), ("medium", 29), ("longer", 284), ("long", 285), ("huge", 70_000)]
        {
            assert_eq!(read[name].as_str().unwrap().len(), len, "{name}");
        }
        assert_eq!(read["zero"], 0);
        assert_eq!(read["single"], 0.5);
        assert_eq!(read["many"].as_array().unwrap().len(), 40);
        assert!(!reader.lookup("11.0.0.0".parse().unwrap()).unwrap().has_data());
    }
}
