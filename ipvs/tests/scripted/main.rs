//! The client over a scripted kernel: what it makes of answers that a real one
//! gives rarely or never.

mod batch;
mod errors;
mod exchange;
mod listing;
mod script;
