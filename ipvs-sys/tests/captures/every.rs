//! What holds for every capture.

use crate::files::{every, read_in_every_way};
use crate::{bytes, messages, write};
use ipvs_sys::family::{GetFamily, NLCTRL};
use ipvs_sys::{
    Attrs, Body, DaemonAttrs, DestinationAttrs, InfoAttrs, Messages, Payload, ServiceAttrs, SetInfo,
};
use netlink_packet_core::{NlaBuffer, NlasIterator, Parseable};

/// The data messages of all captures: where, the bytes, the command and the attributes.
fn for_each_data(mut check: impl FnMut(&str, &[u8], u8, Attrs<'_>)) {
    for (name, file) in every() {
        for (message, bytes) in messages(&file) {
            if let Payload::Data { command, attrs, .. } = message.payload {
                check(&name, bytes, command, attrs);
            }
        }
    }
}

#[test]
fn reading_and_writing_back_gives_the_same_bytes() {
    let mut seen = 0;
    for_each_data(|name, captured, command, attrs| {
        let header = Messages::new(captured).next().unwrap().unwrap().header;
        let written = match (header.message_type, command) {
            // A family's reply has operations that are not kept.
            (NLCTRL, 1) => return,
            (NLCTRL, _) => bytes(&GetFamily::parse(attrs).unwrap(), header),
            (_, 14) => bytes(&SetInfo(InfoAttrs::parse(attrs).unwrap()), header),
            _ => write(command, &Body::parse(attrs).unwrap(), header),
        };
        assert_eq!(written, captured, "{name}");
        seen += 1;
    });
    assert!(seen > 120, "{seen} messages");
}

#[test]
fn both_attribute_iterators_agree() {
    let mut seen = 0;
    for_each_data(|name, _, _, attrs| seen += agree(name, attrs.as_bytes()));
    assert!(seen > 2000, "{seen} attributes");
}

/// Compares the iterators on `bytes` and on every value in them. A value that is
/// no nest may look like one; the iterators need to agree there all the same,
/// unless netlink-packet-core's refuses it.
fn agree(name: &str, bytes: &[u8]) -> usize {
    let Ok(theirs) = NlasIterator::new(bytes).collect::<Result<Vec<_>, _>>() else { return 0 };
    let ours: Vec<_> = Attrs::new(bytes, "test").map(Result::unwrap).collect();
    let kinds = |(ours, theirs): (&ipvs_sys::Attr<'_>, &NlaBuffer<&[u8]>)| {
        assert_eq!((ours.kind, ours.value), (theirs.kind(), theirs.value()), "{name}");
        agree(name, ours.value)
    };
    assert_eq!(ours.len(), theirs.len(), "{name}");
    ours.len() + ours.iter().zip(&theirs).map(kinds).sum::<usize>()
}

#[test]
fn views_are_the_same_through_netlink_packet_core() {
    let mut seen = 0;
    for_each_data(|name, _, command, attrs| {
        // Those of nlctrl and GET_INFO number their attributes otherwise.
        let Ok(body) = Body::parse(attrs) else { return };
        if command == 14 || name.contains("family") {
            return;
        }
        for nla in NlasIterator::new(attrs.as_bytes()) {
            let nla: NlaBuffer<&[u8]> = nla.unwrap();
            match nla.kind() {
                1 => assert_eq!(body.service, Some(view::<ServiceAttrs<'_>>(&nla)), "{name}"),
                2 => assert_eq!(body.destination, Some(view::<DestinationAttrs<'_>>(&nla))),
                3 => assert_eq!(body.daemon, Some(view::<DaemonAttrs<'_>>(&nla)), "{name}"),
                _ => continue,
            }
            seen += 1;
        }
    });
    assert!(seen > 100, "{seen} nests");
}

fn view<'a, V: Parseable<NlaBuffer<&'a [u8]>>>(nla: &NlaBuffer<&'a [u8]>) -> V {
    <V as Parseable<_>>::parse(nla).unwrap()
}

#[test]
fn every_capture_can_be_cut_anywhere() {
    for (_, file) in every() {
        for length in 0..file.len() {
            read_in_every_way(&file[..length]);
        }
    }
}

#[test]
fn any_byte_of_a_capture_can_be_wrong() {
    for (_, file) in every() {
        for (_, bytes) in messages(&file) {
            let mut bytes = bytes.to_vec();
            for at in 0..bytes.len() {
                let right = bytes[at];
                for wrong in [!right, right ^ 1, right ^ 4, 0] {
                    bytes[at] = wrong;
                    read_in_every_way(&bytes);
                }
                bytes[at] = right;
            }
        }
    }
}
