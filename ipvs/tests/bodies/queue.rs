//! How datagrams are sent and answers queued, whatever they say.

use super::Bench;
use super::raw::{Answer, Raw, service};
use ipvs::transport::Transport as _;
use ipvs_sys::{Flush, GetInfo, ServiceAttrs, encode};
use std::io;

const REQUEST: u16 = 1;
const ACK: u16 = 4;

pub(crate) fn past_its_end_answers_are_lost_and_requests_carried_out<B: Bench>() {
    const COUNT: u32 = 900;
    let bench = B::fresh();
    let mut raw = Raw::open(bench.socket());
    for n in 0..COUNT {
        let addr = (0x0a00_0000 + n).to_be_bytes();
        raw.put(&service(ServiceAttrs::by_address(2, 6, &addr, 80), b"rr", 0), REQUEST | ACK);
    }
    raw.begin();
    // It is told first, and nothing is queued before the last was received.
    assert_eq!(raw.receive(), Some(Answer::Overrun));
    raw.put(&GetInfo, REQUEST);
    raw.begin();
    let held = raw.rest();
    assert!(held.iter().all(|answer| *answer == Answer::Code(0)), "{held:?}");
    assert!([277, 237].contains(&held.len()), "{}", held.len());
    raw.put(&GetInfo, REQUEST);
    raw.begin();
    assert_eq!(raw.rest(), [Answer::Data(36)]);
    assert_eq!(bench.client().services().unwrap().len(), 900);
}

pub(crate) fn what_is_no_message_ends_a_batch<B: Bench>() {
    let bench = B::fresh();
    let mut raw = Raw::open(bench.socket());
    // Fewer bytes than a header, and more than there are.
    for length in [15_u32, 21] {
        raw.put(&GetInfo, REQUEST);
        let start = raw.pending.len();
        raw.put(&GetInfo, REQUEST);
        raw.pending.splice(start..start + 4, length.to_ne_bytes());
        raw.begin();
        assert_eq!(raw.rest(), [Answer::Data(36)]);
    }
}

pub(crate) fn what_is_no_request_is_not_carried_out<B: Bench>() {
    let bench = B::fresh();
    let mut raw = Raw::open(bench.socket());
    let key = ServiceAttrs::by_address(2, 6, &[10, 0, 0, 1], 80);
    raw.put(&service(key, b"rr", 0), ACK);
    raw.put(&service(key, b"rr", 0), 0);
    raw.begin();
    assert_eq!(raw.rest(), [Answer::Code(0)]);
    assert_eq!(bench.client().services().unwrap(), []);
}

pub(crate) fn a_datagram_has_a_longest_length<B: Bench>() {
    const LONGEST: usize = 212_960;
    let bench = B::fresh();
    let mut socket = bench.socket();
    let errno = |result: io::Result<()>| result.unwrap_err().raw_os_error();
    assert_eq!(errno(socket.send(&[])), Some(61));
    assert_eq!(errno(socket.send(&vec![0; LONGEST + 1])), Some(90));
    let mut datagram = Vec::new();
    encode(&Flush, 0, REQUEST, 1, &mut datagram).unwrap();
    datagram.resize(LONGEST, 0);
    socket.send(&datagram).unwrap();
}
