//! The tap beside the kernel's backup daemon.

use super::pair::{Ear, Pair, flows, stop};
use crate::netns::text;
use crate::program::{command, ended, folder};
use crate::sync::director::wait_for;
use ipvs::Role;
use ipvs_sync::proto::PORT;
use std::fs;
use std::process::Stdio;

#[test]
fn what_a_master_sends_is_counted_and_the_backup_takes_the_same() {
    let pair = Pair::new();
    let mut ear = Ear::new(&pair, PORT, 1472);
    let _flows = flows(100);
    let heard = ear.wait_for(100);
    // At most 40 fit into one.
    assert!(heard.datagrams >= 3, "{heard:?}");
    assert_eq!(heard.bytes, heard.datagrams * 8 + 100 * 36);
    assert_eq!((heard.lost, heard.oversize, heard.wrapped, heard.templates), (0, 0, 0, 0));
    assert_eq!(heard.rejected().len(), 0);
    wait_for("the backup", || (pair.told() == 100).then_some(()));
}

#[test]
fn ipvs_syncd_counts_beside_the_backup_daemon() {
    let pair = Pair::new();
    let folder = folder();
    let file = folder.join("conf.toml");
    fs::write(&file, "").unwrap();
    let tap = |seconds: &str| {
        let mut command = command(&["tap", "--seconds", seconds, "--config"]);
        command.arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    // At the port, beside the backup; it is also that which the master sends to.
    let is_there = || {
        let sockets = fs::read_to_string("/proc/thread-self/net/udp").unwrap();
        sockets.matches(":2290 ").count() == 3
    };
    let listening = pair.there(|| tap("10").arg("--json").spawn().unwrap());
    wait_for("the tap", || pair.there(is_there).then_some(()));
    let _flows = flows(100);
    let output = listening.wait_with_output().unwrap();
    let told = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    for part in [
        "{\"seconds\":10,\"senders\":[{\"address\":\"10.5.0.1\",",
        "\"connections\":100,\"templates\":0,\"lost\":0,",
        "\"longest-silence-seconds\":",
        "\"rejected\":{}}],\"others\":0}\n",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    wait_for("the backup", || (pair.told() == 100).then_some(()));

    let silent = ended(&mut tap("1"));
    assert_eq!(text(&silent.stdout), "nothing was heard in 1 s\n");
    stop(Role::Backup);
    let alone = ended(&mut tap("1"));
    let said = "ipvs-syncd: no backup daemon runs here, whose messages could be counted\n";
    assert_eq!((alone.status.code(), text(&alone.stderr).as_str()), (Some(1), said));
    fs::remove_dir_all(folder).unwrap();
}
