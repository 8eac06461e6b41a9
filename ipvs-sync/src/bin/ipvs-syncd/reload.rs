//! How virtual routers that run become what another configuration says: pure, old and new
//! in, steps out.

use crate::config::{Key, Router};
use crate::resolve::Resolved;

/// Virtual routers that start and stop together, because they move together.
pub(crate) type Unit = Vec<Resolved>;

/// What is done. Old and new units are named by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing that others could notice.
    Keep { old: usize, new: usize },
    /// These routers, by their numbers in the old unit, go on with another configuration,
    /// without a gap in their advertisements.
    Reconfigure { old: usize, new: usize, routers: Vec<usize> },
    /// They resign and are started again, for these reasons.
    Restart { old: usize, new: usize, why: Vec<String> },
    /// They are no longer there.
    Stop { old: usize },
    /// They are new, or are now in another unit.
    Start { new: usize },
}

/// Puts routers together that start and stop together. Each is in the order of the file.
pub(crate) fn units(routers: Vec<Resolved>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for router in routers {
        let group = &router.router.group;
        let is_its = |other: &Resolved| group.is_some() && other.router.group == *group;
        match units.iter_mut().find(|unit| unit.iter().any(is_its)) {
            Some(unit) => unit.push(router),
            None => units.push(vec![router]),
        }
    }
    units
}

/// The way from the old units to the new ones, in a safe order: what goes on first, then
/// what stops, so that what starts finds its place free. The new units are brought into
/// the order of their old ones.
pub(crate) fn steps(old: &[Unit], new: &mut [Unit]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut kept = vec![false; new.len()];
    let mut stops = Vec::new();
    for (number, unit) in old.iter().enumerate() {
        let found = new.iter().position(|other| keys(other) == keys(unit));
        match found {
            Some(at) => {
                if let (Some(kept), Some(other)) = (kept.get_mut(at), new.get_mut(at)) {
                    *kept = true;
                    let place = |router: &Resolved| {
                        unit.iter().position(|old| old.router.key() == router.router.key())
                    };
                    other.sort_by_key(place);
                    steps.push(change((number, unit), (at, other)));
                }
            }
            None => stops.push(Step::Stop { old: number }),
        }
    }
    let starts = kept.iter().enumerate().filter(|(_, kept)| !**kept);
    let starts = starts.map(|(new, _)| Step::Start { new });
    // What is restarted may need what stops to be gone, such as an interface's name.
    let (restarts, others): (Vec<Step>, Vec<Step>) =
        steps.into_iter().partition(|step| matches!(step, Step::Restart { .. }));
    others.into_iter().chain(stops).chain(restarts).chain(starts).collect()
}

fn keys(unit: &Unit) -> Vec<Key> {
    let mut keys: Vec<Key> = unit.iter().map(|router| router.router.key()).collect();
    keys.sort();
    keys
}

/// Of two units with the same routers in the same order.
fn change((old, before): (usize, &Unit), (new, after): (usize, &Unit)) -> Step {
    let pairs = || before.iter().zip(after);
    let why: Vec<String> = pairs().flat_map(|(old, new)| fixed(&old.router, &new.router)).collect();
    if !why.is_empty() {
        return Step::Restart { old, new, why };
    }
    let differs = |old: &Resolved, new: &Resolved| {
        old.config != new.config || are_other_settings(&old.router, &new.router)
    };
    let changed = pairs().enumerate().filter(|(_, (old, new))| differs(old, new));
    let routers: Vec<usize> = changed.map(|(number, _)| number).collect();
    match routers.is_empty() {
        true => Step::Keep { old, new },
        false => Step::Reconfigure { old, new, routers },
    }
}

/// Whether something differs that is not in its configuration, and can change while it runs.
fn are_other_settings(old: &Router, new: &Router) -> bool {
    let all = |router: &Router| {
        let Router { peers, min_hop_limit, checksum, password, .. } = router.clone();
        let Router { signing, tracks, when_deleted, .. } = router.clone();
        (peers, min_hop_limit, checksum, password, signing, tracks, when_deleted)
    };
    all(old) != all(new)
}

