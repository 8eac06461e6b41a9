//! The daemon: one thread that polls, and never waits for a client or a hook. The
//! advertisements have threads of their own.

use crate::config::{Config, Link, Process};
use crate::control::{self, Answer, Request};
use crate::events::{Event, What};
use crate::exit::{Exit, Failure};
use crate::hooks::Hooks;
use crate::links::Links;
use crate::peers::Peers;
use crate::reload::units;
use crate::resolve::{Resolved, addresses, resolve};
use crate::running::{self, Running};
use crate::server::Server;
use crate::signals::Signals;
use crate::sync::Sync;
use crate::{logs, metrics, service, state, tables};
use ipvs::{Client, Namespace, Role, Table};
use ipvs_sync::net::now;
use ipvs_sync::vrrp::Time;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::fs;
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// All that the daemon has.
struct Daemon {
    core: Core,
    signals: Signals,
    control: Server,
    metrics: Option<Server>,
    /// How often the service manager is told that all is well, and when next.
    watchdog: Option<(Duration, Time)>,
}

/// What requests are about.
struct Core {
    file: PathBuf,
    process: Process,
    namespace: Option<Namespace>,
    sync: Sync,
    peers: Peers,
    running: Running,
    links: Links,
    hooks: Hooks,
    table: Option<state::Table>,
    reloads: state::Reloads,
    /// The client that waits for what becomes of a handover.
    asker: Option<u64>,
    start: Time,
}

/// Runs until it is told to end.
pub(crate) fn run(file: &Path) -> Result<(), Failure> {
    let config = Config::read(file).map_err(|all| Failure::new(Exit::Configuration, all))?;
    logs::write(config.process.log);
    let path = config.process.control.clone();
    let result = Daemon::start(file, config).map(Daemon::run);
    // One of another's is not ours to remove.
    if !matches!(&result, Err(failure) if failure.is_of_control) {
        let _ = fs::remove_file(path);
    }
    result.map_err(|failure| failure.failure)
}

/// Why it did not start, and whether that was because of the control socket.
struct NotStarted {
    failure: Failure,
    is_of_control: bool,
}

impl From<Failure> for NotStarted {
    fn from(failure: Failure) -> Self {
        Self { failure, is_of_control: false }
    }
}

