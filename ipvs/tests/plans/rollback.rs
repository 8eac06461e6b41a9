//! Taking back what was done of a plan that failed.

use crate::applied::{Fake, filled, is, key, operation, plan, pool};
use crate::tables::table;
use ipvs::fake::{Fault, Kernel};
use ipvs::{
    Applied, Batch, Change, Destination, Endpoint, Operation, Plan, Recovery, Scheduler, Service,
    ServiceKey, Snapshot, Step, StepResult, Table, Timeouts, Weight,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const NO_MEMORY: Fault = Fault::Errno(12);

#[test]
fn what_cannot_be_taken_back_is_told() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let mut wanted = pool(&[1, 2]);
    wanted.add_service(Service::new("udp 10.0.0.9:53".parse().expect("a key"))).expect("once");
    let plan = plan(&mut client, &wanted);
    kernel.inject(Operation::AddDestination, 1, NO_MEMORY);
    kernel.inject(Operation::DeleteService, 1, NO_MEMORY);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert!(!applied.is_unchanged());
    assert!(applied.results().iter().any(|result| matches!(result, StepResult::Stuck(_))));
    assert!(applied.report(&plan).to_string().contains("done and not taken back"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whichever steps fail, and what takes them back, and whichever answers are lost.
    #[test]
    fn a_pool_keeps_servers_and_each_step_is_what_its_result_says(
        a in table(),
        b in table(),
        faults in vec((any::<Index>(), 1usize..12, 1usize..12, any::<bool>()), 1..6),
        recovery in select(vec![Recovery::RollBack, Recovery::Leave]),
    ) {
        let kernel = Kernel::new();
        let mut client = filled(&kernel, &a);
        let before = client.full_snapshot().expect("stable");
        let plan = plan(&mut client, &b);
        let undo = [Operation::AddService, Operation::AddDestination, Operation::EditDestination];
        let steps = plan.steps().iter().map(|step| operation(&step.change));
        let operations: Vec<Operation> = steps.chain(undo).collect();
        for (operation, first, count, is_lost) in faults {
            for nth in first..first + count {
                let fault = if is_lost { Fault::Overrun } else { NO_MEMORY };
                kernel.inject(*operation.get(&operations), nth, fault);
            }
        }
        let applied = client.apply(&plan, recovery).expect("same table");
        let now = client.full_snapshot().expect("stable");
        let report = applied.report(&plan).to_string();
        for wanted in b.services().filter(|wanted| serves(wanted.destinations())) {
            let key = wanted.service().key();
            prop_assert!(!is_served(&before, &key) || is_served(&now, &key), "{key}\n{report}");
        }
        for (Step { change, .. }, result) in plan.steps().iter().zip(applied.results()) {
            match result {
                StepResult::Done => prop_assert!(client.is_done(change).expect("read")),
                StepResult::NotSent | StepResult::Failed(_) | StepResult::RolledBack => {
                    prop_assert_eq!(object(&now, change), object(&before, change), "{}", report);
                }
                StepResult::Stuck(_) | StepResult::Uncertain(_) => {}
            }
        }
        prop_assert_eq!(applied.is_complete(), applied.into_result().is_ok());
    }
}

fn serves<'a>(mut destinations: impl Iterator<Item = &'a Destination>) -> bool {
    destinations.any(|destination| destination.weight() > Weight::ZERO)
}

fn is_served(snapshot: &Snapshot, key: &ServiceKey) -> bool {
    snapshot
        .get(key)
        .is_some_and(|found| serves(found.destinations.iter().map(|entry| &entry.destination)))
}

/// What is there of what a change changes.
fn object(snapshot: &Snapshot, change: &Change) -> String {
    let Some(key) = change.key() else { return format!("{:?}", snapshot.timeouts()) };
    let Some(found) = snapshot.get(&key) else { return String::new() };
    let Some(endpoint) = change.endpoint() else { return found.entry.service.to_string() };
    let mut entries = found.destinations.iter().map(|entry| entry.destination);
    let destination = entries.find(|destination| destination.endpoint() == endpoint);
    destination.map(|destination| destination.to_string()).unwrap_or_default()
}

fn server(host: u8) -> Destination {
    Destination::new(Endpoint::new([192, 168, 0, host], 80))
}

/// Why it could not be taken back, if so.
fn stuck(result: &StepResult) -> Option<String> {
    match result {
        StepResult::Stuck(error) => Some(error.to_string()),
        _ => None,
    }
}

#[test]
fn what_replaces_a_server_stays_if_that_cannot_be_put_back() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1, 2]));
    let plan = plan(&mut client, &pool(&[3]));
    // 3 is added, 1 is deleted, 2 is not, and 1 cannot be added again.
    kernel.inject(Operation::DeleteDestination, 2, NO_MEMORY);
    kernel.inject(Operation::AddDestination, 2, NO_MEMORY);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert_eq!(
        applied.report(&plan).to_string(),
        "done and not taken back: add destination 192.168.0.3:80 to tcp 10.0.0.1:80: left, \
         because what it replaces could not be put back\n\
         done and not taken back: add destination 192.168.0.1:80 to tcp 10.0.0.1:80: the kernel \
         is out of memory (ENOMEM)\n\
         failed: delete destination 192.168.0.2:80 from tcp 10.0.0.1:80: the kernel is out of \
         memory (ENOMEM)\n"
    );
    assert!(is(&mut client, &pool(&[2, 3])));
}

