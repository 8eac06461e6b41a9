//! A real server of a virtual service.

use crate::forwarding::Wire;
use crate::key::{Octets, required};
use crate::rule;
use crate::{Endpoint, Family, Forwarding, ParseError, Rule, ServiceKey, Stats};
use ipvs_sys::{DecodeError, DestinationAttrs};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// A destination: a real server, how packets reach it, and its share.
///
/// The fields are the kernel's own, so a destination that was read is written
/// back without loss, whatever tool made it. Two destinations are equal when
/// they do the same.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(into = "crate::form::DestinationForm", from = "crate::form::DestinationForm")
)]
pub struct Destination {
    endpoint: Endpoint,
    forwarding: Wire,
    weight: Weight,
    thresholds: Thresholds,
}

/// A destination with its connections and what the kernel counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DestinationEntry {
    /// The destination.
    pub destination: Destination,
    /// Its connections now.
    pub connections: Connections,
    /// Its counters and rates, refreshed by the kernel every two seconds.
    pub stats: Stats,
}

/// The connections that a destination has at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Connections {
    /// Of TCP, those that are being established or are, and half-open ones
    /// (`ip_vs_proto_tcp.c: tcp_state_active_table`).
    pub active: u32,
    /// Of TCP, those that are being closed; all of UDP's.
    pub inactive: u32,
    /// Persistence templates: clients that are remembered.
    pub persistent: u32,
}

/// The share of new connections, 0 to 2,147,483,647. With 0 a destination
/// gets none and keeps those it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u32);

/// Numbers of connections at which a destination is full, and free again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(into = "crate::form::ThresholdsForm", try_from = "crate::form::ThresholdsForm")
)]
pub struct Thresholds {
    upper: u32,
    lower: u32,
}

impl Destination {
    /// A destination by masquerading with weight 1 and no thresholds.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            forwarding: Wire::default(),
            weight: Weight::ONE,
            thresholds: Thresholds::NONE,
        }
    }

    /// The same with another weight.
    pub fn with_weight(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    /// The same by another forwarding method.
    pub fn with_forwarding(self, forwarding: Forwarding) -> Self {
        Self { forwarding: forwarding.into(), ..self }
    }

    /// The same with other thresholds.
    pub fn with_thresholds(self, thresholds: Thresholds) -> Self {
        Self { thresholds, ..self }
    }

    /// The server's address and port.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// How packets reach it.
    pub fn forwarding(&self) -> Forwarding {
        self.forwarding.into()
    }

    /// Its share.
    pub fn weight(&self) -> Weight {
        self.weight
    }

    /// When it is full.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// Whether it can be a destination of the service `key`.
    ///
    /// # Errors
    ///
    /// The first [`Rule`] that it breaks. The client checks before it sends.
    pub fn check(&self, key: &ServiceKey) -> Result<(), Rule> {
        self.check_except(key, |_| false)
    }

    /// Checks an edit of `before`. What another tool left behind is not the edit's
    /// doing, and must not stand in its way.
    pub(crate) fn check_edit(&self, key: &ServiceKey, before: &Self) -> Result<(), Rule> {
        self.check_except(key, |rule| before.check_except(key, |other| other != rule).is_err())
    }

    /// The first rule that it breaks and that is not excused.
    #[inline]
    fn check_except(&self, key: &ServiceKey, excused: impl Fn(&Rule) -> bool) -> Result<(), Rule> {
        let refuse_if = |broken, rule| rule::refuse(broken, rule, &excused);
        let Endpoint { address, port: destination } = self.endpoint;
        let (forwarding, family) = (self.forwarding(), key.family());
        let tunnel = matches!(forwarding, Forwarding::Tunnel(_));
        let mixed = self.endpoint.family() != family;
        let service = match key {
            ServiceKey::Address { endpoint, .. } => endpoint.port,
            ServiceKey::Mark { .. } => 0,
        };
        // Port 0 is every port of a service, and the service's of a destination.
        let moved = destination != service && destination != 0 && service != 0;
        refuse_if(!is_one_host(address), Rule::AddressUnicast { address })?;
        refuse_if(mixed && !tunnel, Rule::MixedFamilyTunnel { service: family })?;
        refuse_if(moved && forwarding.keeps_port(), Rule::PortKept { destination, service })
    }

    /// The first letter of the forwarding method in the kernel's listing as text
    /// (`ip_vs_ctl.c: ip_vs_fwd_name`).
    pub(crate) fn listed_forwarding(&self) -> u8 {
        match self.forwarding.method {
            DestinationAttrs::LOCAL => b'L',
            DestinationAttrs::TUNNEL => b'T',
            DestinationAttrs::DIRECT_ROUTE => b'R',
            _ => b'M',
        }
    }

    /// What it does: without the numbers that the kernel keeps and does not use.
    fn meaning(&self) -> (Endpoint, Forwarding, Weight, Thresholds) {
        (self.endpoint, self.forwarding(), self.weight, self.thresholds)
    }

    /// The whole destination as a request.
    #[inline(always)]
    pub(crate) fn attrs<'a>(&self, octets: &'a Octets) -> DestinationAttrs<'a> {
        DestinationAttrs {
            forwarding: Some(self.forwarding.method),
            weight: Some(self.weight.0),
            upper_threshold: Some(self.thresholds.upper),
            lower_threshold: Some(self.thresholds.lower),
            tunnel_kind: unless_zero(self.forwarding.tunnel_kind),
            tunnel_port: unless_zero(self.forwarding.tunnel_port),
            tunnel_flags: unless_zero(self.forwarding.tunnel_flags),
            ..key_attrs(self.endpoint, octets)
        }
    }
}

