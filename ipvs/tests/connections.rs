//! The connection table from text: captured, made up and spoiled.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use ipvs::connections::{Connection, LineProblem, Origin, ReadError, Reader, State, Summary};
use ipvs::{Endpoint, Family, Protocol, ServiceKey};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::{self, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

const TITLE: &str =
    "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n";
const ROW: &str = "TCP C0000209 C350 0A000001 0050 C0A80001 1F90 ESTABLISHED     899";

fn read(text: &[u8]) -> Vec<Result<Connection, ReadError>> {
    Reader::new(text).collect()
}

/// Reads a row that must be good.
fn row(text: &str) -> Connection {
    let mut found = read(format!("{TITLE}{text}\n").as_bytes());
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0).unwrap()
}

/// What is wrong with a row, and where.
fn problem(text: &[u8]) -> (u64, LineProblem) {
    let found = read(&[TITLE.as_bytes(), text].concat());
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap().unwrap_err().line().unwrap()
}

fn shown(capture: &[u8]) -> Vec<String> {
    // Who asked from which port differs between the captures.
    let mut shown: Vec<String> = read(capture)
        .into_iter()
        .map(|found| {
            let found = found.unwrap();
            let port = if found.client.port == 0 { 0 } else { 50_000 };
            Connection { client: Endpoint { port, ..found.client }, ..found }.to_string()
        })
        .collect();
    shown.sort();
    shown
}

#[test]
fn captures_of_both_kernels_show_every_kind() {
    let expected = [
        "10.0.0.1:0 -> fwmark 2147483655 -> 127.0.0.1:0 NONE 59 s",
        "[fd00::1]:0 -> fwmark 8 -> [fd00::2]:0 NONE 59 s",
        "tcp 10.0.0.1:0 -> 10.0.0.1:80 -> 127.0.0.1:8080 ASSURED 59 s",
        "tcp 10.0.0.1:50000 -> 10.0.0.1:80 -> 127.0.0.1:8080 ESTABLISHED 899 s",
        "tcp [fd00::1]:50000 -> [fd00::1]:443 -> [fd00::2]:8443 ESTABLISHED 899 s",
        "udp 10.0.0.1:0 -> 10.0.0.1:5060 -> 127.0.0.1:5060 NONE 59 s sip c\\xe9ll-1@192.0.2.1",
        "udp 10.0.0.1:50000 -> 10.0.0.1:1234 -> 127.0.0.1:1234 UDP 299 s",
        "udp 10.0.0.1:50000 -> 10.0.0.1:5060 -> 127.0.0.1:5060 UDP 299 s",
        "udp 10.0.0.1:50000 -> 10.0.0.1:53 -> [fd00::9]:53 UDP 299 s",
        "udp [fd00::1]:50000 -> [fd00::1]:1234 -> [fd00::2]:1234 UDP 299 s",
    ];
    assert_eq!(shown(include_bytes!("../testdata/6.1/ip_vs_conn")), expected);
    assert_eq!(shown(include_bytes!("../testdata/6.12/ip_vs_conn")), expected);
    let origins = expected.map(|text| {
        let (text, _) = text.split_once(" sip").unwrap_or((text, ""));
        format!("{text} local")
    });
    assert_eq!(shown(include_bytes!("../testdata/6.1/ip_vs_conn_sync")), origins);
    assert_eq!(shown(include_bytes!("../testdata/6.12/ip_vs_conn_sync")), origins);
}

#[test]
fn states_have_the_kernels_names_and_unknown_ones_are_kept() {
    for name in [
        "NONE",
        "ASSURED",
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "SYNACK",
        "UDP",
        "INIT1",
        "INIT",
        "C-SENT",
        "C-REPLIED",
        "C-WAIT",
        "COOKIE",
        "C-ECHOED",
        "S-SENT",
        "S-RECEIVED",
        "S-ACK-SENT",
        "REJECTED",
        "CLOSED",
    ] {
        let state = row(&ROW.replace("ESTABLISHED", name)).state;
        assert_eq!(state.to_string(), name);
        assert!(!matches!(state, State::Other(_)), "{name}");
    }
    for name in ["ERR!", "BUG!", "?", "AS_NEW_AS_CAN_BE"] {
        let state = row(&ROW.replace("ESTABLISHED", name)).state;
        assert!(matches!(state, State::Other(_)), "{name}");
        assert_eq!(state.to_string(), name);
    }
}