#[test]
fn what_was_taken_away_is_put_back_before_what_was_added_goes() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1, 2]));
    let plan = plan(&mut client, &pool(&[3]));
    kernel.inject(Operation::DeleteDestination, 2, NO_MEMORY);
    // When 3 is deleted, all that was there before is there.
    kernel.inject(
        Operation::DeleteDestination,
        3,
        Fault::before(|kernel| {
            let mut client = kernel.client().expect("a client");
            assert!(is(&mut client, &pool(&[1, 2, 3])));
        }),
    );
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert!(applied.is_unchanged(), "{}", applied.report(&plan));
    assert!(is(&mut client, &pool(&[1, 2])));
}

#[test]
fn what_another_may_have_added_is_not_deleted() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let plan = plan(&mut client, &pool(&[1, 2, 3]));
    // Another adds 3 before we do. That this failed for us is lost.
    kernel.inject(
        Operation::AddDestination,
        1,
        Fault::before(|kernel| {
            let mut another = kernel.client().expect("a client");
            another.add_destination(&key(), &server(3)).expect("added");
        }),
    );
    kernel.inject(Operation::AddDestination, 1, Fault::Overrun);
    // The other's was the second.
    kernel.inject(Operation::AddDestination, 3, NO_MEMORY);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert_eq!(
        applied.report(&plan).to_string(),
        "done and not taken back: add destination 192.168.0.3:80 to tcp 10.0.0.1:80: left, \
         because the answer was lost and another may have done it\n\
         failed: add destination 192.168.0.2:80 to tcp 10.0.0.1:80: not carried out, as reading \
         back shows; why is not known, the answer was lost\n"
    );
    assert!(!applied.is_unchanged());
    assert!(is(&mut client, &pool(&[1, 3])));
}

/// More than one datagram: the service is known to be ours, of some of its
/// destinations the answers are lost.
#[test]
fn a_service_that_is_taken_back_takes_all_its_destinations_with_it() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &Table::new());
    let hosts: Vec<u8> = (1..=140).collect();
    let plan = plan(&mut client, &pool(&hosts));
    kernel.inject(Operation::AddDestination, 139, Fault::Overrun);
    kernel.inject(Operation::AddDestination, 140, NO_MEMORY);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert!(applied.is_unchanged(), "{}", applied.report(&plan));
    assert!(is(&mut client, &Table::new()));
    assert_eq!(client.services().expect("a list"), []);
}

#[test]
fn a_destination_that_goes_with_its_service_is_not_left() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &Table::new());
    let plan = plan(&mut client, &pool(&[1, 2]));
    kernel.inject(Operation::AddDestination, 2, NO_MEMORY);
    kernel.inject(Operation::DeleteDestination, 1, NO_MEMORY);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert!(applied.is_unchanged(), "{}", applied.report(&plan));
    assert!(is(&mut client, &Table::new()));
}

#[test]
fn why_a_step_could_not_be_taken_back_is_the_first_reason() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1, 2]));
    client.add_service(&Service::new("udp 10.0.0.9:53".parse().expect("a key"))).expect("added");
    let plan = plan(&mut client, &Table::new());
    kernel.inject(Operation::DeleteService, 2, NO_MEMORY);
    kernel.inject(Operation::AddService, 1, NO_MEMORY);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    // Without the service its destinations fail too.
    assert_eq!(
        applied.results().iter().find_map(stuck).as_deref(),
        Some("add service tcp 10.0.0.1:80: the kernel is out of memory (ENOMEM)")
    );
}

