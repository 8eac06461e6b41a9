//! The virtual routers that run.

use crate::events::Event;
use crate::exit::{Exit, Failure};
use crate::links::Links;
use crate::reload::{Step, Unit, steps};
use crate::resolve::Resolved;
use crate::state;
use ipvs::Namespace;
use ipvs_sync::failover;
use ipvs_sync::net::now;
use ipvs_sync::runtime::{self, Error, Handle, Options, Record, Settings, spawn};
use ipvs_sync::vrrp::packet::Counters;
use ipvs_sync::vrrp::router::{Cause, Report, State};
use ipvs_sync::vrrp::{Rank, Time};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd as _;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// The virtual routers that run, and what has happened to them.
pub(crate) struct Running {
    namespace: Option<String>,
    real_time: Option<u8>,
    units: Vec<Live>,
    /// What happened and was not taken yet.
    events: Vec<Event>,
    /// The same as the other directors are concerned by it.
    standings: Vec<failover::Event>,
    pub(crate) counts: state::Events,
}

/// A unit that runs. The handle names its routers by their place in it.
struct Live {
    unit: Unit,
    handle: Handle,
    heard: Heard,
}

/// What the routers of a unit have told.
struct Heard {
    /// The sequence of the last record that was taken.
    last: u64,
    told: Vec<Told>,
    /// The last to tell its state has handed over, or left with one that had.
    has_handed_over: bool,
}

/// What a router told last.
#[derive(Clone)]
struct Told {
    state: State,
    since: Time,
    cause: String,
    transitions: u64,
    dual_active: u64,
}

impl Running {
    /// None yet.
    pub(crate) fn new(namespace: Option<String>, real_time: Option<u8>) -> Self {
        let counts = state::Events::default();
        let (units, events, standings) = (Vec::new(), Vec::new(), Vec::new());
        Self { namespace, real_time, units, events, standings, counts }
    }

    /// Starts all of these, or none.
    pub(crate) fn start(&mut self, units: Vec<Unit>) -> Result<(), Failure> {
        for unit in units {
            let live = self.spawn(&unit).map_err(|error| {
                let exit = match &error {
                    Error::Net(error) if error.is_permission() => Exit::Permission,
                    Error::Scheduling(_) => Exit::Permission,
                    _ => Exit::System,
                };
                Failure::new(exit, format!("{}: {error}", names(&unit)))
            })?;
            self.units.push(live);
        }
        Ok(())
    }

    /// Makes them what these say. Returns what could not be done; all else has been.
    pub(crate) fn change(&mut self, mut new: Vec<Unit>) -> Vec<String> {
        let old: Vec<Unit> = self.units.iter().map(|live| live.unit.clone()).collect();
        let steps = steps(&old, &mut new);
        self.take_records();
        let mut before: Vec<Option<Live>> =
            std::mem::take(&mut self.units).into_iter().map(Some).collect();
        let mut after: Vec<Option<Live>> = new.iter().map(|_| None).collect();
        let mut errors = Vec::new();
        let mut take = |old: usize| before.get_mut(old).and_then(Option::take);
        for step in steps {
            let (at, live) = match step {
                Step::Keep { old, new: at } => {
                    let Some(unit) = new.get(at) else { continue };
                    (at, take(old).map(|live| Live { unit: unit.clone(), ..live }))
                }
                Step::Reconfigure { old, new: at, routers } => {
                    let (Some(unit), Some(mut live)) = (new.get(at), take(old)) else { continue };
                    errors.extend(live.reconfigure(unit, &routers));
                    (at, Some(live))
                }
                Step::Restart { old, new: at, why } => {
                    let (Some(unit), Some(live)) = (new.get(at), take(old)) else { continue };
                    tracing::warn!(
                        routers = names(unit),
                        why = why.join(", "),
                        "restarting virtual routers: this cannot change while they run"
                    );
                    (at, self.restart(live, unit, &mut errors))
                }
                Step::Stop { old } => {
                    let Some(live) = take(old) else { continue };
                    tracing::info!(routers = names(&live.unit), "stopping virtual routers");
                    self.stop(live);
                    continue;
                }
                Step::Start { new: at } => {
                    let Some(unit) = new.get(at) else { continue };
                    tracing::info!(routers = names(unit), "starting virtual routers");
                    let live = self.spawn(unit);
                    let failed = |error| errors.push(format!("{}: {error}", names(unit)));
                    (at, live.map_err(failed).ok())
                }
            };
            if let Some(place) = after.get_mut(at) {
                *place = live;
            }
        }
        self.units = after.into_iter().flatten().collect();
        errors
    }

