//! Connections through two directors, of which one fails.

use crate::netns::text;
use std::process::Command;

#[test]
fn connections_that_the_other_director_knows_outlive_a_crash_and_a_handover() {
    let output = Command::new("/bin/connections").arg("check").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}
