//! The state as a table for people.

use crate::state::{Daemon, Link, Peer, Router, State};

const HEADINGS: [&str; 9] =
    ["ROUTER", "INTERFACE", "VRID", "STATE", "READY", "PRIORITY", "SINCE", "ADDRESSES", "CAUSE"];

/// The routers, one a line, and what else matters below.
pub(crate) fn table(state: &State) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(state.routers.iter().map(|router| row(router, !state.peers.is_empty())));
    let mut out = aligned(&rows);
    if let Some(table) = &state.table {
        let services = counted(table.services, "service");
        out += &format!("\n{services}, {}\n", counted(table.destinations, "destination"));
    }
    if let Some(sync) = &state.sync {
        out += "\n";
        sync.daemons.iter().for_each(|it| out += &daemon(it));
        sync.errors.iter().for_each(|error| out += &format!("{error}\n"));
    }
    if !state.peers.is_empty() {
        out += "\n";
        state.peers.iter().for_each(|it| out += &peer(it));
    }
    if let Some(link) = &state.link {
        let Link { strangers, without_key, broken, .. } = link;
        if strangers + without_key + broken > 0 {
            out += &format!(
                "turned away: {strangers} from other addresses, {without_key} without the key, \
                 {broken} that were no director\n"
            );
        }
    }
    if let Some(error) = &state.reloads.last_error {
        out += &format!("\nthe last reload was refused: {error}\n");
    }
    out
}

/// Rows of columns that are as wide as what is in them.
pub(crate) fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..COLUMNS).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        out += line.trim_end();
        out += "\n";
    }
    out
}

fn row(router: &Router, has_peers: bool) -> [String; 9] {
    // Whether it has the connections of the active one.
    let ready = match (&*router.state, router.ready) {
        ("backup", is_ready) if has_peers => {
            if is_ready {
                "yes"
            } else {
                "no"
            }
        }
        _ => "-",
    };
    [
        router.name.clone(),
        router.interface.clone(),
        router.vrid.to_string(),
        router.state.clone(),
        ready.to_owned(),
        router.priority.to_string(),
        since(router.since_seconds),
        router.addresses.join(","),
        router.cause.clone(),
    ]
}

fn peer(peer: &Peer) -> String {
    let Peer { address, reached, transfer, last_transfer, .. } = peer;
    let answers = if *reached { "answers" } else { "does not answer" };
    let said = match (transfer, last_transfer) {
        (Some(progress), _) => format!(", its connections are fetched: {progress}"),
        (None, Some(last)) => format!(", {last}"),
        (None, None) => String::new(),
    };
    format!("peer {address} {answers}{said}\n")
}

fn daemon(daemon: &Daemon) -> String {
    let Daemon { role, interface, id, wanted, running, since_seconds, .. } = daemon;
    let is = match (running, wanted) {
        (true, true) => "runs",
        (true, false) => "is to end",
        (false, true) => "does not run",
        (false, false) => "is not wanted",
    };
    let since = since(*since_seconds);
    format!("sync daemon {role} id {id} on {interface} {is}, since {since}\n")
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The two largest units of a time.
fn since(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    let seconds = seconds as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{}s", seconds % 60),
        (0, _, _) => format!("{hours}h{}m", minutes % 60),
        _ => format!("{days}d{}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::example;

    #[test]
    fn the_table_is_aligned_and_says_what_matters() {
        let expected = "\
ROUTER  INTERFACE  VRID  STATE   READY  PRIORITY  SINCE  ADDRESSES          CAUSE
web     eth0       7     active  -      150       1d2h   10.0.0.7,10.0.0.8  missed 3 advertisements
six     eth0       7     backup  yes    150       4s     fe80::7            a \"cause\"

2 services, 6 destinations

sync daemon master id 7 on eth1 runs, since 1m1s
sync daemon backup id 7 on eth1 does not run, since 1m1s
no

peer 10.5.0.2:8849 answers, synced 5 of 5 connections
peer 10.5.0.3:8849 does not answer
turned away: 1 from other addresses, 2 without the key, 3 that were no director

the last reload was refused: no
";
        assert_eq!(table(&example()), expected);
    }

    #[test]
    fn a_time_has_two_units() {
        let cases =
            [(0.9, "0s"), (59.0, "59s"), (61.0, "1m1s"), (3_720.0, "1h2m"), (1e6, "11d13h")];
        for (seconds, text) in cases {
            assert_eq!(since(seconds), text);
        }
    }
}
