//! The real keepalived, of the tree that `cargo xtask test` unpacks.

use crate::host::{PORT, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A keepalived with one virtual router, 7. It ends gracefully when this is dropped.
pub(crate) struct Keepalived {
    parent: Child,
    directory: PathBuf,
    is_over: bool,
}

impl Keepalived {
    /// Starts it in the thread's namespace, with these lines for its instance, and the
    /// virtual addresses.
    pub(crate) fn start(lines: &str, addresses: &[String]) -> Self {
        Self::start_with(&["--vrrp"], &instance(lines, addresses))
    }

    /// Starts it in the thread's namespace, with these options and this configuration.
    pub(crate) fn start_with(options: &[&str], text: &str) -> Self {
        let root = PathBuf::from(
            std::env::var_os("IPVS_USERLAND")
                .expect("IPVS_USERLAND names the tree with keepalived: cargo xtask test sets it"),
        );
        let directory = directory();
        let file = |name: &str| directory.join(name);
        fs::write(file("conf"), text).unwrap();
        let log = File::create(file("log")).unwrap();
        let libraries = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];
        let libraries = libraries.map(|library| root.join(library));
        let parent = loader(&root)
            .arg("--library-path")
            .arg(std::env::join_paths(libraries).unwrap())
            .arg(root.join("usr/sbin/keepalived"))
            .args(["--dont-fork", "--log-console", "--log-detail"])
            .args(options)
            .arg("--use-file")
            .arg(file("conf"))
            .arg("--pid")
            .arg(file("pid"))
            .arg("--vrrp_pid")
            .arg(file("vrrp"))
            .arg("--checkers_pid")
            .arg(file("checkers"))
            .arg("--bfd_pid")
            .arg(file("bfd"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let this = Self { parent, directory, is_over: false };
        wait_for("keepalived", || this.process("vrrp"));
        this
    }

    /// It reads a configuration with other lines and addresses while it runs.
    pub(crate) fn reload(&self, lines: &str, addresses: &[String]) {
        self.reload_with(&instance(lines, addresses));
    }

    /// It reads another configuration while it runs.
    pub(crate) fn reload_with(&self, text: &str) {
        fs::write(self.directory.join("conf"), text).unwrap();
        kill(self.parent(), Signal::SIGHUP).unwrap();
    }

    /// All its processes end without a word.
    pub(crate) fn crash(&mut self) {
        let parent = self.parent();
        // So that it neither starts the other again nor lets it end in order.
        kill(parent, Signal::SIGSTOP).unwrap();
        for child in ["vrrp", "checkers"].iter().filter_map(|name| self.process(name)) {
            kill(child, Signal::SIGKILL).unwrap();
        }
        kill(parent, Signal::SIGKILL).unwrap();
        self.parent.wait().unwrap();
        self.is_over = true;
    }

    /// It resigns and ends.
    pub(crate) fn stop(&mut self) {
        if !std::mem::replace(&mut self.is_over, true) {
            kill(self.parent(), Signal::SIGTERM).unwrap();
            self.parent.wait().unwrap();
        }
    }

    fn parent(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.parent.id()).unwrap())
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// The process that is the virtual router, or that which has the table of IPVS.
    fn process(&self, name: &str) -> Option<Pid> {
        let text = fs::read_to_string(self.directory.join(name)).ok()?;
        text.trim().parse().ok().map(Pid::from_raw)
    }
}

impl Drop for Keepalived {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            let log = self.log();
            // Each announcement is a line, twice.
            let said = log.lines().filter(|line| !line.contains("ending"));
            eprintln!("keepalived said:\n{}", said.collect::<Vec<_>>().join("\n"));
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The loader of the tree. keepalived 2.3 reads a file below /etc: with the tree's own.
fn loader(root: &Path) -> Command {
    let (loader, etc) = (root.join("lib64/ld-linux-x86-64.so.2"), root.join("etc"));
    if !etc.join("keepalived/keepalived.config-opts").exists() {
        return Command::new(loader);
    }
    let mut command = Command::new("unshare");
    let script = "mount --bind \"$0\" /etc && exec \"$@\"";
    command.args(["--mount", "sh", "-c", script]).args([etc, loader]);
    command
}

fn instance(lines: &str, addresses: &[String]) -> String {
    let addresses = addresses.join("\n");
    format!(
        "vrrp_instance seven {{\n state BACKUP\n interface {PORT}\n virtual_router_id 7\n\
         {lines}\n virtual_ipaddress {{\n{addresses}\n}}\n}}\n"
    )
}

fn directory() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("ipvs-keepalived-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).unwrap();
    directory
}
