//! What the client makes of answers that a real kernel gives rarely or never.

mod common;

use common::{Reply, Script, answer, done, message};
use ipvs::{
    Client, Destination, Error, ErrorKind, Forwarding, Operation, Persistence, Role, Service,
    ServiceKey, SyncDaemon, Timeouts,
};
use ipvs_sys::{Header, NewService, ServiceAttrs, ServiceFlags};
use std::collections::VecDeque;
use std::io;

fn client(answer: impl FnMut(Header, &mut VecDeque<Reply>) + 'static) -> Client<Script> {
    Client::with_transport(Script::new(answer)).expect("the family is there")
}

fn key() -> ServiceKey {
    "tcp 192.0.2.1:443".parse().expect("a key")
}

fn destination(endpoint: &str) -> Destination {
    Destination::new(endpoint.parse().expect("an endpoint"))
}

fn service(request: Header, flags: u16, port: u16) -> Vec<u8> {
    let attrs = ServiceAttrs {
        scheduler: Some(b"wlc"),
        flags: Some(ServiceFlags { flags: 2, mask: u32::MAX }),
        timeout: Some(0),
        netmask: Some([255; 4]),
        ..ServiceAttrs::by_address(2, 6, &[192, 0, 2, 1], port)
    };
    message(&NewService(attrs), 35, flags, request.sequence)
}

#[test]
fn a_change_is_one_send_and_one_receive() {
    let mut client = client(|request, queue| queue.push_back(answer(request, 0)));
    client.add_service(&Service::new(key())).unwrap();
    client.delete_service(&key()).unwrap();
    let script = client.into_transport();
    // The first of each is for the family.
    assert_eq!((script.sends, script.receives), (3, 3));
}

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
fn no_answer_is_an_outcome_and_not_a_wait() {
    let mut client = client(|_, _| {});
    let error = client.flush().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAnswer);
    assert!(error.is_uncertain());
}

#[test]
fn answers_to_earlier_requests_are_passed_over() {
    let mut client = client(|request, queue| {
        let late = Header { sequence: request.sequence.wrapping_sub(1), ..request };
        queue.push_back(answer(late, -3));
        queue.push_back(answer(request, 0));
    });
    client.flush().unwrap();
}

#[test]
fn lost_answers_are_told_and_the_client_goes_on() {
    let mut first = true;
    let mut client = client(move |request, queue| {
        queue.push_back(if first { Reply::Overrun } else { answer(request, 0) });
        first = false;
    });
    let error = client.flush().unwrap_err();
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::Overrun, Some(libc::ENOBUFS)));
    client.flush().unwrap();
}

#[test]
fn a_truncated_answer_says_how_long_it_was() {
    let mut client = client(|_, queue| queue.push_back(Reply::Truncated(9000)));
    let error = client.flush().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.to_string(), "flush: an answer of 9000 bytes did not fit the buffer of 8192");
}

