//! `cargo xtask test`: the libraries' tests here, those that need only network
//! namespaces here too, and some of these with the others in a guest for each kernel.

use crate::apt;
use crate::binaries;
use crate::guest::Job;
use crate::host;
use crate::kernel::{self, Name};
use crate::lab::Lab;
use crate::libtest::Counts;
use crate::process::{Copy, cargo, tee};
use crate::progress::note;
use crate::qemu::{End, Machine};
use crate::userland;
use crate::vm;
use anyhow::{Result, bail};
use clap::Args;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use xtask::Outcome;

/// The command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The kernels to test on, in place of 6.1 and 6.12.
    #[arg(long)]
    kernel: Vec<Name>,
    /// End a guest after this many seconds.
    #[arg(long, default_value_t = 1200)]
    timeout: u64,
    /// Only tests whose name contains one of these.
    filter: Vec<String>,
}

impl Options {
    /// Runs the tests; the last line of output says how many passed.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let lab = Lab::open()?;
        let mut parts = vec![self.libraries(&lab)?, self.namespaces(&lab)?];
        parts.extend(self.newer_keepalived(&lab)?);
        parts.extend(self.guests(&lab)?);
        println!();
        let (mut passed, mut failed) = (0, 0);
        for Part { name, counts } in parts {
            println!("{name}: {} passed, {} failed", counts.passed, counts.failed);
            passed += counts.passed;
            failed += counts.failed;
        }
        println!("{passed} passed, {failed} failed");
        Ok(ExitCode::from(u8::from(failed > 0)))
    }

    fn kernels(&self) -> Vec<Name> {
        if kernel::own_directory().is_some() {
            // The one kernel that the user provides, whatever its name.
            vec![Name::V6_1]
        } else if self.kernel.is_empty() {
            vec![Name::V6_1, Name::V6_12]
        } else {
            self.kernel.clone()
        }
    }

    fn libraries(&self, lab: &Lab) -> Result<Part> {
        let name = "libraries and lab";
        note(&format!("test {name}"));
        let mut cargo = cargo(&lab.root);
        cargo.args(["test", "--quiet", "--no-fail-fast", "--all-features"]);
        cargo.args(["-p", "ipvs-sys", "-p", "ipvs", "-p", "ipvs-sync"]);
        cargo.args(["-p", "ipvs-bench", "-p", "xtask"]);
        cargo.arg("--").args(&self.filter);
        let (status, output) = tee(&mut cargo)?;
        let trouble = (!status.success()).then(|| format!("cargo test failed ({status})"));
        Ok(Part::new(name.to_owned(), Counts::read(&output), trouble))
    }

    /// Needs root, but no IPVS.
    fn namespaces(&self, lab: &Lab) -> Result<Part> {
        let setup = lab.lock()?;
        let userland = userland::get(lab)?;
        drop(setup);
        let filter = self.filter.iter().map(String::as_str);
        let arguments: Vec<&str> = filter.chain(["--skip", NEWER]).collect();
        self.in_namespaces(lab, "network namespaces", &userland, &arguments)
    }

    /// As [`Self::namespaces`], of what meets keepalived.
    fn newer_keepalived(&self, lab: &Lab) -> Result<Option<Part>> {
        if !apt::is_available() {
            note("not tested with keepalived of Debian 13, which apt would unpack");
            return Ok(None);
        }
        let meets = |filter: &&str| MEET_KEEPALIVED.iter().any(|name| filter.starts_with(name));
        let filter: Vec<&str> = self.filter.iter().map(String::as_str).filter(meets).collect();
        let arguments = if self.filter.is_empty() { &MEET_KEEPALIVED[..] } else { &filter };
        if arguments.is_empty() {
            return Ok(None);
        }
        let setup = lab.lock()?;
        let userland = userland::newer_keepalived(lab)?;
        drop(setup);
        self.in_namespaces(lab, "keepalived of Debian 13", &userland, arguments).map(Some)
    }

    /// `userland` is the tree with the keepalived that virtual routers meet.
    fn in_namespaces(
        &self,
        lab: &Lab,
        name: &str,
        userland: &Path,
        arguments: &[&str],
    ) -> Result<Part> {
        note(&format!("test {name}"));
        host::need(&[host::IP, host::TSHARK])?;
        let mut cargo = cargo(&lab.root);
        cargo.args(["test", "--quiet", "-p", "ipvs-tests", "--test", "netns"]);
        cargo.env("IPVS_USERLAND", userland);
        // Tests of the daemon run it.
        cargo.env("IPVS_SYNCD", binaries::daemon(lab)?);
        // They wait for timers, and hardly use a processor.
        cargo.args(["--", "--test-threads=8"]).args(arguments);
        let (status, output) = tee(&mut cargo)?;
        let counts = Counts::read(&output);
        let executed = counts.passed + counts.failed;
        let trouble = if !status.success() {
            Some(format!("cargo test failed ({status})"))
        } else if executed == 0 && self.filter.is_empty() {
            Some("no tests were executed".to_owned())
        } else {
            None
        };
        Ok(Part::new(name.to_owned(), counts, trouble))
    }

    /// The kernels at once: a guest has one processor.
    fn guests(&self, lab: &Lab) -> Result<Vec<Part>> {
        let kernels = self.kernels();
        thread::scope(|scope| {
            let run = |kernel| {
                let both = move || [self.kernel(lab, kernel), self.namespaces_on(lab, kernel)];
                scope.spawn(both)
            };
            let guests: Vec<_> = kernels.into_iter().map(run).collect();
            let ended = guests.into_iter().map(|guest| match guest.join() {
                Ok(parts) => parts.into_iter().collect(),
                Err(_) => bail!("a guest's thread panicked"),
            });
            Ok(ended.collect::<Result<Vec<Vec<Part>>>>()?.concat())
        })
    }

    fn kernel(&self, lab: &Lab, kernel: Name) -> Result<Part> {
        let name = shown(kernel);
        note(&format!("test {name}"));
        let mut argv: Vec<&str> = vec!["/bin/kernel", "--test-threads=1"];
        argv.extend(self.filter.iter().map(String::as_str));
        if kernel::own_directory().is_some() || !matches!(kernel, Name::V6_1 | Name::V6_12) {
            note("not compared with ipvs::fake, which answers as Linux 6.1 and 6.12 do");
            argv.extend(["--skip", "random::"]);
        }
        self.guest(lab, kernel, name, &argv)
    }

    /// What differs between kernels, and keepalived beside ours.
    fn namespaces_on(&self, lab: &Lab, kernel: Name) -> Result<Part> {
        let name = format!("network namespaces on {}", shown(kernel));
        note(&format!("test {name}"));
        // They wait for timers most of the time.
        let mut argv = vec!["/bin/netns", "--test-threads=3"];
        if self.filter.is_empty() {
            argv.extend(NAMESPACES_IN_GUEST);
        } else {
            argv.extend(self.filter.iter().map(String::as_str));
        }
        // There is no tshark, and keepalived is Debian 12's.
        argv.extend(["--skip", "dissect::", "--skip", NEWER]);
        self.guest(lab, kernel, name, &argv)
    }

    fn guest(&self, lab: &Lab, kernel: Name, name: String, argv: &[&str]) -> Result<Part> {
        let machine = Machine::plain(Duration::from_secs(self.timeout));
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let job = Job { argv: &argv, with_ipvs: true, besides: None };
        let output = Copy::named(&name);
        let end = vm::run(lab, kernel, &machine, &job, Box::new(output.clone()));
        let counts = Counts::read(&output.text());
        let executed = counts.passed + counts.failed;
        let trouble = match end {
            Err(error) => Some(format!("{error:#}")),
            Ok(End::Deadline) => {
                let text = output.text();
                let at = text.lines().last().unwrap_or_default();
                Some(format!("not finished after {} s, at: {at}", self.timeout))
            }
            Ok(End::Job(_)) if counts.summaries != 1 => Some("no test result".to_owned()),
            Ok(End::Job(_)) if executed == 0 && self.filter.is_empty() => {
                Some("no tests were executed".to_owned())
            }
            Ok(End::Job(Outcome::Exit(0))) => None,
            Ok(End::Job(outcome)) => Some(outcome.to_string()),
        };
        Ok(Part::new(name, counts, trouble))
    }
}

