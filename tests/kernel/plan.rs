//! Plans on the real kernel.

use crate::netns::Netns;
use crate::tables::table;
use ipvs::{Change, Client, Destination, Endpoint, ErrorKind, Plan, Recovery, Service, ServiceKey};
use ipvs::{StepResult, Table};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};

fn plan(client: &mut Client, wanted: &Table) -> Plan {
    Plan::between(&client.full_snapshot().unwrap(), wanted)
}

fn key() -> ServiceKey {
    "tcp 10.0.0.1:80".parse().unwrap()
}

fn server(host: u8) -> Destination {
    Destination::new(Endpoint::new([192, 168, 0, host], 80))
}

fn pool(hosts: &[u8]) -> Table {
    let mut table = Table::new();
    table.add_service(Service::new(key())).unwrap();
    for host in hosts {
        table.add_destination(&key(), server(*host)).unwrap();
    }
    table
}

/// From each table of a random row to the next.
#[test]
fn a_plan_makes_exactly_the_wanted_table_and_a_second_one_changes_nothing() {
    let netns = Netns::new();
    let mut runner = TestRunner::new(Config { cases: 12, ..Config::default() });
    let run = runner.run(&vec(table(), 2..8), |tables| {
        let mut client = netns.client();
        for wanted in tables {
            let there = plan(&mut client, &wanted);
            client.apply(&there, Recovery::RollBack).unwrap().into_result().unwrap();
            let snapshot = client.full_snapshot().unwrap();
            assert_eq!(plan(&mut client, &wanted).to_string(), "");
            let got = Table::try_from(&snapshot).unwrap();
            assert!(got.services().map(|got| (got.service(), got.destinations().count())).eq(
                wanted.services().map(|wanted| (wanted.service(), wanted.destinations().count()))
            ));
        }
        Ok(())
    });
    run.unwrap();
}

#[test]
fn a_plan_is_refused_once_another_tool_has_changed_the_table() {
    let netns = Netns::new();
    let mut client = netns.client();
    client.add_service(&Service::new(key())).unwrap();
    let plan = plan(&mut client, &pool(&[1]));
    netns.run("/sbin/ipvsadm -a -t 10.0.0.1:80 -r 192.168.0.7 -m");
    let error = client.apply(&plan, Recovery::RollBack).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
}

/// The kernel refuses a broadcast address, which the address alone does not show.
#[test]
fn a_plan_that_the_kernel_refuses_is_taken_back() {
    let netns = Netns::new();
    netns.run("/sbin/ip addr add 192.168.0.100/24 dev lo");
    let mut client = netns.client();
    let first = plan(&mut client, &pool(&[1, 2]));
    client.apply(&first, Recovery::RollBack).unwrap().into_result().unwrap();
    let before = client.snapshot().unwrap();
    let mut wanted = pool(&[2, 3, 255]);
    wanted.add_service(Service::new("udp 10.0.0.1:53".parse().unwrap())).unwrap();
    let second = plan(&mut client, &wanted);
    let applied = client.apply(&second, Recovery::RollBack).unwrap();
    assert!(applied.is_unchanged(), "{}", applied.report(&second));
    assert!(client.snapshot().unwrap().is_same_table(&before));
    let failed: Vec<String> = applied
        .results()
        .iter()
        .zip(second.steps())
        .filter(|(result, _)| matches!(result, StepResult::Failed(_)))
        .map(|(_, step)| step.change.to_string())
        .collect();
    assert_eq!(failed, [Change::AddDestination(key(), server(255)).to_string()]);
}
