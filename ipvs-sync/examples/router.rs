//! A virtual router: this host's part in keeping addresses alive that several hosts share.
//!
//! `cargo run --release --example router -- INTERFACE SOURCE VRID MILLISECONDS PRIORITY ADDRESS…`,
//! as root, on each of these hosts: with its own address on the interface, the same number
//! (1 to 255), the same time between two advertisements (10 to 40950), a priority of its
//! own (1 to 254, the highest has the addresses) and the same addresses.
//!
//! What happens is told a line each. A line on standard input is another priority, `resign`
//! (the next best takes over) or `promote` (it takes over itself, at once); its end hands over
//! to the next best and ends this one. One that is killed leaves its addresses behind, until it
//! is started again.

use ipvs_sync::runtime::{Event, Handle, Options, Record, Settings, spawn};
use ipvs_sync::vrrp::router::Config;
use ipvs_sync::vrrp::{Interval, Priority, Rank, Version, VirtualAddresses, Vrid};
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [interface, source, vrid, millis, priority, addresses @ ..] = &words[..] else {
        return Err("usage: router INTERFACE SOURCE VRID MILLISECONDS PRIORITY ADDRESS…".into());
    };
    let addresses: Vec<IpAddr> =
        addresses.iter().map(|address| address.parse()).collect::<Result<_, _>>()?;
    let addresses = VirtualAddresses::new(addresses)?;
    let interval = Interval::try_from(Duration::from_millis(millis.parse()?))?;
    let (vrid, version) = (Vrid::new(vrid.parse()?)?, Version::V3(interval));
    let config = Config::new(vrid, rank(priority)?, addresses, version, source.parse()?)?;

    let routers = spawn([Settings::new(interface.parse()?, config)], Options::default())?;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                routers.next(Duration::from_millis(50)).iter().for_each(tell);
            }
        });
        for line in io::stdin().lines().map_while(Result::ok) {
            if let Err(error) = obey(&routers, line.trim()) {
                eprintln!("{line}: {error}");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    routers.stop().iter().for_each(tell);
    Ok(())
}

fn obey(routers: &Handle, line: &str) -> Result<(), Box<dyn Error>> {
    match line {
        "resign" => routers.resign(0)?,
        "promote" => routers.promote(0)?,
        priority => routers.set_rank(0, rank(priority)?)?,
    };
    Ok(())
}

fn rank(priority: &str) -> Result<Rank, Box<dyn Error>> {
    Ok(Rank::Backup(Priority::new(priority.parse()?)?))
}

fn tell(record: &Record) {
    let time = record.time;
    match &record.event {
        Event::State { to, cause, .. } => println!("{time}: {to}: {cause}"),
        Event::Report(report) => println!("{time}: {report}"),
        Event::Failed(error) => println!("{time}: {error}"),
        event => println!("{time}: {event:?}"),
    }
}
