//! What a process of its own does for tests.
//!
//! Without arguments: connects, asks for the version and prints what happens, for
//! tests of what a process without privilege sees; with a path, in the network
//! namespace of that file. With `churn`: adds services with one destination each
//! and deletes them again, until it is killed.

#![expect(clippy::print_stdout, reason = "what it is for")]

use ipvs::{Batch, Change, Client, Destination, Endpoint, Error, Namespace, Service, ServiceKey};
use std::ffi::OsStr;
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Error> {
    let client = match std::env::args_os().nth(1) {
        None => Client::connect(),
        Some(word) if word == OsStr::new("churn") => return churn(),
        Some(path) => match Namespace::open(path) {
            Ok(namespace) => Client::connect_in(&namespace),
            Err(error) => {
                println!("{error}");
                return Ok(());
            }
        },
    };
    match client.and_then(|mut client| client.info()) {
        Ok(info) => println!("{info:?}"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}

/// Changes the table for as long as it can, with a pause now and then.
fn churn() -> Result<(), Error> {
    let mut client = Client::connect()?;
    let keys = (0..300u32)
        .map(|n| ServiceKey::tcp(Endpoint::new((0x0a00_0001 + n * 2).to_be_bytes(), 80)));
    let keys: Vec<ServiceKey> = keys.collect();
    let server = Destination::new(Endpoint::new([192, 168, 0, 1], 80));
    let add = |key: &ServiceKey| {
        [Change::AddService(Service::new(*key)), Change::AddDestination(*key, server)]
    };
    let add: Batch = keys.iter().flat_map(add).collect();
    let delete: Batch = keys.iter().rev().map(|key| Change::DeleteService(*key)).collect();
    loop {
        for _ in 0..2 {
            client.send_batch(&add).into_result()?;
            client.send_batch(&delete).into_result()?;
        }
        thread::sleep(Duration::from_millis(400));
    }
}
