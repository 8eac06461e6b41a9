//! Links over loopback, and peers that misbehave.

use super::{Counters, Link, Settings, Told};
use crate::peer::{self, Key, Message, Pipe, Refused, Standing};
use crate::resync;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use ipvs::connections::{ReadError, Reader};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Socket, Type};
use std::io::{BufReader, Cursor, Read, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

const KEY: Key = Key::new([7; 32]);
const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const VIRTUAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));

/// Longer than anything here should take.
const LONG: Duration = Duration::from_secs(10);

fn settings(peer: SocketAddr) -> Settings {
    Settings { listen: SocketAddr::new(HERE, 0), peers: vec![peer], key: KEY }
}

/// One that has an empty table, and this peer.
fn link(peer: SocketAddr) -> Link {
    Link::start_here(settings(peer), move || Ok(Reader::new(Cursor::new(TITLE)))).unwrap()
}

/// One that answers, and one whose peer it is.
fn links() -> (Link, Link) {
    let answers = link(SocketAddr::new(HERE, 9));
    let asks = link(answers.address());
    (asks, answers)
}

/// The next thing that it tells, which is waited for.
fn told(link: &Link) -> Told {
    let by = Instant::now() + LONG;
    loop {
        if let Some(told) = link.next() {
            return told;
        }
        assert!(Instant::now() < by, "nothing is told");
        let mut polled = [PollFd::new(link.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, PollTimeout::from(1_000_u16)).unwrap();
    }
}

fn answer(link: &Link) -> Result<Vec<Standing>, peer::Error> {
    match told(link) {
        Told::Answer { peer: 0, result } => result,
        told => unreachable!("{told:?}"),
    }
}

fn promoted(link: &Link) -> Result<(), peer::Error> {
    match told(link) {
        Told::Promoted { peer: 0, address: VIRTUAL, result } => result.map_err(|error| {
            let resync::Error::Peer(error) = error else { unreachable!("{error}") };
            error
        }),
        told => unreachable!("{told:?}"),
    }
}

/// What came of a question is what was decided.
fn is_decided(result: Result<(), peer::Error>, decision: Result<(), String>) {
    match (result, decision) {
        (Ok(()), Ok(())) => {}
        (Err(peer::Error::Declined { reason }), Err(expected)) => assert_eq!(reason, expected),
        other => unreachable!("{other:?}"),
    }
}

fn wait_for_counters(link: &Link, expected: Counters) {
    let by = Instant::now() + LONG;
    while link.counters() != expected {
        assert!(Instant::now() < by, "{:?}", link.counters());
        thread::yield_now();
    }
}

/// A stream from one that is a peer.
fn connected(link: &Link) -> TcpStream {
    TcpStream::connect(link.address()).unwrap()
}

fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(LONG)).unwrap();
    match stream.read(&mut [0; 64]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn a_peer_says_what_its_routers_are() {
    let (asks, answers) = links();
    asks.ask(0);
    assert_eq!(answer(&asks).unwrap(), []);
    let activated = Some(Time::from_micros(7));
    let standing = Standing { address: VIRTUAL, state: State::Active, is_ready: true, activated };
    // More than fit into one message.
    let standings = vec![standing; 600];
    answers.publish(&standings);
    asks.ask(0);
    assert_eq!(answer(&asks).unwrap(), standings);
    // Nobody.
    asks.ask(1);
    asks.promote(1, VIRTUAL);
    asks.transfer(1);
    asks.ask(0);
    assert_eq!(answer(&asks).unwrap().len(), 600);
    assert!(asks.next().is_none() && answers.next().is_none());
    wait_for_counters(&answers, Counters { served: 3, ..Counters::default() });
}

#[test]
fn a_peer_takes_over_if_it_says_so() {
    let (asks, answers) = links();
    for decision in [Ok(()), Err("router is active here".to_owned())] {
        asks.promote(0, VIRTUAL);
        let Told::PromoteAsked { request, from: 0, address: VIRTUAL, .. } = told(&answers) else {
            unreachable!("something else is asked")
        };
        answers.answer(request, decision.clone());
        // Again, which is nothing.
        answers.answer(request, Ok(()));
        is_decided(promoted(&asks), decision);
    }
}

#[test]
fn a_peer_takes_the_connections_again_if_it_says_so() {
    let (asks, answers) = links();
    for decision in [Ok(()), Err("router is active here".to_owned())] {
        asks.prepare(0, VIRTUAL);
        let Told::PrepareAsked { request, from: 0, address: VIRTUAL } = told(&answers) else {
            unreachable!("something else is asked")
        };
        answers.answer(request, decision.clone());
        let Told::Prepared { peer: 0, address: VIRTUAL, result } = told(&asks) else {
            unreachable!("something else is told")
        };
        is_decided(result, decision);
    }
}

#[test]
fn a_peer_hands_over_if_it_says_so() {
    let (asks, answers) = links();
    for decision in [Ok(()), Err("no such router".to_owned())] {
        asks.claim(0, VIRTUAL, 150);
        let Told::ClaimAsked { request, from: 0, address: VIRTUAL, priority: 150 } = told(&answers)
        else {
            unreachable!("something else is asked")
        };
        answers.answer(request, decision.clone());
        let Told::Claimed { peer: 0, address: VIRTUAL, result } = told(&asks) else {
            unreachable!("something else is told")
        };
        is_decided(result, decision);
    }
}

#[test]
fn a_peer_that_does_not_decide_in_time_does_not_take_over() {
    let (asks, answers) = links();
    asks.promote(0, VIRTUAL);
    // The same while it goes on is the same question.
    asks.promote(0, VIRTUAL);
    let error = promoted(&asks).unwrap_err();
    assert_eq!(error.to_string(), "the peer declined: no answer within 2 seconds");
    // The one that asked goes on by itself: it is too late to take over.
    assert!(answers.next().is_none() && asks.next().is_none());
}

const TITLE: &str = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires\n";

/// A line of the connection table, of a client's port.
fn line(port: u16) -> String {
    format!("TCP C0A80001 {port:04X} 0A000007 0050 0A000015 0050 ESTABLISHED     890\n")
}

#[test]
fn only_connections_that_were_not_noted_go_with_a_handover() {
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let tables = Mutex::new(vec![
        format!("{TITLE}{}{}{}", line(1), line(2), line(3)),
        format!("{TITLE}{}{}", line(1), line(2).replace("ESTABLISHED", "SYN_RECV   ")),
        format!("{TITLE}{}", line(1)),
    ]);
    let open = move || Ok(Reader::new(Cursor::new(tables.lock().unwrap().pop().unwrap())));
    let asks = Link::start_here(settings(listener.local_addr().unwrap()), open).unwrap();
    let hears = |ports: &[u16]| {
        asks.promote(0, VIRTUAL);
        let by = Instant::now() + LONG;
        let mut pipe = Pipe::answering(listener.accept().unwrap().0, &KEY, by).unwrap();
        let request = Message::read(pipe.receive(by).unwrap()).unwrap();
        assert_eq!(request, Message::Promote { address: VIRTUAL });
        let mut heard = Vec::new();
        resync::hear(&mut pipe, |_, connection| {
            heard.extend(connection.map(|connection| connection.client.port));
            Ok(())
        })
        .unwrap();
        pipe.answer(&[], by).unwrap();
        promoted(&asks).unwrap();
        assert_eq!(heard, ports);
    };
    // Nothing was noted.
    hears(&[1]);
    asks.note();
    assert!(matches!(told(&asks), Told::Noted { result: Ok(()) }));
    // What is in another state is told again.
    hears(&[2, 3]);
}

#[test]
fn a_peer_without_the_key_learns_nothing() {
    let answers = link(SocketAddr::new(HERE, 9));
    let settings = Settings { key: Key::new([8; 32]), ..settings(answers.address()) };
    let asks = Link::start(settings, None).unwrap();
    asks.ask(0);
    let error = answer(&asks).unwrap_err();
    assert!(matches!(error, peer::Error::Closed | peer::Error::Stream(_)), "{error}");
    wait_for_counters(&answers, Counters { without_key: 1, ..Counters::default() });
}

#[test]
fn who_comes_from_another_address_is_closed_at_once_and_counted() {
    let answers = link(SocketAddr::new(HERE, 9));
    let stranger = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    stranger.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
    stranger.connect(&answers.address().into()).unwrap();
    assert!(is_closed(&mut stranger.into()));
    wait_for_counters(&answers, Counters { strangers: 1, ..Counters::default() });
}

#[test]
fn of_many_that_connect_at_once_only_some_are_served() {
    let (asks, answers) = links();
    let some: Vec<_> = (0..8).map(|_| connected(&answers)).collect();
    assert!(is_closed(&mut connected(&answers)));
    wait_for_counters(&answers, Counters { busy: 1, ..Counters::default() });
    drop(some);
    wait_for_counters(&answers, Counters { busy: 1, broken: 8, ..Counters::default() });
    asks.ask(0);
    assert_eq!(answer(&asks).unwrap(), []);
}

#[test]
fn who_connects_and_says_nothing_keeps_its_place_for_3_seconds() {
    let answers = link(SocketAddr::new(HERE, 9));
    let begun = Instant::now();
    let mut silent = connected(&answers);
    assert!(is_closed(&mut silent));
    assert!(begun.elapsed() > Duration::from_secs(2) && begun.elapsed() < LONG);
    wait_for_counters(&answers, Counters { broken: 1, ..Counters::default() });
}

#[test]
fn a_peer_that_goes_in_the_middle_gave_no_answer() {
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let asks = link(listener.local_addr().unwrap());
    asks.ask(0);
    let mut stream = listener.accept().unwrap().0;
    stream.read_exact(&mut [0; 50]).unwrap();
    stream.write_all(&[0, 48, 1]).unwrap();
    drop(stream);
    let error = answer(&asks).unwrap_err();
    assert!(matches!(error, peer::Error::Closed), "{error}");
    // Nobody listens any more.
    drop(listener);
    asks.ask(0);
    assert!(matches!(answer(&asks), Err(peer::Error::Stream(_))));
    asks.transfer(0);
    match told(&asks) {
        Told::Transferred { peer: 0, result: Err(resync::Error::Peer(_)) } => {}
        told => unreachable!("{told:?}"),
    }
}

#[test]
fn a_peer_that_says_nothing_is_waited_for_3_seconds() {
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let asks = link(listener.local_addr().unwrap());
    let begun = Instant::now();
    asks.ask(0);
    assert!(matches!(answer(&asks), Err(peer::Error::Slow)));
    assert!(begun.elapsed() < 2 * super::ask::PATIENCE);
}

#[test]
fn a_peer_with_the_key_that_says_no_more_has_no_more_time() {
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let (asks, answers) = (link(listener.local_addr().unwrap()), link(SocketAddr::new(HERE, 9)));
    let begun = Instant::now();
    asks.ask(0);
    let by = begun + LONG;
    let mut answering = Pipe::answering(listener.accept().unwrap().0, &KEY, by).unwrap();
    assert_eq!(Message::read(answering.receive(by).unwrap()).unwrap(), Message::Routers);
    let mut asking = Pipe::asking(connected(&answers), &KEY, by).unwrap();
    assert!(matches!(answer(&asks), Err(peer::Error::Slow)));
    assert!(matches!(asking.receive(by), Err(peer::Error::Closed)));
    assert!(begun.elapsed() < 2 * super::ask::PATIENCE);
    wait_for_counters(&answers, Counters { broken: 1, ..Counters::default() });
}

#[test]
fn an_answer_that_is_too_long_is_not_heard_to_its_end() {
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let asks = link(listener.local_addr().unwrap());
    let by = Instant::now() + LONG;
    let answered = |length: usize| {
        let mut pipe = Pipe::answering(listener.accept().unwrap().0, &KEY, by).unwrap();
        pipe.receive(by).unwrap();
        for part in vec![0; length].chunks(9_000) {
            pipe.send(&Message::Part { bytes: part }, by).unwrap();
        }
        pipe
    };
    asks.ask(0);
    let _pipe = answered((1 << 16) + 1);
    let error = answer(&asks).unwrap_err();
    assert_eq!(error.to_string(), "answer of more than 65536 bytes");
    // Nothing but its end is due.
    asks.claim(0, VIRTUAL, 100);
    let _pipe = answered(1);
    let Told::Claimed { result, .. } = told(&asks) else { unreachable!("something else is told") };
    assert!(matches!(result, Err(peer::Error::Refused(Refused::Answer { max: 0 }))), "{result:?}");
}

/// A table of which nothing is there until it may be read.
struct Held(Receiver<()>);

impl Read for Held {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        let _ = self.0.recv();
        Ok(0)
    }
}