#[test]
fn protocols_are_named_or_numbered() {
    for (name, number) in
        [("TCP", 6), ("UDP", 17), ("SCTP", 132), ("ICMP", 1), ("ICMPv6", 58), ("IP_50", 50)]
    {
        let found = row(&ROW.replace("TCP", name));
        assert_eq!(found.protocol().map(Protocol::number), Some(number), "{name}");
    }
}

#[test]
fn the_data_of_an_engine_are_all_bytes_to_the_end_of_the_line() {
    for data in ["a@b", " two  words ", "", "tab\tand\rreturn"] {
        let engine = row(&format!("{ROW} sip {data}")).engine.unwrap();
        assert_eq!(engine.engine.as_bytes(), b"sip");
        assert_eq!(*engine.data, *data.as_bytes());
    }
}

#[test]
fn a_row_that_is_not_whole_is_an_error_that_names_the_field() {
    use LineProblem::{Malformed, Missing, Surplus, TooLong, Unfinished};
    let synced = "TCP C0000209 C350 0A000001 0050 C0A80001 1F90 ESTABLISHED SYNC  899";
    for (text, expected) in [
        (String::new(), Missing("protocol")),
        ("   ".to_owned(), Missing("protocol")),
        (ROW.replace("TCP", "XTP"), Malformed("protocol")),
        (ROW.replace("TCP", "IP_70000"), Malformed("protocol")),
        (ROW.replace("C0000209", "C000020"), Malformed("client address")),
        (ROW.replace("C350", "1C350"), Malformed("client port")),
        (ROW.replace("0A000001", "0A00000G"), Malformed("virtual address")),
        (ROW.replace("0050", "50"), Malformed("virtual port")),
        (ROW.replace("C0A80001", "fd00::1"), Malformed("destination address")),
        (ROW.replace("1F90", "+F90"), Malformed("destination port")),
        (ROW.replace("ESTABLISHED", &"S".repeat(25)), Malformed("state")),
        (ROW.replace("899", ""), Missing("seconds")),
        (ROW.replace("899", "8x9"), Malformed("seconds")),
        (ROW.replace("899", "99999999999999999999"), Malformed("seconds")),
        (format!("{ROW} "), Malformed("persistence engine")),
        (format!("{ROW} sip"), Malformed("persistence engine")),
        (format!("{ROW}  sip x"), Malformed("persistence engine")),
        (format!("{ROW} seventeen-letters x"), Malformed("persistence engine")),
        (synced.replace("SYNC", "MOON"), Malformed("origin")),
        (synced.replace("899", ""), Missing("seconds")),
        (format!("{synced} sip x"), Surplus),
        (format!("{ROW} sip {}", "x".repeat(1024)), TooLong),
    ] {
        assert_eq!(problem(format!("{text}\n").as_bytes()), (2, expected), "{text}");
    }
    assert_eq!(problem(ROW.as_bytes()), (2, Unfinished));
    assert_eq!(row(synced).origin, Some(Origin::Sync));
}

#[test]
fn an_error_does_not_end_the_stream_and_knows_its_line() {
    let long = "x".repeat(5_000_000);
    let text = format!("{TITLE}{ROW}\ngarbage\n{long}\n\n{ROW}\n");
    let found = read(text.as_bytes());
    let shown: Vec<String> = found
        .iter()
        .map(|found| match found {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "ok",
            "read connections: line 3: the protocol cannot be read",
            "read connections: line 4: the line is longer than any that the kernel writes",
            "read connections: line 5: there is no protocol",
            "ok",
        ]
    );
}

