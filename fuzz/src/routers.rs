//! A virtual router and a group of two, told anything at any time. A panic is a finding,
//! and so is a router that breaks its contract.
//!
//! A file of its own: the tests of `ipvs-sync` include it to replay the corpus.

use ipvs_sync::vrrp::router::{
    Action, Answer, Config, Event, Group, Health, Heard, Preempt, Router, State,
};
use ipvs_sync::vrrp::{
    Interval, Priority, Rank, Rule, Seconds, Time, Version, VirtualAddresses, Vrid,
};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

/// The first three bytes choose the configuration, each four after them what happens:
/// what, with which value, and so many times 100 µs after what was before, the low byte
/// first.
pub fn routers(data: &[u8]) {
    let [rank, how, delay, steps @ ..] = data else { return };
    let Ok(config) = config(*rank, *how, *delay) else { return };
    let mut router = Router::new(config.clone());
    let mut group = Group::new([config.clone(), config]);
    let mut watched = [Watched::default(), Watched::default(), Watched::default()];
    let mut now = Time::from_micros(1 << 40);
    for step in steps.chunks_exact(4) {
        let &[what, value, low, high] = step else { return };
        now = now + Duration::from_micros(u64::from(u16::from_le_bytes([low, high])) * 100);
        if what % 16 == 1 {
            // Just when one of them wants to be told.
            let wanted = [router.poll_timeout(), group.poll_timeout()];
            now = wanted.into_iter().flatten().min().map_or(now, |next| next.max(now));
        }
        let [alone, first, second] = &mut watched;
        if what % 16 == 13 {
            let Ok(other) = another(router.config(), value) else { return };
            let before = router.state();
            assert_eq!(router.reconfigure(now, other.clone()), Ok(()));
            alone.did(now, &mut router, before, false);
            let index = usize::from(value % 2);
            assert_eq!(group.reconfigure(now, index, other), Ok(()));
        } else {
            let event = event(what, value, now, router.config());
            let is_asked = matches!(event, Event::Heard(_) | Event::Tick);
            let before = router.state();
            router.handle(now, event.clone());
            alone.did(now, &mut router, before, is_asked);
            let is_of_one = matches!(
                event,
                Event::Heard(_) | Event::Link(_) | Event::Health(_) | Event::Answered(_)
            );
            if is_of_one {
                assert_eq!(group.handle_member(now, usize::from(value % 2), event), Ok(()));
            } else {
                group.handle(now, event);
            }
        }
        if what % 16 < 2 {
            assert!(router.poll_timeout().is_none_or(|next| next > now), "it is told the time");
            assert!(group.poll_timeout().is_none_or(|next| next > now), "it is told the time");
        }
        agree(&mut group, [first, second]);
    }
}

/// What a router has done.
#[derive(Default)]
struct Watched {
    has_addresses: bool,
    /// When it advertised because of a packet or the time, within an interval and since
    /// anything else happened.
    sent: VecDeque<Time>,
}

impl Watched {
    fn did(&mut self, now: Time, router: &mut Router, before: State, is_asked: bool) {
        let actions: Vec<Action> = std::iter::from_fn(|| router.poll()).collect();
        assert!(actions.len() <= 32, "{actions:?}");
        let mut state = before;
        let mut sent = 0;
        for action in &actions {
            match action {
                Action::Advertise { .. } => sent += 1,
                Action::Install => self.has_addresses = true,
                Action::Remove => self.has_addresses = false,
                Action::StateChanged { from, to, cause } => {
                    assert_eq!((*from, from == to), (state, false), "{cause}");
                    state = *to;
                }
                Action::Announce => assert!(self.has_addresses, "{actions:?}"),
                // It may have been made the owner since.
                Action::Probe => assert!(router.config().probe()),
                Action::Report(report) => assert!(!report.to_string().is_empty()),
            }
        }
        assert_eq!(state, router.state(), "{actions:?}");
        assert_eq!(self.has_addresses, state == State::Active, "{actions:?}");
        if before != State::Active && state != State::Active {
            assert_eq!(sent, 0, "{actions:?}");
        }
        let interval = router.config().version().interval();
        self.sent.retain(|&time| is_asked && now - time < interval);
        if is_asked {
            self.sent.extend(vec![now; sent]);
        }
        assert!(self.sent.len() <= 9, "a flood: {:?}", self.sent);
    }
}

