//! Random requests over few keys, so that they meet. A quarter is broken.

#![expect(clippy::indexing_slicing, reason = "a failure here is a failed test")]

use ipvs_sys::put::{self, Put as _};
use proptest::prelude::*;

/// Stands for the family's number, which differs.
pub(crate) const FAMILY: u16 = 0x7fff;
const GET_SERVICE: u8 = 4;
pub(crate) const DEL_DAEMON: u8 = 10;
const DUMP: u16 = 0x300;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    family: u16,
    flags: u16,
    pub(crate) command: u8,
    attrs: Vec<Attr>,
    /// Bytes behind the attributes.
    rest: Vec<u8>,
}

/// An attribute of any type with any value.
#[derive(Clone, Debug)]
pub(crate) enum Attr {
    Value(u16, Vec<u8>),
    Nest(u16, Vec<Self>),
}

/// What is sent at once, and the buffer that is then offered.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) requests: Vec<Request>,
    pub(crate) buffer: usize,
}

/// A few requests at once.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let buffer = prop::sample::select(vec![4096_usize, 8192, 32_768]);
    (prop::collection::vec(request(), 1..4), buffer).prop_map(|(mut requests, buffer)| {
        // A change behind it would be seen or not by the order of services,
        // which differs.
        if let Some(at) = requests.iter().position(Request::lists_services) {
            requests.truncate(at + 1);
        }
        Step { requests, buffer }
    })
}

