//! Many tasks over one client: what is read, what is done and what is told.

use crate::kernel::{DELETE, Kernel, LIST, SET, Server};
use crate::{Clock, key, seconds, weight};
use ipvs::{
    Client, Connections, Drain, DrainOutcome, Endpoint, ErrorKind, Ramp, RampOutcome, ServiceKey,
    Task, TaskEvent, Tasks, WaitFor, Weight,
};

fn tcp80() -> ServiceKey {
    key("tcp 10.0.0.1:80")
}

fn drain(clock: Clock) -> Drain {
    Drain::new(&tcp80(), clock.0, seconds(60))
}

/// The events without the service, in words.
fn told(events: &[TaskEvent]) -> Vec<String> {
    let word = |event: &TaskEvent| match event {
        TaskEvent::Unread { service, error } => format!("{service}: {:?}", error.kind()),
        TaskEvent::Failed { endpoint, error, .. } => format!("{endpoint}: {:?}", error.kind()),
        TaskEvent::WeightSet { endpoint, weight, .. } => format!("{endpoint}: weight {weight}"),
        TaskEvent::DrainEnded { endpoint, outcome, .. } => format!("{endpoint}: {outcome:?}"),
        TaskEvent::RampEnded { endpoint, outcome, .. } => format!("{endpoint}: {outcome:?}"),
        other => format!("{other:?}"),
    };
    events.iter().map(word).collect()
}

/// Runs until nothing is left, sleeping in virtual time, and returns all that was told.
fn run_out(tasks: &mut Tasks, client: &mut Client<Kernel>) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(next) = tasks.poll_timeout() {
        all.extend(told(&tasks.run(next, client)));
    }
    all
}

#[test]
fn a_drain_is_carried_out_and_loses_nothing_of_the_destination() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let server = [192, 168, 0, 1];
    let endpoint = kernel.add(80, server);
    kernel.add(80, [192, 168, 0, 2]);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    assert!(tasks.insert(&tcp80(), endpoint, drain(clock)).is_none());

    assert_eq!(told(&tasks.run(clock.0, &mut client)), ["192.168.0.1:80: weight 0"]);
    let lowered = kernel.server(80, server).unwrap();
    assert_eq!((lowered.weight, lowered.upper_threshold), (0, 77));
    for second in 1..5 {
        assert_eq!(tasks.poll_timeout(), Some(clock.at(second)));
        assert!(tasks.run(clock.at(second), &mut client).is_empty());
    }
    kernel.close(80, server);
    assert_eq!(told(&tasks.run(clock.at(5), &mut client)), ["192.168.0.1:80: Drained"]);
    assert_eq!(kernel.server(80, server), None);
    assert!(kernel.server(80, [192, 168, 0, 2]).is_some());
    assert_eq!((tasks.poll_timeout(), tasks.iter().count()), (None, 0));
    // One listing for each look, and two changes.
    assert_eq!((kernel.counted(LIST), kernel.counted(SET), kernel.counted(DELETE)), (6, 1, 1));
}

#[test]
fn nothing_is_read_before_it_is_due() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let endpoint = kernel.add(80, [192, 168, 0, 1]);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    assert!(tasks.run(clock.0, &mut client).is_empty());
    tasks.insert(&tcp80(), endpoint, drain(clock));
    tasks.run(clock.0, &mut client);
    assert_eq!(kernel.counted(LIST), 1);
    assert!(tasks.run(clock.at_millis(999), &mut client).is_empty());
    assert_eq!(kernel.counted(LIST), 0);
}

#[test]
fn a_thousand_drains_cost_one_listing_for_each_service_and_look() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    for host in 0..1_000_u16 {
        let [x, y] = host.to_be_bytes();
        let port = 80 + host % 2;
        let endpoint = kernel.add(port, [192, 168, x, y]);
        // They begin at different times.
        let start = clock.at_millis(u64::from(host) / 10);
        let drain = Drain::new(&tcp80(), start, seconds(60));
        tasks.insert(&key(&format!("tcp 10.0.0.1:{port}")), endpoint, drain);
    }
    assert_eq!(tasks.run(clock.at_millis(100), &mut client).len(), 1_000);
    assert_eq!(kernel.counted(LIST), 2);
    for second in 1..=9 {
        assert!(tasks.run(clock.at_millis(100 + second * 1_000), &mut client).is_empty());
        assert_eq!(kernel.counted(LIST), 2);
    }
    for host in 0..1_000_u16 {
        let [x, y] = host.to_be_bytes();
        kernel.close(80 + host % 2, [192, 168, x, y]);
    }
    let events = tasks.run(clock.at_millis(10_100), &mut client);
    let drained = |event: &TaskEvent| {
        matches!(event, TaskEvent::DrainEnded { outcome: DrainOutcome::Drained, .. })
    };
    assert_eq!(events.iter().filter(|event| drained(event)).count(), 1_000);
    assert_eq!((kernel.counted(LIST), kernel.counted(DELETE)), (2, 1_000));
    assert_eq!(tasks.poll_timeout(), None);
}

