//! Tables in and out of texts.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use ipvs::{
    Destination, Endpoint, Family, Forwarding, Netmask, Persistence, Scheduler, SchedulerFlags,
    Service, ServiceKey, Table, TableError, TableProblem, Thresholds, Timeouts, Weight,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (1..=255_u8).prop_map(|host| IpAddr::from([10, 0, 0, host])),
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<[u16; 8]>().prop_map(IpAddr::from),
    ]
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (address(), prop_oneof![Just(0), Just(80), any::<u16>()])
        .prop_map(|(address, port)| Endpoint::new(address, port))
}

fn key() -> impl Strategy<Value = ServiceKey> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    prop_oneof![
        endpoint().prop_map(ServiceKey::tcp),
        endpoint().prop_map(ServiceKey::udp),
        endpoint().prop_map(ServiceKey::sctp),
        (any::<std::num::NonZeroU32>(), family)
            .prop_map(|(mark, family)| ServiceKey::fwmark(mark, family)),
    ]
}

fn name() -> impl Strategy<Value = String> {
    "[!-~é\u{a0}]{1,7}"
}

fn scheduler() -> impl Strategy<Value = Scheduler> {
    prop_oneof![
        prop::sample::select(vec!["rr", "wlc", "sh", "mh", "none"])
            .prop_map(|name| name.parse().unwrap()),
        name().prop_map(|name| name.parse().unwrap()),
    ]
}

fn flags() -> impl Strategy<Value = SchedulerFlags> {
    let flags = [SchedulerFlags::FLAG_1, SchedulerFlags::FLAG_2, SchedulerFlags::FLAG_3];
    prop::sample::subsequence(flags.to_vec(), 0..=3)
        .prop_map(|set| set.into_iter().fold(SchedulerFlags::NONE, |all, flag| all | flag))
}

fn netmask() -> impl Strategy<Value = Netmask> {
    prop_oneof![
        (0..=32_u8).prop_map(|prefix| Netmask::prefix(Family::V4, prefix).unwrap()),
        (1..=128_u8).prop_map(|prefix| Netmask::prefix(Family::V6, prefix).unwrap()),
    ]
}

fn persistence() -> impl Strategy<Value = Persistence> {
    (1..=2_678_400_u32, of(netmask()), of(name())).prop_map(|(timeout, netmask, engine)| {
        Persistence { timeout, netmask, engine: engine.map(|engine| engine.parse().unwrap()) }
    })
}

fn service() -> impl Strategy<Value = Service> {
    (key(), scheduler(), flags(), of(persistence()), any::<bool>()).prop_map(
        |(key, scheduler, flags, persistence, one_packet)| {
            Service::new(key)
                .with_scheduler(scheduler)
                .with_scheduler_flags(flags)
                .with_persistence(persistence)
                .with_one_packet(one_packet)
        },
    )
}

fn destination() -> impl Strategy<Value = Destination> {
    let methods = ["masquerade", "direct-route", "ipip", "gue:1:-c", "gue:9:r+c", "gre:+c"];
    let method = prop::sample::select([methods.as_slice(), &["local", "bypass"]].concat());
    let thresholds = (0..=i32::MAX as u32, any::<u32>()).prop_map(|(upper, lower)| {
        Thresholds::new(upper, lower.checked_rem(upper).unwrap_or(0)).unwrap()
    });
    (endpoint(), method, 0..=i32::MAX as u32, thresholds).prop_map(
        |(endpoint, method, weight, thresholds)| {
            Destination::new(endpoint)
                .with_forwarding(method.parse().unwrap())
                .with_weight(Weight::new(weight).unwrap())
                .with_thresholds(thresholds)
        },
    )
}

prop_compose! {
    /// Of what is made up, a table takes what is valid.
    fn table()(
        services in vec((service(), of(any::<String>()), vec(destination(), 0..5)), 0..5),
        timeouts in vec(of(1..=2_678_400_u32), 3),
    ) -> Table {
        let mut table = Table::new();
        for (service, name, destinations) in services {
            let key = service.key();
            if table.add_service(service).is_err() {
                continue;
            }
            let _ = name.map(|name| table.name_service(&key, name));
            for destination in destinations {
                let _ = table.add_destination(&key, destination);
            }
        }
        let [tcp, tcp_fin, udp] = [timeouts[0], timeouts[1], timeouts[2]];
        table.set_timeouts(Timeouts { tcp, tcp_fin, udp }).unwrap();
        table
    }
}

