//! Tests without a socket.

mod keys;
mod messages;
