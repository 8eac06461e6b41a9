//! What happened, in one order, as hooks and logs are told it.

use crate::config::Router;
use ipvs::{Role, SyncDaemon};
use ipvs_sync::runtime;
use ipvs_sync::vrrp::router::Report;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// One more than that of the event before.
    pub(crate) sequence: u64,
    /// When it was told, since 1970.
    pub(crate) time: Duration,
    /// To which virtual router, if it was one.
    pub(crate) router: Option<About>,
    pub(crate) what: What,
}

/// A virtual router.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) interface: String,
    pub(crate) vrid: u8,
    pub(crate) family: String,
    pub(crate) addresses: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    State {
        from: String,
        to: String,
        cause: String,
    },
    Report(String),
    /// Another is active too.
    DualActive {
        peer: IpAddr,
        said: String,
    },
    Deleted(Vec<String>),
    Failed(String),
    SyncStarted(SyncDaemon),
    SyncStopped(Role),
    /// What could not be done for sync daemons.
    SyncFailed(String),
    /// What the other directors are, and what came of asking them.
    Peers(String),
}

impl Event {
    pub(crate) fn new(sequence: u64, router: Option<About>, what: What) -> Self {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { sequence, time, router, what }
    }

    pub(crate) fn of_router(sequence: u64, router: &Router, event: &runtime::Event) -> Self {
        Self::new(sequence, Some(About::of(router)), What::of(event))
    }

    pub(crate) fn log(&self) {
        let Self { sequence, router, what, .. } = self;
        let none = About::default();
        let About { name: router, interface, vrid, family, .. } = router.as_ref().unwrap_or(&none);
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
            What::DualActive { peer, said } => tracing::warn!(
                sequence,
                router,
                interface,
                vrid,
                family,
                %peer,
                said,
                "two virtual routers are active"
            ),
            What::Report(said) | What::Failed(said) => {
                tracing::warn!(sequence, router, interface, vrid, family, said, "virtual router")
            }
            What::SyncStarted(SyncDaemon { role, interface, id, .. }) => {
                tracing::info!(sequence, %role, %interface, id, "sync daemon started");
            }
            What::SyncStopped(role) => tracing::info!(sequence, %role, "sync daemon stopped"),
            What::SyncFailed(said) => tracing::warn!(sequence, said, "sync daemons"),
            What::Peers(said) => tracing::info!(sequence, said, "directors"),
        }
    }

    /// As the variables of the environment of a hook.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let Self { sequence, time, router, what } = self;
        let mut all = vec![
            ("IPVS_SYNCD_SEQUENCE", sequence.to_string()),
            ("IPVS_SYNCD_TIME", format!("{}.{:06}", time.as_secs(), time.subsec_micros())),
        ];
        if let Some(About { name, interface, vrid, family, addresses }) = router {
            all.extend([
                ("IPVS_SYNCD_ROUTER", name.clone()),
                ("IPVS_SYNCD_INTERFACE", interface.clone()),
                ("IPVS_SYNCD_VRID", vrid.to_string()),
                ("IPVS_SYNCD_FAMILY", family.clone()),
                ("IPVS_SYNCD_ADDRESSES", addresses.join(" ")),
            ]);
        }
        let of = |name: &str| ("IPVS_SYNCD_EVENT", name.to_owned());
        let cause = |text: String| ("IPVS_SYNCD_CAUSE", text);
        let role = |role: &Role| ("IPVS_SYNCD_ROLE", role.to_string());
        match what {
            What::State { from, to, cause: why } => all.extend([
                of("state"),
                ("IPVS_SYNCD_FROM", from.clone()),
                ("IPVS_SYNCD_TO", to.clone()),
                cause(why.clone()),
            ]),
            What::Report(text) => all.extend([of("report"), cause(text.clone())]),
            What::DualActive { peer, said } => all.extend([
                of("dual-active"),
                ("IPVS_SYNCD_PEER", peer.to_string()),
                cause(said.clone()),
            ]),
            What::Deleted(missing) => all.extend([of("deleted"), cause(missing.join(" "))]),
            What::Failed(text) => all.extend([of("failed"), cause(text.clone())]),
            What::SyncStarted(daemon) => all.extend([
                of("sync-started"),
                role(&daemon.role),
                ("IPVS_SYNCD_INTERFACE", daemon.interface.to_string()),
            ]),
            What::SyncStopped(stopped) => all.extend([of("sync-stopped"), role(stopped)]),
            What::SyncFailed(text) => all.extend([of("sync-failed"), cause(text.clone())]),
            What::Peers(text) => all.extend([of("peers"), cause(text.clone())]),
        }
        all
    }
}

