//! Applying a plan, and what becomes of each step.

use crate::tables::table;
use ipvs::fake::{Fault, Kernel};
use ipvs::transport::{Received, Transport};
use ipvs::{Batch, Change, Client, Destination, ErrorKind, Operation, Plan, Recovery, Service};
use ipvs::{ServiceKey, StepResult, Table, Weight};
use proptest::prelude::*;
use std::io;

pub(crate) type Fake = Client<ipvs::fake::Socket>;

pub(crate) fn filled(kernel: &Kernel, table: &Table) -> Fake {
    let mut client = kernel.client().expect("a client");
    client.send_batch(&Batch::from(table)).into_result().expect("a valid table");
    client
}

pub(crate) fn plan(client: &mut Fake, wanted: &Table) -> Plan {
    Plan::between(&client.full_snapshot().expect("nobody else changes it"), wanted)
}

/// What the table is, as far as `wanted` says anything of it.
pub(crate) fn is(client: &mut Fake, wanted: &Table) -> bool {
    plan(client, wanted).is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_plan_makes_exactly_the_wanted_table(a in table(), b in table()) {
        let mut client = filled(&Kernel::new(), &a);
        let applied = plan(&mut client, &b);
        client.apply(&applied, Recovery::RollBack).expect("same table").into_result().expect("done");
        prop_assert!(is(&mut client, &b));
        let got = Table::try_from(&client.snapshot().expect("stable")).expect("valid");
        prop_assert!(got.services().map(|found| found.service()).eq(b.services().map(|wanted| wanted.service())));
    }

    /// Whichever step fails: the table is as before, or every step has its result.
    #[test]
    fn a_plan_that_fails_is_taken_back_whole(a in table(), b in table(), nth in 1usize..30) {
        let kernel = Kernel::new();
        let mut client = filled(&kernel, &a);
        let before = client.full_snapshot().expect("stable");
        let applied = plan(&mut client, &b);
        let Some(step) = applied.steps().get(nth % applied.steps().len().max(1)) else {
            return Ok(());
        };
        let operation = operation(&step.change);
        kernel.inject(operation, 1, Fault::Errno(libc_enomem()));
        let outcome = client.apply(&applied, Recovery::RollBack).expect("same table");
        prop_assert!(outcome.is_unchanged(), "{}", outcome.report(&applied));
        prop_assert!(client.full_snapshot().expect("stable").is_same_table(&before));
        let failed =
            outcome.results().iter().filter(|result| matches!(result, StepResult::Failed(_)));
        prop_assert!(failed.count() >= 1);
    }
}

fn libc_enomem() -> i32 {
    12
}

pub(crate) fn operation(change: &Change) -> Operation {
    match change {
        Change::AddService(_) => Operation::AddService,
        Change::EditService(_) => Operation::EditService,
        Change::DeleteService(_) => Operation::DeleteService,
        Change::AddDestination(..) => Operation::AddDestination,
        Change::EditDestination(..) => Operation::EditDestination,
        Change::DeleteDestination(..) => Operation::DeleteDestination,
        Change::SetTimeouts(_) => Operation::SetTimeouts,
    }
}

pub(crate) fn key() -> ServiceKey {
    "tcp 10.0.0.1:80".parse().expect("a key")
}

pub(crate) fn pool(hosts: &[u8]) -> Table {
    let mut table = Table::new();
    table.add_service(Service::new(key())).expect("once");
    for host in hosts {
        let endpoint = ipvs::Endpoint::new([192, 168, 0, *host], 80);
        table.add_destination(&key(), Destination::new(endpoint)).expect("once");
    }
    table
}

