//! What a backup daemon drops.

use super::director::{BACKUP, Director, TCP, UDP};
use super::table::{from_client, names, packed, taken, v0};
use ipvs::{Endpoint, Family};
use ipvs_sync::proto::{Connection, Flags, Sequences, Version};
use std::net::{Ipv4Addr, Ipv6Addr};

/// One for each rule of the kernel: how many connections are taken when what is put where
/// in a datagram of three, of which that in the middle, a template of `sip`, is at 44 and
/// has its options at 80.
const HARMS: [(&str, usize, usize, &[u8]); 17] = [
    ("size", 0, 3, &[123]),
    ("size", 0, 3, &[125]),
    ("sync id", 0, 1, &[BACKUP + 1]),
    ("truncated", 1, 46, &[0x0f, 0xff]),
    ("record version", 1, 46, &[0x10]),
    ("record kind", 1, 44, &[2]),
    ("record size", 1, 47, &[35]),
    ("record size", 1, 44, &[1]),
    ("option length", 1, 81, &[0]),
    ("option length", 1, 81, &[99]),
    ("sequences", 1, 80, &[1]),
    ("option twice", 1, 80, &[3]),
    ("unknown option", 2, 80, &[4]),
    ("flags", 2, 50, &[0x18]),
    ("flags", 2, 50, &[0x30]),
    ("state", 2, 53, &[2]),
    ("engine name", 2, 83, &[0x44]),
];

#[test]
fn what_the_kernel_drops_is_what_is_said_to_be_dropped() {
    let mut director = Director::with_backup();
    // What is not of the middle: a datagram of three bytes, a protocol, a state.
    let odd =
        |client, protocol, state| Connection { state, ..from_client(Family::V4, protocol, client) };
    let mut datagrams = vec![
        ("header", 0, vec![0, BACKUP, 0]),
        ("protocol", 1, packed(Version::V1, &[odd(1, 200, 0), odd(2, TCP, 1)]).remove(0)),
        ("state", 1, packed(Version::V0, &[v0(odd(3, TCP, 11)), v0(odd(4, TCP, 10))]).remove(0)),
    ];
    // Data that becomes a name of 17 bytes.
    let named = Connection {
        flags: Flags::TEMPLATE,
        engine_name: b"sixteen letters!",
        engine_data: b"x",
        ..from_client(Family::V4, TCP, 5)
    };
    let mut datagram = packed(Version::V1, &[named]).remove(0);
    datagram[44..46].copy_from_slice(&[3, 17]);
    datagrams.push(("engine name length", 0, datagram));
    for (number, (rule, count, at, bytes)) in (2..).zip(HARMS) {
        let template = Connection {
            flags: Flags::TEMPLATE,
            engine_name: b"sip",
            engine_data: b"x",
            ..from_client(Family::V4, TCP, 3 * number)
        };
        let before = from_client(Family::V4, TCP, 3 * number + 1);
        let after = from_client(Family::V4, TCP, 3 * number + 2);
        let mut datagram = packed(Version::V1, &[before, template, after]).remove(0);
        assert_eq!((datagram.len(), taken(&datagram).len()), (124, 3));
        datagram[at..at + bytes.len()].copy_from_slice(bytes);
        datagrams.push((rule, count, datagram));
    }
    director.give(&datagrams.iter().map(|(.., datagram)| datagram.clone()).collect::<Vec<_>>());
    let table = director.table();
    let mut all = Vec::new();
    for (rule, count, datagram) in &datagrams {
        let taken = taken(datagram);
        assert_eq!(taken.len(), *count, "{rule}");
        assert!(names(&taken).iter().all(|name| table.contains_key(name)), "{rule}: {table:#?}");
        all.extend(taken);
    }
    assert_eq!(table.into_keys().collect::<Vec<_>>(), names(&all));
}

#[test]
fn whatever_the_bytes_the_kernel_takes_what_is_said_to_be_taken() {
    let mut director = Director::with_backup();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 16).unwrap() % below
    };
    let mut datagrams = Vec::new();
    for number in 0..1_000 {
        let version = if number % 4 == 0 { Version::V0 } else { Version::V1 };
        let connections = [(); 3].map(|()| any_connection(version, &mut random));
        let mut bytes = packed(version, &connections).remove(0);
        for _ in 0..=random(2) {
            let at = random(bytes.len());
            bytes[at] = match random(3) {
                0 => bytes[at] ^ 1 << random(8),
                1 => u8::try_from(random(8)).unwrap(),
                _ => u8::try_from(random(256)).unwrap(),
            };
        }
        datagrams.push(bytes);
    }
    let all: Vec<_> = datagrams.iter().flat_map(|datagram| taken(datagram)).collect();
    let expected = names(&all);
    // Some live for two seconds only, and may be gone.
    let lives = |name: &String| !name.contains(" NONE ");
    for some in datagrams.chunks(50) {
        director.give(some);
        let all: Vec<_> = some.iter().flat_map(|datagram| taken(datagram)).collect();
        let told = names(&all);
        let mut table = director.table();
        let mut missing = told.clone();
        // A listing skips lines while another namespace is cleared.
        for _ in 0..10 {
            missing.retain(|name| lives(name) && !table.contains_key(name));
            if missing.is_empty() {
                break;
            }
            table = director.table();
        }
        assert_eq!(missing, [""; 0], "of {some:02x?}");
        let surplus: Vec<_> = table.keys().filter(|name| !expected.contains(name)).collect();
        assert_eq!(surplus, [""; 0]);
    }
    assert!((1_500..3_000).contains(&expected.len()), "{} taken", expected.len());
}

/// One that no other is equal to.
fn any_connection(
    version: Version,
    random: &mut impl FnMut(usize) -> usize,
) -> Connection<'static> {
    let family = if version == Version::V1 && random(3) == 0 { Family::V6 } else { Family::V4 };
    let is_template = random(3) == 0;
    let mut connection = from_client(family, if random(2) == 0 { TCP } else { UDP }, 0);
    let mut number = || u32::try_from(random(1 << 24)).unwrap();
    connection.client = match family {
        Family::V4 => Endpoint::new(Ipv4Addr::from_bits(0x0b00_0000 | number()), 50_000),
        Family::V6 => Endpoint::new(Ipv6Addr::from_bits(u128::from(number()) << 64), 50_000),
    };
    connection.client.port = u16::try_from(random(1 << 16)).unwrap();
    if is_template {
        connection.flags = Flags::TEMPLATE;
    }
    match version {
        Version::V0 => connection.timeout = 0,
        Version::V1 if random(2) == 0 => {
            connection.engine_name = b"sip";
            connection.engine_data = b"call";
        }
        Version::V1 => {}
    }
    if random(3) == 0 {
        connection.flags = connection.flags | Flags::IN_SEQUENCE;
        connection.sequences = Some(Sequences::default());
    }
    connection
}
