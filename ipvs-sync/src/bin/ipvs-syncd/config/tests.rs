//! Every rule, its sentence and its place.

mod random;
mod sync;

use super::*;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

/// What is wrong, one a line.
fn told(text: &str) -> String {
    told_in(text, Path::new("/nowhere"))
}

fn told_in(text: &str, folder: &Path) -> String {
    let problems = Config::parse(text, folder).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A router that is right but for these lines, which begin at line 5.
fn router(lines: &str) -> String {
    format!("[[virtual-router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 7\n{lines}\n")
}

const ADDRESSES: &str = "addresses = [\"10.0.0.7/24\"]";

fn told_of(lines: &str) -> String {
    told(&router(&format!("{lines}\n{ADDRESSES}")))
}

#[test]
fn what_a_router_can_have_is_read() {
    let text = router(
        "addresses = [\"10.0.0.7/24\", \"10.0.0.8/24\"]\npriority = 150\nversion = 3\n\
         interval = \"100ms\"\nsource = \"10.0.0.1\"\npreempt = true\npreempt-delay = \"30s\"\n\
         probe = true\npeers = [\"10.0.0.2\"]\nmin-hop-limit = 64\nchecksum = \"pseudo-header\"\n\
         virtual-mac = \"vrrp7\"\ngroup = \"g\"\nwhen-deleted = \"release\"\n\
         track = [{ interface = \"eth1\", lower = 50 }, { interface = \"eth2\" }]",
    );
    let text = format!(
        "real-time-priority = 50\nnamespace = \"blue\"\ncontrol = \"/tmp/control\"\n\
         metrics = \"[::1]:9890\"\ntables = []\nlog = {{ format = \"json\", level = \"debug\" }}\n\
         [[hook]]\ncommand = [\"/bin/echo\", \"one\"]\ntimeout = \"1.5s\"\n{text}"
    );
    assert_eq!(told(&text), "");
    assert_eq!(told(&router(&format!("version = 2\npassword = \"secret\"\n{ADDRESSES}"))), "");
    assert_eq!(told(&router("owner = true\naddresses = [\"fe80::7\", \"2001:db8::7\"]")), "");
    assert_eq!(told(""), "");
}

/// What the thesis complains about (Figure 8): keepalived passes over a brace that is missing.
#[test]
fn a_missing_bracket_is_an_error_at_its_place() {
    let cases = [
        ("[[virtual-router]\nname = \"a\"\n", "1:18: unclosed array table, expected `]`"),
        (
            "[[virtual-router]]\naddresses = [\"10.0.0.7\"\npriority = 7\n",
            "2:24: missing comma between array elements, expected `,`; unclosed array, expected `]`",
        ),
        (
            "log = { level = \"info\"\n[[hook]]\n",
            "1:23: missing key for inline table element, expected `,`; \
             unclosed inline table, expected `}`",
        ),
        (
            "log = { level = \"info\",\n[[hook]]\n",
            "1:24: missing key for inline table element, expected key; unclosed inline table, \
             expected `}`",
        ),
        (
            "[sync]\n= 3\ny = [1",
            "2:1: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`; unclosed \
             array, expected `]`",
        ),
        ("name = \"web\n", "1:12: invalid basic string, expected `\"`"),
        ("a = 1\na = 2\n", "2:1: duplicate key"),
    ];
    for (text, expected) in cases {
        assert_eq!(told(text), expected, "{text}");
    }
}

#[test]
fn an_error_is_one_line_and_controls_no_terminal() {
    let text =
        "\"a\\nb\" = 1\nlog = { level = \"\\u001b[2J\" }\n[[virtual-router]]\nname = \"\\u0007\"\n";
    let said = told(text);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("1:1: unknown key `a b`, "), "{said}");
    assert!(lines[1].starts_with("2:17: log: `level` is \" [2J\", "), "{said}");
    assert!(lines[2..].iter().all(|line| line.contains("virtual-router  : ")), "{said}");
}

