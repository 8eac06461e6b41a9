//! The kernel's listing as text, `/proc/net/ip_vs`, as a check of what was read
//! by other means.
//!
//! It is several times cheaper than listing the destinations of every service,
//! and says less: services by protocol, address, port or mark and scheduler;
//! destinations by address, port, forwarding method and weight (`ip_vs_ctl.c:
//! ip_vs_info_seq_show`).

use crate::snapshot::SnapshotService;
use crate::{Endpoint, ServiceKey, Snapshot};
use std::io::{self, BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A number that is the same for tables whose listings say the same, in
/// whichever order, and hardly ever for others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest(u64);

/// The digest of one service, as its destinations come.
#[derive(Default)]
struct Block {
    service: Option<u64>,
    destinations: u64,
}

impl Digest {
    /// Of a snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut digest = Self::default();
        for SnapshotService { entry, destinations } in snapshot.services() {
            let mut block = Block::default();
            let scheduler = entry.service.scheduler();
            let scheduler = scheduler.as_bytes();
            block.service = Some(match entry.service.key() {
                ServiceKey::Mark { mark, .. } => hash_mark(mark.get(), scheduler),
                ServiceKey::Address { protocol, endpoint } => {
                    hash_service(protocol.number().into(), endpoint, scheduler)
                }
            });
            for entry in destinations {
                let weight = entry.destination.weight().value();
                let forwarding = entry.destination.listed_forwarding();
                block.add(hash_destination(entry.destination.endpoint(), forwarding, weight));
            }
            digest.add(block);
        }
        digest
    }

    /// Of the text.
    ///
    /// # Errors
    ///
    /// Those of reading, and `InvalidData` for a line that is not as expected.
    pub(super) fn read(text: impl Read) -> io::Result<Self> {
        let mut text = BufReader::with_capacity(READ, text);
        let mut digest = Self::default();
        let mut block = Block::default();
        let mut line = Vec::new();
        let mut heading = HEADING_LINES;
        loop {
            line.clear();
            if text.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if heading > 0 {
                heading -= 1;
                continue;
            }
            match destination_line(&line) {
                Some(hash) => block.add(hash),
                None => {
                    digest.add(std::mem::take(&mut block));
                    block.service = service_line(&line);
                    if block.service.is_none() {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                }
            }
        }
        digest.add(block);
        Ok(digest)
    }

    fn add(&mut self, block: Block) {
        if let Some(service) = block.service {
            self.0 = self.0.wrapping_add(mix(service, block.destinations));
        }
    }
}

impl Block {
    fn add(&mut self, destination: u64) {
        self.destinations = self.destinations.wrapping_add(destination);
    }
}

/// The kernel gives about a page at a time, however much is asked for.
const READ: usize = 8192;
/// Version and column titles.
const HEADING_LINES: usize = 3;

/// `TCP  0A000001:0050 wlc `, `FWM  00000007 rr `, with more behind.
fn service_line(line: &[u8]) -> Option<u64> {
    let mut rest = Rest(line);
    let protocol = rest.word()?;
    if protocol == b"FWM" {
        let mark = u32::try_from(rest.hex()?).ok()?;
        return Some(hash_mark(mark, rest.word()?));
    }
    let endpoint = rest.endpoint()?;
    Some(hash_service(protocol_number(protocol)?.into(), endpoint, rest.word()?))
}

/// `  -> C0A80001:0050      Masq    1      0          0         `.
fn destination_line(line: &[u8]) -> Option<u64> {
    let mut rest = Rest(line.strip_prefix(b"  -> ")?);
    let endpoint = rest.endpoint()?;
    let forwarding = rest.word()?.first().copied()?;
    Some(hash_destination(endpoint, forwarding, rest.decimal()?))
}

/// What of a line is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn word(&mut self) -> Option<&'a [u8]> {
        self.skip_spaces();
        let end = self.0.iter().position(u8::is_ascii_whitespace);
        let (word, rest) = self.0.split_at_checked(end.unwrap_or(self.0.len()))?;
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    /// `0A000001:0050` or `[2001:0db8:…:0001]:0050`.
    fn endpoint(&mut self) -> Option<Endpoint> {
        self.skip_spaces();
        let address = if self.skip(b'[').is_some() {
            let mut bits = u128::from(self.hex()?);
            while self.skip(b':').is_some() {
                bits = bits << 16 | u128::from(self.hex()?);
            }
            self.skip(b']')?;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(self.hex()?).ok()?))
        };
        self.skip(b':')?;
        Some(Endpoint { address, port: u16::try_from(self.hex()?).ok()? })
    }

    fn hex(&mut self) -> Option<u64> {
        self.number::<16>()
    }

    fn decimal(&mut self) -> Option<u32> {
        u32::try_from(self.number::<10>()?).ok()
    }

    /// All digits that come; at least one.
    fn number<const BASE: u64>(&mut self) -> Option<u64> {
        self.skip_spaces();
        let (mut number, mut rest) = (0u64, self.0);
        while let [byte, after @ ..] = rest {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'A'..=b'F' if BASE == 16 => byte - b'A' + 10,
                b'a'..=b'f' if BASE == 16 => byte - b'a' + 10,
                _ => break,
            };
            number = number.checked_mul(BASE)?.checked_add(digit.into())?;
            rest = after;
        }
        let any = rest.len() < self.0.len();
        self.0 = rest;
        any.then_some(number)
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    fn skip_spaces(&mut self) {
        while self.skip(b' ').is_some() {}
    }
}

