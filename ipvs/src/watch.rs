//! What changes from one snapshot to the next.

use crate::snapshot::SnapshotService;
use crate::{
    Destination, DestinationEntry, Endpoint, Service, ServiceKey, Snapshot, Stats, SyncDaemon,
    Timeouts,
};
use std::cmp::Ordering;
use std::time::{Duration, Instant};

/// Turns snapshots that are taken now and then into changes and rates.
///
/// The kernel tells nobody when its table changes, so somebody has to look. What
/// was done and undone between two looks is not seen, and a service that was
/// deleted and added again only by its counters.
///
/// It keeps the last snapshot and nothing else.
///
/// # How often to look
///
/// As soon as a change has to be noticed: that is the caller's choice. Rates ask
/// for some time between two looks. The kernel refreshes the counters of each
/// object every two seconds (`ip_vs_est.c`), so a rate over `s` seconds is of what
/// was counted in `s - 2` to `s + 2`. After 10 s it is wrong by a fifth at most;
/// after less than two it is 0 or of two whole seconds. What one rate lacks is in
/// the next. With `net.ipv4.vs.run_estimation` 0 the counters stand still.
///
/// # Counters that start anew
///
/// [`Client::zero`](crate::Client::zero) and its like set an object's counters to
/// 0, and a service that was deleted and added again starts at 0. It shows when
/// one of them is lower than before ([`Rate::restarted`]), and not when all have
/// passed what they were since. A destination that was deleted and added again
/// to the same service within minutes has the counters it had
/// (`ip_vs_ctl.c: ip_vs_trash_get_dest`).
///
/// ```no_run
/// use ipvs::{Client, Watch};
/// use std::time::{Duration, Instant};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut client = Client::connect()?;
/// let mut watch = Watch::new();
/// loop {
///     let seen = watch.observe(Instant::now(), client.snapshot()?);
///     for event in &seen.events {
///         println!("{event:?}");
///     }
///     for rate in &seen.rates {
///         println!("{}: {:.1} connections/s", rate.service, rate.connections);
///     }
///     std::thread::sleep(Duration::from_secs(10));
/// }
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Watch {
    last: Option<(Instant, Snapshot)>,
}

/// What one look showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// What changed since the last look, in the order of keys and endpoints. At
    /// the first look everything appears.
    pub events: Vec<Event>,
    /// What was counted since the last look: of each service and, after it, each
    /// of its destinations that were there at both. None at the first look, nor
    /// when no time has passed.
    pub rates: Vec<Rate>,
}

/// A change of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A service is there that was not. Its destinations follow.
    ServiceAppeared(Service),
    /// A service does other than it did.
    ServiceEdited {
        /// What it did.
        before: Service,
        /// What it does.
        after: Service,
    },
    /// A service is gone. Its destinations came before.
    ServiceGone(Service),
    /// A destination is there that was not.
    DestinationAppeared(ServiceKey, Destination),
    /// A destination does other than it did.
    DestinationEdited {
        /// The service.
        service: ServiceKey,
        /// What it did.
        before: Destination,
        /// What it does.
        after: Destination,
    },
    /// A destination is gone.
    DestinationGone(ServiceKey, Destination),
    /// The connection timeouts are others. Only between [full
    /// snapshots](crate::Client::full_snapshot).
    TimeoutsEdited {
        /// What they were.
        before: Timeouts,
        /// What they are.
        after: Timeouts,
    },
    /// Other sync daemons run. Only between full snapshots.
    DaemonsChanged {
        /// Those that ran.
        before: Vec<SyncDaemon>,
        /// Those that run.
        after: Vec<SyncDaemon>,
    },
}

/// What was counted between two looks, each a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The service.
    pub service: ServiceKey,
    /// Its destination, if it is the rate of one.
    pub destination: Option<Endpoint>,
    /// Connections scheduled.
    pub connections: f64,
    /// Packets from clients.
    pub packets_in: f64,
    /// Packets to clients.
    pub packets_out: f64,
    /// Bytes from clients.
    pub bytes_in: f64,
    /// Bytes to clients.
    pub bytes_out: f64,
    /// Whether a counter was lower than before: it was zeroed, or belongs to
    /// another of the same key. The rate is that of what was counted since then,
    /// over the whole time.
    pub restarted: bool,
}

