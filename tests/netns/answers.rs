//! Who answers for virtual addresses, and how the neighbours are told.

use crate::host::{PORT, name, port, run};
use crate::lan::Lan;
use crate::router::{becomes, config, ip, settings, start, wait_until};
use crate::wire::{Sniffer, Wire};
use ipvs_sync::net::{arp, ndp};
use ipvs_sync::vrrp::router::State;
use ipvs_sync::vrrp::{Family, VirtualAddresses};
use std::fs;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::Duration;

const FAMILIES: [(Family, &str); 2] = [(Family::V4, "10.0.0.7"), (Family::V6, "fe80::7")];

/// What listens for a family: a child that another test forks can hold the socket of the
/// other family for a moment longer than it is used here.
fn service(family: Family) -> u16 {
    if family == Family::V4 { 5_004 } else { 5_006 }
}

/// At the thread's port.
fn at_port(address: IpAddr, number: u16) -> SocketAddr {
    match address {
        IpAddr::V4(_) => SocketAddr::new(address, number),
        IpAddr::V6(address) => SocketAddrV6::new(address, number, 0, port().index).into(),
    }
}

fn socket(family: Family, number: u16) -> UdpSocket {
    let any = if family == Family::V4 { "0.0.0.0" } else { "::" };
    let socket = UdpSocket::bind((ip(any), number)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

fn next(server: &UdpSocket) -> u8 {
    let mut byte = [0];
    server.recv_from(&mut byte).unwrap();
    byte[0]
}

/// An answer to who asked for this address: of ARP, or of ND with R and S set.
fn is_answer(frame: &[u8], address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            frame[12..14] == [8, 6] && frame[21] == 2 && frame[28..32] == address.octets()
        }
        IpAddr::V6(address) => {
            let is_advertisement = frame[12..14] == [0x86, 0xdd] && frame[20] == 58;
            is_advertisement
                && frame[54] == 136
                && frame[58] & 0xc0 == 0xc0
                && frame[62..78] == address.octets()
        }
    }
}

// shows: 9568-6.4.2-1, 9568-6.4.2-2, 9568-6.4.2-5, 9568-6.4.3-1, 9568-6.4.3-3, 9568-6.4.3-6
// shows: 9568-8.3.1-1
#[test]
fn only_the_active_router_answers_for_a_virtual_address_and_takes_what_is_sent_to_it() {
    let lan = Lan::new(3);
    let macs = [1, 2].map(|host| lan.at(host, || port().mac.unwrap()));
    for host in [1, 2] {
        let forwarding = format!("/proc/sys/net/ipv6/conf/{PORT}/forwarding");
        lan.at(host, || fs::write(forwarding, "1").unwrap());
    }
    for (family, text) in FAMILIES {
        let address = ip(text);
        let servers = [1, 2].map(|host| lan.at(host, || socket(family, service(family))));
        let client = lan.at(3, || socket(family, 0));
        let send = |byte: u8, to: IpAddr| {
            lan.at(3, || client.send_to(&[byte], at_port(to, service(family))).unwrap());
        };
        let answers = |sniffer: &mut Sniffer| {
            let answer = |sniffer: &mut Sniffer| sniffer.next(|frame| is_answer(frame, address));
            let answers = std::iter::from_fn(|| answer(sniffer));
            answers.map(|frame| frame[6..12].to_vec()).collect::<Vec<_>>()
        };
        let high = lan.at(2, || start(settings(config(family, 2, 200))));
        becomes(&high, State::Active);
        let low = lan.at(1, || start(settings(config(family, 1, 100))));
        becomes(&low, State::Backup);

        let mut sniffer = lan.at(3, Sniffer::new);
        lan.at(3, || run(&format!("ip neigh flush dev {PORT}")));
        send(1, address);
        assert_eq!(next(&servers[1]), 1);
        // The backup had as much time to answer.
        send(2, address);
        assert_eq!(next(&servers[1]), 2);
        assert_eq!(answers(&mut sniffer), [macs[1]]);

        // Even what comes to the backup's MAC address it does not take: what is sent after
        // that to its own address is the first that it has.
        let mac = macs[0].map(|byte| format!("{byte:02x}")).join(":");
        lan.at(3, || {
            run(&format!("ip neigh replace {text} lladdr {mac} dev {PORT} nud permanent"))
        });
        send(3, address);
        send(4, low_address(family));
        assert_eq!(next(&servers[0]), 4);
        lan.at(3, || run(&format!("ip neigh del {text} dev {PORT}")));

        drop(high);
        becomes(&low, State::Active);
        lan.at(3, || run(&format!("ip neigh flush dev {PORT}")));
        send(5, address);
        assert_eq!(next(&servers[0]), 5);
        assert_eq!(answers(&mut sniffer), [macs[0]]);
    }
}

/// What the first host has for its own.
fn low_address(family: Family) -> IpAddr {
    ip(if family == Family::V4 { "10.0.0.1" } else { "fe80::1" })
}

// shows: 9568-6.4.2-8, 9568-6.4.2-9, 9568-6.4.2-10, 9568-6.4.3-2, 9568-8.1.2-5
// shows: 9568-8.2.2-7
#[test]
fn each_address_is_announced_from_the_virtual_mac_address_and_its_group_joined() {
    let wire = Wire::new();
    for (family, own, texts) in
        [(Family::V4, 1, ["10.0.0.7", "10.0.0.8"]), (Family::V6, 2, ["fe80::7", "2001:db8::8"])]
    {
        let mac = [0, 0, 0x5e, 0, own, 7];
        let addresses = VirtualAddresses::new(texts.map(ip)).unwrap();
        let config = config(family, 1, 100).with_addresses(addresses).unwrap();
        let mut sniffer = wire.there(Sniffer::new);
        let router = start(settings(config).with_virtual_mac(name("vmac7")));
        becomes(&router, State::Active);
        for text in texts {
            let expected = match ip(text) {
                IpAddr::V4(address) => arp::announcement(mac, address).to_vec(),
                IpAddr::V6(address) => ndp::announcement(mac, address, false).to_vec(),
            };
            sniffer.frame(|frame| frame == expected);
        }
        if family == Family::V6 {
            for group in ["ff0200000000000000000001ff000007", "ff0200000000000000000001ff000008"] {
                let is_it = |line: &str| line.contains("vmac7") && line.contains(group);
                // The kernel joins a moment after it has the address (`addrconf_dad_work`).
                wait_until("membership", || {
                    let groups = fs::read_to_string("/proc/thread-self/net/igmp6").unwrap();
                    groups.lines().any(is_it)
                });
            }
        }
    }
}
