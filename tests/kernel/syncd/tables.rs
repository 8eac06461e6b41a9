//! The tables.

use super::{running, sync};
use crate::bodies::Bench as _;
use crate::host::wait_for;
use crate::ipvsadm::{restore, save};
use crate::netns::{Netns, text};
use crate::program::{Daemon, command, ended, folder};
use ipvs::Role;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::thread;

/// Files of a test, in a folder that goes with this.
struct Files(PathBuf);

impl Files {
    /// One, of a table.
    fn new(table: &str) -> Self {
        let files = Self(folder());
        files.write(table);
        files
    }

    fn write(&self, table: &str) {
        fs::write(self.0.join("web.rules"), table).unwrap();
    }

    /// What a configuration says of it.
    fn tables(&self) -> String {
        format!("tables = [\"{}\"]\n", self.0.join("web.rules").display())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

const WEB: &str = "\
-A -t 10.0.0.1:80 -s wrr
-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 1
-a -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 1
";

const CHANGED: &str = "\
-A -t 10.0.0.1:80 -s wrr
-A -u 10.0.0.1:53 -s rr
-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 7
-a -u 10.0.0.1:53 -r 192.168.0.3:53 -g -w 1
";

/// The kernel does not have its scheduler, and has all else.
const REFUSED: &str = "\
-A -t 10.0.0.1:80 -s wrr
-A -t 10.0.0.5:80 -s rr
-A -t 10.0.0.6:80 -s nowhere
-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 9
-a -t 10.0.0.5:80 -r 192.168.0.5:80 -m -w 1
";

const REASON: &str = "add service tcp 10.0.0.6:80: scheduler `nowhere` is unknown to the \
                      kernel, which found no module ip_vs_nowhere (ENOENT)";

/// As `save` has it.
fn lines(table: &str) -> Vec<&str> {
    table.lines().collect()
}

#[test]
fn the_kernels_table_is_what_the_files_say_or_what_it_was() {
    let netns = Netns::new();
    restore(&netns, "-A -t 10.0.0.9:80 -s rr\n-a -t 10.0.0.9:80 -r 192.168.0.9:80 -m\n");
    let files = Files::new(WEB);
    let mut daemon = Daemon::start(&files.tables());
    assert_eq!(save(&netns), lines(WEB));
    files.write(CHANGED);
    daemon.reload(&files.tables());
    daemon.waits_for("\"done\":1");
    daemon.waits_for("\"table\":{\"services\":2,\"destinations\":2}");
    assert_eq!(save(&netns), lines(CHANGED));

    let no_option = format!("{WEB}-A -t 10.0.0.1:443 -z\n");
    let bad = [(&*no_option, "web.rules:4:20: service: unknown option `-z`"), (REFUSED, REASON)];
    for (number, (table, reason)) in (1..).zip(bad) {
        files.write(table);
        daemon.reload(&files.tables());
        daemon.waits_for(&format!("\"refused\":{number}"));
        assert!(daemon.state().contains(reason), "{}", daemon.state());
        daemon.waits_for("\"table\":{\"services\":2,\"destinations\":2}");
        assert_eq!(save(&netns), lines(CHANGED));
    }

    files.write(WEB);
    daemon.reload(&files.tables());
    daemon.waits_for("\"done\":2,\"refused\":2,\"last-error\":null");
    assert_eq!(save(&netns), lines(WEB));
    // It is left alone from then on, and when the daemon ends.
    daemon.reload("");
    daemon.waits_for("\"table\":null");
    assert_eq!(save(&netns), lines(WEB));
    assert_eq!(daemon.end(), Some(0));
    assert_eq!(save(&netns), lines(WEB));
}

#[test]
fn nothing_is_started_beside_a_table_that_the_kernel_refuses() {
    let netns = Netns::new();
    netns.add_interface();
    restore(&netns, CHANGED);
    let files = Files::new(REFUSED);
    let file = files.0.join("conf.toml");
    let control = files.0.join("control").display().to_string();
    let whole = format!("control = \"{control}\"\n{}{}", files.tables(), sync(7));
    fs::write(&file, whole).unwrap();
    let output = ended(command(&["--config"]).arg(&file));
    let said = text(&output.stderr);
    assert_eq!(said.lines().last(), Some(&*format!("ipvs-syncd: {REASON}")));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(save(&netns), lines(CHANGED));
    assert_eq!(running(&netns), [""; 0]);
}

#[test]
fn the_whole_table_is_there_before_the_backup_daemon_is() {
    const SERVICES: usize = 500;
    let netns = Netns::new();
    netns.add_interface();
    let mut table = String::new();
    for port in 1..=SERVICES {
        let _ = writeln!(table, "-A -t 10.0.0.1:{port} -s rr");
        let _ = writeln!(table, "-a -t 10.0.0.1:{port} -r 192.168.0.1:{port} -m");
    }
    let files = Files::new(&table);
    let mut client = netns.client();
    let counted = thread::scope(|scope| {
        let first_seen = || {
            let is_backup = |daemon: &ipvs::SyncDaemon| daemon.role == Role::Backup;
            wait_for("backup", || client.daemons().unwrap().iter().any(is_backup).then_some(()));
            client.services().unwrap().len()
        };
        let counted = scope.spawn(first_seen);
        drop(Daemon::start(&(files.tables() + &sync(7))));
        counted.join().unwrap()
    });
    assert_eq!(counted, SERVICES);
}
