//! `ipvsadm` as the other party: its options and its listings.

use crate::netns::{Netns, text};
use ipvs::{
    Checksum, Destination, Endpoint, Family, Forwarding, Protocol, Scheduler, SchedulerFlags,
    Service, ServiceKey, Tunnel,
};

/// What `ipvsadm -Sn` must print of a service and its destinations.
pub(crate) fn saved(service: &Service, destinations: &[Destination]) -> Vec<String> {
    let mut lines = vec![format!("-A {}", service_options(service))];
    lines.extend(destinations.iter().map(|destination| {
        format!("-a {} {}", key_options(&service.key()), destination_options(destination))
    }));
    lines
}

/// What makes the service and its destinations with `ipvsadm -R`, thresholds included.
pub(crate) fn restorable(service: &Service, destinations: &[Destination]) -> String {
    let mut text = format!("-A {}\n", service_options(service));
    for destination in destinations {
        let thresholds = destination.thresholds();
        text += &format!(
            "-a {} {} -x {} -y {}\n",
            key_options(&service.key()),
            destination_options(destination),
            thresholds.upper(),
            thresholds.lower()
        );
    }
    text
}

/// The lines of `ipvsadm -Sn`, sorted: its own order is not a total one.
pub(crate) fn save(netns: &Netns) -> Vec<String> {
    sorted(&netns.run("/sbin/ipvsadm -Sn"))
}

/// The lines of a listing, sorted.
pub(crate) fn list(netns: &Netns, options: &str) -> Vec<String> {
    sorted(&netns.run(&format!("/sbin/ipvsadm -Ln {options}")))
}

/// Feeds `ipvsadm -R`, which must not complain about any line.
pub(crate) fn restore(netns: &Netns, lines: &str) {
    let output = netns.try_run("/sbin/ipvsadm -R", lines);
    let complaint = text(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{complaint}\n{lines}");
}

fn sorted(output: &str) -> Vec<String> {
    let mut lines: Vec<String> = output.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.sort();
    lines
}

pub(crate) fn key_options(key: &ServiceKey) -> String {
    match key {
        ServiceKey::Mark { mark, family: Family::V4 } => format!("-f {mark}"),
        ServiceKey::Mark { mark, family: Family::V6 } => format!("-f {mark} -6"),
        ServiceKey::Address { protocol, endpoint } => match *protocol {
            Protocol::TCP => format!("-t {endpoint}"),
            Protocol::UDP => format!("-u {endpoint}"),
            Protocol::SCTP => format!("--sctp-service {endpoint}"),
            other => panic!("ipvsadm cannot say {other}"),
        },
    }
}

fn service_options(service: &Service) -> String {
    let mut options = format!("{} -s {}", key_options(&service.key()), service.scheduler());
    if let Some(persistence) = service.persistence() {
        options += &format!(" -p {}", persistence.timeout);
        if let Some(netmask) = persistence.netmask {
            options += &format!(" -M {netmask}");
        }
        if let Some(engine) = persistence.engine {
            options += &format!(" --pe {engine}");
        }
    }
    if service.one_packet() {
        options += " -o";
    }
    if service.scheduler_flags() != SchedulerFlags::NONE {
        options += &format!(" -b {}", flag_names(service));
    }
    options
}

fn flag_names(service: &Service) -> String {
    let names = match service.scheduler() {
        Scheduler::Sh => ["sh-fallback", "sh-port", "flag-3"],
        Scheduler::Mh => ["mh-fallback", "mh-port", "flag-3"],
        _ => ["flag-1", "flag-2", "flag-3"],
    };
    let flags = [SchedulerFlags::FLAG_1, SchedulerFlags::FLAG_2, SchedulerFlags::FLAG_3];
    let set =
        flags.iter().zip(names).filter(|(flag, _)| service.scheduler_flags().contains(**flag));
    set.map(|(_, name)| name).collect::<Vec<_>>().join(",")
}

fn destination_options(destination: &Destination) -> String {
    let method = match destination.forwarding() {
        Forwarding::Masquerade => "-m",
        // Local is saved as a gateway.
        Forwarding::DirectRoute | Forwarding::Local => "-g",
        Forwarding::Tunnel(_) => "-i",
        other => panic!("ipvsadm cannot say {other}"),
    };
    let tunnel = match destination.forwarding() {
        Forwarding::Tunnel(Tunnel::Ipip) => " --tun-type ipip".to_owned(),
        Forwarding::Tunnel(Tunnel::Gue { port, checksum }) => {
            let checksum = match checksum {
                Checksum::Off => "--tun-nocsum",
                Checksum::On => "--tun-csum",
                Checksum::Remote => "--tun-remcsum",
            };
            format!(" --tun-type gue --tun-port {port} {checksum}")
        }
        Forwarding::Tunnel(Tunnel::Gre { checksum: true }) => {
            " --tun-type gre --tun-csum".to_owned()
        }
        Forwarding::Tunnel(Tunnel::Gre { checksum: false }) => {
            " --tun-type gre --tun-nocsum".to_owned()
        }
        _ => String::new(),
    };
    format!("-r {} {method} -w {}{tunnel}", destination.endpoint(), destination.weight())
}

/// The row of a destination in `ipvsadm -Ln --thresholds`.
pub(crate) fn threshold_row(destination: &Destination) -> String {
    let (name, thresholds) = (row_name(destination.endpoint()), destination.thresholds());
    let row = format!("{name} {:<10} {:<10} 0          0", thresholds.upper(), thresholds.lower());
    row.trim_end().to_owned()
}

/// The row of a destination in `ipvsadm -Ln --tun-info`.
pub(crate) fn tunnel_row(destination: &Destination) -> String {
    let (method, tunnel) = match destination.forwarding() {
        Forwarding::Masquerade => ("Masq", "n/a".to_owned()),
        Forwarding::DirectRoute => ("Route", "n/a".to_owned()),
        Forwarding::Local => ("Local", "n/a".to_owned()),
        tunnel => ("Tunnel", tunnel.to_string()),
    };
    let (name, weight) = (row_name(destination.endpoint()), destination.weight().value());
    format!("{name} {method:<7} {tunnel:<13} {weight:<6} 0          0")
}

fn row_name(endpoint: Endpoint) -> String {
    format!("  -> {:<28}", endpoint.to_string())
}