/// What a destination is found by, as a request.
#[inline(always)]
pub(crate) fn key_attrs(endpoint: Endpoint, octets: &Octets) -> DestinationAttrs<'_> {
    DestinationAttrs::by_address(endpoint.family().number(), octets, endpoint.port)
}

/// Absent means 0, and most destinations have no tunnel.
fn unless_zero<N: Copy + Default + PartialEq>(number: N) -> Option<N> {
    (number != N::default()).then_some(number)
}

/// What the kernel's `ip_vs_new_dest` and common sense ask for, as far as the
/// address alone tells.
fn is_one_host(address: IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && address != Ipv4Addr::BROADCAST
}

impl Weight {
    /// No new connections.
    pub const ZERO: Self = Self(0);
    /// The usual share.
    pub const ONE: Self = Self(1);

    /// A weight.
    ///
    /// # Errors
    ///
    /// [`Rule::WeightRange`] above 2,147,483,647.
    pub fn new(weight: u32) -> Result<Self, Rule> {
        match i32::try_from(weight) {
            Ok(_) => Ok(Self(weight)),
            Err(_) => Err(Rule::WeightRange { weight }),
        }
    }

    /// The number.
    pub fn value(self) -> u32 {
        self.0
    }
}

/// [`Weight::ONE`].
impl Default for Weight {
    fn default() -> Self {
        Self::ONE
    }
}

impl From<u16> for Weight {
    fn from(weight: u16) -> Self {
        Self(weight.into())
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Weight {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let number = text.parse().map_err(|_| ParseError::expected("a weight", text))?;
        Self::new(number).map_err(|rule| ParseError::rule(rule, text))
    }
}

impl Thresholds {
    /// None.
    pub const NONE: Self = Self { upper: 0, lower: 0 };

    /// At `upper` connections the destination takes no new ones, until it has
    /// fewer than `lower`; 0 for `lower` is three quarters of `upper`.
    ///
    /// # Errors
    ///
    /// [`Rule::ThresholdOrder`], [`Rule::ThresholdRange`].
    pub fn new(upper: u32, lower: u32) -> Result<Self, Rule> {
        if i32::try_from(upper).is_err() {
            return Err(Rule::ThresholdRange { upper });
        }
        if lower > upper {
            return Err(Rule::ThresholdOrder { upper, lower });
        }
        Ok(Self { upper, lower })
    }

    /// Where it is full; 0: nowhere.
    pub fn upper(self) -> u32 {
        self.upper
    }

    /// Below which it is free again.
    pub fn lower(self) -> u32 {
        self.lower
    }
}

impl PartialEq for Destination {
    fn eq(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }
}

impl Eq for Destination {}

impl PartialOrd for Destination {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Destination {
    fn cmp(&self, other: &Self) -> Ordering {
        self.meaning().cmp(&other.meaning())
    }
}

impl Hash for Destination {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.meaning().hash(state);
    }
}

impl TryFrom<&DestinationAttrs<'_>> for Destination {
    type Error = DecodeError;

    #[inline(always)]
    fn try_from(attrs: &DestinationAttrs<'_>) -> Result<Self, DecodeError> {
        let at = "destination/address family";
        let family = required(attrs.af.and_then(Family::from_number), at)?;
        let addr = required(attrs.addr, "destination/addr")?;
        let port = required(attrs.port, "destination/port")?;
        Ok(Self {
            endpoint: Endpoint::from_wire(family, addr, port, "destination/addr")?,
            forwarding: Wire {
                method: required(attrs.forwarding, "destination/forwarding")?,
                // Absent on kernels before 5.4, whose tunnels are all IP in IP.
                tunnel_kind: attrs.tunnel_kind.unwrap_or(0),
                tunnel_port: attrs.tunnel_port.unwrap_or(0),
                tunnel_flags: attrs.tunnel_flags.unwrap_or(0),
            },
            weight: Weight(required(attrs.weight, "destination/weight")?),
            thresholds: Thresholds {
                upper: attrs.upper_threshold.unwrap_or(0),
                lower: attrs.lower_threshold.unwrap_or(0),
            },
        })
    }
}

impl TryFrom<&DestinationAttrs<'_>> for DestinationEntry {
    type Error = DecodeError;

    #[inline(always)]
    fn try_from(attrs: &DestinationAttrs<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            destination: attrs.try_into()?,
            connections: Connections {
                active: attrs.active_connections.unwrap_or(0),
                inactive: attrs.inactive_connections.unwrap_or(0),
                persistent: attrs.persistent_connections.unwrap_or(0),
            },
            stats: attrs.counters()?.unwrap_or_default(),
        })
    }
}

