//! Whatever the values: written bytes are those of the protocol, and reading
//! gives the values back, from any bytes that the kernel would read the same.

mod daemon;
mod destination;
mod plain;
mod service;
mod stats;
mod wire;

use proptest::prelude::*;

/// The start of some name: only lengths matter, content is passed on as it is.
fn name() -> impl Strategy<Value = &'static [u8]> {
    (0usize..=15).prop_map(|length| b"abcdefghijklmno".get(..length).unwrap_or_default())
}

/// An address in four bytes or in sixteen.
fn address() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        Just(&[192, 0, 2, 1][..]),
        Just(&[192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..]),
        Just(&[0x20, 0x01, 0x0d, 0xb8, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15][..]),
    ]
}
