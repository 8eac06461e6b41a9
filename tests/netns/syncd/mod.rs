//! The daemon `ipvs-syncd`.

mod commands;
mod lacking;
mod privilege;
mod program;
mod told;

use crate::host::{port, run};
use crate::lan::Lan;
use crate::router::{addresses, has_virtual, ip, wait_until};
use crate::wire::Wire;
use ipvs_sync::net::{AdvertSocket, group};
use ipvs_sync::vrrp::Family;
use nix::sys::signal::Signal;
use nix::unistd::gettid;
use program::{Daemon, command, folder, web};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

const ACTIVE: &str = "\"state\":\"active\"";
const BACKUP: &str = "\"state\":\"backup\"";

#[test]
fn of_two_daemons_the_better_one_is_active_and_hands_over_when_told() {
    let wire = Wire::new();
    let mut low = Daemon::start(&web(100, ""));
    low.waits_for(ACTIVE);
    assert!(has_virtual(Family::V4));
    let high = wire.there(|| Daemon::start(&web(200, "")));
    high.waits_for(ACTIVE);
    low.waits_for(BACKUP);
    let refused = low.ask(&["handover", "web"]);
    assert_eq!(refused.status.code(), Some(6));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(said, "ipvs-syncd: web is backup: only an active router hands over\n");
    assert_eq!(low.ask(&["handover", "other"]).status.code(), Some(6));
    let told = high.ask(&["handover"]);
    assert_eq!(String::from_utf8(told.stdout).unwrap(), "handing over: web\n");
    low.waits_for(ACTIVE);
    high.waits_for(BACKUP);
    wait_until("removal", || !wire.there(|| has_virtual(Family::V4)));
    // Its end is in order, and leaves nothing behind.
    assert_eq!(low.end(), Some(0));
    assert!(!has_virtual(Family::V4));
    assert!(!low.folder().join("control").exists());
    high.waits_for(ACTIVE);
    let table = String::from_utf8(high.ask(&["status"]).stdout).unwrap();
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().take(6).collect();
    assert_eq!(row, ["web", "vrrp0", "7", "active", "-", "200"]);
}

#[test]
fn a_reload_is_no_takeover_and_a_bad_one_changes_nothing() {
    let wire = Wire::new();
    let active = Daemon::start(&web(200, ""));
    active.waits_for(ACTIVE);
    let backup = wire.there(|| Daemon::start(&web(100, "")));
    backup.waits_for(BACKUP);
    let web_210 = web(210, "preempt = false");
    let eight = web(50, "").replace("vrid = 7", "vrid = 8").replace("0.7\"", "0.8\"");
    let both = format!("{web_210}{}", eight.replace("web", "eight"));
    active.reload(&both);
    active.waits_for("\"done\":1");
    active.waits_for("\"priority\":210");
    active.waits_for("\"name\":\"eight\"");
    wait_until("second address", || addresses(Family::V4).len() == 3);

    // A missing bracket, a rule that is broken, and what takes a restart.
    let bad = [
        ("[[virtual-router]\n", "conf.toml:2:18: unclosed array table, expected `]`"),
        (&*web(0, ""), "virtual-router web: priority 0 out of range"),
        (&*format!("real-time-priority = 7\n{both}"), "to change it, restart ipvs-syncd"),
        (&*both.replace("vrrp0", "vrrp1"), "vrrp1"),
    ];
    for (number, (text, reason)) in (1..).zip(bad) {
        active.reload(text);
        active.waits_for(&format!("\"refused\":{number}"));
        assert!(active.state().contains(reason), "{}", active.state());
        assert_eq!(active.state().matches(ACTIVE).count(), 2);
    }
    let table = String::from_utf8(active.ask(&["status"]).stdout).unwrap();
    assert!(table.contains("the last reload was refused: "), "{table}");

    // One goes, without the other.
    active.reload(&web_210);
    active.waits_for("\"done\":2");
    assert!(!active.state().contains("eight"));
    assert_eq!(addresses(Family::V4).len(), 2);
    let others = "checksum = \"message\"\nwhen-deleted = \"release\"\n\
                  track = [{ interface = \"lo\", lower = 5 }]";
    active.reload(&web(210, others));
    active.waits_for("\"done\":3");
    // The other daemon heard no gap in all that time.
    assert!(backup.state().contains("\"transitions\":1,"), "{}", backup.state());
    // One is started anew for what cannot change.
    active.reload(&web(210, "group = \"all\""));
    active.waits_for("\"done\":4");
    assert!(active.log().contains("group of web"), "{}", active.log());
    active.waits_for(ACTIVE);
}

