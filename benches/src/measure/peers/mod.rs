//! The other published libraries that speak to IPVS, each doing the loop of four as
//! its documentation shows.

pub(crate) mod netlink_packet_ipvs;
pub(crate) mod nlrs;
pub(crate) mod pyroute2;
