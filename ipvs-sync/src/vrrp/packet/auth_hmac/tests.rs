//! The packets in the appendix of draft-cassen-vrrp-auth-hmac, and what becomes of them
//! when something is changed.

use super::super::tests::addresses;
use super::super::{
    Carrier, Checksum, Coverage, Ends, Expected, HOP_LIMIT, Packet, Terms, receive,
};
use super::*;
use crate::vrrp::{Interval, Seconds, Version, VirtualAddresses, Vrid};

/// From 198.51.100.10, priority 200, 192.0.2.100 every second, at 0x6800_0000 and a half.
const DRAFT_V4: &str = "3133c80100644402c0000264 010100006800000080000000 \
                        1b84bc4e8e43892dc6d98448f8ee2265";

/// The same for fe80::100, from fe80::10 to fe80::20.
const DRAFT_V6: &str = "3133c8010064a2e9fe800000000000000000000000000100 \
                        010100006800000080000000 c8c56146ebfd66ee10ec4d8186461b78";

/// As the first, of version 2, which the draft does not have: computed by another program
/// from the layout.
const V2: &str = "2133c80100015465c00002640000000000000000 010100006800000080000000 \
                  d0b9391b8d008f779ef2e8cf66238947";

const NOW: Duration = Duration::new(0x6800_0000, 500_000_000);

const SECOND: Duration = Duration::from_secs(1);

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The bytes 0, 1, 2 and so on.
fn key(id: u8) -> Key {
    Key::new(id, &std::array::from_fn::<u8, 32, _>(|at| u8::try_from(at).unwrap())).unwrap()
}

fn authenticator(mode: Mode) -> Authenticator {
    Authenticator::new(Settings::new(mode, key(1), SECOND))
}

/// What a packet of the draft is for.
struct Sample {
    bytes: Vec<u8>,
    ends: Ends,
    version: Version,
    addresses: VirtualAddresses,
}

impl Sample {
    fn of_v4(text: &str, version: Version) -> Self {
        let (source, destination) = ([198, 51, 100, 10].into(), [192, 0, 2, 10].into());
        let ends = Ends::V4 { source, destination };
        Self { bytes: bytes(text), ends, version, addresses: addresses(&["192.0.2.100"]) }
    }

    fn of_v6() -> Self {
        let [source, destination] = ["fe80::10", "fe80::20"].map(|text| text.parse().unwrap());
        let ends = Ends::V6 { source, destination };
        let version = Version::V3(Interval::DEFAULT);
        Self { bytes: bytes(DRAFT_V6), ends, version, addresses: addresses(&["fe80::100"]) }
    }

    fn each() -> [Self; 3] {
        let v4 = Self::of_v4(DRAFT_V4, Version::V3(Interval::DEFAULT));
        [v4, Self::of_v6(), Self::of_v4(V2, Version::V2(Seconds::DEFAULT))]
    }

    fn terms(&self) -> Terms<'_> {
        Terms::new(Vrid::new(51).unwrap(), self.version, &self.addresses).unwrap()
    }

    /// As accepted, whatever is wrong with the bytes by now.
    fn accepted(&self) -> Accepted<'_> {
        let packet = Packet::new(&self.bytes, self.ends.family()).unwrap();
        Accepted {
            packet,
            source: self.ends.source(),
            priority: packet.priority(),
            version: self.version,
            coverage: None,
            findings: [None; 3],
        }
    }

    fn verified(&self, by: &mut Authenticator, now: Duration) -> Result<Authenticity, Rejected> {
        by.verify(&self.accepted(), now)
    }
}

const SIGNED: Result<Authenticity, Rejected> = Ok(Authenticity::Signed { key: 1, skew: 0 });

#[test]
fn the_packets_of_the_draft_are_received_and_verified() {
    for sample in Sample::each() {
        let expected = Expected {
            terms: sample.terms(),
            is_owner: false,
            checksum: Checksum::Message,
            min_hop_limit: HOP_LIMIT,
        };
        let carrier = Carrier { ends: sample.ends, hop_limit: HOP_LIMIT };
        let accepted = receive(&sample.bytes, &carrier, Some(&expected)).unwrap();
        for mode in [Mode::ReceiveOnly, Mode::Permissive, Mode::Enforce] {
            assert_eq!(authenticator(mode).verify(&accepted, NOW), SIGNED);
        }
    }
}

