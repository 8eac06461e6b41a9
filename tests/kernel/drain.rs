//! Drains and ramps, with real connections over loopback.

use crate::netns::Netns;
use ipvs::{
    AtDeadline, Client, Connections, Destination, Drain, DrainOutcome, Endpoint, Persistence, Ramp,
    RampOutcome, Service, ServiceKey, Task, TaskEvent, Tasks, Thresholds, Timeouts, WaitFor,
    Weight,
};
use std::fs::write;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(50);

/// A service with one destination, a server of this process.
struct Lab {
    client: Client,
    key: ServiceKey,
    server: Destination,
    listener: TcpListener,
    /// Left last.
    netns: Netns,
}

impl Lab {
    fn new(key: &str) -> Self {
        let netns = Netns::new();
        netns.run("/sbin/ip addr add 10.0.0.1/32 dev lo");
        let listener = TcpListener::bind(("127.0.0.1", 8080)).unwrap();
        let key = key.parse().unwrap();
        let server = Destination::new(Endpoint::new([127, 0, 0, 1], 8080))
            .with_weight(Weight::from(5))
            .with_thresholds(Thresholds::new(1_000, 500).unwrap());
        let mut client = netns.client();
        client.add_service(&Service::new(key)).unwrap();
        client.add_destination(&key, &server).unwrap();
        let short = Timeouts { tcp_fin: Some(2), udp: Some(1), ..Timeouts::default() };
        client.set_timeouts(&short).unwrap();
        Self { client, key, server, listener, netns }
    }

    /// Both ends of a connection through IPVS.
    fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(("10.0.0.1", 80)).unwrap();
        let (server, _) = self.listener.accept().unwrap();
        (client, server)
    }

    fn drain(&self, limit: Duration) -> Drain {
        Drain::new(&self.key, Instant::now(), limit).with_interval(INTERVAL)
    }

    fn tasks(&self, task: impl Into<Task>) -> Tasks {
        let mut tasks = Tasks::default();
        tasks.insert(&self.key, self.server.endpoint(), task);
        tasks
    }

    fn found(&mut self) -> Option<(u32, Connections)> {
        let entry = self.client.destination(&self.key, self.server.endpoint()).unwrap()?;
        Some((entry.destination.weight().value(), entry.connections))
    }

    /// Runs the tasks for a time or until they are over. Returns what was told.
    fn run(&mut self, tasks: &mut Tasks, time: Duration) -> Vec<TaskEvent> {
        let end = Instant::now() + time;
        let mut events = Vec::new();
        while let Some(next) = tasks.poll_timeout().filter(|next| *next < end) {
            sleep(next.saturating_duration_since(Instant::now()));
            events.extend(tasks.run(Instant::now(), &mut self.client));
        }
        events
    }

    /// The outcome of the one drain, which ends within half a minute.
    fn outcome(&mut self, tasks: &mut Tasks) -> DrainOutcome {
        let events = self.run(tasks, MINUTE / 2);
        assert!(tasks.poll_timeout().is_none(), "{events:?}");
        match events.last() {
            Some(TaskEvent::DrainEnded { outcome, .. }) => *outcome,
            _ => panic!("{events:?}"),
        }
    }
}

fn echoes((client, server): &mut (TcpStream, TcpStream)) {
    client.write_all(b"ping").unwrap();
    server.read_exact(&mut [0; 4]).unwrap();
    server.write_all(b"pong").unwrap();
    client.read_exact(&mut [0; 4]).unwrap();
}

fn connections(active: u32, inactive: u32) -> Connections {
    Connections { active, inactive, persistent: 0 }
}

#[test]
fn an_open_connection_keeps_its_destination_and_works_on() {
    let mut lab = Lab::new("tcp 10.0.0.1:80");
    let mut connection = lab.connect();
    let mut tasks = lab.tasks(lab.drain(MINUTE).with_wait_for(WaitFor::Active));
    let events = lab.run(&mut tasks, INTERVAL * 5);
    assert!(
        matches!(&events[..], [TaskEvent::WeightSet { weight: Weight::ZERO, .. }]),
        "{events:?}"
    );
    assert_eq!(lab.found(), Some((0, connections(1, 0))));
    echoes(&mut connection);

    // Closed by one side it is inactive, and that side waits no more.
    connection.1.shutdown(Shutdown::Write).unwrap();
    assert_eq!(lab.found(), Some((0, connections(0, 1))));
    assert_eq!(lab.outcome(&mut tasks), DrainOutcome::Drained);
    assert_eq!(lab.found(), None);
}

