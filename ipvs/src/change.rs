//! One change of the table, as a value.

use crate::client::Room;
use crate::destination::key_attrs;
use crate::error::{Error, Failure, Operation, Subject};
use crate::{Destination, Endpoint, Rule, Service, ServiceKey, Timeouts};
use ipvs_sys::{
    DelDestination, DelService, NewDestination, NewService, SetConfig, SetDestination, SetService,
    TooLong, encode_into,
};
use std::fmt;

/// A change of a service, a destination or the timeouts: what a [`Batch`](crate::Batch) sends
/// and a [`Plan`](crate::Plan) consists of.
///
/// What each does, [`Client`](crate::Client)'s method of the same name says.
/// It displays as `add service tcp 10.0.0.1:80 wlc` or `delete destination
/// 192.168.0.1:80 from tcp 10.0.0.1:80`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Adds a service.
    AddService(Service),
    /// Gives a service other parameters.
    EditService(Service),
    /// Deletes a service with its destinations.
    DeleteService(ServiceKey),
    /// Adds a destination to a service.
    AddDestination(ServiceKey, Destination),
    /// Gives a destination other parameters.
    EditDestination(ServiceKey, Destination),
    /// Deletes a destination from a service.
    DeleteDestination(ServiceKey, Endpoint),
    /// Sets those connection timeouts that are `Some`.
    SetTimeouts(Timeouts),
}

impl Change {
    /// The service that is changed, or whose destination is; `None` for timeouts.
    pub fn key(&self) -> Option<ServiceKey> {
        match self {
            Self::AddService(service) | Self::EditService(service) => Some(service.key()),
            Self::DeleteService(key)
            | Self::AddDestination(key, _)
            | Self::EditDestination(key, _)
            | Self::DeleteDestination(key, _) => Some(*key),
            Self::SetTimeouts(_) => None,
        }
    }

    /// The destination that is changed, if it is one.
    pub fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::AddService(_)
            | Self::EditService(_)
            | Self::DeleteService(_)
            | Self::SetTimeouts(_) => None,
            Self::AddDestination(_, destination) | Self::EditDestination(_, destination) => {
                Some(destination.endpoint())
            }
            Self::DeleteDestination(_, endpoint) => Some(*endpoint),
        }
    }

    /// Whether its values keep their rules.
    ///
    /// # Errors
    ///
    /// The first [`Rule`] that is broken. The client checks before it sends.
    #[inline]
    pub fn check(&self) -> Result<(), Rule> {
        match self {
            Self::AddService(service) | Self::EditService(service) => service.check(),
            Self::AddDestination(key, destination) | Self::EditDestination(key, destination) => {
                destination.check(key)
            }
            Self::SetTimeouts(timeouts) => timeouts.check(),
            Self::DeleteService(_) | Self::DeleteDestination(..) => Ok(()),
        }
    }

    /// Writes the request to the start of `room` and returns its length.
    pub(crate) fn encode(
        &self,
        family: u16,
        flags: u16,
        sequence: u32,
        room: &mut Room,
    ) -> Result<usize, TooLong> {
        match self {
            Self::AddService(service) => {
                let vip = service.key().octets();
                encode_into(&NewService(service.attrs(&vip)), family, flags, sequence, room)
            }
            Self::EditService(service) => {
                let vip = service.key().octets();
                encode_into(&SetService(service.attrs(&vip)), family, flags, sequence, room)
            }
            Self::DeleteService(key) => {
                let vip = key.octets();
                encode_into(&DelService(key.attrs(&vip)), family, flags, sequence, room)
            }
            Self::AddDestination(key, destination) => {
                let (vip, rip) = (key.octets(), destination.endpoint().octets());
                let (service, destination) = (key.attrs(&vip), destination.attrs(&rip));
                let command = NewDestination { service: Some(service), destination };
                encode_into(&command, family, flags, sequence, room)
            }
            Self::EditDestination(key, destination) => {
                let (vip, rip) = (key.octets(), destination.endpoint().octets());
                let (service, destination) = (key.attrs(&vip), destination.attrs(&rip));
                encode_into(&SetDestination { service, destination }, family, flags, sequence, room)
            }
            Self::DeleteDestination(key, endpoint) => {
                let (vip, rip) = (key.octets(), endpoint.octets());
                let (service, destination) = (key.attrs(&vip), key_attrs(*endpoint, &rip));
                encode_into(&DelDestination { service, destination }, family, flags, sequence, room)
            }
            Self::SetTimeouts(timeouts) => {
                encode_into(&SetConfig(timeouts.attrs()), family, flags, sequence, room)
            }
        }
    }

    /// Why it was not carried out.
    pub(crate) fn error(&self, failure: Failure) -> Error {
        Error::new(self.operation(), self.subject(), failure)
    }

    fn operation(&self) -> Operation {
        match self {
            Self::AddService(_) => Operation::AddService,
            Self::EditService(_) => Operation::EditService,
            Self::DeleteService(_) => Operation::DeleteService,
            Self::AddDestination(..) => Operation::AddDestination,
            Self::EditDestination(..) => Operation::EditDestination,
            Self::DeleteDestination(..) => Operation::DeleteDestination,
            Self::SetTimeouts(_) => Operation::SetTimeouts,
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Self::AddService(service) | Self::EditService(service) => Subject::service(service),
            Self::DeleteService(key) => Subject::key(key),
            Self::AddDestination(key, destination) | Self::EditDestination(key, destination) => {
                Subject::destination(key, destination.endpoint())
            }
            Self::DeleteDestination(key, endpoint) => Subject::destination(key, *endpoint),
            Self::SetTimeouts(_) => Subject::nothing(),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddService(service) => write!(f, "add service {service}"),
            Self::EditService(service) => write!(f, "edit service {service}"),
            Self::DeleteService(key) => write!(f, "delete service {key}"),
            Self::AddDestination(key, destination) => {
                write!(f, "add destination {destination} to {key}")
            }
            Self::EditDestination(key, destination) => {
                write!(f, "edit destination {destination} of {key}")
            }
            Self::DeleteDestination(key, endpoint) => {
                write!(f, "delete destination {endpoint} from {key}")
            }
            Self::SetTimeouts(timeouts) => write!(f, "set timeouts {timeouts}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_what_it_does() {
        let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
        let destination = Destination::new("192.168.0.1:80".parse().unwrap());
        let endpoint = destination.endpoint();
        for (change, text) in [
            (Change::AddService(Service::new(key)), "add service tcp 10.0.0.1:80 wlc"),
            (Change::EditService(Service::new(key)), "edit service tcp 10.0.0.1:80 wlc"),
            (Change::DeleteService(key), "delete service tcp 10.0.0.1:80"),
            (
                Change::AddDestination(key, destination),
                "add destination 192.168.0.1:80 masquerade weight 1 to tcp 10.0.0.1:80",
            ),
            (
                Change::EditDestination(key, destination),
                "edit destination 192.168.0.1:80 masquerade weight 1 of tcp 10.0.0.1:80",
            ),
            (
                Change::DeleteDestination(key, endpoint),
                "delete destination 192.168.0.1:80 from tcp 10.0.0.1:80",
            ),
            (
                Change::SetTimeouts(Timeouts { udp: Some(60), tcp: Some(9), tcp_fin: None }),
                "set timeouts tcp 9 udp 60",
            ),
        ] {
            assert_eq!(change.to_string(), text);
        }
    }
}
