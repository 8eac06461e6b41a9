//! Ending the guest.

use nix::libc;
use nix::sys::reboot::{RebootMode, reboot};

/// Ends the guest through QEMU's isa-debug-exit device, or by powering off
/// where that device is absent.
pub(crate) fn off() -> ! {
    debug_exit();
    let _ = reboot(RebootMode::RB_POWER_OFF);
    // Unreachable in a guest; the first process ending is a kernel panic, and
    // that ends the guest as well.
    std::process::exit(1)
}

/// The port that isa-debug-exit has on QEMU's command line.
const DEBUG_EXIT_PORT: u16 = 0xf4;

#[expect(
    unsafe_code,
    reason = "cloud kernels have no /dev/port, so the write has to be an instruction"
)]
fn debug_exit() {
    // SAFETY: raises this process's I/O privilege level; touches no memory.
    if unsafe { libc::iopl(3) } != 0 {
        return;
    }
    // SAFETY: a one-byte write to a port of the emulated machine on which
    // nothing but the exit device listens; touches no memory, and the call
    // above permits it.
    unsafe {
        std::arch::asm!(
            "out dx, al",
            in("dx") DEBUG_EXIT_PORT,
            in("al") 0_u8,
            options(nomem, nostack, preserves_flags)
        );
    }
}
