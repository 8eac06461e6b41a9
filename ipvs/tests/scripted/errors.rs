//! What an error says, and the predicates.

use crate::script::{Reply, Script, answer, client, destination, key};
use ipvs::{
    Client, Error, ErrorKind, Forwarding, Operation, Persistence, Role, Service, ServiceKey,
    SyncDaemon, Timeouts,
};
use ipvs_sys::Header;
use std::io;

#[test]
fn a_broken_rule_is_noticed_before_anything_is_sent() {
    let mut client = client(|_, _| {});
    let error = client.add_service(&Service::new(key()).with_one_packet(true)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "add service tcp 192.0.2.1:443: one-packet scheduling is for udp, not for tcp"
    );
    assert_eq!(error.kind(), ErrorKind::Rule);
    assert_eq!(error.operation(), Operation::AddService);
    assert_eq!(client.into_transport().sends, 1);
}

#[test]
fn what_the_kernel_says_in_words_is_passed_on() {
    let mut client = client(|request, queue| {
        let Reply::Datagram(mut bytes) = answer(request, -libc::EINVAL) else { unreachable!() };
        let text = b"Invalid attribute length\0";
        ipvs_sys::put::attr(&mut bytes, 1, text);
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        // NLM_F_CAPPED and NLM_F_ACK_TLVS.
        bytes[6..8].copy_from_slice(&0x300u16.to_ne_bytes());
        queue.push_back(Reply::Datagram(bytes));
    });
    assert_eq!(
        client.flush().unwrap_err().to_string(),
        "flush: the kernel refuses (EINVAL); the kernel says: Invalid attribute length"
    );
}

#[test]
fn a_missing_privilege_is_told_for_listings_too() {
    let mut client = client(|request, queue| queue.push_back(answer(request, -libc::EPERM)));
    for error in [client.flush().unwrap_err(), client.services().unwrap_err()] {
        assert!(error.is_permission());
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    }
}

#[test]
fn the_predicates_tell_the_kinds_apart() {
    let told = |reply: fn(Header) -> Reply| {
        let mut client = client(move |request, queue| queue.push_back(reply(request)));
        let error = client.stop_daemon(Role::Master).unwrap_err();
        (
            error.is_not_found(),
            error.is_already_exists(),
            error.is_permission(),
            error.is_uncertain(),
        )
    };
    assert_eq!(told(|request| answer(request, -libc::ESRCH)), (true, false, false, false));
    assert_eq!(told(|request| answer(request, -libc::EEXIST)), (false, true, false, false));
    assert_eq!(told(|request| answer(request, -libc::EPERM)), (false, false, true, false));
    assert_eq!(told(|request| answer(request, -libc::EINVAL)), (false, false, false, false));
    assert_eq!(told(|_| Reply::Overrun), (false, false, false, true));
    assert_eq!(told(|_| Reply::Truncated(9000)), (false, false, false, true));
    assert_eq!(told(|_| Reply::Datagram(vec![0; 3])), (false, false, false, true));
    assert_eq!(told(|_| Reply::Failed(io::ErrorKind::NotConnected)), (false, false, false, true));
}

#[test]
fn enoent_with_the_same_number_is_what_it_says() {
    let mut client = client(|request, queue| queue.push_back(answer(request, -libc::ENOENT)));
    let error = client.delete_destination(&key(), "10.0.0.7:80".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "delete destination 10.0.0.7:80 from tcp 192.0.2.1:443: no such destination in this \
         service (ENOENT)"
    );
}