#[test]
fn while_tables_are_sent_others_are_answered() {
    let mut releases = Vec::new();
    let mut held = Vec::new();
    for _ in 0..2 {
        let (release, is_released) = mpsc::channel();
        releases.push(release);
        held.push(Held(is_released));
    }
    let held = Mutex::new(held);
    let (opens, opened) = mpsc::channel();
    let open = move || -> Result<Reader<BufReader<Held>>, ReadError> {
        opens.send(()).unwrap();
        Ok(Reader::new(BufReader::new(held.lock().unwrap().pop().unwrap())))
    };
    let answers = Link::start_here(settings(SocketAddr::new(HERE, 9)), open).unwrap();
    let asks = link(answers.address());
    let by = Instant::now() + LONG;
    let table = Message::Table { skip: 0 };
    let joining = [(); 2].map(|()| {
        let mut pipe = Pipe::asking(connected(&answers), &KEY, by).unwrap();
        pipe.send(&table, by).unwrap();
        opened.recv_timeout(LONG).unwrap();
        pipe
    });
    asks.ask(0);
    assert_eq!(answer(&asks).unwrap(), []);
    // A third is told to come again.
    let mut third = Pipe::asking(connected(&answers), &KEY, by).unwrap();
    let error = third.ask(&table, 0, by).unwrap_err();
    let reason = "the peer declined: it sends its connections to others just now";
    assert_eq!(error.to_string(), reason);
    drop(releases);
    // A table without a title cannot be read, and the peers hear that.
    for mut pipe in joining {
        let message = pipe.receive(by).unwrap();
        assert!(!matches!(Message::read(message), Ok(Message::Data { .. })));
    }
}