impl Daemon {
    fn start(file: &Path, config: Config) -> Result<Self, NotStarted> {
        let process = config.process.clone();
        let path = &process.control;
        let control = control::listen(path).and_then(|socket| Server::new(socket, b"\n"));
        let control = control.map_err(|error| NotStarted {
            failure: Failure::io(format_args!("control socket {}", path.display()), &error),
            is_of_control: true,
        })?;
        let metrics = process.metrics.map(|address| {
            let listener = TcpListener::bind(address);
            let server = listener.and_then(|it| Server::new(it.into(), b"\r\n\r\n"));
            server.map_err(|error| Failure::io(format_args!("metrics at {address}"), &error))
        });
        let metrics = metrics.transpose()?;
        let signals = Signals::catch().map_err(Failure::system)?;
        let core = Core::start(file, config)?;
        let watchdog = service::watchdog().map(|interval| (interval, now()));
        service::ready(&core.summary());
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "ipvs-syncd runs");
        Ok(Self { core, signals, control, metrics, watchdog })
    }

    fn run(mut self) {
        loop {
            let (ends, reloads) = self.signals.take();
            if ends {
                return self.end();
            }
            if reloads {
                service::reloading();
                self.core.reload();
                service::ready(&self.core.summary());
            }
            let Self { core, control, metrics, .. } = &mut self;
            core.go_on();
            control.serve(|client, request| Some(core.answer(client, request)?.line()));
            if let Some((client, answer)) = core.handed_over() {
                control.answer(client, answer.line());
            }
            if let Some(metrics) = metrics {
                metrics.serve(|_, request| Some(metrics::answer(request, || core.state())));
            }
            self.tell_alive();
            self.wait();
        }
    }

    /// The routers resign and their addresses go; then the hooks are told that.
    fn end(mut self) {
        tracing::info!("ending");
        service::stopping();
        self.part();
        self.core.running.stop_all();
        let until = now() + AT_MOST;
        self.core.tell();
        loop {
            let core = &mut self.core;
            core.keep_sync(false);
            core.keep_peers();
            core.hooks.go_on();
            let is_done = core.hooks.are_idle() && !core.sync.is_leaving();
            if is_done || now() >= until {
                break;
            }
            self.tell_alive();
            let core = &self.core;
            let next = [core.hooks.next(), core.sync.next(), self.next_alive(), Some(until)];
            let polled = self.signals.polled().map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            sleep_until(next.into_iter().flatten().min(), polled.into_iter());
            self.signals.take();
        }
        self.core.hooks.end();
    }

    /// The active routers hand over to peers that have all connections. Where none has in
    /// time, or another signal comes, they resign all the same.
    fn part(&mut self) {
        let core = &mut self.core;
        if let Ok(active) = core.running.active(None) {
            core.peers.hand_over(active, &core.running);
        }
        // One that goes on already, or whose successor is being told, is waited for too.
        let until = now() + PARTING;
        while self.core.peers.are_there() && self.core.peers.outcome().is_none() && now() < until {
            self.tell_alive();
            let core = &self.core;
            let next = [core.peers.next(), self.next_alive(), Some(until)];
            let polled = core.running.polled().chain(core.peers.polled());
            let polled =
                polled.chain(self.signals.polled()).map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            sleep_until(next.into_iter().flatten().min(), polled);
            if self.signals.take().0 {
                return;
            }
            self.core.go_on();
        }
        if now() >= until {
            tracing::warn!(after = ?PARTING, "no handover came to an end: resigning without it");
        }
    }

    /// The threads of the advertisements have answered just before: without them there is
    /// no life in it.
    fn tell_alive(&mut self) {
        if let Some((interval, next)) = &mut self.watchdog {
            if now() >= *next {
                *next = now() + *interval;
                let _ = self.core.running.state(&[]);
                service::alive();
            }
        }
    }

    fn next_alive(&self) -> Option<Time> {
        self.watchdog.map(|(_, next)| next)
    }

    fn wait(&self) {
        let Self { core, signals, control, metrics, .. } = self;
        let clients = [control.next(), metrics.as_ref().and_then(Server::next)];
        let own = [self.next_alive(), core.hooks.next(), core.sync.next(), core.peers.next()];
        let times = clients.into_iter().chain(own);
        let ours = signals.polled().into_iter().chain(core.running.polled());
        let ours = ours.chain(core.peers.polled());
        let ours = ours.chain([core.links.as_fd()]).map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let theirs = control.polled().chain(metrics.iter().flat_map(Server::polled));
        sleep_until(times.flatten().min(), ours.chain(theirs));
    }
}

/// How long handing over may take when the daemon ends: a table that is long is slow to take.
const PARTING: Duration = Duration::from_secs(30);

/// How long hooks have when the daemon ends, all together.
const AT_MOST: Duration = Duration::from_secs(30);

fn sleep_until<'p>(time: Option<Time>, polled: impl Iterator<Item = PollFd<'p>>) {
    let mut polled: Vec<PollFd<'_>> = polled.collect();
    let timeout = time.map(|time| TimeSpec::from(time - now()));
    // Interrupted or not: all is looked at anyway.
    let _ = ppoll(&mut polled, timeout, None);
}

impl Core {
    fn start(file: &Path, config: Config) -> Result<Self, Failure> {
        let process = &config.process;
        let namespace = running::open(process.namespace.as_deref())?;
        let links = Links::open(namespace.as_ref()).map_err(Failure::system)?;
        let mut core = Self {
            file: file.to_owned(),
            process: process.clone(),
            namespace,
            sync: Sync::default(),
            peers: Peers::default(),
            running: Running::new(process.namespace.clone(), process.real_time),
            links,
            hooks: Hooks::default(),
            table: None,
            reloads: state::Reloads::default(),
            asker: None,
            start: now(),
        };
        let resolved = core.resolve(&config).map_err(|all| Failure::new(Exit::System, all))?;
        let link = link(&config);
        // Whoever becomes active has the services then.
        core.apply(config.table.as_ref())?;
        core.hooks.set(config.hooks);
        let sync = core.sync.prepare(config.sync, core.namespace.as_ref())?;
        core.sync.set(sync);
        core.keep_sync(false);
        tracing::info!(count = config.routers.len(), "starting virtual routers");
        core.running.start(units(resolved))?;
        core.running.tell_links(&core.links);
        core.peers.set(link, core.namespace.as_ref(), &core.running)?;
        Ok(core)
    }