impl What {
    fn of(event: &runtime::Event) -> Self {
        match event {
            runtime::Event::State { from, to, cause } => {
                Self::State { from: from.to_string(), to: to.to_string(), cause: cause.to_string() }
            }
            runtime::Event::Report(report @ Report::DualActive { peer, .. }) => {
                Self::DualActive { peer: *peer, said: report.to_string() }
            }
            runtime::Event::Report(report) => Self::Report(report.to_string()),
            runtime::Event::Deleted { addresses } => {
                Self::Deleted(addresses.iter().map(ToString::to_string).collect())
            }
            runtime::Event::Failed(error) => Self::Failed(error.to_string()),
            // One that this does not know is told as what it is called.
            other => Self::Report(format!("{other:?}")),
        }
    }
}

impl About {
    fn of(router: &Router) -> Self {
        let (interface, vrid, family) = router.key();
        Self {
            name: router.name.clone(),
            interface: interface.to_string(),
            vrid: vrid.number(),
            family: family.to_string(),
            addresses: router.addresses.iter().map(|address| address.to_string()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A variable a line.
    fn told(event: &Event) -> String {
        let all = event.environment();
        let lines: Vec<String> =
            all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        lines.join("\n")
    }

    #[test]
    fn a_hook_is_told_all_by_its_environment() {
        let event = Event {
            sequence: 4,
            time: Duration::from_micros(1_700_000_000_000_042),
            router: Some(About {
                name: "web".to_owned(),
                interface: "eth0".to_owned(),
                vrid: 7,
                family: "IPv4".to_owned(),
                addresses: vec!["10.0.0.7".to_owned(), "10.0.0.8".to_owned()],
            }),
            what: What::State {
                from: "backup".to_owned(),
                to: "active".to_owned(),
                cause: "told to take over".to_owned(),
            },
        };
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
        assert_eq!(told(&event), expected);
    }

    #[test]
    fn another_that_is_active_too_is_named() {
        let report = Report::DualActive { peer: [10, 0, 0, 2].into(), priority: 100 };
        let what = What::of(&runtime::Event::Report(report));
        let event = Event { sequence: 6, time: Duration::ZERO, router: None, what };
        let end = "dual-active\nIPVS_SYNCD_PEER=10.0.0.2\n\
                   IPVS_SYNCD_CAUSE=10.0.0.2 is active too, with priority 100";
        assert!(told(&event).ends_with(end), "{}", told(&event));
    }

    #[test]
    fn what_happens_to_a_sync_daemon_has_no_virtual_router() {
        let of = |what| Event { sequence: 5, time: Duration::ZERO, router: None, what };
        let daemon = SyncDaemon::new(Role::Master, "eth1".parse().unwrap(), 7);
        let cases = [
            (
                What::SyncStarted(daemon),
                "sync-started\nIPVS_SYNCD_ROLE=master\nIPVS_SYNCD_INTERFACE=eth1",
            ),
            (What::SyncStopped(Role::Backup), "sync-stopped\nIPVS_SYNCD_ROLE=backup"),
            (What::SyncFailed("no".to_owned()), "sync-failed\nIPVS_SYNCD_CAUSE=no"),
        ];
        let start = "IPVS_SYNCD_SEQUENCE=5\nIPVS_SYNCD_TIME=0.000000\nIPVS_SYNCD_EVENT=";
        for (what, end) in cases {
            assert_eq!(told(&of(what)), format!("{start}{end}"));
        }
    }
}