#[test]
fn all_errors_of_a_file_are_told_in_its_order() {
    let text = router("priority = 0\nversion = 2\ninterval = \"1.5s\"\naddress = 1");
    let text = format!("metric = 1\n{text}[[virtual-router]]\nname = \"a b\"\n");
    assert_eq!(
        told(&text),
        "1:1: unknown key `metric`, the known ones are real-time-priority, namespace, control, \
         metrics, log, tables, sync, hook, virtual-router\n\
         2:1: virtual-router web: the key `addresses` is missing\n\
         6:12: virtual-router web: priority 0 out of range: 1 to 254 for a backup; 255 is the \
         owner's\n\
         8:12: virtual-router web: interval of 1500000 µs: version 2 has 1s to 255s in whole \
         seconds\n\
         9:1: virtual-router web: unknown key `address`, the known ones are name, interface, \
         vrid, priority, owner, version, interval, addresses, source, preempt, preempt-delay, \
         probe, peers, min-hop-limit, checksum, password, hmac, virtual-mac, group, track, \
         when-deleted\n\
         10:1: virtual-router a b: the key `interface` is missing\n\
         10:1: virtual-router a b: the key `vrid` is missing\n\
         10:1: virtual-router a b: the key `addresses` is missing\n\
         11:8: virtual-router a b: `name` must be one word"
    );
}

#[test]
fn a_name_can_be_shown_and_told_to_a_program() {
    for name in ["", "a b", "a\\n", "a\\u0000", "a\\u001b[2J"] {
        let text = format!("[[virtual-router]]\nname = \"{name}\"\n");
        let said = told(&text);
        assert!(said.contains(": `name` must be one word"), "{name:?}: {said}");
        assert!(!said.contains(['\0', '\u{1b}']), "{said:?}");
    }
}

#[test]
fn each_rule_of_a_router_has_its_sentence_and_place() {
    let web = "virtual-router web:";
    let cases = [
        (
            "priority = 255",
            "5:12",
            "priority 255 out of range: 1 to 254 for a backup; 255 is the owner's",
        ),
        ("priority = 300", "5:12", "`priority` 300 out of range: 1 to 254"),
        ("priority = \"1\"", "5:12", "`priority` must be an integer, not a string"),
        ("owner = 1", "5:9", "`owner` must be true or false, not an integer"),
        ("owner = true\npriority = 1", "6:12", "an owner has priority 255: leave `priority` out"),
        ("owner = true\nprobe = true", "6:9", "an owner does not ask: leave `probe` out"),
        (
            "owner = true\nvirtual-mac = \"vmac1\"",
            "6:15",
            "virtual MAC address on vmac1 for an owner: what it owns is at its interface's own \
             MAC address",
        ),
        ("version = 4", "5:11", "`version` 4 out of range: 2 or 3"),
        ("interval = 1", "5:12", "`interval` must be a string, not an integer"),
        (
            "interval = \"1m\"",
            "5:12",
            "`interval` is \"1m\", and must be like \"100ms\" or \"1.5s\"",
        ),
        (
            "interval = \"15ms\"",
            "5:12",
            "interval of 15000 µs: version 3 has 10ms to 40.95s in steps of 10 ms",
        ),
        ("source = \"x\"", "5:10", "invalid IP address syntax"),
        (
            "source = \"fe80::1\"",
            "5:10",
            "own address fe80::1 is none of a host in the family of the virtual addresses",
        ),
        (
            "source = \"10.0.0.7\"",
            "5:10",
            "own address 10.0.0.7 is a virtual address: then the router owns it",
        ),
        (
            "preempt = false\npreempt-delay = \"1s\"",
            "6:17",
            "a router that does not preempt has no `preempt-delay`",
        ),
        ("peers = [\"x\"]", "5:10", "`x` is no address of a peer"),
        ("peers = \"x\"", "5:9", "`peers` must be an array, not a string"),
        (
            "peers = [\"10.0.0.2\", \"fe80::2\"]",
            "5:22",
            "unicast peer fe80::2 is this router, or not of the family of the virtual addresses",
        ),
        (
            "min-hop-limit = 64",
            "5:17",
            "hop limit 64 without unicast peers: what was sent to the group must have 255 (RFC 9568 §5.1.1.3, §5.1.2.3)",
        ),
        (
            "checksum = \"both\"",
            "5:12",
            "`checksum` is \"both\", and must be one of \"auto\", \"message\", \"pseudo-header\"",
        ),
        ("password = \"secret\"", "5:12", "version 3 has no password: version 2 has"),
        (
            "version = 2\npassword = \"123456789\"",
            "6:12",
            "password of 9 bytes: version 2 has 1 to 8",
        ),
        (
            "when-deleted = \"cry\"",
            "5:16",
            "`when-deleted` is \"cry\", and must be one of \"put-back\", \"release\"",
        ),
    ];
    for (lines, place, rule) in cases {
        assert_eq!(told_of(lines), format!("{place}: {web} {rule}"), "{lines}");
    }
    let track = "virtual-router web: track:";
    let cases = [
        ("track = [{ lower = 5 }]", "5:10", "the key `interface` is missing"),
        ("track = [{ interface = \"a\", lower = 0 }]", "5:37", "`lower` 0 out of range: 1 to 254"),
        ("track = [{ interface = \"a\" }, { interface = \"a\" }]", "5:45", "a is tracked twice"),
    ];
    for (lines, place, rule) in cases {
        assert_eq!(told_of(lines), format!("{place}: {track} {rule}"), "{lines}");
    }
}

