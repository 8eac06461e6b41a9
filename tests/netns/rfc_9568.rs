//! With the checksum of RFC 9568, which keepalived 2.2.7 has not: these need 2.3, as
//! Debian 13 has it.

use crate::interop::{Kind, keepalived_is_better, only, ours_is_better, v3_over};
use crate::lan::Lan;
use crate::router::{becomes, start, state, wait_until};
use ipvs_sync::vrrp::Family;
use ipvs_sync::vrrp::packet::{Checksum, Reason};
use ipvs_sync::vrrp::router::State;
use std::thread::sleep;

fn message_only() -> Kind {
    Kind { checksum: Checksum::Message, ..v3_over(Family::V4) }
}

// shows: 9568-5.2.8-1
#[test]
fn keepalived_is_better_at_a_group() {
    keepalived_is_better(message_only());
}

// shows: 9568-5.2.8-1
#[test]
fn ours_is_better_at_a_group() {
    ours_is_better(message_only());
}

#[test]
fn keepalived_is_better_at_unicast() {
    keepalived_is_better(Kind { unicast: true, ..message_only() });
}

#[test]
fn ours_is_better_at_unicast() {
    ours_is_better(Kind { unicast: true, ..message_only() });
}

/// Ours begins with it, so that nothing is to be learned.
#[test]
fn keepalived_never_takes_over_from_one_that_learns() {
    let kind = message_only();
    let lan = Lan::new(2);
    let auto = || start(kind.settings(1, 200).with_checksum(Checksum::Auto));
    let ours = lan.at(1, auto);
    becomes(&ours, State::Active);
    let theirs = kind.theirs(&lan, 2, 100);
    sleep(kind.interval() * 6);
    only(kind, &lan, 1, &[2]);
    let status = ours.status(0).unwrap();
    assert_eq!(status.accepted, 0, "keepalived was active too: {status:?}");
    ours.stop();
    only(kind, &lan, 2, &[1]);
    let ours = lan.at(1, auto);
    becomes(&ours, State::Active);
    only(kind, &lan, 1, &[2]);
    drop(theirs);
}

/// Whoever has the other checksum is not heard, and says so.
// shows: 9568-5.2.8-1
#[test]
fn ours_with_the_checksum_of_rfc_5798_does_not_hear_it() {
    let kind = message_only();
    let lan = Lan::new(2);
    let theirs = kind.theirs(&lan, 2, 200);
    wait_until("keepalived", || lan.at(2, || kind.has()));
    let ours = lan.at(1, || start(kind.settings(1, 100).with_checksum(Checksum::PseudoHeader)));
    becomes(&ours, State::Active);
    let status = ours.status(0).unwrap();
    assert_eq!((status.accepted, state(&ours)), (0, State::Active));
    assert!(status.counters.of(Reason::Checksum) > 0, "{status:?}");
    drop(theirs);
}
