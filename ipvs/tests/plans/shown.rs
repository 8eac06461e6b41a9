//! A plan as text and as data, and its limits.

use ipvs::fake::Kernel;
use ipvs::{Batch, Before, Change, Kinds, Plan, PlanOptions, ServiceKey, Snapshot, Step};
use ipvs::{Surplus, Table};

fn table(lines: &str) -> Table {
    Table::from_ipvsadm(lines).expect("valid lines")
}

fn snapshot(lines: &str) -> Snapshot {
    let mut client = Kernel::new().client().expect("a client");
    client.send_batch(&Batch::from(&table(lines))).into_result().expect("a valid table");
    client.full_snapshot().expect("nobody else changes it")
}

fn changes<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<String> {
    steps.into_iter().map(|step| step.change.to_string()).collect()
}

const NOW: &str = "
-A -t 10.0.0.1:80 -s wrr
-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 1
-a -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 1
-A -u 10.0.0.1:53 -s rr
-A -f 7 -s wlc
-a -f 7 -r 192.168.0.9:80 -m -w 5
";

const WANTED: &str = "
-A -t 10.0.0.1:80 -s wrr
-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 3
-a -t 10.0.0.1:80 -r 192.168.0.3:80 -m -w 1
-A -u 10.0.0.1:53 -s wrr
-A -t [2001:db8::1]:443 -s sh -p 300
-a -t [2001:db8::1]:443 -r [2001:db8::2]:443 -g -w 1
";

#[test]
fn a_difference_is_shown_by_service() {
    let plan = Plan::between(&snapshot(NOW), &table(WANTED));
    assert_eq!(
        plan.to_string(),
        "  tcp 10.0.0.1:80\n\
         ~   192.168.0.1:80 masquerade weight 1 -> 192.168.0.1:80 masquerade weight 3\n\
         -   192.168.0.2:80 masquerade weight 1\n\
         +   192.168.0.3:80 masquerade weight 1\n\
         + tcp [2001:db8::1]:443 sh persistent 300\n\
         +   [2001:db8::2]:443 direct-route weight 1\n\
         ~ udp 10.0.0.1:53 rr -> udp 10.0.0.1:53 wrr\n\
         - fwmark 7 wlc\n\
         -   192.168.0.9:80 masquerade weight 5\n"
    );
}

#[test]
fn the_steps_are_in_the_order_in_which_they_are_taken() {
    let plan = Plan::between(&snapshot(NOW), &table(WANTED));
    assert_eq!(
        changes(plan.steps()),
        [
            "add service tcp [2001:db8::1]:443 sh persistent 300",
            "add destination [2001:db8::2]:443 direct-route weight 1 to tcp [2001:db8::1]:443",
            "add destination 192.168.0.3:80 masquerade weight 1 to tcp 10.0.0.1:80",
            "edit destination 192.168.0.1:80 masquerade weight 3 of tcp 10.0.0.1:80",
            "edit service udp 10.0.0.1:53 wrr",
            "delete destination 192.168.0.2:80 from tcp 10.0.0.1:80",
            "delete service fwmark 7",
        ]
    );
    let [.., last] = plan.steps() else { panic!("no steps") };
    assert!(matches!(&last.before, Before::Whole(_, destinations) if destinations.len() == 1));
}

#[test]
fn a_table_that_is_as_wanted_needs_nothing() {
    let plan = Plan::between(&snapshot(NOW), &table(NOW));
    assert!(plan.is_empty());
    assert_eq!(plan.to_string(), "");
}

#[test]
fn kinds_that_are_ruled_out_are_told_and_not_made() {
    let options = PlanOptions::default().without(Kinds::ADD_SERVICE | Kinds::DELETE_DESTINATION);
    let plan = Plan::with_options(&snapshot(NOW), &table(WANTED), &options);
    assert_eq!(
        changes(plan.withheld()),
        [
            "delete destination 192.168.0.2:80 from tcp 10.0.0.1:80",
            "add service tcp [2001:db8::1]:443 sh persistent 300",
            // Not without its service.
            "add destination [2001:db8::2]:443 direct-route weight 1 to tcp [2001:db8::1]:443",
        ]
    );
    assert_eq!(plan.steps().len(), 4);
    let text = plan.to_string();
    assert!(text.ends_with(
        "! withheld: delete destination 192.168.0.2:80 from tcp 10.0.0.1:80\n\
         ! withheld: add service tcp [2001:db8::1]:443 sh persistent 300\n\
         ! withheld: add destination [2001:db8::2]:443 direct-route weight 1 to tcp \
         [2001:db8::1]:443\n"
    ));
}

