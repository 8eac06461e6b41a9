//! Batches: what is sent, and what becomes of each change whatever comes back.

use crate::script::{Reply, Script, answer, client, endpoint, key};
use ipvs::{Batch, Change, Client, ErrorKind, OnFailure, Outcome, Service};
use ipvs_sys::Header;
use std::collections::VecDeque;
use std::io;

const ACK: u16 = 4;

fn deletions(count: u8) -> Batch {
    (0..count).map(|host| Change::DeleteDestination(key(), deletion(host))).collect()
}

fn deletion(host: u8) -> ipvs::Endpoint {
    endpoint(&format!("10.0.0.{host}:80"))
}

/// Acknowledges where that is asked for. The first request has number 2.
fn acknowledge(request: Header, queue: &mut VecDeque<Reply>) {
    if request.flags & ACK != 0 {
        queue.push_back(answer(request, 0));
    }
}

/// Fails those of these numbers.
fn failing(numbers: &'static [u32]) -> Client<Script> {
    client(move |request, queue| {
        if numbers.contains(&(request.sequence - 2)) {
            queue.push_back(answer(request, -libc::ESRCH));
        } else {
            acknowledge(request, queue);
        }
    })
}

fn text(outcomes: &ipvs::Outcomes) -> String {
    let letter = |outcome| match outcome {
        Outcome::Done => 'd',
        Outcome::Failed(_) => 'f',
        Outcome::Uncertain => 'u',
        Outcome::NotSent => 'n',
    };
    outcomes.iter().map(letter).collect()
}

#[test]
fn a_datagram_without_failures_is_one_send_and_one_receive() {
    let mut client = client(acknowledge);
    let batch: Batch = (0..300).map(|_| Change::DeleteService(key())).collect();
    let outcomes = client.send_batch(&batch);
    assert!(outcomes.is_complete());
    assert!(outcomes.into_result().is_ok());
    let script = client.into_transport();
    // One of each for the family; 128, 128 and 44 changes.
    assert_eq!((script.sends, script.receives), (1 + 3, 1 + 3));
}

#[test]
fn an_empty_batch_sends_nothing() {
    let mut client = client(acknowledge);
    assert!(client.send_batch(&Batch::new()).is_complete());
    assert_eq!(client.into_transport().sends, 1);
}

#[test]
fn each_failure_is_at_its_place_and_explained() {
    let mut client = failing(&[0, 2, 4]);
    let outcomes = client.send_batch(&deletions(5));
    assert_eq!(text(&outcomes), "fdfdf");
    assert!(outcomes.get(5).is_none());
    let (index, error) = &outcomes.failures()[1];
    assert_eq!(*index, 2);
    assert_eq!(
        error.to_string(),
        "delete destination 10.0.0.2:80 from tcp 192.0.2.1:443: no such virtual service (ESRCH)"
    );
    assert_eq!(outcomes.into_result().unwrap_err().kind(), ErrorKind::NoSuchService);
}

#[test]
fn what_breaks_a_rule_is_not_sent_and_the_others_are() {
    let mut client = failing(&[1]);
    let broken = Change::AddService(Service::new(key()).with_one_packet(true));
    let mut batch = deletions(1);
    batch.push(broken);
    batch.extend(deletions(2).changes().iter().copied());
    let outcomes = client.send_batch(&batch);
    // Number 1 is the third change: the second was not sent.
    assert_eq!(text(&outcomes), "dffd");
    assert_eq!(outcomes.failures()[0].1.kind(), ErrorKind::Rule);
}

#[test]
fn nothing_is_carried_out_after_a_failure_if_the_batch_is_to_stop() {
    let mut client = failing(&[1]);
    let batch = deletions(4).with_on_failure(OnFailure::Stop);
    let outcomes = client.send_batch(&batch);
    assert_eq!(text(&outcomes), "dfnn");
    assert_eq!(outcomes.not_sent(), 2..4);
    assert_eq!(client.into_transport().sends, 1 + 2);
}

#[test]
fn a_broken_rule_stops_a_batch_too() {
    let mut client = client(acknowledge);
    let broken = Change::AddService(Service::new(key()).with_one_packet(true));
    let mut batch = Batch::from(vec![broken]).with_on_failure(OnFailure::Stop);
    batch.extend(deletions(2).changes().iter().copied());
    assert_eq!(text(&client.send_batch(&batch)), "fnn");
    assert_eq!(client.into_transport().sends, 1);
}

#[test]
fn after_an_overrun_all_that_was_not_answered_is_uncertain_and_the_batch_goes_on() {
    let mut sent = 0;
    let mut client = client(move |request, queue| {
        sent += 1;
        match sent {
            2 => queue.push_back(answer(request, -libc::ESRCH)),
            128 => queue.push_front(Reply::Overrun),
            _ => acknowledge(request, queue),
        }
    });
    let batch: Batch = (0..130).map(|_| Change::DeleteService(key())).collect();
    let outcomes = client.send_batch(&batch);
    assert_eq!(text(&outcomes), format!("uf{}dd", "u".repeat(126)));
    assert_eq!(outcomes.uncertain().len(), 127);
    let [loss] = outcomes.losses() else { panic!("one datagram was hit") };
    assert_eq!(
        loss.to_string(),
        "send a batch: answers were lost because the receive queue was full (ENOBUFS); what was \
         carried out is not known, read it back"
    );
}