#[test]
fn the_packets_of_the_draft_are_written() {
    for sample in Sample::each() {
        let plain = Advertisement::new(sample.terms(), 200);
        let source = sample.ends.source();
        let mut authenticator = authenticator(Mode::Enforce);
        let trailer = authenticator.sign(&plain, source, NOW).unwrap();
        let mut bytes = Vec::new();
        let signed = Advertisement { trailer: &trailer, ..plain };
        signed.encode(sample.ends, Coverage::Message, &mut bytes).unwrap();
        assert_eq!(bytes, sample.bytes);
        let next = authenticator.sign(&plain, source, NOW).unwrap();
        assert_eq!((next[11], trailer[11]), (1, 0), "the counter grows within a moment");
    }
}

#[test]
fn what_was_changed_is_named() {
    let forged = Rejected::Forged { id: 1 };
    let mut sample = Sample::of_v6();
    for (at, expected) in [
        (2, Err(forged)),
        (5, Err(forged)),
        // The checksum is not signed.
        (6, SIGNED),
        (23, Err(forged)),
        (24, Err(Rejected::TrailerKind { kind: 0 })),
        (25, Err(Rejected::UnknownKey { id: 0 })),
        (27, Err(Rejected::TrailerReserved { reserved: 1 })),
        (31, Err(forged)),
        (33, Err(forged)),
        (35, Err(forged)),
        (36, Err(forged)),
        (51, Err(forged)),
        (28, Err(Rejected::Stale { skew: -0x0100_0000, window: 5 })),
    ] {
        sample.bytes[at] ^= 1;
        let told = sample.verified(&mut authenticator(Mode::Enforce), NOW);
        assert_eq!(told, expected, "byte {at}");
        assert!(told.is_ok() || !told.unwrap_err().to_string().is_empty());
        sample.bytes[at] ^= 1;
    }
    sample.bytes[1] = 52;
    assert_eq!(sample.verified(&mut authenticator(Mode::Enforce), NOW), Err(forged));
}

#[test]
fn another_sender_cannot_use_it() {
    let mut sample = Sample::of_v6();
    sample.ends =
        Ends::V6 { source: "fe80::20".parse().unwrap(), destination: "fe80::10".parse().unwrap() };
    let forged = Err(Rejected::Forged { id: 1 });
    assert_eq!(sample.verified(&mut authenticator(Mode::Enforce), NOW), forged);
}

#[test]
fn a_packet_without_a_trailer_is_enough_until_it_is_enforced() {
    for mut sample in Sample::each() {
        sample.bytes.truncate(sample.bytes.len() - LENGTH);
        for (mode, expected) in [
            (Mode::ReceiveOnly, Ok(Authenticity::Unsigned)),
            (Mode::Permissive, Ok(Authenticity::Unsigned)),
            (Mode::Enforce, Err(Rejected::Unsigned)),
        ] {
            assert_eq!(sample.verified(&mut authenticator(mode), NOW), expected);
        }
    }
}

#[test]
fn a_trailer_of_another_length_is_none() {
    let mut sample = Sample::of_v6();
    for length in [1, 27, 29] {
        sample.bytes.resize(24 + length, 0);
        let told = sample.verified(&mut authenticator(Mode::ReceiveOnly), NOW);
        assert_eq!(told, Err(Rejected::TrailerLength { length }));
    }
}

#[test]
fn only_receiving_signs_nothing() {
    let sample = Sample::of_v6();
    let plain = Advertisement::new(sample.terms(), 200);
    let source = sample.ends.source();
    assert_eq!(authenticator(Mode::ReceiveOnly).sign(&plain, source, NOW), None);
    assert!(authenticator(Mode::Permissive).sign(&plain, source, NOW).is_some());
}

#[test]
fn a_packet_is_fresh_within_the_window_and_once() {
    let sample = Sample::of_v6();
    let mut authenticator = authenticator(Mode::Enforce);
    for (skew, now) in [(6, NOW + 6 * SECOND), (-6, NOW - 6 * SECOND)] {
        let stale = Err(Rejected::Stale { skew, window: 5 });
        assert_eq!(sample.verified(&mut authenticator, now), stale);
    }
    let late = Ok(Authenticity::Signed { key: 1, skew: 5 });
    assert_eq!(sample.verified(&mut authenticator, NOW + 5 * SECOND), late);
    assert_eq!(sample.verified(&mut authenticator, NOW), Err(Rejected::Replayed));
    assert_eq!(sample.verified(&mut authenticator, NOW - 5 * SECOND), Err(Rejected::Replayed));
}