#[test]
fn drains_of_one_service_come_to_be_due_together() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let (first, second) = (kernel.add(80, [192, 168, 0, 1]), kernel.add(80, [192, 168, 0, 2]));
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), first, drain(clock));
    tasks.insert(&tcp80(), second, Drain::new(&tcp80(), clock.at_millis(400), seconds(60)));
    for millis in [0, 400, 1_000, 1_400] {
        assert_eq!(tasks.poll_timeout(), Some(clock.at_millis(millis)));
        tasks.run(clock.at_millis(millis), &mut client);
    }
    kernel.counted(LIST);
    for millis in [2_400, 3_400] {
        assert_eq!(tasks.poll_timeout(), Some(clock.at_millis(millis)));
        tasks.run(clock.at_millis(millis), &mut client);
    }
    assert_eq!(kernel.counted(LIST), 2);
}

#[test]
fn a_drain_that_waits_for_nothing_is_over_without_sleep() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let endpoint = kernel.add(80, [192, 168, 0, 1]);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), endpoint, drain(clock).with_wait_for(WaitFor::Nothing));
    assert_eq!(told(&tasks.run(clock.0, &mut client)), ["192.168.0.1:80: weight 0"]);
    assert_eq!(tasks.poll_timeout(), Some(clock.0));
    assert_eq!(told(&tasks.run(clock.0, &mut client)), ["192.168.0.1:80: Drained"]);
}

#[test]
fn a_ramp_is_carried_out_beside_a_drain() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let (out, back) = (kernel.add(80, [192, 168, 0, 1]), kernel.add(80, [192, 168, 0, 2]));
    kernel.state().services.get_mut(&80).unwrap().get_mut(&[192, 168, 0, 2]).unwrap().weight = 0;
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), out, Drain::new(&tcp80(), clock.0, seconds(4)));
    tasks.insert(&tcp80(), back, Ramp::new(weight(1), weight(3), clock.0, seconds(6)));
    let left = Connections { active: 1, ..Connections::default() };
    let passed = DrainOutcome::DeadlinePassed { left, deleted: true };
    assert_eq!(
        run_out(&mut tasks, &mut client),
        [
            "192.168.0.1:80: weight 0",
            "192.168.0.2:80: weight 1",
            "192.168.0.2:80: weight 2",
            &format!("192.168.0.1:80: {passed:?}"),
            "192.168.0.2:80: weight 3",
            "192.168.0.2:80: Reached",
        ]
    );
    // At 0, 1, 2, 3, 4 and 6 s.
    assert_eq!(kernel.counted(LIST), 6);
}

#[test]
fn a_cancelled_drain_restores_the_weight_in_the_next_run() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let server = [192, 168, 0, 1];
    let endpoint = kernel.add(80, server);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), endpoint, drain(clock));
    tasks.run(clock.0, &mut client);
    assert!(tasks.cancel(&tcp80(), endpoint, clock.at_millis(100)));
    assert_eq!(tasks.poll_timeout(), Some(clock.at_millis(100)));
    let outcome = DrainOutcome::Cancelled { weight: weight(5) };
    assert_eq!(
        told(&tasks.run(clock.at_millis(100), &mut client)),
        ["192.168.0.1:80: weight 5", &format!("192.168.0.1:80: {outcome:?}")]
    );
    assert_eq!(kernel.server(80, server).unwrap().weight, 5);
    assert!(!tasks.cancel(&tcp80(), endpoint, clock.at(1)));
    assert!(!tasks.cancel(&key("tcp 10.0.0.1:81"), endpoint, clock.at(1)));
}

#[test]
fn a_cancelled_ramp_is_over_at_once() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let endpoint = kernel.add(80, [192, 168, 0, 1]);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), endpoint, Ramp::new(weight(6), weight(9), clock.0, seconds(9)));
    tasks.run(clock.0, &mut client);
    assert!(tasks.cancel(&tcp80(), endpoint, clock.at(1)));
    assert!(!tasks.cancel(&tcp80(), endpoint, clock.at(1)));
    assert_eq!((tasks.poll_timeout(), tasks.iter().count()), (None, 0));
    assert!(tasks.run(clock.at(9), &mut client).is_empty());
    assert_eq!(kernel.server(80, [192, 168, 0, 1]).unwrap().weight, 6);
}