/// The protocol as the kernel names it (`ip_vs_proto.c: ip_vs_proto_name`).
fn protocol_number(name: &[u8]) -> Option<u16> {
    Some(match name {
        b"TCP" => 6,
        b"UDP" => 17,
        b"SCTP" => 132,
        b"IP" => 0,
        b"ICMP" => 1,
        b"ICMPv6" => 58,
        _ => std::str::from_utf8(name.strip_prefix(b"IP_")?).ok()?.parse().ok()?,
    })
}

fn hash_mark(mark: u32, scheduler: &[u8]) -> u64 {
    let nowhere = Endpoint::new(Ipv4Addr::UNSPECIFIED, 0);
    // Beyond the numbers of protocols.
    hash_service(1 << 32 | u64::from(mark), nowhere, scheduler)
}

fn hash_service(kind: u64, endpoint: Endpoint, scheduler: &[u8]) -> u64 {
    let hash = mix(hash_endpoint(endpoint), kind);
    scheduler.chunks(8).fold(hash, |hash, part| {
        mix(hash, part.iter().fold(1, |word, byte| word << 8 | u64::from(*byte)))
    })
}

fn hash_destination(endpoint: Endpoint, forwarding: u8, weight: u32) -> u64 {
    mix(hash_endpoint(endpoint), u64::from(weight) << 8 | u64::from(forwarding))
}

fn hash_endpoint(Endpoint { address, port }: Endpoint) -> u64 {
    let hash = mix(u64::from(port), u64::from(address.is_ipv6()));
    match address {
        IpAddr::V4(v4) => mix(hash, v4.to_bits().into()),
        IpAddr::V6(v6) => {
            let bytes = v6.octets();
            let (high, low) = bytes.split_at(8);
            let word = |half: &[u8]| half.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            mix(mix(hash, word(high)), word(low))
        }
    }
}

/// A step that spreads every bit of a word over the hash. Nobody chooses the words
/// to make two tables look alike: who can change one can change it back as well.
fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ FIRST) * u128::from(word ^ SECOND ^ hash.rotate_left(32));
    let bytes = product.to_ne_bytes();
    let (low, high) = bytes.split_at(8);
    let half = |half: &[u8]| half.first_chunk().map_or(0, |half| u64::from_ne_bytes(*half));
    half(low) ^ half(high) ^ word.rotate_left(17)
}

/// Odd, with as many ones as zeros: digits of the golden ratio and of pi.
const FIRST: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND: u64 = 0x2436_a885_308d_3131;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connections, Weight};
    use crate::{Destination, DestinationEntry, Forwarding, Scheduler, Service, ServiceEntry};

    /// Of Linux 6.1: a service of each kind of key, destinations of each method.
    const TEXT: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A000001:0050 wlc persistent 75000 FFFFFF00
  -> C0A80002:0050      Route   2147483647 0          0         
  -> C0A80001:1F90      Masq    1      3          4         