const POOL: &str = "
-A -t 10.0.0.1:80 -s wrr
-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 1
-a -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 1
-a -t 10.0.0.1:80 -r 192.168.0.3:80 -m -w 0
-a -t 10.0.0.1:80 -r 192.168.0.4:80 -m -w 0
-A -u 10.0.0.1:53 -s rr
-a -u 10.0.0.1:53 -r 192.168.0.5:53 -m -w 1
";

#[test]
fn no_server_goes_while_one_that_is_to_come_is_ruled_out() {
    // 1 goes, 2 is quiesced, 3 serves nobody and goes, 5 is another service's.
    let wanted = table(
        "-A -t 10.0.0.1:80 -s wrr
         -a -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 0
         -a -t 10.0.0.1:80 -r 192.168.0.4:80 -m -w 1
         -a -t 10.0.0.1:80 -r 192.168.0.6:80 -m -w 1
         -A -u 10.0.0.1:53 -s rr",
    );
    let without = |kinds| {
        let options = PlanOptions::default().without(kinds);
        Plan::with_options(&snapshot(POOL), &wanted, &options)
    };
    let plan = without(Kinds::ADD_DESTINATION);
    assert_eq!(
        changes(plan.steps()),
        [
            "edit destination 192.168.0.4:80 masquerade weight 1 of tcp 10.0.0.1:80",
            "delete destination 192.168.0.3:80 from tcp 10.0.0.1:80",
            "delete destination 192.168.0.5:53 from udp 10.0.0.1:53",
        ]
    );
    assert_eq!(
        changes(plan.withheld()),
        [
            "delete destination 192.168.0.1:80 from tcp 10.0.0.1:80",
            "edit destination 192.168.0.2:80 masquerade weight 0 of tcp 10.0.0.1:80",
            "add destination 192.168.0.6:80 masquerade weight 1 to tcp 10.0.0.1:80",
        ]
    );
    let plan = without(Kinds::EDIT_DESTINATION);
    assert_eq!(
        changes(plan.steps()),
        [
            "add destination 192.168.0.6:80 masquerade weight 1 to tcp 10.0.0.1:80",
            "delete destination 192.168.0.3:80 from tcp 10.0.0.1:80",
            "delete destination 192.168.0.5:53 from udp 10.0.0.1:53",
        ]
    );
}

#[test]
fn no_service_comes_without_the_servers_that_it_should_have() {
    let wanted = table(
        "-A -t 10.0.0.1:80 -s wrr
         -a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 1
         -a -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 0
         -A -u 10.0.0.1:53 -s rr
         -a -u 10.0.0.1:53 -r 192.168.0.1:53 -m -w 0
         -A -f 7 -s wlc",
    );
    let options = PlanOptions::default().without(Kinds::ADD_DESTINATION);
    let plan = Plan::with_options(&Snapshot::default(), &wanted, &options);
    // The others have no servers in any case.
    assert_eq!(
        changes(plan.steps()),
        ["add service fwmark 7 wlc", "add service udp 10.0.0.1:53 rr"]
    );
    assert_eq!(
        changes(plan.withheld()),
        [
            "add service tcp 10.0.0.1:80 wrr",
            "add destination 192.168.0.1:80 masquerade weight 1 to tcp 10.0.0.1:80",
            "add destination 192.168.0.2:80 masquerade weight 0 to tcp 10.0.0.1:80",
            "add destination 192.168.0.1:53 masquerade weight 0 to udp 10.0.0.1:53",
        ]
    );
}

