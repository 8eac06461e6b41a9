//! The rules of connection sync.

use super::*;
use ipvs::{Role, SyncDaemon};
use std::time::Duration;

/// A section that is right but for these lines, which begin at line 4.
fn sync(lines: &str) -> String {
    format!("[sync]\ninterface = \"eth1\"\nid = 7\n{lines}\n")
}

const LINK: &str = "listen = \"10.5.0.1:8849\"\npeers = [\"10.5.0.2:8849\"]\nkey = \"key\"\n";

fn key_folder(name: &str) -> Folder {
    Folder::new(name, &[("key", &"0123456789abcdef".repeat(4)), ("short", "0123")])
}

#[test]
fn what_sync_can_have_is_read() {
    let folder = key_folder("sync");
    let text = sync(&format!(
        "daemons = \"both\"\ngroup = \"224.0.0.82\"\nport = 8850\nttl = 2\nmax-len = 1400\n\
         {LINK}deadline = \"60s\""
    ));
    let sync_of = |text: &str| {
        let config = Config::parse(text, &folder.0).unwrap_or_else(|all| panic!("{all:?}"));
        config.sync.unwrap()
    };
    let read = sync_of(&text);
    let backup = SyncDaemon {
        group: Some([224, 0, 0, 82].into()),
        port: Some(8850),
        ttl: Some(2),
        max_len: Some(1400),
        ..SyncDaemon::new(Role::Backup, "eth1".parse().unwrap(), 7)
    };
    assert_eq!(read.daemon(Role::Backup), backup);
    assert_eq!(read.daemon(Role::Master), SyncDaemon { role: Role::Master, ..backup });
    let link = read.link.unwrap();
    assert_eq!(link.listen.to_string(), "10.5.0.1:8849");
    assert_eq!(link.peers, ["10.5.0.2:8849".parse().unwrap()]);
    assert_eq!(link.deadline, Some(Duration::from_secs(60)));
    // Little is needed.
    let read = sync_of(&sync(""));
    assert_eq!(
        read.daemon(Role::Master),
        SyncDaemon::new(Role::Master, "eth1".parse().unwrap(), 7)
    );
    assert_eq!((read.daemons, read.link.is_none()), (Daemons::Both, true));
    let by_state = format!("{}{}", sync("daemons = \"by-state\""), router(ADDRESSES));
    assert_eq!(sync_of(&by_state).daemons, Daemons::ByState);
    assert_eq!(told(&sync("group = \"ff02::81\"\nmax-len = 65487")), "");
    assert!(Config::parse("", &folder.0).unwrap_or_else(|all| panic!("{all:?}")).sync.is_none());
}

