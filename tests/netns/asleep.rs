//! A process of ours that does not run while much changes, so that the changes are lost.

use crate::crash::{IS_ROUTER, run_alone, run_until_killed};
use crate::host::{PORT, run};
use crate::router::{config, has_virtual, settings, wait_until};
use crate::wire::Wire;
use ipvs_sync::net::{Event as Change, Events};
use ipvs_sync::vrrp::Family;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn an_interface_that_is_created_anew_unnoticed_is_used_again() {
    if std::env::var_os(IS_ROUTER).is_some() {
        return run_until_killed(settings(config(Family::V4, 1, 100)));
    }
    let _wire = Wire::new();
    let test = "asleep::an_interface_that_is_created_anew_unnoticed_is_used_again";
    let mut process = run_alone(test);
    wait_until("process", || has_virtual(Family::V4));
    let number = Pid::from_raw(process.id().try_into().unwrap());
    kill(number, Signal::SIGSTOP).unwrap();
    // More than the kernel keeps for a socket.
    let mut unread = Events::open().unwrap();
    for host in 0..=255 {
        run(&format!("ip addr add 10.9.0.{host}/32 dev lo"));
        run(&format!("ip addr add 10.9.1.{host}/32 dev lo"));
    }
    assert_eq!(unread.poll().unwrap(), Some(Change::Lost));
    run(&format!("ip link del {PORT}"));
    run(&format!("ip link add {PORT} type veth peer name other0"));
    run("ip link set other0 up");
    run(&format!("ip addr add 10.0.0.1/24 dev {PORT}"));
    run(&format!("ip link set {PORT} up"));
    kill(number, Signal::SIGCONT).unwrap();
    wait_until("router", || has_virtual(Family::V4));
    process.kill().unwrap();
    process.wait().unwrap();
}