impl Watch {
    /// A watch that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a look: compares with the snapshot before, and keeps this one.
    pub fn observe(&mut self, now: Instant, snapshot: Snapshot) -> Observation {
        let mut seen = Observation::default();
        let nothing = Snapshot::default();
        let (before, elapsed) = match &self.last {
            Some((then, before)) => (before, now.saturating_duration_since(*then)),
            None => (&nothing, Duration::ZERO),
        };
        if !elapsed.is_zero() {
            // All of those that stayed, which most do.
            seen.rates.reserve_exact(snapshot.services().len() + snapshot.destination_count());
        }
        seen.compare(before, &snapshot, elapsed);
        self.last = Some((now, snapshot));
        seen
    }

    /// What was seen last.
    pub fn last(&self) -> Option<&Snapshot> {
        self.last.as_ref().map(|(_, snapshot)| snapshot)
    }
}

impl Observation {
    fn compare(&mut self, before: &Snapshot, after: &Snapshot, elapsed: Duration) {
        if let (Some(before), Some(after)) = (before.timeouts(), after.timeouts()) {
            if before != after {
                self.events.push(Event::TimeoutsEdited { before, after });
            }
        }
        if let (Some(before), Some(after)) = (before.daemons(), after.daemons()) {
            if before != after {
                let (before, after) = (before.to_vec(), after.to_vec());
                self.events.push(Event::DaemonsChanged { before, after });
            }
        }
        let key = |found: &SnapshotService<'_>| found.entry.service.key();
        for pair in Merge::new(before.services(), after.services(), key) {
            match pair {
                (Some(before), None) => {
                    self.destinations(
                        before.entry.service.key(),
                        before.destinations,
                        &[],
                        elapsed,
                    );
                    self.events.push(Event::ServiceGone(before.entry.service));
                }
                (before, Some(after)) => {
                    let service = after.entry.service;
                    match before.map(|before| before.entry) {
                        None => self.events.push(Event::ServiceAppeared(service)),
                        Some(before) => {
                            if before.service != service {
                                let before = before.service;
                                self.events.push(Event::ServiceEdited { before, after: service });
                            }
                            self.rate(
                                service.key(),
                                None,
                                before.stats,
                                after.entry.stats,
                                elapsed,
                            );
                        }
                    }
                    let before = before.map_or(&[][..], |before| before.destinations);
                    self.destinations(service.key(), before, after.destinations, elapsed);
                }
                (None, None) => {}
            }
        }
    }

    fn destinations(
        &mut self,
        service: ServiceKey,
        before: &[DestinationEntry],
        after: &[DestinationEntry],
        elapsed: Duration,
    ) {
        let key = |entry: &&DestinationEntry| entry.destination.endpoint();
        for pair in Merge::new(before.iter(), after.iter(), key) {
            match pair {
                (Some(before), None) => {
                    self.events.push(Event::DestinationGone(service, before.destination));
                }
                (None, Some(after)) => {
                    self.events.push(Event::DestinationAppeared(service, after.destination));
                }
                (Some(before), Some(after)) => {
                    let endpoint = after.destination.endpoint();
                    self.rate(service, Some(endpoint), before.stats, after.stats, elapsed);
                    let (before, after) = (before.destination, after.destination);
                    if before != after {
                        self.events.push(Event::DestinationEdited { service, before, after });
                    }
                }
                (None, None) => {}
            }
        }
    }

