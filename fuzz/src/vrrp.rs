//! Targets that receive packets of VRRP. A panic is a finding.
//!
//! The tests of `ipvs-sync` include this file to replay the corpora.

use ipvs_sync::vrrp::packet::auth_hmac::{Authenticator, Authenticity, Key, Mode, Settings};
use ipvs_sync::vrrp::packet::{
    Accepted, Advertisement, Carrier, Checksum, Ends, Expected, GROUP_V4, GROUP_V6, HOP_LIMIT,
    Packet, Password, Rejected, Terms, receive,
};
use ipvs_sync::vrrp::{Family, Interval, Rule, Seconds, Version, VirtualAddresses, Vrid};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// A packet, after a byte for its receiver and one for its hop limit.
pub fn vrrp_packet(data: &[u8]) {
    let Some((&[receiver, hop_limit], bytes)) = data.split_first_chunk() else { return };
    let receiver = Receiver::of(receiver);
    viewed(bytes, receiver.ends.family());
    let told = receiver.judges(bytes, hop_limit);
    if hop_limit < HOP_LIMIT {
        assert!(matches!(told, Err(Rejected::HopLimit { .. })), "{told:?}");
    }
    if let Err(reason) = told {
        assert!(!reason.to_string().is_empty());
    }
    // As the fuzzer cannot compute checksums, what it made gets a right one.
    let bytes = receiver.repairs(bytes);
    let told = receiver.judges(&bytes, HOP_LIMIT);
    assert!(!matches!(told, Err(Rejected::Checksum { .. })), "{told:?}");
    if let Ok(accepted) = told {
        sent_again(&accepted, &receiver);
    }
}

/// A signed packet of which a byte is changed, and whatever else may follow a message.
pub fn vrrp_hmac(data: &[u8]) {
    let Some((&[receiver, mode, late, at, change, priority], trailing)) = data.split_first_chunk()
    else {
        return;
    };
    let receiver = Receiver::of(receiver);
    let now = NOW + Duration::from_secs(late.into());
    let mode = match mode % 3 {
        0 => Mode::ReceiveOnly,
        1 => Mode::Permissive,
        _ => Mode::Enforce,
    };
    let plain = receiver.sends(priority);
    let mut verifies = authenticator(mode);
    let mut verified = |bytes: &[u8]| {
        let bytes = receiver.repairs(bytes);
        verifies.verify(&receiver.judges(&bytes, HOP_LIMIT)?, now)
    };
    let told = verified(&receiver.encodes(&Advertisement { trailer: trailing, ..plain }));
    assert!(trailing.is_empty() || told != Ok(Authenticity::Unsigned));
    let is_first = told.is_err();

    let trailer = authenticator(Mode::Permissive).sign(&plain, receiver.ends.source(), NOW);
    let signed =
        receiver.encodes(&Advertisement { trailer: &trailer.unwrap_or_default(), ..plain });
    let mut changed = signed.clone();
    changed.iter_mut().skip(at.into()).take(1).for_each(|byte| *byte ^= change);
    // The checksum is not signed, and is put right again.
    let is_signed = changed == signed || matches!(at, 6 | 7);
    match verified(&changed) {
        Ok(Authenticity::Signed { .. }) => {
            assert!(is_signed, "changed and verified");
            assert_eq!(verified(&signed), Err(Rejected::Replayed));
        }
        told => assert!(!is_signed || !is_first || late > 5, "{told:?}"),
    }
}

const NOW: Duration = Duration::new(0x6800_0000, 500_000_000);

fn authenticator(mode: Mode) -> Authenticator {
    let Ok(key) = Key::new(1, &[7; 32]) else { unreachable!("32 bytes are a key") };
    Authenticator::new(Settings::new(mode, key, Duration::from_secs(1)))
}

/// Whatever the bytes, a view of them agrees with itself.
fn viewed(bytes: &[u8], family: Family) {
    let Some(packet) = Packet::new(bytes, family) else {
        return assert!(bytes.len() < 8);
    };
    assert!(packet.addresses().count() <= packet.count().into());
    assert!(packet.addresses().all(|address| packet.contains(address)));
    assert_eq!([packet.message(), packet.trailing()].concat(), bytes);
    let _ = packet.authentication_data();
}