/// What differs of what cannot change while a router runs.
fn fixed(old: &Router, new: &Router) -> Vec<String> {
    let all = [
        ("the prefix of its addresses", old.prefix != new.prefix),
        ("peers", old.peers.is_empty() != new.peers.is_empty()),
        ("virtual-mac", old.virtual_mac != new.virtual_mac),
        ("group", old.group != new.group),
    ];
    let differing = all.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(what, _)| format!("{what} of {}", new.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::resolve::resolve;
    use std::path::Path;

    /// A router for each line: its interface, its identifier and more of its keys.
    fn of(lines: &[(&str, u8, &str)]) -> Vec<Unit> {
        let router = |(interface, vrid, more): &(&str, u8, &str)| {
            format!(
                "[[virtual-router]]\nname = \"{interface}-{vrid}\"\ninterface = \"{interface}\"\n\
                 vrid = {vrid}\naddresses = [\"10.0.0.{vrid}/24\"]\nsource = \"10.0.0.250\"\n{more}\n"
            )
        };
        let text: String = lines.iter().map(router).collect();
        let config = Config::parse(&text, Path::new("")).unwrap_or_else(|all| panic!("{all:?}"));
        let resolved = resolve(&config, |_| false, |_, _| Ok(Vec::new()));
        units(resolved.unwrap_or_else(|all| panic!("{all:?}")))
    }

    fn way(old: &[(&str, u8, &str)], new: &[(&str, u8, &str)]) -> Vec<Step> {
        steps(&of(old), &mut of(new))
    }

    const WHOLE: &str = "group = \"g\"";

    #[test]
    fn routers_are_together_that_move_together() {
        let sizes = |lines: &[(&str, u8, &str)]| of(lines).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[("eth0", 1, ""), ("eth0", 2, ""), ("eth1", 1, "")]), [1, 1, 1]);
        assert_eq!(sizes(&[("eth0", 1, WHOLE), ("eth1", 2, ""), ("eth1", 1, WHOLE)]), [2, 1]);
        let macs = ["virtual-mac = \"a\"", "virtual-mac = \"b\""];
        assert_eq!(sizes(&[("eth0", 1, macs[0]), ("eth0", 2, macs[1])]), [1, 1]);
    }

    #[test]
    fn what_is_the_same_is_kept_whatever_its_place() {
        let (a, b) = (("eth0", 1, ""), ("eth1", 2, ""));
        let kept = [Step::Keep { old: 0, new: 1 }, Step::Keep { old: 1, new: 0 }];
        assert_eq!(way(&[a, b], &[b, a]), kept);
        let (a, b) = (("eth0", 1, WHOLE), ("eth1", 2, WHOLE));
        assert_eq!(way(&[a, b], &[b, a]), [Step::Keep { old: 0, new: 0 }]);
    }

    #[test]
    fn what_can_change_while_it_runs_does() {
        let old = ("eth0", 1, "");
        for more in [
            "priority = 200",
            "interval = \"200ms\"",
            "version = 2",
            "preempt = false",
            "preempt-delay = \"5s\"",
            "probe = true",
            "checksum = \"message\"",
            "track = [{ interface = \"eth9\" }]",
            "when-deleted = \"release\"",
        ] {
            let step = Step::Reconfigure { old: 0, new: 0, routers: vec![0] };
            assert_eq!(way(&[old], &[("eth0", 1, more)]), [step], "{more}");
        }
        let pair = [("eth0", 1, WHOLE), ("eth1", 2, WHOLE)];
        let changed = [("eth1", 2, "group = \"g\"\npriority = 7"), ("eth0", 1, WHOLE)];
        let step = Step::Reconfigure { old: 0, new: 0, routers: vec![1] };
        assert_eq!(way(&pair, &changed), [step]);
    }

    #[test]
    fn what_cannot_takes_a_restart_of_that_router_alone_and_says_why() {
        let (old, other) = (("eth0", 1, ""), ("eth0", 2, ""));
        for (more, why) in [
            ("peers = [\"10.0.0.2\"]", "peers of eth0-1"),
            ("virtual-mac = \"vrrp1\"", "virtual-mac of eth0-1"),
            ("group = \"g\"", "group of eth0-1"),
        ] {
            let restart = Step::Restart { old: 0, new: 0, why: vec![why.to_owned()] };
            let steps = way(&[old, other], &[("eth0", 1, more), other]);
            assert_eq!(steps, [Step::Keep { old: 1, new: 1 }, restart]);
        }
    }

    #[test]
    fn what_goes_stops_before_what_comes_starts() {
        let (a, b, c) = (("eth0", 1, ""), ("eth1", 2, ""), ("eth2", 3, ""));
        assert_eq!(
            way(&[a, b], &[b, c]),
            [Step::Keep { old: 1, new: 0 }, Step::Stop { old: 0 }, Step::Start { new: 1 }]
        );
        // Another identifier, interface or family is another router.
        assert_eq!(way(&[a], &[("eth0", 2, "")]), [Step::Stop { old: 0 }, Step::Start { new: 0 }]);
        // Into a group: both are another unit.
        assert_eq!(
            way(&[a, b], &[("eth0", 1, WHOLE), ("eth1", 2, WHOLE)]),
            [Step::Stop { old: 0 }, Step::Stop { old: 1 }, Step::Start { new: 0 }]
        );
    }
}
