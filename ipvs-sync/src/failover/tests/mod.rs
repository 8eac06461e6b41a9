//! A director alone, told by hand; and several with real virtual routers in virtual time.

mod alone;
mod races;
mod together;

use super::*;
use crate::peer::Standing;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MICRO: Duration = Duration::from_micros(1);

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

fn vip() -> IpAddr {
    VIP
}
