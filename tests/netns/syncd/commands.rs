//! The other commands: what they show, and how they end.

use super::program::{Daemon, command, ended, folder, web};
use super::{ACTIVE, BACKUP};
use crate::host::wait_for;
use crate::router::{has_virtual, wait_until};
use crate::wire::Wire;
use ipvs_sync::vrrp::Family;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};

/// A `status --watch` of a daemon, whose output goes there.
fn watching(daemon: &Daemon, arguments: &[&str], out: impl Into<Stdio>) -> Child {
    let socket = daemon.folder().join("control");
    let mut command = command(&["status", "--watch", "--socket"]);
    command.arg(socket).args(arguments).stdout(out).stderr(Stdio::piped()).spawn().unwrap()
}

fn ends(child: &mut Child) -> ExitStatus {
    wait_for("end", || child.try_wait().unwrap())
}

#[test]
fn a_watch_shows_what_changes_until_it_is_interrupted() {
    let _wire = Wire::new();
    let daemon = Daemon::start(&web(100, ""));
    daemon.waits_for(ACTIVE);
    let shown = daemon.folder().join("shown");
    let mut watch = watching(&daemon, &["--json"], File::create(&shown).unwrap());
    let shows = |what: &str| {
        let is_last =
            || fs::read_to_string(&shown).unwrap().lines().last()?.contains(what).then_some(());
        wait_for(what, is_last);
    };
    shows("\"priority\":100");
    daemon.reload(&web(101, ""));
    shows("\"priority\":101");
    // Each is a line of its own.
    let all = fs::read_to_string(&shown).unwrap();
    assert!(all.lines().all(|line| line.starts_with("{\"state\":{\"version\":")), "{all}");
    kill(Pid::from_raw(i32::try_from(watch.id()).unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(ends(&mut watch).signal(), Some(Signal::SIGINT as i32));
}

#[test]
fn a_watch_ends_when_nobody_reads_it_and_when_the_daemon_is_gone() {
    let _wire = Wire::new();
    let mut daemon = Daemon::start(&web(100, ""));
    let mut unread = watching(&daemon, &[], Stdio::piped());
    drop(unread.stdout.take());
    assert_eq!(ends(&mut unread).code(), Some(0));
    let shown = daemon.folder().join("shown");
    let mut watch = watching(&daemon, &[], File::create(&shown).unwrap());
    wait_until("table", || fs::read_to_string(&shown).unwrap().contains("ROUTER  INTERFACE"));
    daemon.end();
    assert_eq!(ends(&mut watch).code(), Some(5));
}

#[test]
fn what_nobody_reads_is_done_all_the_same() {
    let _wire = Wire::new();
    let daemon = Daemon::start(&web(100, ""));
    daemon.waits_for(ACTIVE);
    let (out, reader) = UnixStream::pair().unwrap();
    drop(reader);
    let mut command = command(&["handover", "--socket"]);
    command.arg(daemon.folder().join("control")).stdout(OwnedFd::from(out));
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
    // Soon it takes over again.
    wait_until("handover", || {
        let state = daemon.state();
        [3, 4].iter().any(|count| state.contains(&format!("\"transitions\":{count},")))
    });
}

#[test]
fn without_a_daemon_each_command_says_so() {
    let folder = folder();
    let says = |socket: &Path, reason: &str| {
        let expected =
            format!("ipvs-syncd: no ipvs-syncd answers at {}: {reason}\n", socket.display());
        for words in [&["status"][..], &["status", "--watch", "--json"], &["handover", "web"]] {
            let output = ended(command(words).arg("--socket").arg(socket));
            assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(5), 0));
        }
    };
    let socket = folder.join("control");
    says(&socket, "No such file or directory (os error 2)");
    fs::write(&socket, "").unwrap();
    says(&socket, "Connection refused (os error 111)");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_a_killed_daemon_left_is_in_nobodys_way() {
    let wire = Wire::new();
    let mut daemon = Daemon::start(&web(200, ""));
    daemon.waits_for(ACTIVE);
    daemon.crash();
    let socket = daemon.folder().join("control");
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    assert!(has_virtual(Family::V4));
    assert_eq!(daemon.ask(&["status"]).status.code(), Some(5));
    let other = wire.there(|| Daemon::start(&web(100, "")));
    other.waits_for(ACTIVE);
    daemon.start_again();
    daemon.waits_for(ACTIVE);
    other.waits_for(BACKUP);
    assert_eq!(daemon.end(), Some(0));
    assert!(!has_virtual(Family::V4));
    assert!(!socket.exists());
}

#[test]
fn a_file_that_is_no_socket_is_not_taken_for_what_a_daemon_left() {
    let _wire = Wire::new();
    let folder = folder();
    let (file, control) = (folder.join("conf.toml"), folder.join("control"));
    fs::write(&file, format!("control = \"{}\"\n{}", control.display(), web(100, ""))).unwrap();
    fs::write(&control, "of somebody").unwrap();
    let output = ended(command(&["--config"]).arg(&file));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "ipvs-syncd: control socket {}: a file is there that is no socket\n",
        control.display()
    );
    assert_eq!((output.status.code(), said), (Some(1), expected));
    assert_eq!(fs::read_to_string(&control).unwrap(), "of somebody");
    fs::remove_dir_all(folder).unwrap();
}

/// As `/run/ipvs-syncd` is made by a service manager.
#[test]
fn the_folder_of_the_control_socket_is_made_for_its_owner_alone() {
    let _wire = Wire::new();
    let folder = folder();
    let (file, own) = (folder.join("conf.toml"), folder.join("own"));
    let with = |control: &Path| {
        fs::write(&file, format!("control = \"{}\"\n{}", control.display(), web(100, ""))).unwrap();
    };
    let control = own.join("control");
    with(&control);
    let mut child = command(&["--config"]).arg(&file).stderr(Stdio::null()).spawn().unwrap();
    wait_for("an answer", || {
        let output = command(&["status", "--socket"]).arg(&control).output().unwrap();
        output.status.success().then_some(())
    });
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // Only the last of them.
    let deep = folder.join("not/there/control");
    with(&deep);
    let output = ended(command(&["--config"]).arg(&file));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "ipvs-syncd: control socket {}: No such file or directory (os error 2)\n",
        deep.display()
    );
    assert_eq!((output.status.code(), said), (Some(1), expected));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_doctor_says_what_is_wrong_with_its_files() {
    let folder = folder();
    let (file, report) = (folder.join("conf.toml"), folder.join("report"));
    let says = |exit: i32, expected: &str| {
        let names = [&file, &report].map(|path| path.to_str().unwrap());
        let words = ["doctor", "--config", names[0], "--peer-report", names[1]];
        let output = ended(&mut command(&words));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(expected), "{said}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(exit), 0));
    };
    let name = |file: &Path| file.display().to_string();
    says(3, &format!("{}: No such file", name(&file)));
    fs::write(&file, "tables = 7\n").unwrap();
    says(3, &format!("{}:1:10: ", name(&file)));
    fs::write(&file, "").unwrap();
    says(1, &format!("ipvs-syncd: {}: No such file", name(&report)));
    fs::write(&report, "{}").unwrap();
    says(1, &format!("ipvs-syncd: {}: missing field `report`", name(&report)));
    fs::remove_dir_all(folder).unwrap();
}
