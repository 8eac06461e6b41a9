//! What happened, in one order, as hooks and logs are told it.

use crate::config::Router;
use ipvs_sync::runtime;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Something that happened to a virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// One more than that of the event before.
    pub(crate) sequence: u64,
    /// When it was told, since 1970.
    pub(crate) time: Duration,
    pub(crate) router: String,
    pub(crate) interface: String,
    pub(crate) vrid: u8,
    pub(crate) family: String,
    pub(crate) addresses: Vec<String>,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    State { from: String, to: String, cause: String },
    Report(String),
    Deleted(Vec<String>),
    Failed(String),
}

impl Event {
    pub(crate) fn new(sequence: u64, router: &Router, event: &runtime::Event) -> Self {
        let what = match event {
            runtime::Event::State { from, to, cause } => {
                What::State { from: from.to_string(), to: to.to_string(), cause: cause.to_string() }
            }
            runtime::Event::Report(report) => What::Report(report.to_string()),
            runtime::Event::Deleted { addresses } => {
                What::Deleted(addresses.iter().map(ToString::to_string).collect())
            }
            runtime::Event::Failed(error) => What::Failed(error.to_string()),
            // One that this does not know is told as what it is called.
            other => What::Report(format!("{other:?}")),
        };
        let (interface, vrid, family) = router.key();
        Self {
            sequence,
            time: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            router: router.name.clone(),
            interface: interface.to_string(),
            vrid: vrid.number(),
            family: family.to_string(),
            addresses: router.addresses.iter().map(|address| address.to_string()).collect(),
            what,
        }
    }

    pub(crate) fn log(&self) {
        let Self { sequence, router, interface, vrid, family, what, .. } = self;
        match what {
            What::State { from, to, cause } => tracing::info!(
                sequence,
                router,
                interface,
                vrid,
                family,
                from,
                to,
                cause,
                "virtual router changed its state"
            ),
            What::Deleted(missing) => tracing::warn!(
                sequence,
                router,
                interface,
                vrid,
                family,
                addresses = missing.join(" "),
                "somebody deleted virtual addresses"
            ),
            What::Report(said) | What::Failed(said) => {
                tracing::warn!(sequence, router, interface, vrid, family, said, "virtual router")
            }
        }
    }

    /// As the variables of the environment of a hook.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let Self { sequence, time, router, interface, vrid, family, addresses, what } = self;
        let mut all = vec![
            ("IPVS_SYNCD_SEQUENCE", sequence.to_string()),
            ("IPVS_SYNCD_TIME", format!("{}.{:06}", time.as_secs(), time.subsec_micros())),
            ("IPVS_SYNCD_ROUTER", router.clone()),
            ("IPVS_SYNCD_INTERFACE", interface.clone()),
            ("IPVS_SYNCD_VRID", vrid.to_string()),
            ("IPVS_SYNCD_FAMILY", family.clone()),
            ("IPVS_SYNCD_ADDRESSES", addresses.join(" ")),
        ];
        match what {
            What::State { from, to, cause } => all.extend([
                ("IPVS_SYNCD_EVENT", "state".to_owned()),
                ("IPVS_SYNCD_FROM", from.clone()),
                ("IPVS_SYNCD_TO", to.clone()),
                ("IPVS_SYNCD_CAUSE", cause.clone()),
            ]),
            What::Report(text) => all.extend([
                ("IPVS_SYNCD_EVENT", "report".to_owned()),
                ("IPVS_SYNCD_CAUSE", text.clone()),
            ]),
            What::Deleted(missing) => all.extend([
                ("IPVS_SYNCD_EVENT", "deleted".to_owned()),
                ("IPVS_SYNCD_CAUSE", missing.join(" ")),
            ]),
            What::Failed(text) => all.extend([
                ("IPVS_SYNCD_EVENT", "failed".to_owned()),
                ("IPVS_SYNCD_CAUSE", text.clone()),
            ]),
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_told_all_by_its_environment() {
        let event = Event {
            sequence: 4,
            time: Duration::from_micros(1_700_000_000_000_042),
            router: "web".to_owned(),
            interface: "eth0".to_owned(),
            vrid: 7,
            family: "IPv4".to_owned(),
            addresses: vec!["10.0.0.7".to_owned(), "10.0.0.8".to_owned()],
            what: What::State {
                from: "backup".to_owned(),
                to: "active".to_owned(),
                cause: "told to take over".to_owned(),
            },
        };
        let text: Vec<String> =
            event.environment().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = "IPVS_SYNCD_SEQUENCE=4\n\
                        IPVS_SYNCD_TIME=1700000000.000042\n\
                        IPVS_SYNCD_ROUTER=web\n\
                        IPVS_SYNCD_INTERFACE=eth0\n\
                        IPVS_SYNCD_VRID=7\n\
                        IPVS_SYNCD_FAMILY=IPv4\n\
                        IPVS_SYNCD_ADDRESSES=10.0.0.7 10.0.0.8\n\
                        IPVS_SYNCD_EVENT=state\n\
                        IPVS_SYNCD_FROM=backup\n\
                        IPVS_SYNCD_TO=active\n\
                        IPVS_SYNCD_CAUSE=told to take over";
        assert_eq!(text.join("\n"), expected);
    }
}
