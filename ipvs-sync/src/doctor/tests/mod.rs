//! Reports in, findings out.

mod one;
mod tapped;
mod two;

use super::*;
use crate::net::{Interface, InterfaceAddress};
use ipvs::sysctl::SyncThreshold;
use ipvs::{Role, SyncDaemon};

/// A node that nothing is wrong with.
fn healthy(address: &str) -> Report {
    let daemon = |role| SyncDaemon {
        max_len: Some(1472),
        group: Some("224.0.0.81".parse().unwrap()),
        port: Some(8848),
        ttl: Some(1),
        ..SyncDaemon::new(role, "eth1".parse().unwrap(), 7)
    };
    let interface = Interface {
        index: 3,
        name: "eth1".parse().unwrap(),
        mac: None,
        mtu: 1500,
        is_up: true,
        is_running: true,
        has_arp: true,
        has_multicast: true,
        macvlan_of: None,
    };
    let address = InterfaceAddress::new(address.parse().unwrap(), 24).unwrap();
    Report {
        kernel: "6.12.95".to_owned(),
        daemons: vec![daemon(Role::Master), daemon(Role::Backup)],
        interfaces: vec![Attached {
            interface,
            addresses: vec![address, "fe80::1".parse().map(InterfaceAddress::host).unwrap()],
            groups: vec!["224.0.0.1".parse().unwrap(), "224.0.0.81".parse().unwrap()],
        }],
        sources: vec![Source { address: address.address(), is_local: true }],
        settings: Settings {
            backup_only: false,
            conntrack: false,
            expire_nodest_conn: false,
            expire_quiescent_template: false,
            sloppy_sctp: false,
            sloppy_tcp: false,
            sync_persist_mode: false,
            sync_ports: 1,
            sync_qlen_max: 10_000,
            sync_refresh_period: 10,
            sync_retries: 2,
            sync_sock_size: 8 << 20,
            sync_threshold: SyncThreshold { packets: 3, period: 0 },
            sync_version: 1,
            rmem_max: Some(8 << 20),
            wmem_max: None,
            conntrack_tcp_loose: None,
        },
        services: vec![served("tcp 10.0.0.1:80", &["192.168.0.1:80", "192.168.0.2:80"])],
        synced: vec![Synced { endpoint: "192.168.0.1:80".parse().unwrap(), listed: 9, counted: 5 }],
        drops: 0,
    }
}

fn served(service: &str, destinations: &[&str]) -> Served {
    let target = |endpoint: &&str| Target {
        endpoint: endpoint.parse().unwrap(),
        forwarding: ipvs::Forwarding::Masquerade,
        is_local: false,
    };
    Served {
        service: service.parse().unwrap(),
        one_packet: false,
        persistent: false,
        engine: None,
        destinations: destinations.iter().map(target).collect(),
    }
}

/// The daemon of a role.
fn daemon(report: &mut Report, role: Role) -> &mut SyncDaemon {
    report.daemons.iter_mut().find(|daemon| daemon.role == role).unwrap()
}

/// Findings with their severities, as lines.
fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}: {finding}", finding.severity())).collect()
}

#[cfg(feature = "serde")]
#[test]
fn a_report_is_read_as_it_was_written() {
    let mut report = healthy("10.5.0.1");
    report.services.push(Served {
        engine: Some("sip".parse().unwrap()),
        ..served("fwmark 7 ipv6", &["[fd00::2]:0"])
    });
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    // What is not so at the other node is no report.
    for (is, was) in
        [("\"10.5.0.1\",33", "\"10.5.0.1\",24"), ("\"etc/passwd/too/long\"", "\"eth1\"")]
    {
        let changed = text.replace(was, is);
        assert_ne!(changed, text);
        assert!(serde_json::from_str::<Report>(&changed).is_err(), "{is}");
    }
}