#[test]
fn what_is_no_connection_table_is_an_error_at_once() {
    for text in ["", "\n", "IP Virtual Server version 1.2.1 (size=4096)\n"] {
        let found = read(text.as_bytes());
        let first = found[0].as_ref().unwrap_err();
        assert_eq!(first.line(), Some((1, LineProblem::Title)), "{text:?}");
    }
    assert_eq!(read(TITLE.as_bytes()).len(), 0);
}

#[test]
fn an_error_of_the_file_is_the_last_item() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(5))
        }
    }
    let text = format!("{TITLE}{ROW}\n");
    let mut reader = Reader::new(BufReader::new(text.as_bytes().chain(Failing)));
    reader.next().unwrap().unwrap();
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!(error.line(), None);
    assert_eq!(error.to_string(), "read connections: Input/output error (os error 5)");
    assert!(reader.next().is_none());
}

#[test]
fn a_summary_stops_at_the_first_error_or_counts_all() {
    let capture: &[u8] = include_bytes!("../testdata/6.1/ip_vs_conn");
    let summary: Summary = Reader::new(capture).collect::<Result<_, _>>().unwrap();
    assert_eq!(summary.iter().map(|(.., counts)| counts.connections()).sum::<u64>(), 6);
    assert_eq!(summary.iter().map(|(.., counts)| counts.templates).sum::<u64>(), 4);
    let spoiled = format!("{TITLE}{ROW}\ngarbage\n");
    let summary = Reader::new(spoiled.as_bytes()).collect::<Result<Summary, _>>();
    assert_eq!(summary.unwrap_err().line().map(|(number, _)| number), Some(3));
}

/// The parts of a row as the kernel has them.
#[derive(Clone, Debug)]
struct Parts {
    protocol: u16,
    client: Endpoint,
    target: Endpoint,
    destination: Endpoint,
    state: String,
    seconds: u32,
    tail: Tail,
}

#[derive(Clone, Debug)]
enum Tail {
    Nothing,
    Engine(String, Vec<u8>),
    Origin(Origin),
}

impl Parts {
    /// As `ip_vs_conn_seq_show` and `ip_vs_conn_sync_seq_show` print them.
    fn line(&self) -> Vec<u8> {
        let name = match self.protocol {
            0 => "IP".to_owned(),
            1 => "ICMP".to_owned(),
            6 => "TCP".to_owned(),
            17 => "UDP".to_owned(),
            58 => "ICMPv6".to_owned(),
            132 => "SCTP".to_owned(),
            number => format!("IP_{number}"),
        };
        let mut text = format!("{name:<3} ");
        for endpoint in [self.client, self.target, self.destination] {
            write!(text, "{} {:04X} ", address(endpoint.address), endpoint.port).unwrap();
        }
        write!(text, "{:<11} ", self.state).unwrap();
        if let Tail::Origin(origin) = self.tail {
            let name = if origin == Origin::Sync { "SYNC" } else { "LOCAL" };
            write!(text, "{name:<6} ").unwrap();
        }
        write!(text, "{:7}", self.seconds).unwrap();
        let mut line = text.into_bytes();
        if let Tail::Engine(name, data) = &self.tail {
            line.extend([b" ", name.as_bytes(), b" ", data].concat());
        }
        line.push(b'\n');
        line
    }

    fn service(&self) -> ServiceKey {
        let octets = match self.target.address {
            IpAddr::V4(v4) => v4.octets(),
            IpAddr::V6(v6) => match v6.octets() {
                [a, b, c, d, rest @ ..] if rest == [0; 12] => [a, b, c, d],
                _ => [0; 4],
            },
        };
        match (self.protocol, self.target.port, NonZeroU32::new(u32::from_be_bytes(octets))) {
            (0, 0, Some(mark)) => ServiceKey::fwmark(mark, self.target.family()),
            _ => {
                let protocol = format!("protocol-{}", self.protocol).parse().unwrap();
                ServiceKey::Address { protocol, endpoint: self.target }
            }
        }
    }
}

fn address(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("{:08X}", v4.to_bits()),
        IpAddr::V6(v6) => v6.segments().map(|segment| format!("{segment:04x}")).join(":"),
    }
}

