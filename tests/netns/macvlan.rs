//! Interfaces with a virtual router's MAC address.

use crate::host::{PORT, interface, name, port, run, wait_for};
use crate::wire::{Sniffer, Wire};
use ipvs_sync::net::{
    Announcer, ErrorKind, InterfaceAddress, Outcome, ParentSettings, Rtnetlink, VirtualMac, arp,
};
use ipvs_sync::vrrp::{Family, Vrid};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::time::Duration;

const VIRTUAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const VIRTUAL_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 7);

fn mac(vrid: u8) -> [u8; 6] {
    Vrid::new(vrid).unwrap().mac(Family::V4)
}

fn setting(interface: &str, name: &str) -> String {
    let path = format!("/proc/sys/net/ipv4/conf/{interface}/{name}");
    fs::read_to_string(path).unwrap().trim().to_owned()
}

fn set(interface: &str, name: &str, value: &str) {
    fs::write(format!("/proc/sys/net/ipv4/conf/{interface}/{name}"), value).unwrap();
}

fn add(vmac: &VirtualMac, address: IpAddr) {
    let wanted = [InterfaceAddress::host(address)];
    let outcomes = Rtnetlink::open().unwrap().add_addresses(vmac.interface(), &wanted).unwrap();
    assert!(matches!(outcomes[..], [Outcome::Done]), "{outcomes:?}");
}

fn exists(interface: &str) -> bool {
    Rtnetlink::open().unwrap().interface(name(interface)).is_ok()
}

// shows: 9568-7.4-1
#[test]
fn it_has_the_virtual_mac_address_and_no_address_made_of_it() {
    let _wire = Wire::new();
    let settings = ParentSettings::change(&port()).unwrap();
    let vmac = VirtualMac::create(&settings, name("vmac7"), mac(7)).unwrap();
    let made = *vmac.interface();
    assert_eq!(made.mac, Some([0, 0, 0x5e, 0, 1, 7]));
    assert_eq!(made.macvlan_of, Some(port().index));
    assert!(made.is_up);
    wait_for("carrier", || interface("vmac7").is_running.then_some(()));
    let shown = run("ip -d link show vmac7");
    assert!(shown.contains("macvlan mode private"), "{shown}");
    assert!(shown.contains("addrgenmode none"), "{shown}");
    assert_eq!(run("ip -o addr show dev vmac7"), "");
    vmac.remove().unwrap();
    assert!(!exists("vmac7"));
}

#[test]
fn the_settings_are_set_back_with_the_last_and_only_if_nobody_else_has_set_them() {
    let _wire = Wire::new();
    set(PORT, "arp_announce", "1");
    let parent = || (setting(PORT, "arp_ignore"), setting(PORT, "arp_announce"));
    let pair = |ignore: &str, announce: &str| (ignore.to_owned(), announce.to_owned());
    assert_eq!(parent(), pair("0", "1"));

    let settings = ParentSettings::change(&port()).unwrap();
    let first = VirtualMac::create(&settings, name("vmac7"), mac(7)).unwrap();
    let second = VirtualMac::create(&settings, name("vmac8"), mac(8)).unwrap();
    drop(settings);
    assert_eq!(parent(), pair("1", "2"));
    drop(first);
    assert!(!exists("vmac7"));
    assert_eq!(parent(), pair("1", "2"));
    // In another namespace it is set back all the same.
    std::thread::spawn(|| {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        drop(second);
    })
    .join()
    .unwrap();
    assert!(!exists("vmac8"));
    assert_eq!(parent(), pair("0", "1"));

    let settings = ParentSettings::change(&port()).unwrap();
    set(PORT, "arp_ignore", "8");
    drop(settings);
    assert_eq!(parent(), pair("8", "1"));
}

