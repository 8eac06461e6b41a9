//! Running a guest in QEMU from its start to its verdict.
//!
//! Always the emulator (TCG): it runs on every machine, with every kernel.

use crate::kernel::Kernel;
use crate::process::{find, tail};
use anyhow::{Context as _, Result, bail};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use xtask::{Outcome, Verdict};

/// The machine to emulate.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Count instructions and derive the guest's clock from them.
    pub(crate) icount: bool,
    /// With that clock too, have random numbers from the processor: without them who needs
    /// some waits until long after the start.
    pub(crate) random: bool,
    /// Number of processors.
    pub(crate) processors: u32,
    /// Memory in MiB.
    pub(crate) memory: u32,
    /// How long the guest may take.
    pub(crate) timeout: Duration,
}

impl Machine {
    /// One processor, the usual memory and the machine's own clock.
    pub(crate) fn plain(timeout: Duration) -> Self {
        Self { icount: false, random: false, processors: 1, memory: MEMORY, timeout }
    }
}

/// Memory of a guest in MiB, unless the user says otherwise.
pub(crate) const MEMORY: u32 = 1024;

/// How a guest ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Its job ended, in this way.
    Job(Outcome),
    /// It was ended at its deadline.
    Deadline,
}

/// Boots a guest, passes its job's output on, and waits for its end. A guest
/// that ends without a verdict is an error that shows its console.
pub(crate) fn run(
    kernel: &Kernel,
    initramfs: &Path,
    machine: &Machine,
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
) -> Result<End> {
    let deadline = Instant::now() + machine.timeout;
    let (out_host, out_guest) = port()?;
    let (err_host, err_guest) = port()?;
    let mut command = command(kernel, initramfs, machine);
    connect(&mut command, 1, &out_guest);
    connect(&mut command, 2, &err_guest);
    let mut qemu = command.spawn().context("cannot start QEMU")?;
    drop((out_guest, err_guest));

    let console = Console::watch(&mut qemu)?;
    let out = Forward::start(out_host.try_clone()?, stdout);
    let err = Forward::start(err_host, stderr);
    let verdict = match console.verdict.recv_timeout(left(deadline)) {
        Ok(verdict) => verdict,
        Err(RecvTimeoutError::Timeout) => {
            end(&mut qemu)?;
            eprint!("xtask: the guest did not end in time; its console:\n{}", console.tail());
            return Ok(End::Deadline);
        }
        Err(RecvTimeoutError::Disconnected) => {
            let status = qemu.wait()?;
            bail!("the guest ended without a verdict ({status}); its console:\n{}", console.tail());
        }
    };
    let arrived = || out.count() >= verdict.stdout && err.count() >= verdict.stderr;
    wait_until(deadline, || arrived() || (out.has_ended() && err.has_ended()));
    // The answer that lets the guest end; it ends at the deadline anyway.
    let _ = (&out_host).write_all(b"\n");
    wait_until(deadline, || matches!(qemu.try_wait(), Ok(Some(_))));
    end(&mut qemu)?;
    if !arrived() {
        bail!("output was lost on the way; the guest said `{verdict}`");
    }
    if console.verdict.recv().is_ok() {
        bail!("more than one verdict; the guest's console:\n{}", console.tail());
    }
    if matches!(verdict.outcome, Outcome::Broken(_)) {
        bail!("{}; its console:\n{}", verdict.outcome, console.tail());
    }
    Ok(End::Job(verdict.outcome))
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn wait_until(deadline: Instant, mut done: impl FnMut() -> bool) -> bool {
    while !done() {
        if left(deadline).is_zero() {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Ends QEMU if it still runs.
fn end(qemu: &mut Child) -> Result<()> {
    if qemu.try_wait()?.is_none() {
        qemu.kill()?;
    }
    qemu.wait().map(drop).context("wait for QEMU")
}

fn command(kernel: &Kernel, initramfs: &Path, machine: &Machine) -> Command {
    // The kernel ends QEMU with us even when we are killed; setpriv is how a
    // process asks for that from outside.
    let mut command = find("setpriv").map_or_else(
        || Command::new(crate::host::qemu()),
        |setpriv| {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(crate::host::qemu());
            command
        },
    );
    command.args(["-machine", "pc", "-accel", "tcg", "-nodefaults", "-no-user-config"]);
    command.args(["-no-reboot", "-display", "none", "-m"]).arg(machine.memory.to_string());
    // A panic reboots at once, which ends QEMU; an oops is a panic.
    let mut append = "console=ttyS0 panic=-1 oops=panic mitigations=off nokaslr".to_owned();
    if machine.icount {
        append.push_str(" norandmaps");
        command.args(["-icount", "shift=0,sleep=off", "-cpu"]);
        if machine.random {
            command.arg("max");
        } else {
            append.push_str(" random.trust_bootloader=off random.trust_cpu=off");
            command.arg("max,-rdrand,-rdseed");
        }
        command.args(["-rtc", "base=2026-01-01T00:00:00,clock=vm", "-seed", "1", "-smp", "1"]);
    } else {
        // The kernel looks for a moment whether timer interrupts come, and panics if a busy
        // host brought too few (`io_apic.c: timer_irq_works`).
        append.push_str(" no_timer_check");
        command.args(["-cpu", "max", "-smp"]).arg(machine.processors.to_string());
    }
    command.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(initramfs);
    command.args(["-append", &append]);
    command.args(["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]);
    command.args(["-device", "virtio-serial-pci"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A pair of connected sockets: ours, and the one QEMU inherits.
fn port() -> Result<(UnixStream, OwnedFd)> {
    let (host, guest) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::empty())?;
    fcntl(&host, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok((UnixStream::from(host), guest))
}

fn connect(command: &mut Command, number: u32, socket: &OwnedFd) {
    let fd = socket.as_raw_fd();
    command.arg("-chardev").arg(format!("socket,id=port{number},fd={fd}"));
    command.arg("-device").arg(format!("virtserialport,chardev=port{number},nr={number}"));
}

/// The guest's console, and what QEMU itself has to say.
struct Console {
    text: Arc<Mutex<String>>,
    verdict: Receiver<Verdict>,
}

impl Console {
    fn watch(qemu: &mut Child) -> Result<Self> {
        let text = Arc::new(Mutex::new(String::new()));
        let (sender, verdict) = mpsc::channel();
        let stdout = qemu.stdout.take().context("no console")?;
        let stderr = qemu.stderr.take().context("no stderr")?;
        for stream in [Box::new(stdout) as Box<dyn Read + Send>, Box::new(stderr)] {
            let (text, sender) = (Arc::clone(&text), sender.clone());
            thread::spawn(move || read_console(stream, &text, &sender));
        }
        Ok(Self { text, verdict })
    }

    fn tail(&self) -> String {
        let text = tail(&self.text.lock().unwrap_or_else(PoisonError::into_inner));
        if text.is_empty() { "    (nothing)\n".to_owned() } else { text }
    }
}

/// Collects the console's text and sends the verdicts in it.
fn read_console(mut stream: impl Read, text: &Mutex<String>, verdicts: &Sender<Verdict>) {
    let mut buffer = [0; 4096];
    let mut line = Vec::new();
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        for &byte in buffer.get(..length).unwrap_or(&[]) {
            line.push(byte);
            if byte == b'\n' {
                let read = String::from_utf8_lossy(&line).into_owned();
                text.lock().unwrap_or_else(PoisonError::into_inner).push_str(&read);
                if let Some(verdict) = Verdict::parse(&read) {
                    let _ = verdicts.send(verdict);
                }
                line.clear();
            }
        }
    }
    let rest = String::from_utf8_lossy(&line);
    text.lock().unwrap_or_else(PoisonError::into_inner).push_str(&rest);
}

/// Passes one of the job's output streams on, counting.
struct Forward {
    count: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Forward {
    fn start(mut from: UnixStream, mut to: Box<dyn Write + Send>) -> Self {
        let count = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&count);
        let thread = thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                // Nobody may be reading our output any more: the guest's is
                // taken all the same, so that it can end.
                let _ = to.write_all(buffer.get(..length).unwrap_or(&[]));
                let _ = to.flush();
                counter.fetch_add(length as u64, Ordering::Release);
            }
        });
        Self { count, thread }
    }

    /// Whether QEMU has closed its end.
    fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }
}