    /// Does what the file says now, or nothing if it is wrong.
    fn reload(&mut self) {
        match self.try_reload() {
            Ok(()) => {
                tracing::info!("reloaded");
                self.reloads.done += 1;
                self.reloads.last_error = None;
            }
            Err(error) => {
                for line in error.lines() {
                    tracing::error!(error = line, "reload refused");
                }
                self.reloads.refused += 1;
                self.reloads.last_error = Some(error);
            }
        }
    }

    fn try_reload(&mut self) -> Result<(), String> {
        let config = Config::read(&self.file).map_err(|all| all.to_string())?;
        let differing = self.process.differences(&config.process);
        if !differing.is_empty() {
            let file = self.file.display();
            let keys = differing.join(", ");
            return Err(format!("{file}: {keys}: to change it, restart ipvs-syncd"));
        }
        let resolved = self.resolve(&config)?;
        // What may fail comes first, and is taken back.
        let link = link(&config);
        let sync = self.sync.prepare(config.sync, self.namespace.as_ref());
        let sync = sync.map_err(|error| error.to_string())?;
        let peers = self.peers.config().cloned();
        let set = self.peers.set(link, self.namespace.as_ref(), &self.running);
        set.map_err(|error| error.to_string())?;
        if let Err(failure) = self.apply(config.table.as_ref()) {
            self.peers.go_back(peers);
            return Err(failure.text);
        }
        self.hooks.set(config.hooks);
        self.sync.set(sync);
        self.keep_sync(false);
        let errors = self.running.change(units(resolved));
        self.running.tell_links(&self.links);
        self.tell();
        // What was, before what is.
        self.keep_peers();
        self.peers.refresh(&self.running);
        match errors.is_empty() {
            true => Ok(()),
            false => Err(format!("all else was done: {}", errors.join("\n"))),
        }
    }

    fn resolve(&self, config: &Config) -> Result<Vec<Resolved>, String> {
        let listed = |name, family| match &self.namespace {
            Some(namespace) => {
                namespace.run(|| addresses(name, family)).map_err(|error| error.to_string())?
            }
            None => addresses(name, family),
        };
        let resolved = resolve(config, |address| self.running.sets(address), listed);
        resolved.map_err(|all| crate::config::Problems::new(&self.file, all).to_string())
    }

    /// Makes the kernel's table what the files say, if there are files.
    fn apply(&mut self, table: Option<&Table>) -> Result<(), Failure> {
        let Some(table) = table else {
            self.table = None;
            return Ok(());
        };
        let client = match &self.namespace {
            Some(namespace) => Client::connect_in(namespace),
            None => Client::connect(),
        };
        let changes = client.and_then(|mut client| tables::apply(&mut client, table));
        let changes = changes?;
        self.table = Some(state::Table {
            services: table.services().len(),
            destinations: table.services().map(|service| service.destinations().len()).sum(),
        });
        tracing::info!(changes, "the table of IPVS is as the files say");
        Ok(())
    }

    /// Does what has come without a request.
    fn go_on(&mut self) {
        let noticed = self.links.notice_changes();
        let is_changed = noticed.unwrap_or_else(|error| {
            tracing::warn!(%error, "interfaces");
            false
        });
        if is_changed {
            self.running.tell_links(&self.links);
        }
        self.tell();
        self.sync.follow(self.running.states(), self.peers.want_tables());
        self.peers.take_beside_active(self.sync.takes_beside_active());
        self.keep_sync(is_changed);
        self.keep_peers();
        self.hooks.go_on();
    }

    /// Tells what happened to virtual routers.
    fn tell(&mut self) {
        for event in self.running.take() {
            event.log();
            self.hooks.tell(event);
        }
    }