#[test]
fn whoever_is_the_last_on_an_interface_sets_back_what_was_before_the_first() {
    let _wire = Wire::new();
    let create = |vrid: u8| {
        let settings = ParentSettings::change(&port()).unwrap();
        VirtualMac::create(&settings, name(&format!("vmac{vrid}")), mac(vrid)).unwrap()
    };
    let parent = || [setting(PORT, "arp_ignore"), setting(PORT, "arp_announce")];
    set(PORT, "arp_announce", "1");
    for is_first_the_last in [false, true] {
        let (first, second) = (create(7), create(8));
        let (next, last) = if is_first_the_last { (second, first) } else { (first, second) };
        drop(next);
        assert_eq!(parent(), ["1", "2"]);
        drop(last);
        assert_eq!(parent(), ["0", "1"]);
    }
}

#[test]
fn what_a_process_that_crashed_has_set_is_set_back_with_what_it_left() {
    let _wire = Wire::new();
    let create = || {
        let settings = ParentSettings::change(&port()).unwrap();
        VirtualMac::create(&settings, name("vmac7"), mac(7)).unwrap()
    };
    std::mem::forget(create());
    std::mem::forget(create());
    let shown = run("ip link show vmac7");
    assert!(shown.contains("alias ipvs-sync arp_ignore=0 arp_announce=0"), "{shown}");
    // What somebody has set since is his.
    set(PORT, "arp_announce", "1");
    drop(create());
    assert_eq!([setting(PORT, "arp_ignore"), setting(PORT, "arp_announce")], ["0", "1"]);
}

/// Who answers the peer for the virtual address and for the port's own, and what the peer
/// learns when this host asks for it.
// shows: 9568-8.1.2-1, 9568-8.1.2-2, 9568-8.2.2-1, 9568-8.2.2-2
#[test]
fn each_address_is_at_its_own_mac_address_and_answers_through_a_reverse_path_filter() {
    let wire = Wire::new();
    for interface in ["all", "default", PORT] {
        set(interface, "rp_filter", "1");
    }
    let settings = ParentSettings::change(&port()).unwrap();
    let vmac = VirtualMac::create(&settings, name("vmac7"), mac(7)).unwrap();
    wait_for("carrier", || interface("vmac7").is_running.then_some(()));
    run(&format!("ip addr add fd00::1/64 dev {PORT} nodad"));
    wire.there(|| run(&format!("ip addr add fd00::2/64 dev {PORT} nodad")));
    let own = port().mac.unwrap();
    let places: [(IpAddr, [u8; 6]); 4] = [
        (VIRTUAL.into(), mac(7)),
        (VIRTUAL_V6.into(), mac(7)),
        ("10.0.0.1".parse().unwrap(), own),
        ("fd00::1".parse().unwrap(), own),
    ];
    add(&vmac, VIRTUAL.into());
    add(&vmac, VIRTUAL_V6.into());

    let mut sniffer = wire.there(Sniffer::new);
    for (address, place) in places {
        let server = UdpSocket::bind((address, 5_000)).unwrap();
        server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let client = wire.there(|| {
            let any: IpAddr =
                if address.is_ipv4() { "10.0.0.2" } else { "fd00::2" }.parse().unwrap();
            let client = UdpSocket::bind((any, 0)).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            client.send_to(b"?", (address, 5_000)).unwrap();
            client
        });
        let mut buffer = [0; 8];
        let (_, from) = server.recv_from(&mut buffer).unwrap();
        // As if it had forgotten the client, it asks for it first.
        run(&format!("ip neigh flush dev {PORT}"));
        server.send_to(b"!", from).unwrap();
        let (length, _) = client.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"!");
        let entry = wire.there(|| run(&format!("ip neigh show {address}")));
        let place = place.map(|byte| format!("{byte:02x}")).join(":");
        assert!(entry.contains(&place), "{entry}");
    }
    // Whatever ARP and ND this host sent names a virtual address only with its own MAC
    // address.
    let names_virtual = |frame: &[u8]| {
        let is_arp = frame[12..14] == [8, 6] && frame[28..32] == VIRTUAL.octets();
        let is_nd = frame[12..14] == [0x86, 0xdd] && frame[20] == 58;
        is_arp || (is_nd && frame[22..38] == VIRTUAL_V6.octets())
    };
    let mut seen = 0;
    while let Some(frame) = sniffer.next(names_virtual) {
        assert_eq!(frame[6..12], mac(7));
        let is_nd = frame[12..14] == [0x86, 0xdd];
        // The option says the same: of the source, or of the target.
        if is_nd && [135, 136].contains(&frame[54]) && frame.len() == 86 {
            assert_eq!(frame[80..], mac(7));
        }
        seen += 1;
    }
    assert!(seen >= 2, "no answer for either");
}