/// The same table without names, local and bypassed destinations and ports that
/// `ipvsadm` moves.
fn as_ipvsadm_can_say(table: &Table) -> Table {
    let mut plain = Table::new();
    plain.set_timeouts(table.timeouts()).unwrap();
    for entry in table.services() {
        let key = entry.service().key();
        plain.add_service(*entry.service()).unwrap();
        for destination in entry.destinations() {
            let kept = match (destination.forwarding(), key) {
                (Forwarding::Local | Forwarding::Bypass, _) => false,
                (Forwarding::Masquerade, _) | (_, ServiceKey::Mark { .. }) => true,
                (_, ServiceKey::Address { endpoint, .. }) => {
                    endpoint.port == destination.endpoint().port
                }
            };
            if kept {
                plain.add_destination(&key, *destination).unwrap();
            }
        }
    }
    plain
}

/// Pieces of all three formats, so that chance gets beyond the first character.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "-A",
        "-a",
        "-t",
        "-f",
        "7",
        "-6",
        "-r",
        "10.0.0.1:80",
        "[fd00::1]:80",
        "-p",
        "-s",
        "rr",
        "--tun-type",
        "gue",
        "--set",
        "#",
        "\n",
        " ",
        "\t",
        "=",
        "é",
        "-",
        "--",
        "[[service]]",
        "[[service.destination]]",
        "[service.persistence]",
        "[timeouts]",
        "key",
        "name",
        "endpoint",
        "timeout",
        "\"",
        "'",
        "'tcp 10.0.0.1:80'",
        "\"tcp 10.0.0.1:80\"",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"service\"",
        "\"destination\"",
        "\"key\"",
        "\\",
        "\\ud800",
        "1",
        "-1",
        "1.5",
        "true",
        "null",
        "99999999999999999999999999999999999999999",
        "\u{feff}",
        "\0",
    ]);
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_table_comes_back_from_each_document(table in table()) {
        #[cfg(feature = "toml")]
        prop_assert_eq!(Table::from_toml(&table.to_toml().unwrap()).unwrap(), table.clone());
        #[cfg(feature = "json")]
        prop_assert_eq!(Table::from_json(&table.to_json().unwrap()).unwrap(), table.clone());
        let _ = table;
    }

    #[test]
    fn a_table_comes_back_from_ipvsadms_lines(table in table()) {
        let plain = as_ipvsadm_can_say(&table);
        prop_assert_eq!(Table::from_ipvsadm(&plain.to_ipvsadm().unwrap()).unwrap(), plain.clone());
        // What the lines cannot say is an error, never another table.
        match table.to_ipvsadm() {
            Ok(_) => {
                let read = table.services().zip(plain.services());
                for (wanted, got) in read {
                    prop_assert!(wanted.destinations().eq(got.destinations()));
                }
            }
            Err(error) => {
                let expressible = matches!(error.problem(), TableProblem::NotExpressible { .. });
                prop_assert!(expressible, "{}", error);
            }
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in prop_oneof![any::<String>(), pieces()]) {
        never_panics(&text);
    }
}

fn never_panics(text: &str) {
    let told = |read: Result<Table, TableError>| {
        if let Err(error) = read {
            assert!(error.line().is_some() && error.column().is_some(), "{error}");
        }
    };
    told(Table::from_ipvsadm(text));
    #[cfg(feature = "toml")]
    told(Table::from_toml(text));
    #[cfg(feature = "json")]
    told(Table::from_json(text));
}

#[test]
fn a_table_of_11_000_objects_is_made_written_and_read_at_once() {
    let started = std::time::Instant::now();
    let mut table = Table::new();
    for n in 0..1_000_u16 {
        let [high, low] = n.to_be_bytes();
        let key = ServiceKey::tcp(Endpoint::new([10, 0, high, low], 80));
        table.add_service(Service::new(key)).unwrap();
        table.name_service(&key, format!("service {n}")).unwrap();
        for m in 1..=10 {
            let destination = Destination::new(Endpoint::new([10, high, low, m], 80))
                .with_forwarding(Forwarding::DirectRoute);
            table.add_destination(&key, destination).unwrap();
        }
    }
    assert_eq!(table.services().len(), 1_000);
    assert_eq!(table.to_ipvsadm().unwrap().lines().count(), 11_000);
    #[cfg(feature = "toml")]
    assert_eq!(Table::from_toml(&table.to_toml().unwrap()).unwrap(), table);
    #[cfg(feature = "json")]
    assert_eq!(Table::from_json(&table.to_json().unwrap()).unwrap(), table);
    // Two seconds without optimisation; what grows with the square takes minutes.
    assert!(started.elapsed().as_secs() < 60);
}

