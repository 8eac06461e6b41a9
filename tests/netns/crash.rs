//! A process of ours that is killed, with the real keepalived: what it left is there until
//! it comes back.

use crate::host::{name, run};
use crate::interop::{Kind, v3_over};
use crate::lan::Lan;
use crate::router::{becomes, config, settings, start, wait_until};
use ipvs_sync::runtime::Settings;
use ipvs_sync::vrrp::Family;
use ipvs_sync::vrrp::router::State;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

#[test]
fn what_a_killed_process_left_is_its_own_again() {
    let test = "crash::what_a_killed_process_left_is_its_own_again";
    dies_and_comes_back(test, v3_over(Family::V4), None);
}

#[test]
fn what_a_killed_process_left_over_ipv6_is_its_own_again() {
    let test = "crash::what_a_killed_process_left_over_ipv6_is_its_own_again";
    dies_and_comes_back(test, v3_over(Family::V6), None);
}

#[test]
fn the_virtual_mac_address_that_a_killed_process_left_is_its_own_again() {
    let test = "crash::the_virtual_mac_address_that_a_killed_process_left_is_its_own_again";
    dies_and_comes_back(test, v3_over(Family::V4), Some("vmac7"));
}

/// Ours is better. It is a process of its own until it is killed: this test, run by itself.
fn dies_and_comes_back(test: &str, kind: Kind, virtual_mac: Option<&str>) {
    let settings = || {
        // It does not take over before what it does at the start was looked at.
        let config = config(kind.family, 1, 200).with_startup_delay(Duration::from_secs(2));
        let settings = settings(config);
        match virtual_mac {
            Some(mac) => settings.with_virtual_mac(name(mac)),
            None => settings,
        }
    };
    if std::env::var_os(IS_ROUTER).is_some() {
        return run_until_killed(settings());
    }
    let lan = Lan::new(2);
    let has = || match virtual_mac {
        Some(mac) => run("ip -o addr show").contains(&format!("{mac}    inet 10.0.0.7/32")),
        None => kind.has(),
    };
    let mut process = lan.at(1, || run_alone(test));
    wait_until("process", || lan.at(1, has));
    let theirs = kind.theirs(&lan, 2, 100);
    sleep(kind.interval() * 4);
    assert!(!lan.at(2, || kind.has()));

    process.kill().unwrap();
    process.wait().unwrap();
    wait_until("take-over", || lan.at(2, || kind.has()));
    assert!(lan.at(1, has));

    let ours = lan.at(1, || start(settings()));
    becomes(&ours, State::Backup);
    assert!(!lan.at(1, has));
    becomes(&ours, State::Active);
    assert!(lan.at(1, has));
    wait_until("release", || !lan.at(2, || kind.has()));
    ours.stop();
    assert!(!lan.at(1, has));
    drop(theirs);
}

/// Says to a process of this binary that it is to be a router.
pub(crate) const IS_ROUTER: &str = "IPVS_TEST_IS_ROUTER";

/// Runs a test of this binary in a process of its own, in the thread's namespace.
pub(crate) fn run_alone(test: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(IS_ROUTER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

pub(crate) fn run_until_killed(settings: Settings) {
    let _router = start(settings);
    // Or until the test has ended without that.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
