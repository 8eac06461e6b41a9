//! What is told of the daemon, as JSON.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct State {
    pub(crate) version: String,
    pub(crate) pid: u32,
    /// For how long it has run.
    pub(crate) uptime_seconds: f64,
    pub(crate) routers: Vec<Router>,
    /// What the table of IPVS was made, if that is configured.
    pub(crate) table: Option<Table>,
    /// The kernel's sync daemons, if they are configured.
    pub(crate) sync: Option<Sync>,
    /// The other directors.
    pub(crate) peers: Vec<Peer>,
    /// What became of those that connected where they are to, if there are any.
    pub(crate) link: Option<Link>,
    pub(crate) reloads: Reloads,
    pub(crate) events: Events,
    pub(crate) hooks: Vec<Hook>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Router {
    pub(crate) name: String,
    pub(crate) interface: String,
    pub(crate) vrid: u8,
    pub(crate) family: String,
    pub(crate) group: Option<String>,
    pub(crate) addresses: Vec<String>,
    /// From where it advertises.
    pub(crate) source: String,
    /// `stopped`, `fault`, `backup` or `active`.
    pub(crate) state: String,
    /// As low as what is tracked makes it; 255 for the owner.
    pub(crate) priority: u8,
    /// For how long it has been in this state.
    pub(crate) since_seconds: f64,
    /// Why.
    pub(crate) cause: String,
    /// Whether the connections of the active one are here, where there are peers.
    pub(crate) ready: bool,
    /// How often its state changed.
    pub(crate) transitions: u64,
    /// How often another was active besides, as far as it was told.
    pub(crate) dual_active: u64,
    /// Advertisements that were accepted.
    pub(crate) accepted: u64,
    /// Packets that were dropped, or odd, by reason. What never was is left out.
    pub(crate) dropped: BTreeMap<String, u64>,
    /// The same of packets on its interface that were for no router here.
    pub(crate) unclaimed: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) services: usize,
    pub(crate) destinations: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sync {
    /// The master, then the backup.
    pub(crate) daemons: Vec<Daemon>,
    /// How often something could not be done. All is tried again.
    pub(crate) failures: u64,
    /// What could not be the last time.
    pub(crate) errors: Vec<String>,
}

/// Another director.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Peer {
    pub(crate) address: String,
    /// It answered the last time.
    pub(crate) reached: bool,
    /// How far the transfer of its connections is, if one runs.
    pub(crate) transfer: Option<String>,
    /// What came of the last one.
    pub(crate) last_transfer: Option<String>,
    /// What the last one brought, if it brought all that could be taken.
    pub(crate) taken: Option<Taken>,
    pub(crate) transfers_done: u64,
    pub(crate) transfers_failed: u64,
}

/// The connections of a transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Taken {
    pub(crate) total: u64,
    pub(crate) synced: u64,
    pub(crate) without_destination: u64,
    /// They cannot be told.
    pub(crate) left_out: u64,
    pub(crate) missing: u64,
    /// Of FTP, without what its sequence numbers are.
    pub(crate) unshifted: u64,
}

/// Where the other directors connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Link {
    /// They got an answer, or were told why not.
    pub(crate) served: u64,
    /// They came from an address that no peer has.
    pub(crate) strangers: u64,
    /// They came while too many others were served.
    pub(crate) busy: u64,
    /// They did not have the key.
    pub(crate) without_key: u64,
    /// They said what no director says, or were slow or gone.
    pub(crate) broken: u64,
}

