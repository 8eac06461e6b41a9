//! What happens when the module is not there, or comes back.

use crate::netns::Netns;
use ipvs::{Client, Service, ServiceKey};
use std::fs;
use std::thread::sleep;
use std::time::Duration;

/// Where the kernel reads which program loads modules.
const LOADER: &str = "/proc/sys/kernel/modprobe";

/// Unloads IPVS with all its schedulers. Namespaces of earlier tests may still
/// be going away and hold it.
fn unload(netns: &Netns) {
    for _ in 0..100 {
        let loaded = fs::read_to_string("/proc/modules").unwrap();
        let names = loaded.lines().filter_map(|line| line.split_whitespace().next());
        let mut names: Vec<&str> = names.filter(|name| name.starts_with("ip_vs")).collect();
        if names.is_empty() {
            return;
        }
        // Schedulers before the balancer itself.
        names.sort_by_key(|name| *name == "ip_vs");
        for name in names {
            netns.try_run(&format!("/bin/busybox rmmod {name}"), "");
        }
        sleep(Duration::from_millis(100));
    }
    panic!("ip_vs does not unload");
}

#[test]
fn a_client_survives_that_the_module_is_loaded_anew() {
    let netns = Netns::new();
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    let mut client = netns.client();
    client.add_service(&Service::new(key)).unwrap();
    client.flush().unwrap();
    unload(&netns);
    netns.run("/sbin/modprobe ip_vs");
    client.add_service(&Service::new(key)).unwrap();
    assert_eq!(client.services().unwrap().len(), 1);
    // A listing finds it again by itself, too.
    client.flush().unwrap();
    unload(&netns);
    netns.run("/sbin/modprobe ip_vs");
    assert_eq!(client.services().unwrap(), []);
}

#[test]
fn without_the_module_the_message_says_what_to_do() {
    let netns = Netns::new();
    let mut before = netns.client();
    unload(&netns);
    let loader = fs::read_to_string(LOADER).unwrap();
    fs::write(LOADER, "/bin/false").unwrap();
    let connecting = Client::connect();
    let using = before.flush();
    let listing = before.services();
    fs::write(LOADER, loader.trim()).unwrap();
    netns.run("/sbin/modprobe ip_vs");

    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let reason = format!(
        "the module ip_vs of kernel {} is installed but not loaded, and could not be loaded on \
         demand: run `modprobe ip_vs` as root, and see dmesg if that fails",
        release.trim()
    );
    let error = connecting.unwrap_err();
    assert!(error.is_no_ipvs());
    assert_eq!(error.to_string(), format!("connect to IPVS: {reason}"));
    // The same for a client that was connected before.
    let error = using.unwrap_err();
    assert!(error.is_no_ipvs());
    assert_eq!(error.to_string(), format!("flush: {reason}"));
    assert!(listing.unwrap_err().is_no_ipvs());
    netns.client().flush().unwrap();
}
