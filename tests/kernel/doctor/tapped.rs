//! The tap beside the kernel's backup daemon.

use super::pair::{Ear, Pair, flows};
use crate::sync::director::wait_for;
use ipvs_sync::proto::PORT;

#[test]
fn what_a_master_sends_is_counted_and_the_backup_takes_the_same() {
    let pair = Pair::new();
    let mut ear = Ear::new(&pair, PORT, 1472);
    let _flows = flows(100);
    let heard = ear.wait_for(100);
    // At most 40 fit into one.
    assert!(heard.datagrams >= 3, "{heard:?}");
    assert_eq!(heard.bytes, heard.datagrams * 8 + 100 * 36);
    assert_eq!((heard.lost, heard.oversize, heard.wrapped, heard.templates), (0, 0, 0, 0));
    assert_eq!(heard.rejected().len(), 0);
    wait_for("the backup", || (pair.told() == 100).then_some(()));
}
