//! The client: connections of all kinds and ages, and what becomes of them.

use crate::flow::{Flow, Kind, Tally};
use crate::request::Request;
use crate::site::{CLIENT, Known, Method, Site, address};
use ipvs::{Endpoint, ServiceKey};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::Socket;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Connections of each kind that live as long as they can, and hardly say anything.
pub(crate) const LASTING: usize = 10;
const RARELY: Duration = Duration::from_secs(1);

/// Connections of each kind that are opened one after the other, and close after a while.
const OPENED: Duration = Duration::from_millis(500);
const LIFE: Duration = Duration::from_secs(6);
const OFTEN: Duration = Duration::from_millis(250);

/// HTTP requests, by each method.
const REQUESTED: Duration = Duration::from_millis(250);

/// A client of a site. It ends when this is dropped.
pub(crate) struct Client {
    world: Arc<Mutex<World>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the client has.
struct World {
    flows: Vec<Watched>,
    requests: Vec<Request>,
    next_flow: Instant,
    next_request: Instant,
    /// Since something is looked at. What was established then is not closed until it was
    /// judged.
    looked: Option<Instant>,
    requested: Requests,
    /// How many there were.
    asked: u32,
}

struct Watched {
    flow: Flow,
    /// Why it is over.
    end: Option<End>,
    /// Whether it is one of those that are looked at.
    is_looked_at: bool,
}

/// How a connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was reset, or closed by somebody else.
    Reset,
    /// It is there and nothing is answered.
    Silent,
}

/// A connection that was established when it was looked at.
pub(crate) struct Fate {
    pub(crate) kind: Kind,
    pub(crate) name: (Endpoint, ServiceKey),
    /// How long it had been established.
    pub(crate) age: Duration,
    pub(crate) tally: Tally,
    /// The number of the server that answered before, over UDP.
    pub(crate) server: Option<u8>,
    pub(crate) end: Option<End>,
}

/// Requests that were made since something is looked at, or were not answered then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Requests {
    pub(crate) made: u32,
    /// Reset before it could be sent, while its connection was being opened or just had been.
    pub(crate) refused: u32,
    /// Reset after that.
    pub(crate) reset: u32,
    /// Not answered in time.
    pub(crate) given_up: u32,
    /// The longest of those that were answered.
    pub(crate) longest: Duration,
    /// Bytes that are not those that were asked for.
    pub(crate) wrong: usize,
}

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that waits for longer than that is silent, when it is judged.
const SILENCE: Duration = Duration::from_secs(2);

impl Client {
    pub(crate) fn start(site: &Site) -> Self {
        let now = Instant::now();
        let world = World {
            flows: Vec::new(),
            requests: Vec::new(),
            next_flow: now,
            next_request: now,
            looked: None,
            requested: Requests::default(),
            asked: 0,
        };
        let (world, is_over) = (Arc::new(Mutex::new(world)), Arc::default());
        let (to, until) = (Arc::clone(&world), Arc::clone(&is_over));
        // A thread is where the one is that starts it.
        let thread = site.at(CLIENT, || thread::spawn(move || run(&to, &until)));
        Self { world, is_over, thread: Some(thread) }
    }

    /// Looks at what is established now.
    pub(crate) fn look(&self) {
        let mut world = self.world.lock().unwrap();
        let now = Instant::now();
        world.flows.retain(|watched| watched.end.is_none());
        for watched in &mut world.flows {
            watched.is_looked_at = watched.flow.established.is_some();
            watched.flow.tally = Tally::default();
        }
        world.looked = Some(now);
        let made = u32::try_from(world.requests.len()).unwrap();
        world.requested = Requests { made, ..Requests::default() };
    }

    /// Whether all that was looked at is answered or over.
    pub(crate) fn is_served(&self) -> bool {
        let world = self.world.lock().unwrap();
        let now = Instant::now();
        world.looked_at().all(|watched| watched.end.is_some() || !watched.is_silent(now))
    }

