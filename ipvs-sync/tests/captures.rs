//! What keepalived sends is accepted, and what we send in its place is the same.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is a failed test"
)]

use ipvs_sync::vrrp::packet::{
    Accepted, Advertisement, Carrier, Checksum, Coverage, Ends, Expected, HOP_LIMIT, PROTOCOL,
    Password, Rejected, Terms, receive,
};
use ipvs_sync::vrrp::{Interval, Seconds, Version, VirtualAddresses, Vrid};
use std::path::Path;

/// What an IP packet carries.
struct Captured {
    carrier: Carrier,
    message: Vec<u8>,
}

impl Captured {
    fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/vrrp").join(name);
        let packet = std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let v4 = |at: usize| <[u8; 4]>::try_from(&packet[at..at + 4]).unwrap().into();
        let v6 = |at: usize| <[u8; 16]>::try_from(&packet[at..at + 16]).unwrap().into();
        let (ends, hop_limit, protocol, start) = if packet[0] == 0x45 {
            (Ends::V4 { source: v4(12), destination: v4(16) }, packet[8], packet[9], 20)
        } else {
            (Ends::V6 { source: v6(8), destination: v6(24) }, packet[7], packet[6], 40)
        };
        assert_eq!(protocol, PROTOCOL, "{name}");
        Self { carrier: Carrier { ends, hop_limit }, message: packet[start..].to_vec() }
    }

    fn received(&self, expected: &Expected<'_>) -> Result<Accepted<'_>, Rejected> {
        receive(&self.message, &self.carrier, Some(expected))
    }
}

fn addresses(texts: &[&str]) -> VirtualAddresses {
    VirtualAddresses::new(texts.iter().map(|text| text.parse().unwrap())).unwrap()
}

fn terms(version: Version, addresses: &VirtualAddresses) -> Terms<'_> {
    Terms::new(Vrid::new(51).unwrap(), version, addresses).unwrap()
}

fn expected(terms: Terms<'_>) -> Expected<'_> {
    Expected { terms, is_owner: false, checksum: Checksum::Auto, min_hop_limit: HOP_LIMIT }
}

const V2: Version = Version::V2(Seconds::DEFAULT);
const V3: Version = Version::V3(Interval::DEFAULT);

#[test]
fn each_packet_of_keepalived_is_accepted_and_written_the_same() {
    let one = addresses(&["192.0.2.100"]);
    let two = addresses(&["192.0.2.100", "192.0.2.101"]);
    let (one_v6, two_v6) = (addresses(&["fe80::100"]), addresses(&["fe80::100", "2001:db8::100"]));
    let often = Version::V3(Interval::from_centis(10).unwrap());
    let secret = terms(V2, &one).with_password(Password::new(b"secret").unwrap()).unwrap();
    for (name, terms, coverage) in [
        ("v2", terms(V2, &two), None),
        ("v2-password", secret, None),
        ("v3", terms(V3, &two), Some(Coverage::PseudoHeader)),
        ("v3-often", terms(often, &two), Some(Coverage::PseudoHeader)),
        ("v3-unicast", terms(V3, &one), Some(Coverage::PseudoHeader)),
        ("v3-unicast-old", terms(V3, &one), Some(Coverage::GroupPseudoHeader)),
        ("v6", terms(V3, &two_v6), None),
        ("v6-unicast", terms(V3, &one_v6), None),
    ] {
        let min_hop_limit = if name == "v6-unicast" { 64 } else { HOP_LIMIT };
        let expected = Expected { min_hop_limit, ..expected(terms) };
        for (end, priority) in [("", 200), ("-resigns", 0)] {
            let name = format!("keepalived-2.2.7/{name}{end}.bin");
            let captured = Captured::read(&name);
            let accepted = captured.received(&expected);
            let accepted = accepted.unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(
                (accepted.priority, accepted.version),
                (priority, terms.version()),
                "{name}"
            );
            assert_eq!((accepted.coverage, accepted.findings), (coverage, [None; 3]), "{name}");

            let advertisement = Advertisement::new(terms, priority);
            let sends = expected.checksum.sends(accepted.coverage);
            let mut bytes = Vec::new();
            advertisement.encode(captured.carrier.ends, sends, &mut bytes).unwrap();
            assert_eq!(bytes, captured.message, "{name}");
        }
    }
}

#[test]
fn the_checksum_of_keepalived_is_named_when_another_is_configured() {
    let addresses = addresses(&["192.0.2.100", "192.0.2.101"]);
    let strict = Expected { checksum: Checksum::Message, ..expected(terms(V3, &addresses)) };
    let told = Captured::read("keepalived-2.2.7/v3.bin").received(&strict).unwrap_err();
    assert_eq!(
        told.to_string(),
        "checksum 0xdf06 instead of 0x819b: it covers a pseudo-header too (RFC 5798), which is \
         not what was configured"
    );
}

// shows: 9568-5.1.2.3-2, 9568-7.1-1
#[test]
fn a_unicast_peer_of_ipv6_needs_a_lower_hop_limit() {
    let addresses = addresses(&["fe80::100"]);
    let captured = Captured::read("keepalived-2.2.7/v6-unicast.bin");
    let told = captured.received(&expected(terms(V3, &addresses)));
    assert_eq!(told, Err(Rejected::HopLimit { hop_limit: 64, min: 255 }));
}