#[test]
fn each_rule_of_the_sync_daemons_has_its_sentence_and_place() {
    let cases = [
        ("[sync]", "1:1: sync: the key `interface` is missing\n1:1: sync: the key `id` is missing"),
        (
            "[sync]\ninterface = \"a b\"\nid = 256",
            "2:13: sync: `a b`: interface name with a NUL byte or white space\n3:6: sync: `id` 256 out of range: 0 to 255",
        ),
        ("sync = 1", "1:8: sync: `sync` must be a table, not an integer"),
        (
            "[sync]\ninterface = \"eth1\"\nid = 7\nfoo = 1",
            "4:1: sync: unknown key `foo`, the known ones are interface, id, daemons, group, port, \
             ttl, max-len, listen, peers, key, deadline",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(told(text), expected, "{text}");
    }
    let cases = [
        (
            "daemons = \"all\"",
            "4:11: sync: `daemons` is \"all\", and must be one of \"both\", \"by-state\"",
        ),
        (
            "daemons = \"by-state\"",
            "4:11: sync: `daemons` \"by-state\" goes by virtual routers, and there is none",
        ),
        ("group = \"x\"", "4:9: sync: invalid IP address syntax"),
        ("group = \"10.0.0.1\"", "4:9: sync: sync group 10.0.0.1 is not a multicast address"),
        ("port = 0", "4:8: sync: port 0: leave it out to have the kernel's default"),
        ("port = 65536", "4:8: sync: `port` 65536 out of range: 1 to 65535"),
        ("ttl = 0", "4:7: sync: ttl 0: leave it out to have the kernel's default"),
        ("max-len = 1023", "4:11: sync: maximum length of 1023 bytes out of range: 1024 to 65507"),
        (
            "max-len = 65488\ngroup = \"ff02::81\"",
            "4:11: sync: maximum length of 65488 bytes out of range: 1024 to 65487",
        ),
        (
            "ttl = 0\nport = 0\ngroup = \"10.0.0.1\"\nmax-len = 1",
            "4:7: sync: ttl 0: leave it out to have the kernel's default\n\
             5:8: sync: port 0: leave it out to have the kernel's default\n\
             6:9: sync: sync group 10.0.0.1 is not a multicast address\n\
             7:11: sync: maximum length of 1 bytes out of range: 1024 to 65507",
        ),
    ];
    for (lines, expected) in cases {
        assert_eq!(told(&sync(lines)), expected, "{lines}");
    }
}

#[test]
fn each_rule_of_the_link_has_its_sentence_and_place() {
    let folder = key_folder("link");
    let with = |from: &str, to: &str| sync(&LINK.replace(from, to));
    let cases = [
        (with("10.5.0.1:8849", "10.5.0.1"), "4:10: sync: invalid socket address syntax"),
        (
            with("10.5.0.1:8849", "10.5.0.1:0"),
            "4:10: sync: nobody can listen at 10.5.0.1:0: an address of this host, and a port",
        ),
        (with("\"10.5.0.2:8849\"", ""), "5:9: sync: `peers` has no peer"),
        (with("[\"10.5.0.2:8849\"]", "7"), "5:9: sync: `peers` must be an array, not an integer"),
        (
            with("10.5.0.2:8849", "10.5.0.2"),
            "5:10: sync: `10.5.0.2` is no address of a peer, such as 10.5.0.2:8849",
        ),
        (
            with("10.5.0.2:8849", "0.0.0.0:8849"),
            "5:10: sync: no peer is at 0.0.0.0:8849: the address of a host, and a port",
        ),
        (
            with("10.5.0.2:8849", "10.5.0.1:8849"),
            "5:10: sync: peer 10.5.0.1:8849 is this host, as `listen` has it",
        ),
        (
            with("10.5.0.2:8849", "[fd05::2]:8849"),
            "5:10: sync: peer [fd05::2]:8849 is of another address family than `listen`",
        ),
        (
            with("\"10.5.0.2:8849\"", "\"10.5.0.2:8849\", \"10.5.0.3:8849\", \"10.5.0.2:8850\""),
            "5:44: sync: peer 10.5.0.2 is there twice",
        ),
        (
            with("\"key\"", "\"short\""),
            "6:7: sync: key file: it must have 64 hexadecimal digits and nothing else",
        ),
        (
            with("\"key\"", "\"none\""),
            "6:7: sync: key file: No such file or directory (os error 2)",
        ),
        (
            with("key = \"key\"", "deadline = \"0s\""),
            "1:1: sync: `key` is missing: `listen`, `peers` and `key` go together\n\
             6:12: sync: `deadline` out of range: more than 0s",
        ),
        (
            sync("key = \"key\""),
            "1:1: sync: `listen` is missing: `listen`, `peers` and `key` go together\n\
             1:1: sync: `peers` is missing: `listen`, `peers` and `key` go together",
        ),
        (
            sync("deadline = \"60s\""),
            "4:12: sync: `deadline` without `peers`: nobody is waited for",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(told_in(&text, &folder.0), expected, "{text}");
    }
    folder.set_mode("key", 0o640);
    assert_eq!(
        told_in(&sync(LINK), &folder.0),
        "6:7: sync: key file: its mode is 0640: only its owner may have access (0600 or 0400)"
    );
}

#[test]
fn a_table_that_no_sync_daemon_runs_beside_is_told() {
    let mixed = "[[service]]\nkey = \"tcp [fd00::1]:80\"\n[[service.destination]]\n\
                 endpoint = \"10.0.0.2:80\"\nforwarding = \"ipip\"\n";
    let folder = Folder::new("mixed", &[("mixed.toml", mixed)]);
    let tables = "tables = [\"mixed.toml\"]\n";
    assert_eq!(told_in(tables, &folder.0), "");
    assert_eq!(
        told_in(&format!("{tables}{}", sync("")), &folder.0),
        "2:1: sync: service tcp [fd00::1]:80 has a destination of another address family: no \
         sync daemon runs beside it"
    );
}

#[test]
fn directors_know_a_router_by_its_first_address_so_each_has_its_own() {
    let folder = key_folder("first");
    let other = "[[virtual-router]]\nname = \"api\"\ninterface = \"eth1\"\nvrid = 8\n";
    let routers = format!("{}{other}{ADDRESSES}\n", router(ADDRESSES));
    assert_eq!(told_in(&format!("{}{routers}", sync("")), &folder.0), "");
    assert_eq!(
        told_in(&format!("{}{routers}", sync(LINK)), &folder.0),
        "17:13: virtual-router api: another virtual router has the same first address, by which \
         `peers` know it"
    );
}
