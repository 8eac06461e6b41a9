//! Advertisements that do not come through where all else does: who has the addresses is
//! asked before they are taken.

use crate::host::{PORT, name, port, run, wait_for};
use crate::interop::{only, v3_over};
use crate::lan::Lan;
use crate::router::{INTERVAL, becomes, config, settings, start, state, wait_until};
use crate::wire::Sniffer;
use ipvs_sync::net::{Prober, arp, ndp, now};
use ipvs_sync::runtime::{Event, Handle, Settings};
use ipvs_sync::vrrp::router::{Answer, Cause, Config, Report, State};
use ipvs_sync::vrrp::{Family, Interval, Version};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

fn probing(family: Family, host: u8, priority: u8) -> Config {
    config(family, host, priority).with_probe(true)
}

/// Advertises to a peer that is not there, and hears nobody else.
fn unheard(family: Family, config: Config) -> Settings {
    let kind = v3_over(family);
    settings(config).with_peers([kind.address(99)])
}

fn virtual_address(family: Family) -> IpAddr {
    v3_over(family).address(7)
}

/// Waits until the router says that somebody has its address, and who.
fn is_held(handle: &Handle) -> Answer {
    wait_for("report", || match handle.next(Duration::from_millis(10))?.event {
        Event::Report(Report::AddressAnswered(answer)) => Some(answer),
        Event::Failed(error) => panic!("{error}"),
        Event::State { to: State::Active, cause, .. } => panic!("active: {cause}"),
        _ => None,
    })
}

/// What a router sends that asks who has its address.
fn asked(family: Family, mac: [u8; 6]) -> Vec<u8> {
    match virtual_address(family) {
        IpAddr::V4(address) => arp::probe(mac, address).to_vec(),
        IpAddr::V6(address) => ndp::probe(mac, address).to_vec(),
    }
}

fn open(family: Family, address: IpAddr) -> Prober {
    Prober::open(&port(), family, vec![address]).unwrap()
}

/// How long after the last advertisement a router of priority 100 takes over.
fn down_interval() -> Duration {
    INTERVAL * 3 + INTERVAL * 156 / 256
}

#[test]
fn one_that_is_not_heard_and_answers_stays_the_only_active_router_until_it_is_gone() {
    let took = |family| {
        let lan = Lan::new(2);
        let mac = lan.at(1, || port().mac.unwrap());
        let high = lan.at(1, || start(unheard(family, config(family, 1, 200))));
        becomes(&high, State::Active);
        let low = lan.at(2, || start(settings(probing(family, 2, 100))));
        assert_eq!(is_held(&low), Answer { address: virtual_address(family), mac });
        sleep(down_interval() * 5);
        assert_eq!((state(&low), state(&high)), (State::Backup, State::Active));
        assert_eq!(low.status(0).unwrap().accepted, 0);

        // It loses its link, as when its host ends.
        lan.cut(1);
        let gone = now();
        let (at, cause) = becomes(&low, State::Active);
        assert!(matches!(cause, Cause::Silence { .. }), "{cause}");
        at - gone
    };
    for family in FAMILIES {
        // One that its host kept from running listens for longer.
        let is_soon = |took: Duration| took <= INTERVAL * 3 + INTERVAL / 2;
        assert!((0..3).any(|_| is_soon(took(family))), "{family}");
    }
}

#[test]
fn without_the_probe_there_would_be_two() {
    let lan = Lan::new(2);
    let high = lan.at(1, || start(unheard(Family::V4, config(Family::V4, 1, 200))));
    becomes(&high, State::Active);
    let low = lan.at(2, || start(settings(config(Family::V4, 2, 100))));
    becomes(&low, State::Active);
    assert_eq!(state(&high), State::Active);
}

