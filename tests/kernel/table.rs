//! What is read and set is what other tools show and set.

use crate::netns::Netns;
use ipvs::Timeouts;

#[test]
fn timeouts_that_are_left_out_are_kept() {
    let netns = Netns::new();
    let mut client = netns.client();
    let defaults = Timeouts { tcp: Some(900), tcp_fin: Some(120), udp: Some(300) };
    assert_eq!(client.timeouts().unwrap(), defaults);
    client.set_timeouts(&Timeouts { tcp_fin: Some(60), ..Timeouts::default() }).unwrap();
    let changed = Timeouts { tcp_fin: Some(60), ..defaults };
    assert_eq!(client.timeouts().unwrap(), changed);
    let shown = netns.run("/sbin/ipvsadm -L --timeout");
    assert_eq!(shown, "Timeout (tcp tcpfin udp): 900 60 300\n");
    netns.run("/sbin/ipvsadm --set 0 0 2678400");
    let longest = Timeouts { udp: Some(2_678_400), ..changed };
    assert_eq!(client.timeouts().unwrap(), longest);
    // What was read can be written back.
    client.set_timeouts(&longest).unwrap();
}

#[test]
fn the_version_is_the_one_that_procfs_shows() {
    let netns = Netns::new();
    let (major, minor, patch) = netns.client().info().unwrap().version;
    let shown = std::fs::read_to_string("/proc/thread-self/net/ip_vs").unwrap();
    let expected = format!("IP Virtual Server version {major}.{minor}.{patch} ");
    assert!(shown.starts_with(&expected), "{shown}");
}
