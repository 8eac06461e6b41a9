//! The kernel's sync daemons.

use super::Bench;
use ipvs::{Client, Destination, ErrorKind, Forwarding, Role, Service, ServiceKey, SyncDaemon};

/// A client that can start daemons on `sync0`.
fn with_interface<B: Bench>() -> Client<B::Socket> {
    let bench = B::fresh();
    bench.add_interface();
    bench.client()
}

fn daemon(role: Role) -> SyncDaemon {
    SyncDaemon::new(role, "sync0".parse().unwrap(), 7)
}

pub(crate) fn wrong_use_gets_its_message<B: Bench>() {
    let mut client = with_interface::<B>();
    let message = |result: Result<(), ipvs::Error>| result.unwrap_err().to_string();
    assert_eq!(
        message(client.stop_daemon(Role::Backup)),
        "stop sync daemon backup: no such sync daemon runs (ESRCH)"
    );
    let nowhere = SyncDaemon::new(Role::Master, "nowhere".parse().unwrap(), 0);
    assert_eq!(
        message(client.start_daemon(&nowhere)),
        "start sync daemon master on nowhere: no such network interface (ENODEV)"
    );
    client.start_daemon(&daemon(Role::Backup)).unwrap();
    assert_eq!(
        message(client.start_daemon(&daemon(Role::Backup))),
        "start sync daemon backup on sync0: a sync daemon of this role runs already; stop it to change its \
         parameters (EEXIST)"
    );
    client.stop_daemon(Role::Backup).unwrap();
}

pub(crate) fn daemons_and_destinations_of_mixed_families_exclude_each_other<B: Bench>() {
    let mut client = with_interface::<B>();
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    client.add_service(&Service::new(key)).unwrap();
    let mixed =
        Destination::new("[2001:db8::1]:80".parse().unwrap()).with_forwarding(Forwarding::IPIP);

    client.start_daemon(&daemon(Role::Master)).unwrap();
    let error = client.add_destination(&key, &mixed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(
        error.to_string(),
        "add destination [2001:db8::1]:80 to tcp 10.0.0.1:80: the kernel takes no destination of \
         another address family while a sync daemon runs, nor one without a route (EINVAL)"
    );
    client.stop_daemon(Role::Master).unwrap();

    client.add_destination(&key, &mixed).unwrap();
    let error = client.start_daemon(&daemon(Role::Master)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "start sync daemon master on sync0: the kernel refuses the parameters, most likely because \
         a service has a destination of another address family, which sync messages cannot \
         express: delete it first (EINVAL)"
    );
}
