//! The state as Prometheus has it, and the HTTP around it.

use crate::state::{Daemon, Hook, Link, Peer, Router, State, Taken};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const STATES: [&str; 4] = ["stopped", "fault", "backup", "active"];

/// The name, type and meaning of a metric, and where its value is.
type OfRouter = (&'static str, &'static str, &'static str, fn(&Router) -> u64);
type OfPackets = (&'static str, &'static str, fn(&Router) -> &BTreeMap<String, u64>);
type OfDaemon = (&'static str, &'static str, &'static str, fn(&Daemon) -> u64);
type OfPeer = (&'static str, &'static str, &'static str, fn(&Peer) -> u64);
type OfHook = (&'static str, fn(&Hook) -> u64);

/// Answers a request of HTTP.
pub(crate) fn answer(request: &[u8], state: impl FnOnce() -> State) -> Vec<u8> {
    let (status, body) = match request.starts_with(b"GET /metrics ") {
        true => ("200 OK", render(&state())),
        false => ("404 Not Found", String::new()),
    };
    let length = body.len();
    format!(
        "HTTP/1.0 {status}\r\nContent-Type: text/plain; version=0.0.4\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The text format, version 0.0.4.
fn render(state: &State) -> String {
    let mut out = Text(String::new());
    out.heading("router_state", "gauge", "1 for the state that the virtual router is in.");
    for router in &state.routers {
        for name in STATES {
            let labels = format!("{},state=\"{name}\"", labels(router));
            out.value("router_state", &labels, u64::from(router.state == name));
        }
    }
    let of_router: [OfRouter; 4] = [
        ("router_priority", "gauge", "Its priority now.", |router| router.priority.into()),
        ("router_transitions_total", "counter", "Changes of its state.", |it| it.transitions),
        ("router_dual_active_total", "counter", "Another was active too.", |it| it.dual_active),
        ("router_accepted_total", "counter", "Advertisements accepted.", |it| it.accepted),
    ];
    for (name, kind, help, read) in of_router {
        out.heading(name, kind, help);
        for router in &state.routers {
            out.value(name, &labels(router), read(router));
        }
    }
    let of_packets: [OfPackets; 2] = [
        ("router_dropped_total", "Packets that were dropped, or odd.", |it| &it.dropped),
        ("router_unclaimed_total", "On its interface and for no router.", |it| &it.unclaimed),
    ];
    for (name, help, read) in of_packets {
        out.heading(name, "counter", help);
        for router in &state.routers {
            for (reason, count) in read(router) {
                let labels = format!("{},reason=\"{reason}\"", labels(router));
                out.value(name, &labels, *count);
            }
        }
    }
    if let Some(sync) = &state.sync {
        let of_daemon: [OfDaemon; 4] = [
            ("sync_daemon_wanted", "gauge", "1 if it is to run.", |it| it.wanted.into()),
            ("sync_daemon_running", "gauge", "1 if it runs.", |it| it.running.into()),
            ("sync_daemon_starts_total", "counter", "Its starts.", |it| it.started),
            ("sync_daemon_stops_total", "counter", "Its stops.", |it| it.stopped),
        ];
        for (name, kind, help, read) in of_daemon {
            out.heading(name, kind, help);
            for daemon in &sync.daemons {
                let Daemon { role, interface, id, .. } = daemon;
                let interface = escaped(interface);
                let labels = format!("role=\"{role}\",interface=\"{interface}\",id=\"{id}\"");
                out.value(name, &labels, read(daemon));
            }
        }
        out.heading("sync_failures_total", "counter", "What could not be done for sync daemons.");
        out.value("sync_failures_total", "", sync.failures);
    }
    if !state.peers.is_empty() {
        let of_peer: [OfPeer; 3] = [
            ("peer_reached", "gauge", "1 if it answered the last time.", |it| it.reached.into()),
            ("peer_transfers_total", "counter", "Its table was taken.", |it| it.transfers_done),
            ("peer_transfer_failures_total", "counter", "It was not.", |it| it.transfers_failed),
        ];
        for (name, kind, help, read) in of_peer {
            out.heading(name, kind, help);
            for peer in &state.peers {
                out.value(name, &format!("peer=\"{}\"", escaped(&peer.address)), read(peer));
            }
        }
        out.heading("peer_connections", "gauge", "Those of the last transfer that went well.");
        for peer in &state.peers {
            let Some(taken) = peer.taken else { continue };
            let Taken { total, synced, without_destination, left_out, missing, unshifted } = taken;
            for (kind, count) in [
                ("total", total),
                ("synced", synced),
                ("without-destination", without_destination),
                ("left-out", left_out),
                ("missing", missing),
                ("unshifted", unshifted),
            ] {
                let labels = format!("peer=\"{}\",kind=\"{kind}\"", escaped(&peer.address));
                out.value("peer_connections", &labels, count);
            }
        }
        out.heading("router_ready", "gauge", "1 if the connections of the active one are here.");
        for router in &state.routers {
            out.value("router_ready", &labels(router), router.ready.into());
        }
    }
    if let Some(link) = state.link {
        let Link { served, strangers, busy, without_key, broken } = link;
        out.heading("link_connections_total", "counter", "Where the other directors connect.");
        for (result, count) in [
            ("served", served),
            ("stranger", strangers),
            ("busy", busy),
            ("without-key", without_key),
            ("broken", broken),
        ] {
            out.value("link_connections_total", &format!("result=\"{result}\""), count);
        }
    }
    out.heading("reloads_total", "counter", "Reloads of the configuration.");
    out.value("reloads_total", "result=\"done\"", state.reloads.done);
    out.value("reloads_total", "result=\"refused\"", state.reloads.refused);
    out.heading("events_total", "counter", "What happened to virtual routers and sync daemons.");
    out.value("events_total", "result=\"told\"", state.events.told);
    out.value("events_total", "result=\"lost\"", state.events.lost);
    let of_hook: [OfHook; 4] = [
        ("hook_runs_total", |hook| hook.run),
        ("hook_failures_total", |hook| hook.failed),
        ("hook_timeouts_total", |hook| hook.timed_out),
        ("hook_dropped_total", |hook| hook.dropped),
    ];
    for (name, read) in of_hook {
        out.heading(name, "counter", "Of a hook's commands.");
        for (number, hook) in state.hooks.iter().enumerate() {
            let program = escaped(&hook.program);
            out.value(name, &format!("hook=\"{number}\",program=\"{program}\""), read(hook));
        }
    }
    out.0
}

fn labels(router: &Router) -> String {
    format!(
        "router=\"{}\",interface=\"{}\",vrid=\"{}\",family=\"{}\"",
        escaped(&router.name),
        escaped(&router.interface),
        router.vrid,
        router.family
    )
}

/// A label's value as the format has it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

struct Text(String);

impl Text {
    // Writing to a string does not fail.

    fn heading(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP ipvs_syncd_{name} {help}");
        let _ = writeln!(self.0, "# TYPE ipvs_syncd_{name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &str, value: u64) {
        let _ = match labels {
            "" => writeln!(self.0, "ipvs_syncd_{name} {value}"),
            _ => writeln!(self.0, "ipvs_syncd_{name}{{{labels}}} {value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::example;
    use fastrand::Rng;

    #[test]
    fn each_metric_is_explained_once_and_has_its_labels() {
        let text = render(&example());
        let web = "router=\"web\",interface=\"eth0\",vrid=\"7\",family=\"IPv4\"";
        for line in [
            "# HELP ipvs_syncd_router_state 1 for the state that the virtual router is in.",
            "# TYPE ipvs_syncd_router_state gauge",
            &format!("ipvs_syncd_router_state{{{web},state=\"active\"}} 1"),
            &format!("ipvs_syncd_router_state{{{web},state=\"backup\"}} 0"),
            &format!("ipvs_syncd_router_priority{{{web}}} 150"),
            &format!("ipvs_syncd_router_transitions_total{{{web}}} 2"),
            &format!("ipvs_syncd_router_dual_active_total{{{web}}} 1"),
            &format!("ipvs_syncd_router_accepted_total{{{web}}} 5"),
            &format!("ipvs_syncd_router_dropped_total{{{web},reason=\"checksum\"}} 3"),
            &format!("ipvs_syncd_router_unclaimed_total{{{web},reason=\"vrid\"}} 4"),
            "ipvs_syncd_sync_daemon_running{role=\"master\",interface=\"eth1\",id=\"7\"} 1",
            "ipvs_syncd_sync_daemon_running{role=\"backup\",interface=\"eth1\",id=\"7\"} 0",
            "ipvs_syncd_sync_daemon_wanted{role=\"backup\",interface=\"eth1\",id=\"7\"} 1",
            "ipvs_syncd_sync_failures_total 3",
            "ipvs_syncd_peer_reached{peer=\"10.5.0.2:8849\"} 1",
            "ipvs_syncd_peer_reached{peer=\"10.5.0.3:8849\"} 0",
            "ipvs_syncd_peer_transfers_total{peer=\"10.5.0.2:8849\"} 2",
            "ipvs_syncd_peer_transfer_failures_total{peer=\"10.5.0.2:8849\"} 1",
            "ipvs_syncd_peer_connections{peer=\"10.5.0.2:8849\",kind=\"synced\"} 5",
            &format!("ipvs_syncd_router_ready{{{web}}} 0"),
            "ipvs_syncd_link_connections_total{result=\"without-key\"} 2",
            "ipvs_syncd_reloads_total{result=\"refused\"} 2",
            "ipvs_syncd_events_total{result=\"told\"} 9",
            "ipvs_syncd_hook_runs_total{hook=\"0\",program=\"/bin/true\"} 9",
        ] {
            assert_eq!(text.lines().filter(|it| *it == line).count(), 1, "{line}\n{text}");
        }
    }

    #[test]
    fn a_label_is_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }

    #[test]
    fn only_the_metrics_are_there() {
        let told = |request: &[u8]| String::from_utf8(answer(request, State::default)).unwrap();
        assert!(told(b"GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.0 200 OK\r\n"));
        for request in
            [&b"GET / HTTP/1.1\r\n\r\n"[..], b"POST /metrics HTTP/1.1\r\n\r\n", b"\xff\r\n\r\n"]
        {
            assert!(told(request).starts_with("HTTP/1.0 404 Not Found\r\n"));
        }
    }

    #[test]
    fn any_request_has_an_answer_of_http() {
        let good = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
        let mut found = 0;
        for seed in 0..5_000 {
            let mut rng = Rng::with_seed(seed);
            let mut request = good.to_vec();
            for _ in 0..rng.u8(..4) {
                let at = rng.usize(..request.len());
                match rng.u8(..3) {
                    0 => request[at] = rng.u8(..),
                    1 => request.insert(at, rng.u8(..)),
                    _ => request.truncate(at.max(1)),
                }
            }
            let told = String::from_utf8(answer(&request, State::default)).unwrap();
            let (head, body) = told.split_once("\r\n\r\n").unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            assert_eq!(length.unwrap().parse(), Ok(body.len()));
            let is_found = head.starts_with("HTTP/1.0 200 OK\r\n");
            assert!(is_found || head.starts_with("HTTP/1.0 404 Not Found\r\n"), "{head}");
            assert_eq!(is_found, request.starts_with(b"GET /metrics "), "seed {seed}");
            assert_eq!(is_found, !body.is_empty());
            found += u32::from(is_found);
        }
        assert!((500..4_500).contains(&found), "{found}");
    }
}
