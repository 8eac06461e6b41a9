//! Who has the addresses of a virtual router that is about to take over.

use crate::net::{Error, ErrorKind, Interface, Prober};
use crate::vrrp::Family;
use crate::vrrp::router::Answer;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd};

/// The question of one virtual router. It has sockets from the first time that it is
/// asked until the router is no longer a backup: an active one has other traffic to spend
/// its time on than a filter.
#[derive(Debug, Default)]
pub(super) struct Question {
    /// The first asks, and all hear.
    probers: Vec<Prober>,
    /// Nobody has answered since it was asked last.
    is_open: bool,
}

impl Question {
    /// Asks for these addresses at the first interface, and hears who has them at all of
    /// these.
    pub(super) fn ask(
        &mut self,
        interfaces: impl IntoIterator<Item = Interface>,
        family: Family,
        addresses: &[IpAddr],
    ) -> Result<(), Error> {
        if self.probers.first().is_none_or(|prober| prober.addresses() != addresses) {
            let open = |interface: Interface| Prober::open(&interface, family, addresses.to_vec());
            self.probers = interfaces.into_iter().map(open).collect::<Result<_, _>>()?;
        }
        self.is_open = true;
        self.probers.first().map_or(Ok(()), Prober::ask)
    }

    /// The first that somebody has said since it was asked. However much there is, all is
    /// taken.
    pub(super) fn answer(&mut self) -> Result<Option<Answer>, Error> {
        for prober in &self.probers {
            match prober.receive() {
                Ok(Some(answer)) if std::mem::take(&mut self.is_open) => return Ok(Some(answer)),
                Ok(_) => {}
                Err(error) => {
                    self.end();
                    // That is told by itself.
                    let is_told = error.kind() == ErrorKind::InterfaceDown;
                    return if is_told { Ok(None) } else { Err(error) };
                }
            }
        }
        Ok(None)
    }

    /// Nobody wants to know, or not of these interfaces.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// What is to be polled for answers.
    pub(super) fn polled(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.probers.iter().map(|prober| prober.as_fd())
    }
}