#[test]
fn one_that_probes_says_who_answers_and_can_be_told_to_take_over_all_the_same() {
    let wire = Wire::new();
    // What it advertises comes to nobody.
    let unheard = Daemon::start(&web(200, "peers = [\"10.0.0.99\"]"));
    unheard.waits_for(ACTIVE);
    let mac = port().mac.unwrap().map(|byte| format!("{byte:02x}")).join(":");
    let probes = wire.there(|| Daemon::start(&web(100, "probe = true")));
    let told = format!("10.0.0.7 is answered for by {mac}, whose advertisements");
    wait_until("report", || probes.log().contains(&told));
    assert!(probes.state().contains(BACKUP), "{}", probes.state());
    probes.reload(&web(100, ""));
    probes.waits_for(ACTIVE);
}

#[test]
fn what_came_while_it_did_not_run_and_had_no_room_is_counted() {
    let wire = Wire::new();
    let daemon = Daemon::start(&format!("metrics = \"127.0.0.1:9890\"\n{}", web(100, "")));
    daemon.waits_for(ACTIVE);
    let peer = wire.there(|| AdvertSocket::multicast(&port(), Family::V4).unwrap());
    let send = || peer.send(ip("10.0.0.2"), group(Family::V4), &[0x31; 20]).unwrap();
    daemon.signal(Signal::SIGSTOP);
    (0..20_000).for_each(|_| send());
    daemon.signal(Signal::SIGCONT);
    wait_until("count", || {
        // The next one that is queued says how many were not.
        send();
        daemon.state().contains("\"queue_full\":1")
    });
    let mut metrics = TcpStream::connect("127.0.0.1:9890").unwrap();
    metrics.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut said = String::new();
    metrics.read_to_string(&mut said).unwrap();
    let name = "ipvs_syncd_router_dropped_total{router=\"web\",interface=\"vrrp0\",vrid=\"7\",\
                family=\"IPv4\",reason=\"queue_full\"} 1";
    assert!(said.contains(name), "{said}");
    assert!(daemon.log().contains("the queue was full"), "{}", daemon.log());
}

#[test]
fn routers_are_in_the_namespace_that_is_configured() {
    let wire = Wire::new();
    let here = format!("/proc/{}/task/{}/ns/net", std::process::id(), gettid());
    let text = format!("namespace = \"{here}\"\n{}", web(100, ""));
    // The process is at the peer.
    let mut daemon = wire.there(|| Daemon::start(&text));
    daemon.waits_for(ACTIVE);
    assert!(daemon.state().contains("\"source\":\"10.0.0.1\""), "{}", daemon.state());
    assert!(has_virtual(Family::V4));
    assert!(!wire.there(|| has_virtual(Family::V4)));
    daemon.reload(&text.replace("= 100", "= 101"));
    daemon.waits_for("\"priority\":101");
    assert_eq!(daemon.end(), Some(0));
    assert!(!has_virtual(Family::V4));
}

#[test]
fn hooks_are_run_in_order_and_not_for_longer_than_their_time() {
    let _wire = Wire::new();
    let out = folder();
    let script = "echo $IPVS_SYNCD_SEQUENCE $IPVS_SYNCD_ROUTER $IPVS_SYNCD_FROM \
                  $IPVS_SYNCD_TO >> $0; test $IPVS_SYNCD_SEQUENCE != 1 || sleep 0.3";
    let file = out.join("told");
    let hooks = format!(
        "[[hook]]\ncommand = [\"/bin/sh\", \"-c\", \"{script}\", \"{}\"]\n\
         [[hook]]\ncommand = [\"/bin/sleep\", \"60\"]\ntimeout = \"100ms\"\n\
         [[hook]]\ncommand = [\"/nowhere/at-all\"]\n",
        file.display()
    );
    let mut daemon = Daemon::start(&format!("{hooks}{}", web(100, "")));
    daemon.waits_for(ACTIVE);
    daemon.waits_for("\"timed-out\":2");
    assert!(daemon.state().contains("\"run\":2,\"failed\":2"), "{}", daemon.state());
    assert_eq!(daemon.end(), Some(0));
    let told = fs::read_to_string(&file).unwrap();
    assert_eq!(told, "1 web stopped backup\n2 web backup active\n3 web active stopped\n");
    fs::remove_dir_all(out).unwrap();
}