#[test]
fn announcements_on_it_come_from_the_virtual_mac_address() {
    let wire = Wire::new();
    let settings = ParentSettings::change(&port()).unwrap();
    let vmac = VirtualMac::create(&settings, name("vmac7"), mac(7)).unwrap();
    wait_for("carrier", || interface("vmac7").is_running.then_some(()));
    let mut sniffer = wire.there(Sniffer::new);
    Announcer::open(vmac.interface()).unwrap().announce(VIRTUAL.into()).unwrap();
    let frame = sniffer.frame(|frame| frame[12..14] == [8, 6]);
    assert_eq!(frame, arp::announcement(mac(7), VIRTUAL));
}

#[test]
fn an_address_that_goes_takes_none_of_its_prefix_with_it() {
    let _wire = Wire::new();
    let settings = ParentSettings::change(&port()).unwrap();
    let vmac = VirtualMac::create(&settings, name("vmac7"), mac(7)).unwrap();
    let address = |host| InterfaceAddress::new(Ipv4Addr::new(10, 2, 0, host).into(), 24).unwrap();
    let (first, second) = (address(1), address(2));
    let mut netlink = Rtnetlink::open().unwrap();
    netlink.add_addresses(vmac.interface(), &[first, second]).unwrap();
    netlink.remove_addresses(vmac.interface(), &[first]).unwrap();
    let held = netlink.held_addresses(vmac.interface(), Family::V4, &[first, second]).unwrap();
    assert_eq!(held, [second]);
}

#[test]
fn one_that_was_left_behind_is_taken_over_with_its_addresses() {
    let _wire = Wire::new();
    let settings = ParentSettings::change(&port()).unwrap();
    let left = VirtualMac::create(&settings, name("vmac7"), mac(7)).unwrap();
    add(&left, VIRTUAL.into());
    let index = left.interface().index;
    std::mem::forget(left);
    set("vmac7", "arp_ignore", "0");
    let vmac = VirtualMac::create(&settings, name("vmac7"), mac(7)).unwrap();
    assert_eq!(vmac.interface().index, index);
    assert_eq!(setting("vmac7", "arp_ignore"), "1");
    let wanted = [InterfaceAddress::host(VIRTUAL.into())];
    let mut netlink = Rtnetlink::open().unwrap();
    let held = netlink.held_addresses(vmac.interface(), Family::V4, &wanted).unwrap();
    assert_eq!(held, wanted);
    drop(vmac);
    assert!(!exists("vmac7"));
}

#[test]
fn what_is_someone_elses_stays() {
    let _wire = Wire::new();
    run("ip link add vmac7 type veth peer name other0");
    run(&format!("ip link add link {PORT} name vmac8 type macvlan mode private"));
    let settings = ParentSettings::change(&port()).unwrap();
    for taken in ["vmac7", "vmac8"] {
        let error = VirtualMac::create(&settings, name(taken), mac(7)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(
            error.to_string(),
            format!(
                "create the interface {taken}: an interface of this name is there, and is not a \
                 macvlan with this MAC address on this interface"
            )
        );
        assert!(exists(taken));
    }
}

#[test]
fn that_it_is_gone_is_no_failure_to_remove_it() {
    let _wire = Wire::new();
    let settings = ParentSettings::change(&port()).unwrap();
    let vmac = VirtualMac::create(&settings, name("vmac7"), mac(7)).unwrap();
    run("ip link del vmac7");
    vmac.remove().unwrap();
    let vmac = VirtualMac::create(&settings, name("vmac7"), mac(7)).unwrap();
    // The macvlans go with the interface below.
    run(&format!("ip link del {PORT}"));
    vmac.remove().unwrap();
    drop(settings);
    let error = ParentSettings::change(&interface("lo")).map(drop);
    assert!(error.is_ok());
}
