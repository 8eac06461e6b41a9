#![cfg(all(feature = "json", feature = "toml"))]

use crate::{Table, TableError};

/// A document with everything in it, as TOML.
const TOML: &str = r#"[timeouts]
tcp = 900
udp = 300

[[service]]
name = "wëb \"1\""
key = "udp 10.0.0.1:5060"
scheduler = "sh"
scheduler-flags = "flag-2"
persistence = { timeout = 300, netmask = "255.255.255.0", engine = "sip" }
one-packet = true

[[service.destination]]
endpoint = "192.168.0.1:5060"
weight = 3
forwarding = "direct-route"
thresholds = { upper = 100, lower = 50 }

[[service.destination]]
endpoint = "[2001:db8::1]:5060"
weight = 1
forwarding = "gue:6080:+c"

[[service]]
key = "fwmark 7 ipv6"
scheduler = "wlc"
"#;

/// The same as JSON.
const JSON: &str = r#"{
  "timeouts": {
    "tcp": 900,
    "udp": 300
  },
  "service": [
    {
      "name": "wëb \"1\"",
      "key": "udp 10.0.0.1:5060",
      "scheduler": "sh",
      "scheduler-flags": "flag-2",
      "persistence": {
        "timeout": 300,
        "netmask": "255.255.255.0",
        "engine": "sip"
      },
      "one-packet": true,
      "destination": [
        {
          "endpoint": "192.168.0.1:5060",
          "weight": 3,
          "forwarding": "direct-route",
          "thresholds": {
            "upper": 100,
            "lower": 50
          }
        },
        {
          "endpoint": "[2001:db8::1]:5060",
          "weight": 1,
          "forwarding": "gue:6080:+c"
        }
      ]
    },
    {
      "key": "fwmark 7 ipv6",
      "scheduler": "wlc"
    }
  ]
}
"#;