    /// Stops what runs and starts the other, or the same again if that does not start.
    fn restart(&mut self, live: Live, unit: &Unit, errors: &mut Vec<String>) -> Option<Live> {
        let old = live.unit.clone();
        self.stop(live);
        match self.spawn(unit) {
            Ok(live) => return Some(live),
            Err(error) => errors.push(format!("{}: {error}", names(unit))),
        }
        let again = self.spawn(&old);
        again.map_err(|error| errors.push(format!("{}, as before: {error}", names(&old)))).ok()
    }

    fn spawn(&self, unit: &Unit) -> Result<Live, Error> {
        let settings: Vec<Settings> = unit.iter().map(|router| router.settings.clone()).collect();
        let namespace = open(self.namespace.as_deref()).map_err(Error::Namespace)?;
        let handle = spawn(settings, Options { namespace, real_time: self.real_time })?;
        let (since, cause) = (now(), String::new());
        let told = Told { state: State::Stopped, since, cause, transitions: 0, dual_active: 0 };
        let heard = Heard { last: 0, told: vec![told; unit.len()], has_handed_over: false };
        Ok(Live { unit: unit.clone(), handle, heard })
    }

    fn stop(&mut self, live: Live) {
        let Live { unit, handle, mut heard } = live;
        for record in handle.stop() {
            self.note(&unit, &mut heard, &record);
        }
        self.standings
            .extend(unit.iter().map(|router| failover::Event::Gone { address: first(router) }));
    }

    /// Stops all.
    pub(crate) fn stop_all(&mut self) {
        self.take_records();
        for live in std::mem::take(&mut self.units) {
            self.stop(live);
        }
    }

