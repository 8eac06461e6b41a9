//! Requests as the kernel reads them: which service, which destination.

use super::answer::{Refusal, address};
use super::policy::{self, Rule, Values};
use super::state::{Asked, TICKS, no_mark};
use crate::{Destination, Endpoint, Family, Protocol, Service, ServiceKey};
use ipvs_sys::{DestinationAttrs, ServiceAttrs, ServiceFlags};
use std::num::NonZeroU32;

const SERVICE: usize = 13;
/// `ip_vs_ctl.c: ip_vs_svc_policy`.
const SERVICE_RULES: [Rule; SERVICE] = [
    Rule::Any,
    Rule::Number(2),
    Rule::Number(2),
    Rule::Bytes(16),
    Rule::Number(2),
    Rule::Number(4),
    Rule::Name(15),
    Rule::Bytes(8),
    Rule::Number(4),
    Rule::Number(4),
    Rule::Nest,
    Rule::Name(16),
    Rule::Any,
];

const DESTINATION: usize = 16;
/// `ip_vs_ctl.c: ip_vs_dest_policy`.
const DESTINATION_RULES: [Rule; DESTINATION] = [
    Rule::Any,
    Rule::Bytes(16),
    Rule::Number(2),
    Rule::Number(4),
    Rule::Number(4),
    Rule::Number(4),
    Rule::Number(4),
    Rule::Number(4),
    Rule::Number(4),
    Rule::Number(4),
    Rule::Nest,
    Rule::Number(2),
    Rule::Any,
    Rule::Number(1),
    Rule::Number(2),
    Rule::Number(2),
];

/// A SERVICE nest (`ip_vs_ctl.c: ip_vs_genl_parse_service`).
pub(super) struct ServiceRequest<'a> {
    values: Values<'a, SERVICE>,
    pub(super) key: ServiceKey,
}

/// A DEST nest (`ip_vs_ctl.c: ip_vs_genl_parse_dest`).
pub(super) struct DestinationRequest<'a> {
    values: Values<'a, DESTINATION>,
    addr: [u8; 16],
    port: u16,
}

impl<'a> ServiceRequest<'a> {
    pub(super) fn parse(nest: Option<&'a [u8]>) -> Result<Self, Refusal> {
        let values = policy::nest(nest.ok_or(libc::EINVAL)?, &SERVICE_RULES)?;
        let [_, af, protocol, addr, port, mark, ..] = values;
        let tuple = policy::u16_ne(protocol).zip(addr).zip(policy::u16_be(port));
        let (mark, af) = (policy::u32_ne(mark), policy::u16_ne(af));
        let (Some(af), true) = (af, mark.is_some() || tuple.is_some()) else {
            return Err(libc::EINVAL.into());
        };
        let family = Family::from_number(af).ok_or(libc::EAFNOSUPPORT)?;
        let key = match (mark, tuple) {
            (None, Some(((protocol, addr), port))) => ServiceKey::Address {
                protocol: Protocol::from_number(protocol),
                endpoint: Endpoint::new(address(family, policy::padded(addr)), port),
            },
            (mark, _) => match mark.and_then(NonZeroU32::new) {
                Some(mark) => ServiceKey::Mark { mark, family },
                None => no_mark(family),
            },
        };
        Ok(Self { values, key })
    }

    /// All of it. `before` is the service that there is: its flags are kept
    /// where the mask has no bit.
    pub(super) fn full(&self, before: Option<&Service>) -> Result<Asked, Refusal> {
        let [.., scheduler, flags, timeout, netmask, _, engine, _] = self.values;
        let octets = self.key.octets();
        let kept =
            before.and_then(|service| service.attrs(&octets).flags).map_or(0, |word| word.flags);
        let flags = flags.map(|value| {
            let [a, b, c, d, e, f, g, h] = policy::padded(value);
            let asked = u32::from_ne_bytes([a, b, c, d]);
            let mask = u32::from_ne_bytes([e, f, g, h]);
            ServiceFlags { flags: (kept & !mask) | (asked & mask), mask: u32::MAX }
        });
        let timeout = policy::u32_ne(timeout);
        let ticks = timeout.map_or(0, |seconds| seconds.wrapping_mul(TICKS));
        let attrs = ServiceAttrs {
            scheduler: policy::name(scheduler),
            flags,
            timeout: timeout.map(|_| ticks / TICKS),
            netmask: policy::first(netmask),
            // A name without a character is none.
            persistence_engine: policy::name(engine).filter(|name| !name.is_empty()),
            ..self.key.attrs(&octets)
        };
        // One of the four is missing.
        let service = Service::try_from(&attrs).map_err(|_| libc::EINVAL)?;
        Ok(Asked { service, ticks })
    }
}

impl<'a> DestinationRequest<'a> {
    pub(super) fn parse(nest: Option<&'a [u8]>) -> Result<Self, Refusal> {
        let values = policy::nest(nest.ok_or(libc::EINVAL)?, &DESTINATION_RULES)?;
        let [_, addr, port, ..] = values;
        let (Some(addr), Some(port)) = (addr, policy::u16_be(port)) else {
            return Err(libc::EINVAL.into());
        };
        Ok(Self { values, addr: policy::padded(addr), port })
    }

    /// Where it is. The family is the service's unless the request has one.
    pub(super) fn endpoint(&self, service: Family) -> Result<Endpoint, Refusal> {
        let [.., af, _, _, _, _] = self.values;
        let family = match policy::u16_ne(af) {
            None | Some(0) => service,
            Some(af) => Family::from_number(af).ok_or(libc::EAFNOSUPPORT)?,
        };
        Ok(Endpoint::new(address(family, self.addr), self.port))
    }

    /// Whether all that adding and editing need is there.
    pub(super) fn is_full(&self) -> bool {
        let [_, _, _, forwarding, weight, upper, lower, ..] = self.values;
        [forwarding, weight, upper, lower].iter().all(Option::is_some)
    }

    /// The forwarding method; the kernel looks at three bits.
    pub(super) fn forwarding(&self) -> u32 {
        let [_, _, _, forwarding, ..] = self.values;
        policy::u32_ne(forwarding).unwrap_or(0) & 7
    }

    /// All of it. Tunnel attributes that are not there are 0.
    pub(super) fn full(&self, endpoint: Endpoint) -> Result<Destination, Refusal> {
        let [_, _, _, _, weight, upper, lower, .., kind, port, flags] = self.values;
        let octets = endpoint.octets();
        let attrs = DestinationAttrs {
            forwarding: Some(self.forwarding()),
            weight: policy::u32_ne(weight),
            upper_threshold: policy::u32_ne(upper),
            lower_threshold: policy::u32_ne(lower),
            tunnel_kind: policy::first(kind).map(|[kind]| kind),
            tunnel_port: policy::u16_be(port),
            tunnel_flags: policy::u16_ne(flags),
            ..crate::destination::key_attrs(endpoint, &octets)
        };
        Destination::try_from(&attrs).map_err(|_| libc::EINVAL.into())
    }
}
