//! Messages, and their order.

use crate::proto::{Connection, Datagram, Rejected, Version};
use crate::resync::{LeftOut, Message, Refused, Told};

fn written(message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.write(&mut bytes);
    bytes
}

fn data(read: u64, datagram: &[u8]) -> Vec<u8> {
    written(&Message::Data { read, datagram })
}

fn datagram(count: u8) -> Vec<u8> {
    let mut datagram = Datagram::new(Version::V1, 0, 9_188);
    for port in 1..=u16::from(count) {
        let end = |port| ipvs::Endpoint::new([192, 0, 2, 9], port);
        assert_eq!(datagram.push(&Connection::new(6, end(port), end(80), end(8080))), Ok(true));
    }
    datagram.as_bytes().to_vec()
}

#[test]
fn messages_are_written_as_they_are_read() {
    let left_out = LeftOut { unreadable: 1, mixed_families: 2, unknown: 3 };
    for (message, bytes) in [
        (Message::Request { skip: 0x0102 }, &[1, 1, 0, 0, 0, 0, 0, 0, 1, 2][..]),
        (Message::Data { read: 3, datagram: b"sync" }, b"\x02\0\0\0\0\0\0\0\x03sync"),
        (Message::Data { read: 3, datagram: b"" }, b"\x02\0\0\0\0\0\0\0\x03"),
        (
            Message::End { read: 4, left_out },
            b"\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03",
        ),
        (Message::Thanks, &[4]),
    ] {
        assert_eq!(written(&message), bytes);
        assert_eq!(Message::read(bytes), Ok(message));
        for end in 1..bytes.len().min(9) {
            let cut = Message::read(&bytes[..end]);
            assert!(matches!(cut, Err(Refused::Length { .. })), "{cut:?}");
        }
    }
    let surplus = [&written(&Message::Request { skip: 0 })[..], &[0]].concat();
    assert_eq!(Message::read(&surplus), Err(Refused::Length { length: 11 }));
    assert_eq!(Message::read(&[4, 0]), Err(Refused::Length { length: 2 }));
    assert_eq!(Message::read(&[]), Err(Refused::Length { length: 0 }));
    assert_eq!(Message::read(&[9]), Err(Refused::Kind { kind: 9 }));
    assert_eq!(Message::read(&[1, 2]), Err(Refused::Version { version: 2 }));
}

#[test]
fn what_is_told_must_come_in_order_and_count_right() {
    let mut told = Told::default();
    assert_eq!(told.hear(&data(5, &datagram(5))).unwrap().unwrap().count, 5);
    assert_eq!(told.hear(&data(9, &[])), Ok(None));
    // Back, more connections than were read, and what is only for the other side.
    assert_eq!(told.hear(&data(8, &[])), Err(Refused::Order));
    assert_eq!(told.hear(&data(10, &datagram(2))), Err(Refused::Order));
    assert_eq!(told.hear(&written(&Message::Request { skip: 0 })), Err(Refused::Order));
    assert_eq!(told.hear(&data(10, b"abc")), Err(Refused::Datagram(Rejected::Header { have: 3 })));
    let left_out = LeftOut::default();
    assert_eq!(told.hear(&written(&Message::End { read: 8, left_out })), Err(Refused::Order));
    assert_eq!((told.read(), told.end()), (9, None));
    let end = written(&Message::End { read: 9, left_out });
    assert_eq!(told.hear(&end), Ok(None));
    assert_eq!((told.read(), told.end()), (9, Some(left_out)));
    assert_eq!(told.hear(&end), Err(Refused::Order));
    assert_eq!(told.hear(&data(20, &[])), Err(Refused::Order));
}
