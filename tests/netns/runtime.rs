//! Virtual routers of ours, alone and with each other.

use crate::host::{PORT, name, port, run};
use crate::lan::Lan;
use crate::router::{
    INTERVAL, addresses, becomes, config, has_virtual, ip, rank, settings, start, state, v3,
    wait_until,
};
use crate::wire::{Sniffer, Wire};
use ipvs::Namespace;
use ipvs_sync::net::{AdvertSocket, Rtnetlink, group, now};
use ipvs_sync::runtime::{Event, Handle, Options, WhenDeleted, spawn};
use ipvs_sync::vrrp::packet::auth_hmac::{self, Key, Mode};
use ipvs_sync::vrrp::packet::{Checksum, Reason};
use ipvs_sync::vrrp::router::{Cause, Config, Effect, State, Tracks};
use ipvs_sync::vrrp::{Family, VirtualAddresses, Vrid};
use std::thread::sleep;
use std::time::Duration;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

#[test]
fn one_alone_is_elected_holds_and_leaves_nothing_behind() {
    let wire = Wire::new();
    for family in FAMILIES {
        let mut sniffer = wire.there(Sniffer::new);
        let before = now();
        let router = start(settings(config(family, 1, 200)));
        let (at, cause) = becomes(&router, State::Active);
        assert!(matches!(cause, Cause::Silence { last_heard: None, .. }), "{cause}");
        // Three intervals and a skew of 56/256 of one.
        assert!(at - before >= INTERVAL * 3 + INTERVAL * 56 / 256, "{:?}", at - before);
        // What is told comes after what was done.
        assert!(has_virtual(family));
        let (kind, at) = match family {
            Family::V4 => ([8, 0], 34),
            Family::V6 => ([0x86, 0xdd], 54),
        };
        let is_vrrp = |frame: &[u8]| frame[12..14] == kind && frame.get(at) == Some(&0x31);
        let priority = |frame: Vec<u8>| frame[at + 2];
        let mut priorities: Vec<u8> = (0..6).map(|_| priority(sniffer.frame(is_vrrp))).collect();
        assert_eq!(state(&router), State::Active);
        let told = router.stop();
        let is_end = |event: &Event| matches!(event, Event::State { to: State::Stopped, .. });
        assert!(told.iter().any(|record| is_end(&record.event)), "{told:?}");
        assert!(!has_virtual(family));
        priorities.extend(std::iter::from_fn(|| sniffer.next(is_vrrp)).map(priority));
        assert_eq!(priorities.pop(), Some(0));
        assert!(priorities.iter().all(|priority| *priority == 200), "{priorities:?}");
    }
}

// shows: 9568-6.4.2-12
#[test]
fn of_two_the_better_one_is_active_and_hands_over_faster_than_it_is_missed() {
    let wire = Wire::new();
    for family in FAMILIES {
        let low = start(settings(config(family, 1, 100)));
        becomes(&low, State::Active);
        let is_followed = || {
            let high = wire.there(|| start(settings(config(family, 2, 200))));
            let (_, cause) = becomes(&high, State::Active);
            assert!(matches!(cause, Cause::Preempts { priority: 100, own: 200, .. }), "{cause}");
            let (_, cause) = becomes(&low, State::Backup);
            assert!(matches!(cause, Cause::Outranked { priority: 200, .. }), "{cause}");
            wait_until("removal", || !has_virtual(family));
            assert!(wire.there(|| has_virtual(family)));
            let before = now();
            drop(high);
            let (at, cause) = becomes(&low, State::Active);
            assert!(!wire.there(|| has_virtual(family)));
            assert!(has_virtual(family));
            matches!(cause, Cause::Resigned { .. }) && at - before < INTERVAL * 3
        };
        // One that its host kept from running listens for longer instead.
        assert!((0..3).any(|_| is_followed()), "{family}");
    }
}

