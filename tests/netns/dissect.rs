//! What Wireshark's dissector makes of what we send, frame by frame as it is on the wire.

use crate::host::wait_for;
use crate::router::{becomes, config, ip, settings, start};
use crate::wire::{Sniffer, Wire};
use ipvs_sync::net::{arp, ndp};
use ipvs_sync::runtime::Settings;
use ipvs_sync::vrrp::packet::auth_hmac::{self, Key, Mode};
use ipvs_sync::vrrp::packet::{Checksum, Password};
use ipvs_sync::vrrp::router::State;
use ipvs_sync::vrrp::{Family, Seconds, Version, VirtualAddresses};
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const V4: [&str; 2] = ["10.0.0.7", "10.0.0.8"];
const V6: [&str; 2] = ["fe80::7", "fd00::7"];

/// Fields of a frame as tshark prints them.
type Fields<'a> = [(&'a str, &'a str)];

/// Of all frames that are right.
const CLEAN: [(&str, &str); 2] = [("_ws.malformed", ""), ("_ws.expert.group", "")];

const RIGHT: [(&str, &str); 1] = [("vrrp.checksum.status", GOOD)];

const OF_V2: [(&str, &str); 3] =
    [("vrrp.version", "2"), ("vrrp.adver_int", "1"), ("vrrp.ip_addr", "10.0.0.7,10.0.0.8")];

const OF_V3: [(&str, &str); 2] = [("vrrp.version", "3"), ("vrrp.short_adver_int", "20")];

const OVER_IPV4: [(&str, &str); 5] = [
    ("frame.protocols", "eth:ethertype:ip:vrrp"),
    ("ip.ttl", "255"),
    ("ip.dsfield.dscp", "48"),
    ("ip.dst", "224.0.0.18"),
    ("ip.checksum.status", GOOD),
];

const OVER_IPV6: [(&str, &str); 4] = [
    ("frame.protocols", "eth:ethertype:ipv6:vrrp"),
    ("ipv6.hlim", "255"),
    ("ipv6.tclass.dscp", "48"),
    ("ipv6.dst", "ff02::12"),
];

const GOOD: &str = "1";
const BAD: &str = "0";
/// `PI_CHECKSUM`.
const CHECKSUM: &str = "16777216";

fn two(addresses: [&str; 2]) -> VirtualAddresses {
    VirtualAddresses::new(addresses.map(ip)).unwrap()
}

fn v3(family: Family) -> Settings {
    let addresses = match family {
        Family::V4 => V4,
        Family::V6 => V6,
    };
    settings(config(family, 1, 100).with_addresses(two(addresses)).unwrap())
}

fn v2() -> Settings {
    let config = config(Family::V4, 1, 100).with_version(Version::V2(Seconds::DEFAULT)).unwrap();
    settings(config.with_addresses(two(V4)).unwrap())
}

fn signed(settings: Settings) -> Settings {
    let key = Key::new(1, &[7; 32]).unwrap();
    settings.with_signed(auth_hmac::Settings::new(Mode::Enforce, key, Duration::from_secs(5)))
}

#[test]
fn version_2_is_read_as_it_was_meant() {
    let fields = [("vrrp.auth_type", "0")];
    let fields = [&CLEAN[..], &RIGHT, &OVER_IPV4, &OF_V2, &fields].concat();
    check(&sent(v2()), Coverage::Rfc5798, &fields);
}

#[test]
fn version_2_with_a_password_is_read_as_it_was_meant() {
    let frames = sent(v2().with_password(Password::new(b"secret").unwrap()));
    let fields = [("vrrp.auth_type", "1"), ("vrrp.auth_string", "secret")];
    let fields = [&CLEAN[..], &RIGHT, &OVER_IPV4, &OF_V2, &fields].concat();
    check(&frames, Coverage::Rfc5798, &fields);
}

#[test]
fn version_3_over_ipv4_is_read_as_it_was_meant_with_either_checksum() {
    let fields = [("vrrp.ip_addr", "10.0.0.7,10.0.0.8")];
    let fields = [&CLEAN[..], &RIGHT, &OVER_IPV4, &OF_V3, &fields].concat();
    check(&sent(v3(Family::V4)), Coverage::Rfc5798, &fields);
    let frames = sent(v3(Family::V4).with_checksum(Checksum::Message));
    check(&frames, Coverage::Rfc9568, &fields);
}

#[test]
fn version_3_over_ipv6_is_read_as_it_was_meant() {
    let fields = [("vrrp.ipv6_addr", "fe80::7,fd00::7")];
    let fields = [&CLEAN[..], &RIGHT, &OVER_IPV6, &OF_V3, &fields].concat();
    check(&sent(v3(Family::V6)), Coverage::Rfc5798, &fields);
    check(&sent(signed(v3(Family::V6))), Coverage::Rfc5798, &fields);
}