#[test]
fn a_task_that_is_replaced_is_given_back() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let server = [192, 168, 0, 1];
    let endpoint = kernel.add(80, server);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), endpoint, drain(clock));
    tasks.run(clock.0, &mut client);
    // The server is back.
    let ramp = Ramp::new(weight(2), weight(5), clock.0, seconds(3));
    assert!(matches!(tasks.insert(&tcp80(), endpoint, ramp), Some(Task::Drain(_))));
    assert!(matches!(tasks.iter().next(), Some((_, e, Task::Ramp(_))) if e == endpoint));
    let told = run_out(&mut tasks, &mut client);
    assert_eq!(told.first().map(String::as_str), Some("192.168.0.1:80: weight 2"));
    assert_eq!(kernel.server(80, server).unwrap().weight, 5);
}

#[test]
fn a_listing_that_failed_is_told_and_read_again_later_each_time() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let endpoint = kernel.add(80, [192, 168, 0, 1]);
    let other = kernel.add(81, [192, 168, 0, 1]);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), endpoint, drain(clock));
    tasks.insert(&key("tcp 10.0.0.1:81"), other, drain(clock));
    kernel.state().refuse.insert(LIST, libc::EIO);
    for second in [0, 1, 3, 7] {
        assert_eq!(tasks.poll_timeout(), Some(clock.at(second)));
        assert_eq!(
            told(&tasks.run(clock.at(second), &mut client)),
            ["tcp 10.0.0.1:80: Incomplete", "tcp 10.0.0.1:81: Incomplete"]
        );
    }
    kernel.state().refuse.clear();
    kernel.close(80, [192, 168, 0, 1]);
    kernel.close(81, [192, 168, 0, 1]);
    assert_eq!(
        run_out(&mut tasks, &mut client),
        [
            "192.168.0.1:80: weight 0",
            "192.168.0.1:80: weight 0",
            "192.168.0.1:80: Drained",
            "192.168.0.1:80: Drained"
        ]
    );
}

#[test]
fn a_listing_that_failed_does_not_put_off_those_that_were_not_due() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let (first, second) = (kernel.add(80, [192, 168, 0, 1]), kernel.add(80, [192, 168, 0, 2]));
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), first, drain(clock));
    tasks.insert(&tcp80(), second, Drain::new(&tcp80(), clock.at_millis(100), seconds(60)));
    kernel.state().refuse.insert(LIST, libc::EIO);
    tasks.run(clock.0, &mut client);
    kernel.state().refuse.clear();
    assert_eq!(tasks.poll_timeout(), Some(clock.at_millis(100)));
    let events = tasks.run(clock.at_millis(100), &mut client);
    assert_eq!(told(&events), ["192.168.0.2:80: weight 0"]);
    assert_eq!(tasks.poll_timeout(), Some(clock.at(1)));
}

#[test]
fn listings_that_fail_to_the_end_end_the_tasks_as_failed() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let (first, second) = (kernel.add(80, [192, 168, 0, 1]), kernel.add(80, [192, 168, 0, 2]));
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), first, Drain::new(&tcp80(), clock.0, seconds(2)));
    tasks.insert(&tcp80(), second, Ramp::new(weight(1), weight(3), clock.0, seconds(2)));
    kernel.state().refuse.insert(LIST, libc::EPERM);
    let told = run_out(&mut tasks, &mut client);
    assert_eq!(told.len(), 3 + 2);
    assert_eq!(told[3..], ["192.168.0.1:80: Failed", "192.168.0.2:80: Failed"]);
}

#[test]
fn a_change_that_failed_is_told_for_its_destination_and_tried_again() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let server = [192, 168, 0, 1];
    let endpoint = kernel.add(80, server);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), endpoint, drain(clock));
    for (command, at) in [(SET, [0, 1, 3]), (DELETE, [4, 5, 7])] {
        kernel.state().refuse.insert(command, libc::ENOMEM);
        for second in &at[..2] {
            assert_eq!(tasks.poll_timeout(), Some(clock.at(*second)));
            let events = tasks.run(clock.at(*second), &mut client);
            assert_eq!(told(&events), ["192.168.0.1:80: Refused"]);
        }
        kernel.state().refuse.clear();
        assert_eq!(tasks.poll_timeout(), Some(clock.at(at[2])));
        assert_eq!(tasks.run(clock.at(at[2]), &mut client).len(), 1);
        kernel.state().services.get_mut(&80).unwrap().entry(server).and_modify(|server| {
            server.connections = Connections::default();
        });
    }
    assert_eq!((kernel.server(80, server), tasks.poll_timeout()), (None, None));
}

