//! The order of a plan's steps, tried out in a model of the table.

use crate::tables::table;
use ipvs::fake::Kernel;
use ipvs::{Batch, Change, Kinds, Plan, PlanOptions, ServiceKey, Snapshot, Surplus, Table, Weight};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::BTreeMap;

/// The weights of each service's destinations.
type Pools = BTreeMap<ServiceKey, BTreeMap<ipvs::Endpoint, Weight>>;

fn pools(table: &Table) -> Pools {
    let pool = |wanted: &ipvs::TableService| {
        let weights = wanted.destinations().map(|found| (found.endpoint(), found.weight()));
        (wanted.service().key(), weights.collect())
    };
    table.services().map(pool).collect()
}

fn step(pools: &mut Pools, change: &Change) {
    match change {
        Change::AddService(service) => {
            assert!(pools.insert(service.key(), BTreeMap::new()).is_none());
        }
        Change::DeleteService(key) => assert!(pools.remove(key).is_some()),
        Change::AddDestination(key, added) => {
            let pool = pools.get_mut(key).expect("the service is there");
            assert!(pool.insert(added.endpoint(), added.weight()).is_none());
        }
        Change::EditDestination(key, edited) => {
            let pool = pools.get_mut(key).expect("the service is there");
            assert!(pool.insert(edited.endpoint(), edited.weight()).is_some());
        }
        Change::DeleteDestination(key, endpoint) => {
            let pool = pools.get_mut(key).expect("the service is there");
            assert!(pool.remove(endpoint).is_some());
        }
        Change::EditService(service) => assert!(pools.contains_key(&service.key())),
        Change::SetTimeouts(_) => {}
    }
}

fn serves(pools: &Pools, key: &ServiceKey) -> bool {
    pools.get(key).is_some_and(|pool| pool.values().any(|weight| *weight > Weight::ZERO))
}

fn snapshot(table: &Table) -> Snapshot {
    let mut client = Kernel::new().client().expect("a client");
    client.send_batch(&Batch::from(table)).into_result().expect("a valid table");
    client.full_snapshot().expect("nobody else changes it")
}

fn kinds() -> impl Strategy<Value = Kinds> {
    let all = vec![
        Kinds::ADD_SERVICE,
        Kinds::EDIT_SERVICE,
        Kinds::DELETE_SERVICE,
        Kinds::ADD_DESTINATION,
        Kinds::EDIT_DESTINATION,
        Kinds::DELETE_DESTINATION,
    ];
    let some = subsequence(all, 1..=3);
    some.prop_map(|kinds| kinds.into_iter().fold(Kinds::NONE, |all, kind| all | kind))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_pool_that_serves_before_and_after_serves_at_every_step(a in table(), b in table()) {
        let plan = Plan::between(&snapshot(&a), &b);
        let (before, after) = (pools(&a), pools(&b));
        let mut now = before.clone();
        for taken in plan.steps() {
            step(&mut now, &taken.change);
            for key in before.keys().filter(|key| serves(&before, key) && serves(&after, key)) {
                prop_assert!(serves(&now, key), "{} left {key} without servers", taken.change);
            }
        }
        prop_assert_eq!(now, after);
    }

    #[test]
    fn so_it_does_whatever_kinds_of_change_are_ruled_out(
        a in table(),
        b in table(),
        kinds in kinds(),
        surplus in select(vec![Surplus::Delete, Surplus::Quiesce]),
    ) {
        let options = PlanOptions::default().without(kinds).with_surplus(surplus);
        let plan = Plan::with_options(&snapshot(&a), &b, &options);
        let (before, after) = (pools(&a), pools(&b));
        let mut now = before.clone();
        for taken in plan.steps() {
            step(&mut now, &taken.change);
            for key in before.keys().filter(|key| serves(&before, key) && serves(&after, key)) {
                prop_assert!(serves(&now, key), "{} left {key} without servers", taken.change);
            }
        }
    }

    #[test]
    fn whatever_stays_the_same_is_not_touched(a in table(), b in table()) {
        for taken in Plan::between(&snapshot(&a), &b).steps() {
            let Some(key) = taken.change.key() else { continue };
            let (old, new) = (a.get(&key), b.get(&key));
            match taken.change.endpoint() {
                None => prop_assert_ne!(old.map(|old| old.service()), new.map(|new| new.service())),
                Some(endpoint) => prop_assert_ne!(
                    old.and_then(|old| old.get(endpoint)),
                    new.and_then(|new| new.get(endpoint))
                ),
            }
        }
    }
}

#[test]
fn what_is_deleted_by_one_plan_is_added_in_reverse_by_the_next() {
    let pool = |hosts: [u8; 3]| {
        let mut table = Table::new();
        for service in [1, 2] {
            let key = ServiceKey::tcp(ipvs::Endpoint::new([10, 0, 0, service], 80));
            table.add_service(ipvs::Service::new(key)).expect("once");
            for host in hosts {
                let endpoint = ipvs::Endpoint::new([192, 168, 0, host], 80);
                table.add_destination(&key, ipvs::Destination::new(endpoint)).expect("once");
            }
        }
        table
    };
    let (a, b) = (pool([1, 2, 3]), pool([4, 5, 6]));
    let there = Plan::between(&snapshot(&a), &b);
    let back = Plan::between(&snapshot(&b), &a);
    let object = |change: &Change| (change.key(), change.endpoint());
    let deleted = there.steps().iter().map(|step| &step.change);
    let deleted = deleted.filter(|change| matches!(change, Change::DeleteDestination(..)));
    let added = back.steps().iter().map(|step| &step.change);
    let added = added.filter(|change| matches!(change, Change::AddDestination(..)));
    let mut added: Vec<_> = added.map(object).collect();
    added.reverse();
    assert_eq!(deleted.map(object).collect::<Vec<_>>(), added);
    assert_eq!(added.len(), 6);
}
