//! With the real keepalived: each as the active router and as the backup.
//!
//! On the machine these run with 2.2.7 of Debian 12 and with 2.3.3 of Debian 13, in guests with
//! the former, which over IPv4 has the checksum of RFC 5798 only ([`crate::rfc_9568`] has the
//! other).
//!
//! Ours is host 1 and keepalived host 2 unless a test says otherwise.

use crate::host::wait_for;
use crate::keepalived::Keepalived;
use crate::lan::Lan;
use crate::router::{becomes, config, has_virtual, ip, settings, start, state, v3, wait_until};
use ipvs_sync::net::now;
use ipvs_sync::runtime::{Handle, Settings};
use ipvs_sync::vrrp::packet::{Checksum, Password};
use ipvs_sync::vrrp::router::{Cause, Preempt, State};
use ipvs_sync::vrrp::{Family, Seconds, Version};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;

/// A way of being a virtual router in which both must agree.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) family: Family,
    pub(crate) version: Version,
    pub(crate) password: bool,
    pub(crate) unicast: bool,
    /// Of version 3 over IPv4.
    pub(crate) checksum: Checksum,
}

/// The second time that keepalived announces its addresses, which is 5 s after the first
/// if it is told nothing.
pub(crate) const GARPS_SOON: &str = "garp_master_delay 1\n";

pub(crate) fn v3_over(family: Family) -> Kind {
    let checksum = Checksum::PseudoHeader;
    Kind { family, version: v3(), password: false, unicast: false, checksum }
}

const V2: Kind = Kind {
    family: Family::V4,
    version: Version::V2(Seconds::DEFAULT),
    password: false,
    unicast: false,
    checksum: Checksum::PseudoHeader,
};

impl Kind {
    pub(crate) fn interval(self) -> Duration {
        self.version.interval()
    }

    pub(crate) fn address(self, host: u8) -> IpAddr {
        match self.family {
            Family::V4 => ip(&format!("10.0.0.{host}")),
            Family::V6 => ip(&format!("fe80::{host}")),
        }
    }

    pub(crate) fn has(self) -> bool {
        has_virtual(self.family)
    }

    pub(crate) fn settings(self, host: u8, priority: u8) -> Settings {
        let config = config(self.family, host, priority).with_version(self.version).unwrap();
        let mut settings = settings(config).with_checksum(self.checksum);
        if self.password {
            settings = settings.with_password(Password::new(b"secret").unwrap());
        }
        if self.unicast {
            settings = settings.with_peers([self.address(3 - host)]);
            if self.family == Family::V6 {
                // What keepalived 2.2.7 sends has the host's default.
                settings = settings.with_min_hop_limit(64);
            }
        }
        settings
    }

    /// Ours, at a host.
    pub(crate) fn ours(self, lan: &Lan, host: u8, priority: u8) -> Handle {
        lan.at(host, || start(self.settings(host, priority)))
    }

    pub(crate) fn theirs(self, lan: &Lan, host: u8, priority: u8) -> Keepalived {
        self.theirs_with(lan, host, priority, "")
    }

    /// keepalived, at a host, told more.
    pub(crate) fn theirs_with(self, lan: &Lan, host: u8, priority: u8, more: &str) -> Keepalived {
        let lines = self.lines(host, priority, more);
        lan.at(host, || Keepalived::start(&lines, &self.listed()))
    }

    /// What keepalived is told of its instance.
    fn lines(self, host: u8, priority: u8, more: &str) -> String {
        let number = self.version.number();
        let interval = self.interval().as_secs_f32();
        let mut lines = format!("version {number}\nadvert_int {interval}\npriority {priority}\n");
        lines += GARPS_SOON;
        lines += more;
        if self.checksum == Checksum::Message {
            lines += "\nv3_checksum_as_v2 true";
        }
        if self.password {
            lines += "\nauthentication {\nauth_type PASS\nauth_pass secret\n}";
        }
        if self.unicast {
            let (own, peer) = (self.address(host), self.address(3 - host));
            lines += &format!("\nunicast_src_ip {own}\nunicast_peer {{\n{peer}\n}}");
        }
        lines
    }