    /// What happened since the last time, in order.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        self.take_records();
        std::mem::take(&mut self.events)
    }

    fn take_records(&mut self) {
        let mut records: Vec<(usize, Record)> = Vec::new();
        for (number, live) in self.units.iter().enumerate() {
            let taken = std::iter::from_fn(|| live.handle.next(Duration::ZERO));
            records.extend(taken.map(|record| (number, record)));
        }
        // Each unit's are in order already.
        records.sort_by_key(|(_, record)| record.time);
        let mut units = std::mem::take(&mut self.units);
        for (number, record) in records {
            if let Some(Live { unit, heard, .. }) = units.get_mut(number) {
                self.note(unit, heard, &record);
            }
        }
        self.units = units;
    }

    fn note(&mut self, unit: &Unit, heard: &mut Heard, record: &Record) {
        self.counts.lost += record.sequence.saturating_sub(heard.last + 1);
        heard.last = record.sequence;
        let Some(router) = unit.get(record.router) else { return };
        self.standings.extend(heard.standing(first(router), &record.event));
        if let Some(told) = heard.told.get_mut(record.router) {
            match &record.event {
                runtime::Event::State { to, cause, .. } => {
                    told.state = *to;
                    told.since = record.time;
                    told.cause = cause.to_string();
                    told.transitions += 1;
                }
                runtime::Event::Report(Report::DualActive { .. }) => told.dual_active += 1,
                _ => {}
            }
        }
        self.counts.told += 1;
        self.events.push(Event::of_router(self.counts.told, &router.router, &record.event));
    }

    /// The kernel's backup daemon does not know what was sent until now.
    pub(crate) fn backup_was_deaf(&mut self) {
        self.standings.push(failover::Event::BackupStarted);
    }

    /// What the other directors are concerned by, since the last time.
    pub(crate) fn take_standings(&mut self) -> Vec<failover::Event> {
        std::mem::take(&mut self.standings)
    }

    /// What the routers are, for who has not heard how they came to be that.
    pub(crate) fn standings(&self) -> Vec<failover::Event> {
        let of_unit = |live: &Live| {
            let all = live.unit.iter().zip(&live.heard.told);
            let event = |(router, told): (&Resolved, &Told)| failover::Event::State {
                address: first(router),
                state: told.state,
                has_handed_over: false,
            };
            all.map(event).collect::<Vec<_>>()
        };
        self.units.iter().flat_map(of_unit).collect()
    }

    /// Whether there is a router with this first address.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        self.find(address).is_some()
    }

    /// The name of the router with this first address; the address if there is none.
    pub(crate) fn named(&self, address: IpAddr) -> String {
        let name = |(_, _, router): (_, _, &Resolved)| router.router.name.clone();
        self.find(address).map_or_else(|| address.to_string(), name)
    }

    /// The connections of the active router are here, or no longer.
    pub(crate) fn sync_ready(&self, address: IpAddr, is_ready: bool) {
        self.command(address, |handle, number| handle.sync_ready(number, is_ready));
    }

    /// The active router hands over.
    pub(crate) fn resign(&self, address: IpAddr) {
        self.command(address, Handle::resign);
    }

    /// The active router hands over to one of higher priority.
    pub(crate) fn give_way(&self, address: IpAddr) {
        self.command(address, Handle::give_way);
    }

    /// The priority of a router, if it and all that move with it would take over from one of
    /// lower priority but for their gates.
    pub(crate) fn preempts(&self, address: IpAddr) -> Option<u8> {
        let (live, number, _) = self.find(address)?;
        let preempts = |number| live.handle.status(number).ok().filter(|status| status.preempts);
        // Mostly it would not itself.
        let own = preempts(number)?;
        (0..live.unit.len()).all(|other| preempts(other).is_some()).then(|| own.rank.number())
    }

    /// The priority of a router, and all that move with it, itself among them. One that is not
    /// here is alone.
    pub(crate) fn unit(&self, address: IpAddr) -> (u8, Vec<IpAddr>) {
        let Some((live, number, _)) = self.find(address) else { return (0, vec![address]) };
        let priority = live.handle.status(number).map_or(u8::MAX, |status| status.rank.number());
        (priority, live.unit.iter().map(first).collect())
    }

    /// The virtual addresses that are active here.
    pub(crate) fn active_addresses(&self) -> Vec<IpAddr> {
        let of_unit = |live: &Live| {
            let all = live.unit.iter().zip(&live.heard.told);
            let active = all.filter(|(_, told)| told.state == State::Active);
            active.flat_map(|(router, _)| router.router.addresses.iter()).collect::<Vec<_>>()
        };
        self.units.iter().flat_map(of_unit).collect()
    }

    /// The backup takes over.
    pub(crate) fn promote(&self, address: IpAddr) {
        self.command(address, Handle::promote);
    }

    fn command(
        &self,
        address: IpAddr,
        command: impl FnOnce(&Handle, usize) -> Result<runtime::Status, Error>,
    ) {
        // One that is gone is told so next.
        let Some((live, number, router)) = self.find(address) else { return };
        if let Err(error) = command(&live.handle, number) {
            tracing::warn!(router = router.router.name, %error, "virtual router");
        }
    }

    fn find(&self, address: IpAddr) -> Option<(&Live, usize, &Resolved)> {
        self.units.iter().find_map(|live| {
            let mut all = live.unit.iter().enumerate();
            let (number, router) = all.find(|(_, router)| first(router) == address)?;
            Some((live, number, router))
        })
    }

    /// What is to be waited for.
    pub(crate) fn polled(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.units.iter().map(|live| live.handle.as_fd())
    }

    /// Tells those that track interfaces how these are.
    pub(crate) fn tell_links(&self, links: &Links) {
        for live in &self.units {
            for (number, router) in live.unit.iter().enumerate() {
                for (interface, _) in &router.router.tracks {
                    let name = interface.to_string();
                    let told = live.handle.track(number, &name, links.is_well(*interface));
                    if let Err(error) = told {
                        tracing::warn!(router = router.router.name, %error, "tracked interface");
                    }
                }
            }
        }
    }

    /// Whether an address is one that an active router sets and removes.
    pub(crate) fn sets(&self, address: IpAddr) -> bool {
        let routers = self.units.iter().flat_map(|live| &live.unit);
        let mut routers = routers.filter(|router| router.router.rank != Rank::Owner);
        routers.any(|router| router.router.addresses.iter().any(|it| it == address))
    }

    /// The active routers that are to hand over, each with those that move with it: that of
    /// this name, or all.
    pub(crate) fn active(&self, name: Option<&str>) -> Result<Vec<Vec<IpAddr>>, String> {
        let mut active = Vec::new();
        for live in &self.units {
            let names = live.unit.iter().map(|router| router.router.name.as_str());
            if name.is_some_and(|name| !names.into_iter().any(|own| own == name)) {
                continue;
            }
            // They are in one state.
            let state = live.handle.status(0).map_err(|error| error.to_string())?.state;
            match name {
                _ if state == State::Active => active.push(live.unit.iter().map(first).collect()),
                Some(name) => {
                    return Err(format!("{name} is {state}: only an active router hands over"));
                }
                None => {}
            }
        }
        match name {
            Some(name) if active.is_empty() => Err(format!("there is no virtual router {name}")),
            None if active.is_empty() => Err("no virtual router is active".to_owned()),
            _ => Ok(active),
        }
    }

    /// What each router told last.
    pub(crate) fn states(&self) -> impl Iterator<Item = State> {
        self.units.iter().flat_map(|live| &live.heard.told).map(|told| told.state)
    }

    pub(crate) fn state(&self, ready: &[IpAddr]) -> Vec<state::Router> {
        let of_unit = |live: &Live| {
            let all = live.unit.iter().zip(&live.heard.told).enumerate();
            all.map(|(number, (router, told))| live.state(number, router, told, ready))
                .collect::<Vec<_>>()
        };
        self.units.iter().flat_map(of_unit).collect()
    }
}

