//! Reading allocates nothing, errors included; writing allocates nothing once
//! the buffer has grown.

#[path = "common/commands.rs"]
mod commands;
#[path = "common/counting.rs"]
mod counting;
#[path = "common/files.rs"]
mod files;

use commands::{Visit, each};
use counting::allocations;
use files::{every, read_in_every_way};
use ipvs_sys::{Command, encode};
use std::fmt::Debug;
use std::hint::black_box;

/// The captures are little-endian: read on another machine, they are garbage.
const BIG_ENDIAN: bool = cfg!(target_endian = "big");

#[test]
fn an_allocation_is_counted() {
    assert_eq!(allocations(|| Vec::<u8>::with_capacity(black_box(9))), 1);
}

#[test]
fn reading_allocates_nothing() {
    let mut views = 0;
    for (name, file) in every() {
        assert_eq!(allocations(|| views += read_in_every_way(&file)), 0, "{name}");
    }
    assert!(views > 100 || BIG_ENDIAN, "{views} views");
}

#[test]
fn reading_what_cannot_be_read_allocates_nothing() {
    let mut errors = 0;
    for (name, mut file) in every() {
        file.truncate(400);
        let whole = read_in_every_way(&file);
        for at in 0..file.len() {
            file[at] ^= 0xff;
            let count = allocations(|| errors += usize::from(read_in_every_way(&file) < whole));
            assert_eq!(count, 0, "{name}, byte {at}");
            file[at] ^= 0xff;
            assert_eq!(allocations(|| read_in_every_way(&file[..at])), 0, "{name} cut at {at}");
        }
    }
    assert!(errors > 1000 || BIG_ENDIAN, "{errors} errors");
}

#[test]
fn writing_into_a_grown_buffer_allocates_nothing() {
    struct Write(Vec<u8>);
    impl Visit for Write {
        fn visit<C: Command + Copy + Debug>(&mut self, command: C) {
            self.0.clear();
            let count = allocations(|| encode(&command, 35, 5, 1, &mut self.0));
            assert_eq!(count, 0, "{command:?}");
            assert!(self.0.len() >= 20);
        }
    }
    each(&mut Write(Vec::with_capacity(1024)));
}