/// The checksum is of the message, and the dissector, which does not know what follows it
/// here, takes that for a part. It finds nothing else.
#[test]
fn signed_over_ipv4_is_read_as_it_was_meant_but_for_the_checksum() {
    let found = [
        ("_ws.malformed", ""),
        ("_ws.expert.group", CHECKSUM),
        ("vrrp.checksum.status", BAD),
        ("vrrp.ip_addr", "10.0.0.7,10.0.0.8"),
    ];
    let fields = [&OVER_IPV4[..], &OF_V3, &found].concat();
    check(&sent(signed(v3(Family::V4))), Coverage::Rfc5798, &fields);
}

#[test]
fn questions_for_an_address_are_read_as_they_were_meant() {
    let mac = [2, 0, 0, 0, 0, 1];
    let v4 = arp::probe(mac, [10, 0, 0, 7].into()).to_vec();
    let v6 = ndp::probe(mac, "fe80::12:3456".parse().unwrap()).to_vec();
    let of_both = ["_ws.malformed", "_ws.expert.group", "frame.protocols"];
    let of_arp = ["arp.isprobe", "arp.src.proto_ipv4", "arp.dst.proto_ipv4"];
    let fields = [&of_both[..], &of_arp].concat();
    let read = dissected(&[v4], Coverage::Rfc5798, &fields).remove(0);
    assert_eq!(read, ["", "", "eth:ethertype:arp", "1", "0.0.0.0", "10.0.0.7"]);
    let of_ndp = ["ipv6.src", "ipv6.dst", "icmpv6.checksum.status", "icmpv6.nd.ns.target_address"];
    let fields = [&of_both[..], &of_ndp].concat();
    let read = dissected(&[v6], Coverage::Rfc5798, &fields).remove(0);
    let expected = ["eth:ethertype:ipv6:icmpv6", "::", "ff02::1:ff12:3456", GOOD, "fe80::12:3456"];
    assert_eq!(read[..2], ["", ""]);
    assert_eq!(read[2..], expected);
}

#[test]
fn what_is_broken_is_found() {
    let frames = sent(v3(Family::V4));
    let frame = frames.iter().find(|frame| is_advertisement(frame)).unwrap();
    let read = |change: fn(&mut Vec<u8>)| {
        let mut frame = frame.clone();
        change(&mut frame);
        let fields = ["vrrp.checksum.status", "ip.checksum.status", "_ws.malformed"];
        dissected(&[frame], Coverage::Rfc5798, &fields).remove(0)
    };
    assert_eq!(read(|_| {}), [GOOD, GOOD, ""]);
    assert_eq!(read(|frame| frame[36] += 1), [BAD, GOOD, ""]);
    assert_eq!(read(|frame| frame[24] ^= 1), [GOOD, BAD, ""]);
    // One address more than there are.
    assert_ne!(read(|frame| frame[37] += 1)[2], "");
}

/// All frames of a router that takes over and resigns.
fn sent(settings: Settings) -> Vec<Vec<u8>> {
    let wire = Wire::new();
    let mut sniffer = wire.there(Sniffer::new);
    let router = start(settings);
    becomes(&router, State::Backup);
    router.promote(0).unwrap();
    becomes(&router, State::Active);
    router.stop();
    let mut frames = Vec::new();
    wait_for("resignation", || {
        frames.extend(sniffer.next(|frame| is_advertisement(frame) || is_announcement(frame)));
        frames.last().filter(|frame| is_advertisement(frame) && priority(frame) == 0).map(drop)
    });
    frames
}

fn is_advertisement(frame: &[u8]) -> bool {
    matches!((&frame[12..14], frame.get(23), frame.get(20)), ([8, 0], Some(112), _))
        || matches!((&frame[12..14], frame.get(20)), ([0x86, 0xdd], Some(112)))
}

/// Of one of the addresses.
fn is_announcement(frame: &[u8]) -> bool {
    let is_ours = |text: &str, at: usize| match ip(text) {
        std::net::IpAddr::V4(address) => frame.get(at..at + 4) == Some(&address.octets()),
        std::net::IpAddr::V6(address) => frame.get(at..at + 16) == Some(&address.octets()),
    };
    match frame[12..14] {
        [8, 6] => V4.iter().any(|address| is_ours(address, 28)),
        [0x86, 0xdd] => frame[20] == 58 && V6.iter().any(|address| is_ours(address, 62)),
        _ => false,
    }
}

fn priority(frame: &[u8]) -> u8 {
    let is_v4 = frame[12..14] == [8, 0];
    frame[if is_v4 { 34 } else { 54 } + 2]
}