    /// The address, as keepalived is told.
    fn listed(self) -> [String; 1] {
        let address = match self.family {
            Family::V4 => "10.0.0.7/32",
            Family::V6 => "fe80::7/128",
        };
        [address.to_owned()]
    }

    /// The skew of a priority.
    pub(crate) fn skew(self, priority: u8) -> Duration {
        let whole = match self.version {
            Version::V2(_) => Duration::from_secs(1),
            Version::V3(_) => self.interval(),
        };
        whole * (256 - u32::from(priority)) / 256
    }
}

/// A host has the address, and others do not.
pub(crate) fn only(kind: Kind, lan: &Lan, host: u8, others: &[u8]) {
    wait_until(&format!("address at {host}"), || lan.at(host, || kind.has()));
    for &other in others {
        wait_until(&format!("release at {other}"), || !lan.at(other, || kind.has()));
    }
}

/// keepalived comes and takes over, with a priority of 200.
fn preempts(kind: Kind, lan: &Lan, ours: &Handle) -> Keepalived {
    let theirs = kind.theirs(lan, 2, 200);
    let (_, cause) = becomes(ours, State::Backup);
    assert!(matches!(cause, Cause::Outranked { priority: 200, own: 100, .. }), "{cause}");
    only(kind, lan, 2, &[1]);
    wait_until("backup", || state(ours) == State::Backup);
    // It may have missed keepalived once, which adds its addresses before it goes on.
    while ours.next(Duration::ZERO).is_some() {}
    theirs
}

/// keepalived is better: it preempts, holds, resigns, preempts again, crashes.
pub(crate) fn keepalived_is_better(kind: Kind) {
    let lan = Lan::new(2);
    let ours = kind.ours(&lan, 1, 100);
    becomes(&ours, State::Active);
    let mut theirs = preempts(kind, &lan, &ours);
    sleep(kind.interval() * 4);
    assert_eq!(state(&ours), State::Backup);
    assert!(ours.status(0).unwrap().accepted >= 3);

    // One that its host kept from running listens for longer instead.
    let is_followed = (0..3).any(|_| {
        theirs.stop();
        let (_, cause) = becomes(&ours, State::Active);
        only(kind, &lan, 1, &[2]);
        theirs = preempts(kind, &lan, &ours);
        match cause {
            // It would have been missed later than that.
            Cause::Resigned { ago, .. } => (kind.skew(100)..kind.interval() * 3).contains(&ago),
            Cause::Silence { .. } => false,
            _ => panic!("{cause}"),
        }
    });
    assert!(is_followed, "it was only missed");
    theirs.crash();
    let (_, cause) = becomes(&ours, State::Active);
    let Cause::Silence { missed: 3, last_heard: Some(last_heard), .. } = cause else {
        panic!("{cause}")
    };
    let down = kind.interval() * 3 + kind.skew(100);
    assert!((down..down + Duration::from_secs(1)).contains(&last_heard), "{last_heard:?}");
    let status = ours.status(0).unwrap();
    assert!(status.counters.iter().all(|(_, count)| count == 0), "{status:?}");
}

/// Ours is better: it preempts, holds, resigns, preempts again, is cut off, and comes back.
pub(crate) fn ours_is_better(kind: Kind) {
    let lan = Lan::new(2);
    let theirs = kind.theirs(&lan, 2, 100);
    wait_until("keepalived", || lan.at(2, || kind.has()));
    let ours = kind.ours(&lan, 1, 200);
    let (_, cause) = becomes(&ours, State::Active);
    match cause {
        Cause::Preempts { priority: 100, own: 200, .. } => {}
        // keepalived was kept from running.
        Cause::Silence { last_heard: Some(ago), .. } if ago >= kind.interval() * 2 => {}
        _ => panic!("{cause}"),
    }
    only(kind, &lan, 1, &[2]);
    sleep(kind.interval() * 4);
    assert_eq!(state(&ours), State::Active);
    assert!(!lan.at(2, || kind.has()));

    ours.stop();
    wait_until("take-over", || lan.at(2, || kind.has()));
    assert!(theirs.log().contains("received priority 0 advertisement"), "ours was only missed");
    assert!(!lan.at(1, || kind.has()));

    let ours = kind.ours(&lan, 1, 200);
    becomes(&ours, State::Active);
    only(kind, &lan, 1, &[2]);
    let before = now();
    lan.cut(1);
    wait_until("take-over", || lan.at(2, || kind.has()));
    // It has heard one two intervals ago at most, were ours late by one. A resignation it
    // would have followed within one.
    assert!(now() - before >= kind.interval(), "{:?}", now() - before);
    assert_eq!(state(&ours), State::Active);
    lan.heal(1);
    only(kind, &lan, 1, &[2]);
    assert_eq!(state(&ours), State::Active);
    drop(theirs);
    sleep(kind.interval());
    assert_eq!(state(&ours), State::Active);
}