#[test]
fn what_is_gone_is_told_whichever_answer_says_so() {
    let outcome = "192.168.0.1:80: Gone";
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let server = [192, 168, 0, 1];
    let mut client = kernel.client();
    let mut tasks = Tasks::default();

    // The service is not there.
    tasks.insert(&tcp80(), Endpoint::new(server, 80), drain(clock));
    assert_eq!(told(&tasks.run(clock.0, &mut client)), [outcome]);

    // The service is, the destination is not: seen twice, without sleep.
    kernel.add(80, [192, 168, 0, 9]);
    tasks.insert(&tcp80(), Endpoint::new(server, 80), drain(clock));
    assert!(tasks.run(clock.0, &mut client).is_empty());
    assert_eq!(tasks.poll_timeout(), Some(clock.0));
    assert_eq!(told(&tasks.run(clock.0, &mut client)), [outcome]);

    // It goes between the listing and the change.
    for (command, errno) in
        [(SET, libc::ENOENT), (SET, libc::ESRCH), (DELETE, libc::ENOENT), (DELETE, libc::ESRCH)]
    {
        let endpoint = kernel.add(80, server);
        tasks.insert(&tcp80(), endpoint, drain(clock).with_wait_for(WaitFor::Nothing));
        kernel.state().refuse.insert(command, errno);
        let events = run_out(&mut tasks, &mut client);
        assert_eq!(events.last().map(String::as_str), Some(outcome));
        kernel.state().refuse.clear();
    }
}

#[test]
fn a_destination_that_one_listing_lacks_is_not_given_up() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let server = [192, 168, 0, 1];
    let endpoint = kernel.add(80, server);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), endpoint, drain(clock));
    tasks.run(clock.0, &mut client);
    kernel.state().hidden.push(server);
    assert!(tasks.run(clock.at(1), &mut client).is_empty());
    assert_eq!(tasks.poll_timeout(), Some(clock.at(1)));
    assert!(tasks.run(clock.at(1), &mut client).is_empty());
    assert_eq!(tasks.poll_timeout(), Some(clock.at(2)));
}

#[test]
fn a_destination_that_another_tool_made_against_the_rules_is_drained_too() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let server = [192, 168, 0, 1];
    let endpoint = kernel.add(8080, server);
    let service = key("tcp 10.0.0.1:8080");
    // Direct routing to another port than the service's.
    let broken = Server { forwarding: 3, ..kernel.server(8080, server).unwrap() };
    kernel.state().services.get_mut(&8080).unwrap().insert(server, broken);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&service, endpoint, drain(clock));
    assert_eq!(told(&tasks.run(clock.0, &mut client)), ["192.168.0.1:80: weight 0"]);
    assert_eq!(kernel.server(8080, server), Some(Server { weight: 0, ..broken }));
    assert_eq!(
        client.set_weight(&service, endpoint, Weight::ONE).map_err(|error| error.kind()),
        Ok(())
    );
    let again = client.destination(&service, endpoint).unwrap().unwrap().destination;
    assert_eq!(client.edit_destination(&service, &again).unwrap_err().kind(), ErrorKind::Rule);
}

#[test]
fn what_another_took_back_is_left_alone() {
    let (clock, kernel) = (Clock::new(), Kernel::default());
    let server = [192, 168, 0, 1];
    let endpoint = kernel.add(80, server);
    let mut client = kernel.client();
    let mut tasks = Tasks::default();
    tasks.insert(&tcp80(), endpoint, drain(clock));
    tasks.run(clock.0, &mut client);
    client.set_weight(&tcp80(), endpoint, weight(9)).unwrap();
    let outcome = DrainOutcome::TakenBack { weight: weight(9) };
    assert_eq!(
        told(&tasks.run(clock.at(60), &mut client)),
        [format!("192.168.0.1:80: {outcome:?}")]
    );
    assert_eq!(kernel.server(80, server).unwrap().weight, 9);

    tasks.insert(&tcp80(), endpoint, Ramp::new(weight(1), weight(99), clock.0, seconds(60)));
    tasks.run(clock.at(30), &mut client);
    client.set_weight(&tcp80(), endpoint, weight(3)).unwrap();
    let outcome = RampOutcome::TakenBack { weight: weight(3) };
    assert_eq!(run_out(&mut tasks, &mut client), [format!("192.168.0.1:80: {outcome:?}")]);
}