fn endpoints(family: Family) -> BoxedStrategy<Endpoint> {
    let port = prop_oneof![Just(0), any::<u16>()];
    match family {
        Family::V4 => (any::<u32>(), port)
            .prop_map(|(bits, port)| Endpoint::new(Ipv4Addr::from_bits(bits), port))
            .boxed(),
        Family::V6 => (any::<u32>(), prop_oneof![Just(0), any::<u128>()], port)
            .prop_map(|(high, low, port)| {
                let bits = (u128::from(high) << 96) | (low >> 32);
                Endpoint::new(Ipv6Addr::from_bits(bits), port)
            })
            .boxed(),
    }
}

fn families() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::V4), Just(Family::V6)]
}

fn tails() -> impl Strategy<Value = Tail> {
    // A NUL would end the data, and a newline the line.
    let byte = any::<u8>().prop_filter("printed", |byte| !b"\0\n".contains(byte));
    let data = proptest::collection::vec(byte, 0..256);
    prop_oneof![
        Just(Tail::Nothing),
        ("[a-z]{1,16}", data).prop_map(|(name, data)| Tail::Engine(name, data)),
        Just(Tail::Origin(Origin::Local)),
        Just(Tail::Origin(Origin::Sync)),
    ]
}

fn parts() -> impl Strategy<Value = Parts> {
    let protocol = prop_oneof![Just(0), Just(6), Just(17), Just(132), any::<u16>()];
    let state = prop_oneof![
        Just("NONE".to_owned()),
        Just("ASSURED".to_owned()),
        Just("ESTABLISHED".to_owned()),
        "[A-Z?!][-A-Z_0-9]{0,23}",
    ];
    (families(), families()).prop_flat_map(move |(family, other)| {
        (
            protocol.clone(),
            endpoints(family),
            endpoints(family),
            endpoints(other),
            state.clone(),
            any::<u32>(),
            tails(),
        )
            .prop_map(|(protocol, client, target, destination, state, seconds, tail)| {
                Parts { protocol, client, target, destination, state, seconds, tail }
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_the_kernel_prints_reads_as_it_was(
        rows in proptest::collection::vec(parts(), 0..8),
        chunk in 1..600_usize,
    ) {
        let mut text = TITLE.as_bytes().to_vec();
        rows.iter().for_each(|row| text.extend(row.line()));
        let found: Vec<Connection> = Reader::new(BufReader::with_capacity(chunk, &*text))
            .collect::<Result<_, _>>()
            .unwrap();
        prop_assert_eq!(found.len(), rows.len());
        for (found, row) in found.into_iter().zip(rows) {
            prop_assert_eq!(found.service, row.service());
            prop_assert_eq!(found.client, row.client);
            prop_assert_eq!(found.destination, row.destination);
            prop_assert_eq!(found.state.to_string(), row.state);
            prop_assert_eq!(found.expires.as_secs(), u64::from(row.seconds));
            let tail = match (found.engine, found.origin) {
                (None, None) => Tail::Nothing,
                (Some(engine), None) => {
                    Tail::Engine(engine.engine.to_string(), engine.data.into())
                }
                (None, Some(origin)) => Tail::Origin(origin),
                (Some(_), Some(_)) => panic!("both"),
            };
            prop_assert_eq!(format!("{tail:?}"), format!("{:?}", row.tail));
        }
    }

    #[test]
    fn a_spoiled_byte_spoils_no_other_line(
        row in parts(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut line = row.line();
        let at = at.index(line.len() - 1);
        line[at] = byte;
        let text = [TITLE.as_bytes(), &line, ROW.as_bytes(), b"\n"].concat();
        let found = read(&text);
        let lines = if byte == b'\n' { 3 } else { 2 };
        prop_assert_eq!(found.len(), lines);
        prop_assert!(found.last().unwrap().is_ok());
    }

    #[test]
    fn garbage_is_read_to_its_end(text in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        prop_assert!(read(&text).len() <= lines + 1);
    }
}
