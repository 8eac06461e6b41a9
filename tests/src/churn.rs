//! Changes the table for as long as it lives, with a pause now and then: another
//! process, for tests of what is read meanwhile.

use ipvs::{Batch, Change, Client, Destination, Endpoint, Error, Service, ServiceKey};
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Error> {
    let mut client = Client::connect()?;
    // Between the services of the test.
    let key = |n: u32| ServiceKey::tcp(Endpoint::new((0x0a00_0001 + n * 2).to_be_bytes(), 80));
    let keys: Vec<ServiceKey> = (0..300).map(key).collect();
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