#[test]
fn both_documents_say_the_same_and_are_written_as_they_read() {
    let table = Table::from_toml(TOML).unwrap();
    assert_eq!(table.services().next().unwrap().name(), Some("wëb \"1\""));
    assert_eq!(Table::from_json(JSON).unwrap(), table);
    assert_eq!(table.to_toml().unwrap(), TOML.replace(r#""wëb \"1\"""#, r#"'wëb "1"'"#));
    assert_eq!(table.to_json().unwrap(), JSON);
}

#[test]
fn an_empty_document_is_an_empty_table() {
    assert_eq!(Table::from_toml(""), Ok(Table::new()));
    assert_eq!(Table::from_json(" {} "), Ok(Table::new()));
    assert_eq!(Table::new().to_toml().unwrap(), "");
    assert_eq!(Table::from_json(&Table::new().to_json().unwrap()), Ok(Table::new()));
}

#[test]
fn what_is_left_out_has_its_default() {
    let text = "service = [{ key = 'tcp 10.0.0.1:80', destination = [{ endpoint = '10.0.0.2' }] }]";
    let written = Table::from_toml(text).unwrap().to_toml().unwrap();
    let expected = "[[service]]\nkey = \"tcp 10.0.0.1:80\"\nscheduler = \"wlc\"\n\n\
                    [[service.destination]]\nendpoint = \"10.0.0.2:0\"\nweight = 1\n\
                    forwarding = \"masquerade\"\n";
    assert_eq!(written, expected);
}

#[test]
fn broken_toml_is_told_with_its_place() {
    let refused = [
        ("é^", "key with no value, expected `=`"),
        ("[[service]]\nkey = ^", "string values must be quoted, expected literal string"),
        ("[[service]]\nname = 'ü' ^'x'", "unexpected key or value, expected newline, `#`"),
        ("[[service]^\n", "unclosed array table, expected `]`"),
        ("[[service]]\nkey = 'tcp 10.0.0.1:80'\n^key = 'x'\n", "duplicate key"),
        ("[timeouts]\n\n[^timeouts]\n", "duplicate key"),
    ];
    for (text, message) in refused {
        expect(Table::from_toml, text, message);
    }
}

#[test]
fn broken_json_is_told_with_its_place() {
    let refused = [
        ("^", "EOF while parsing a value"),
        ("^x", "expected value"),
        ("{\n  \"é\" ^1 }", "expected `:`"),
        ("{ \"service\": [\n] }\n^x", "trailing characters"),
        (r#"{ "service": [ { "key": ^"\ud800" } ] }"#, "unexpected end of hex escape"),
        (
            "{ \"timeouts\": {},\n ^\"timeouts\": {} }",
            "the key `timeouts` is given already on line 1",
        ),
        (
            r#"{ "timeouts": { "tcp": 1, ^"t\u0063p": 2 } }"#,
            "timeouts: the key `tcp` is given already on line 1",
        ),
        ("^[]", "`the document` must be a table, not an array"),
        ("{ \"service\": ^null }", "`service` must be an array, not null"),
        (
            "{ \"timeouts\": { \"tcp\": ^1e3 } }",
            "timeouts: `tcp` must be an integer, not a number of another kind",
        ),
        (
            "{ \"timeouts\": { \"tcp\": ^[[[[[[[[]]]]]]]] } }",
            "timeouts: `tcp` must be an integer, not an array",
        ),
    ];
    for (text, message) in refused {
        expect(Table::from_json, text, message);
    }
}

/// What is wrong in the same way in both.
#[test]
fn every_mistake_is_told_with_its_place_in_both() {
    let service = "service tcp 10.0.0.1:80";
    let refused = [
        (
            "^services = []",
            r#"{ ^"services": [] }"#,
            "unknown key `services`, the known ones are timeouts, service".to_owned(),
        ),
        (
            "service = ^1",
            r#"{ "service": ^1 }"#,
            "`service` must be an array, not an integer".into(),
        ),
        (
            "service = [^'x']",
            r#"{ "service": [ ^"x" ] }"#,
            "service: `service` must be a table, not a string".into(),
        ),
        (
            "timeouts = ^[]",
            r#"{ "timeouts": ^[] }"#,
            "timeouts: `timeouts` must be a table, not an array".into(),
        ),
        (
            "[timeouts]\ntcp-fin = ^0",
            "{ \"timeouts\": {\n\"tcp-fin\": ^0 } }",
            "timeouts: tcp fin timeout of 0 s: leave it out to keep the present one".into(),
        ),
        (
            "[timeouts]\nudp = ^-1",
            "{ \"timeouts\": {\n\"udp\": ^-1 } }",
            "timeouts: `-1` is not a number from 0 to 4294967295".into(),
        ),
        (
            "[timeouts]\n^sctp = 1",
            "{ \"timeouts\": {\n^\"sctp\": 1 } }",
            "timeouts: unknown key `sctp`, the known ones are tcp, tcp-fin, udp".into(),
        ),
        (
            "\n^[[service]]\nname = 'web'",
            r#"{ "service": [ ^{ "name": "web" } ] }"#,
            "service: the key `key` is missing".into(),
        ),
        (
            "[[service]]\nname = 'ü' # ü\nkey = ^'tcp www:80'",
            r#"{ "service": [ { "name": "ü", "key": ^"tcp www:80" } ] }"#,
            "service: `www:80` is not an address with a port".into(),
        ),
        (
            "[[service]]\nkey = ^80",
            r#"{ "service": [ { "key": ^80 } ] }"#,
            "service: `key` must be a string, not an integer".into(),
        ),
        (
            "[[service]]\n^weight = 1\nkey = 'tcp 10.0.0.1:80'",
            r#"{ "service": [ { ^"weight": 1, "key": "tcp 10.0.0.1:80" } ] }"#,
            format!(
                "{service}: unknown key `weight`, the known ones are name, key, scheduler, \
                 scheduler-flags, persistence, one-packet, destination"
            ),
        ),
        (
            "[[service]]\nkey = ^'tcp 10.0.0.1'",
            r#"{ "service": [ { "key": ^"tcp 10.0.0.1" } ] }"#,
            "service tcp 10.0.0.1:0: port 0 (all ports) needs persistence: packets would be \
             dropped"
                .into(),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\nname = ^[]",
            r#"{ "service": [ { "key": "tcp 10.0.0.1:80", "name": ^[] } ] }"#,
            format!("{service}: `name` must be a string, not an array"),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\none-packet = ^true",
            r#"{ "service": [ { "key": "tcp 10.0.0.1:80", "one-packet": ^true } ] }"#,
            format!("{service}: one-packet scheduling is for udp, not for tcp"),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\none-packet = ^'yes'",
            r#"{ "service": [ { "key": "tcp 10.0.0.1:80", "one-packet": ^"yes" } ] }"#,
            format!("{service}: `one-packet` must be true or false, not a string"),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\nscheduler = ^''",
            r#"{ "service": [ { "key": "tcp 10.0.0.1:80", "scheduler": ^"" } ] }"#,
            format!("{service}: ``: scheduler name of 0 bytes: the kernel takes 1 to 15"),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\nscheduler-flags = ^'sh'",
            r#"{ "service": [ { "key": "tcp 10.0.0.1:80", "scheduler-flags": ^"sh" } ] }"#,
            format!("{service}: `sh` is not a scheduler flag (flag-1, sh-port, …)"),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\npersistence = ^300",
            r#"{ "service": [ { "key": "tcp 10.0.0.1:80", "persistence": ^300 } ] }"#,
            format!("{service}: `persistence` must be a table, not an integer"),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\npersistence = ^{}",
            r#"{ "service": [ { "key": "tcp 10.0.0.1:80", "persistence": ^{} } ] }"#,
            format!("{service}: the key `timeout` is missing"),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\n[service.persistence]\ntimeout = ^0",
            r#"{ "service": [ { "key": "tcp 10.0.0.1:80", "persistence": { "timeout": ^0 } } ] }"#,
            format!("{service}: persistence timeout of 0 s out of range: 1 to 4294967 s"),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\npersistence = { timeout = 1, netmask = ^'64' }",
            r#"{ "service": [ { "key": "tcp 10.0.0.1:80", "persistence": { "timeout": 1, "netmask": ^"64" } } ] }"#,
            format!(
                "{service}: netmask 64 is not of the IPv4 service's family (IPv4 netmasks are \
                 written 255.255.255.0, IPv6 prefix lengths 64)"
            ),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\npersistence = { timeout = 1, engine = ^'sip' }",
            r#"{ "service": [ { "key": "tcp 10.0.0.1:80", "persistence": { "timeout": 1, "engine": ^"sip" } } ] }"#,
            format!("{service}: persistence engine sip reads udp only, not tcp"),
        ),
        (
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\n\n[[service]]\nkey = ^'10.0.0.1:80'",
            "{ \"service\": [ { \n\"key\": \"tcp 10.0.0.1:80\" }, { \"key\": ^\"10.0.0.1:80\" } ] }",
            format!("{service}: given already on line 2"),
        ),
        (
            "[[service]]\nkey = 'fwmark 1'\nname = 'web'\n[[service]]\nname = ^'web'\nkey = '10.0.0.1:80'",
            "{ \"service\": [ { \"key\": \"fwmark 1\",\n\n\"name\": \"web\" },\n { \"name\": ^\"web\", \"key\": \"10.0.0.1:80\" } ] }",
            format!("{service}: the service on line 3 has the name `web`"),
        ),
    ];
    for (toml, json, message) in refused {
        expect(Table::from_toml, toml, &message);
        expect(Table::from_json, json, &message);
    }
}

#[test]
fn every_mistake_in_a_destination_is_told_with_its_place_in_both() {
    let unicast = "destination [fd00::2]:80 of tcp 10.0.0.1:80: destination of another address \
                   family than its IPv4 service needs a tunnel";
    let refused = [
        ("^", "weight = 1", "^", r#""weight": 1"#, "the key `endpoint` is missing"),
        (
            "",
            "endpoint = ^'www'",
            "",
            r#""endpoint": ^"www""#,
            "`www` is not an address with a port",
        ),
        (
            "",
            "endpoint = '10.0.0.2'\n^port = 1",
            "",
            r#""endpoint": "10.0.0.2", ^"port": 1"#,
            "unknown key `port`, the known ones are endpoint, weight, forwarding, thresholds",
        ),
        ("", "endpoint = ^'[fd00::2]:80'", "", r#""endpoint": ^"[fd00::2]:80""#, unicast),
        (
            "",
            "forwarding = 'direct-route'\nendpoint = ^'10.0.0.2:81'",
            "",
            r#""forwarding": "direct-route", "endpoint": ^"10.0.0.2:81""#,
            "port 81 differs from the service's port 80, and this forwarding method does not \
             rewrite ports",
        ),
        (
            "",
            "endpoint = '10.0.0.2:80'\nforwarding = ^'gue:0:-c'",
            "",
            r#""endpoint": "10.0.0.2:80", "forwarding": ^"gue:0:-c""#,
            "`gue:0:-c`: a gue tunnel needs a UDP port other than 0",
        ),
        (
            "",
            "endpoint = '10.0.0.2:80'\nweight = ^2147483648",
            "",
            r#""endpoint": "10.0.0.2:80", "weight": ^2147483648"#,
            "weight 2147483648 out of range: a weight is 0 to 2147483647",
        ),
        (
            "",
            "endpoint = '10.0.0.2:80'\nthresholds = { upper = 5, lower = ^6 }",
            "",
            r#""endpoint": "10.0.0.2:80", "thresholds": { "upper": 5, "lower": ^6 }"#,
            "lower threshold 6 above upper threshold 5",
        ),
        (
            "",
            "endpoint = '10.0.0.2:80'\nthresholds = { upper = ^0x80000000 }",
            "",
            r#""endpoint": "10.0.0.2:80", "thresholds": { "upper": ^2147483648 }"#,
            "upper threshold 2147483648 out of range: at most 2147483647",
        ),
        (
            "",
            "endpoint = '10.0.0.2:80'\nthresholds = ^{ lower = 1 }",
            "",
            r#""endpoint": "10.0.0.2:80", "thresholds": ^{ "lower": 1 }"#,
            "the key `upper` is missing",
        ),
        (
            "",
            "endpoint = '10.0.0.2:80'\n[[service.destination]]\nendpoint = ^'10.0.0.2:80'",
            "",
            "\"endpoint\": \"10.0.0.2:80\" },\n { \"endpoint\": ^\"10.0.0.2:80\"",
            "given already on line 4",
        ),
    ];
    for (toml_start, toml, json_start, json, message) in refused {
        let toml = format!(
            "[[service]]\nkey = 'tcp 10.0.0.1:80'\n{toml_start}[[service.destination]]\n{toml}"
        );
        let json = format!(
            "{{ \"service\": [\n {{ \"key\": \"tcp 10.0.0.1:80\",\n \"destination\": [\n {json_start}{{ {json} }} ] }} ] }}"
        );
        for (read, text) in [(Table::from_toml as Read, toml), (Table::from_json, json)] {
            let error = refuse(read, &text);
            let shown = error.to_string();
            assert!(shown.contains(": destination") && shown.ends_with(message), "{text}: {shown}");
            assert!(shown.contains(" of tcp 10.0.0.1:80: "), "{shown}");
        }
    }
}

type Read = fn(&str) -> Result<Table, TableError>;

/// The error of a text, which must be at the mark in it.
fn refuse(read: Read, marked: &str) -> TableError {
    let (before, _) = marked.split_once('^').unwrap();
    let line = before.lines().count().max(1) + usize::from(before.ends_with('\n'));
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    let error = read(&marked.replace('^', "")).expect_err(marked);
    assert_eq!((error.line(), error.column()), (Some(line), Some(column)), "{marked}: {error}");
    error
}

fn expect(read: Read, marked: &str, message: &str) {
    let error = refuse(read, marked);
    let (line, column) = (error.line().unwrap(), error.column().unwrap());
    assert_eq!(error.to_string(), format!("line {line}, column {column}: {message}"), "{marked}");
}