#[test]
fn a_plan_is_refused_by_another_table_than_its_own() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let plan = plan(&mut client, &pool(&[2]));
    client
        .set_weight(&key(), "192.168.0.1:80".parse().expect("one"), Weight::from(7))
        .expect("set");
    let error = client.apply(&plan, Recovery::RollBack).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    assert_eq!(
        error.to_string(),
        "apply a plan to tcp 10.0.0.1:80: it is not as it was when the plan was made; make \
         another plan from a new snapshot"
    );
    // Another service, which the plan knows nothing of, is another table too.
    let mut client = filled(&Kernel::new(), &pool(&[1]));
    let plan = Plan::between(&client.snapshot().expect("stable"), &pool(&[2]));
    client.add_service(&Service::new("udp 10.0.0.9:53".parse().expect("a key"))).expect("added");
    assert_eq!(client.apply(&plan, Recovery::Leave).unwrap_err().kind(), ErrorKind::Changed);
}

#[test]
fn counters_and_connections_do_not_make_it_another_table() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let plan = plan(&mut client, &pool(&[2]));
    let busy = ipvs::Connections { active: 7, ..ipvs::Connections::default() };
    kernel.set_connections(&key(), "192.168.0.1:80".parse().expect("one"), busy);
    client.apply(&plan, Recovery::RollBack).expect("same table").into_result().expect("done");
}

#[test]
fn nothing_is_taken_away_if_what_replaces_it_does_not_come() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let plan = plan(&mut client, &pool(&[2, 3]));
    kernel.inject(Operation::AddDestination, 1, Fault::Errno(libc_enomem()));
    let applied = client.apply(&plan, Recovery::Leave).expect("same table");
    // In the order of the steps: 3 and 2 are added, 1 is deleted.
    assert!(matches!(
        applied.results(),
        [StepResult::Failed(_), StepResult::Done, StepResult::NotSent]
    ));
    assert!(!applied.is_unchanged());
    assert_eq!(
        applied.report(&plan).to_string(),
        "failed: add destination 192.168.0.3:80 to tcp 10.0.0.1:80: the kernel is out of memory \
         (ENOMEM)\n\
         done: add destination 192.168.0.2:80 masquerade weight 1 to tcp 10.0.0.1:80\n\
         not sent: delete destination 192.168.0.1:80 from tcp 10.0.0.1:80\n"
    );
    assert!(is(&mut client, &pool(&[1, 2])));
}

#[test]
fn an_answer_that_was_lost_is_read_back_and_all_is_well() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let plan = plan(&mut client, &pool(&[1, 2]));
    kernel.inject(Operation::AddDestination, 1, Fault::Overrun);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert_eq!(applied.losses().len(), 1, "{applied:?}");
    assert!(applied.is_complete());
    applied.into_result().expect("complete");
}

#[test]
fn a_plan_goes_on_after_a_lost_answer_when_all_turns_out_to_be_done() {
    let kernel = Kernel::new();
    let mut client = filled(&kernel, &pool(&[1]));
    let plan = plan(&mut client, &pool(&[2]));
    kernel.inject(Operation::AddDestination, 1, Fault::Overrun);
    let applied = client.apply(&plan, Recovery::RollBack).expect("same table");
    assert_eq!(applied.losses().len(), 1, "{applied:?}");
    applied.into_result().expect("complete");
    assert!(is(&mut client, &pool(&[2])));
}

#[test]
fn nothing_more_is_sent_once_the_socket_has_failed() {
    let kernel = Kernel::new();
    let plan = plan(&mut filled(&kernel, &pool(&[1])), &pool(&[2]));
    let failing = Failing { socket: kernel.socket(), failed: false };
    let mut client = Client::with_transport(failing).expect("a client");
    kernel.inject(Operation::AddDestination, 1, Fault::NoAnswer);
    let applied = client.apply(&plan, Recovery::Leave).expect("same table");
    assert!(matches!(applied.results(), [StepResult::Done, StepResult::NotSent]), "{applied:?}");
    assert_eq!(applied.into_result().unwrap_err().kind(), ErrorKind::Io);
}

/// A socket that fails the first time that there is nothing to receive.
struct Failing {
    socket: ipvs::fake::Socket,
    failed: bool,
}

impl Transport for Failing {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send(datagram)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let received = self.socket.receive(buffer)?;
        if received == Received::Empty && !std::mem::replace(&mut self.failed, true) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(received)
    }
}