#[test]
fn each_error_number_is_explained_for_its_operation() {
    type Operate = fn(&mut Client<Script>) -> Result<(), Error>;
    let add_service: Operate = |client| client.add_service(&Service::new(key()));
    let add: Operate = |client| client.add_destination(&key(), &destination("10.0.0.7:80"));
    let mixed: Operate = |client| {
        let tunnelled = destination("[2001:db8::7]:443").with_forwarding(Forwarding::IPIP);
        client.add_destination(&key(), &tunnelled)
    };
    let add_v6: Operate =
        |client| client.add_service(&Service::new("tcp [2001:db8::1]:443".parse().expect("a key")));
    let edit_service: Operate = |client| client.edit_service(&Service::new(key()));
    let edit: Operate = |client| client.edit_destination(&key(), &destination("10.0.0.7:80"));
    let edit_mixed: Operate = |client| {
        let tunnelled = destination("[2001:db8::7]:443").with_forwarding(Forwarding::IPIP);
        client.edit_destination(&key(), &tunnelled)
    };
    let list: Operate = |client| client.services().map(drop);
    let start: Operate = |client| {
        client.start_daemon(&SyncDaemon::new(Role::Master, "eth0".parse().expect("a name"), 0))
    };
    let stop: Operate = |client| client.stop_daemon(Role::Master);
    let set: Operate = |client| client.set_timeouts(&Timeouts::default());
    let sip: Operate = |client| {
        let persistence = Persistence::seconds(1).with_engine("sip".parse().expect("a name"));
        let key: ServiceKey = "udp 192.0.2.1:5060".parse().expect("a key");
        client.add_service(&Service::new(key).with_persistence(persistence))
    };
    let cases: &[(i32, Operate, ErrorKind, &str)] = &[
        (
            libc::ESRCH,
            add,
            ErrorKind::NoSuchService,
            "add destination 10.0.0.7:80 to tcp 192.0.2.1:443: no such virtual service (ESRCH)",
        ),
        (
            libc::EEXIST,
            add,
            ErrorKind::AlreadyExists,
            "add destination 10.0.0.7:80 to tcp 192.0.2.1:443: already exists (EEXIST)",
        ),
        (
            libc::EINVAL,
            add,
            ErrorKind::Refused,
            "add destination 10.0.0.7:80 to tcp 192.0.2.1:443: the address is not unicast by this \
             network namespace's routes (a broadcast address, or no route and loopback down) \
             (EINVAL)",
        ),
        (
            libc::EINVAL,
            mixed,
            ErrorKind::Refused,
            "add destination [2001:db8::7]:443 to tcp 192.0.2.1:443: the kernel takes no \
             destination of another address family while a sync daemon runs, nor one without a \
             route (EINVAL)",
        ),
        (
            libc::ERANGE,
            add,
            ErrorKind::Refused,
            "add destination 10.0.0.7:80 to tcp 192.0.2.1:443: a number is out of the kernel's \
             range (ERANGE)",
        ),
        (
            libc::EEXIST,
            add_service,
            ErrorKind::AlreadyExists,
            "add service tcp 192.0.2.1:443: already exists (EEXIST)",
        ),
        (
            libc::ENOENT,
            add_service,
            ErrorKind::NoSuchScheduler,
            "add service tcp 192.0.2.1:443: scheduler `wlc` is unknown to the kernel, which found \
             no module ip_vs_wlc (ENOENT)",
        ),
        (
            libc::ENOENT,
            sip,
            ErrorKind::NoSuchScheduler,
            "add service udp 192.0.2.1:5060: scheduler `wlc` or persistence engine `sip` is \
             unknown to the kernel, which found no module ip_vs_wlc or ip_vs_pe_sip (ENOENT)",
        ),
        (
            libc::EAFNOSUPPORT,
            add_v6,
            ErrorKind::Refused,
            "add service tcp [2001:db8::1]:443: this kernel has no IPv6, or it is switched off \
             (EAFNOSUPPORT)",
        ),
        (
            libc::ENOMEM,
            add_service,
            ErrorKind::Refused,
            "add service tcp 192.0.2.1:443: the kernel is out of memory (ENOMEM)",
        ),
        (
            libc::ENOPROTOOPT,
            add_service,
            ErrorKind::Refused,
            "add service tcp 192.0.2.1:443: IPVS is being unloaded (ENOPROTOOPT)",
        ),
        (
            libc::EIO,
            add_service,
            ErrorKind::Refused,
            "add service tcp 192.0.2.1:443: the kernel refuses (Input/output error (os error 5))",
        ),
        (
            libc::EINVAL,
            set,
            ErrorKind::Refused,
            "set timeouts: a timeout is longer than the kernel's clock ticks can express (EINVAL)",
        ),
        (
            libc::ENODEV,
            start,
            ErrorKind::NoSuchInterface,
            "start sync daemon master on eth0: no such network interface (ENODEV)",
        ),
        (
            libc::EEXIST,
            start,
            ErrorKind::AlreadyExists,
            "start sync daemon master on eth0: a sync daemon of this role runs already; stop it to change \
             its parameters (EEXIST)",
        ),
        (
            libc::EINVAL,
            start,
            ErrorKind::Refused,
            "start sync daemon master on eth0: the kernel refuses the parameters, most likely because a \
             service has a destination of another address family, which sync messages cannot \
             express: delete it first (EINVAL)",
        ),
        (
            libc::ENETUNREACH,
            start,
            ErrorKind::Refused,
            "start sync daemon master on eth0: the interface is down or has no address of the group's \
             family (ENETUNREACH)",
        ),
        (
            libc::EADDRINUSE,
            start,
            ErrorKind::Refused,
            "start sync daemon master on eth0: another socket has the UDP port (EADDRINUSE)",
        ),
        (
            libc::EINVAL,
            edit_service,
            ErrorKind::Refused,
            "edit service tcp 192.0.2.1:443: the kernel refuses the new parameters (the scheduler \
             mh takes no more destinations than its table has entries) (EINVAL)",
        ),
        (
            libc::EINVAL,
            edit,
            ErrorKind::Refused,
            "edit destination 10.0.0.7:80 of tcp 192.0.2.1:443: the kernel refuses the new \
             parameters (EINVAL)",
        ),
        (
            libc::EINVAL,
            edit_mixed,
            ErrorKind::Refused,
            "edit destination [2001:db8::7]:443 of tcp 192.0.2.1:443: the kernel edits no \
             destination of another address family while a sync daemon runs (EINVAL)",
        ),
        (
            libc::EOPNOTSUPP,
            list,
            ErrorKind::Refused,
            "list services: this kernel's IPVS does not know the command (EOPNOTSUPP)",
        ),
        (
            libc::EBUSY,
            list,
            ErrorKind::Refused,
            "list services: another listing on this socket has not ended (EBUSY)",
        ),
        (
            libc::ESRCH,
            stop,
            ErrorKind::NoSuchDaemon,
            "stop sync daemon master: no such sync daemon runs (ESRCH)",
        ),
    ];
    for &(errno, operate, kind, message) in cases {
        let mut client = client(move |request, queue| queue.push_back(answer(request, -errno)));
        let error = operate(&mut client).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!((error.kind(), error.raw_os_error()), (kind, Some(errno)));
    }
}
