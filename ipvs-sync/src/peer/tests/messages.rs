//! Messages, and what is in answers.

use crate::peer::{LeftOut, Message, Refused, Standing};
use crate::vrrp::Time;
use crate::vrrp::router::State;

fn written(message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.write(&mut bytes);
    bytes
}

#[test]
fn messages_are_written_as_they_are_read() {
    let left_out = LeftOut { unreadable: 1, mixed_families: 2, unknown: 3 };
    let v4 = [10, 0, 0, 7].into();
    let v6 = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into();
    for (message, bytes) in [
        (Message::Table { skip: 0x0102 }, &[1, 1, 0, 0, 0, 0, 0, 0, 1, 2][..]),
        (Message::Data { read: 3, datagram: b"sync" }, b"\x02\0\0\0\0\0\0\0\x03sync"),
        (Message::Data { read: 3, datagram: b"" }, b"\x02\0\0\0\0\0\0\0\x03"),
        (
            Message::End { read: 4, left_out },
            b"\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03",
        ),
        (Message::Thanks, &[4]),
        (Message::Reading, &[12]),
        (Message::Routers, &[5, 1]),
        (Message::Promote { address: v4 }, b"\x06\x01\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x07"),
        (Message::Promote { address: v6 }, b"\x06\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"),
        (Message::Report, &[7, 1]),
        (Message::Prepare { address: v4 }, b"\x0b\x01\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x07"),
        (
            Message::Claim { address: v4, priority: 150 },
            b"\x0a\x01\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x07\x96",
        ),
    ] {
        assert_eq!(written(&message), bytes);
        assert_eq!(Message::read(bytes), Ok(message));
        for end in 1..bytes.len().min(9) {
            let cut = Message::read(&bytes[..end]);
            assert!(matches!(cut, Err(Refused::Length { .. })), "{cut:?}");
        }
    }
    for surplus in [
        Message::Table { skip: 0 },
        Message::Thanks,
        Message::Reading,
        Message::Routers,
        Message::Report,
        Message::Promote { address: v4 },
        Message::Claim { address: v4, priority: 1 },
    ] {
        let bytes = [&written(&surplus)[..], &[0]].concat();
        assert_eq!(Message::read(&bytes), Err(Refused::Length { length: bytes.len() }));
    }
    assert_eq!(Message::read(&[]), Err(Refused::Length { length: 0 }));
    assert_eq!(Message::read(&[77]), Err(Refused::Kind { kind: 77 }));
    for kind in [1, 5, 6, 7, 10, 11] {
        assert_eq!(Message::read(&[kind, 2]), Err(Refused::Version { version: 2 }));
    }
}

#[test]
fn answers_are_written_as_they_are_read() {
    for (message, bytes) in [
        (Message::Part { bytes: b"answer" }, &b"\x08answer"[..]),
        (Message::Part { bytes: b"" }, b"\x08"),
        (Message::Declined { reason: "no \u{e9}" }, b"\x09no \xc3\xa9"),
        (Message::Declined { reason: "" }, b"\x09"),
    ] {
        assert_eq!(written(&message), bytes);
        assert_eq!(Message::read(bytes), Ok(message));
    }
    assert_eq!(Message::read(b"\x09no \xc3"), Err(Refused::Text));
}

#[test]
fn standings_are_written_as_they_are_read() {
    let all = [
        (State::Stopped, false, [10, 0, 0, 7].into()),
        (State::Fault, false, [10, 0, 0, 8].into()),
        (State::Backup, true, [0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into()),
        (State::Active, true, [10, 0, 0, 9].into()),
    ]
    .map(|(state, is_ready, address)| Standing {
        address,
        state,
        is_ready,
        activated: is_ready.then_some(Time::from_micros(0x0102_0304_0506_0708)),
    });
    let mut bytes = Vec::new();
    all.iter().for_each(|standing| standing.write(&mut bytes));
    assert_eq!(bytes[..18], *b"\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x07\0\0");
    assert_eq!(bytes[18..26], [0; 8]);
    assert_eq!(bytes[52..70], *b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x02\x01");
    assert_eq!(bytes[70..78], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(Standing::read_all(&bytes).unwrap(), all);
    assert_eq!(Standing::read_all(&[]).unwrap(), []);
    assert_eq!(Standing::read_all(&bytes[..103]), Err(Refused::Length { length: 103 }));
    bytes[16] = 4;
    assert_eq!(Standing::read_all(&bytes), Err(Refused::Standing { state: 4 }));
}