#[test]
fn a_lost_link_is_a_fault_and_a_link_that_is_back_none() {
    let wire = Wire::new();
    for family in FAMILIES {
        let router = start(settings(config(family, 1, 100)));
        becomes(&router, State::Active);
        wire.there(|| run(&format!("ip link set {PORT} down")));
        let (_, cause) = becomes(&router, State::Fault);
        assert_eq!(cause, Cause::LinkDown);
        wait_until("removal", || !has_virtual(family));
        wire.there(|| run(&format!("ip link set {PORT} up")));
        becomes(&router, State::Active);
        assert!(has_virtual(family));
    }
}

#[test]
fn an_interface_that_is_created_anew_is_used_again() {
    let _wire = Wire::new();
    // They share a socket.
    let eight = VirtualAddresses::new([ip("10.0.0.8")]).unwrap();
    let source = ip("10.0.0.1");
    let eight = Config::new(Vrid::new(8).unwrap(), rank(100), eight, v3(), source).unwrap();
    let both = [settings(config(Family::V4, 1, 100)), settings(eight)];
    let routers = spawn(both, Options::default()).unwrap();
    let are = |state| [0, 1].iter().all(|&it| routers.status(it).unwrap().state == state);
    wait_until("routers", || are(State::Active));
    run(&format!("ip link del {PORT}"));
    wait_until("fault", || are(State::Fault));
    run(&format!("ip link add {PORT} type veth peer name other0"));
    run("ip link set other0 up");
    run(&format!("ip addr add 10.0.0.1/24 dev {PORT}"));
    run(&format!("ip link set {PORT} up"));
    wait_until("routers", || are(State::Active));
    let has_both = || addresses(Family::V4).ends_with(&[ip("10.0.0.7"), ip("10.0.0.8")]);
    wait_until("addresses", has_both);
    // One of the protocol, 112.
    let sockets = std::fs::read_to_string("/proc/thread-self/net/raw").unwrap();
    assert_eq!(sockets.matches("00000000:0070 ").count(), 1, "{sockets}");
    drop(routers);
    assert_eq!(addresses(Family::V4), [source]);
}

#[test]
fn addresses_that_somebody_deletes_are_put_back_or_cause_a_release() {
    let wire = Wire::new();
    let base = || settings(config(Family::V4, 1, 100));
    let router = start(base());
    becomes(&router, State::Active);
    let mut sniffer = wire.there(Sniffer::new);
    run(&format!("ip addr del 10.0.0.7/32 dev {PORT}"));
    wait_until("address", || has_virtual(Family::V4));
    // A gratuitous ARP for it.
    sniffer.frame(|frame| frame[12..14] == [8, 6] && frame[28..32] == [10, 0, 0, 7]);
    assert_eq!(state(&router), State::Active);
    drop(router);

    let router = start(base().with_when_deleted(WhenDeleted::Release));
    becomes(&router, State::Active);
    run(&format!("ip addr del 10.0.0.7/32 dev {PORT}"));
    let (_, cause) = becomes(&router, State::Backup);
    assert_eq!(cause, Cause::HandedOver);
}

#[test]
fn another_mac_address_of_the_interface_is_announced() {
    let wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 100)));
    becomes(&router, State::Active);
    let mut sniffer = wire.there(Sniffer::new);
    run(&format!("ip link set {PORT} address 02:00:00:00:00:99"));
    sniffer.frame(|frame| {
        frame[6..12] == [2, 0, 0, 0, 0, 0x99]
            && frame[12..14] == [8, 6]
            && frame[28..32] == [10, 0, 0, 7]
    });
}

/// It does not take over before what it does at the start was looked at.
fn listening(family: Family) -> Config {
    config(family, 1, 100).with_startup_delay(Duration::from_secs(3))
}

#[test]
fn what_a_crash_left_is_taken_over() {
    let _wire = Wire::new();
    run(&format!("ip addr add 10.0.0.7/32 dev {PORT}"));
    let router = start(settings(listening(Family::V4)));
    becomes(&router, State::Backup);
    assert!(!has_virtual(Family::V4));
    becomes(&router, State::Active);
    // Somebody else's by now, as it were.
    assert!(has_virtual(Family::V4));
    drop(router);
    assert!(!has_virtual(Family::V4));
}