#[cfg(feature = "serde")]
#[test]
fn a_node_says_what_it_is_or_why_it_does_not_to_who_asks_from_the_address_of_a_peer() {
    let known = SocketAddr::from(([127, 0, 0, 2], 9));
    let answers = link(known);
    let report = peer::ask_for_report(known, answers.address(), &KEY);
    assert!(matches!(report, Ok(_) | Err(peer::Error::Declined { .. })), "{report:?}");
    wait_for_counters(&answers, Counters { served: 1, ..Counters::default() });
}

/// One that takes no more connections until one is accepted, its address, and what fills it.
fn full() -> (SocketAddr, TcpListener, TcpStream) {
    let full = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    full.bind(&SocketAddr::new(HERE, 0).into()).unwrap();
    full.listen(0).unwrap();
    let full = TcpListener::from(full);
    let address = full.local_addr().unwrap();
    (address, full, TcpStream::connect(address).unwrap())
}

#[test]
fn a_peer_that_comes_into_reach_is_asked_at_once() {
    let (address, full, _fills) = full();
    let link = link(address);
    link.ask(0);
    // The system would try again after a second.
    thread::sleep(Duration::from_millis(150));
    full.accept().unwrap();
    let begun = Instant::now();
    full.set_nonblocking(true).unwrap();
    let mut asking = loop {
        match full.accept() {
            Ok((asking, _)) => break asking,
            Err(_) => assert!(begun.elapsed() < LONG, "nobody connects"),
        }
        thread::yield_now();
    };
    asking.set_nonblocking(false).unwrap();
    asking.set_read_timeout(Some(LONG)).unwrap();
    asking.read_exact(&mut [0; 50]).unwrap();
    assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());
}

