//! What virtual routers log.

use crate::host::{PORT, port, run, wait_for};
use crate::router::{becomes, config, ip, settings, start};
use crate::wire::Wire;
use ipvs_sync::net::{AdvertSocket, group, now};
use ipvs_sync::vrrp::packet::{Advertisement, Checksum, Coverage, Ends, GROUP_V4, Terms};
use ipvs_sync::vrrp::router::State;
use ipvs_sync::vrrp::{Family, Interval, Rank, Version, VirtualAddresses, Vrid};
use std::fmt::{Debug, Write as _};
use std::sync::Mutex;
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// All that was logged, by every test of this process.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Collector;

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        LINES.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

/// No other test sends from here.
const STRANGER: &str = "10.0.0.99";

/// What was logged of the stranger.
fn lines() -> Vec<String> {
    let source = format!("source={STRANGER} ");
    LINES.lock().unwrap().iter().filter(|line| line.contains(&source)).cloned().collect()
}

// shows: 9568-7.1-11, 9568-7.1-13, 9568-7.1-14, 9568-7.1-15
#[test]
fn what_is_dropped_or_odd_is_logged_at_a_limited_rate() {
    tracing::subscriber::set_global_default(Collector).unwrap();
    let wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 100)).with_checksum(Checksum::Message));
    becomes(&router, State::Active);
    let own = config(Family::V4, 1, 100);
    let peer = wire.there(|| {
        run(&format!("ip addr add {STRANGER}/24 dev {PORT}"));
        AdvertSocket::multicast(&port(), Family::V4).unwrap()
    });
    let packet = |version: Version, address: &str, coverage: Coverage| {
        let addresses = VirtualAddresses::new([ip(address)]).unwrap();
        let terms = Terms::new(Vrid::new(7).unwrap(), version, &addresses).unwrap();
        let source = STRANGER.parse().unwrap();
        let ends = Ends::V4 { source, destination: GROUP_V4 };
        let mut bytes = Vec::new();
        Advertisement::new(terms, 50).encode(ends, coverage, &mut bytes).unwrap();
        bytes
    };
    let send = |packet: &[u8]| {
        // A queue that is full is no failure here.
        let _ = peer.send(ip(STRANGER), group(Family::V4), packet);
    };
    let dropped = packet(own.version(), "10.0.0.7", Coverage::PseudoHeader);
    let other_interval = packet(Version::V3(Interval::DEFAULT), "10.0.0.7", Coverage::Message);
    let other_address = packet(own.version(), "10.0.0.8", Coverage::Message);
    let is_logged = |packet: &[u8], text: &str| {
        wait_for(text, || {
            send(packet);
            std::thread::sleep(Duration::from_millis(20));
            lines().iter().any(|line| line.contains(text)).then_some(())
        });
    };
    let start = now();
    is_logged(&dropped, "message=packet dropped");
    is_logged(&other_interval, "finding=interval 1s");
    is_logged(&other_address, "finding=other addresses");
    router.set_rank(0, Rank::Owner).unwrap();
    let as_own = packet(own.version(), "10.0.0.7", Coverage::Message);
    is_logged(&as_own, "finding=another router, of priority 50");
    for _ in 0..10_000 {
        send(&dropped);
    }
    let seconds = (now() - start).as_secs_f64();
    let count = lines().len();
    assert!(count as f64 <= seconds + 2.0, "{count} lines in {seconds} s");
}