#[test]
fn each_rule_of_the_addresses_has_its_sentence_and_place() {
    let web = "virtual-router web:";
    let cases = [
        ("[]", "5:13", "0 virtual addresses: a virtual router has 1 to 255"),
        ("[\"10.0.0\"]", "5:14", "`10.0.0` is no address, such as 10.0.0.7/24 or 10.0.0.7"),
        ("[\"10.0.0.7/33\"]", "5:14", "prefix of 33 bits for 10.0.0.7: at most 32"),
        (
            "[\"10.0.0.7/24\", \"10.0.0.8\"]",
            "5:29",
            "all addresses of a virtual router have the same prefix",
        ),
        ("[\"10.0.0.7\", \"10.0.0.7\"]", "5:26", "virtual address 10.0.0.7 is there twice"),
        (
            "[\"10.0.0.7\", \"fe80::1\"]",
            "5:26",
            "virtual address fe80::1 is of another family than those before it",
        ),
        ("[\"127.0.0.1\"]", "5:14", "virtual address 127.0.0.1 is none that a host can have"),
        (
            "[\"2001:db8::1\"]",
            "5:14",
            "virtual address 2001:db8::1 is first and not link-local (fe80::/10)",
        ),
    ];
    for (addresses, place, rule) in cases {
        let lines = router(&format!("addresses = {addresses}"));
        assert_eq!(told(&lines), format!("{place}: {web} {rule}"), "{addresses}");
    }
    let six = router("version = 2\naddresses = [\"fe80::7\"]");
    assert_eq!(told(&six), format!("5:11: {web} version 2 is of IPv4 only: IPv6 needs version 3"));
}

#[test]
fn two_routers_are_not_one() {
    let one = router(ADDRESSES);
    assert_eq!(
        told(&format!("{one}{one}")),
        "7:8: virtual-router web: another virtual router has the name `web`\n\
         9:8: virtual-router web: virtual router 7 of IPv4 on eth0 is there twice"
    );
    let mac = router(&format!("virtual-mac = \"v\"\n{ADDRESSES}"));
    let other = mac.replace("web", "two").replace("vrid = 7", "vrid = 8");
    assert_eq!(
        told(&format!("{mac}{other}")),
        "11:15: virtual-router two: another virtual router has its virtual MAC address there"
    );
}

