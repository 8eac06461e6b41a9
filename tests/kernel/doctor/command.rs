//! What `ipvs-syncd doctor` says of it, and how it ends.

use super::pair::{Pair, daemon, start, stop};
use crate::netns::text;
use crate::program::{command, ended, folder};
use ipvs::{Role, SyncDaemon};
use std::fs;
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