#[test]
fn what_is_forged_keeps_nothing_out() {
    let mut sample = Sample::of_v6();
    let mut authenticator = authenticator(Mode::Enforce);
    // A later time, which nobody has signed.
    sample.bytes[31] += 2;
    let told = sample.verified(&mut authenticator, NOW);
    assert_eq!(told, Err(Rejected::Forged { id: 1 }));
    sample.bytes[31] -= 2;
    assert_eq!(sample.verified(&mut authenticator, NOW), SIGNED);
}

#[test]
fn keys_are_changed_while_nothing_is_lost() {
    let other = Key::new(2, &[7; 64]).unwrap();
    let of = |signs: &Key, other: &Key| {
        let settings = Settings::new(Mode::Enforce, signs.clone(), SECOND);
        settings.with_key(other.clone()).unwrap()
    };
    let mut receiver = Authenticator::new(of(&key(1), &other));
    let mut sender = authenticator(Mode::Enforce);
    let mut sample = Sample::of_v6();
    for (id, settings) in [(1, None), (2, Some(of(&other, &key(1))))] {
        settings.into_iter().for_each(|settings| sender.change(settings));
        let plain = Advertisement::new(sample.terms(), 200);
        let trailer = sender.sign(&plain, sample.ends.source(), NOW).unwrap();
        let signed = Advertisement { trailer: &trailer, ..plain };
        let mut bytes = Vec::new();
        signed.encode(sample.ends, Coverage::Message, &mut bytes).unwrap();
        sample.bytes = bytes;
        let told = sample.verified(&mut receiver, NOW);
        assert_eq!(told, Ok(Authenticity::Signed { key: id, skew: 0 }));
        assert_eq!(sample.verified(&mut receiver, NOW), Err(Rejected::Replayed));
    }
    receiver.change(Settings::new(Mode::Enforce, other, SECOND));
    let old = Sample::of_v6();
    assert_eq!(old.verified(&mut receiver, NOW), Err(Rejected::UnknownKey { id: 1 }));
    assert_eq!(sample.verified(&mut receiver, NOW), Err(Rejected::Replayed));
}

#[test]
fn keys_and_windows_keep_their_bounds() {
    let secret = [7; 65];
    assert_eq!(Key::new(0, &secret[..32]).unwrap_err(), Rule::KeyId);
    for length in [0, 31, 65] {
        let told = Key::new(1, &secret[..length]).unwrap_err();
        assert_eq!(told, Rule::KeyLength { length });
    }
    let of = |interval| Settings::new(Mode::Enforce, key(1), interval);
    let windows = [10, 1_000, 2_001, 99_000, 200_000].map(Duration::from_millis);
    assert_eq!(windows.map(|interval| of(interval).window), [5, 5, 7, 297, 300]);
    assert_eq!(of(Duration::MAX).window, 300);
    for seconds in [0, 301] {
        let told = of(SECOND).with_window(seconds).unwrap_err();
        assert_eq!(told, Rule::Window { seconds });
    }
    assert_eq!(of(SECOND).with_window(1).unwrap().window, 1);
    assert_eq!(of(SECOND).with_key(key(1)).unwrap_err(), Rule::DuplicateKey { id: 1 });
}

#[test]
fn a_key_is_not_shown() {
    let key = Key::new(9, &[0x5a; 32]).unwrap();
    assert_eq!(format!("{key:?}"), "Key(9, …)");
}

#[test]
fn the_family_of_the_sender_is_signed() {
    let pieces = |source: IpAddr| {
        let mut bytes = Vec::new();
        trailer::sender(3, 51, source, &mut |piece| bytes.extend_from_slice(piece));
        bytes
    };
    let v4 = [[4, 3, 51, 0, 1, 2, 3, 4], [0; 8]].concat();
    assert_eq!(pieces([1, 2, 3, 4].into()), [v4, vec![0; 4]].concat());
    let v6 = pieces("fe80::1".parse().unwrap());
    assert_eq!((v6[0], v6[4], v6[19], v6.len()), (6, 0xfe, 1, 20));
}