/// What was accepted can be sent, and is accepted as the same.
fn sent_again(accepted: &Accepted<'_>, by: &Receiver) {
    let packet = accepted.packet;
    // Of version 3 anything may be among them.
    let Ok(addresses) = VirtualAddresses::new(packet.addresses()) else { return };
    let again = Receiver { addresses, version: accepted.version, ..by.clone() };
    let sent = Advertisement { trailer: packet.trailing(), ..again.sends(packet.priority()) };
    let bytes = again.encodes(&sent);
    assert_eq!(bytes.len(), packet.bytes().len());
    let Ok(received) = again.judges(&bytes, HOP_LIMIT) else { unreachable!("sent, not accepted") };
    assert_eq!((received.priority, received.version), (accepted.priority, accepted.version));
    assert!(received.packet.addresses().eq(packet.addresses()));
    assert_eq!(received.packet.trailing(), packet.trailing());
}

/// A virtual router as those in `ipvs-sync/testdata`.
#[derive(Clone)]
struct Receiver {
    ends: Ends,
    version: Version,
    addresses: VirtualAddresses,
    password: Option<Password>,
    checksum: Checksum,
    is_owner: bool,
}

impl Receiver {
    /// Bits 0 to 3: IPv6; version 2; with a password; a unicast peer. Bits 4 and 5: the
    /// checksum. Bit 6: the owner.
    fn of(number: u8) -> Self {
        let bit = |bit: u8| number >> bit & 1 == 1;
        let (ends, addresses): (_, [IpAddr; 2]) = if bit(0) {
            let [source, first] =
                [1, 0x100].map(|host| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, host));
            let second = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100);
            (Ends::V6 { source, destination: GROUP_V6 }, [first.into(), second.into()])
        } else {
            let [source, peer, first, second] =
                [1, 2, 100, 101].map(|host| Ipv4Addr::new(192, 0, 2, host));
            let destination = if bit(3) { peer } else { GROUP_V4 };
            (Ends::V4 { source, destination }, [first.into(), second.into()])
        };
        let is_v2 = bit(1) && !bit(0);
        let made = || -> Result<Self, Rule> {
            Ok(Self {
                ends,
                version: match is_v2 {
                    true => Version::V2(Seconds::DEFAULT),
                    false => Version::V3(Interval::DEFAULT),
                },
                addresses: VirtualAddresses::new(addresses)?,
                password: (is_v2 && bit(2)).then(|| Password::new(b"secret")).transpose()?,
                checksum: [Checksum::Auto, Checksum::Message, Checksum::PseudoHeader]
                    .into_iter()
                    .cycle()
                    .nth((number >> 4 & 3).into())
                    .unwrap_or_default(),
                is_owner: bit(6),
            })
        };
        let Ok(made) = made() else { unreachable!("{number} is of no virtual router") };
        made
    }

    fn terms(&self) -> Terms<'_> {
        let made = || {
            let terms = Terms::new(Vrid::new(51)?, self.version, &self.addresses)?;
            self.password.map_or(Ok(terms), |password| terms.with_password(password))
        };
        let Ok(terms) = made() else { unreachable!("{:?}", self.version) };
        terms
    }

    fn sends(&self, priority: u8) -> Advertisement<'_> {
        Advertisement::new(self.terms(), priority)
    }

    fn encodes(&self, advertisement: &Advertisement<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let told = advertisement.encode(self.ends, self.checksum.sends(None), &mut bytes);
        assert_eq!(told, Ok(()));
        bytes
    }

    fn judges<'a>(&self, bytes: &'a [u8], hop_limit: u8) -> Result<Accepted<'a>, Rejected> {
        let (is_owner, checksum) = (self.is_owner, self.checksum);
        let (terms, min_hop_limit) = (self.terms(), HOP_LIMIT);
        let expected = Expected { terms, is_owner, checksum, min_hop_limit };
        receive(bytes, &Carrier { ends: self.ends, hop_limit }, Some(&expected))
    }

    /// The bytes, with another checksum if only that may be wrong.
    fn repairs(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if let Err(Rejected::Checksum { expected, .. }) = self.judges(&bytes, HOP_LIMIT) {
            let place = bytes.iter_mut().skip(6);
            place.zip(expected.to_be_bytes()).for_each(|(to, from)| *to = from);
        }
        bytes
    }
}