#[test]
fn what_another_program_left_with_another_prefix_is_taken_over_too() {
    let _wire = Wire::new();
    for (family, left, wanted) in
        [(Family::V4, "10.0.0.7/24", "10.0.0.7/32"), (Family::V6, "fe80::7/64", "fe80::7/128")]
    {
        run(&format!("ip addr add {left} dev {PORT}"));
        let router = start(settings(listening(family)));
        becomes(&router, State::Backup);
        assert!(!has_virtual(family));
        run(&format!("ip addr add {left} dev {PORT}"));
        becomes(&router, State::Active);
        assert!(run(&format!("ip addr show dev {PORT}")).contains(wanted));
        drop(router);
        assert!(!has_virtual(family));
    }
}

// shows: 9568-7.1-10
#[test]
fn what_is_dropped_is_counted_by_its_reason() {
    let wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 100)));
    becomes(&router, State::Active);
    let peer = wire.there(|| AdvertSocket::multicast(&port(), Family::V4).unwrap());
    let send = |packet: &[u8]| peer.send(ip("10.0.0.2"), group(Family::V4), packet).unwrap();
    // Without addresses, too short, with a wrong checksum; and of another router.
    send(&[0x31, 7, 200, 0, 0, 20, 0, 0]);
    send(&[0x31, 7, 200]);
    send(&[0x31, 7, 200, 1, 0, 20, 0, 0, 10, 0, 0, 7]);
    send(&[0x31, 9, 200, 1, 0, 100, 0x44, 0x2c, 192, 0, 2, 100]);
    wait_until("four packets", || {
        let status = router.status(0).unwrap();
        let own = [Reason::NoAddresses, Reason::Checksum];
        own.map(|reason| status.counters.of(reason)) == [1, 1]
            && status.unclaimed.iter().map(|(_, count)| count).sum::<u64>() == 2
    });
    assert_eq!(router.status(0).unwrap().accepted, 0);
    assert_eq!(state(&router), State::Active);
    // Longer than any advertisement, so that it is not known whose it is.
    run(&format!("ip link set {PORT} mtu 9000"));
    wire.there(|| run(&format!("ip link set {PORT} mtu 9000")));
    send(&[0x31; 8_000]);
    wait_until("a packet that cannot be read", || {
        router.status(0).unwrap().unclaimed.of(Reason::Unreadable) == 1
    });
}

#[test]
fn a_live_change_makes_no_take_over() {
    let wire = Wire::new();
    let high = start(settings(config(Family::V4, 1, 200)));
    becomes(&high, State::Active);
    let low = wire.there(|| start(settings(config(Family::V4, 2, 100))));
    becomes(&low, State::Backup);
    for priority in [150, 250, 101, 200] {
        let status = high.set_rank(0, rank(priority)).unwrap();
        assert_eq!((status.state, status.rank.number()), (State::Active, priority));
        sleep(Duration::from_millis(50));
    }
    sleep(INTERVAL * 4);
    assert_eq!((state(&high), state(&low)), (State::Active, State::Backup));
    high.resign(0).unwrap();
    becomes(&low, State::Active);
    let error = high.status(1).unwrap_err();
    assert_eq!(error.to_string(), "no virtual router 1");
}

#[test]
fn a_live_change_is_checked_as_the_start_is() {
    let _wire = Wire::new();
    let with_peers = |host| settings(config(Family::V4, host, 100)).with_peers([ip("10.0.0.2")]);
    let router = start(with_peers(1));
    let error = router.reconfigure(0, with_peers(2)).unwrap_err().to_string();
    assert!(error.starts_with("unicast peer 10.0.0.2 is this router"), "{error}");
    for (other, what) in [
        (with_peers(1).with_peers([]), "change between the group and unicast peers"),
        (with_peers(1).with_prefix(24), "prefix of its addresses"),
        (with_peers(1).with_virtual_mac(name("vrrp7")), "virtual MAC address"),
        (with_peers(1).with_group("all"), "group"),
    ] {
        let error = router.reconfigure(0, other).unwrap_err().to_string();
        assert_eq!(error, format!("another {what}: not while the virtual router runs"));
    }
}

