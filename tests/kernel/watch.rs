//! Changes that another tool makes are seen, and traffic is.

use crate::ipvsadm::restore;
use crate::netns::Netns;
use ipvs::{Client, Event, Observation, Watch};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[test]
fn what_ipvsadm_does_is_seen_in_order() {
    let netns = Netns::new();
    let mut client = netns.client();
    let mut watch = Watch::new();
    let mut look = || {
        let seen = watch.observe(Instant::now(), client.full_snapshot().unwrap());
        let name = |event: &Event| match event {
            Event::ServiceAppeared(service) => format!("+ {service}"),
            Event::ServiceEdited { after, .. } => format!("~ {after}"),
            Event::ServiceGone(service) => format!("- {service}"),
            Event::DestinationAppeared(_, destination) => format!("+   {destination}"),
            Event::DestinationEdited { after, .. } => format!("~   {after}"),
            Event::DestinationGone(_, destination) => format!("-   {destination}"),
            other => format!("{other:?}").split_whitespace().next().unwrap().to_owned(),
        };
        seen.events.iter().map(name).collect::<Vec<String>>()
    };
    assert_eq!(look(), [""; 0]);
    netns.run("/sbin/ipvsadm -A -t 10.0.0.1:80 -s rr");
    netns.run("/sbin/ipvsadm -a -t 10.0.0.1:80 -r 192.168.0.1 -m");
    assert_eq!(look(), ["+ tcp 10.0.0.1:80 rr", "+   192.168.0.1:80 masquerade weight 1"]);
    netns.run("/sbin/ipvsadm -E -t 10.0.0.1:80 -s wrr");
    netns.run("/sbin/ipvsadm -e -t 10.0.0.1:80 -r 192.168.0.1 -m -w 7");
    netns.run("/sbin/ipvsadm --set 0 0 60");
    assert_eq!(
        look(),
        ["TimeoutsEdited", "~ tcp 10.0.0.1:80 wrr", "~   192.168.0.1:80 masquerade weight 7"]
    );
    netns.run("/sbin/ipvsadm -D -t 10.0.0.1:80");
    assert_eq!(look(), ["-   192.168.0.1:80 masquerade weight 7", "- tcp 10.0.0.1:80 wrr"]);
}

#[test]
fn traffic_is_a_rate_and_counters_that_start_anew_are_told() {
    let netns = Netns::new();
    netns.run("/sbin/ip addr add 10.0.0.1/32 dev lo");
    let listener = TcpListener::bind(("127.0.0.1", 8080)).unwrap();
    let connect = |times| {
        for _ in 0..times {
            drop((TcpStream::connect(("10.0.0.1", 80)).unwrap(), listener.accept().unwrap()));
        }
    };
    let add = "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 127.0.0.1:8080 -m\n";
    restore(&netns, add);
    let mut looks = Looks::new(netns.client());
    looks.look();

    connect(3);
    assert_eq!(looks.until_counted(3), [3.0, 3.0]);

    netns.run("/sbin/ipvsadm -Z");
    let seen = looks.look();
    let anew = |seen: &Observation| {
        seen.rates.iter().map(|rate| (rate.connections, rate.restarted)).collect::<Vec<_>>()
    };
    assert_eq!(anew(&seen), [(0.0, true); 2]);

    // Deleted and added again, it is only its counters that tell.
    connect(2);
    assert_eq!(looks.until_counted(2), [2.0, 2.0]);
    restore(&netns, &format!("-D -t 10.0.0.1:80\n{add}"));
    let seen = looks.look();
    assert_eq!(seen.events, []);
    assert_eq!(anew(&seen), [(0.0, true); 2]);
}

/// A watch of a table with one service and one destination.
struct Looks {
    client: Client,
    watch: Watch,
    last: Instant,
}

impl Looks {
    fn new(client: Client) -> Self {
        Self { client, watch: Watch::new(), last: Instant::now() }
    }

    fn look(&mut self) -> Observation {
        let snapshot = self.client.snapshot().unwrap();
        self.last = Instant::now();
        self.watch.observe(self.last, snapshot)
    }

    /// Looks until the service has counted so many connections, and returns how
    /// many the rates of service and destination add up to: the kernel refreshes
    /// the counters of each every two seconds.
    fn until_counted(&mut self, connections: u64) -> [f64; 2] {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut sums = [0.0; 2];
        loop {
            sleep(Duration::from_millis(500));
            let before = self.last;
            let seen = self.look();
            assert_eq!(seen.events, []);
            assert_eq!(seen.rates.len(), 2);
            let elapsed = (self.last - before).as_secs_f64();
            for (sum, rate) in sums.iter_mut().zip(&seen.rates) {
                assert!(!rate.restarted, "{rate:?}");
                *sum += rate.connections * elapsed;
            }
            let found = self.watch.last().unwrap().services().next().unwrap();
            let counted = [found.entry.stats, found.destinations.first().unwrap().stats];
            if counted.iter().all(|stats| stats.connections == connections) {
                return sums.map(f64::round);
            }
            assert!(Instant::now() < deadline, "{counted:?}");
        }
    }
}
