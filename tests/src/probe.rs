//! Connects, asks for the version and prints what happens: for tests of what a
//! process without privilege sees.

#![expect(clippy::print_stdout, reason = "what it is for")]

fn main() {
    match ipvs::Client::connect().and_then(|mut client| client.info()) {
        Ok(info) => println!("{info:?}"),
        Err(error) => println!("{error}"),
    }
}