    /// Does what is due for the sync daemons, and tells it.
    fn keep_sync(&mut self, is_changed: bool) {
        for what in self.sync.run(self.links.all(), self.namespace.as_ref(), is_changed) {
            if matches!(&what, What::SyncStarted(daemon) if daemon.role == Role::Backup) {
                self.running.backup_was_deaf();
            }
            self.tell_of_all(what);
        }
    }

    /// Tells the other directors' part what happened, and what came of it.
    fn keep_peers(&mut self) {
        if self.sync.is_deaf() {
            self.running.backup_was_deaf();
        }
        let events = self.running.take_standings();
        self.peers.go_on(events, self.namespace.as_ref(), &self.running);
        for text in self.peers.take() {
            self.tell_of_all(What::Peers(text));
        }
    }

    /// Tells what is of no virtual router alone.
    fn tell_of_all(&mut self, what: What) {
        self.running.counts.told += 1;
        let event = Event::new(self.running.counts.told, None, what);
        event.log();
        self.hooks.tell(event);
    }

    fn answer(&mut self, client: u64, request: &[u8]) -> Option<Answer> {
        match Request::parse(request) {
            Ok(Request::Status) => Some(Answer::State(Box::new(self.state()))),
            Ok(Request::Handover { router, is_now }) => {
                let name = router.as_deref();
                tracing::info!(router = name.unwrap_or("all"), is_now, "told to hand over");
                self.hand_over(client, name, is_now).unwrap_or_else(|why| Some(Answer::Error(why)))
            }
            Err(error) => Some(Answer::Error(error)),
        }
    }

    /// The active router of this name hands over, or all active ones: at once, or to a peer
    /// that has all connections, which is known later.
    fn hand_over(
        &mut self,
        client: u64,
        name: Option<&str>,
        is_now: bool,
    ) -> Result<Option<Answer>, String> {
        let active = self.running.active(name)?;
        if !is_now && self.peers.are_parted() {
            return Err("the link is down, so that no other director can be asked".to_owned());
        }
        if is_now || !self.peers.are_there() {
            active.iter().filter_map(|unit| unit.first()).for_each(|at| self.running.resign(*at));
            let names = active.iter().flatten().map(|address| self.running.named(*address));
            return Ok(Some(Answer::HandedOver(names.collect())));
        }
        if self.asker.is_some() {
            return Err("another handover goes on".to_owned());
        }
        self.asker = Some(client);
        self.peers.hand_over(active, &self.running);
        Ok(None)
    }

    /// What became of the handover that a client waits for, once that is known.
    fn handed_over(&mut self) -> Option<(u64, Answer)> {
        let client = self.asker?;
        let outcomes = match self.peers.are_there() {
            true => self.peers.outcome()?,
            false => Vec::new(),
        };
        self.asker = None;
        let (mut done, mut held) = (Vec::new(), Vec::new());
        for (address, outcome) in outcomes {
            let name = self.running.named(address);
            match outcome {
                Ok(peer) => done.push(format!("{name} to {peer}")),
                Err(reason) => held.push(format!("{name} does not hand over: {reason}")),
            }
        }
        let answer = match (held.is_empty(), done.is_empty()) {
            (true, true) => Answer::Error("the peers are others now".to_owned()),
            (true, false) => Answer::HandedOver(done),
            (false, _) => {
                Answer::Error(done.into_iter().chain(held).collect::<Vec<_>>().join("\n"))
            }
        };
        Some((client, answer))
    }

    fn state(&self) -> state::State {
        state::State {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_seconds: now().since(self.start).as_secs_f64(),
            routers: self.running.state(&self.peers.ready()),
            peers: self.peers.state(),
            link: self.peers.link(),
            table: self.table.clone(),
            sync: self.sync.state(),
            reloads: self.reloads.clone(),
            events: self.running.counts,
            hooks: self.hooks.state(),
        }
    }

    /// What the service manager shows.
    fn summary(&self) -> String {
        let count = self.running.state(&[]).len();
        match &self.reloads.last_error {
            Some(_) => format!("{count} virtual routers; the last reload was refused"),
            None => format!("{count} virtual routers"),
        }
    }
}

/// The link to the other directors that a configuration has.
fn link(config: &Config) -> Option<Link> {
    config.sync.as_ref()?.link.clone()
}
