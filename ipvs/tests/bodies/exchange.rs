//! The client and its socket.

use super::Bench;
use ipvs::{Service, ServiceKey};

pub(crate) fn the_client_goes_on_after_errors<B: Bench>() {
    let bench = B::fresh();
    let mut client = bench.client();
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    for _ in 0..3 {
        assert!(client.delete_service(&key).unwrap_err().is_not_found());
        client.add_service(&Service::new(key)).unwrap();
        assert!(client.add_service(&Service::new(key)).unwrap_err().is_already_exists());
        assert_eq!(client.services().unwrap().len(), 1);
        client.delete_service(&key).unwrap();
    }
}