#[test]
fn only_the_timeouts_that_were_set_are_taken_back() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let mut wanted = pool(&[1, 2]);
    let udp = Timeouts { udp: Some(60), ..Timeouts::default() };
    wanted.set_timeouts(udp).expect("in range");
    let plan = plan(&mut client, &wanted);
    // Another sets another one meanwhile.
    let tcp = Timeouts { tcp: Some(77), ..Timeouts::default() };
    let meanwhile = move |kernel: &Kernel| {
        kernel.client().expect("a client").set_timeouts(&tcp).expect("in range");
    };
    kernel.inject(Operation::AddDestination, 1, Fault::before(meanwhile));
    kernel.inject(Operation::AddDestination, 1, NO_MEMORY);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert!(applied.is_unchanged(), "{}", applied.report(&plan));
    let now = client.timeouts().expect("read");
    assert_eq!(now, Timeouts { tcp: Some(77), tcp_fin: Some(120), udp: Some(300) });
}

#[test]
fn timeouts_that_were_not_known_before_cannot_be_taken_back() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let mut wanted = pool(&[1, 2]);
    let udp = Timeouts { udp: Some(60), ..Timeouts::default() };
    wanted.set_timeouts(udp).expect("in range");
    let plan = Plan::between(&client.snapshot().expect("stable"), &wanted);
    kernel.inject(Operation::AddDestination, 1, NO_MEMORY);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert_eq!(
        applied.results().iter().find_map(stuck).as_deref(),
        Some("set timeouts: left, because it is not known what was there before")
    );
}

/// Applies a plan for another scheduler. It is refused, and that costs the service
/// its scheduler, as by kernels until the middle of 2026.
fn refused_scheduler(kernel: &Kernel, client: &mut Fake, recovery: Recovery) -> Applied {
    let service = Service::new(key());
    let mut wanted = Table::new();
    wanted.add_service(service.with_scheduler(Scheduler::Mh)).expect("once");
    let plan = plan(client, &wanted);
    let lose = move |kernel: &Kernel| {
        let unscheduled = service.with_scheduler(Scheduler::Unscheduled);
        kernel.client().expect("a client").edit_service(&unscheduled).expect("edited");
    };
    kernel.inject(Operation::EditService, 1, Fault::before(lose));
    kernel.inject(Operation::EditService, 1, NO_MEMORY);
    client.apply(&plan, recovery).expect("same table")
}

#[test]
fn a_service_that_loses_its_scheduler_to_a_refused_one_gets_it_back() {
    for recovery in [Recovery::RollBack, Recovery::Leave] {
        let kernel = Kernel::new();
        let mut client = filled(&kernel, &pool(&[]));
        let applied = refused_scheduler(&kernel, &mut client, recovery);
        assert!(applied.is_unchanged(), "{applied:?}");
        assert_eq!(applied.into_result().unwrap_err().raw_os_error(), Some(12));
        assert!(is(&mut client, &pool(&[])));
    }
}

#[test]
fn a_scheduler_that_cannot_be_given_back_is_told() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[]));
    // After the edit, and that which takes the scheduler away: the old one, then the new.
    kernel.inject(Operation::EditService, 3, NO_MEMORY);
    kernel.inject(Operation::EditService, 4, NO_MEMORY);
    let applied = refused_scheduler(&kernel, &mut client, Recovery::RollBack);
    assert!(matches!(applied.results(), [StepResult::Uncertain(_)]), "{applied:?}");
}

#[test]
fn a_refused_edit_that_cost_no_scheduler_sends_no_other() {
    for scheduler in [Scheduler::Wlc, Scheduler::Unscheduled] {
        let kernel = Kernel::new();
        let service = Service::new(key()).with_scheduler(scheduler);
        let mut client = filled(&kernel, &Table::new());
        client.add_service(&service).expect("added");
        let mut wanted = Table::new();
        wanted.add_service(service.with_scheduler(Scheduler::Mh)).expect("once");
        let plan = plan(&mut client, &wanted);
        kernel.inject(Operation::EditService, 1, NO_MEMORY);
        // Another edit would fail too, and be told.
        kernel.inject(Operation::EditService, 2, NO_MEMORY);
        let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
        assert!(matches!(applied.results(), [StepResult::Failed(_)]), "{applied:?}");
    }
}

