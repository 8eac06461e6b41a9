//! Counters.

use crate::wire::{Wire, bytes, disturbed};
use ipvs_sys::{Attrs, Stats};
use proptest::prelude::*;

/// Any counters; those of the old nest fit into it.
fn stats(old: bool) -> impl Strategy<Value = Stats> {
    any::<[u64; 10]>().prop_map(move |values| {
        let cut = |value: u64| if old { value >> 32 } else { value };
        let [a, b, c, bytes_in, bytes_out, d, e, f, g, h] = values;
        Stats {
            connections: cut(a),
            packets_in: cut(b),
            packets_out: cut(c),
            bytes_in,
            bytes_out,
            connections_per_second: cut(d),
            packets_in_per_second: cut(e),
            packets_out_per_second: cut(f),
            bytes_in_per_second: cut(g),
            bytes_out_per_second: cut(h),
        }
    })
}

/// In the kernel's order: a STATS64 nest, or a STATS nest where `old`.
fn attributes(stats: &Stats, old: bool) -> Wire {
    let long = |value: u64| value.to_ne_bytes().to_vec();
    let number = |value: u64| match u32::try_from(value) {
        Ok(value) if old => value.to_ne_bytes().to_vec(),
        _ => long(value),
    };
    vec![
        (1, number(stats.connections)),
        (2, number(stats.packets_in)),
        (3, number(stats.packets_out)),
        (4, long(stats.bytes_in)),
        (5, long(stats.bytes_out)),
        (6, number(stats.connections_per_second)),
        (7, number(stats.packets_in_per_second)),
        (8, number(stats.packets_out_per_second)),
        (9, number(stats.bytes_in_per_second)),
        (10, number(stats.bytes_out_per_second)),
    ]
}

proptest! {
    #[test]
    fn counters_are_written_as_the_kernel_writes_them(stats in stats(false), old in stats(true)) {
        prop_assert_eq!(&stats.to_stats64()[..], &bytes(&attributes(&stats, false)));
        prop_assert_eq!(&old.to_stats()[..], &bytes(&attributes(&old, true)));
    }

    #[test]
    fn counters_are_read_from_any_bytes_that_mean_them(
        (stats, nest) in (any::<bool>(), stats(true)).prop_flat_map(|(old, stats)| {
            (Just(stats), disturbed(attributes(&stats, old), &[]))
        }),
    ) {
        prop_assert_eq!(Stats::parse(Attrs::new(&nest, "stats")), Ok(stats));
    }
}
