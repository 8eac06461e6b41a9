//! A virtual router: this host's part in keeping addresses alive that several hosts share.
//!
//! `cargo run --release --example router -- INTERFACE SOURCE VRID MILLISECONDS PRIORITY ADDRESS…`,
//! as root, on each of these hosts: with its own address on the interface, the same number
//! (1 to 255), the same time between two advertisements (10 to 40950), a priority of its
//! own (1 to 254, the highest has the addresses) and the same addresses.
//!
//! What happens is told a line each. A line on standard input is another priority; its end
//! hands over to the next best and ends this one. One that is killed leaves its addresses
//! behind, until it is started again.

use ipvs_sync::runtime::{Event, Options, Record, Settings, spawn};
use ipvs_sync::vrrp::router::Config;
use ipvs_sync::vrrp::{Interval, Priority, Rank, Version, VirtualAddresses, Vrid};
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::mpsc::{self, Receiver, TryRecvError};
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
    let lines = standard_input();
    loop {
        if let Some(record) = routers.next(Duration::from_millis(50)) {
            tell(&record);
        }
        match lines.try_recv() {
            Ok(line) => {
                if let Err(error) = rank(&line).and_then(|rank| Ok(routers.set_rank(0, rank)?)) {
                    eprintln!("{line}: {error}");
                }
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => break,
        }
    }
    routers.stop().iter().for_each(tell);
    Ok(())
}

fn rank(priority: &str) -> Result<Rank, Box<dyn Error>> {
    Ok(Rank::Backup(Priority::new(priority.trim().parse()?)?))
}

/// The lines of the standard input, until its end.
fn standard_input() -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        io::stdin().lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    lines
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