#[test]
fn a_socket_that_fails_is_an_error_with_its_source() {
    let mut client = client(|_, queue| queue.push_back(Reply::Failed(io::ErrorKind::NotConnected)));
    let error = client.flush().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_listing_that_failed_is_not_a_short_list() {
    let mut client = client(|request, queue| {
        queue.push_back(Reply::Datagram(service(request, 2, 443)));
        queue.push_back(done(request, -libc::EINTR));
    });
    let error = client.services().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(error.to_string(), "list services: the listing ended too early (EINTR)");
}

#[test]
fn a_listing_without_an_end_is_not_a_short_list() {
    let mut client =
        client(|request, queue| queue.push_back(Reply::Datagram(service(request, 2, 443))));
    assert_eq!(client.services().unwrap_err().kind(), ErrorKind::NoAnswer);
}

#[test]
fn a_listing_that_changed_underneath_is_told() {
    let mut client = client(|request, queue| {
        queue.push_back(Reply::Datagram(service(request, 0x12, 443)));
        queue.push_back(done(request, 0));
    });
    assert_eq!(client.services().unwrap_err().kind(), ErrorKind::Incomplete);
}

#[test]
fn a_bad_part_of_a_listing_is_an_error_and_the_rest_is_received() {
    let mut dumps = 0;
    let mut client = client(move |request, queue| {
        dumps += 1;
        let mut first = service(request, 2, 443);
        if dumps == 1 {
            // The nest is longer than the message.
            first[20..22].copy_from_slice(&0xfff0u16.to_ne_bytes());
        }
        queue.push_back(Reply::Datagram(first));
        queue.push_back(Reply::Datagram(service(request, 2, 444)));
        queue.push_back(done(request, 0));
    });
    assert_eq!(client.services().unwrap_err().kind(), ErrorKind::Malformed);
    assert_eq!(client.services().unwrap().len(), 2);
    // Each time three receives for the listing: nothing was left behind.
    assert_eq!(client.into_transport().receives, 1 + 3 + 3);
}

#[test]
fn several_messages_in_one_datagram_are_all_read() {
    let mut client = client(|request, queue| {
        let mut both = service(request, 2, 443);
        both.extend(service(request, 2, 444));
        queue.push_back(Reply::Datagram(both));
        queue.push_back(done(request, 0));
    });
    let keys: Vec<String> =
        client.services().unwrap().iter().map(|entry| entry.service.key().to_string()).collect();
    assert_eq!(keys, ["tcp 192.0.2.1:443", "tcp 192.0.2.1:444"]);
}

#[test]
fn a_module_that_was_loaded_anew_is_found_again() {
    let script = Script::new(|request, queue| {
        let code = if request.message_type == 32 { 0 } else { -libc::ENOENT };
        queue.push_back(answer(request, code));
    });
    let mut client = Client::with_transport(script.with_families(&[31, 32])).unwrap();
    client.add_service(&Service::new(key())).unwrap();
    client.flush().unwrap();
    // Two look-ups, the refused command, its repetition, and the flush.
    assert_eq!(client.into_transport().sends, 5);
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
fn a_daemon_whose_stop_is_not_answered_is_looked_for() {
    // The acknowledgement is swallowed; the listing that follows is empty.
    let mut requests = 0;
    let mut client = client(move |request, queue| {
        requests += 1;
        if requests > 1 {
            queue.push_back(done(request, 0));
        }
    });
    client.stop_daemon(Role::Master).unwrap();
}

#[test]
fn a_daemon_that_runs_on_after_an_unanswered_stop_is_an_error() {
    let mut requests = 0;
    let mut client = client(move |request, queue| {
        requests += 1;
        if requests > 1 {
            let attrs = ipvs_sys::DaemonAttrs {
                state: Some(1),
                interface: Some(b"eth0"),
                sync_id: Some(0),
                ..Default::default()
            };
            let daemon = message(&ipvs_sys::NewDaemon(attrs), 35, 2, request.sequence);
            queue.push_back(Reply::Datagram(daemon));
            queue.push_back(done(request, 0));
        }
    });
    let error = client.stop_daemon(Role::Master).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAnswer);
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
            add_service,
            ErrorKind::Refused,
            "add service tcp 192.0.2.1:443: this kernel has no IPv6, or it is switched off \
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
            "start sync daemon master: no such network interface (ENODEV)",
        ),
        (
            libc::EEXIST,
            start,
            ErrorKind::AlreadyExists,
            "start sync daemon master: a sync daemon of this role runs already; stop it to change \
             its parameters (EEXIST)",
        ),
        (
            libc::EINVAL,
            start,
            ErrorKind::Refused,
            "start sync daemon master: a service has a destination of another address family, \
             which sync messages cannot express; delete it first (EINVAL)",
        ),
        (
            libc::ENETUNREACH,
            start,
            ErrorKind::Refused,
            "start sync daemon master: the interface is down or has no address of the group's \
             family (ENETUNREACH)",
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
