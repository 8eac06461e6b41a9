//! Shows what a process without privilege sees. Without an argument it connects
//! and asks for the version; with a file, in its network namespace; with
//! `sysctls`, it reads and sets some.

#![expect(clippy::print_stdout, reason = "what it is for")]

use ipvs::sysctl::{Sysctl, Sysctls};
use ipvs::{Client, Namespace};

fn main() {
    let client = match std::env::args_os().nth(1) {
        None => Client::connect(),
        Some(word) if word == "sysctls" => return sysctls(),
        Some(path) => match Namespace::open(path) {
            Ok(namespace) => Client::connect_in(&namespace),
            Err(error) => return println!("{error}"),
        },
    };
    match client.and_then(|mut client| client.info()) {
        Ok(info) => println!("{info:?}"),
        Err(error) => println!("{error}"),
    }
}

fn sysctls() {
    let sysctls = Sysctls::here();
    match sysctls.get(Sysctl::PMTU_DISC) {
        Ok(value) => println!("{value}"),
        Err(error) => println!("{error}"),
    }
    let set = [sysctls.set(Sysctl::PMTU_DISC, false), sysctls.set(Sysctl::SYNC_SOCK_SIZE, 1)];
    for result in set {
        match result {
            Ok(()) => println!("set"),
            Err(error) => println!("{error}"),
        }
    }
}
