//! Running other programs, with their words in the error when they fail.

use anyhow::{Context as _, Result, bail};
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs a command quietly; what it printed is in the error.
pub(crate) fn quiet(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// Runs a command and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let shown = show(command);
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run `{shown}`"))?;
    if !output.status.success() {
        let (out, err) = (lossy(&output.stdout), lossy(&output.stderr));
        bail!("`{shown}` failed ({}):\n{}{}", output.status, tail(&out), tail(&err));
    }
    Ok(output.stdout)
}

/// As [`output`], for text.
pub(crate) fn text(command: &mut Command) -> Result<String> {
    output(command).map(|bytes| lossy(&bytes))
}

/// Runs a command with its output shown as it comes.
pub(crate) fn shown(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("cannot run `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs a command with its standard output shown as it comes, and returned.
pub(crate) fn tee(command: &mut Command) -> Result<(ExitStatus, String)> {
    let shown = show(command);
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.with_context(|| format!("cannot run `{shown}`"))?;
    let mut text = String::new();
    for line in BufReader::new(child.stdout.take().context("no output")?).split(b'\n') {
        let line = lossy(&line?);
        println!("{line}");
        text.push_str(&line);
        text.push('\n');
    }
    Ok((child.wait()?, text))
}

/// Writes to standard output and keeps what was written. Lines are written whole: others
/// may write too.
#[derive(Clone, Default)]
pub(crate) struct Copy(Arc<Mutex<Copied>>);

#[derive(Default)]
struct Copied {
    text: Vec<u8>,
    /// What stands before each line.
    name: String,
    /// How much of it is on standard output.
    shown: usize,
}

impl Copy {
    /// One that begins each line with a name.
    pub(crate) fn named(name: &str) -> Self {
        let name = format!("{name}: ");
        Self(Arc::new(Mutex::new(Copied { name, ..Copied::default() })))
    }

    /// What was written.
    pub(crate) fn text(&self) -> String {
        let copied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&copied.text).into_owned()
    }
}

impl Write for Copy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut copied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        copied.text.extend_from_slice(bytes);
        let Copied { text, name, shown } = &mut *copied;
        let new = text.get(*shown..).unwrap_or_default();
        let mut out = io::stdout().lock();
        for line in new.split_inclusive(|byte| *byte == b'\n') {
            if line.ends_with(b"\n") {
                *shown += line.len();
                out.write_all(&[name.as_bytes(), line].concat())?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// Finds a program in `PATH` or in the directories only root has there.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// A `cargo` in the workspace.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root);
    cargo
}

/// The last lines of a text, each on its own line.
pub(crate) fn tail(text: &str) -> String {
    const LINES: usize = 40;
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or(&[]);
    tail.iter().map(|line| format!("    {line}\n")).collect()
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    let shown = words.join(" ");
    shown.chars().take(400).collect()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