#[test]
fn version_3_over_ipv4_where_keepalived_is_better() {
    keepalived_is_better(v3_over(Family::V4));
}

#[test]
fn version_3_over_ipv4_where_ours_is_better() {
    ours_is_better(v3_over(Family::V4));
}

#[test]
fn version_3_over_ipv6_where_keepalived_is_better() {
    keepalived_is_better(v3_over(Family::V6));
}

#[test]
fn version_3_over_ipv6_where_ours_is_better() {
    ours_is_better(v3_over(Family::V6));
}

#[test]
fn version_2_where_keepalived_is_better() {
    keepalived_is_better(V2);
}

#[test]
fn version_2_where_ours_is_better() {
    ours_is_better(V2);
}

#[test]
fn version_2_with_a_password_where_keepalived_is_better() {
    keepalived_is_better(Kind { password: true, ..V2 });
}

#[test]
fn version_2_with_a_password_where_ours_is_better() {
    ours_is_better(Kind { password: true, ..V2 });
}

#[test]
fn unicast_over_ipv4_where_keepalived_is_better() {
    keepalived_is_better(Kind { unicast: true, ..v3_over(Family::V4) });
}

#[test]
fn unicast_over_ipv4_where_ours_is_better() {
    ours_is_better(Kind { unicast: true, ..v3_over(Family::V4) });
}

#[test]
fn unicast_over_ipv6_where_keepalived_is_better() {
    keepalived_is_better(Kind { unicast: true, ..v3_over(Family::V6) });
}

#[test]
fn unicast_over_ipv6_where_ours_is_better() {
    ours_is_better(Kind { unicast: true, ..v3_over(Family::V6) });
}

#[test]
fn unicast_of_version_2_where_keepalived_is_better() {
    keepalived_is_better(Kind { unicast: true, ..V2 });
}

#[test]
fn unicast_of_version_2_where_ours_is_better() {
    ours_is_better(Kind { unicast: true, ..V2 });
}

/// Both are active until they hear each other.
fn the_higher_address_stays_active(kind: Kind, ours_at: u8) {
    let lan = Lan::new(2);
    let theirs_at = 3 - ours_at;
    lan.cut(1);
    let ours = kind.ours(&lan, ours_at, 150);
    let theirs = kind.theirs(&lan, theirs_at, 150);
    becomes(&ours, State::Active);
    wait_until("keepalived", || lan.at(theirs_at, || kind.has()));
    lan.heal(1);
    only(kind, &lan, 2, &[1]);
    sleep(kind.interval() * 4);
    assert!(lan.at(2, || kind.has()));
    assert!(!lan.at(1, || kind.has()));
    let expected = if ours_at == 2 { State::Active } else { State::Backup };
    assert_eq!(state(&ours), expected);
    drop(theirs);
}

#[test]
fn of_two_with_one_priority_ours_stays_active_with_the_higher_address() {
    the_higher_address_stays_active(v3_over(Family::V4), 2);
}

#[test]
fn of_two_with_one_priority_keepalived_stays_active_with_the_higher_address() {
    the_higher_address_stays_active(v3_over(Family::V4), 1);
}

#[test]
fn of_two_with_one_priority_over_ipv6_ours_stays_active_with_the_higher_address() {
    the_higher_address_stays_active(v3_over(Family::V6), 2);
}

#[test]
fn of_two_with_one_priority_over_ipv6_keepalived_stays_active_with_the_higher_address() {
    the_higher_address_stays_active(v3_over(Family::V6), 1);
}

#[test]
fn of_two_of_version_2_with_one_priority_ours_stays_active_with_the_higher_address() {
    the_higher_address_stays_active(V2, 2);
}

