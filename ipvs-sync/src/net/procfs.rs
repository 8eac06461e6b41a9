//! What only procfs tells: groups, lost datagrams and numbers.
//!
//! The files are those of the calling thread's network namespace. Lines that are not as
//! expected are passed over.

use ipvs::InterfaceName;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

/// The multicast groups of IPv4 and IPv6 that somebody here hears on an interface.
pub(crate) fn groups(interface: InterfaceName) -> io::Result<Vec<IpAddr>> {
    let mut groups = groups_v4(&of_net("igmp")?, interface);
    groups.extend(groups_v6(&of_net("igmp6")?, interface));
    Ok(groups)
}

/// How many datagrams to these ports of a group were dropped since the sockets were opened
/// because a receive queue was full: of each port those of the socket that lost least. Which
/// of them is the kernel's is not told, but it lost as many.
pub(crate) fn drops(group: IpAddr, ports: RangeInclusive<u16>) -> io::Result<u64> {
    Ok(drops_in(&of_net(udp(group))?, group, ports))
}

/// The addresses from which sockets send that are connected to a port of a group.
pub(crate) fn sources(group: IpAddr, port: u16) -> io::Result<Vec<IpAddr>> {
    Ok(sources_in(&of_net(udp(group))?, group, port))
}

/// The number that a file below `/proc/sys/net` begins with; `None` where there is none.
pub(crate) fn number(name: &str) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/sys/net/{name}")).ok()?;
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// What `uname -r` says.
pub(crate) fn kernel_release() -> io::Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(text.trim_ascii_end().to_owned())
}

/// The file of the sockets of a group's family.
fn udp(group: IpAddr) -> &'static str {
    if group.is_ipv4() { "udp" } else { "udp6" }
}

/// A file of the network namespace; empty where the kernel lacks the family.
fn of_net(file: &str) -> io::Result<String> {
    match fs::read(format!("/proc/thread-self/net/{file}")) {
        // Names of interfaces can be any bytes.
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// A line for an interface, and below it one for each of its groups (`igmp.c:
/// igmp_mc_seq_show`).
fn groups_v4(text: &str, interface: InterfaceName) -> Vec<IpAddr> {
    let (name, mut is_it, mut groups) = (interface.to_string(), false, Vec::new());
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        if line.starts_with(char::is_numeric) {
            is_it = words.nth(1).is_some_and(|word| word.trim_end_matches(':') == name);
        } else if is_it {
            groups.extend(words.next().and_then(address));
        }
    }
    groups
}

/// A line for each group (`mcast.c: igmp6_mc_seq_show`), in network byte order.
fn groups_v6(text: &str, interface: InterfaceName) -> Vec<IpAddr> {
    let name = interface.to_string();
    let group = |line: &str| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let is_it = words.next() == Some(&name);
        let bits = u128::from_str_radix(words.next().filter(|_| is_it)?, 16).ok()?;
        Some(Ipv6Addr::from_bits(bits).into())
    };
    text.lines().filter_map(group).collect()
}

/// A line for each socket, with the local address second and the drops last (`udp.c:
/// udp4_format_sock`).
fn drops_in(text: &str, group: IpAddr, ports: RangeInclusive<u16>) -> u64 {
    let mut least: BTreeMap<u16, u64> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let socket = words.nth(1).and_then(|local| local.split_once(':'));
        let port = socket.and_then(|(_, port)| u16::from_str_radix(port, 16).ok());
        let drops = words.last().and_then(|word| word.parse::<u64>().ok());
        let is_it = socket.is_some_and(|(local, _)| address(local) == Some(group));
        if let (true, Some(port), Some(drops)) = (is_it, port, drops) {
            if ports.contains(&port) {
                let least = least.entry(port).or_insert(drops);
                *least = drops.min(*least);
            }
        }
    }
    least.values().fold(0, |all, drops| all.saturating_add(*drops))
}

/// The local address is the second of a line, and the one that it is connected to the third.
fn sources_in(text: &str, group: IpAddr, port: u16) -> Vec<IpAddr> {
    let source = |line: &str| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (local, _) = words.next()?.split_once(':')?;
        let (remote, to) = words.next()?.split_once(':')?;
        let is_it = address(remote) == Some(group) && u16::from_str_radix(to, 16) == Ok(port);
        address(local).filter(|_| is_it)
    };
    text.lines().filter_map(source).collect()
}

