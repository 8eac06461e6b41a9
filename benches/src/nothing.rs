//! A process that does nothing: what it takes to start one.

fn main() {}