    fn rate(
        &mut self,
        service: ServiceKey,
        destination: Option<Endpoint>,
        before: Stats,
        after: Stats,
        elapsed: Duration,
    ) {
        let seconds = elapsed.as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let counters = [
            (before.connections, after.connections),
            (before.packets_in, after.packets_in),
            (before.packets_out, after.packets_out),
            (before.bytes_in, after.bytes_in),
            (before.bytes_out, after.bytes_out),
        ];
        // All of an object are zeroed together.
        let restarted = counters.iter().any(|(before, after)| after < before);
        let per_second = counters.map(|(before, after)| {
            let counted = if restarted { after } else { after - before };
            as_f64(counted) / seconds
        });
        let [connections, packets_in, packets_out, bytes_in, bytes_out] = per_second;
        self.rates.push(Rate {
            service,
            destination,
            connections,
            packets_in,
            packets_out,
            bytes_in,
            bytes_out,
            restarted,
        });
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

/// Walks two lists that are in the order of their keys, side by side.
struct Merge<I: Iterator, F> {
    before: std::iter::Peekable<I>,
    after: std::iter::Peekable<I>,
    key: F,
}

impl<I: Iterator, K: Ord, F: Fn(&I::Item) -> K> Merge<I, F> {
    fn new(before: I, after: I, key: F) -> Self {
        Self { before: before.peekable(), after: after.peekable(), key }
    }
}

impl<I: Iterator, K: Ord, F: Fn(&I::Item) -> K> Iterator for Merge<I, F> {
    type Item = (Option<I::Item>, Option<I::Item>);

    fn next(&mut self) -> Option<Self::Item> {
        let order = match (self.before.peek(), self.after.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => (self.key)(before).cmp(&(self.key)(after)),
        };
        let before = if order.is_le() { self.before.next() } else { None };
        let after = if order.is_ge() { self.after.next() } else { None };
        Some((before, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connections, ServiceEntry, Weight};

    fn service(key: &str) -> Service {
        Service::new(key.parse().unwrap())
    }

    fn destination(endpoint: &str) -> Destination {
        Destination::new(endpoint.parse().unwrap())
    }

    /// A service or destination and its count of connections.
    type Counted<T> = (T, u64);

    fn snapshot(services: &[(Service, u64, &[Counted<Destination>])]) -> Snapshot {
        let count =
            |connections| Stats { connections, bytes_in: connections * 10, ..Stats::default() };
        let mut snapshot = Snapshot::default();
        for (service, connections, destinations) in services {
            let entry = ServiceEntry { service: *service, stats: count(*connections) };
            let destinations =
                destinations.iter().map(|(destination, connections)| DestinationEntry {
                    destination: *destination,
                    connections: Connections::default(),
                    stats: count(*connections),
                });
            snapshot.push(entry, destinations);
        }
        snapshot
    }

    #[test]
    fn changes_come_in_the_order_of_keys_with_destinations_inside() {
        let (a, b, c) = (service("10.0.0.1:80"), service("10.0.0.2:80"), service("10.0.0.3:80"));
        let (one, two, three) =
            (destination("10.1.0.1:80"), destination("10.1.0.2:80"), destination("10.1.0.3:80"));
        let heavy = two.with_weight(Weight::from(9));
        let start = Instant::now();
        let mut watch = Watch::new();
        let first = watch.observe(start, snapshot(&[(a, 0, &[(one, 0)]), (b, 0, &[(two, 0)])]));
        assert_eq!(
            first.events,
            [
                Event::ServiceAppeared(a),
                Event::DestinationAppeared(a.key(), one),
                Event::ServiceAppeared(b),
                Event::DestinationAppeared(b.key(), two),
            ]
        );
        assert_eq!(first.rates, []);
        let edited = b.with_scheduler(crate::Scheduler::Rr);
        let next = snapshot(&[(edited, 0, &[(heavy, 0), (three, 0)]), (c, 0, &[])]);
        let second = watch.observe(start + Duration::from_secs(2), next.clone());
        assert_eq!(
            second.events,
            [
                Event::DestinationGone(a.key(), one),
                Event::ServiceGone(a),
                Event::ServiceEdited { before: b, after: edited },
                Event::DestinationEdited { service: b.key(), before: two, after: heavy },
                Event::DestinationAppeared(b.key(), three),
                Event::ServiceAppeared(c),
            ]
        );
        let third = watch.observe(start + Duration::from_secs(4), next.clone());
        assert_eq!(third.events, []);
        assert_eq!(watch.last(), Some(&next));
    }

    #[test]
    fn rates_are_of_what_was_counted_in_the_time_that_passed() {
        let (web, one) = (service("10.0.0.1:80"), destination("10.1.0.1:80"));
        let start = Instant::now();
        let mut watch = Watch::new();
        watch.observe(start, snapshot(&[(web, 10, &[(one, 5)])]));
        let seen =
            watch.observe(start + Duration::from_secs(4), snapshot(&[(web, 30, &[(one, 7)])]));
        let rates: Vec<_> = seen
            .rates
            .iter()
            .map(|rate| (rate.destination, rate.connections, rate.bytes_in, rate.restarted))
            .collect();
        assert_eq!(rates, [(None, 5.0, 50.0, false), (Some(one.endpoint()), 0.5, 5.0, false)]);
    }

    #[test]
    fn a_counter_that_was_zeroed_starts_anew() {
        let web = service("10.0.0.1:80");
        let start = Instant::now();
        let mut watch = Watch::new();
        watch.observe(start, snapshot(&[(web, 100, &[])]));
        let seen = watch.observe(start + Duration::from_secs(2), snapshot(&[(web, 8, &[])]));
        let [rate] = seen.rates[..] else { panic!("one service") };
        assert_eq!((rate.connections, rate.restarted), (4.0, true));
    }

    #[test]
    fn one_counter_that_is_lower_says_that_all_started_anew() {
        let web = service("10.0.0.1:80");
        let look = |connections, bytes_in| {
            let mut snapshot = Snapshot::default();
            let stats = Stats { connections, bytes_in, ..Stats::default() };
            snapshot.push(ServiceEntry { service: web, stats }, []);
            snapshot
        };
        let start = Instant::now();
        let mut watch = Watch::new();
        watch.observe(start, look(5, 9_000));
        let seen = watch.observe(start + Duration::from_secs(2), look(8, 4_000));
        let [rate] = seen.rates[..] else { panic!("one service") };
        assert_eq!((rate.connections, rate.bytes_in, rate.restarted), (4.0, 2_000.0, true));
    }

    #[test]
    fn what_was_not_there_before_has_no_rate() {
        let (web, one) = (service("10.0.0.1:80"), destination("10.1.0.1:80"));
        let start = Instant::now();
        let mut watch = Watch::new();
        watch.observe(start, snapshot(&[(web, 1, &[])]));
        // A destination that was deleted minutes ago comes back with its counters.
        let seen =
            watch.observe(start + Duration::from_secs(2), snapshot(&[(web, 1, &[(one, 1_000)])]));
        assert_eq!(seen.events, [Event::DestinationAppeared(web.key(), one)]);
        assert_eq!(seen.rates.iter().map(|rate| rate.destination).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn without_time_there_is_no_rate() {
        let web = service("10.0.0.1:80");
        let start = Instant::now();
        let mut watch = Watch::new();
        watch.observe(start, snapshot(&[(web, 1, &[])]));
        assert_eq!(watch.observe(start, snapshot(&[(web, 2, &[])])).rates, []);
        // The clock went back: as if none had passed.
        let earlier = start.checked_sub(Duration::from_secs(1)).unwrap();
        assert_eq!(watch.observe(earlier, snapshot(&[(web, 3, &[])])).rates, []);
    }

    #[test]
    fn timeouts_and_daemons_are_compared_where_both_looks_have_them() {
        let with = |udp| {
            let mut snapshot = Snapshot::default();
            snapshot.timeouts = Some(Timeouts { udp: Some(udp), ..Timeouts::default() });
            snapshot.daemons = Some(Vec::new());
            snapshot
        };
        let start = Instant::now();
        let mut watch = Watch::new();
        assert_eq!(watch.observe(start, with(300)).events, []);
        let events = watch.observe(start, with(60)).events;
        let [Event::TimeoutsEdited { before, after }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((before.udp, after.udp), (Some(300), Some(60)));
        assert_eq!(watch.observe(start, Snapshot::default()).events, []);
    }
}