#[test]
fn a_peer_out_of_reach_is_given_up_after_3_seconds() {
    let (address, _full, _fills) = full();
    let link = link(address);
    let begun = Instant::now();
    link.ask(0);
    let error = answer(&link).unwrap_err();
    let took = begun.elapsed();
    assert!((2_900..4_000).contains(&took.as_millis()), "{took:?}: {error}");
}

#[test]
fn the_end_waits_for_no_peer() {
    // One that says nothing, one that does not even accept, and one that asks nothing.
    let silent = TcpListener::bind((HERE, 0)).unwrap();
    let full = full();
    let peers = vec![silent.local_addr().unwrap(), full.0];
    let link = Link::start(Settings { peers, ..settings(full.0) }, None).unwrap();
    link.ask(0);
    link.ask(1);
    link.promote(1, VIRTUAL);
    let mut accepted = silent.accept().unwrap().0;
    accepted.read_exact(&mut [0; 50]).unwrap();
    let mut asking = connected(&link);
    let begun = Instant::now();
    drop(link);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(is_closed(&mut asking));
}

#[test]
fn a_decision_is_not_waited_for_at_the_end() {
    let (asks, answers) = links();
    asks.promote(0, VIRTUAL);
    assert!(matches!(told(&answers), Told::PromoteAsked { .. }));
    let begun = Instant::now();
    drop(answers);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    promoted(&asks).unwrap_err();
}

#[test]
fn where_somebody_listens_already_is_said() {
    let first = link(SocketAddr::new(HERE, 9));
    let listen = first.address();
    let error = Link::start(Settings { listen, ..settings(listen) }, None).unwrap_err();
    let expected = format!("listen at {listen}: Address already in use (os error 98)");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn one_thread_can_wait_while_another_asks() {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Link>();
}
