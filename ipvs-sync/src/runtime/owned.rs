//! What an owner's interface has to have: nobody adds the addresses of an owner.

use super::Error;
use crate::net::{Interface, Rtnetlink};
use crate::vrrp::VirtualAddresses;

/// Checks that the interface has each of these addresses.
pub(super) fn check(
    netlink: &mut Rtnetlink,
    interface: &Interface,
    addresses: &VirtualAddresses,
) -> Result<(), Error> {
    let there = netlink.addresses(interface, addresses.family())?;
    let is_there = |address| there.iter().any(|entry| entry.address.address() == address);
    match addresses.iter().find(|address| !is_there(*address)) {
        Some(address) => Err(Error::NotOwned { address, interface: interface.name }),
        None => Ok(()),
    }
}
