//! Plans: what they consist of, their order, and what becomes of them on the
//! kernel in memory.

#[path = "../common/tables.rs"]
mod tables;

mod applied;
mod order;
mod rollback;
mod shown;