/// Takes back a plan for another scheduler. The old one is refused, which costs the
/// service the other one, and so are as many edits after that as `refused`.
fn refused_old_scheduler(refused: usize) -> (Applied, Scheduler) {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let service = Service::new(key());
    let mut wanted = Table::new();
    wanted.add_service(service.with_scheduler(Scheduler::Mh)).expect("once");
    let plan = plan(&mut client, &wanted);
    let lose = move |kernel: &Kernel| {
        let unscheduled = service.with_scheduler(Scheduler::Unscheduled);
        kernel.client().expect("a client").edit_service(&unscheduled).expect("edited");
    };
    kernel.inject(Operation::DeleteDestination, 1, NO_MEMORY);
    kernel.inject(Operation::EditService, 2, Fault::before(lose));
    kernel.inject(Operation::EditService, 2, NO_MEMORY);
    // The third takes the scheduler away.
    for nth in 4..4 + refused {
        kernel.inject(Operation::EditService, nth, NO_MEMORY);
    }
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    let found = client.service(&key()).expect("read").expect("there");
    (applied, found.service.scheduler())
}

#[test]
fn a_service_that_loses_its_scheduler_when_it_is_taken_back_gets_one() {
    let (applied, scheduler) = refused_old_scheduler(0);
    assert_eq!(scheduler, Scheduler::Mh);
    let [edit, _] = applied.results() else { panic!("{applied:?}") };
    let refusal = stuck(edit).expect("not taken back");
    assert!(refusal.ends_with("the kernel is out of memory (ENOMEM)"), "{refusal}");

    let (applied, scheduler) = refused_old_scheduler(1);
    assert_eq!(scheduler, Service::new(key()).scheduler());
    assert!(applied.is_unchanged(), "{applied:?}");

    let (applied, scheduler) = refused_old_scheduler(2);
    assert_eq!(scheduler, Scheduler::Unscheduled);
    let [edit, _] = applied.results() else { panic!("{applied:?}") };
    assert!(matches!(edit, StepResult::Uncertain(_)), "{applied:?}");
}

/// Another's change to the table.
fn another(change: Change) -> Fault {
    Fault::before(move |kernel| {
        let mut batch = Batch::new();
        batch.push(change);
        let mut client = kernel.client().expect("a client");
        client.send_batch(&batch).into_result().expect("carried out");
    })
}

/// In each plan the answers to two steps are lost, and another changes what the
/// first has left before the second is carried out.
#[test]
fn what_is_neither_as_before_nor_as_wanted_is_not_known() {
    let weighted = |weight: u16| {
        let mut table = Table::new();
        table.add_service(Service::new(key())).expect("once");
        for host in [1, 2] {
            let destination = server(host).with_weight(Weight::from(weight));
            table.add_destination(&key(), destination).expect("once");
        }
        table
    };
    let heavy = |host| server(host).with_weight(Weight::from(9));
    for (before, wanted, operation, change) in [
        (
            pool(&[]),
            pool(&[1, 2]),
            Operation::AddDestination,
            Change::EditDestination(key(), heavy(2)),
        ),
        (
            pool(&[1, 2]),
            weighted(3),
            Operation::EditDestination,
            Change::EditDestination(key(), heavy(1)),
        ),
        (
            pool(&[1, 2]),
            pool(&[]),
            Operation::DeleteDestination,
            Change::AddDestination(key(), heavy(1)),
        ),
    ] {
        for recovery in [Recovery::RollBack, Recovery::Leave] {
            let kernel = Kernel::new();
            let mut client = filled(&kernel, &before);
            let plan = plan(&mut client, &wanted);
            kernel.inject(operation, 1, Fault::Overrun);
            kernel.inject(operation, 2, another(change));
            let applied = client.apply(&plan, recovery).expect("same table");
            let [first, _] = applied.results() else { panic!("{applied:?}") };
            assert!(matches!(first, StepResult::Uncertain(_)), "{}", applied.report(&plan));
            assert!(!applied.is_unchanged());
            assert!(applied.into_result().is_err());
        }
    }
}

#[test]
fn a_scheduler_that_is_lost_with_the_answer_is_given_back() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[]));
    kernel.inject(Operation::EditService, 1, Fault::Overrun);
    let applied = refused_scheduler(&kernel, &mut client, Recovery::RollBack);
    assert!(applied.is_unchanged(), "{applied:?}");
    assert!(is(&mut client, &pool(&[])));
}

#[test]
fn timeouts_that_were_not_known_before_do_not_show_that_they_were_not_set() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let mut wanted = pool(&[1]);
    let udp = Timeouts { udp: Some(60), ..Timeouts::default() };
    wanted.set_timeouts(udp).expect("in range");
    let plan = Plan::between(&client.snapshot().expect("stable"), &wanted);
    kernel.inject(Operation::SetTimeouts, 1, NO_MEMORY);
    kernel.inject(Operation::SetTimeouts, 1, Fault::Overrun);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert!(matches!(applied.results(), [StepResult::Uncertain(_)]), "{applied:?}");
}
