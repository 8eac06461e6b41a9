//! A target that is told what a node is. A panic is a finding.
//!
//! The tests of `ipvs-sync` include this file to replay the corpora.

use ipvs_sync::doctor::{Finding, Report, compare, compare_all, examine};

/// What a peer reports of itself, as it is read, judged and shown.
pub fn sync_report(data: &[u8]) {
    let Ok(report) = serde_json::from_slice::<Report>(data) else { return };
    let written = serde_json::to_vec(&report).expect("what was read can be written");
    assert_eq!(serde_json::from_slice::<Report>(&written).ok().as_ref(), Some(&report));
    let mut found: Vec<Finding> = examine(&report);
    found.extend(compare(&report, &report));
    found.extend(compare_all([&report, &report]));
    assert!(found.iter().all(|finding| !finding.to_string().is_empty()));
}
