//! Virtual routers with their own addresses, which their interfaces have.

use crate::config::{Config, Problem, Router};
use ipvs::InterfaceName;
use ipvs_sync::net::Rtnetlink;
use ipvs_sync::runtime::Settings;
use ipvs_sync::vrrp::router;
use ipvs_sync::vrrp::{Family, Rank};
use std::net::IpAddr;

/// A virtual router that can be started.
#[derive(Clone)]
pub(crate) struct Resolved {
    pub(crate) router: Router,
    pub(crate) source: IpAddr,
    pub(crate) settings: Settings,
    /// What of the settings can change while it runs.
    pub(crate) config: router::Config,
}

/// The routers of a configuration, on the host whose interfaces have these addresses, in
/// the kernel's order. Addresses that other configurations have given to virtual routers
/// are nobody's primary one either.
pub(crate) fn resolve(
    config: &Config,
    is_virtual: impl Fn(IpAddr) -> bool,
    mut addresses: impl FnMut(InterfaceName, Family) -> Result<Vec<IpAddr>, String>,
) -> Result<Vec<Resolved>, Vec<Problem>> {
    let is_ours = |address| {
        let all = config.routers.iter().filter(|router| router.rank != Rank::Owner);
        is_virtual(address)
            || all.flat_map(|router| router.addresses.iter()).any(|it| it == address)
    };
    let mut problems = Vec::new();
    let mut resolved = Vec::new();
    for router in &config.routers {
        let one = one(router, is_ours, &mut addresses).map_err(|rule| Problem {
            place: Some(router.place),
            what: format!("virtual-router {}", router.name),
            rule,
        });
        match one {
            Ok(one) => resolved.push(one),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(resolved) } else { Err(problems) }
}

fn one(
    router: &Router,
    is_ours: impl Fn(IpAddr) -> bool,
    addresses: &mut impl FnMut(InterfaceName, Family) -> Result<Vec<IpAddr>, String>,
) -> Result<Resolved, String> {
    let family = router.addresses.family();
    let found = addresses(router.interface, family)?;
    let is_primary = |address: &IpAddr| match address {
        IpAddr::V4(_) => !is_ours(*address),
        IpAddr::V6(v6) => v6.is_unicast_link_local() && !is_ours(*address),
    };
    let source = match router.source {
        Some(source) => source,
        None => found.into_iter().find(is_primary).ok_or_else(|| {
            let kind = if family == Family::V6 { "link-local " } else { "" };
            format!(
                "{} has no {kind}{family} address of its own to advertise from",
                router.interface
            )
        })?,
    };
    let settings = router.settings(source).map_err(|error| error.to_string())?;
    settings.check().map_err(|error| error.to_string())?;
    let config = router.config(source).map_err(|error| error.to_string())?;
    Ok(Resolved { router: router.clone(), source, settings, config })
}

/// The addresses of an interface in the network namespace of the thread.
pub(crate) fn addresses(name: InterfaceName, family: Family) -> Result<Vec<IpAddr>, String> {
    let listed = Rtnetlink::open().and_then(|mut netlink| {
        let interface = netlink.interface(name)?;
        netlink.addresses(&interface, family)
    });
    let listed = listed.map_err(|error| error.to_string())?;
    Ok(listed.into_iter().map(|entry| entry.address.address()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn told(text: &str, found: &[&str]) -> Result<Vec<String>, String> {
        let config = Config::parse(text, Path::new("")).map_err(|all| format!("{all:?}"))?;
        let found: Vec<IpAddr> = found.iter().map(|it| it.parse().unwrap()).collect();
        let of_family = |family| found.iter().copied().filter(move |it| Family::of(*it) == family);
        let old: IpAddr = "10.0.0.9".parse().unwrap();
        let resolved =
            resolve(&config, |it| it == old, |_, family| Ok(of_family(family).collect()));
        match resolved {
            Ok(all) => Ok(all.iter().map(|it| it.source.to_string()).collect()),
            Err(all) => Err(all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        }
    }

    fn router(lines: &str) -> String {
        format!("[[virtual-router]]\nname = \"a\"\ninterface = \"eth0\"\nvrid = 7\n{lines}\n")
    }

    #[test]
    fn the_primary_address_is_the_first_that_is_not_virtual() {
        let four = router("addresses = [\"10.0.0.7\"]");
        let found = ["10.0.0.7", "10.0.0.9", "10.0.0.1", "10.0.0.2", "2001:db8::1", "fe80::1"];
        assert_eq!(told(&four, &found), Ok(vec!["10.0.0.1".to_owned()]));
        let six = router("addresses = [\"fe80::7\"]");
        assert_eq!(told(&six, &found), Ok(vec!["fe80::1".to_owned()]));
        let owner = router("owner = true\naddresses = [\"10.0.0.7\"]");
        assert_eq!(told(&owner, &found), Ok(vec!["10.0.0.7".to_owned()]));
    }

    #[test]
    fn a_peer_that_is_the_interface_s_own_address_is_told_before_anything_is_done() {
        let found = ["10.0.0.7", "10.0.0.1"];
        let with = |peer| {
            told(&router(&format!("addresses = [\"10.0.0.7\"]\npeers = [\"{peer}\"]")), &found)
        };
        assert_eq!(with("10.0.0.2"), Ok(vec!["10.0.0.1".to_owned()]));
        assert_eq!(
            with("10.0.0.1"),
            Err("3:13: virtual-router a: unicast peer 10.0.0.1 is this router, or not of the \
                 family of the virtual addresses"
                .to_owned())
        );
    }

    #[test]
    fn without_one_the_error_is_where_the_interface_is_named() {
        let four = router("addresses = [\"10.0.0.7\"]");
        assert_eq!(
            told(&four, &["10.0.0.7"]),
            Err("3:13: virtual-router a: eth0 has no IPv4 address of its own to advertise from"
                .to_owned())
        );
        let six = router("addresses = [\"fe80::7\"]");
        assert_eq!(
            told(&six, &["2001:db8::1"]),
            Err("3:13: virtual-router a: eth0 has no link-local IPv6 address of its own to \
                 advertise from"
                .to_owned())
        );
    }
}