#[test]
fn what_is_no_part_of_its_configuration_changes_without_a_gap_too() {
    let wire = Wire::new();
    let high = start(settings(config(Family::V4, 1, 200)));
    becomes(&high, State::Active);
    let low = wire.there(|| start(settings(config(Family::V4, 2, 100))));
    becomes(&low, State::Backup);
    let key = |id| Key::new(id, &[id; 32]).unwrap();
    let signed = |mode, first, second| {
        auth_hmac::Settings::new(mode, key(first), INTERVAL).with_key(key(second)).unwrap()
    };
    // A checksum of its own, signatures, and other keys after them.
    let changes = [
        (Checksum::Message, None),
        (Checksum::Auto, None),
        (Checksum::Auto, Some(signed(Mode::Permissive, 1, 2))),
        (Checksum::Auto, Some(signed(Mode::Enforce, 1, 2))),
        (Checksum::Auto, Some(signed(Mode::Enforce, 2, 1))),
        (Checksum::Auto, Some(signed(Mode::Enforce, 2, 3))),
    ];
    for (checksum, signing) in changes {
        // Where both take what either sends, one can be first.
        for (router, host, priority) in [(&low, 2, 100), (&high, 1, 200)] {
            let taken = if host == 2 { Checksum::Auto } else { checksum };
            let new = settings(config(Family::V4, host, priority)).with_checksum(taken);
            let new = match signing.clone() {
                Some(signing) => new.with_signed(signing),
                None => new,
            };
            router.reconfigure(0, new).unwrap();
        }
        sleep(INTERVAL * 5);
        assert_eq!((state(&high), state(&low)), (State::Active, State::Backup));
    }
    let dropped = low.status(0).unwrap().counters;
    assert_eq!(dropped.iter().map(|(_, count)| count).sum::<u64>(), 0, "{dropped:?}");

    // A condition goes on as it was told, whatever its effect is from now on.
    let tracks = |effect| Tracks::new([("eth1", effect)]).unwrap();
    let base = || settings(config(Family::V4, 1, 200)).with_signed(signed(Mode::Enforce, 2, 3));
    high.reconfigure(0, base().with_tracks(tracks(Effect::Lower(10)))).unwrap();
    assert_eq!(high.track(0, "eth1", false).unwrap().rank, rank(190));
    let lowered = base().with_tracks(tracks(Effect::Lower(150)));
    assert_eq!(high.reconfigure(0, lowered).unwrap().rank, rank(50));
    becomes(&low, State::Active);
    becomes(&high, State::Backup);
    let released = base().with_when_deleted(WhenDeleted::Release);
    assert_eq!(high.reconfigure(0, released).unwrap().rank, rank(200));
    becomes(&high, State::Active);
    run(&format!("ip addr del 10.0.0.7/32 dev {PORT}"));
    let (_, cause) = becomes(&high, State::Backup);
    assert_eq!(cause, Cause::HandedOver);
}

#[test]
fn the_last_announcement_is_that_of_the_router_that_stays_active() {
    let lan = Lan::new(3);
    let many = || VirtualAddresses::new((1..=30).map(|host| [10, 1, 0, host].into())).unwrap();
    let with_many = |host, priority| {
        let config = config(Family::V4, host, priority).with_addresses(many()).unwrap();
        lan.at(host, || start(settings(config)))
    };
    let high = with_many(2, 200);
    becomes(&high, State::Active);
    let low = with_many(1, 100);
    becomes(&low, State::Backup);
    let mac = lan.at(2, || port().mac.unwrap());
    let mut sniffer = lan.at(3, Sniffer::new);
    // It gives way at once, and had much to announce before.
    low.promote(0).unwrap();
    becomes(&low, State::Active);
    becomes(&low, State::Backup);
    sleep(INTERVAL);
    let mut last = None;
    while let Some(frame) = sniffer.next(|frame| frame[12..14] == [8, 6]) {
        last = Some(frame[6..12].to_vec());
    }
    assert_eq!(last, Some(mac.to_vec()));
    assert_eq!(state(&high), State::Active);
}

