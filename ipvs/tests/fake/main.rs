//! The fake kernel: the tests that the real ones pass, and what only it can do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure here is a failed test")]

#[path = "../bodies/mod.rs"]
mod bodies;
mod faults;

use ipvs::fake::{Kernel, Socket};

impl bodies::Bench for Kernel {
    type Socket = Socket;

    fn fresh() -> Self {
        Self::new()
    }

    fn socket(&self) -> Socket {
        self.socket()
    }

    fn add_interface(&self) {
        self.add_interface("sync0".parse().expect("a name"), 1500);
    }
}

mod on_fake {
    crate::bodies::on_bench!(ipvs::fake::Kernel);
}
