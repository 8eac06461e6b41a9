//! Commands that are run for each event: each hook one after the other, in the order of the
//! events, and never for longer than its time.

use crate::config::Hook;
use crate::events::Event;
use crate::state;
use ipvs_sync::net::now;
use ipvs_sync::vrrp::Time;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::collections::VecDeque;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

/// All hooks.
#[derive(Default)]
pub(crate) struct Hooks {
    runners: Vec<Runner>,
    /// Commands of hooks that are no longer there, which have yet to end.
    killed: Vec<Child>,
}

/// One hook, with what it has yet to be told.
struct Runner {
    hook: Hook,
    queue: VecDeque<Rc<Event>>,
    running: Option<Running>,
    counts: Counts,
}

struct Running {
    child: Child,
    event: Rc<Event>,
    until: Time,
    is_killed: bool,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    run: u64,
    failed: u64,
    timed_out: u64,
    dropped: u64,
}

/// The events that wait for a hook. More are dropped, and counted.
const MOST_WAITING: usize = 1_024;

impl Hooks {
    /// These hooks from now on. One that was there before goes on with what it has yet to
    /// be told, and one that is no longer there ends.
    pub(crate) fn set(&mut self, hooks: Vec<Hook>) {
        let mut before: Vec<Runner> = std::mem::take(&mut self.runners);
        for hook in hooks {
            let same = before.iter().position(|runner| runner.hook == hook);
            self.runners.push(match same {
                Some(at) => before.swap_remove(at),
                None => Runner::new(hook),
            });
        }
        self.killed.extend(before.into_iter().filter_map(|mut gone| gone.end()));
    }

    pub(crate) fn tell(&mut self, event: Event) {
        let event = Rc::new(event);
        for runner in &mut self.runners {
            match runner.queue.len() < MOST_WAITING {
                true => runner.queue.push_back(Rc::clone(&event)),
                false => runner.counts.dropped += 1,
            }
        }
    }

    /// Takes the results of those that have ended, kills those whose time is over and
    /// starts what is next.
    pub(crate) fn go_on(&mut self) {
        self.killed.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        self.runners.iter_mut().for_each(Runner::go_on);
    }

    /// When the first of them has run for long enough.
    pub(crate) fn next(&self) -> Option<Time> {
        let running = self.runners.iter().filter_map(|runner| runner.running.as_ref());
        running.filter(|running| !running.is_killed).map(|running| running.until).min()
    }

    /// Whether nothing runs or waits.
    pub(crate) fn are_idle(&self) -> bool {
        self.runners.iter().all(|runner| runner.running.is_none() && runner.queue.is_empty())
    }

    /// Kills what runs, and forgets what waits.
    pub(crate) fn end(&mut self) {
        self.killed.extend(self.runners.iter_mut().filter_map(Runner::end));
    }

    pub(crate) fn state(&self) -> Vec<state::Hook> {
        let state = |Runner { hook, queue, counts, .. }: &Runner| state::Hook {
            program: hook.program.display().to_string(),
            run: counts.run,
            failed: counts.failed,
            timed_out: counts.timed_out,
            dropped: counts.dropped,
            waiting: u64::try_from(queue.len()).unwrap_or(u64::MAX),
        };
        self.runners.iter().map(state).collect()
    }
}

impl Runner {
    fn new(hook: Hook) -> Self {
        Self { hook, queue: VecDeque::new(), running: None, counts: Counts::default() }
    }

    fn go_on(&mut self) {
        if let Some(running) = &mut self.running {
            let hook = self.hook.program.display();
            let sequence = running.event.sequence;
            match running.child.try_wait() {
                Ok(None) if now() < running.until || running.is_killed => return,
                Ok(None) => {
                    tracing::warn!(%hook, sequence, timeout = ?self.hook.timeout, "hook killed: its time is over");
                    self.counts.timed_out += 1;
                    running.kill();
                    return;
                }
                Ok(Some(status)) if status.success() || running.is_killed => {}
                Ok(Some(status)) => {
                    tracing::warn!(%hook, sequence, %status, "hook failed");
                    self.counts.failed += 1;
                }
                Err(error) => tracing::warn!(%hook, sequence, %error, "hook cannot be waited for"),
            }
            self.running = None;
        }
        while self.running.is_none() {
            let Some(event) = self.queue.pop_front() else { return };
            self.start(event);
        }
    }

    fn start(&mut self, event: Rc<Event>) {
        let Hook { program, arguments, timeout } = &self.hook;
        let child = Command::new(program)
            .args(arguments)
            .envs(event.environment())
            .stdin(Stdio::null())
            // Of its own, so that all that it starts can be killed with it.
            .process_group(0)
            .spawn();
        self.counts.run += 1;
        match child {
            Ok(child) => {
                let until = now() + *timeout;
                self.running = Some(Running { child, event, until, is_killed: false });
            }
            Err(error) => {
                let (hook, sequence) = (program.display(), event.sequence);
                tracing::warn!(%hook, sequence, %error, "hook cannot be run");
                self.counts.failed += 1;
            }
        }
    }

    /// What it has killed, which is gone only when it has been waited for.
    fn end(&mut self) -> Option<Child> {
        let waiting = u64::try_from(self.queue.len()).unwrap_or(u64::MAX);
        self.queue.clear();
        self.counts.dropped += waiting;
        let mut running = self.running.take()?;
        running.kill();
        Some(running.child)
    }
}

impl Running {
    fn kill(&mut self) {
        self.is_killed = true;
        if let Ok(group) = i32::try_from(self.child.id()) {
            // That it has ended already is no failure.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}
