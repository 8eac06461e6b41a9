//! Reading the table as text.

use crate::comparison::{Kind, REPETITIONS};
use crate::listing::filled;
use crate::report::Line;
use crate::sample::{Calls, Sample, Series};
use crate::shape::Shape;
use anyhow::{Result, ensure};
use std::fs::File;
use std::io::Read as _;
use std::time::Instant;

/// Opens and reads the file with buffers of several sizes. Nothing is parsed.
pub(crate) fn reads(name: &str, shape: Shape) -> Result<Vec<Line>> {
    let mut all = SIZES.map(|size| (size, Series::default()));
    let mut bytes = 0;
    for _ in 0..REPETITIONS {
        filled(shape)?;
        for (size, series) in &mut all {
            let mut buffer = vec![0; *size];
            let mut calls = Calls::default();
            bytes = 0;
            let start = Instant::now();
            let mut file = File::open("/proc/thread-self/net/ip_vs")?;
            loop {
                calls.receives += 1;
                match file.read(&mut buffer)? {
                    0 => break,
                    len => bytes += len,
                }
            }
            series.push(Sample::since(start, 1, calls));
            // A line for each object, of more than 40 bytes.
            ensure!(bytes > usize::try_from(shape.objects())? * 40, "{bytes} bytes are no table");
        }
    }
    let line = |(size, series)| {
        Line::new(format!("{name}/{bytes}-bytes/{size}"), "floor", Kind::Floor, "table", series)
    };
    Ok(all.map(line).into())
}

const SIZES: [usize; 3] = [4_096, 16_384, 65_536];
