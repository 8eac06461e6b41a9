//! The forms that the types have for serde.
//!
//! What displays and parses as a text is that text. Services and destinations
//! are tables whose keys are those of [`Table`](crate::Table)'s documents. An
//! unknown key is an error and so is a broken rule. Flags that this crate does
//! not know are left out; forwarding methods and names that it does not know
//! are written as they display.

use crate::{
    Destination, Endpoint, EngineName, Forwarding, InterfaceName, Netmask, Persistence, Protocol,
    Role, Rule, Scheduler, SchedulerFlags, Service, ServiceKey, Table, TableService, Thresholds,
    Timeouts, Weight,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ServiceForm {
    pub(crate) key: ServiceKey,
    #[serde(default)]
    pub(crate) scheduler: Scheduler,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) scheduler_flags: SchedulerFlags,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) persistence: Option<Persistence>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) one_packet: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DestinationForm {
    pub(crate) endpoint: Endpoint,
    #[serde(default)]
    pub(crate) weight: Weight,
    #[serde(default)]
    pub(crate) forwarding: Forwarding,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) thresholds: Thresholds,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThresholdsForm {
    upper: u32,
    #[serde(default)]
    lower: u32,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl From<Service> for ServiceForm {
    fn from(service: Service) -> Self {
        Self {
            key: service.key(),
            scheduler: service.scheduler(),
            scheduler_flags: service.scheduler_flags(),
            persistence: service.persistence(),
            one_packet: service.one_packet(),
        }
    }
}

impl TryFrom<ServiceForm> for Service {
    type Error = Rule;

    fn try_from(form: ServiceForm) -> Result<Self, Rule> {
        let service = Self::new(form.key)
            .with_scheduler(form.scheduler)
            .with_scheduler_flags(form.scheduler_flags)
            .with_persistence(form.persistence)
            .with_one_packet(form.one_packet);
        service.check().map(|()| service)
    }
}

impl From<Destination> for DestinationForm {
    fn from(destination: Destination) -> Self {
        Self {
            endpoint: destination.endpoint(),
            weight: destination.weight(),
            forwarding: destination.forwarding(),
            thresholds: destination.thresholds(),
        }
    }
}

/// Its rules hang on its service; see [`Destination::check`].
impl From<DestinationForm> for Destination {
    fn from(form: DestinationForm) -> Self {
        Self::new(form.endpoint)
            .with_weight(form.weight)
            .with_forwarding(form.forwarding)
            .with_thresholds(form.thresholds)
    }
}

impl From<Thresholds> for ThresholdsForm {
    fn from(thresholds: Thresholds) -> Self {
        Self { upper: thresholds.upper(), lower: thresholds.lower() }
    }
}

impl TryFrom<ThresholdsForm> for Thresholds {
    type Error = Rule;

    fn try_from(form: ThresholdsForm) -> Result<Self, Rule> {
        Self::new(form.upper, form.lower)
    }
}

impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.value())
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u32::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// As the document that `Table::to_json` writes.
impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let timeouts = Some(self.timeouts()).filter(|timeouts| *timeouts != Timeouts::default());
        Document { timeouts, service: self.services().collect() }.serialize(serializer)
    }
}

/// With its name, its keys and its destinations.
impl Serialize for TableService {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let destination = self.destinations().collect();
        Named { name: self.name(), service: self.service(), destination }.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    timeouts: Option<Timeouts>,
    service: Vec<&'a TableService>,
}

#[derive(Serialize)]
struct Named<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(flatten)]
    service: &'a Service,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    destination: Vec<&'a Destination>,
}

