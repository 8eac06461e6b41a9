//! Running the job, with its output going to the ports byte by byte.

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStringExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use xtask::{JOB_ARGV, JOB_ENVIRONMENT, Outcome, Verdict};

/// Runs the job to its end, and everything that it left behind.
pub(crate) fn run(stdout: File, stderr: File) -> Result<Verdict> {
    let mut child = match start()? {
        Ok(child) => child,
        Err(outcome) => return Ok(Verdict { outcome, stdout: 0, stderr: 0 }),
    };
    // The job writes to pipes, not to the ports: a port can be opened only
    // once, so that `echo >/dev/stderr` would fail on one.
    let stdout = pump(child.stdout.take().context("no stdout")?, stdout);
    let stderr = pump(child.stderr.take().context("no stderr")?, stderr);
    let outcome = wait_for(Pid::from_raw(i32::try_from(child.id())?))?;
    end_the_rest()?;
    Ok(Verdict { outcome, stdout: join(stdout)?, stderr: join(stderr)? })
}

/// Starts the job; the inner error is an outcome of the job, not of the guest.
fn start() -> Result<Result<Child, Outcome>> {
    let argv = strings(JOB_ARGV)?;
    let (program, arguments) = argv.split_first().context("the job is empty")?;
    let environment = strings(JOB_ENVIRONMENT)?.into_iter().filter_map(|variable| {
        let variable = variable.into_string().ok()?;
        let (name, value) = variable.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let spawned = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Ok(spawned.map_err(|error| {
        let status = if error.kind() == ErrorKind::NotFound { 127 } else { 126 };
        Outcome::CannotRun(status, format!("{}: {error}", program.to_string_lossy()))
    }))
}

fn strings(path: &str) -> Result<Vec<OsString>> {
    let bytes = fs::read(path).with_context(|| format!("read {path}"))?;
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
    let parts = bytes.split(|&byte| byte == 0);
    Ok(parts.map(|part| OsString::from_vec(part.to_vec())).collect())
}

/// Copies until every writer is gone, and returns how much it was.
fn pump(from: impl Read + Send + 'static, to: File) -> JoinHandle<io::Result<u64>> {
    // Not `io::copy`: it would splice, which the port's driver does by
    // stealing pages.
    fn copy(mut from: impl Read, mut to: File) -> io::Result<u64> {
        let mut buffer = vec![0; 32 << 10];
        let mut total = 0;
        loop {
            let chunk = match from.read(&mut buffer) {
                Ok(0) => return Ok(total),
                Ok(length) => buffer.get(..length).unwrap_or(&[]),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            to.write_all(chunk)?;
            total += chunk.len() as u64;
        }
    }
    thread::spawn(move || copy(from, to))
}

fn join(pump: JoinHandle<io::Result<u64>>) -> Result<u64> {
    let copied = pump.join().map_err(|_| anyhow::anyhow!("an output thread died"))?;
    copied.context("copy the job's output")
}

/// Waits for the job and reaps every orphan on the way.
fn wait_for(job: Pid) -> Result<Outcome> {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(pid, status)) if pid == job => {
                return Ok(Outcome::Exit(u8::try_from(status)?));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == job => {
                return Ok(Outcome::Signal(u8::try_from(signal as i32)?));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("wait for the job"),
        }
    }
}

/// Ends what the job left running: it would hold the output open for ever.
fn end_the_rest() -> Result<()> {
    match kill(Pid::from_raw(-1), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => return Err(error).context("end what the job left running"),
    }
    while !matches!(wait(), Err(Errno::ECHILD)) {}
    Ok(())
}