#[test]
fn they_run_in_a_namespace_that_is_given() {
    let namespace = Wire::new().peer();
    let inside = || namespace.run(|| has_virtual(Family::V4)).unwrap();
    let copy = namespace.run(|| Namespace::open("/proc/thread-self/ns/net").unwrap()).unwrap();
    let router = spawn(
        [settings(config(Family::V4, 2, 100))],
        Options { namespace: Some(copy), real_time: None },
    )
    .unwrap();
    becomes(&router, State::Active);
    assert!(inside());
    assert!(!has_virtual(Family::V4));
    drop(router);
    assert!(!inside());
}

#[test]
fn what_is_ended_at_once_leaves_nothing_behind() {
    let _wire = Wire::new();
    for _ in 0..100 {
        let told = start(settings(config(Family::V4, 1, 100))).stop();
        let states = told.iter().filter(|record| matches!(record.event, Event::State { .. }));
        // Neither or both of started and stopped.
        assert!([0, 2].contains(&states.count()), "{told:?}");
    }
    assert!(!has_virtual(Family::V4));
}

// shows: 9568-7.2-3
#[test]
fn the_virtual_mac_address_moves_with_the_addresses() {
    let wire = Wire::new();
    for (family, own) in [(Family::V4, 1), (Family::V6, 2)] {
        let mut sniffer = wire.there(Sniffer::new);
        let settings = settings(config(family, 1, 100)).with_virtual_mac(name("vmac7"));
        let router = start(settings);
        becomes(&router, State::Active);
        let shown = run("ip -o addr show dev vmac7");
        assert!(shown.contains("10.0.0.7/32") || shown.contains("fe80::7/128"), "{shown}");
        assert!(!has_virtual(family));
        // Advertisements and announcements come from it.
        let mac = [0, 0, 0x5e, 0, own, 7];
        let is_advertisement = |frame: &[u8]| match family {
            Family::V4 => frame[12..14] == [8, 0] && frame[23] == 112,
            Family::V6 => frame[12..14] == [0x86, 0xdd] && frame[20] == 112,
        };
        let is_announcement = |frame: &[u8]| match family {
            Family::V4 => frame[12..14] == [8, 6],
            Family::V6 => frame[12..14] == [0x86, 0xdd] && frame[20] == 58 && frame[54] == 136,
        };
        sniffer.frame(|frame| frame[6..12] == mac && is_advertisement(frame));
        sniffer.frame(|frame| frame[6..12] == mac && is_announcement(frame));
        let peer = wire.there(|| start(crate::router::settings(config(family, 2, 200))));
        becomes(&peer, State::Active);
        becomes(&router, State::Backup);
        drop(router);
        assert!(Rtnetlink::open().unwrap().interface(name("vmac7")).is_err());
    }
}

#[test]
fn a_group_is_active_as_a_whole_or_not_at_all() {
    let wire = Wire::new();
    let both = |host, priority| {
        let family = |family| settings(config(family, host, priority)).with_group("director");
        [family(Family::V4), family(Family::V6)]
    };
    let states = |handle: &Handle| [0, 1].map(|router| handle.status(router).unwrap().state);
    let low = spawn(both(1, 100), Options::default()).unwrap();
    wait_until("group", || states(&low) == [State::Active; 2]);
    // A better router of one of the two sends back both.
    let high = wire.there(|| start(settings(config(Family::V6, 2, 200))));
    wait_until("group", || states(&low) == [State::Backup; 2]);
    wait_until("removal", || !has_virtual(Family::V4) && !has_virtual(Family::V6));
    sleep(INTERVAL * 6);
    assert_eq!(states(&low), [State::Backup; 2]);
    drop(high);
    wait_until("group", || states(&low) == [State::Active; 2]);
}

