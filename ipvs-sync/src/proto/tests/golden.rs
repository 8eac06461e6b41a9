//! Literal bytes, in both directions.

use super::*;

/// Of version 1: what is in a record of IPv4 before its addresses, but for its length.
const HEAD: [u8; 24] =
    [0, 6, 0, 36, 0, 0, 0, 0x22, 0, 1, 0xc3, 0x50, 0, 80, 0x1f, 0x90, 0, 0, 0, 9, 0, 0, 3, 0x84];
const ADDRESSES: [u8; 12] = [192, 0, 2, 9, 10, 0, 0, 1, 192, 168, 0, 1];
const SEQUENCES: [u8; 24] = [
    0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
];

fn with_mark() -> Connection<'static> {
    Connection { mark: 9, timeout: 900, ..connection() }
}

/// Its bytes are these, and these are it.
fn same(version: Version, connections: &[Connection<'_>], bytes: &[u8]) {
    assert_eq!(encoded(version, connections), bytes);
    let decoded: Vec<_> = decoded(bytes).into_iter().map(Result::unwrap).collect();
    assert_eq!(decoded, connections);
    let message = receive(bytes, 7).unwrap();
    assert_eq!((message.version, message.id), (version, 7));
    assert_eq!(usize::from(message.count), connections.len());
}

#[test]
fn version_1_has_flags_mark_and_timeout_in_network_order() {
    same(
        Version::V1,
        &[with_mark()],
        &[&[0, 7, 0, 44, 1, 1, 0, 0], &HEAD[..], &ADDRESSES].concat(),
    );
}

#[test]
fn a_record_of_ipv6_has_longer_addresses() {
    let connection = Connection { mark: 9, timeout: 900, ..connection_v6() };
    let mut head = HEAD;
    head[0] = 1;
    head[3] = 72;
    head[12..16].copy_from_slice(&[0x01, 0xbb, 0x20, 0xfb]);
    let mut addresses = [0; 48];
    for (at, [a, b, c, d], last) in
        [(0, [0x20, 1, 0x0d, 0xb8], 9), (16, [0x20, 1, 0x0d, 0xb8], 1), (32, [0xfd, 0, 0, 0], 1)]
    {
        addresses[at..at + 4].copy_from_slice(&[a, b, c, d]);
        addresses[at + 15] = last;
    }
    same(Version::V1, &[connection], &[&[0, 7, 0, 80, 1, 1, 0, 0], &head[..], &addresses].concat());
}

#[test]
fn options_follow_in_the_kernels_order_and_padding_is_between_records() {
    let template = Connection {
        flags: Flags::TEMPLATE,
        engine_name: b"sip",
        engine_data: b"call@x",
        ..with_mark()
    };
    let shifted = Connection {
        flags: Flags::IN_SEQUENCE | Flags::OUT_SEQUENCE,
        sequences: Some(sequences()),
        ..with_mark()
    };
    let (mut first, mut second) = (HEAD, HEAD);
    first[2..8].copy_from_slice(&[0, 49, 0, 0, 0x10, 0]);
    second[2..8].copy_from_slice(&[0, 62, 0, 0, 0x06, 0]);
    let bytes = [
        &[0, 7, 0, 122, 2, 1, 0, 0],
        &first[..],
        &ADDRESSES,
        &[2, 6],
        b"call@x",
        &[3, 3],
        b"sip",
        &[0; 3],
        &second,
        &ADDRESSES,
        &[1, 24],
        &SEQUENCES,
    ]
    .concat();
    same(Version::V1, &[template, shifted], &bytes);
}

#[test]
fn version_0_has_neither_mark_nor_timeout_and_sequences_in_host_order() {
    let shifted =
        Connection { flags: Flags::IN_SEQUENCE, sequences: Some(sequences()), ..connection() };
    let record = |flags: [u8; 2]| {
        let ports = [0, 6, 0xc3, 0x50, 0, 80, 0x1f, 0x90];
        [&ports, &ADDRESSES[..], &flags, &[0, 1]].concat()
    };
    let host: Vec<u8> = SEQUENCES
        .chunks(4)
        .flat_map(|word| u32::from_be_bytes(word.try_into().unwrap()).to_ne_bytes())
        .collect();
    let bytes = [&[2, 7, 0, 76], &record([0x04, 0x00])[..], &host, &record([0x00, 0x22])].concat();
    same(Version::V0, &[shifted, connection()], &bytes);
}

#[test]
fn what_is_unknown_is_kept() {
    let odd = Connection {
        protocol: 200,
        flags: Flags::from_bits(0xf000_8005),
        state: 9_999,
        ..with_mark()
    };
    let mut bytes = encoded(Version::V1, &[odd]);
    // Options that may be passed over, and one that may not, behind which nothing is read.
    bytes.extend([0x44, 1, 0xaa, 0x45, 2, 1, 2, 9, 1, 0xbb, 77]);
    bytes[3] += 11;
    bytes[11] += 11;
    let kept = decoded(&bytes)[0].unwrap();
    assert_eq!((kept.protocol, kept.flags, kept.state), (odd.protocol, odd.flags, odd.state));
    let others: Vec<_> = kept.others.iter().map(|other| (other.kind, other.data)).collect();
    assert_eq!(others, [(0x44, &[0xaa][..]), (0x45, &[1, 2]), (9, &[0xbb])]);
    let again = encoded(Version::V1, &[kept]);
    assert_eq!(decoded(&again), [Ok(kept)]);
    assert_eq!(again[52..], bytes[52..bytes.len() - 1]);
}

#[test]
fn a_known_option_is_known_with_the_bit_that_it_may_be_passed_over() {
    let template = Connection { engine_name: b"sip", engine_data: b"x", ..with_mark() };
    let mut bytes = encoded(Version::V1, &[template]);
    bytes[44] |= 0x40;
    assert_eq!(decoded(&bytes), [Ok(template)]);
}

#[test]
fn version_0_is_what_is_not_version_1() {
    let v1 = encoded(Version::V1, &[with_mark()]);
    for (at, byte) in [(4, 1), (5, 0), (5, 2), (5, 0x81), (6, 1), (7, 1)] {
        let mut bytes = v1.clone();
        bytes[at] = byte;
        let version = if at == 4 { Version::V1 } else { Version::V0 };
        assert_eq!(receive(&bytes, 7).unwrap().version, version, "{at}");
    }
    // One that counts by its first byte is of version 0 whatever follows.
    let mut bytes = v1.clone();
    bytes[0] = 1;
    assert_eq!(receive(&bytes, 7).unwrap().version, Version::V0);
    // To a backup that knows only version 0, version 1 is a message of none.
    assert_eq!(v1[0], 0);
    assert_eq!(receive(&[0, 7, 0, 4], 7).unwrap().connections().count(), 0);
    assert_eq!(receive(&[0, 7, 0, 7, 9, 1, 0], 7).unwrap().connections().count(), 0);
}

#[test]
fn what_follows_the_last_connection_is_ignored_and_can_be_seen() {
    let mut bytes = encoded(Version::V1, &[with_mark(), with_mark()]);
    bytes[4] = 1;
    let mut connections = receive(&bytes, 7).unwrap().connections();
    assert_eq!(connections.next(), Some(Ok(with_mark())));
    assert_eq!(connections.next(), None);
    assert_eq!(connections.as_bytes(), &bytes[44..]);
}
