//! What a service manager is told, and what is logged.

use super::ACTIVE;
use super::program::{Daemon, folder, web};
use crate::wire::Wire;
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

const ALIVE: &str = "WATCHDOG=1\n";

#[test]
fn a_service_manager_is_told_what_it_does_and_that_it_is_alive_until_its_end() {
    let _wire = Wire::new();
    let folder = folder();
    let path = folder.join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // The daemon says that it is alive three times as often.
    let variables = [("NOTIFY_SOCKET", path.as_os_str()), ("WATCHDOG_USEC", OsStr::new("1500000"))];
    // Its end takes longer than that.
    let hook = "[[hook]]\ncommand = [\"/bin/sh\", \"-c\", \
                \"test $IPVS_SYNCD_TO != stopped || sleep 3\"]\n";
    let with_hook = |priority| format!("{hook}{}", web(priority, ""));
    let mut daemon = Daemon::start_with(&variables, &with_hook(100));
    let next = || {
        let mut told = [0; 256];
        let length = manager.recv(&mut told).unwrap();
        String::from_utf8(told[..length].to_vec()).unwrap()
    };
    // What is told between two signs of life.
    let news = || std::iter::repeat_with(next).find(|told| told != ALIVE).unwrap();
    let micros = || Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap()).as_micros();
    let ready = "READY=1\nSTATUS=1 virtual routers\n";
    assert_eq!(next(), ready);
    assert_eq!([next(), next()], [ALIVE, ALIVE]);

    let before = micros();
    daemon.reload(&with_hook(101));
    let told = news();
    let at = told.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().trim_end();
    assert!((before..=micros()).contains(&at.parse().unwrap()), "{told}");
    assert_eq!(next(), ready);
    daemon.reload(&with_hook(0));
    assert!(news().starts_with("RELOADING=1\n"));
    let refused = ready.replace("routers", "routers; the last reload was refused");
    assert_eq!(next(), refused);

    daemon.waits_for(ACTIVE);
    daemon.signal(Signal::SIGTERM);
    assert_eq!(news(), "STOPPING=1\n");
    assert_eq!([next(), next(), next()], [ALIVE; 3]);
    assert_eq!(daemon.end(), Some(0));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_log_of_json_has_an_object_a_line() {
    let _wire = Wire::new();
    let mut daemon = Daemon::start(&format!("log = {{ format = \"json\" }}\n{}", web(100, "")));
    daemon.waits_for(ACTIVE);
    // What is refused is logged with quotes in it.
    daemon.reload("name = \"web\n");
    daemon.waits_for("\"refused\":1");
    daemon.reload("name = \"web\"\n");
    daemon.waits_for("\"refused\":2");
    assert_eq!(daemon.end(), Some(0));
    let lines = daemon.log();
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for line in &lines {
        assert!(line["timestamp"].is_string(), "{line}");
        assert!(["INFO", "WARN", "ERROR"].contains(&line["level"].as_str().unwrap()), "{line}");
        assert!(!line["message"].as_str().unwrap().is_empty(), "{line}");
    }
    let changed: Vec<[&Value; 4]> = lines
        .iter()
        .filter(|line| line["message"] == "virtual router changed its state")
        .map(|line| ["router", "interface", "from", "to"].map(|field| &line[field]))
        .collect();
    let expected = [("stopped", "backup"), ("backup", "active"), ("active", "stopped")];
    assert_eq!(changed, expected.map(|(from, to)| ["web", "vrrp0", from, to]));
    let refused = lines.iter().filter(|line| line["message"] == "reload refused");
    let said: Vec<&str> = refused.map(|line| line["error"].as_str().unwrap()).collect();
    assert!(said[0].contains("expected `\"`") && said[1].contains("`name`"), "{said:?}");
}