#[test]
fn what_is_created_for_a_virtual_mac_address_is_no_interface_that_is_used() {
    let taken = "eth0 is an `interface` here, and that of `virtual-mac` is created";
    let own = router(&format!("virtual-mac = \"eth0\"\n{ADDRESSES}"));
    assert_eq!(told(&own), format!("5:15: virtual-router web: {taken}"));

    let plain = router(ADDRESSES);
    let other = own.replace("web", "two").replace("interface = \"eth0\"", "interface = \"eth1\"");
    let after = format!("10:15: virtual-router two: {taken}");
    assert_eq!(told(&format!("{plain}{other}")), after);
    let before = format!("5:15: virtual-router two: {taken}");
    assert_eq!(told(&format!("{other}{plain}")), before);

    let sync = "[sync]\ninterface = \"eth0\"\nid = 7\n";
    assert_eq!(told(&format!("{sync}{other}")), format!("8:15: virtual-router two: {taken}"));
}

#[test]
fn each_rule_of_the_process_has_its_sentence_and_place() {
    let cases = [
        ("real-time-priority = 0", "1:22: `real-time-priority` 0 out of range: 1 to 99"),
        ("control = \"x\"", "1:11: `control` is \"x\", and must begin with /"),
        ("metrics = \"9890\"", "1:11: invalid socket address syntax"),
        (
            "metrics = \"0.0.0.0:9890\"",
            "1:11: everybody could read the metrics there: they are on loopback only, such as \
             127.0.0.1:9890",
        ),
        (
            "log = { level = \"all\" }",
            "1:17: log: `level` is \"all\", and must be one of \"error\", \"warn\", \"info\", \"debug\"",
        ),
        ("log = 1", "1:7: log: `log` must be a table, not an integer"),
        ("[[hook]]", "1:1: hook: the key `command` is missing"),
        ("[[hook]]\ncommand = []", "2:11: hook: `command` has no program"),
        (
            "[[hook]]\ncommand = [\"/bin/echo\", \"a\\u0000\"]",
            "2:25: hook: `command` has a word with a NUL, which no program can be given",
        ),
        ("[[hook]]\ncommand = [\"echo\"]", "2:12: hook: the program \"echo\" must begin with /"),
        (
            "[[hook]]\ncommand = \"/bin/echo one\"",
            "2:11: hook: `command` must be an array, not a string",
        ),
        (
            "[[hook]]\ncommand = [\"/bin/echo\"]\ntimeout = \"0s\"",
            "3:11: hook: `timeout` out of range: more than 0s, at most 300s",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(told(text).lines().next().unwrap_or_default(), expected, "{text}");
    }
}

/// A folder with these files, which only their owner can read.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let name = format!("ipvs-syncd-{name}-{}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir(&folder.0).unwrap();
        for (name, text) in files {
            fs::write(folder.0.join(name), text).unwrap();
            folder.set_mode(name, 0o600);
        }
        folder
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.0.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn keys_come_from_files_that_nobody_else_can_read() {
    let digits = "0123456789abcdef".repeat(4);
    let files = [
        ("good", &*format!("{digits}\n")),
        ("short", "0123"),
        ("text", "secret"),
        ("open", &digits),
    ];
    let folder = Folder::new("keys", &files);
    folder.set_mode("open", 0o644);
    assert!(Command::new("mkfifo").arg(folder.0.join("pipe")).status().unwrap().success());
    let told = |hmac: &str| told_in(&router(&format!("hmac = {hmac}\n{ADDRESSES}")), &folder.0);
    assert_eq!(told("{ keys = [{ id = 1, file = \"good\" }] }"), "");
    assert_eq!(told("{ mode = \"permissive\", keys = [{ id = 1, file = \"good\" }] }"), "");
    let hmac = "virtual-router web: hmac:";
    let cases = [
        ("{}", "5:8", "`keys` has no key: the first one signs"),
        ("{ keys = [{ id = 0, file = \"good\" }] }", "5:25", "key id 0 out of range: 1 to 255"),
        ("{ keys = [{ id = 1, file = \"short\" }] }", "5:35", "key of 2 bytes: 32 to 64"),
        (
            "{ keys = [{ id = 1, file = \"text\" }] }",
            "5:35",
            "key text: is no text of hexadecimal digits",
        ),
        ("{ keys = [{ id = 1, file = \".\" }] }", "5:35", "key .: is no file"),
        ("{ keys = [{ id = 1, file = \"pipe\" }] }", "5:35", "key pipe: is no file"),
        (
            "{ keys = [{ id = 1, file = \"none\" }] }",
            "5:35",
            "key none: No such file or directory (os error 2)",
        ),
        (
            "{ keys = [{ id = 1, file = \"open\" }] }",
            "5:35",
            "key open: mode 644 lets others read it: it must be 600 or 400",
        ),
        (
            "{ keys = [{ id = 1, file = \"good\" }, { id = 1, file = \"good\" }] }",
            "5:52",
            "key id 1 is there twice",
        ),
    ];
    for (text, place, rule) in cases {
        let said = told(text);
        assert!(said.starts_with(&format!("{place}: {hmac} {rule}")), "{text}: {said}");
    }
}

#[test]
fn what_is_wrong_in_a_table_is_told_with_both_places() {
    let good = "[[service]]\nkey = \"tcp 10.0.0.1:80\"\n";
    let folder = Folder::new("tables", &[("a.toml", good), ("b.toml", "[[service]]\nkey = 1\n")]);
    assert_eq!(told_in("tables = [\"a.toml\"]", &folder.0), "");
    let said = told_in("tables = [\"a.toml\", \"b.toml\", \"a.toml\"]", &folder.0);
    let path = folder.0.join("b.toml").display().to_string();
    assert_eq!(
        said,
        format!(
            "1:21: {path}:2:7: service: `key` must be a string, not an integer\n\
             1:31: service tcp 10.0.0.1:80: given already"
        )
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let problems = Config::read(Path::new("/nowhere/x.toml")).err().unwrap();
    assert_eq!(problems.to_string(), "/nowhere/x.toml: No such file or directory (os error 2)");
}

const MANUAL: &str = include_str!("../../../../dist/ipvs-syncd.8");

#[test]
fn the_manual_has_every_key() {
    let sections = [
        "x = 1",
        "log = { x = 1 }",
        "[sync]\nx = 1",
        "[[hook]]\nx = 1",
        "[[virtual-router]]\nx = 1",
        "[[virtual-router]]\ntrack = [{ x = 1 }]",
        "[[virtual-router]]\nhmac = { x = 1 }",
    ];
    let is_of_word = |it: char| it.is_ascii_alphanumeric() || it == '-';
    let words: Vec<&str> = MANUAL.split(|it| !is_of_word(it)).collect();
    for section in sections {
        let said = told(section);
        let (_, keys) = said.split_once("unknown key `x`, the known ones are ").expect(section);
        for key in keys.lines().next().unwrap_or_default().split(", ") {
            assert!(words.contains(&key), "{key} of {section}");
        }
    }
}

#[test]
fn the_manual_has_every_exit_code_of_the_help() {
    let codes = |text: &str, before: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(before));
        let codes = lines.filter_map(|line| line.split(' ').next()?.parse::<u8>().ok());
        codes.collect::<Vec<_>>()
    };
    let (_, statuses) = MANUAL.split_once(".Sh EXIT STATUS").unwrap();
    let manual = codes(statuses.split_once(".El").unwrap().0, ".It ");
    assert_eq!(manual, codes(crate::EXITS, "  "));
    assert_eq!(manual, [0, 1, 2, 3, 4, 5, 6, 7]);
}
