//! How many calls an operation takes, on the real socket.

use crate::counting::Counting;
use crate::netns::Netns;
use ipvs::{Destination, Service, ServiceKey, Weight};

#[test]
fn a_change_is_one_send_and_one_receive_and_the_family_is_looked_up_once() {
    let _netns = Netns::new();
    let mut client = Counting::client();
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    let destination = Destination::new("192.168.0.1:80".parse().unwrap());
    for _ in 0..10 {
        client.add_service(&Service::new(key)).unwrap();
        client.add_destination(&key, &destination).unwrap();
        client.edit_destination(&key, &destination.with_weight(Weight::ZERO)).unwrap();
        client.edit_service(&Service::new(key)).unwrap();
        client.delete_destination(&key, destination.endpoint()).unwrap();
        client.delete_service(&key).unwrap();
    }
    let counted = client.into_transport();
    assert_eq!((counted.sends, counted.receives, counted.lookups), (61, 61, 1));
}