#[test]
fn tables_are_equal_by_what_they_mean() {
    let (first, second) = ("tcp 10.0.0.1:80".parse().unwrap(), "fwmark 7".parse().unwrap());
    let destination = |text: &str| Destination::new(text.parse().unwrap());
    let mut table = Table::new();
    table.add_service(Service::new(first)).unwrap();
    table.add_service(Service::new(second)).unwrap();
    table.add_destination(&first, destination("10.0.0.3:80")).unwrap();
    table.add_destination(&first, destination("10.0.0.2:80")).unwrap();
    let mut other = Table::new();
    other.add_service(Service::new(second)).unwrap();
    other.add_service(Service::new(first)).unwrap();
    other.add_destination(&first, destination("10.0.0.2:80")).unwrap();
    assert_ne!(table, other);
    other.add_destination(&first, destination("10.0.0.3:80")).unwrap();
    assert_eq!(table, other);
    let endpoints = table.get(&first).unwrap().destinations().map(Destination::endpoint);
    assert!(endpoints.is_sorted());
    assert!(table.services().map(|entry| entry.service().key()).is_sorted());
    other.name_service(&first, "web").unwrap();
    assert_ne!(table, other);
}

#[test]
fn a_table_takes_only_what_is_valid_and_new() {
    let key = "tcp 10.0.0.1:80".parse().unwrap();
    let second = "tcp 10.0.0.1:81".parse().unwrap();
    let mut table = Table::new();
    let told = |done: Result<(), TableError>| done.unwrap_err().to_string();
    let destination = Destination::new("10.0.0.2:80".parse().unwrap());
    assert_eq!(
        told(table.add_destination(&key, destination)),
        "destination 10.0.0.2:80 of tcp 10.0.0.1:80: the table has no such service"
    );
    assert_eq!(
        told(table.name_service(&key, "web")),
        "service tcp 10.0.0.1:80: the table has no such service"
    );
    assert_eq!(
        told(table.add_service(Service::new(key).with_one_packet(true))),
        "service tcp 10.0.0.1:80: one-packet scheduling is for udp, not for tcp"
    );
    table.add_service(Service::new(key)).unwrap();
    table.add_service(Service::new(second)).unwrap();
    assert_eq!(
        told(table.add_service(Service::new(key))),
        "service tcp 10.0.0.1:80: given already"
    );
    table.add_destination(&key, destination).unwrap();
    assert_eq!(
        told(table.add_destination(&key, destination)),
        "destination 10.0.0.2:80 of tcp 10.0.0.1:80: given already"
    );
    table.name_service(&key, "web").unwrap();
    table.name_service(&key, "web").unwrap();
    assert_eq!(
        told(table.name_service(&second, "web")),
        "service tcp 10.0.0.1:81: another service has the name `web`"
    );
    // A name that is given up is free.
    table.name_service(&key, "www").unwrap();
    table.name_service(&second, "web").unwrap();
    assert_eq!(
        told(table.set_timeouts(Timeouts { tcp: Some(0), ..Timeouts::default() })),
        "timeouts: tcp timeout of 0 s: leave it out to keep the present one"
    );
    assert_eq!(table.timeouts(), Timeouts::default());
}

#[test]
fn a_file_is_read_by_its_name_and_errors_name_it() {
    let dir = std::env::temp_dir().join(format!("ipvs-table-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let told = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        Table::read(&path).unwrap_err().to_string()
    };
    let at = |name: &str| dir.join(name).display().to_string();
    assert_eq!(
        told("rules", "\n-A -f 0"),
        format!("{}:2:7: service: `0` is not a firewall mark from 1", at("rules"))
    );
    #[cfg(feature = "toml")]
    assert_eq!(
        told("a.toml", "service = 1"),
        format!("{}:1:11: `service` must be an array, not an integer", at("a.toml"))
    );
    #[cfg(feature = "json")]
    assert_eq!(
        told("a.json", "{ \"service\": 1 }"),
        format!("{}:1:14: `service` must be an array, not an integer", at("a.json"))
    );
    #[cfg(not(feature = "json"))]
    assert_eq!(told("a.json", "{}"), format!("{}: built without the feature `json`", at("a.json")));
    let missing = Table::read(dir.join("missing")).unwrap_err().to_string();
    assert_eq!(missing, format!("{}: No such file or directory (os error 2)", at("missing")));
    std::fs::remove_dir_all(&dir).unwrap();
}
