//! What `ipvs-syncd doctor` says of it, and how it ends.

use super::pair::{Pair, daemon, start, stop};
use crate::netns::text;
use crate::program::{Daemon, command, ended, folder};
use ipvs::{Role, SyncDaemon};
use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// Its exit code, and what it says on both its outputs.
fn ends(command: &mut Command) -> (Option<i32>, String, String) {
    let output = ended(command);
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_doctor_of_ipvs_syncd_ends_by_what_it_finds() {
    let pair = Pair::new();
    let folder = folder();
    let (file, report) = (folder.join("conf.toml"), folder.join("report"));
    fs::write(&file, "").unwrap();
    let doctor = || {
        let mut command = command(&["doctor", "--config"]);
        command.arg(&file);
        command
    };
    assert_eq!(ends(&mut doctor()), (Some(0), String::new(), String::new()));

    // The peer is as it should be, and has another id than this node from then on.
    let (healthy, json, _) = pair.there(|| ends(doctor().arg("--json")));
    assert_eq!(healthy, Some(0));
    fs::write(&report, json).unwrap();
    let with_peer = || {
        let mut doctor = doctor();
        doctor.arg("--peer-report").arg(&report);
        doctor
    };
    assert_eq!(ends(&mut with_peer()), (Some(0), String::new(), String::new()));
    start(SyncDaemon { id: 8, ..daemon(Role::Backup) });
    let found = "the master of the peer sends with id 7 and the backup of this node takes 8: it \
                 drops all messages";
    let one = "ipvs-syncd: 1 finding\n".to_owned();
    let line = format!("error: with {}: {found}\n", report.display());
    assert_eq!(ends(&mut with_peer()), (Some(7), line, one.clone()));

    stop(Role::Master);
    stop(Role::Backup);
    let none = "no sync daemon runs: connections are neither told to others nor learned from them";
    assert_eq!(ends(&mut doctor()), (Some(7), format!("error: {none}\n"), one.clone()));
    let (code, json, said) = ends(doctor().arg("--json"));
    assert_eq!((code, said), (Some(7), one));
    let expected = format!(
        ",\"findings\":[{{\"severity\":\"error\",\"at\":\"here\",\"finding\":\"{none}\"}}]}}\n"
    );
    assert!(json.ends_with(&expected), "{json}");
    fs::remove_dir_all(folder).unwrap();
}

/// The configuration of a director with peers, and with the key in this folder.
fn with_peers(folder: &Path, id: u8, host: u8, peers: &[u8], key: &str) -> String {
    let path = folder.join(format!("key-{host}"));
    fs::write(&path, key.repeat(32)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let peers: Vec<String> = peers.iter().map(|peer| format!("10.5.0.{peer}:8849")).collect();
    format!(
        "[sync]\ninterface = \"sync0\"\nid = {id}\nlisten = \"10.5.0.{host}:8849\"\n\
         peers = {peers:?}\nkey = {path:?}\n"
    )
}

#[test]
fn peers_are_asked_over_the_link_and_who_lacks_the_key_is_turned_away_and_counted() {
    let pair = Pair::new();
    let folder = folder();
    let there = pair.there(|| Daemon::start(&with_peers(&folder, 8, 2, &[1], "07")));
    there.waits_for("\"served\":0");
    let doctor = |key| {
        let file = folder.join("conf.toml");
        fs::write(&file, with_peers(&folder, 7, 1, &[2, 3], key)).unwrap();
        let (code, said, _) = ends(command(&["doctor", "--config"]).arg(file));
        assert_eq!(code, Some(7));
        said
    };
    let said = doctor("07");
    let of = |peer: &str| said.lines().filter(|line| line.contains(peer)).collect::<Vec<_>>();
    let lost = |from, to, sent, taken| {
        format!(
            "error: with 10.5.0.2:8849: the master of {from} sends with id {sent} and the backup \
             of {to} takes {taken}: it drops all messages"
        )
    };
    let (here, peer) = ("this node", "the peer");
    assert_eq!(of("10.5.0.2"), [lost(here, peer, 7, 8), lost(peer, here, 8, 7)], "{said}");
    let [silent] = of("10.5.0.3")[..] else { panic!("{said}") };
    assert!(silent.starts_with("warning: at 10.5.0.3:8849: it does not answer: "), "{said}");
    there.waits_for("\"served\":1,\"strangers\":0,\"busy\":0,\"without-key\":0");

    let said = doctor("08");
    assert!(said.contains("warning: at 10.5.0.2:8849: it does not answer: "), "{said}");
    there.waits_for("\"served\":1,\"strangers\":0,\"busy\":0,\"without-key\":1");
    pair.netns.run("/sbin/ip addr del 10.5.0.1/24 dev sync0");
    pair.netns.run("/sbin/ip addr add 10.5.0.9/24 dev sync0");
    TcpStream::connect("10.5.0.2:8849").unwrap();
    there.waits_for("\"strangers\":1,\"busy\":0,\"without-key\":1");
    assert!(there.log().contains("turned away so far: "), "{}", there.log());
    let status = there.ask(&["status"]);
    assert!(text(&status.stdout).contains("turned away: 1 from other addresses, 1 without"));
    fs::remove_dir_all(folder).unwrap();
}
