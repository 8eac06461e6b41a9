//! Listings, part by part.

use super::answer::{self, Address};
use super::fault::{Fate, Meanwhile};
use super::policy::{self, Message};
use super::request::ServiceRequest;
use super::socket::HEADERS;
use super::state::State;
use ipvs_sys::{Command as _, GetDaemon, GetDestination, GetService, Header};

/// A listing that was begun.
///
/// The kernel holds no lock between two parts. It keeps how many entries it has
/// listed, and counts them anew for each part.
pub(super) struct Dump {
    request: Header,
    command: u8,
    /// What the request has behind its generic header.
    attrs: Vec<u8>,
    /// How many entries were listed.
    position: usize,
    /// An error that ends it after its first part.
    cut: Option<i32>,
    /// What happens before its second part.
    pub(super) between: Vec<Meanwhile>,
    begun: bool,
}

/// A part of a listing.
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) last: bool,
}

/// Whether there is such a listing.
pub(super) fn exists(command: u8) -> bool {
    matches!(command, GetService::NUMBER | GetDestination::NUMBER | GetDaemon::NUMBER)
}

impl Dump {
    pub(super) fn new(request: Header, command: u8, attrs: &[u8], fate: &mut Fate) -> Self {
        Self {
            request,
            command,
            attrs: attrs.to_vec(),
            position: 0,
            cut: fate.cut.take(),
            between: std::mem::take(&mut fate.between),
            begun: false,
        }
    }

    /// Whether the next part is the second.
    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }

    /// The next part, of at most `room` bytes. The end is a part by itself: the
    /// functions of IPVS return how much they listed (`af_netlink.c:
    /// netlink_dump`).
    pub(super) fn part(&mut self, state: &State, port: u32, room: usize) -> Part {
        if self.begun {
            if let Some(errno) = self.cut {
                return Part { bytes: answer::done(self.request, port, errno, &[]), last: true };
            }
        }
        self.begun = true;
        let mut part = Filling {
            to: Address { family: state.family, sequence: self.request.sequence, port },
            room,
            bytes: Vec::new(),
        };
        let note = self.fill(state, &mut part);
        if !part.bytes.is_empty() {
            return Part { bytes: part.bytes, last: false };
        }
        Part { bytes: answer::done(self.request, port, 0, &note), last: true }
    }

    /// Fills the part, and says what the end is to say.
    fn fill(&mut self, state: &State, part: &mut Filling) -> Vec<u8> {
        let start = self.position;
        match self.command {
            GetService::NUMBER => {
                for found in state.services.iter().skip(start) {
                    if !part.put(|to, out| answer::service(found, |entry| to.part(entry, out))) {
                        break;
                    }
                    self.position += 1;
                }
            }
            GetDestination::NUMBER => {
                // The request is read anew for each part. A service that is not
                // there, or not named, has no destinations.
                let Ok(Message { values, note, .. }) = Message::parse(&self.attrs, HEADERS) else {
                    // The end of a listing has the text only.
                    return policy::text(policy::REFUSED);
                };
                let [_, service, ..] = values;
                let asked = ServiceRequest::parse(service);
                let Some(found) = asked.ok().and_then(|asked| state.find(&asked.key)) else {
                    return note;
                };
                for entry in found.destinations.iter().rev().skip(start) {
                    let put = |to: Address, out: &mut Vec<u8>| {
                        answer::destination(entry, |entry| to.part(entry, out));
                    };
                    if !part.put(put) {
                        break;
                    }
                    self.position += 1;
                }
                return note;
            }
            _ => {
                for daemon in state.daemons.running().skip(start) {
                    if !part.put(|to, out| to.part(&answer::daemon(daemon), out)) {
                        break;
                    }
                    self.position += 1;
                }
            }
        }
        Vec::new()
    }
}

/// A part that is being filled.
struct Filling {
    to: Address,
    room: usize,
    bytes: Vec<u8>,
}

impl Filling {
    /// Puts an entry, if it fits.
    fn put(&mut self, entry: impl FnOnce(Address, &mut Vec<u8>)) -> bool {
        let before = self.bytes.len();
        entry(self.to, &mut self.bytes);
        let fits = self.bytes.len() <= self.room;
        if !fits {
            self.bytes.truncate(before);
        }
        fits
    }
}
