//! The program, run by the tests.

use crate::host::wait_for;
use ipvs_sync::net::now;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// An `ipvs-syncd` that runs, with a folder of its own. It ends in order when this is
/// dropped.
pub(crate) struct Daemon {
    child: Child,
    folder: PathBuf,
    is_over: bool,
}

/// A command of `ipvs-syncd`.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let program = std::env::var_os("IPVS_SYNCD")
        .expect("IPVS_SYNCD names the daemon: cargo xtask test builds it and sets this");
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Runs a command that is to end by itself. It has ten seconds.
pub(crate) fn ended(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = now() + Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() && now() < deadline {
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait_with_output().unwrap()
}

/// A new folder for one test.
pub(crate) fn folder() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("ipvs-syncd-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir(&folder).unwrap();
    folder
}

/// Virtual router 7 of 10.0.0.7, with this priority and these lines.
pub(crate) fn web(priority: u8, lines: &str) -> String {
    format!(
        "[[virtual-router]]\nname = \"web\"\ninterface = \"vrrp0\"\nvrid = 7\n\
         interval = \"200ms\"\naddresses = [\"10.0.0.7\"]\npriority = {priority}\n{lines}\n"
    )
}

impl Daemon {
    /// Starts it in the thread's namespace, and waits until it answers.
    pub(crate) fn start(text: &str) -> Self {
        Self::start_with(&[], text)
    }

    /// The same, with these variables in its environment.
    pub(crate) fn start_with(variables: &[(&str, &OsStr)], text: &str) -> Self {
        let folder = folder();
        write(&folder, text);
        let child = spawn(&folder, variables);
        let this = Self { child, folder, is_over: false };
        this.waits_for("state");
        this
    }

    /// It ends without a word.
    pub(crate) fn crash(&mut self) {
        self.is_over = true;
        self.signal(Signal::SIGKILL);
        self.child.wait().unwrap();
    }

    /// Starts it once more after its end, as it was.
    pub(crate) fn start_again(&mut self) {
        self.child = spawn(&self.folder, &[]);
        self.is_over = false;
        self.waits_for("state");
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A command of a client.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        let socket = self.folder.join("control");
        command(arguments).arg("--socket").arg(socket).output().unwrap()
    }

    /// The state as JSON.
    pub(crate) fn state(&self) -> String {
        String::from_utf8(self.ask(&["status", "--json"]).stdout).unwrap()
    }

    pub(crate) fn waits_for(&self, what: &str) {
        wait_for(what, || self.state().contains(what).then_some(()));
    }

    /// Puts another configuration in the place of its own, and tells it so.
    pub(crate) fn reload(&self, text: &str) {
        write(&self.folder, text);
        self.signal(Signal::SIGHUP);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Ends it, and returns its exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        self.is_over = true;
        self.signal(Signal::SIGTERM);
        self.child.wait().unwrap().code()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }
}

fn spawn(folder: &Path, variables: &[(&str, &OsStr)]) -> Child {
    let log = File::options().append(true).create(true).open(folder.join("log")).unwrap();
    let mut command = command(&["--config"]);
    command.arg(folder.join("conf.toml")).envs(variables.iter().copied());
    command.stderr(log).spawn().unwrap()
}

fn write(folder: &Path, text: &str) {
    let control = folder.join("control");
    let text = format!("control = \"{}\"\n{text}", control.display());
    fs::write(folder.join("conf.toml"), text).unwrap();
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if !self.is_over {
            self.end();
        }
        if std::thread::panicking() {
            eprintln!("ipvs-syncd said:\n{}", self.log());
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