impl Live {
    fn reconfigure(&mut self, unit: &Unit, routers: &[usize]) -> Vec<String> {
        let mut errors = Vec::new();
        for (number, new) in unit.iter().enumerate() {
            if routers.contains(&number) {
                let name = &new.router.name;
                if let Err(error) = self.handle.reconfigure(number, new.settings.clone()) {
                    errors.push(format!("{name}: {error}; it goes on as before"));
                    continue;
                }
                tracing::info!(router = name, "virtual router has another configuration");
            }
            if let Some(old) = self.unit.get_mut(number) {
                *old = new.clone();
            }
        }
        errors
    }

    fn state(
        &self,
        number: usize,
        router: &Resolved,
        told: &Told,
        ready: &[IpAddr],
    ) -> state::Router {
        let is_ready = ready.contains(&first(router));
        let Resolved { router, source, .. } = router;
        let (interface, vrid, family) = router.key();
        let status = self.handle.status(number).ok();
        let counted = |counters: fn(&runtime::Status) -> &Counters| {
            let all = status.iter().flat_map(|status| counters(status).iter());
            let some = all.filter(|(_, count)| *count > 0);
            some.map(|(reason, count)| (reason.name().to_owned(), count)).collect()
        };
        state::Router {
            name: router.name.clone(),
            interface: interface.to_string(),
            vrid: vrid.number(),
            family: family.to_string(),
            group: router.group.clone(),
            addresses: router.addresses.iter().map(|address| address.to_string()).collect(),
            source: source.to_string(),
            state: told.state.to_string(),
            priority: status.as_ref().map_or(0, |status| status.rank.number()),
            since_seconds: now().since(told.since).as_secs_f64(),
            cause: told.cause.clone(),
            ready: is_ready,
            transitions: told.transitions,
            dual_active: told.dual_active,
            accepted: status.as_ref().map_or(0, |status| status.accepted),
            dropped: counted(|status| &status.counters),
            unclaimed: counted(|status| &status.unclaimed),
        }
    }
}

impl Heard {
    /// What the other directors are concerned by.
    fn standing(&mut self, address: IpAddr, event: &runtime::Event) -> Option<failover::Event> {
        match event {
            runtime::Event::State { to, cause, .. } => {
                self.has_handed_over = match cause {
                    Cause::HandedOver | Cause::GaveWay => true,
                    Cause::GroupLeft => self.has_handed_over,
                    _ => false,
                };
                let has_handed_over = self.has_handed_over;
                Some(failover::Event::State { address, state: *to, has_handed_over })
            }
            runtime::Event::Report(Report::DualActive { .. }) => {
                Some(failover::Event::DualActive { address })
            }
            _ => None,
        }
    }
}

/// By which the directors name a router.
fn first(router: &Resolved) -> IpAddr {
    router.router.addresses.iter().next().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn names(unit: &Unit) -> String {
    unit.iter().map(|router| router.router.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A network namespace: by its path, or by its name as `ip netns` has it.
pub(crate) fn open(namespace: Option<&str>) -> Result<Option<Namespace>, ipvs::NamespaceError> {
    let open = |name: &str| match name.starts_with('/') {
        true => Namespace::open(name),
        false => Namespace::named(name),
    };
    namespace.map(open).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_that_leave_with_one_that_hands_over_have_handed_over() {
        let mut heard = Heard { last: 0, told: Vec::new(), has_handed_over: false };
        let mut is = |to, cause| {
            let event = runtime::Event::State { from: State::Stopped, to, cause };
            match heard.standing(IpAddr::from([10, 0, 0, 7]), &event) {
                Some(failover::Event::State { has_handed_over, .. }) => has_handed_over,
                other => unreachable!("{other:?}"),
            }
        };
        assert!(is(State::Backup, Cause::HandedOver));
        assert!(is(State::Backup, Cause::GroupLeft));
        assert!(!is(State::Active, Cause::Promoted));
        assert!(!is(State::Fault, Cause::LinkDown));
        assert!(!is(State::Backup, Cause::GroupLeft));
    }
}
