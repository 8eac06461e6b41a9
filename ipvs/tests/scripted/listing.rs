//! Listings that fail, end early or are given up.

use crate::script::{
    Reply, Script, answer, client, destination, done, endpoint, key, server, service,
};
use ipvs::{Client, ErrorKind, Rule, Weight};
use ipvs_sys::Header;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn a_listing_that_failed_is_not_a_short_list() {
    let mut client = client(|request, queue| {
        queue.push_back(Reply::Datagram(service(request, 2, 443)));
        queue.push_back(done(request, -libc::EIO));
    });
    let error = client.services().unwrap_err();
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::Incomplete, Some(libc::EIO)));
    assert_eq!(
        error.to_string(),
        "list services: the listing ended too early (Input/output error (os error 5))"
    );
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
        queue.push_back(done(request, if dumps == 1 { -libc::EINTR } else { 0 }));
    });
    // The first of two failures is told.
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
fn a_listing_finds_a_module_that_was_loaded_anew_too() {
    let script = Script::new(|request, queue| {
        if request.message_type == 32 {
            queue.push_back(Reply::Datagram(service(request, 2, 443)));
            queue.push_back(done(request, 0));
        } else {
            queue.push_back(answer(request, -libc::ENOENT));
        }
    });
    let mut client = Client::with_transport(script.with_families(&[31, 32])).unwrap();
    assert_eq!(client.services().unwrap().len(), 1);
}

#[test]
fn a_listing_that_lost_answers_is_an_error_and_the_next_one_is_whole() {
    let mut dumps = 0;
    let mut client = client(move |request, queue| {
        dumps += 1;
        if dumps == 1 {
            queue.push_back(Reply::Overrun);
        }
        queue.push_back(Reply::Datagram(service(request, 2, 443)));
        queue.push_back(done(request, 0));
    });
    assert_eq!(client.services().unwrap_err().kind(), ErrorKind::Overrun);
    assert_eq!(client.services().unwrap().len(), 1);
}

/// A listing whose end was lost goes on as soon as something is received.
#[test]
fn a_listing_that_is_refused_because_of_the_last_one_is_asked_for_again() {
    let mut dumps = 0;
    let mut client = client(move |request, queue| {
        dumps += 1;
        if dumps == 1 {
            let before = Header { sequence: request.sequence - 1, ..request };
            queue.push_back(answer(request, -libc::EBUSY));
            queue.push_back(Reply::Datagram(service(before, 2, 1)));
            queue.push_back(done(before, 0));
        } else if !queue.is_empty() {
            queue.push_back(answer(request, -libc::EBUSY));
        } else {
            queue.push_back(Reply::Datagram(service(request, 2, 443)));
            queue.push_back(done(request, 0));
        }
    });
    let services = client.services().unwrap();
    assert_eq!(services[0].service.key().to_string(), "tcp 192.0.2.1:443");
    assert_eq!(services.len(), 1);
}

#[test]
fn a_listing_that_was_abandoned_is_received_to_its_end_before_the_next() {
    let mut client = client(|request, queue| {
        for port in [443, 444] {
            queue.push_back(Reply::Datagram(service(request, 2, port)));
        }
        queue.push_back(done(request, 0));
    });
    let abandoned = catch_unwind(AssertUnwindSafe(|| {
        client.for_each_service(|_| panic!("a caller's mistake"))
    }));
    assert!(abandoned.is_err());
    assert_eq!(client.services().unwrap().len(), 2);
}

/// The kernel lists nothing of a service that does not exist, without an error.
#[test]
fn a_service_that_does_not_exist_is_not_one_without_destinations() {
    let mut client = client(|request, queue| {
        let is_list = request.flags & 0x300 != 0;
        queue.push_back(if is_list { done(request, 0) } else { answer(request, -libc::ESRCH) });
    });
    let error = client.destinations(&key()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "list destinations of tcp 192.0.2.1:443: no such virtual service (ESRCH)"
    );
    let error = client.set_weight(&key(), endpoint("10.0.0.1:80"), Weight::ZERO).unwrap_err();
    assert_eq!(
        error.to_string(),
        "edit destination 10.0.0.1:80 of tcp 192.0.2.1:443: no such virtual service (ESRCH)"
    );
}

#[test]
fn an_edit_cannot_move_what_it_edits() {
    let mut client = client(|request, queue| {
        queue.push_back(Reply::Datagram(server(request, 7)));
        queue.push_back(done(request, 0));
    });
    let moved =
        client.update_destination(&key(), endpoint("10.0.0.7:80"), |_| destination("10.0.0.8:80"));
    assert_eq!(moved.unwrap_err().rule(), Some(Rule::KeyKept));
}
