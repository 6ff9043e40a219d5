//! A writer of small MaxMind DB files (format specification 2.0), for tests only.

use std::net::IpAddr;

/// A value of the data section.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    U16(u16),
    U32(u32),
    U64(u64),
    Map(Vec<(&'static str, Value)>),
    /// Written as it is.
    Raw(Vec<u8>),
}

pub(crate) fn text(value: &str) -> Value {
    Value::Text(value.into())
}

pub(crate) fn map(fields: &[(&'static str, Value)]) -> Value {
    Value::Map(fields.to_vec())
}

impl Value {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Text(text) => {
                head(2, text.len(), out);
                out.extend(text.as_bytes());
            }
            Value::U16(number) => {
                head(5, 2, out);
                out.extend(number.to_be_bytes());
            }
            Value::U32(number) => {
                head(6, 4, out);
                out.extend(number.to_be_bytes());
            }
            Value::U64(number) => {
                head(9, 8, out);
                out.extend(number.to_be_bytes());
            }
            Value::Map(fields) => {
                head(7, fields.len(), out);
                for (name, value) in fields {
                    text(name).write(out);
                    value.write(out);
                }
            }
            Value::Raw(bytes) => out.extend(bytes),
        }
    }
}

/// The control bytes: type in the upper three bits (0: the next byte, less 7), size in the lower five.
fn head(kind: u8, size: usize, out: &mut Vec<u8>) {
    let (short, long) = match size {
        0..29 => (size as u8, None),
        29..285 => (29, Some((size - 29) as u8)),
        _ => panic!("not needed here"),
    };
    out.push(if kind > 7 { short } else { kind << 5 | short });
    if kind > 7 {
        out.push(kind - 7);
    }
    out.extend(long);
}

#[derive(Clone, Copy)]
enum Slot {
    Empty,
    Node(usize),
    Data(usize),
}

pub(crate) struct Options {
    pub(crate) database_type: &'static str,
    pub(crate) build_epoch: u64,
    /// 4 or 6; IPv4 networks stand below `::/96` in a database of version 6.
    pub(crate) ip_version: u16,
    /// 24, 28 or 32 bits.
    pub(crate) record_size: u16,
}

impl Default for Options {
    fn default() -> Options {
        // 2026-06-17T00:00:00Z
        Options { database_type: "test-country", build_epoch: 1_781_654_400, ip_version: 6, record_size: 24 }
    }
}

/// A database of these networks, none inside another.
pub(crate) fn write(options: &Options, networks: &[(&str, Value)]) -> Vec<u8> {
    let mut nodes = vec![[Slot::Empty; 2]];
    let mut data = Vec::new();
    for (network, value) in networks {
        let offset = data.len();
        value.write(&mut data);
        let (address, length) = network.split_once('/').unwrap();
        let length: u32 = length.parse().unwrap();
        let (bits, length) = match address.parse::<IpAddr>().unwrap() {
            IpAddr::V4(a) if options.ip_version == 4 => (u128::from(u32::from(a)) << 96, length),
            IpAddr::V4(a) => (u128::from(u32::from(a)), length + 96),
            IpAddr::V6(a) => (u128::from(a), length),
        };
        let mut node = 0;
        for depth in 0..length {
            let side = (bits >> (127 - depth) & 1) as usize;
            if depth + 1 == length {
                nodes[node][side] = Slot::Data(offset);
                continue;
            }
            node = match nodes[node][side] {
                Slot::Node(next) => next,
                Slot::Empty => {
                    nodes.push([Slot::Empty; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][side] = Slot::Node(next);
                    next
                }
                Slot::Data(_) => panic!("{network} lies inside another"),
            };
        }
    }
    let mut out = Vec::new();
    for node in &nodes {
        let [left, right] = node.map(|slot| match slot {
            Slot::Empty => nodes.len() as u32,
            Slot::Node(next) => next as u32,
            Slot::Data(offset) => (nodes.len() + 16 + offset) as u32,
        });
        match options.record_size {
            24 => {
                out.extend(&left.to_be_bytes()[1..]);
                out.extend(&right.to_be_bytes()[1..]);
            }
            28 => {
                out.extend(&left.to_be_bytes()[1..]);
                out.push((left >> 24 << 4 | right >> 24) as u8);
                out.extend(&right.to_be_bytes()[1..]);
            }
            _ => {
                out.extend(left.to_be_bytes());
                out.extend(right.to_be_bytes());
            }
        }
    }
    out.extend([0; 16]);
    out.extend(&data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    map(&[
        ("binary_format_major_version", Value::U16(2)),
        ("binary_format_minor_version", Value::U16(0)),
        ("build_epoch", Value::U64(options.build_epoch)),
        ("database_type", text(options.database_type)),
        ("description", map(&[("en", text("made by a test"))])),
        ("ip_version", Value::U16(options.ip_version)),
        // An array of no elements: type 11.
        ("languages", Value::Raw(vec![0, 4])),
        ("node_count", Value::U32(nodes.len() as u32)),
        ("record_size", Value::U16(options.record_size)),
    ])
    .write(&mut out);
    out
}