/// As `192.168.0.1:80 masquerade weight 3 thresholds 100 75`.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{} {} weight {}", self.endpoint, self.forwarding(), self.weight);
        let Thresholds { upper, lower } = self.thresholds;
        if self.thresholds != Thresholds::NONE {
            text += &format!(" thresholds {upper} {lower}");
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipvs_sys::Attrs;

    fn destination(endpoint: &str) -> Destination {
        Destination::new(endpoint.parse().unwrap())
    }

    #[test]
    fn defaults_are_masquerading_with_weight_1() {
        let text = destination("192.168.0.1:80").to_string();
        assert_eq!(text, "192.168.0.1:80 masquerade weight 1");
        assert_eq!(destination("192.168.0.1").endpoint().port, 0);
    }

    #[test]
    fn weights_end_where_the_kernels_do() {
        assert_eq!(Weight::new(2_147_483_647).map(Weight::value), Ok(2_147_483_647));
        let error = Weight::new(2_147_483_648).unwrap_err();
        assert_eq!(
            error.to_string(),
            "weight 2147483648 out of range: a weight is 0 to 2147483647"
        );
        assert!("-1".parse::<Weight>().is_err());
    }

    #[test]
    fn thresholds_are_in_order() {
        assert!(Thresholds::new(10, 10).is_ok());
        assert_eq!(
            Thresholds::new(10, 11).unwrap_err().to_string(),
            "lower threshold 11 above upper threshold 10"
        );
        assert_eq!(
            Thresholds::new(0, 1).unwrap_err().to_string(),
            "lower threshold 1 without an upper threshold"
        );
        assert!(Thresholds::new(2_147_483_648, 0).is_err());
    }

    #[test]
    fn each_rule_is_named() {
        let direct = Forwarding::DirectRoute;
        let refused = [
            (destination("0.0.0.0:80"), "0.0.0.0 is not the address of one host"),
            (destination("224.0.0.1:80"), "224.0.0.1 is not the address of one host"),
            (destination("255.255.255.255:80"), "255.255.255.255 is not the address of one host"),
            (
                destination("[2001:db8::1]:80"),
                "destination of another address family than its IPv4 service needs a tunnel",
            ),
            (
                destination("10.0.0.2:81").with_forwarding(direct),
                "port 81 differs from the service's port 80, and this forwarding method does not \
                 rewrite ports",
            ),
        ];
        let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
        for (destination, message) in refused {
            assert_eq!(destination.check(&key).unwrap_err().to_string(), message);
        }
        let kept = destination("[2001:db8::1]:80").with_forwarding(Forwarding::IPIP);
        assert_eq!(kept.check(&key), Ok(()));
        let mark: ServiceKey = "fwmark 1".parse().unwrap();
        assert_eq!(destination("10.0.0.2:81").with_forwarding(direct).check(&mark), Ok(()));
        let local = destination("10.0.0.2:81").with_forwarding(Forwarding::Local);
        assert_eq!(local.check(&key), Err(Rule::PortKept { destination: 81, service: 80 }));
        // Port 0: the service's, or every one.
        assert_eq!(destination("10.0.0.2").with_forwarding(direct).check(&key), Ok(()));
        let all_ports: ServiceKey = "tcp 10.0.0.1".parse().unwrap();
        assert_eq!(local.check(&all_ports), Ok(()));
    }

    #[test]
    fn what_the_kernel_holds_is_written_back_without_loss() {
        let octets = [10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let attrs = DestinationAttrs {
            forwarding: Some(7),
            weight: Some(0),
            upper_threshold: Some(u32::MAX),
            lower_threshold: Some(3),
            tunnel_kind: Some(9),
            tunnel_port: Some(1),
            tunnel_flags: Some(0xffff),
            ..DestinationAttrs::by_address(2, &octets, 80)
        };
        let destination = Destination::try_from(&attrs).unwrap();
        assert_eq!(destination.attrs(&destination.endpoint.octets()), attrs);
    }

    #[test]
    fn numbers_that_the_kernel_keeps_and_does_not_use_make_no_difference() {
        let plain = destination("10.0.0.2:80");
        let mut left = plain;
        left.forwarding.tunnel_port = 6080;
        assert_eq!(left, plain);
        assert_eq!(left.attrs(&plain.endpoint.octets()).tunnel_port, Some(6080));
        assert_ne!(plain.with_forwarding(Forwarding::IPIP), plain);
    }

    #[test]
    fn the_full_counters_are_taken_before_the_cut_ones() {
        let plain = destination("10.0.0.2:80");
        let octets = plain.endpoint.octets();
        let full = Stats { bytes_in: 1 << 33, packets_in: 1 << 32, ..Stats::default() };
        let (cut, full64) = (Stats { packets_in: 7, ..full }.to_stats(), full.to_stats64());
        let attrs = DestinationAttrs {
            stats: Some(Attrs::new(&cut, "stats")),
            stats64: Some(Attrs::new(&full64, "stats64")),
            ..plain.attrs(&octets)
        };
        assert_eq!(DestinationEntry::try_from(&attrs).unwrap().stats, full);
    }
}
