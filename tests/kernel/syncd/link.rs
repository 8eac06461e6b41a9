//! The link to the other directors, and reloads that change it.

use super::{director, linked, sync};
use crate::bodies::Bench as _;
use crate::netns::Netns;
use crate::program::{Daemon, web};
use ipvs_sync::net::now;
use std::fs;
use std::time::Duration;

#[test]
fn a_reload_to_a_link_that_cannot_start_changes_nothing() {
    let _netns = director();
    let plain = format!("{}{}", sync(7), web(100, ""));
    let daemon = Daemon::start(&plain);
    daemon.waits_for("\"state\":\"active\"");
    let refused = |number: u8| {
        daemon.waits_for(&format!("\"refused\":{number}"));
        let state = daemon.state();
        assert!(state.contains("listen at 10.5.0.9:8849: "), "{state}");
        assert!(!state.contains("all else was done"), "{state}");
        state
    };
    daemon.reload(
        &linked(daemon.folder(), "10.5.0.9", 'a').replace("priority = 100", "priority = 90"),
    );
    let state = refused(1);
    assert!(state.contains("\"priority\":100") && state.contains("\"peers\":[]"), "{state}");

    daemon.reload(&linked(daemon.folder(), "10.5.0.1", 'a'));
    daemon.waits_for("\"peers\":[{\"address\":\"10.5.0.2:8849\"");
    daemon.reload(&linked(daemon.folder(), "10.5.0.9", 'a'));
    refused(2);
    // As it was.
    daemon.waits_for("\"peers\":[{\"address\":\"10.5.0.2:8849\"");
    assert!(daemon.state().contains("\"state\":\"active\""));
}

#[test]
fn a_reload_to_a_table_that_the_kernel_refuses_leaves_the_link_as_it_is() {
    let _netns = director();
    let daemon = Daemon::start("");
    let link = linked(daemon.folder(), "10.5.0.1", 'a');
    let rules = daemon.folder().join("web.rules");
    fs::write(&rules, "-A -t 10.0.0.7:80 -s nowhere\n").unwrap();
    let tables = format!("tables = [\"{}\"]\n", rules.display());
    daemon.reload(&format!("{tables}{link}"));
    daemon.waits_for("\"refused\":1");
    daemon.waits_for("\"peers\":[]");
    daemon.reload(&link);
    daemon.waits_for("\"done\":1");
    let other = link.replace("10.5.0.2", "10.5.0.3");
    daemon.reload(&format!("{tables}{other}"));
    daemon.waits_for("\"refused\":2");
    daemon.waits_for("\"peers\":[{\"address\":\"10.5.0.2:8849\"");
}

#[test]
fn a_link_whose_address_is_gone_at_a_reload_comes_back_with_it() {
    let netns = director();
    let daemon = Daemon::start("");
    let text = linked(daemon.folder(), "10.5.0.1", 'a');
    daemon.reload(&text);
    daemon.waits_for("\"peers\":[{\"address\":\"10.5.0.2:8849\"");
    daemon.waits_for("\"state\":\"active\"");
    netns.run("/sbin/ip addr del 10.5.0.1/24 dev sync0");
    daemon.reload(&linked(daemon.folder(), "10.5.0.1", 'b'));
    daemon.waits_for("\"refused\":1");
    daemon.waits_for("\"link\":null");
    assert!(daemon.state().contains("10.5.0.2:8849\",\"reached\":false"), "{}", daemon.state());
    // Nobody can be asked to take over.
    let output = daemon.ask(&["handover"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the link is down"), "{said}");
    assert_eq!(output.status.code(), Some(6));
    netns.run("/sbin/ip addr add 10.5.0.1/24 dev sync0");
    daemon.waits_for("\"link\":{");
    assert!(daemon.log().contains("the link is there again"), "{}", daemon.log());
}

/// The active one is no director that could be asked.
#[test]
fn a_better_router_waits_for_connections_until_its_deadline() {
    let (netns, peer) = Netns::two();
    netns.add_interface();
    netns.wire(&peer, "vrrp0");
    let there = |line: &str| peer.run(|| Netns::entered().run(line)).unwrap();
    there("/sbin/ip link set vrrp0 up");
    there("/sbin/ip addr add 10.0.0.2/24 dev vrrp0");
    netns.run("/sbin/ip link set vrrp0 up");
    netns.run("/sbin/ip addr add 10.0.0.1/24 dev vrrp0");
    let worse = peer.run(|| Daemon::start(&web(50, ""))).unwrap();
    worse.waits_for("\"state\":\"active\"");

    let daemon = Daemon::start("");
    let waits = Duration::from_secs(3);
    let link = linked(daemon.folder(), "10.5.0.1", 'a');
    let start = now();
    daemon.reload(&link.replace("key =", "deadline = \"3s\"\nkey ="));
    daemon.waits_for("\"state\":\"active\"");
    assert!(now() - start >= waits, "{:?}", now() - start);
    worse.waits_for("\"state\":\"backup\"");
    assert!(daemon.log().contains("web: connections may be missing after 3"), "{}", daemon.log());
}
