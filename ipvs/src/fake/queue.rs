//! A socket's receive queue: what it holds, and what happens when it is full.

use super::Version;
use crate::transport::Received;
use std::collections::VecDeque;

/// `net.core.rmem_default`, in bytes of memory.
const LIMIT: usize = 212_992;
/// What a part of a listing has room for on a fresh socket: `NLMSG_GOODSIZE`,
/// with pages of 4 KiB.
const SHORTEST_PART: usize = 3776;
/// The longest receive that `af_netlink.c: netlink_recvmsg` remembers.
const LONGEST_PART: usize = 32_448;
/// `struct sk_buff`.
const HEAD: usize = 256;
/// `struct skb_shared_info`, behind the data.
const TAIL: usize = 320;

pub(super) struct Queue {
    version: Version,
    datagrams: VecDeque<Datagram>,
    /// Memory that the datagrams take.
    charged: usize,
    /// Something was dropped, and nothing is queued until all is received.
    congested: bool,
    /// That is still to be told.
    overrun: bool,
    /// The largest buffer that was offered.
    largest: usize,
}

struct Datagram {
    bytes: Vec<u8>,
    charge: usize,
    /// Whether it is longer than any buffer.
    cut: bool,
}

impl Queue {
    pub(super) fn new(version: Version) -> Self {
        Self {
            version,
            datagrams: VecDeque::new(),
            charged: 0,
            congested: false,
            overrun: false,
            largest: 0,
        }
    }

    /// Queues an answer, or drops it (`af_netlink.c: netlink_attachskb`).
    pub(super) fn answer(&mut self, bytes: Vec<u8>) {
        let charge = self.version.charge(bytes.len());
        if self.congested || self.charged + charge > LIMIT {
            self.overrun();
        } else {
            self.push(bytes, charge);
        }
    }

    /// Queues a part of a listing; there is always room, as for each but the
    /// first the queue is half empty (`af_netlink.c: netlink_dump`).
    pub(super) fn part(&mut self, bytes: Vec<u8>) {
        let charge = HEAD + (self.room() + TAIL).next_power_of_two();
        self.push(bytes, charge);
    }

    /// How long a part of a listing may be.
    pub(super) fn room(&self) -> usize {
        self.largest.clamp(SHORTEST_PART, LONGEST_PART)
    }

    /// Whether a listing cannot begin for lack of memory.
    pub(super) fn is_full(&self) -> bool {
        self.charged >= LIMIT
    }

    /// Whether a listing goes on after something was received.
    pub(super) fn is_half_empty(&self) -> bool {
        self.charged <= LIMIT / 2
    }

    /// How many datagrams there are.
    pub(super) fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Drops what was queued since there were `len`.
    pub(super) fn drop_since(&mut self, len: usize) {
        self.datagrams.truncate(len);
        self.charged = self.datagrams.iter().map(|datagram| datagram.charge).sum();
    }

    /// Makes the first datagram of those since there were `len` too long.
    pub(super) fn cut_since(&mut self, len: usize) {
        if let Some(datagram) = self.datagrams.get_mut(len) {
            datagram.cut = true;
        }
    }

    /// `af_netlink.c: netlink_overrun`.
    pub(super) fn overrun(&mut self) {
        self.overrun |= !self.congested;
        self.congested = true;
    }

    /// Whatever is next. An overrun comes before what was queued before it, as
    /// errors of sockets do.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Received {
        let received = if std::mem::take(&mut self.overrun) {
            Received::Overrun
        } else if let Some(Datagram { bytes, charge, cut }) = self.datagrams.pop_front() {
            self.charged -= charge;
            self.largest = self.largest.max(buffer.len());
            buffer.iter_mut().zip(&bytes).for_each(|(slot, byte)| *slot = *byte);
            if cut || bytes.len() > buffer.len() {
                Received::Truncated(bytes.len().max(buffer.len() + 1))
            } else {
                Received::Datagram(bytes.len())
            }
        } else {
            Received::Empty
        };
        self.congested &= !self.datagrams.is_empty();
        received
    }

    fn push(&mut self, bytes: Vec<u8>, charge: usize) {
        self.charged += charge;
        self.datagrams.push_back(Datagram { bytes, charge, cut: false });
    }
}

impl Version {
    /// What an answer of `len` bytes takes (`skbuff.c: __alloc_skb`, after
    /// `af_netlink.c: netlink_trim`). From 6.3 small ones come from a cache of
    /// their own.
    fn charge(self, len: usize) -> usize {
        let small = 320;
        match self {
            Self::V6_12 if len <= small => HEAD + small + TAIL,
            _ => HEAD + (len + TAIL).next_power_of_two(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are those that were counted on the real kernels.
    #[test]
    fn as_many_answers_as_on_the_real_kernels_are_held() {
        for (version, len, count) in [
            (Version::V6_1, 36, 277),
            (Version::V6_12, 36, 237),
            (Version::V6_1, 320, 166),
            (Version::V6_12, 320, 237),
        ] {
            let mut queue = Queue::new(version);
            for _ in 0..1000 {
                queue.answer(vec![0; len]);
            }
            assert_eq!(queue.receive(&mut [0; 8192]), Received::Overrun);
            let held = std::iter::repeat_with(|| queue.receive(&mut [0; 8192]))
                .take_while(|received| *received != Received::Empty)
                .count();
            assert_eq!(held, count);
        }
    }

    #[test]
    fn nothing_is_queued_before_all_was_received() {
        let mut queue = Queue::new(Version::V6_1);
        queue.answer(vec![1]);
        queue.overrun();
        queue.answer(vec![2]);
        let mut buffer = [0; 1];
        assert_eq!(queue.receive(&mut buffer), Received::Overrun);
        queue.answer(vec![3]);
        assert_eq!(queue.receive(&mut buffer), Received::Datagram(1));
        assert_eq!(buffer, [1]);
        queue.answer(vec![4]);
        assert_eq!(queue.receive(&mut buffer), Received::Datagram(1));
        assert_eq!(buffer, [4]);
        assert_eq!(queue.receive(&mut buffer), Received::Empty);
    }
}
