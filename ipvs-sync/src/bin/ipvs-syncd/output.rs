//! What the commands print. Whoever reads it may have gone, which is no failure of theirs.

use std::io::{self, Write as _};

/// On standard output. Whether it went there.
pub(crate) fn show(text: &str) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Why a command failed, on standard error.
pub(crate) fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