#[test]
fn a_server_that_gets_no_connections_is_not_waited_for() {
    let wanted = table(
        "-A -t 10.0.0.1:80 -s wrr
         -a -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 1
         -a -t 10.0.0.1:80 -r 192.168.0.6:80 -m -w 0",
    );
    let options = PlanOptions::default().without(Kinds::ADD_DESTINATION | Kinds::DELETE_SERVICE);
    let plan = Plan::with_options(&snapshot(POOL), &wanted, &options);
    assert_eq!(plan.steps().len(), 3, "{plan}");
}

#[test]
fn what_may_not_be_quiesced_is_not_named_as_quiesced() {
    let options = PlanOptions::default().with_surplus(Surplus::Quiesce);
    let quiesced = |wanted: &str, kinds| {
        let options = options.clone().without(kinds);
        let plan = Plan::with_options(&snapshot(POOL), &table(wanted), &options);
        let endpoints = plan.quiesced().iter().map(|(_, endpoint)| endpoint.to_string());
        endpoints.collect::<Vec<_>>()
    };
    // 3 and 4 are at weight 0 already.
    assert_eq!(quiesced("", Kinds::NONE).len(), 5);
    assert_eq!(quiesced("", Kinds::EDIT_DESTINATION), ["192.168.0.3:80", "192.168.0.4:80"]);
    let replaced = "-A -t 10.0.0.1:80 -s wrr\n-a -t 10.0.0.1:80 -r 192.168.0.6:80 -m -w 1\n";
    assert_eq!(
        quiesced(replaced, Kinds::ADD_DESTINATION),
        ["192.168.0.3:80", "192.168.0.4:80", "192.168.0.5:53"]
    );
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let options =
        PlanOptions::default().with_owner(|key| matches!(key, ServiceKey::Address { .. }));
    let plan = Plan::with_options(&snapshot(NOW), &Table::new(), &options);
    let changes: Vec<Change> = plan.steps().iter().map(|step| step.change).collect();
    let keys = ["tcp 10.0.0.1:80", "udp 10.0.0.1:53"].map(|key| key.parse().expect("a key"));
    assert_eq!(changes, keys.map(Change::DeleteService));
}

#[test]
fn what_is_wanted_is_ours_whatever_the_filter_says() {
    let options = PlanOptions::default().with_owner(|_| false);
    let plan = Plan::with_options(&snapshot(NOW), &table(WANTED), &options);
    assert_eq!(plan.steps().len(), 6);
    assert!(!plan.to_string().contains("fwmark"));
}

#[test]
fn surplus_is_quiesced_and_named_and_its_service_goes_when_it_is_empty() {
    let options = PlanOptions::default().with_surplus(Surplus::Quiesce);
    let surplus = |lines: &str| Plan::with_options(&snapshot(lines), &Table::new(), &options);
    let plan = surplus(NOW);
    assert_eq!(
        plan.to_string(),
        "  tcp 10.0.0.1:80\n\
         ~   192.168.0.1:80 masquerade weight 1 -> 192.168.0.1:80 masquerade weight 0\n\
         ~   192.168.0.2:80 masquerade weight 1 -> 192.168.0.2:80 masquerade weight 0\n\
         - udp 10.0.0.1:53 rr\n\
         \u{20} fwmark 7\n\
         ~   192.168.0.9:80 masquerade weight 5 -> 192.168.0.9:80 masquerade weight 0\n"
    );
    assert_eq!(plan.quiesced().len(), 3);
    // What is at weight 0 already is named and not edited.
    let quiet = surplus("-A -f 7 -s wlc\n-a -f 7 -r 192.168.0.9:80 -m -w 0\n");
    assert!(quiet.is_empty());
    assert_eq!(quiet.quiesced().len(), 1);
}

#[test]
fn timeouts_are_set_where_they_differ_or_are_not_known() {
    let mut wanted = Table::new();
    let timeouts = ipvs::Timeouts { tcp: Some(900), udp: Some(60), tcp_fin: None };
    wanted.set_timeouts(timeouts).expect("in range");
    let plan = Plan::between(&snapshot(""), &wanted);
    assert_eq!(plan.to_string(), "~ timeouts tcp 900 tcp-fin 120 udp 300 -> udp 60\n");
    let plan = Plan::between(&Snapshot::default(), &wanted);
    assert_eq!(plan.to_string(), "~ set timeouts tcp 900 udp 60\n");
}