/// A sync daemon of the kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Daemon {
    /// `master` or `backup`.
    pub(crate) role: String,
    pub(crate) interface: String,
    pub(crate) id: u32,
    /// It is to run.
    pub(crate) wanted: bool,
    /// It runs.
    pub(crate) running: bool,
    /// For how long that is so, as far as this daemon has seen it.
    pub(crate) since_seconds: f64,
    /// How often this daemon has started and stopped it.
    pub(crate) started: u64,
    pub(crate) stopped: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Reloads {
    pub(crate) done: u64,
    pub(crate) refused: u64,
    /// What was wrong with the last one, if something was.
    pub(crate) last_error: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Events {
    /// How many there were.
    pub(crate) told: u64,
    /// How many came too fast to be taken.
    pub(crate) lost: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Hook {
    pub(crate) program: String,
    pub(crate) run: u64,
    pub(crate) failed: u64,
    pub(crate) timed_out: u64,
    pub(crate) dropped: u64,
    pub(crate) waiting: u64,
}

/// A state for tests of how it is shown.
#[cfg(test)]
pub(crate) fn example() -> State {
    let web = Router {
        name: "web".to_owned(),
        interface: "eth0".to_owned(),
        vrid: 7,
        family: "IPv4".to_owned(),
        group: None,
        addresses: vec!["10.0.0.7".to_owned(), "10.0.0.8".to_owned()],
        source: "10.0.0.1".to_owned(),
        state: "active".to_owned(),
        priority: 150,
        since_seconds: 93_784.25,
        cause: "missed 3 advertisements".to_owned(),
        ready: false,
        transitions: 2,
        dual_active: 1,
        accepted: 5,
        dropped: [("checksum".to_owned(), 3)].into(),
        unclaimed: [("vrid".to_owned(), 4)].into(),
    };
    let six = Router {
        name: "six".to_owned(),
        family: "IPv6".to_owned(),
        group: Some("g".to_owned()),
        addresses: vec!["fe80::7".to_owned()],
        source: "fe80::1".to_owned(),
        state: "backup".to_owned(),
        since_seconds: 4.5,
        cause: "a \"cause\"".to_owned(),
        ready: true,
        dropped: BTreeMap::new(),
        unclaimed: BTreeMap::new(),
        ..web.clone()
    };
    let daemon = |role: &str, running| Daemon {
        role: role.to_owned(),
        interface: "eth1".to_owned(),
        id: 7,
        wanted: true,
        running,
        since_seconds: 61.5,
        started: 1,
        stopped: 0,
    };
    let peer = Peer {
        address: "10.5.0.2:8849".to_owned(),
        reached: true,
        transfer: None,
        last_transfer: Some("synced 5 of 5 connections".to_owned()),
        taken: Some(Taken { total: 5, synced: 5, ..Taken::default() }),
        transfers_done: 2,
        transfers_failed: 1,
    };
    let away = Peer { address: "10.5.0.3:8849".to_owned(), ..Peer::default() };
    State {
        version: "1.2.3".to_owned(),
        pid: 42,
        uptime_seconds: 93_790.5,
        routers: vec![web, six],
        table: Some(Table { services: 2, destinations: 6 }),
        sync: Some(Sync {
            daemons: vec![daemon("master", true), daemon("backup", false)],
            failures: 3,
            errors: vec!["no".to_owned()],
        }),
        peers: vec![peer, away],
        link: Some(Link { served: 7, strangers: 1, busy: 0, without_key: 2, broken: 3 }),
        reloads: Reloads { done: 1, refused: 2, last_error: Some("no".to_owned()) },
        events: Events { told: 9, lost: 0 },
        hooks: vec![Hook { program: "/bin/true".to_owned(), run: 9, ..Hook::default() }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_json_that_reads_back() {
        let json = serde_json::to_string(&example()).unwrap();
        let start = r#"{"version":"1.2.3","pid":42,"uptime-seconds":93790.5,"routers":[{"name":"web","interface":"eth0","vrid":7,"family":"IPv4","group":null,"addresses":["10.0.0.7","10.0.0.8"],"source":"10.0.0.1","state":"active","priority":150,"since-seconds":93784.25,"cause":"missed 3 advertisements","ready":false,"transitions":2,"dual-active":1,"accepted":5,"dropped":{"checksum":3},"unclaimed":{"vrid":4}},"#;
        assert!(json.starts_with(start), "{json}");
        let end = r#""table":{"services":2,"destinations":6},"sync":{"daemons":[{"role":"master","interface":"eth1","id":7,"wanted":true,"running":true,"since-seconds":61.5,"started":1,"stopped":0},{"role":"backup","interface":"eth1","id":7,"wanted":true,"running":false,"since-seconds":61.5,"started":1,"stopped":0}],"failures":3,"errors":["no"]},"peers":[{"address":"10.5.0.2:8849","reached":true,"transfer":null,"last-transfer":"synced 5 of 5 connections","taken":{"total":5,"synced":5,"without-destination":0,"left-out":0,"missing":0,"unshifted":0},"transfers-done":2,"transfers-failed":1},{"address":"10.5.0.3:8849","reached":false,"transfer":null,"last-transfer":null,"taken":null,"transfers-done":0,"transfers-failed":0}],"link":{"served":7,"strangers":1,"busy":0,"without-key":2,"broken":3},"reloads":{"done":1,"refused":2,"last-error":"no"},"events":{"told":9,"lost":0},"hooks":[{"program":"/bin/true","run":9,"failed":0,"timed-out":0,"dropped":0,"waiting":0}]}"#;
        assert!(json.ends_with(end), "{json}");
        assert_eq!(serde_json::from_str::<State>(&json).unwrap(), example());
    }
}