/// What meets keepalived, as tests' names begin.
const MEET_KEEPALIVED: [&str; 3] = ["interop::", "many::", NEWER];

/// What Debian 12's keepalived cannot do.
const NEWER: &str = "rfc_9568::";

/// The sockets, addresses and announcements, what a crash leaves, and all runs with keepalived.
const NAMESPACES_IN_GUEST: [&str; 8] = [
    "addresses::",
    "adverts::",
    "announcements::",
    "crash::",
    "events::",
    "interop::",
    "macvlan::",
    "many::",
];

fn shown(kernel: Name) -> String {
    kernel::own_directory().map_or_else(
        || format!("kernel {}", kernel.version()),
        |directory| format!("kernel in {}", directory.display()),
    )
}

/// A part of the whole and how it went.
#[derive(Clone)]
struct Part {
    name: String,
    counts: Counts,
}

impl Part {
    /// Trouble without a failed test counts as one: a run that broke must not
    /// look like one that passed.
    fn new(name: String, mut counts: Counts, trouble: Option<String>) -> Self {
        if let Some(trouble) = trouble {
            note(&format!("{name}: {trouble}"));
            counts.failed = counts.failed.max(1);
        }
        Self { name, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_without_a_failed_test_is_a_failure() {
        let counts = Counts { passed: 5, failed: 0, summaries: 1 };
        let part = Part::new("x".to_owned(), counts, Some("killed by signal 9".to_owned()));
        assert_eq!(part.counts.failed, 1);
        assert_eq!(Part::new("x".to_owned(), counts, None).counts.failed, 0);
    }
}
