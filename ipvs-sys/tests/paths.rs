//! A command gives the same bytes by every path, whatever was in the buffer.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is a failed test")]

#[path = "common/commands.rs"]
mod commands;

use commands::{Visit, each};
use ipvs_sys::{Command, Genl, NewService, ServiceAttrs, TooLong, encode, encode_into};
use netlink_packet_core::{Emitable, NetlinkMessage};
use netlink_packet_generic::{GenlFamily, GenlMessage};
use std::fmt::Debug;

const FAMILY: u16 = 0x23;
const FLAGS: u16 = 0x305;
const SEQUENCE: u32 = 0x0102_0304;

fn direct<C: Command>(command: &C) -> Vec<u8> {
    // What is in the buffer stays there.
    let mut bytes = vec![0xa5; 3];
    encode(command, FAMILY, FLAGS, SEQUENCE, &mut bytes).unwrap();
    assert_eq!(bytes[..3], [0xa5; 3]);
    bytes.split_off(3)
}

fn through_netlink_packet<F: GenlFamily + Emitable + Debug>(payload: F) -> Vec<u8> {
    let mut message = GenlMessage::from_payload(payload);
    message.set_resolved_family_id(FAMILY);
    let mut message = NetlinkMessage::from(message);
    message.header.flags = FLAGS;
    message.header.sequence_number = SEQUENCE;
    message.finalize();
    let mut bytes = vec![0xa5; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

#[test]
fn netlink_packet_gives_the_bytes_of_encode_for_every_command() {
    struct Compare(Vec<u8>);
    impl Visit for Compare {
        fn visit<C: Command + Copy + Debug>(&mut self, command: C) {
            assert_eq!(through_netlink_packet(Genl(command)), direct(&command), "{command:?}");
            if C::FAMILY == "IPVS" && self.0.last() != Some(&C::NUMBER) {
                self.0.push(C::NUMBER);
            }
        }
    }
    let mut compare = Compare(Vec::new());
    each(&mut compare);
    assert_eq!(compare.0, Vec::from_iter(1..=17));
}

#[test]
fn a_buffer_gets_the_bytes_of_encode_or_is_refused_with_the_need() {
    struct Compare;
    impl Visit for Compare {
        fn visit<C: Command + Copy + Debug>(&mut self, command: C) {
            let expected = direct(&command);
            let mut buffer = vec![0xa5; expected.len() + 3];
            let len = encode_into(&command, FAMILY, FLAGS, SEQUENCE, &mut buffer).unwrap();
            assert_eq!(buffer[..len], expected, "{command:?}");
            assert_eq!(buffer[len..], [0xa5; 3]);
            for room in 0..expected.len() {
                let refused = encode_into(&command, FAMILY, FLAGS, SEQUENCE, &mut buffer[..room]);
                assert_eq!(refused, Err(TooLong { len: expected.len(), room }), "{command:?}");
            }
        }
    }
    each(&mut Compare);
}

#[test]
fn the_family_is_named() {
    struct Name;
    impl Visit for Name {
        fn visit<C: Command + Copy + Debug>(&mut self, command: C) {
            assert_eq!(Genl::<C>::family_name(), C::FAMILY);
            assert_eq!((Genl(command).command(), Genl(command).version()), (C::NUMBER, C::VERSION));
        }
    }
    each(&mut Name);
}

#[test]
fn a_name_that_no_length_can_express_is_refused_and_the_buffer_stays() {
    let name = vec![b'x'; 65_536];
    let service = |length| ServiceAttrs { scheduler: name.get(..length), ..Default::default() };
    let mut bytes = vec![1, 2, 3];
    // The headers of message, nest and name take 28 bytes, and the name has a NUL.
    for (length, total) in [(65_536, 65_568), (65_508, 65_540), (65_507, 65_536)] {
        let refused = encode(&NewService(service(length)), FAMILY, FLAGS, SEQUENCE, &mut bytes);
        assert_eq!(refused, Err(TooLong { len: total, room: 65_535 }));
        assert_eq!(bytes, [1, 2, 3]);
    }
    encode(&NewService(service(65_503)), FAMILY, FLAGS, SEQUENCE, &mut bytes).unwrap();
    assert_eq!(bytes.len(), 3 + 65_532);
}

#[cfg(feature = "owned")]
mod owned {
    use super::{Debug, FAMILY, Visit, direct, each, through_netlink_packet};
    use ipvs_sys::family::GetFamily;
    use ipvs_sys::{Body, Command, Genl, InfoAttrs, Messages, OwnedMessage, Payload};
    use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
    use netlink_packet_generic::GenlMessage;

    #[test]
    fn an_owned_message_has_the_bytes_of_encode_for_every_command() {
        struct Compare;
        impl Visit for Compare {
            fn visit<C: Command + Copy + Debug>(&mut self, command: C) {
                let owned = OwnedMessage::from(Genl(command));
                assert_eq!(through_netlink_packet(owned), direct(&command), "{command:?}");
            }
        }
        each(&mut Compare);
    }

    #[test]
    fn a_received_message_says_what_the_views_say() {
        struct Compare;
        impl Visit for Compare {
            fn visit<C: Command + Copy + Debug>(&mut self, command: C) {
                let bytes = direct(&command);
                let Payload::Data { attrs, .. } =
                    Messages::new(&bytes).next().unwrap().unwrap().payload
                else {
                    panic!("{command:?}");
                };
                let message = received(&bytes);
                assert_eq!(message.number(), C::NUMBER);
                assert_eq!(message.attrs().as_bytes(), attrs.as_bytes());
                assert_eq!(message.body(), Body::parse(attrs));
                assert_eq!(message.info(), InfoAttrs::parse(attrs));
            }
        }
        each(&mut Compare);
    }

    #[test]
    fn an_attribute_that_cannot_be_read_is_an_error_when_it_is_read() {
        let mut bytes = direct(&GetFamily { name: b"IPVS" });
        // The attribute, of kind 2 like a destination, announces one byte too many.
        bytes[20..22].copy_from_slice(&13u16.to_ne_bytes());
        assert!(received(&bytes).body().is_err());
    }

    fn received(bytes: &[u8]) -> OwnedMessage {
        let message = NetlinkMessage::<GenlMessage<OwnedMessage>>::deserialize(bytes).unwrap();
        let NetlinkPayload::InnerMessage(message) = message.payload else {
            unreachable!("netlink-packet-core reads data as such");
        };
        assert_eq!(message.resolved_family_id(), FAMILY);
        message.payload
    }
}