#[test]
fn after_a_partition_the_one_that_stays_says_who_was_active_too() {
    let lan = Lan::new(2);
    let out = folder();
    let hook = format!(
        "[[hook]]\ncommand = [\"/bin/sh\", \"-c\", \"echo $IPVS_SYNCD_EVENT $IPVS_SYNCD_PEER >> $0\", \
         \"{}\"]\n",
        out.join("told").display()
    );
    let stays = lan.at(1, || Daemon::start(&format!("{hook}{}", web(200, ""))));
    stays.waits_for(ACTIVE);
    let other = lan.at(2, || Daemon::start(&web(100, "")));
    other.waits_for(BACKUP);
    lan.cut(2);
    other.waits_for(ACTIVE);
    assert!(stays.state().contains("\"dual-active\":0"), "{}", stays.state());
    lan.heal(2);
    other.waits_for(BACKUP);
    wait_until("the event", || !stays.state().contains("\"dual-active\":0"));
    assert!(stays.state().contains(ACTIVE), "{}", stays.state());
    wait_until("the hook", || {
        let told = fs::read_to_string(out.join("told")).unwrap_or_default();
        told.contains("dual-active 10.0.0.2\n")
    });
    assert!(stays.log().contains("two virtual routers are active"), "{}", stays.log());
    drop(stays);
    fs::remove_dir_all(out).unwrap();
}

#[test]
fn a_tracked_interface_that_fails_lowers_the_priority() {
    let _wire = Wire::new();
    run("ip link add other0 type veth peer name other1");
    run("ip link set other1 up");
    run("ip link set other0 up");
    let daemon = Daemon::start(&web(100, "track = [{ interface = \"other0\", lower = 40 }]"));
    daemon.waits_for("\"priority\":100");
    run("ip link set other0 down");
    daemon.waits_for("\"priority\":60");
    run("ip link set other0 up");
    daemon.waits_for("\"priority\":100");
    run("ip link del other0");
    daemon.waits_for("\"priority\":60");
}

#[test]
fn what_comes_to_its_sockets_costs_it_nothing() {
    let _wire = Wire::new();
    let daemon = Daemon::start(&format!("metrics = \"127.0.0.1:9890\"\n{}", web(100, "")));
    daemon.waits_for(ACTIVE);
    let socket = daemon.folder().join("control");
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let idle: Vec<UnixStream> =
        (0..100).filter_map(|_| UnixStream::connect(&socket).ok()).collect();
    let slow: Vec<TcpStream> =
        (0..50).filter_map(|_| TcpStream::connect("127.0.0.1:9890").ok()).collect();
    let mut nonsense = UnixStream::connect(&socket).unwrap();
    // It is hung up on before it has sent all.
    let _ = nonsense.write_all(&vec![b'x'; 1 << 20]);
    let mut odd = UnixStream::connect(&socket).unwrap();
    odd.write_all(b"reboot now\n").unwrap();
    let mut said = String::new();
    odd.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("{\"error\":\"a request is `status`, "), "{said}");
    let mut metrics = TcpStream::connect("127.0.0.1:9890").unwrap();
    metrics.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    metrics.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut said = String::new();
    metrics.read_to_string(&mut said).unwrap();
    let line = "ipvs_syncd_router_state{router=\"web\",interface=\"vrrp0\",vrid=\"7\",\
                family=\"IPv4\",state=\"active\"} 1\n";
    assert!(said.contains(line), "{said}");
    assert!(daemon.state().contains("\"transitions\":2,"), "{}", daemon.state());
    drop((idle, slow));
}

#[test]
fn the_exit_code_says_what_is_wrong() {
    let _wire = Wire::new();
    let folder = folder();
    let code = |arguments: &[&str]| {
        let output = command(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let file = folder.join("conf.toml");
    let name = file.to_str().unwrap();
    let socket = folder.join("control").display().to_string();
    let with_control = |text: &str| format!("control = \"{socket}\"\n{text}");
    fs::write(&file, with_control(&web(100, ""))).unwrap();
    assert_eq!(code(&["--check", name]), (0, String::new()));
    assert_eq!(code(&["--chekc", name]).0, 2);
    assert_eq!(code(&["status", "--socket", &socket]).0, 5);
    fs::write(&file, with_control(&web(100, "").replace("vrrp0", "vrrp1"))).unwrap();
    let (system, said) = code(&["--config", name]);
    assert_eq!((system, said.contains("conf.toml:4:13: virtual-router web:")), (1, true), "{said}");
    fs::write(&file, with_control(&web(0, ""))).unwrap();
    for option in ["--check", "--config"] {
        let (configuration, said) = code(&[option, name]);
        assert_eq!(configuration, 3);
        assert!(
            said.starts_with(&format!("{name}:8:12: virtual-router web: priority 0")),
            "{said}"
        );
    }
    // Another one at the same socket does not cost the first one anything.
    let daemon = Daemon::start(&web(100, ""));
    let same = daemon.folder().join("conf.toml");
    let (twice, said) = code(&["--config", same.to_str().unwrap()]);
    assert_eq!((twice, said.contains("another ipvs-syncd answers there")), (1, true), "{said}");
    daemon.waits_for(ACTIVE);
    fs::remove_dir_all(folder).unwrap();
}