#[test]
fn one_that_uses_the_virtual_mac_address_answers_with_it() {
    for (family, has_it_too) in
        [(Family::V4, false), (Family::V6, false), (Family::V4, true), (Family::V6, true)]
    {
        let lan = Lan::new(2);
        let high = unheard(family, config(family, 1, 200)).with_virtual_mac(name("vmac7"));
        let high = lan.at(1, || start(high));
        becomes(&high, State::Active);
        let low = settings(probing(family, 2, 100));
        let low = if has_it_too { low.with_virtual_mac(name("vmac7")) } else { low };
        let low = lan.at(2, || start(low));
        let mac = config(family, 1, 1).vrid().mac(family);
        assert_eq!(is_held(&low), Answer { address: virtual_address(family), mac });
        drop(high);
        becomes(&low, State::Active);
    }
}

#[test]
fn one_with_the_virtual_mac_address_hears_others_too() {
    for family in FAMILIES {
        let lan = Lan::new(2);
        let mac = lan.at(1, || port().mac.unwrap());
        let high = lan.at(1, || start(unheard(family, config(family, 1, 200))));
        becomes(&high, State::Active);
        let low = settings(probing(family, 2, 100)).with_virtual_mac(name("vmac7"));
        let low = lan.at(2, || start(low));
        assert_eq!(is_held(&low), Answer { address: virtual_address(family), mac });
    }
}

/// What one announces that takes over is for the other as good as an answer.
#[test]
fn of_two_that_do_not_hear_each_other_the_second_heeds_the_announcements() {
    let heeds = |family, has_virtual_mac| {
        let lan = Lan::new(2);
        let mut sniffer = lan.at(1, Sniffer::new);
        let mac = lan.at(2, || port().mac.unwrap());
        // As long as the kernel may keep one waiting that takes over.
        let interval = Interval::try_from(Duration::from_secs(2)).unwrap();
        let start = |host: u8, priority: u8| {
            let config = probing(family, host, priority).with_version(Version::V3(interval));
            let settings = unheard(family, config.unwrap());
            let settings = match has_virtual_mac {
                true => settings.with_virtual_mac(name("vmac7")),
                false => settings,
            };
            lan.at(host, || start(settings))
        };
        let (low, high) = (start(2, 150), start(1, 200));
        // It asks for the last time, and would take over an interval after that.
        let asked = asked(family, mac);
        for _ in 0..2 {
            sniffer.frame(|frame| frame == asked);
        }
        high.promote(0).unwrap();
        becomes(&high, State::Active);
        is_held(&low);
        sleep(interval.duration() * 3 / 2);
        assert_eq!((state(&high), state(&low)), (State::Active, State::Backup));
    };
    std::thread::scope(|scope| {
        for family in FAMILIES {
            scope.spawn(move || heeds(family, false));
            scope.spawn(move || heeds(family, true));
        }
    });
}

#[test]
fn keepalived_that_is_not_heard_and_answers_is_left_alone_until_it_stops() {
    for family in FAMILIES {
        let lan = Lan::new(2);
        let kind = v3_over(family);
        // To a third host, which is not there.
        let lines = format!(
            "unicast_src_ip {}\nunicast_peer {{\n{}\n}}",
            kind.address(2),
            kind.address(99)
        );
        let mut theirs = kind.theirs_with(&lan, 2, 200, &lines);
        only(kind, &lan, 2, &[]);
        let mac = lan.at(2, || port().mac.unwrap());
        let ours = lan.at(1, || start(settings(probing(family, 1, 100))));
        assert_eq!(is_held(&ours), Answer { address: virtual_address(family), mac });
        sleep(down_interval() * 3);
        assert_eq!(state(&ours), State::Backup);
        theirs.stop();
        becomes(&ours, State::Active);
        only(kind, &lan, 1, &[2]);
    }
}

/// A host that goes, not only its process: the kernel of that would answer.
#[test]
fn a_host_that_goes_is_replaced_as_soon_with_the_probe_as_without() {
    for family in FAMILIES {
        let kind = v3_over(family);
        let took = |probe: bool| {
            let lan = Lan::new(2);
            let config = config(family, 2, 100).with_probe(probe);
            let low = lan.at(2, || start(settings(config)));
            becomes(&low, State::Active);
            let theirs = kind.theirs(&lan, 1, 200);
            becomes(&low, State::Backup);
            sleep(INTERVAL * 3);
            lan.cut(1);
            let (_, cause) = becomes(&low, State::Active);
            drop(theirs);
            let Cause::Silence { last_heard: Some(ago), late, .. } = cause else {
                panic!("{cause}")
            };
            ago - late
        };
        for probe in [false, true] {
            // One that its host kept from running listens for longer, once.
            let mut attempts = (0..3).map(|_| took(probe));
            let is_soon =
                |took: Duration| took.abs_diff(down_interval()) < Duration::from_millis(1);
            assert!(attempts.any(is_soon), "{probe}");
        }
    }
}