#[test]
fn a_condition_that_fails_hands_over() {
    let wire = Wire::new();
    let tracks =
        || Tracks::new([("service", Effect::Lower(150)), ("disk", Effect::Fault)]).unwrap();
    let high = start(settings(config(Family::V4, 1, 200)).with_tracks(tracks()));
    becomes(&high, State::Active);
    let low = wire.there(|| start(settings(config(Family::V4, 2, 100))));
    becomes(&low, State::Backup);
    assert_eq!(high.track(0, "service", false).unwrap().rank, rank(50));
    becomes(&low, State::Active);
    becomes(&high, State::Backup);
    assert_eq!(high.track(0, "service", true).unwrap().rank, rank(200));
    becomes(&high, State::Active);
    assert_eq!(high.track(0, "disk", false).unwrap().state, State::Fault);
    becomes(&low, State::Active);
    let error = high.track(0, "moon", false).unwrap_err();
    assert_eq!(error.to_string(), "moon is not tracked");
}

// shows: 9568-7.1-10
#[test]
fn a_flood_of_hostile_packets_takes_nothing_over_and_delays_no_advertisement() {
    let wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 100)));
    becomes(&router, State::Active);
    let backup = wire.there(|| start(settings(config(Family::V4, 2, 50))));
    becomes(&backup, State::Backup);
    let peer = wire.there(|| AdvertSocket::multicast(&port(), Family::V4).unwrap());
    let end = now() + Duration::from_secs(2);
    let mut sent = 0_u64;
    while now() < end {
        let packet = [0x31, 7, 255, 1, 0, 20, 0, (sent % 251) as u8, 10, 0, 0, 7];
        sent += u64::from(peer.send(ip("10.0.0.2"), group(Family::V4), &packet).is_ok());
    }
    let status = router.status(0).unwrap();
    let dropped = status.counters.of(Reason::Checksum);
    assert!(sent > 10_000 && dropped > 1_000, "{sent} sent, {dropped} dropped");
    assert_eq!((status.state, status.accepted), (State::Active, 0));
    assert_eq!(state(&backup), State::Backup);
    assert!(backup.next(Duration::ZERO).is_none());
}

#[test]
fn one_virtual_router_is_not_started_twice() {
    let _wire = Wire::new();
    let one = || settings(config(Family::V4, 1, 100));
    let error = spawn([one(), one()], Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "virtual router 7 of IPv4 on vrrp0 is there twice");
}

#[test]
fn the_thread_of_the_advertisements_can_run_in_real_time() {
    let _wire = Wire::new();
    let start = |real_time| {
        let options = Options { real_time: Some(real_time), ..Options::default() };
        spawn([settings(config(Family::V4, 1, 100))], options)
    };
    let router = start(3).unwrap();
    becomes(&router, State::Active);
    // Field 40 of its line is the priority; the name is field 2.
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let lines =
        tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    let mut priorities = lines
        .filter(|line| line.contains("(vrrp-adverts)"))
        .filter_map(|line| line.rsplit_once(") ")?.1.split(' ').nth(37).map(str::to_owned));
    assert!(priorities.any(|priority| priority == "3"));
    drop(router);
    let error = start(100).unwrap_err();
    assert_eq!(error.to_string(), "real-time priority 100 out of range: 1 to 99");
}

#[test]
fn who_does_not_have_the_key_takes_nothing_over() {
    let wire = Wire::new();
    let signed = |host, priority, secret: u8| {
        let key = Key::new(1, &[secret; 32]).unwrap();
        let signed = auth_hmac::Settings::new(Mode::Enforce, key, INTERVAL);
        settings(config(Family::V4, host, priority)).with_signed(signed)
    };
    let router = start(signed(1, 100, 7));
    becomes(&router, State::Active);
    for (stranger, reason) in [
        (settings(config(Family::V4, 2, 200)), Reason::Unsigned),
        (signed(2, 200, 8), Reason::Forged),
    ] {
        let stranger = wire.there(|| start(stranger));
        becomes(&stranger, State::Active);
        let count = || router.status(0).unwrap().counters.of(reason);
        wait_until("packets", || count() >= 3);
        assert_eq!(state(&router), State::Active);
    }
    let better = wire.there(|| start(signed(2, 200, 7)));
    becomes(&better, State::Active);
    becomes(&router, State::Backup);
}