/// Compares what a router sent with what each of its advertisements is to have.
fn check(frames: &[Vec<u8>], coverage: Coverage, expected: &Fields<'_>) {
    let (advertisements, announcements): (Vec<_>, Vec<_>) =
        frames.iter().cloned().partition(|frame| is_advertisement(frame));
    let common = [("vrrp.type", "1"), ("vrrp.virt_rtr_id", "7"), ("vrrp.addr_count", "2")];
    let expected = [expected, &common].concat();
    let mut priorities = read(&advertisements, coverage, &expected, "vrrp.prio");
    // It was active for an interval or less, unless the kernel kept it waiting.
    priorities.dedup();
    assert_eq!(priorities, ["100", "0"]);

    let mac = frames[0][6..12].iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    let mac = mac.join(":");
    let is_arp = announcements[0][12..14] == [8, 6];
    let (expected, address, addresses) = if is_arp {
        (arp(&mac).to_vec(), "arp.src.proto_ipv4", V4)
    } else {
        (neighbour(&mac).to_vec(), "icmpv6.nd.na.target_address", V6)
    };
    let expected = [&CLEAN[..], &expected].concat();
    // Five rounds.
    assert_eq!(read(&announcements, coverage, &expected, address), addresses.repeat(5));
}

fn arp(mac: &str) -> [(&str, &str); 6] {
    [
        ("frame.protocols", "eth:ethertype:arp"),
        ("eth.dst", "ff:ff:ff:ff:ff:ff"),
        ("arp.opcode", "1"),
        ("arp.isgratuitous", "1"),
        ("arp.dst.hw_mac", "ff:ff:ff:ff:ff:ff"),
        ("arp.src.hw_mac", mac),
    ]
}

fn neighbour(mac: &str) -> [(&str, &str); 9] {
    [
        ("frame.protocols", "eth:ethertype:ipv6:icmpv6"),
        ("ipv6.hlim", "255"),
        ("ipv6.dst", "ff02::1"),
        ("icmpv6.type", "136"),
        ("icmpv6.checksum.status", GOOD),
        ("icmpv6.nd.na.flag.r", "0"),
        ("icmpv6.nd.na.flag.s", "0"),
        ("icmpv6.nd.na.flag.o", "1"),
        ("icmpv6.opt.linkaddr", mac),
    ]
}

/// What tshark reads of one field in each frame. All others are to be as expected.
fn read(frames: &[Vec<u8>], coverage: Coverage, expected: &Fields<'_>, last: &str) -> Vec<String> {
    let mut fields: Vec<&str> = expected.iter().map(|(field, _)| *field).collect();
    fields.push(last);
    let mut rows = dissected(frames, coverage, &fields);
    let lasts = rows.iter_mut().filter_map(Vec::pop).collect();
    for row in rows {
        let read: Vec<(&str, &str)> =
            fields.iter().copied().zip(row.iter().map(String::as_str)).collect();
        assert_eq!(read, expected);
    }
    lasts
}

/// What checksums of version 3 over IPv4 cover.
#[derive(Clone, Copy)]
enum Coverage {
    Rfc5798,
    Rfc9568,
}

/// What tshark reads of each frame: a field can be there more than once.
fn dissected(frames: &[Vec<u8>], coverage: Coverage, fields: &[&str]) -> Vec<Vec<String>> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let directory =
        std::env::temp_dir().join(format!("ipvs-tshark-{}-{number}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let file = directory.join("frames");
    fs::write(&file, pcap(frames)).unwrap();
    let is_message_only = matches!(coverage, Coverage::Rfc9568);
    let output = Command::new("tshark")
        // Nobody's own settings.
        .env("HOME", &directory)
        .args(["-n", "-o", "ip.check_checksum:TRUE"])
        .args(["-o", &format!("vrrp.v3_checksum_as_in_v2:{is_message_only}")])
        .args(["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,"])
        .args(fields.iter().flat_map(|field| ["-e", field]))
        .arg("-r")
        .arg(&file)
        .output()
        .expect("these tests need tshark");
    fs::remove_dir_all(&directory).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| line.split('\t').map(str::to_owned).collect();
    let rows: Vec<Vec<String>> = text.lines().map(row).collect();
    assert_eq!(rows.len(), frames.len(), "{said}");
    rows
}

/// A file of Ethernet frames, all from the beginning of 1970.
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    // Magic number and version; time zone and precision; longest frame, Ethernet.
    let header = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1_u32];
    let mut file: Vec<u8> = header.into_iter().flat_map(u32::to_le_bytes).collect();
    for frame in frames {
        let length = u32::try_from(frame.len()).unwrap();
        file.extend([0, 0, length, length].into_iter().flat_map(u32::to_le_bytes));
        file.extend(frame);
    }
    file
}
