//! The interfaces, which virtual routers track and sync daemons need.

use ipvs::{InterfaceName, Namespace};
use ipvs_sync::net::{Error, Event, Events, Interface, Rtnetlink};
use std::os::fd::{AsFd, BorrowedFd};

/// All interfaces, as they are.
pub(crate) struct Links {
    events: Events,
    netlink: Rtnetlink,
    interfaces: Vec<Interface>,
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
        let netlink = Rtnetlink::open()?;
        let mut this = Self { events, netlink, interfaces: Vec::new() };
        this.list()?;
        Ok(this)
    }

    fn list(&mut self) -> Result<(), Error> {
        self.interfaces = self.netlink.interfaces()?;
        Ok(())
    }

    /// Takes what has changed; whether something has.
    pub(crate) fn notice_changes(&mut self) -> Result<bool, Error> {
        let mut is_changed = false;
        while let Some(event) = self.events.poll()? {
            is_changed |= matches!(event, Event::Link(_) | Event::LinkGone(_) | Event::Lost);
        }
        // By a list and not by the events: an interface may have another name now.
        if is_changed {
            let before = std::mem::take(&mut self.interfaces);
            self.list()?;
            is_changed = before != self.interfaces;
        }
        Ok(is_changed)
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
