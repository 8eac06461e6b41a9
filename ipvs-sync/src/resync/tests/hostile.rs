//! Peers that have no key, and such that misbehave with it.

use super::{KEY, fetch, fetched, joined, many, serving, streams, table};
use crate::peer::{self, Channel, GREETING, Key, LONGEST, Message, Pipe, Refused};
use crate::proto::Connection;
use crate::resync::sender::REQUESTS;
use crate::resync::{Counters, Error, Sender};
use ipvs::connections::Reader;
use std::io::{Cursor, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// What the active director makes of who connects and does this, and how it counts it.
/// Its table must not be opened.
fn served(peer: impl FnOnce(TcpStream) + Send + 'static) -> (Error, Counters) {
    let (joining, active) = streams();
    let peer = thread::spawn(move || peer(joining));
    let mut sender = Sender::new(KEY);
    let open = || -> Result<Reader<Cursor<&[u8]>>, _> { unreachable!("the table is opened") };
    let error = sender.serve(active, open, |_| unreachable!("there is progress")).unwrap_err();
    peer.join().unwrap();
    (error, sender.counters())
}

/// The first frame of one that has the key.
fn greeting() -> Vec<u8> {
    let mut frame = Vec::new();
    Channel::asking(&KEY).greet(&mut frame).unwrap();
    frame
}

fn send(mut stream: &TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
}

fn request(skip: u64) -> Vec<u8> {
    let mut message = Vec::new();
    Message::Table { skip }.write(&mut message);
    message
}

/// Sends these bytes as a message, encrypted as it should be.
fn say(stream: &TcpStream, channel: &mut Channel, message: &[u8]) {
    let mut frame = Vec::new();
    channel.seal(message, &mut frame).unwrap();
    send(stream, &frame);
}

/// Greets as one that has the key.
fn greeted(mut stream: &TcpStream) -> Channel {
    let mut channel = Channel::asking(&KEY);
    let mut frame = Vec::new();
    channel.greet(&mut frame).unwrap();
    send(stream, &frame);
    let mut answer = [0; 50];
    stream.read_exact(&mut answer).unwrap();
    channel.greeted(&answer[2..]).unwrap();
    channel
}

const ONE_WITHOUT_KEY: Counters =
    Counters { served: 0, without_key: 1, refused: 0, slow: 0, broken: 0, failed: 0 };
const ONE_REFUSED: Counters = Counters { without_key: 0, refused: 1, ..ONE_WITHOUT_KEY };
const ONE_SLOW: Counters = Counters { without_key: 0, slow: 1, ..ONE_WITHOUT_KEY };
const ONE_BROKEN: Counters = Counters { without_key: 0, broken: 1, ..ONE_WITHOUT_KEY };

#[test]
fn who_has_another_key_gets_nothing() {
    let (error, counters) = served(|stream| {
        assert!(matches!(
            joined(stream, &Key::new([8; 32])),
            Err(peer::Error::Closed | peer::Error::Stream(_))
        ));
    });
    assert!(matches!(error, Error::Peer(peer::Error::Refused(Refused::Key))), "{error}");
    assert_eq!(error.to_string(), "transfer of connections: the peer does not have the key");
    assert_eq!(counters, ONE_WITHOUT_KEY);
}

#[test]
fn who_is_not_the_active_director_is_not_listened_to() {
    let (joining, mut active) = streams();
    send(&active, &[&[0, 48][..], &[1; 48]].concat());
    let error = joined(joining, &KEY).unwrap_err();
    assert!(matches!(error, peer::Error::Refused(Refused::Key)), "{error}");
    assert_eq!(active.read(&mut [0; 64]).unwrap(), 50);
}

#[test]
fn a_damaged_first_frame_is_that_of_one_without_the_key() {
    for at in [2, 33, 34, 49] {
        let (error, counters) = served(move |stream| {
            let mut frame = greeting();
            frame[at] ^= 1;
            send(&stream, &frame);
        });
        assert!(matches!(error, Error::Peer(peer::Error::Refused(Refused::Key))), "{at}: {error}");
        assert_eq!(counters, ONE_WITHOUT_KEY);
    }
}

#[test]
fn recorded_frames_of_one_with_the_key_are_worth_nothing() {
    let (mut joining, mut active) = (Channel::asking(&KEY), Channel::answering(&KEY));
    let (mut frame, mut recorded) = (Vec::new(), Vec::new());
    joining.greet(&mut frame).unwrap();
    recorded.extend(&frame);
    active.greeted(&frame[2..]).unwrap();
    active.greet(&mut frame).unwrap();
    joining.greeted(&frame[2..]).unwrap();
    joining.seal(&request(0), &mut frame).unwrap();
    recorded.extend(&frame);
    let (error, counters) = served(move |stream| send(&stream, &recorded));
    assert!(matches!(error, Error::Peer(peer::Error::Refused(Refused::Forged))), "{error}");
    assert_eq!(counters, ONE_WITHOUT_KEY);
}

#[test]
fn a_first_frame_that_is_too_long_is_not_waited_for() {
    for length in [49_u16, 9_232, u16::MAX] {
        let begun = Instant::now();
        let (error, counters) = served(move |stream| send(&stream, &length.to_be_bytes()));
        let expected = Refused::Frame { length: length.into(), max: 48 };
        assert!(
            matches!(error, Error::Peer(peer::Error::Refused(refused)) if refused == expected),
            "{error}"
        );
        assert_eq!(counters, ONE_REFUSED);
        assert!(begun.elapsed() < GREETING);
    }
}

#[test]
fn who_is_gone_is_counted() {
    for length in [0, 1, 2, 30, 49] {
        let (error, counters) = served(move |stream| {
            send(&stream, &greeting()[..length]);
            stream.shutdown(Shutdown::Write).unwrap();
        });
        assert!(matches!(error, Error::Peer(peer::Error::Closed)), "{error}");
        assert_eq!(counters, ONE_BROKEN);
    }
}

#[test]
fn who_sends_a_byte_now_and_then_has_no_more_time_than_who_sends_none() {
    let begun = Instant::now();
    let (error, counters) = served(|mut stream| {
        for byte in greeting() {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            sleep(GREETING / 20);
        }
    });
    assert!(matches!(error, Error::Peer(peer::Error::Slow)), "{error}");
    assert_eq!(counters, ONE_SLOW);
    assert!(begun.elapsed() < 3 * GREETING);
}

#[test]
fn who_greets_with_a_recorded_frame_and_waits_is_soon_left() {
    let (error, counters) = served(|mut stream| {
        send(&stream, &greeting());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert_eq!(answer.len(), 50);
    });
    assert!(matches!(error, Error::Peer(peer::Error::Slow)), "{error}");
    assert_eq!(counters, ONE_SLOW);
}

#[test]
fn what_no_director_says_is_refused_from_one_with_the_key_too() {
    let mut data = Vec::new();
    Message::Data { read: 1, datagram: &[] }.write(&mut data);
    for (message, expected) in [
        (vec![], Refused::Length { length: 0 }),
        (vec![77], Refused::Kind { kind: 77 }),
        (vec![1, 9], Refused::Version { version: 9 }),
        (data, Refused::Order),
        (vec![4], Refused::Order),
        (vec![1; LONGEST], Refused::Length { length: LONGEST }),
    ] {
        let (error, counters) = served(move |stream| {
            let mut channel = greeted(&stream);
            say(&stream, &mut channel, &message);
        });
        assert!(
            matches!(error, Error::Peer(peer::Error::Refused(refused)) if refused == expected),
            "{error}"
        );
        assert_eq!(counters, ONE_REFUSED);
    }
}

#[test]
fn a_frame_that_is_sent_twice_ends_the_stream() {
    let (joining, active) = streams();
    let active = serving(active, table(&many(3)));
    let mut channel = greeted(&joining);
    let mut frame = Vec::new();
    channel.seal(&request(0), &mut frame).unwrap();
    send(&joining, &[&frame[..], &frame].concat());
    let (sender, served) = active.join().unwrap();
    assert!(
        matches!(served, Err(Error::Peer(peer::Error::Refused(Refused::Forged)))),
        "{served:?}"
    );
    assert_eq!(sender.counters(), ONE_WITHOUT_KEY);
}

#[test]
fn who_asks_again_and_again_is_left() {
    let (joining, active) = streams();
    let active = serving(active, table(&many(3)));
    let mut pipe = joined(joining, &KEY).unwrap();
    for _ in 0..REQUESTS {
        assert_eq!(fetched(&mut pipe, 0).0.len(), 3);
    }
    assert!(fetch(&mut pipe, 0, |_, _| Ok(())).is_err());
    let (sender, served) = active.join().unwrap();
    assert!(matches!(served, Err(Error::TooOften)), "{served:?}");
    assert_eq!(sender.counters(), ONE_REFUSED);
}

#[test]
fn after_any_damage_on_the_way_nothing_more_is_taken() {
    // In the length of a frame, and at both ends of the encrypted bytes.
    for damaged in [50, 51, 52, 5_000, 9_300, 18_600] {
        let (joining, between) = streams();
        let (onward, active) = streams();
        let active = serving(active, table(&many(600)));
        let (back, forth) = (between.try_clone().unwrap(), onward.try_clone().unwrap());
        let relays = [
            thread::spawn(move || relay(&between, &onward, None)),
            thread::spawn(move || relay(&forth, &back, Some(damaged))),
        ];
        let mut pipe = joined(joining, &KEY).unwrap();
        let mut taken = 0;
        let count = |_, connection: Option<Connection<'_>>| {
            taken += connection.iter().count();
            Ok(())
        };
        let error = fetch(&mut pipe, 0, count).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Peer(peer::Error::Refused(Refused::Forged | Refused::Frame { .. }))
            ),
            "{error}"
        );
        // Those of the whole frames before.
        assert_eq!(taken, damaged / 9_215 * 255, "{damaged}");
        drop(pipe);
        assert!(active.join().unwrap().1.is_err());
        relays.into_iter().for_each(|relay| relay.join().unwrap());
    }
}

/// Passes bytes on, one of which is changed.
fn relay(mut from: &TcpStream, mut to: &TcpStream, damaged: Option<usize>) {
    let mut passed = 0;
    let mut bytes = [0; 1_024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if let Some(at) = damaged.and_then(|damaged| damaged.checked_sub(passed)) {
            if let Some(byte) = bytes[..length].get_mut(at) {
                *byte ^= 0x80;
            }
        }
        passed += length;
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn a_pipe_is_not_confused_by_a_peer_that_speaks_first_on_both_sides() {
    let (one, other) = streams();
    let by = Instant::now() + Duration::from_secs(10);
    let other = thread::spawn(move || Pipe::asking(other, &KEY, by).map(drop));
    let one = Pipe::asking(one, &KEY, by).map(drop);
    for side in [one, other.join().unwrap()] {
        assert!(matches!(
            side,
            Err(peer::Error::Refused(Refused::Key) | peer::Error::Closed | peer::Error::Stream(_))
        ));
    }
}