UDP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0035 rr 
  -> [2001:0db8:0000:0000:0000:0000:0000:0002]:0035      Tunnel  0      0          0         
IP_51  0A000001:0000 wlc ops 
FWM  00000007 mh 
";

    fn snapshot() -> Snapshot {
        type Servers = &'static [(&'static str, Forwarding, u32)];
        let servers: [(&str, Servers); 4] = [
            (
                "tcp 10.0.0.1:80 wlc",
                &[
                    ("192.168.0.1:8080", Forwarding::Masquerade, 1),
                    ("192.168.0.2:80", Forwarding::DirectRoute, 2_147_483_647),
                ],
            ),
            ("udp [2001:db8::1]:53 rr", &[("[2001:db8::2]:53", Forwarding::IPIP, 0)]),
            ("protocol-51 10.0.0.1:0 wlc", &[]),
            ("fwmark 7 mh", &[]),
        ];
        let mut snapshot = Snapshot::default();
        for (service, destinations) in servers {
            let (key, scheduler) = service.rsplit_once(' ').unwrap();
            let scheduler: Scheduler = scheduler.parse().unwrap();
            let service = Service::new(key.parse().unwrap()).with_scheduler(scheduler);
            let destinations = destinations.iter().map(|(endpoint, forwarding, weight)| {
                let destination = Destination::new(endpoint.parse().unwrap())
                    .with_forwarding(*forwarding)
                    .with_weight(Weight::new(*weight).unwrap());
                let connections = Connections::default();
                DestinationEntry { destination, connections, stats: Default::default() }
            });
            snapshot.push(ServiceEntry { service, stats: Default::default() }, destinations);
        }
        snapshot
    }

    #[test]
    fn a_table_and_its_text_have_one_digest() {
        assert_eq!(Digest::read(TEXT.as_bytes()).unwrap(), Digest::of(&snapshot()));
    }

    #[test]
    fn the_order_makes_no_difference() {
        let mut lines: Vec<&str> = TEXT.lines().collect();
        lines.swap(4, 5);
        lines.swap(8, 9);
        let text = lines.join("\n") + "\n";
        assert_ne!(text, TEXT);
        assert_eq!(Digest::read(text.as_bytes()).unwrap(), Digest::of(&snapshot()));
    }

    #[test]
    fn whatever_differs_gives_another_digest() {
        let digest = Digest::of(&snapshot());
        for (from, to) in [
            ("TCP  0A000001", "UDP  0A000001"),
            ("TCP  0A000001", "TCP  0A000002"),
            (":0050 wlc", ":0051 wlc"),
            (":0050 wlc", ":0050 wrr"),
            ("C0A80001:1F90", "C0A80001:1F91"),
            ("C0A80002", "C0A80003"),
            ("Route ", "Local "),
            ("Tunnel  0 ", "Tunnel  1 "),
            ("FWM  00000007", "FWM  00000008"),
            ("IP_51  0A000001:0000 wlc ops \n", ""),
            ("  -> C0A80001:1F90      Masq    1      3          4         \n", ""),
        ] {
            let text = TEXT.replacen(from, to, 1);
            assert_ne!(text, TEXT, "{from}");
            assert_ne!(Digest::read(text.as_bytes()).unwrap(), digest, "{from}");
        }
        // A destination under another service.
        let line = "  -> C0A80001:1F90      Masq    1      3          4         \n";
        let moved = TEXT.replacen(line, "", 1) + line;
        assert_ne!(Digest::read(moved.as_bytes()).unwrap(), digest);
    }

    #[test]
    fn a_line_that_is_not_as_expected_is_an_error() {
        for line in ["TCP  0A000001:0050", "XYZ  0A000001:0050 wlc", "  -> C0A80001 Masq 1", "x"] {
            let text = format!("{TEXT}{line}\n");
            let error = Digest::read(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{line}");
        }
    }
}