#[test]
fn an_overrun_that_cost_no_answer_is_no_failure() {
    let mut client = client(|request, queue| {
        queue.push_back(Reply::Overrun);
        acknowledge(request, queue);
    });
    let outcomes = client.send_batch(&deletions(1));
    assert_eq!(outcomes.losses().len(), 1);
    assert!(outcomes.is_complete());
    assert!(outcomes.into_result().is_ok());
}

#[test]
fn truncated_and_unreadable_answers_are_losses() {
    for reply in [|| Reply::Truncated(9000), || Reply::Datagram(vec![0; 3])] {
        let mut client = client(move |request, queue| {
            if request.sequence == 3 {
                queue.push_back(reply());
            } else {
                acknowledge(request, queue);
            }
        });
        // The last one was acknowledged.
        assert_eq!(text(&client.send_batch(&deletions(4))), "uuud");
    }
}

#[test]
fn a_last_change_that_is_not_answered_leaves_all_uncertain() {
    let mut client = client(|_, _| {});
    let outcomes = client.send_batch(&deletions(2));
    assert_eq!(text(&outcomes), "uu");
    assert_eq!(outcomes.losses()[0].kind(), ErrorKind::NoAnswer);
}

#[test]
fn after_the_socket_failed_nothing_more_is_sent() {
    let mut client = client(|request, queue| {
        if request.flags & ACK != 0 {
            queue.push_back(Reply::Failed(io::ErrorKind::NotConnected));
        }
    });
    let batch: Batch = (0..200).map(|_| Change::DeleteService(key())).collect();
    let outcomes = client.send_batch(&batch);
    assert_eq!(text(&outcomes), format!("{}{}", "u".repeat(128), "n".repeat(72)));
    assert_eq!(outcomes.into_result().unwrap_err().kind(), ErrorKind::Io);
}

/// An ENOENT may be a stale family number: that is not looked up over a socket
/// that has failed.
#[test]
fn after_the_socket_failed_nothing_is_looked_up_either() {
    let mut client = client(|request, queue| {
        if request.flags & ACK != 0 {
            queue.push_back(Reply::Failed(io::ErrorKind::NotConnected));
        } else if request.sequence == 2 {
            queue.push_back(answer(request, -libc::ENOENT));
        }
    });
    let outcomes = client.send_batch(&deletions(3));
    assert_eq!(text(&outcomes), "fuu");
    assert_eq!(outcomes.losses().len(), 1);
    assert_eq!(client.into_transport().sends, 1 + 1);
}

#[test]
fn a_socket_that_fails_while_the_family_is_looked_up_ends_the_batch_and_is_told() {
    // The second look-up finds the socket broken.
    let script = Script::new(|request, queue| {
        if request.flags & ACK != 0 {
            queue.push_back(answer(request, -libc::ENOENT));
        }
    });
    let mut client = Client::with_transport(script.with_families(&[35])).unwrap();
    let batch: Batch = (0..200).map(|_| Change::DeleteService(key())).collect();
    let outcomes = client.send_batch(&batch);
    assert_eq!(text(&outcomes), format!("{}f{}", "d".repeat(127), "n".repeat(72)));
    assert_eq!(outcomes.losses()[0].kind(), ErrorKind::Io);
}

#[test]
fn late_answers_to_other_requests_are_passed_over() {
    let mut client = client(|request, queue| {
        if request.flags & ACK != 0 {
            for sequence in [1, request.sequence + 1] {
                queue.push_back(answer(Header { sequence, ..request }, -libc::EINVAL));
            }
        }
        acknowledge(request, queue);
    });
    assert!(client.send_batch(&deletions(3)).is_complete());
}

#[test]
fn what_met_an_old_family_number_is_sent_again_with_the_new_one() {
    let script = Script::new(|request, queue| {
        if request.message_type == 35 {
            queue.push_back(answer(request, -libc::ENOENT));
        } else {
            acknowledge(request, queue);
        }
    });
    let mut client = Client::with_transport(script.with_families(&[35, 36])).unwrap();
    assert!(client.send_batch(&deletions(3)).is_complete());
}

#[test]
fn enoent_with_the_same_family_number_is_what_it_says() {
    let mut client = client(|request, queue| {
        let code = if request.sequence == 3 { -libc::ENOENT } else { 0 };
        if code != 0 || request.flags & ACK != 0 {
            queue.push_back(answer(request, code));
        }
    });
    let outcomes = client.send_batch(&deletions(3));
    assert_eq!(text(&outcomes), "dfd");
    assert_eq!(outcomes.failures()[0].1.kind(), ErrorKind::NoSuchDestination);
}

#[test]
fn of_two_answers_to_one_change_the_first_counts() {
    let mut client = client(|request, queue| {
        if request.flags & ACK != 0 {
            queue.push_back(answer(Header { sequence: 3, ..request }, -libc::EEXIST));
            queue.push_back(answer(Header { sequence: 3, ..request }, -libc::EINVAL));
        }
        acknowledge(request, queue);
    });
    let outcomes = client.send_batch(&deletions(3));
    assert_eq!(text(&outcomes), "dfd");
    assert_eq!(outcomes.failures().len(), 1);
    assert_eq!(outcomes.failures()[0].1.kind(), ErrorKind::AlreadyExists);
}
