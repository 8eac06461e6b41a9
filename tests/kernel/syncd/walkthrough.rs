//! The two directors of the README, as it says that they are set up.

use crate::netns::{Netns, text};
use crate::program::{Daemon, command, ended};
use ipvs::Namespace;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

const README: &str = include_str!("../../../README.md");

/// What the README has in a block that begins with this line.
fn block(first: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("\n{first}")).unwrap();
    rest.split_once("\n```").unwrap().0
}

/// The configuration of the second director: what is behind the `#` of a line is its value.
fn second(configuration: &str) -> String {
    let line = |line: &str| match (line.split_once(" = "), line.split_once(" # ")) {
        (Some((key, _)), Some((_, value))) => format!("{key} = {value}\n"),
        _ => format!("{line}\n"),
    };
    configuration.lines().map(line).collect()
}

/// Sets a director up, and starts the daemon on it.
fn set_up(number: u8, configuration: &str) -> Daemon {
    let netns = Netns::entered();
    for (name, network) in [("eth0", "10.0.0"), ("eth1", "10.5.0")] {
        netns.run(&format!("/sbin/ip link set {name} up"));
        netns.run(&format!("/sbin/ip addr add {network}.{number}/24 dev {name}"));
    }
    let settings = block("# /etc/sysctl.d/90-ipvs.conf");
    for (name, value) in settings.lines().filter_map(|line| line.split_once(" = ")) {
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        let set = || fs::write(&path, value).unwrap();
        match name.starts_with("net.core.") {
            // Of all namespaces.
            true => Namespace::of_process(1).unwrap().run(set).unwrap(),
            false => set(),
        }
    }
    let daemon = Daemon::start("");
    let file = |name: &str, contents: &str| {
        let path = daemon.folder().join(name);
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    };
    file("web.rules", block("# /etc/web.rules\n"));
    file("ipvs-sync.key", &"0f".repeat(32));
    daemon.reload(configuration);
    daemon.waits_for("\"done\":1");
    daemon
}

#[test]
fn the_two_directors_of_the_readme_are_well_and_hand_over() {
    let configuration = block("# /etc/ipvs-syncd.toml\ntables = [\"web.rules\"]");
    let configuration = format!("tables = [\"web.rules\"]{configuration}\n");
    let (netns, there) = Netns::two();
    ["eth0", "eth1"].into_iter().for_each(|name| netns.wire(&there, name));
    for name in ["eth0", "eth1"] {
        let up = format!("/sbin/ip link set {name} up");
        there.run(|| Netns::entered().run(&up)).unwrap();
    }
    let first = set_up(1, &configuration);
    first.waits_for("\"state\":\"active\"");
    let second = there.run(|| set_up(2, &second(&configuration))).unwrap();
    second.waits_for("\"ready\":true");

    // As it is shown.
    let shown = block("ROUTER  INTERFACE");
    let shown = format!("ROUTER  INTERFACE{shown}\n");
    let is = text(&second.ask(&["status"]).stdout);
    let without_times = |table: &str| {
        let words = table.split_whitespace().filter(|word| {
            word.parse::<u8>().is_ok()
                || !word.starts_with(|it: char| it.is_ascii_digit())
                || word.contains('.')
        });
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(without_times(&is), without_times(&shown), "{is}");
    for (daemon, is_here) in [(&first, true), (&second, false)] {
        let file = daemon.folder().join("conf.toml");
        let mut doctor = command(&["doctor", "--config"]);
        doctor.arg(&file);
        let output = match is_here {
            true => ended(&mut doctor),
            false => there.run(|| ended(&mut doctor)).unwrap(),
        };
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(0), ""));
    }
    let output = first.ask(&["handover"]);
    assert_eq!(text(&output.stdout), "handing over: web to 10.5.0.2:8849\n");
    second.waits_for("\"state\":\"active\"");
}
