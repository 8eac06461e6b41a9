//! Changes that another tool makes are seen.

use crate::netns::Netns;
use ipvs::{Event, Watch};
use std::time::Instant;

#[test]
fn what_ipvsadm_does_is_seen_in_order() {
    let netns = Netns::new();
    let mut client = netns.client();
    let mut watch = Watch::new();
    let mut look = || {
        let seen = watch.observe(Instant::now(), client.full_snapshot().unwrap());
        let name = |event: &Event| match event {
            Event::ServiceAppeared(service) => format!("+ {service}"),
            Event::ServiceEdited { after, .. } => format!("~ {after}"),
            Event::ServiceGone(service) => format!("- {service}"),
            Event::DestinationAppeared(_, destination) => format!("+   {destination}"),
            Event::DestinationEdited { after, .. } => format!("~   {after}"),
            Event::DestinationGone(_, destination) => format!("-   {destination}"),
            other => format!("{other:?}").split_whitespace().next().unwrap().to_owned(),
        };
        seen.events.iter().map(name).collect::<Vec<String>>()
    };
    assert_eq!(look(), [""; 0]);
    netns.run("/sbin/ipvsadm -A -t 10.0.0.1:80 -s rr");
    netns.run("/sbin/ipvsadm -a -t 10.0.0.1:80 -r 192.168.0.1 -m");
    assert_eq!(look(), ["+ tcp 10.0.0.1:80 rr", "+   192.168.0.1:80 masquerade weight 1"]);
    netns.run("/sbin/ipvsadm -E -t 10.0.0.1:80 -s wrr");
    netns.run("/sbin/ipvsadm -e -t 10.0.0.1:80 -r 192.168.0.1 -m -w 7");
    netns.run("/sbin/ipvsadm --set 0 0 60");
    assert_eq!(
        look(),
        ["TimeoutsEdited", "~ tcp 10.0.0.1:80 wrr", "~   192.168.0.1:80 masquerade weight 7"]
    );
    netns.run("/sbin/ipvsadm -D -t 10.0.0.1:80");
    assert_eq!(look(), ["-   192.168.0.1:80 masquerade weight 7", "- tcp 10.0.0.1:80 wrr"]);
}