/// Only a macro can implement a trait for several types at once.
macro_rules! texts {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

texts!(
    EngineName,
    Endpoint,
    Forwarding,
    InterfaceName,
    Netmask,
    Protocol,
    Role,
    Scheduler,
    SchedulerFlags,
    ServiceKey
);

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use crate::{Connections, DestinationEntry, Info, ServiceEntry, Stats, SyncDaemon};
    use serde_json::{from_str, to_string};

    /// Without the place, which is serde_json's.
    fn message_of<T: std::fmt::Debug>(read: serde_json::Result<T>) -> String {
        let message = read.expect_err("a refusal").to_string();
        message.split(" at line ").next().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_service_has_the_keys_of_a_table() {
        let service = Service::new("udp 10.0.0.1:5060".parse().unwrap());
        let text = r#"{"key":"udp 10.0.0.1:5060","scheduler":"wlc"}"#;
        assert_eq!(to_string(&service).unwrap(), text);
        let full = service
            .with_scheduler(Scheduler::Sh)
            .with_scheduler_flags(SchedulerFlags::SH_PORT)
            .with_persistence(Persistence {
                timeout: 300,
                netmask: Some("255.255.255.0".parse().unwrap()),
                engine: Some("sip".parse().unwrap()),
            })
            .with_one_packet(true);
        let text = r#"{"key":"udp 10.0.0.1:5060","scheduler":"sh","scheduler-flags":"flag-2","persistence":{"timeout":300,"netmask":"255.255.255.0","engine":"sip"},"one-packet":true}"#;
        assert_eq!(to_string(&full).unwrap(), text);
        assert_eq!(from_str::<Service>(text).unwrap(), full);
        assert_eq!(from_str::<Service>(r#"{"key":"udp 10.0.0.1:5060"}"#).unwrap(), service);
    }

    #[test]
    fn a_destination_has_the_keys_of_a_table() {
        let plain = Destination::new("192.168.0.1:80".parse().unwrap());
        let text = r#"{"endpoint":"192.168.0.1:80","weight":1,"forwarding":"masquerade"}"#;
        assert_eq!(to_string(&plain).unwrap(), text);
        let full = plain
            .with_weight(Weight::from(3))
            .with_forwarding("gue:6080:+c".parse().unwrap())
            .with_thresholds(Thresholds::new(100, 50).unwrap());
        let text = r#"{"endpoint":"192.168.0.1:80","weight":3,"forwarding":"gue:6080:+c","thresholds":{"upper":100,"lower":50}}"#;
        assert_eq!(to_string(&full).unwrap(), text);
        assert_eq!(from_str::<Destination>(text).unwrap(), full);
        assert_eq!(from_str::<Destination>(r#"{"endpoint":"192.168.0.1:80"}"#).unwrap(), plain);
    }

    #[test]
    fn what_breaks_a_rule_or_is_unknown_is_refused() {
        let refused = [
            (
                r#"{"key":"tcp 10.0.0.1:80","one-packet":true}"#,
                "one-packet scheduling is for udp, not for tcp",
            ),
            (
                r#"{"key":"tcp 10.0.0.1"}"#,
                "port 0 (all ports) needs persistence: packets would be dropped",
            ),
            (
                r#"{"key":"tcp 10.0.0.1:80","weight":1}"#,
                "unknown field `weight`, expected one of `key`, `scheduler`, `scheduler-flags`, \
                 `persistence`, `one-packet`",
            ),
            (r#"{"key":"tcp www:80"}"#, "`www:80` is not an address with a port"),
        ];
        for (text, message) in refused {
            assert_eq!(message_of(from_str::<Service>(text)), message);
        }
        let refused = [
            (
                r#"{"endpoint":"10.0.0.2","weight":2147483648}"#,
                "weight 2147483648 out of range: a weight is 0 to 2147483647",
            ),
            (
                r#"{"endpoint":"10.0.0.2","thresholds":{"upper":1,"lower":2}}"#,
                "lower threshold 2 above upper threshold 1",
            ),
            (
                r#"{"endpoint":"10.0.0.2","scheduler":"rr"}"#,
                "unknown field `scheduler`, expected one of `endpoint`, `weight`, `forwarding`, \
                 `thresholds`",
            ),
        ];
        for (text, message) in refused {
            assert_eq!(message_of(from_str::<Destination>(text)), message);
        }
    }

    #[test]
    fn what_is_read_from_the_kernel_is_written_with_its_numbers() {
        let stats = Stats { connections: 7, bytes_in_per_second: 9, ..Stats::default() };
        let counted = r#"{"connections":7,"packets-in":0,"packets-out":0,"bytes-in":0,"bytes-out":0,"connections-per-second":0,"packets-in-per-second":0,"packets-out-per-second":0,"bytes-in-per-second":9,"bytes-out-per-second":0}"#;
        let service = Service::new("fwmark 7 ipv6".parse().unwrap());
        assert_eq!(
            to_string(&ServiceEntry { service, stats }).unwrap(),
            format!(
                r#"{{"service":{{"key":"fwmark 7 ipv6","scheduler":"wlc"}},"stats":{counted}}}"#
            )
        );
        let destination = Destination::new("10.0.0.2:80".parse().unwrap());
        let connections = Connections { active: 1, inactive: 2, persistent: 3 };
        assert_eq!(
            to_string(&DestinationEntry { destination, connections, stats }).unwrap(),
            format!(
                r#"{{"destination":{},"connections":{{"active":1,"inactive":2,"persistent":3}},"stats":{counted}}}"#,
                to_string(&destination).unwrap()
            )
        );
        let timeouts = Timeouts { tcp_fin: Some(60), ..Timeouts::default() };
        assert_eq!(to_string(&timeouts).unwrap(), r#"{"tcp-fin":60}"#);
        assert_eq!(from_str::<Timeouts>(r#"{"tcp-fin":60}"#).unwrap(), timeouts);
        let info = Info { version: (1, 2, 1), connection_table_size: 4096 };
        let text = r#"{"version":[1,2,1],"connection-table-size":4096}"#;
        assert_eq!(to_string(&info).unwrap(), text);
        let daemon = SyncDaemon::new(Role::Master, "eth0".parse().unwrap(), 7);
        assert_eq!(
            to_string(&daemon).unwrap(),
            r#"{"role":"master","interface":"eth0","id":7,"max-len":null,"group":null,"port":null,"ttl":null}"#
        );
    }

    #[test]
    fn an_unknown_forwarding_method_is_written_and_not_read() {
        let method = crate::forwarding::Wire { method: 7, ..Default::default() };
        let odd = Destination::new("10.0.0.2:80".parse().unwrap()).with_forwarding(method.into());
        let text = to_string(&odd).unwrap();
        assert!(text.contains(r#""forwarding":"unknown:7:0:0:0""#), "{text}");
        assert!(from_str::<Destination>(&text).is_err());
    }
}
