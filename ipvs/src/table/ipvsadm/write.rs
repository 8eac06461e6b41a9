//! A table into lines that `ipvsadm -R` takes.

use super::{MAX_PERSISTENCE, MAX_TIMEOUT};
use crate::table::TableService;
use crate::table::error::{Object, TableError, TableProblem};
use crate::{
    Checksum, Destination, Family, Forwarding, Protocol, Scheduler, SchedulerFlags, Service,
    ServiceKey, Table, Thresholds, Timeouts, Tunnel,
};

pub(super) fn table(table: &Table) -> Result<String, TableError> {
    let mut text = timeouts(table.timeouts())?;
    for entry in table.services() {
        text += &service_lines(entry)?;
    }
    Ok(text)
}

fn timeouts(timeouts: Timeouts) -> Result<String, TableError> {
    if timeouts == Timeouts::default() {
        return Ok(String::new());
    }
    let [tcp, tcp_fin, udp] =
        [timeouts.tcp, timeouts.tcp_fin, timeouts.udp].map(|timeout| timeout.unwrap_or(0));
    let longest = tcp.max(tcp_fin).max(udp);
    if longest > MAX_TIMEOUT {
        let reason = format!("ipvsadm takes timeouts up to {MAX_TIMEOUT} s, not {longest} s");
        return Err(TableError::new(Object::Timeouts, TableProblem::NotExpressible { reason }));
    }
    Ok(format!("--set {tcp} {tcp_fin} {udp}\n"))
}

fn service_lines(entry: &TableService) -> Result<String, TableError> {
    let service = entry.service();
    let (key, refused) = (service.key(), |object| {
        move |reason| TableError::new(object, TableProblem::NotExpressible { reason })
    });
    let options = service_options(service).map_err(refused(Object::Service(Some(key))))?;
    let key_options = key_options(&key);
    let mut lines = format!("-A {key_options}{options}\n");
    for destination in entry.destinations() {
        let object = Object::Destination(Some(key), Some(destination.endpoint()));
        let options = destination_options(&key, destination).map_err(refused(object))?;
        lines += &format!("-a {key_options}{options}\n");
    }
    Ok(lines)
}

fn key_options(key: &ServiceKey) -> String {
    match key {
        ServiceKey::Mark { mark, family: Family::V4 } => format!("-f {mark}"),
        ServiceKey::Mark { mark, family: Family::V6 } => format!("-f {mark} -6"),
        ServiceKey::Address { protocol, endpoint } => match *protocol {
            Protocol::UDP => format!("-u {endpoint}"),
            Protocol::SCTP => format!("--sctp-service {endpoint}"),
            // A table has no other protocol.
            _ => format!("-t {endpoint}"),
        },
    }
}

fn service_options(service: &Service) -> Result<String, String> {
    let mut options = format!(" -s {}", service.scheduler());
    if let Some(persistence) = service.persistence() {
        let timeout = persistence.timeout;
        if timeout > MAX_PERSISTENCE {
            return Err(format!(
                "ipvsadm takes persistence timeouts up to {MAX_PERSISTENCE} s, not {timeout} s"
            ));
        }
        options += &format!(" -p {timeout}");
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
    let names = flag_names(service);
    if !names.is_empty() {
        options += &format!(" -b {}", names.join(","));
    }
    Ok(options)
}

/// The names that `ipvsadm -S` prints.
fn flag_names(service: &Service) -> Vec<&'static str> {
    let names = match service.scheduler() {
        Scheduler::Sh => ["sh-fallback", "sh-port", "flag-3"],
        Scheduler::Mh => ["mh-fallback", "mh-port", "flag-3"],
        _ => ["flag-1", "flag-2", "flag-3"],
    };
    let flags = [SchedulerFlags::FLAG_1, SchedulerFlags::FLAG_2, SchedulerFlags::FLAG_3];
    let set = service.scheduler_flags();
    flags
        .into_iter()
        .zip(names)
        .filter(|(flag, _)| set.contains(*flag))
        .map(|(_, name)| name)
        .collect()
}

fn destination_options(key: &ServiceKey, destination: &Destination) -> Result<String, String> {
    let (endpoint, forwarding) = (destination.endpoint(), destination.forwarding());
    if let ServiceKey::Address { endpoint: service, .. } = key {
        // It would use the service's port whatever `-r` says.
        if forwarding != Forwarding::Masquerade && endpoint.port != service.port {
            return Err(format!(
                "ipvsadm gives a destination by {forwarding} its service's port {}, not {}",
                service.port, endpoint.port
            ));
        }
    }
    let method = match forwarding {
        Forwarding::Masquerade => "-m",
        Forwarding::DirectRoute => "-g",
        Forwarding::Tunnel(_) => "-i",
        other => return Err(format!("ipvsadm has no option for forwarding by {other}")),
    };
    let mut options = format!(" -r {endpoint} {method} -w {}", destination.weight());
    if let Forwarding::Tunnel(tunnel) = forwarding {
        options += &tunnel_options(tunnel);
    }
    let thresholds = destination.thresholds();
    if thresholds != Thresholds::NONE {
        options += &format!(" -x {} -y {}", thresholds.upper(), thresholds.lower());
    }
    Ok(options)
}

fn tunnel_options(tunnel: Tunnel) -> String {
    let checksum = |mode| match mode {
        Checksum::Off => "--tun-nocsum",
        Checksum::On => "--tun-csum",
        Checksum::Remote => "--tun-remcsum",
    };
    match tunnel {
        Tunnel::Ipip => " --tun-type ipip".to_owned(),
        Tunnel::Gue { port, checksum: mode } => {
            format!(" --tun-type gue --tun-port {port} {}", checksum(mode))
        }
        Tunnel::Gre { checksum: on } => {
            let mode = if on { Checksum::On } else { Checksum::Off };
            format!(" --tun-type gre {}", checksum(mode))
        }
    }
}
