//! A target that receives sync messages. A panic is a finding.
//!
//! The tests of `ipvs-sync` include this file to replay the corpora.

use ipvs_sync::proto::{Connection, Datagram, Loss, Message, receive};

/// A datagram; and, as the fuzzer seldom makes one of the length that it says, the same
/// with the right one.
pub fn sync_message(data: &[u8]) {
    received(data);
    let mut data = data.to_vec();
    let size = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
    data.iter_mut().skip(2).zip(size).for_each(|(byte, right)| *byte = right);
    received(&data);
}

fn received(datagram: &[u8]) {
    let message = match receive(datagram, 0) {
        Ok(message) => message,
        Err(rejected) => {
            assert_eq!(rejected.loss(), Loss::Datagram, "{rejected}");
            return;
        }
    };
    let mut connections = message.connections();
    let mut read = Vec::new();
    let mut end = None;
    for connection in connections.by_ref() {
        assert_eq!(end, None, "something after the end");
        match connection {
            Ok(connection) => read.push(connection),
            Err(rejected) => end = Some(rejected),
        }
    }
    assert!(read.len() <= message.count.into());
    assert_eq!(read.len() < message.count.into(), end.is_some());
    if let Some(rejected) = end {
        assert_eq!(rejected.loss(), Loss::Rest, "{rejected}");
    }
    for connection in &read {
        if let Err(rejected) = connection.check() {
            assert_eq!(rejected.loss(), Loss::Connection, "{rejected}");
        }
    }
    sent_again(&message, &read);
    let is_read = end.is_none() && connections.as_bytes().is_empty();
    let may_stop = |connection: &Connection<'_>| {
        connection.others.iter().any(|option| !option.may_be_skipped())
    };
    if is_read && !read.iter().any(may_stop) {
        // Nothing was left out but the padding of the last record.
        let again = encoded(&message, &read).len();
        assert!((again..again + 4).contains(&datagram.len()), "{again} of {datagram:?}");
    }
}

/// What was read can be written, and is read and written as the same.
fn sent_again(message: &Message<'_>, read: &[Connection<'_>]) {
    let again = encoded(message, read);
    let Ok(same) = receive(&again, message.id) else { unreachable!("sent, not received") };
    let told: Result<Vec<_>, _> = same.connections().collect();
    assert_eq!((same.version, told.as_deref()), (message.version, Ok(read)));
    assert_eq!(encoded(message, &told.unwrap_or_default()), again);
}

fn encoded(message: &Message<'_>, connections: &[Connection<'_>]) -> Vec<u8> {
    let mut datagram = Datagram::new(message.version, message.id, u16::MAX);
    for connection in connections {
        assert_eq!(datagram.push(connection), Ok(true), "{connection:?}");
    }
    datagram.as_bytes().to_vec()
}
