//! The order of what is told of a table.

use crate::peer::{LeftOut, Message, Refused};
use crate::proto::{Connection, Datagram, Rejected, Version};
use crate::resync::Told;

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
fn what_is_told_must_come_in_order_and_count_right() {
    let mut told = Told::default();
    assert_eq!(told.hear(&data(5, &datagram(5))).unwrap().unwrap().count, 5);
    assert_eq!(told.hear(&data(9, &[])), Ok(None));
    // Back, more connections than were read, and what is only for the other side.
    assert_eq!(told.hear(&data(8, &[])), Err(Refused::Order));
    assert_eq!(told.hear(&data(10, &datagram(2))), Err(Refused::Order));
    assert_eq!(told.hear(&written(&Message::Table { skip: 0 })), Err(Refused::Order));
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