    /// What became of what was looked at. Those that are silent or have moved are given up.
    pub(crate) fn judge(&self) -> (Vec<Fate>, Requests) {
        let mut world = self.world.lock().unwrap();
        let (looked, now) = (world.looked.take().expect("a look"), Instant::now());
        let fate = |watched: &Watched| {
            let (flow, end) = (&watched.flow, watched.end);
            let end = end.or_else(|| watched.is_silent(now).then_some(End::Silent));
            Fate {
                kind: flow.kind,
                name: flow.name(),
                age: looked - flow.established.unwrap(),
                tally: Tally { longest: flow.waited(now), ..flow.tally },
                server: flow.tally.moved_from.or(flow.server),
                end,
            }
        };
        let fates = world.looked_at().map(fate).collect();
        for watched in &mut world.flows {
            watched.is_looked_at = false;
        }
        // One that has moved is of two servers, for the two directors.
        world.flows.retain(|Watched { flow, .. }| flow.tally.moved_from.is_none());
        world.flows.retain(|watched| watched.end.is_none() && !watched.is_silent(now));
        (fates, world.requested)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Fate {
    /// Whether a director knows the connection, and its server where that is seen.
    pub(crate) fn is_in(&self, known: &Known) -> bool {
        let server = self.server.map(|server| IpAddr::V4(address(server)));
        known.get(&self.name).is_some_and(|known| server.is_none_or(|server| server == *known))
    }
}

impl Watched {
    fn is_silent(&self, now: Instant) -> bool {
        self.flow.waiting.is_some_and(|since| now - since > SILENCE)
    }
}

/// In the client's namespace.
fn run(world: &Mutex<World>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let mut held = world.lock().unwrap();
        let now = Instant::now();
        held.open(now);
        held.close(now);
        let next = held.send(now).min(now + Duration::from_millis(50));
        let sockets: Vec<_> =
            held.polled().map(|(socket, events)| (socket.try_clone().unwrap(), events)).collect();
        drop(held);
        let mut polled: Vec<_> =
            sockets.iter().map(|(socket, events)| PollFd::new(socket.as_fd(), *events)).collect();
        let wait = next.saturating_duration_since(Instant::now());
        poll(&mut polled, PollTimeout::try_from(wait).unwrap()).unwrap();
        world.lock().unwrap().receive(Instant::now());
    }
}

impl World {
    fn looked_at(&self) -> impl Iterator<Item = &Watched> {
        self.flows.iter().filter(|watched| watched.is_looked_at)
    }

    /// What is waited for.
    fn polled(&self) -> impl Iterator<Item = (&Socket, PollFlags)> {
        let flows = self.flows.iter().filter(|watched| watched.end.is_none());
        let flows = flows.map(|watched| (&watched.flow.socket, watched.flow.events()));
        flows.chain(self.requests.iter().map(|request| (&request.socket, request.events())))
    }

    /// Opens what is due.
    fn open(&mut self, now: Instant) {
        for kind in Kind::ALL {
            let lasting = self.flows.iter().filter(|watched| {
                watched.flow.kind == kind && watched.flow.until.is_none() && watched.end.is_none()
            });
            for _ in lasting.count()..LASTING {
                self.add(Flow::open(kind, RARELY, now));
            }
        }
        if self.next_flow <= now {
            self.next_flow = now + OPENED;
            for kind in Kind::ALL {
                let mut flow = Flow::open(kind, OFTEN, now);
                flow.until = Some(now + LIFE);
                self.add(flow);
            }
        }
        if self.next_request <= now {
            self.next_request = now + REQUESTED;
            for method in Method::ALL {
                self.asked += 1;
                self.requests.push(Request::open(method, self.asked, now));
                self.requested.made += 1;
            }
        }
    }

    fn add(&mut self, flow: Flow) {
        self.flows.push(Watched { flow, end: None, is_looked_at: false });
    }

    /// Closes what has lived long enough.
    fn close(&mut self, now: Instant) {
        self.flows.retain(|Watched { flow, end, is_looked_at }| {
            let is_due = flow.until.is_some_and(|until| until <= now);
            *is_looked_at || (end.is_none() && !(is_due && flow.waiting.is_none()))
        });
    }

    fn send(&mut self, now: Instant) -> Instant {
        let mut first = now + RARELY;
        for Watched { flow, end, .. } in
            self.flows.iter_mut().filter(|watched| watched.end.is_none())
        {
            match flow.send(now) {
                Ok(next) => first = first.min(next),
                Err(_) => *end = Some(End::Reset),
            }
        }
        first.min(self.next_flow).min(self.next_request)
    }

    fn receive(&mut self, now: Instant) {
        for Watched { flow, end, .. } in
            self.flows.iter_mut().filter(|watched| watched.end.is_none())
        {
            if flow.receive(now).is_err() {
                *end = Some(End::Reset);
            }
        }
        let requested = &mut self.requested;
        self.requests.retain_mut(|request| match request.go_on(now) {
            Ok(None) if request.age(now) <= PATIENCE => true,
            Ok(None) => {
                requested.given_up += 1;
                false
            }
            Ok(Some(answered)) => {
                requested.longest = requested.longest.max(answered.after);
                requested.wrong += answered.wrong;
                false
            }
            Err(_) if request.is_sent() => {
                requested.reset += 1;
                false
            }
            Err(_) => {
                requested.refused += 1;
                false
            }
        });
    }
}
