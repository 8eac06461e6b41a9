//! What the size of the receive buffer does to a listing. The kernel makes a
//! listing's datagrams as large as the largest buffer that was ever offered on
//! the socket, up to 32 KiB (`af_netlink.c: netlink_dump`).

use crate::comparison::{Kind, REPETITIONS};
use crate::floor::{self, Floor};
use crate::listing::{filled, floor_destinations, floor_services};
use crate::report::Line;
use crate::sample::{Sample, Series};
use crate::shape::{Shape, whole};
use anyhow::Result;
use std::time::Instant;

/// Lists the services and then the destinations with buffers of every size,
/// each on a socket of its own.
pub(crate) fn buffers(name: &str, shape: Shape) -> Result<Vec<Line>> {
    let mut all = SIZES.map(|size| (size, Series::default(), Series::default()));
    for _ in 0..REPETITIONS {
        filled(shape)?;
        let family = floor::family()?;
        for (size, services, destinations) in &mut all {
            let mut floor = Floor::open(*size)?;
            let start = Instant::now();
            let keys = floor_services(&mut floor, family)?;
            services.push(Sample::since(start, 1, floor.calls));

            let mut floor = Floor::open(*size)?;
            let start = Instant::now();
            let listed = floor_destinations(&mut floor, family, &keys)?;
            destinations.push(Sample::since(start, 1, floor.calls));
            whole(listed, shape)?;
        }
    }
    let line = |of, size, series| {
        Line::new(format!("{name}/{of}/{size}"), "floor", Kind::Floor, "table", series)
    };
    let lines = all.into_iter().flat_map(|(size, services, destinations)| {
        [line("services", size, services), line("destinations", size, destinations)]
    });
    Ok(lines.collect())
}

/// The first is what fits a page of 4 KiB together with the kernel's bookkeeping
/// for a datagram (`NLMSG_GOODSIZE`).
const SIZES: [usize; 5] = [3_776, 4_096, 8_192, 16_384, 32_768];
