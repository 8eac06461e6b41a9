//! The four steps of the thesis in one process: its Figure 23.

use ipvs::{Client, Destination, Endpoint, Error, Scheduler, Service, ServiceKey};

fn main() -> Result<(), Error> {
    let mut client = Client::connect()?;
    let key = ServiceKey::tcp(Endpoint::new([10, 0, 0, 1], 80));
    let server = Destination::new(Endpoint::new([192, 168, 0, 1], 80));
    client.add_service(&Service::new(key).with_scheduler(Scheduler::Wrr))?;
    client.add_destination(&key, &server)?;
    client.delete_destination(&key, server.endpoint())?;
    client.delete_service(&key)
}
