//! The reply to GET_INFO, which numbers its top-level attributes on its own.

use crate::attr::Attrs;
use crate::error::DecodeError;
use crate::put::{Put, attr};

const VERSION: u16 = 1;
const CONN_TAB_SIZE: u16 = 2;

/// What the kernel says of its IPVS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct InfoAttrs {
    /// The IPVS version, major, minor and patch in one byte each: `0x010201`.
    pub version: Option<u32>,
    /// The number of buckets of the connection table. From about Linux 7.1 the
    /// table of the network namespace, 0 before its first service.
    pub connection_table_size: Option<u32>,
}

impl InfoAttrs {
    /// Reads the top level of a reply. Unknown attributes are skipped.
    pub fn parse(attrs: Attrs<'_>) -> Result<Self, DecodeError> {
        let mut info = Self::default();
        for attr in attrs {
            let attr = attr?;
            match attr.kind {
                VERSION => info.version = Some(attr.u32_ne("info/version")?),
                CONN_TAB_SIZE => {
                    info.connection_table_size = Some(attr.u32_ne("info/connection table size")?);
                }
                _ => {}
            }
        }
        Ok(info)
    }

    /// Writes the top level of a reply.
    pub(crate) fn write<P: Put>(&self, out: &mut P) {
        let fields = [(VERSION, self.version), (CONN_TAB_SIZE, self.connection_table_size)];
        for (kind, value) in fields {
            if let Some(value) = value {
                attr(out, kind, &value.to_ne_bytes());
            }
        }
    }
}
