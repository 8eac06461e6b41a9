//! Timeouts, and what the kernel says of itself.

use crate::Rule;
use crate::rule::MAX_TIMEOUT;
use ipvs_sys::{InfoAttrs, TimeoutAttrs};
use std::fmt;

/// Connection timeouts in seconds.
///
/// When set, those that are `None` keep their value. When read, one is `None`
/// where the kernel lacks the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields, rename_all = "kebab-case"))]
pub struct Timeouts {
    /// Of established TCP connections; 900 by default.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub tcp: Option<u32>,
    /// Of TCP connections after a FIN; 120 by default.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub tcp_fin: Option<u32>,
    /// Of UDP connections; 300 by default.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub udp: Option<u32>,
}

impl Timeouts {
    /// Whether the kernel would set them.
    ///
    /// # Errors
    ///
    /// [`Rule::TimeoutRange`]. The client checks before it sends.
    pub fn check(&self) -> Result<(), Rule> {
        for (what, timeout) in [("tcp", self.tcp), ("tcp fin", self.tcp_fin), ("udp", self.udp)] {
            match timeout {
                None | Some(1..=MAX_TIMEOUT) => {}
                Some(seconds) => return Err(Rule::TimeoutRange { what, seconds }),
            }
        }
        Ok(())
    }

    /// Of these timeouts, those that differ in `other`.
    pub(crate) fn without_same(self, other: Self) -> Self {
        let keep = |wanted: Option<u32>, found| wanted.filter(|_| wanted != found);
        Self {
            tcp: keep(self.tcp, other.tcp),
            tcp_fin: keep(self.tcp_fin, other.tcp_fin),
            udp: keep(self.udp, other.udp),
        }
    }

    pub(crate) fn attrs(self) -> TimeoutAttrs {
        TimeoutAttrs { tcp: self.tcp, tcp_fin: self.tcp_fin, udp: self.udp }
    }
}

/// As `tcp 900 tcp-fin 120 udp 300`, those that are `Some`.
impl fmt::Display for Timeouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [("tcp", self.tcp), ("tcp-fin", self.tcp_fin), ("udp", self.udp)];
        let given = all.iter().filter_map(|(what, timeout)| Some((what, (*timeout)?)));
        let words: Vec<String> = given.map(|(what, timeout)| format!("{what} {timeout}")).collect();
        f.pad(&words.join(" "))
    }
}

impl From<TimeoutAttrs> for Timeouts {
    fn from(attrs: TimeoutAttrs) -> Self {
        Self { tcp: attrs.tcp, tcp_fin: attrs.tcp_fin, udp: attrs.udp }
    }
}

/// What the kernel says of its IPVS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub struct Info {
    /// The version: major, minor, patch. 1.2.1 since 2009.
    pub version: (u8, u8, u8),
    /// The number of buckets of the connection table. From about Linux 7.1
    /// that of the network namespace, 0 before its first service.
    pub connection_table_size: u32,
}

impl From<InfoAttrs> for Info {
    fn from(attrs: InfoAttrs) -> Self {
        let [_, major, minor, patch] = attrs.version.unwrap_or(0).to_be_bytes();
        Self {
            version: (major, minor, patch),
            connection_table_size: attrs.connection_table_size.unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_overflow_are_refused_by_name() {
        let timeouts = Timeouts { tcp_fin: Some(0), ..Timeouts::default() };
        assert_eq!(
            timeouts.check().unwrap_err().to_string(),
            "tcp fin timeout of 0 s: leave it out to keep the present one"
        );
        let timeouts = Timeouts { udp: Some(21_474_837), ..Timeouts::default() };
        assert_eq!(
            timeouts.check().unwrap_err().to_string(),
            "udp timeout of 21474837 s out of range: 1 to 21474836 s"
        );
        assert_eq!(Timeouts::default().check(), Ok(()));
    }

    #[test]
    fn the_version_is_read_from_the_highest_byte_down() {
        let attrs = InfoAttrs { version: Some(0x010203), connection_table_size: Some(4096) };
        assert_eq!(Info::from(attrs), Info { version: (1, 2, 3), connection_table_size: 4096 });
    }
}