/// An address in words of the machine's byte order, as most of procfs has them.
fn address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let word = u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?;
        Some(u32::from_be_bytes(word.to_ne_bytes()))
    };
    match text.len() {
        8 => Some(Ipv4Addr::from_bits(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bits = words.iter().fold(0, |bits, word| bits << 32 | u128::from(*word));
            Some(Ipv6Addr::from_bits(bits).into())
        }
        _ => None,
    }
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    const IGMP: &str = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n\
        1\tlo        :     1      V3\n\
        \t\t\t\t010000E0     1 0:00000000\t\t0\n\
        7\tsync0     :     2      V3\n\
        \t\t\t\t510000E0     1 0:00000000\t\t0\n\
        \t\t\t\t010000E0     1 0:00000000\t\t0\n\
        8\tsync00000000000:     1      V3\n\
        \t\t\t\t520000E0     1 0:00000000\t\t0\n";
    const IGMP6: &str = "\
        1    lo              ff020000000000000000000000000001     1 0000000C 0\n\
        7    sync0           ff020000000000000000000000000081     1 00000004 0\n";
    const UDP: &str = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when \
        retrnsmt   uid  timeout inode ref pointer drops            \n\
        \x20 148: 0100050A:91F1 510000E0:2290 01 00000000:00000000 00:00000000 00000000     0        \
        0 10336 2 0000000000000000 0           \n\
        \x20 405: 510000E0:2290 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        \
        0 13117 2 0000000000000000 7           \n\
        \x20 405: 510000E0:2290 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        \
        0 13118 2 0000000000000000 3           \n\
        \x20 406: 510000E0:2291 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        \
        0 13119 2 0000000000000000 2           \n\
        \x20 407: 510000E0:2292 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        \
        0 13119 2 0000000000000000 99          \n\
        \x20 408: 520000E0:2290 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        \
        0 13119 2 0000000000000000 99          \n";
    const UDP6: &str = "  sl\n  405: 000002FF000000000000000081000000:2290 \
        00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        \
        0 13117 2 0000000000000000 5\n";

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn groups_are_those_of_the_interface() {
        let of = |name: &str| (groups_v4(IGMP, name.parse().unwrap()), name.parse().unwrap());
        let (v4, sync0) = of("sync0");
        assert_eq!(v4, [ip("224.0.0.81"), ip("224.0.0.1")]);
        assert_eq!(groups_v6(IGMP6, sync0), [ip("ff02::81")]);
        assert_eq!(of("sync00000000000").0, [ip("224.0.0.82")]);
        assert_eq!(of("sync").0, [] as [IpAddr; 0]);
    }

    #[test]
    fn drops_are_those_of_the_socket_of_each_port_that_lost_least() {
        assert_eq!(drops_in(UDP, ip("224.0.0.81"), 8848..=8849), 5);
        assert_eq!(drops_in(UDP, ip("224.0.0.83"), 8848..=8849), 0);
        assert_eq!(drops_in(UDP6, ip("ff02::81"), 8848..=8848), 5);
    }

    #[test]
    fn sources_are_those_of_what_is_connected_to_the_port_of_the_group() {
        assert_eq!(sources_in(UDP, ip("224.0.0.81"), 8848), [ip("10.5.0.1")]);
        assert_eq!(sources_in(UDP, ip("224.0.0.81"), 8849), [] as [IpAddr; 0]);
        assert_eq!(sources_in(UDP, ip("224.0.0.82"), 8848), [] as [IpAddr; 0]);
    }

    #[test]
    fn more_drops_than_can_be_counted_do_not_make_it_panic() {
        let most = UDP.replace(" 2           \n", &format!(" {}\n", u64::MAX));
        assert_ne!(most, UDP);
        assert_eq!(drops_in(&most, ip("224.0.0.81"), 8848..=8849), u64::MAX);
    }

    #[test]
    fn what_is_cut_off_anywhere_does_not_make_it_panic() {
        for text in [IGMP, IGMP6, UDP, UDP6] {
            for at in 0..text.len() {
                groups_v4(&text[at..], "sync0".parse().unwrap());
                groups_v6(&text[..at], "sync0".parse().unwrap());
                drops_in(&text[at..], ip("224.0.0.81"), 0..=u16::MAX);
                sources_in(&text[at..], ip("224.0.0.81"), 8848);
            }
        }
    }
}
