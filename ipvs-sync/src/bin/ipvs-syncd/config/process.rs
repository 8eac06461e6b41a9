//! What is of the whole process.

use super::document::{Placed, Section};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;
use tracing::Level;

const LOG: &[&str] = &["format", "level"];
const HOOK: &[&str] = &["command", "timeout"];

/// What is of the whole process, and stays until it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// The real-time priority of the threads of advertisements.
    pub(crate) real_time: Option<u8>,
    /// A name of `ip netns`, or a path.
    pub(crate) namespace: Option<String>,
    pub(crate) control: PathBuf,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) log: Log,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) format: Format,
    pub(crate) level: Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

/// A command that is run for each event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hook {
    /// The program's path.
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// It is killed after that.
    pub(crate) timeout: Duration,
}

/// Where the control socket is.
pub(crate) const CONTROL: &str = "/run/ipvs-syncd/control";

impl Process {
    pub(super) fn of(root: &Section<'_>) -> Option<Self> {
        let real_time = root.number::<u8>("real-time-priority", "1 to 99");
        let real_time = real_time.map(|Placed { at, value }| {
            if !(1..=99).contains(&value) {
                root.problem(at, format!("`real-time-priority` {value} out of range: 1 to 99"));
            }
            value
        });
        let namespace = root.text("namespace").map(|name| name.value.to_owned());
        let control = root.text("control").map(|Placed { at, value }| {
            if !value.starts_with('/') {
                root.problem(at, format!("`control` is \"{value}\", and must begin with /"));
            }
            value
        });
        let metrics = root.parsed::<SocketAddr>("metrics").map(|Placed { at, value }| {
            if !value.ip().is_loopback() {
                let rule = "everybody could read the metrics there: they are on loopback only, \
                            such as 127.0.0.1:9890";
                root.problem(at, rule);
            }
            value
        });
        let log = Log::of(root);
        let control = PathBuf::from(control.unwrap_or(CONTROL));
        Some(Self { real_time, namespace, control, metrics, log: log? })
    }

    /// The names of what differs.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let all = [
            ("real-time-priority", self.real_time != other.real_time),
            ("namespace", self.namespace != other.namespace),
            ("control", self.control != other.control),
            ("metrics", self.metrics != other.metrics),
            ("log", self.log != other.log),
        ];
        all.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

impl Log {
    fn of(root: &Section<'_>) -> Option<Self> {
        let usual = Self { format: Format::Text, level: Level::INFO };
        let Some(node) = root.node("log") else { return Some(usual) };
        let log = root.document.section("log", node, LOG)?;
        let formats = [("text", Format::Text), ("json", Format::Json)];
        let levels = [
            ("error", Level::ERROR),
            ("warn", Level::WARN),
            ("info", Level::INFO),
            ("debug", Level::DEBUG),
        ];
        Some(Self {
            format: log.word("format", &formats).unwrap_or(usual.format),
            level: log.word("level", &levels).unwrap_or(usual.level),
        })
    }
}

impl Hook {
    pub(super) fn of<'d>(root: &Section<'d>, node: &'d Spanned<DeValue<'d>>) -> Option<Self> {
        let hook = root.document.section("hook", node, HOOK)?;
        let words = hook.texts("command");
        for word in words.iter().filter(|word| word.value.contains('\0')) {
            hook.problem(word.at, "`command` has a word with a NUL, which no program can be given");
        }
        let mut words = words.into_iter();
        let program = hook.required(words.next(), "command");
        if program.is_none() && hook.node("command").is_some() {
            hook.problem(hook.at("command"), "`command` has no program");
        }
        let program = program.filter(|program| {
            let is_absolute = program.value.starts_with('/');
            if !is_absolute {
                let rule = format!("the program \"{}\" must begin with /", program.value);
                hook.problem(program.at, rule);
            }
            is_absolute
        });
        let timeout = hook.duration("timeout").map(|Placed { at, value }| {
            if value.is_zero() || value > LONGEST {
                hook.problem(at, "`timeout` out of range: more than 0s, at most 300s");
            }
            value
        });
        Some(Self {
            program: PathBuf::from(program?.value),
            arguments: words.map(|word| word.value.to_owned()).collect(),
            timeout: timeout.unwrap_or(USUAL),
        })
    }
}

const USUAL: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);
