//! The three connection timeouts, attributes of SET_CONFIG and its reply.

use crate::attr::Attr;
use crate::error::DecodeError;
use crate::put::{Put, attr};

pub(crate) const TCP: u16 = 4;
pub(crate) const TCP_FIN: u16 = 5;
pub(crate) const UDP: u16 = 6;

/// Connection timeouts in seconds.
///
/// In a request, an absent one and one of 0 keep their value. In a reply, one
/// is absent where the kernel lacks the protocol (`ip_vs_ctl.c:
/// ip_vs_genl_set_config`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TimeoutAttrs {
    /// TCP connections in the established state.
    pub tcp: Option<u32>,
    /// TCP connections after a FIN.
    pub tcp_fin: Option<u32>,
    /// UDP connections.
    pub udp: Option<u32>,
}

impl TimeoutAttrs {
    /// Takes the attribute over if it is one of the three.
    pub(crate) fn take(&mut self, attr: Attr<'_>) -> Result<(), DecodeError> {
        match attr.kind {
            TCP => self.tcp = Some(attr.u32_ne("timeout/tcp")?),
            TCP_FIN => self.tcp_fin = Some(attr.u32_ne("timeout/tcp fin")?),
            UDP => self.udp = Some(attr.u32_ne("timeout/udp")?),
            _ => {}
        }
        Ok(())
    }

    /// Writes those that are present as top-level attributes.
    pub(crate) fn write<P: Put>(&self, out: &mut P) {
        for (kind, value) in [(TCP, self.tcp), (TCP_FIN, self.tcp_fin), (UDP, self.udp)] {
            if let Some(seconds) = value {
                attr(out, kind, &seconds.to_ne_bytes());
            }
        }
    }
}
