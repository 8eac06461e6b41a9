//! Requests, and answers that are late, lost or missing.

use crate::script::{Reply, Script, answer, client, done, key, list_master, service};
use ipvs::{Client, ErrorKind, Put, Role, Service};
use ipvs_sys::Header;
use std::io;

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
fn no_answer_is_an_outcome_and_not_a_wait() {
    let mut client = client(|_, _| {});
    let error = client.flush().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAnswer);
    assert!(error.is_uncertain());
}

#[test]
fn answers_to_earlier_requests_are_passed_over() {
    let mut sequences = Vec::new();
    let mut client = client(move |request, queue| {
        assert!(!sequences.contains(&request.sequence), "a number was used twice");
        sequences.push(request.sequence);
        let late = Header { sequence: request.sequence.wrapping_sub(1), ..request };
        queue.push_back(Reply::Datagram(service(late, 2, 1)));
        queue.push_back(done(late, 0));
        queue.push_back(answer(late, -3));
        if request.flags & 0x300 == 0 {
            queue.push_back(answer(request, 0));
        } else {
            queue.push_back(Reply::Datagram(service(request, 2, 443)));
            queue.push_back(done(request, 0));
        }
    });
    client.flush().unwrap();
    let listed = client.services().unwrap();
    assert_eq!(listed.iter().map(|entry| entry.service.key()).collect::<Vec<_>>(), [key()]);
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
    assert_eq!(error.to_string(), "flush: an answer of 9000 bytes did not fit the buffer of 3776");
}

#[test]
fn a_socket_that_fails_is_an_error_with_its_source() {
    let mut client = client(|_, queue| queue.push_back(Reply::Failed(io::ErrorKind::NotConnected)));
    let error = client.flush().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(std::error::Error::source(&error).is_some());
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
fn put_adds_or_edits_and_gives_up_on_a_table_that_never_settles() {
    let cases: [(&[i32], Result<Put, ErrorKind>); 4] = [
        (&[0], Ok(Put::Added)),
        (&[-libc::EEXIST, 0], Ok(Put::Edited)),
        (&[-libc::EEXIST, -libc::ESRCH, 0], Ok(Put::Added)),
        (&[-libc::EEXIST, -libc::EINVAL], Err(ErrorKind::Refused)),
    ];
    for (codes, expected) in cases {
        let mut codes = codes.iter();
        let mut client = client(move |request, queue| {
            queue.push_back(answer(request, *codes.next().unwrap()));
        });
        let put = client.put_service(&Service::new(key())).map_err(|error| error.kind());
        assert_eq!(put, expected);
    }
    let mut client = client(|request, queue| {
        let adding = queue.is_empty() && request.sequence % 2 == 0;
        queue.push_back(answer(request, if adding { -libc::EEXIST } else { -libc::ESRCH }));
    });
    assert!(client.put_service(&Service::new(key())).is_err());
    assert!(client.into_transport().sends < 20);
}

#[test]
fn a_question_that_is_only_acknowledged_is_not_answered() {
    let mut client = client(|request, queue| queue.push_back(answer(request, 0)));
    assert_eq!(client.info().unwrap_err().kind(), ErrorKind::NoAnswer);
    assert_eq!(client.timeouts().unwrap_err().kind(), ErrorKind::NoAnswer);
}

#[test]
fn a_daemon_whose_stop_is_not_answered_is_looked_for() {
    // The acknowledgement is swallowed; the other daemon runs on.
    let mut client = client(list_master);
    client.stop_daemon(Role::Backup).unwrap();
}

#[test]
fn a_daemon_that_runs_on_after_an_unanswered_stop_is_an_error() {
    let mut client = client(list_master);
    let error = client.stop_daemon(Role::Master).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAnswer);
}