#[test]
fn an_inactive_connection_keeps_its_destination_until_it_times_out() {
    let mut lab = Lab::new("tcp 10.0.0.1:80");
    let (_client, server) = lab.connect();
    let mut tasks = lab.tasks(lab.drain(MINUTE));
    lab.run(&mut tasks, INTERVAL * 2);
    server.shutdown(Shutdown::Write).unwrap();
    let closed = Instant::now();
    lab.run(&mut tasks, INTERVAL * 4);
    assert_eq!(lab.found(), Some((0, connections(0, 1))));
    assert_eq!(lab.outcome(&mut tasks), DrainOutcome::Drained);
    assert!(closed.elapsed() > Duration::from_secs(1), "{:?}", closed.elapsed());
    assert_eq!(lab.found(), None);
}

#[test]
fn a_remembered_client_comes_back_to_a_draining_destination_unless_the_kernel_forbids_it() {
    let mut lab = Lab::new("tcp 10.0.0.1:80");
    let persistent = Service::new(lab.key).with_persistence(Persistence::seconds(60));
    lab.client.edit_service(&persistent).unwrap();
    let first = lab.connect();
    let mut tasks = lab.tasks(lab.drain(MINUTE).with_wait_for(WaitFor::Clients));
    lab.run(&mut tasks, INTERVAL * 2);
    let second = lab.connect();
    assert_eq!(lab.found(), Some((0, Connections { active: 2, inactive: 0, persistent: 1 })));

    write("/proc/sys/net/ipv4/vs/expire_quiescent_template", "1").unwrap();
    let address = SocketAddr::from(([10, 0, 0, 1], 80));
    assert!(TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err());

    // The template outlives what it led to, and keeps the destination by choice.
    for (_, server) in [&first, &second] {
        server.shutdown(Shutdown::Write).unwrap();
    }
    lab.run(&mut tasks, INTERVAL * 4);
    let remembered = |found: Option<(u32, Connections)>| found.map(|found| found.1.persistent);
    assert_eq!(remembered(lab.found()), Some(1));
    let mut tasks = lab.tasks(lab.drain(MINUTE).with_wait_for(WaitFor::Active));
    assert_eq!(lab.outcome(&mut tasks), DrainOutcome::Drained);
}

#[test]
fn at_the_deadline_a_destination_with_a_connection_is_kept_or_deleted() {
    let mut lab = Lab::new("tcp 10.0.0.1:80");
    let mut connection = lab.connect();
    let left = connections(1, 0);
    let limit = INTERVAL * 3;
    let mut tasks = lab.tasks(lab.drain(limit).with_at_deadline(AtDeadline::Keep));
    let kept = DrainOutcome::DeadlinePassed { left, deleted: false };
    assert_eq!(lab.outcome(&mut tasks), kept);
    assert_eq!(lab.found(), Some((0, left)));
    echoes(&mut connection);

    let begun = Instant::now();
    let mut tasks = lab.tasks(lab.drain(limit));
    let deleted = DrainOutcome::DeadlinePassed { left, deleted: true };
    assert_eq!(lab.outcome(&mut tasks), deleted);
    assert!(begun.elapsed() >= limit);
    assert_eq!(lab.found(), None);
}

#[test]
fn udp_is_not_waited_for_unless_that_is_wanted() {
    for patient in [false, true] {
        let mut lab = Lab::new("udp 10.0.0.1:53");
        let server = UdpSocket::bind(("127.0.0.1", 8080)).unwrap();
        let client = UdpSocket::bind(("10.0.0.1", 0)).unwrap();
        client.send_to(b"ping", ("10.0.0.1", 53)).unwrap();
        assert_eq!(server.recv(&mut [0; 8]).unwrap(), 4);
        assert_eq!(lab.found(), Some((5, connections(0, 1))));

        let drain = lab.drain(MINUTE);
        let drain = if patient { drain.with_wait_for(WaitFor::Connections) } else { drain };
        let mut tasks = lab.tasks(drain);
        lab.run(&mut tasks, INTERVAL * 2);
        assert_eq!(lab.found().is_some(), patient);
        if patient {
            // The connection times out after a second.
            assert_eq!(lab.outcome(&mut tasks), DrainOutcome::Drained);
            assert_eq!(lab.found(), None);
        }
    }
}