/// Both members are active or neither is, and both have the addresses or neither has.
fn agree(group: &mut Group, watched: [&mut Watched; 2]) {
    let [first, second] = watched;
    while let Some((index, action)) = group.poll() {
        let member = if index == 0 { &mut *first } else { &mut *second };
        match action {
            Action::Install => member.has_addresses = true,
            Action::Remove => member.has_addresses = false,
            _ => {}
        }
    }
    let [one, other] = group.members() else { unreachable!("two members") };
    assert_eq!(one.state(), other.state());
    let is_active = one.state() == State::Active;
    assert_eq!((first.has_addresses, second.has_addresses), (is_active, is_active));
}

fn config(rank: u8, how: u8, delay: u8) -> Result<Config, Rule> {
    let rank = Priority::new(rank).map_or(Rank::Owner, Rank::Backup);
    let preempt = match how % 3 {
        0 => Preempt::AtOnce,
        1 => Preempt::Never,
        _ => Preempt::After(Duration::from_millis(u64::from(delay) * 10)),
    };
    let version = match how & 0x40 {
        0 => Version::V3(Interval::from_centis(10)?),
        _ => Version::V2(Seconds::DEFAULT),
    };
    let startup_delay = if how & 0x80 == 0 { 0 } else { u64::from(delay) * 10 };
    let addresses = VirtualAddresses::new([address(100)])?;
    Ok(Config::new(Vrid::new(7)?, rank, addresses, version, address(2))?
        .with_preempt(preempt)
        .with_sync_gate(how & 0x20 != 0)
        .with_probe(how & 0x10 != 0)
        .with_startup_delay(Duration::from_millis(startup_delay)))
}

/// The same with another rank or interval.
fn another(config: &Config, value: u8) -> Result<Config, Rule> {
    let config = config.clone();
    match (value % 2, config.version()) {
        (0, _) => config.with_rank(Priority::new(value).map_or(Rank::Owner, Rank::Backup)),
        (_, Version::V2(_)) => config.with_version(Version::V2(Seconds::new(value / 2 + 1)?)),
        (_, Version::V3(_)) => {
            config.with_version(Version::V3(Interval::from_centis(u16::from(value))?))
        }
    }
}

fn event(what: u8, value: u8, now: Time, config: &Config) -> Event {
    match what % 16 {
        2..=6 => {
            let version = match (what % 16, config.version()) {
                (2, _) => Version::V3(Interval::MIN),
                (3, _) => Version::V2(Seconds::DEFAULT),
                (_, version) => version,
            };
            let ago = if what % 16 == 4 { u64::from(value) * 10_000 } else { 0 };
            let arrival = Time::from_micros(now.micros() - ago);
            let priority = if what % 16 == 5 { 0 } else { value };
            Event::Heard(Heard { priority, version, source: address(what / 16 % 4), arrival })
        }
        7 => Event::Link(value % 2 == 0),
        8 => Event::Health(Health::Well { lower: value }),
        9 => Event::Health(Health::Fault { track: "disk".to_owned() }),
        10 => Event::SyncReady(value % 2 == 0),
        11 if what & 0xc0 == 0xc0 => Event::NotKept,
        11 if what & 0x80 != 0 => Event::NotInstalled,
        11 if what & 0x40 != 0 => Event::GiveWay,
        11 => Event::Resign,
        12 if what & 0x80 != 0 => {
            Event::Answered(Answer { address: address(96 + value % 8), mac: [value; 6] })
        }
        12 => Event::Promote,
        14 => Event::Stop,
        15 => Event::Start,
        _ => Event::Tick,
    }
}

fn address(host: u8) -> IpAddr {
    [10, 0, 0, host].into()
}