#[test]
fn it_asks_from_its_own_mac_address_twice_before_it_takes_over() {
    for family in FAMILIES {
        let lan = Lan::new(2);
        let mac = lan.at(2, || port().mac.unwrap());
        let mut sniffer = lan.at(1, Sniffer::new);
        let low = settings(probing(family, 2, 100)).with_virtual_mac(name("vmac7"));
        let low = lan.at(2, || start(low));
        becomes(&low, State::Active);
        let probe = asked(family, mac);
        let probes = std::iter::from_fn(|| sniffer.next(|frame| frame == probe));
        // Once more whenever it was woken late, which it excuses three times.
        let count = probes.count();
        assert!(matches!(count, 2..=5), "{count}");
    }
}

#[test]
fn the_probe_can_be_switched_on_and_off_while_it_runs() {
    let lan = Lan::new(2);
    let high = lan.at(1, || start(unheard(Family::V4, config(Family::V4, 1, 200))));
    becomes(&high, State::Active);
    let low = lan.at(2, || start(settings(config(Family::V4, 2, 100))));
    low.reconfigure(0, settings(probing(Family::V4, 2, 100))).unwrap();
    is_held(&low);
    low.reconfigure(0, settings(config(Family::V4, 2, 100))).unwrap();
    becomes(&low, State::Active);
}

#[test]
fn of_all_that_comes_only_what_is_said_of_its_addresses_is_heard() {
    let lan = Lan::new(2);
    let mac = lan.at(1, || port().mac.unwrap());
    for (family, other) in [(Family::V4, "10.0.0.9/32"), (Family::V6, "fe80::9/64")] {
        let address = virtual_address(family);
        let wrong = v3_over(family).address(9);
        lan.at(1, || run(&format!("ip addr add {other} dev {PORT} nodad")));
        let [asks, hears, asks_other] =
            [address, address, wrong].map(|address| lan.at(2, || open(family, address)));
        // Nobody has it, and that two ask for it says that of neither.
        asks.ask().unwrap();
        // The kernel hears of an address of IPv6 a moment after it has it
        // (`addrconf_dad_work`).
        let answer_to = |prober: &Prober| {
            wait_for("answer", || {
                prober.ask().unwrap();
                prober.receive().unwrap()
            })
        };
        let answer = answer_to(&asks_other);
        assert_eq!(answer, Answer { address: wrong, mac });
        assert_eq!(asks.receive().unwrap(), None);
        let prefix = if family == Family::V4 { 32 } else { 128 };
        lan.at(1, || run(&format!("ip addr add {address}/{prefix} dev {PORT} nodad")));
        assert_eq!(answer_to(&asks), Answer { address, mac });
        let answer = wait_for("answer", || hears.receive().unwrap());
        assert_eq!(answer, Answer { address, mac });
    }
}

#[test]
fn a_prober_hears_again_after_its_interface_was_down() {
    let lan = Lan::new(2);
    let address = virtual_address(Family::V4);
    lan.at(1, || run(&format!("ip addr add {address}/32 dev {PORT}")));
    let prober = lan.at(2, || open(Family::V4, address));
    lan.at(2, || run(&format!("ip link set {PORT} down")));
    let error = prober.receive().unwrap_err();
    assert_eq!(
        error.to_string(),
        "receive who has an address on vrrp0: the interface is down (ENETDOWN)"
    );
    assert!(prober.ask().is_err());
    lan.at(2, || run(&format!("ip link set {PORT} up")));
    wait_until("answer", || prober.ask().is_ok() && prober.receive().unwrap().is_some());
}
