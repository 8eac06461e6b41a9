//! The interfaces, which virtual routers track and sync daemons need.

use ipvs::{InterfaceName, Namespace};
use ipvs_sync::net::{Error, Event, Events, Interface, Rtnetlink};
use std::os::fd::{AsFd, BorrowedFd};

/// All interfaces, as they are.
pub(crate) struct Links {
    events: Events,
    netlink: Rtnetlink,
    interfaces: Vec<Interface>,
    /// Something has changed, and they were not read again yet.
    is_stale: bool,
}

impl Links {
    /// Of a network namespace, or that of the thread.
    pub(crate) fn open(namespace: Option<&Namespace>) -> Result<Self, String> {
        let links = match namespace {
            Some(namespace) => namespace.run(Self::open_here).map_err(|error| error.to_string())?,
            None => Self::open_here(),
        };
        links.map_err(|error| error.to_string())
    }

    fn open_here() -> Result<Self, Error> {
        let events = Events::open()?;
        let mut netlink = Rtnetlink::open()?;
        let interfaces = netlink.interfaces()?;
        Ok(Self { events, netlink, interfaces, is_stale: false })
    }

    /// Takes what has changed; whether something has. What cannot be read stays as it was,
    /// and is read the next time.
    pub(crate) fn notice_changes(&mut self) -> Result<bool, Error> {
        while let Some(event) = self.events.poll()? {
            self.is_stale |= matches!(event, Event::Link(_) | Event::LinkGone(_) | Event::Lost);
        }
        if !self.is_stale {
            return Ok(false);
        }
        // By a list and not by the events: an interface may have another name now.
        let interfaces = self.netlink.interfaces()?;
        self.is_stale = false;
        let before = std::mem::replace(&mut self.interfaces, interfaces);
        Ok(before != self.interfaces)
    }

    /// Whether an interface is there, is set up and has a carrier.
    pub(crate) fn is_well(&self, interface: InterfaceName) -> bool {
        self.interfaces.iter().any(|it| it.name == interface && it.is_running)
    }

    pub(crate) fn all(&self) -> &[Interface] {
        &self.interfaces
    }
}

impl AsFd for Links {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }
}
