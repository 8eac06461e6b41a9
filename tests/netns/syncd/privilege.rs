//! The daemon without a capability or permission that it needs.

use super::lacking::without;
use super::program::{command, ended, folder, web};
use crate::wire::Wire;
use caps::Capability;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Output;

fn check(output: Output, said: &str) {
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().last(), Some(said));
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_missing_capability_is_named_and_has_an_exit_code_of_its_own() {
    let _wire = Wire::new();
    let folder = folder();
    let (file, control) = (folder.join("conf.toml"), folder.join("control"));
    let run = |capability, lines: &str, said: &str| {
        let text = format!("control = \"{}\"\n{lines}\n{}", control.display(), web(100, ""));
        fs::write(&file, text).unwrap();
        check(without(capability, command(&["--config"]).arg(&file)), said);
        assert!(!control.exists());
    };
    run(
        Capability::CAP_NET_RAW,
        "",
        "ipvs-syncd: web: open the socket for IPv4 advertisements on vrrp0: permission denied, \
         this needs the capability CAP_NET_RAW: run as root or grant it (EPERM)",
    );
    run(
        Capability::CAP_NET_ADMIN,
        "",
        "ipvs-syncd: web: change addresses: permission denied, this needs the capability \
         CAP_NET_ADMIN: run as root or grant it (EPERM)",
    );
    run(
        Capability::CAP_SYS_NICE,
        "real-time-priority = 50",
        "ipvs-syncd: web: run at real-time priority: Operation not permitted (os error 1); it \
         needs the capability CAP_SYS_NICE or RLIMIT_RTPRIO",
    );
    run(
        Capability::CAP_SYS_ADMIN,
        "namespace = \"/proc/self/ns/net\"",
        "ipvs-syncd: network namespace /proc/self/ns/net: permission denied, entering it needs the capability CAP_SYS_ADMIN, here and in the user namespace that owns it (EPERM)",
    );
    run(
        Capability::CAP_NET_BIND_SERVICE,
        "metrics = \"127.0.0.1:99\"",
        "ipvs-syncd: metrics at 127.0.0.1:99: Permission denied (os error 13)",
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_control_socket_that_cannot_be_made_or_used_is_a_matter_of_permission() {
    let _wire = Wire::new();
    let folder = folder();
    let (file, control) = (folder.join("conf.toml"), folder.join("control"));
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    fs::write(&file, format!("control = \"{}\"\n{}", control.display(), web(100, ""))).unwrap();
    set(&folder, 0o500);
    // Root as the unit has it.
    let root = Capability::CAP_DAC_OVERRIDE;
    let said = format!(
        "ipvs-syncd: control socket {}: Permission denied (os error 13)",
        control.display()
    );
    check(without(root, command(&["--config"]).arg(&file)), &said);
    set(&folder, 0o700);
    fs::write(&control, "").unwrap();
    set(&control, 0);
    check(without(root, command(&["status", "--socket"]).arg(&control)), &said);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_key_that_belongs_to_another_user_is_not_taken() {
    let folder = folder();
    let (file, key) = (folder.join("conf.toml"), folder.join("key"));
    let sync = "[sync]\ninterface = \"eth1\"\nid = 7\nlisten = \"10.5.0.1:8849\"\n\
                peers = [\"10.5.0.2:8849\"]\nkey = \"key\"\n";
    fs::write(&file, sync).unwrap();
    fs::write(&key, "00ff".repeat(16)).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let check = || ended(command(&["--check"]).arg(&file));
    assert_eq!(check().status.code(), Some(0));
    chown(&key, Some(65_534), None).unwrap();
    let said = format!(
        "{}:6:7: sync: key file: it belongs to user 65534: it must be this one's or root's\n",
        file.display()
    );
    let output = check();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), said);
    assert_eq!(output.status.code(), Some(3));
    fs::remove_dir_all(folder).unwrap();
}
