//! What is said without a capability.

use super::sync;
use crate::bodies::Bench as _;
use crate::lacking::without;
use crate::netns::{Netns, text};
use crate::program::{command, folder};
use caps::Capability;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn without_cap_net_admin_ipvs_syncd_and_its_doctor_say_so() {
    let _netns = Netns::new();
    let folder = folder();
    let (file, control) = (folder.join("conf.toml"), folder.join("control"));
    let sections = ["tables = []\n", &*sync(7)];
    for words in [&["--config"][..], &["doctor", "--config"]] {
        for section in sections {
            fs::write(&file, format!("control = \"{}\"\n{section}", control.display())).unwrap();
            let mut command = command(words);
            let output = without(Capability::CAP_NET_ADMIN, command.arg(&file));
            let said = text(&output.stderr);
            assert!(said.contains("CAP_NET_ADMIN"), "{said}");
            assert_eq!(output.status.code(), Some(4), "{said}");
            assert!(!control.exists());
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_link_at_a_port_below_1024_needs_a_capability_too() {
    let netns = Netns::new();
    netns.add_interface();
    let folder = folder();
    let (file, control) = (folder.join("conf.toml"), folder.join("control"));
    let key = folder.join("key");
    fs::write(&key, [b'7'; 64]).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let link = "listen = \"127.0.0.1:849\"\npeers = [\"127.0.0.2:849\"]\nkey = \"key\"\n";
    let linked = format!("control = \"{}\"\n{}{link}", control.display(), sync(7));
    fs::write(&file, linked).unwrap();
    let capability = Capability::CAP_NET_BIND_SERVICE;
    let output = without(capability, command(&["--config"]).arg(&file));
    let said = text(&output.stderr);
    let last = "ipvs-syncd: listen at 127.0.0.1:849: Permission denied (os error 13)";
    assert_eq!((output.status.code(), said.lines().last()), (Some(4), Some(last)));
    fs::remove_dir_all(folder).unwrap();
}