#[test]
fn a_cancelled_drain_leaves_the_destination_as_it_was() {
    let mut lab = Lab::new("tcp 10.0.0.1:80");
    let _connection = lab.connect();
    let mut tasks = lab.tasks(lab.drain(MINUTE));
    lab.run(&mut tasks, INTERVAL * 2);
    assert_eq!(lab.found(), Some((0, connections(1, 0))));
    assert!(tasks.cancel(&lab.key, lab.server.endpoint(), Instant::now()));
    let restored = DrainOutcome::Cancelled { weight: Weight::from(5) };
    assert_eq!(lab.outcome(&mut tasks), restored);
    let entry = lab.client.destination(&lab.key, lab.server.endpoint()).unwrap().unwrap();
    assert_eq!((entry.destination, entry.connections), (lab.server, connections(1, 0)));
}

#[test]
fn a_drain_is_resumed_from_what_the_kernel_shows() {
    let mut lab = Lab::new("tcp 10.0.0.1:80");
    let (_client, server) = lab.connect();
    let mut tasks = lab.tasks(lab.drain(MINUTE));
    lab.run(&mut tasks, INTERVAL * 2);
    drop(tasks);

    // Another process, later: all it has is the table and what it wants.
    lab.client = lab.netns.client();
    assert_eq!(lab.found(), Some((0, connections(1, 0))));
    let wanted = Weight::from(7);
    let drain = Drain::resume(&lab.key, Instant::now(), MINUTE, wanted).with_interval(INTERVAL);
    let mut cancelled = lab.tasks(drain.clone());
    cancelled.cancel(&lab.key, lab.server.endpoint(), Instant::now());
    assert_eq!(lab.outcome(&mut cancelled), DrainOutcome::Cancelled { weight: wanted });
    assert_eq!(lab.found(), Some((7, connections(1, 0))));

    lab.client.set_weight(&lab.key, lab.server.endpoint(), Weight::ZERO).unwrap();
    let mut tasks = lab.tasks(drain.with_wait_for(WaitFor::Active));
    assert!(lab.run(&mut tasks, INTERVAL * 3).is_empty());
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(lab.outcome(&mut tasks), DrainOutcome::Drained);
}

#[test]
fn what_another_process_did_ends_a_drain() {
    let mut lab = Lab::new("tcp 10.0.0.1:80");
    let _connection = lab.connect();
    let mut other = lab.netns.client();
    let mut tasks = lab.tasks(lab.drain(MINUTE));
    lab.run(&mut tasks, INTERVAL * 2);
    other.set_weight(&lab.key, lab.server.endpoint(), Weight::ONE).unwrap();
    assert_eq!(lab.outcome(&mut tasks), DrainOutcome::TakenBack { weight: Weight::ONE });
    assert_eq!(lab.found(), Some((1, connections(1, 0))));

    for service in [false, true] {
        let mut tasks = lab.tasks(lab.drain(MINUTE));
        lab.run(&mut tasks, INTERVAL * 2);
        if service {
            other.delete_service(&lab.key).unwrap();
        } else {
            other.delete_destination(&lab.key, lab.server.endpoint()).unwrap();
        }
        assert_eq!(lab.outcome(&mut tasks), DrainOutcome::Gone);
        if !service {
            other.add_destination(&lab.key, &lab.server).unwrap();
        }
    }
}

#[test]
fn a_ramp_reaches_its_target() {
    let mut lab = Lab::new("tcp 10.0.0.1:80");
    lab.client.set_weight(&lab.key, lab.server.endpoint(), Weight::ZERO).unwrap();
    let start = Instant::now();
    let mut tasks = lab.tasks(Ramp::new(Weight::ONE, lab.server.weight(), start, INTERVAL * 8));
    let events = lab.run(&mut tasks, MINUTE);
    assert!(start.elapsed() >= INTERVAL * 8);
    let Some((TaskEvent::RampEnded { outcome: RampOutcome::Reached, .. }, steps)) =
        events.split_last()
    else {
        panic!("{events:?}");
    };
    let mut last = Weight::ZERO;
    for step in steps {
        let TaskEvent::WeightSet { weight, .. } = step else { panic!("{events:?}") };
        assert!(*weight > last, "{events:?}");
        last = *weight;
    }
    // Some steps at least were on time.
    assert!(steps.len() >= 2, "{events:?}");
    let entry = lab.client.destination(&lab.key, lab.server.endpoint()).unwrap().unwrap();
    assert_eq!(entry.destination, lab.server);
}