#[test]
fn of_two_of_version_2_with_one_priority_keepalived_stays_active_with_the_higher_address() {
    the_higher_address_stays_active(V2, 1);
}

#[test]
fn a_silent_cut_makes_both_active_and_its_end_the_better_one() {
    let kind = v3_over(Family::V4);
    let lan = Lan::new(2);
    let ours = kind.ours(&lan, 1, 100);
    let _theirs = kind.theirs(&lan, 2, 200);
    only(kind, &lan, 2, &[]);
    wait_until("backup", || state(&ours) == State::Backup);
    lan.cut(1);
    wait_until("take-over", || state(&ours) == State::Active);
    assert!(lan.at(2, || kind.has()));
    lan.heal(1);
    wait_until("backup", || state(&ours) == State::Backup);
    only(kind, &lan, 2, &[1]);
}

#[test]
fn who_does_not_preempt_leaves_the_active_router_alone() {
    let kind = v3_over(Family::V4);
    let lan = Lan::new(2);
    let ours = kind.ours(&lan, 1, 100);
    becomes(&ours, State::Active);
    let theirs = kind.theirs_with(&lan, 2, 200, "nopreempt");
    sleep(kind.interval() * 8);
    assert_eq!(state(&ours), State::Active);
    assert!(!lan.at(2, || kind.has()));
    ours.stop();
    only(kind, &lan, 2, &[1]);
    drop(theirs);

    let theirs = kind.theirs(&lan, 2, 100);
    wait_until("keepalived", || lan.at(2, || kind.has()));
    // It may be kept waiting by the kernel while it adds and announces its address.
    sleep(Duration::from_secs(3));
    let config = config(kind.family, 1, 200).with_preempt(Preempt::Never);
    let ours = lan.at(1, || start(settings(config)));
    sleep(kind.interval() * 8);
    assert_eq!(state(&ours), State::Backup);
    assert!(lan.at(2, || kind.has()));
    drop(theirs);
    becomes(&ours, State::Active);
}

#[test]
fn keepalived_that_is_told_a_lower_priority_is_taken_over_from() {
    let kind = v3_over(Family::V4);
    let lan = Lan::new(2);
    let ours = kind.ours(&lan, 1, 100);
    let theirs = kind.theirs(&lan, 2, 200);
    only(kind, &lan, 2, &[1]);
    theirs.reload(&kind.lines(2, 50, ""), &kind.listed());
    only(kind, &lan, 1, &[2]);
    assert_eq!(state(&ours), State::Active);
    drop(theirs);
}

#[test]
fn the_checksum_that_keepalived_sends_is_learned_from_it() {
    let kind = v3_over(Family::V4);
    let lan = Lan::new(2);
    let auto = || start(kind.settings(1, 200).with_checksum(Checksum::Auto));
    let ours = lan.at(1, auto);
    becomes(&ours, State::Active);
    // It takes none of ours for right until it is active itself and ours has heard it.
    let theirs = kind.theirs(&lan, 2, 100);
    wait_for("advertisement", || (ours.status(0).unwrap().accepted > 0).then_some(()));
    only(kind, &lan, 1, &[2]);
    sleep(kind.interval() * 4);
    assert!(!lan.at(2, || kind.has()));
    assert_eq!(state(&ours), State::Active);
    drop(theirs);
}

#[test]
fn of_three_the_best_that_is_there_is_active() {
    let kind = v3_over(Family::V4);
    let lan = Lan::new(3);
    let low = kind.ours(&lan, 1, 100);
    let mut middle = kind.theirs(&lan, 2, 150);
    let high = kind.ours(&lan, 3, 200);
    becomes(&high, State::Active);
    only(kind, &lan, 3, &[1, 2]);
    sleep(kind.interval() * 4);
    only(kind, &lan, 3, &[1, 2]);
    high.stop();
    only(kind, &lan, 2, &[1, 3]);
    wait_until("backup", || state(&low) == State::Backup);
    middle.crash();
    wait_until("take-over", || state(&low) == State::Active);
    let high = kind.ours(&lan, 3, 200);
    becomes(&high, State::Active);
    only(kind, &lan, 3, &[1]);
    wait_until("backup", || state(&low) == State::Backup);
    lan.cut(3);
    wait_until("take-over", || state(&low) == State::Active);
}