fn request() -> impl Strategy<Value = Request> {
    let flags = prop_oneof![
        12 => Just(5_u16),
        4 => Just(1),
        1 => Just(4),
        1 => Just(0),
        1 => Just(0x60d),
    ];
    let usual = prop_oneof![
        6 => (Just(1), full_service()),
        3 => (Just(2), full_service()),
        1 => (Just(3), key_only()),
        2 => (Just(GET_SERVICE), key_only()),
        8 => (Just(5), with_destination(full_destination())),
        4 => (Just(6), with_destination(full_destination())),
        2 => (Just(7), with_destination(full_destination())),
        3 => (Just(9), daemon()),
        2 => (Just(DEL_DAEMON), daemon()),
        2 => (Just(12), timeouts()),
        1 => (Just(16), key_only()),
    ];
    let plain = prop_oneof![Just(13_u8), Just(15), Just(16), Just(17), Just(14), Just(8), Just(11)];
    let plain = plain.prop_map(|command| (command, Vec::new()));
    let other = (any::<u8>(), prop_oneof![full_service(), daemon(), timeouts()]);
    let request = prop_oneof![20 => usual, 2 => plain, 1 => other];
    let one =
        (flags, request).prop_map(|(flags, (command, attrs))| Request::new(command, flags, attrs));
    let listing = prop_oneof![
        3 => (Just(GET_SERVICE), prop_oneof![Just(Vec::new()), key_only()]),
        6 => (Just(8), key_only()),
        2 => (Just(11), Just(Vec::new())),
        1 => (0_u8..20, key_only()),
    ];
    let listing = (prop_oneof![Just(0x301_u16), Just(0x305)], listing)
        .prop_map(|(flags, (command, attrs))| Request::new(command, flags, attrs));
    let family = prop_oneof![30 => Just(FAMILY), 1 => Just(3), 1 => Just(0x7ffe)];
    let rest = prop_oneof![
        20 => Just(Vec::new()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    (prop_oneof![5 => one, 1 => listing], family, rest, mutation()).prop_map(
        |(mut request, family, rest, mutation)| {
            if let Some(mutation) = mutation {
                mutation.apply(&mut request.attrs);
            }
            Request { family, rest, ..request }
        },
    )
}

/// How a request is broken.
#[derive(Clone, Debug)]
struct Mutation {
    at: prop::sample::Index,
    inside: bool,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Drop,
    Twice,
    Shorten(usize),
    Extend(usize),
    Insert(u16, Vec<u8>),
    Flag(u16),
}

fn mutation() -> impl Strategy<Value = Option<Mutation>> {
    let how = prop_oneof![
        2 => Just(How::Drop),
        1 => Just(How::Twice),
        2 => (1_usize..5).prop_map(How::Shorten),
        2 => (1_usize..20).prop_map(How::Extend),
        2 => (0_u16..20, prop::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(kind, value)| How::Insert(kind, value)),
        1 => prop_oneof![Just(0x8000), Just(0x4000)].prop_map(How::Flag),
    ];
    let mutation = (any::<prop::sample::Index>(), prop::bool::weighted(0.8), how)
        .prop_map(|(at, inside, how)| Mutation { at, inside, how });
    prop::option::weighted(0.25, mutation)
}

impl Mutation {
    fn apply(&self, attrs: &mut Vec<Attr>) {
        if attrs.is_empty() {
            if let How::Insert(kind, value) = &self.how {
                attrs.push(bytes(*kind, value));
            }
            return;
        }
        let at = self.at.index(attrs.len());
        if let (Attr::Nest(_, inner), true) = (&mut attrs[at], self.inside) {
            return self.apply(inner);
        }
        match &self.how {
            How::Drop => drop(attrs.remove(at)),
            How::Twice => attrs.push(attrs[at].clone()),
            How::Shorten(by) => {
                if let Some(value) = attrs[at].value_mut() {
                    value.truncate(value.len().saturating_sub(*by));
                }
            }
            How::Extend(by) => {
                if let Some(value) = attrs[at].value_mut() {
                    value.resize(value.len() + by, 0);
                }
            }
            How::Insert(kind, value) => attrs.insert(at, bytes(*kind, value)),
            How::Flag(flag) => {
                let (Attr::Value(kind, _) | Attr::Nest(kind, _)) = &mut attrs[at];
                *kind |= flag;
            }
        }
    }
}

fn key() -> impl Strategy<Value = Vec<Attr>> {
    let tuple = |af, protocol, addr: &[u8], port| {
        vec![u16(1, af), u16(2, protocol), bytes(3, addr), u16_be(4, port)]
    };
    let v6 = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let padded = [10, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    prop_oneof![
        6 => Just(tuple(2, 6, &[10, 0, 0, 1], 80)),
        2 => Just(tuple(2, 6, &padded, 80)),
        2 => Just(tuple(2, 17, &[10, 0, 0, 1], 53)),
        4 => Just(tuple(10, 6, &v6, 80)),
        2 => Just(vec![u16(1, 2), u32(5, 7)]),
        2 => Just(vec![u16(1, 10), u32(5, 7)]),
        1 => Just(vec![u16(1, 2), u32(5, 0)]),
        1 => Just(tuple(2, 6, &[0, 0, 0, 0], 0)),
        1 => Just([tuple(2, 6, &[10, 0, 0, 1], 80), vec![u32(5, 7)]].concat()),
        1 => prop::sample::select(vec![0, 1, 58, 132, 255, 300])
            .prop_map(move |protocol| tuple(2, protocol, &[10, 0, 0, 1], 80)),
        1 => Just(tuple(3, 6, &[10, 0, 0, 1], 80)),
    ]
}

fn key_only() -> impl Strategy<Value = Vec<Attr>> {
    key().prop_map(|key| vec![nest(1, key)])
}

fn full_service() -> impl Strategy<Value = Vec<Attr>> {
    let scheduler = prop_oneof![
        40 => prop::sample::select(vec!["rr", "wrr", "wlc", "none"]),
        2 => prop::sample::select(vec![
            "lc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "twos",
        ]),
        1 => prop::sample::select(vec!["", "absent", "fifteen-letters", "sixteen--letters"]),
    ];
    let flags = prop_oneof![
        6 => (any::<u32>(), prop_oneof![Just(u32::MAX), Just(0), any::<u32>()]).prop_map(
            |(flags, mask)| bytes(7, &[flags.to_ne_bytes(), mask.to_ne_bytes()].concat())
        ),
        6 => (0_u32..64).prop_map(|flags| bytes(7, &[flags.to_ne_bytes(), [255; 4]].concat())),
        1 => any::<u32>().prop_map(|flags| u32(7, flags)),
    ];
    let timeout = prop_oneof![
        Just(0),
        1_u32..1000,
        Just(4_294_967),
        Just(17_179_869),
        Just(17_179_870),
        any::<u32>()
    ];
    let netmask = prop_oneof![
        6 => Just([255; 4]),
        4 => (0_u32..131).prop_map(u32::to_ne_bytes),
        1 => any::<[u8; 4]>(),
    ];
    let engine = prop_oneof![
        8 => Just(None),
        2 => Just(Some("sip")),
        1 => prop::sample::select(vec!["", "pis", "sixteen--letters", "seventeen-letters"])
            .prop_map(Some),
    ];
    (key(), scheduler, flags, timeout, netmask, engine).prop_map(
        |(key, scheduler, flags, timeout, netmask, engine)| {
            // Mostly what the family takes.
            let netmask = match &key[0] {
                Attr::Value(_, af) if af[0] == 10 && netmask == [255; 4] => 64_u32.to_ne_bytes(),
                _ => netmask,
            };
            let mut attrs = key;
            attrs.extend([name(6, scheduler), flags, u32(8, timeout), bytes(9, &netmask)]);
            attrs.extend(engine.map(|engine| name(11, engine)));
            vec![nest(1, attrs)]
        },
    )
}

fn with_destination(
    destination: impl Strategy<Value = Vec<Attr>>,
) -> impl Strategy<Value = Vec<Attr>> {
    (key(), destination).prop_map(|(key, attrs)| vec![nest(1, key), nest(2, attrs)])
}

fn full_destination() -> impl Strategy<Value = Vec<Attr>> {
    let v4 = |addr: [u8; 4]| addr.to_vec();
    let v6 = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec();
    let addr = prop_oneof![
        8 => Just(v4([10, 0, 0, 7])),
        4 => Just(v4([10, 0, 0, 8])),
        6 => Just(v6("2001:db8::7")),
        1 => prop::sample::select(vec![
            v4([0, 0, 0, 0]), v4([255; 4]), v4([224, 0, 0, 1]), v4([127, 255, 255, 255]),
            v4([127, 0, 0, 1]), v4([240, 0, 0, 1]), v4([0, 0, 0, 1]), vec![10],
            v6("::"), v6("::1"), v6("fe80::1"), v6("ff02::1"), v6("::ffff:10.0.0.7"),
            v6("::10.0.0.7"), v6("fec0::1"),
        ]),
    ];
    let port = prop::sample::select(vec![80_u16, 80, 8080, 0]);
    let family = prop_oneof![
        4 => Just(None), 2 => Just(Some(2_u16)), 2 => Just(Some(10)), 1 => Just(Some(0)),
        1 => Just(Some(3)),
    ];
    let forwarding = prop_oneof![6 => 0_u32..4, 2 => Just(2), 1 => any::<u32>()];
    let weight = prop_oneof![
        6 => 0_u32..10, 1 => Just(i32::MAX.unsigned_abs()), 1 => Just(1 << 31), 1 => any::<u32>()
    ];
    let number = || prop_oneof![8 => Just(0_u32), 3 => 0_u32..20, 1 => any::<u32>()];
    let tunnel =
        prop::option::weighted(0.4, (0_u8..5, prop_oneof![Just(0_u16), Just(6080)], any::<u16>()));
    (addr, port, family, forwarding, weight, number(), number(), tunnel).prop_map(
        |(addr, port, family, forwarding, weight, upper, lower, tunnel)| {
            let mut attrs = vec![
                bytes(1, &addr),
                u16_be(2, port),
                u32(3, forwarding),
                u32(4, weight),
                u32(5, upper),
                u32(6, lower),
            ];
            attrs.extend(family.map(|family| u16(11, family)));
            if let Some((kind, port, flags)) = tunnel {
                attrs.extend([u8(13, kind), u16_be(14, port), u16(15, flags)]);
            }
            attrs
        },
    )
}

fn daemon() -> impl Strategy<Value = Vec<Attr>> {
    let state = prop_oneof![4 => Just(1_u32), 4 => Just(2), 1 => 0_u32..5];
    let interface = prop::sample::select(vec!["eth0", "eth0", "eth0", "lan1", ""]);
    let group = prop_oneof![
        4 => Just(None),
        2 => Just(Some(bytes(5, &[239, 1, 2, 3]))),
        1 => Just(Some(bytes(5, &[10, 1, 2, 3]))),
        1 => Just(Some(bytes(6, &[0xfd; 16]))),
    ];
    let number =
        || prop_oneof![3 => Just(None), 1 => Just(Some(0_u16)), 2 => any::<u16>().prop_map(Some)];
    (state, interface, prop_oneof![0_u32..3, any::<u32>()], group, number(), number(), any::<u8>())
        .prop_map(|(state, interface, id, group, len, port, ttl)| {
            let mut attrs = vec![u32(1, state), name(2, interface), u32(3, id), u8(8, ttl)];
            attrs.extend(group);
            attrs.extend(len.map(|len| u16(4, len)));
            attrs.extend(port.map(|port| u16(7, port)));
            vec![nest(3, attrs)]
        })
}

fn timeouts() -> impl Strategy<Value = Vec<Attr>> {
    let seconds = || {
        prop::option::of(prop_oneof![
            6 => 0_u32..5000,
            1 => Just(8_589_934_u32),
            1 => Just(8_589_935),
            1 => any::<u32>(),
        ])
    };
    (seconds(), seconds(), seconds()).prop_map(|(tcp, tcp_fin, udp)| {
        let all = [tcp.map(|n| u32(4, n)), tcp_fin.map(|n| u32(5, n)), udp.map(|n| u32(6, n))];
        all.into_iter().flatten().collect()
    })
}

impl Request {
    pub(crate) fn new(command: u8, flags: u16, attrs: Vec<Attr>) -> Self {
        Self { family: FAMILY, flags, command, attrs, rest: Vec::new() }
    }

    pub(crate) fn lists_services(&self) -> bool {
        self.command == GET_SERVICE && self.flags & DUMP == DUMP
    }

    pub(crate) fn put(&self, family: u16, sequence: u32, out: &mut Vec<u8>) {
        let start = out.len();
        let family = if self.family == FAMILY { family } else { self.family };
        out.put(&[0; 4]);
        out.put(&family.to_ne_bytes());
        out.put(&self.flags.to_ne_bytes());
        out.put(&sequence.to_ne_bytes());
        out.put(&[0; 4]);
        out.put(&[self.command, 1, 0, 0]);
        self.attrs.iter().for_each(|attr| attr.put(out));
        out.put(&self.rest);
        let length = u32::try_from(out.len() - start).unwrap();
        out.patch(start, &length.to_ne_bytes());
        out.resize(out.len().next_multiple_of(4), 0);
    }
}

impl Attr {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Value(kind, value) => put::attr(out, *kind, value),
            Self::Nest(kind, attrs) => {
                put::nest(out, *kind, |out| attrs.iter().for_each(|attr| attr.put(out)));
            }
        }
    }

    fn value_mut(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Value(_, value) => Some(value),
            Self::Nest(..) => None,
        }
    }
}

pub(crate) fn nest(kind: u16, attrs: Vec<Attr>) -> Attr {
    Attr::Nest(kind, attrs)
}

fn bytes(kind: u16, value: &[u8]) -> Attr {
    Attr::Value(kind, value.to_vec())
}

fn u8(kind: u16, number: u8) -> Attr {
    bytes(kind, &[number])
}

fn u16(kind: u16, number: u16) -> Attr {
    bytes(kind, &number.to_ne_bytes())
}

fn u16_be(kind: u16, number: u16) -> Attr {
    bytes(kind, &number.to_be_bytes())
}

pub(crate) fn u32(kind: u16, number: u32) -> Attr {
    bytes(kind, &number.to_ne_bytes())
}

fn name(kind: u16, name: &str) -> Attr {
    bytes(kind, format!("{name}\0").as_bytes())
}
