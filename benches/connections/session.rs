//! A site with one contender, and what befalls it.

use crate::client::Client;
use crate::contender::{Contender, Program};
use crate::outcome::Outcome;
use crate::server;
use crate::site::{BETTER, Known, SERVERS, Site, WORSE};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// One site.
pub(crate) struct Session {
    contender: Contender,
    pub(crate) site: Site,
    pub(crate) client: Client,
    better: Program,
    worse: Program,
    outcomes: Vec<Outcome>,
}

/// So long nothing happens before something does: what is older is known to both
/// directors, if the kernel tells it at all.
const REST: Duration = Duration::from_secs(6);

/// Whoever is answered so long after the other director has taken over goes on.
const SETTLED: Duration = Duration::from_secs(4);

/// After that nobody is waited for: TCP has tried again 12.7 s after the first time.
const ENOUGH: Duration = Duration::from_secs(16);

/// Longer than anything here takes.
const MOST: Duration = Duration::from_secs(60);

impl Session {
    /// Starts both directors, and waits until the better one is active.
    pub(crate) fn start(contender: Contender) -> Self {
        let site = Site::new();
        for host in SERVERS {
            site.at(host, || server::start(host));
        }
        let better = site.at(BETTER, || contender.start(BETTER));
        let worse = site.at(WORSE, || contender.start(WORSE));
        wait_until("active director", || site.is_active(BETTER) && !site.is_active(WORSE));
        let client = Client::start(&site);
        Self { contender, site, client, better, worse, outcomes: Vec::new() }
    }

    pub(crate) fn finish(self) -> Vec<Outcome> {
        self.outcomes
    }

    /// Nothing happens.
    pub(crate) fn quiet(&mut self) {
        self.rest();
        let known = self.site.known(WORSE);
        self.client.look();
        self.judge("quiet", &known);
    }

    /// The better director's machine is without power, and later it has power again.
    pub(crate) fn crash(&mut self) {
        self.rest();
        self.client.look();
        let known = self.power_off();
        wait_until("take-over", || self.site.is_active(WORSE));
        self.judge("crash", &known);

        self.rest();
        self.client.look();
        self.power_on();
        let known = self.taken_over(BETTER);
        self.judge("return", &known);
    }

    /// The better director's machine is without power. Returns what the other knows.
    pub(crate) fn power_off(&mut self) -> Known {
        self.site.power_off(BETTER);
        self.better.kill();
        self.site.known(WORSE)
    }

    pub(crate) fn power_on(&mut self) {
        self.site.power_on(BETTER);
        let contender = self.contender;
        self.better = self.site.at(BETTER, || contender.start(BETTER));
    }

    /// The better director is cut off from everybody, and later is not any more.
    pub(crate) fn cut(&mut self) {
        self.rest();
        self.client.look();
        self.site.cut(BETTER);
        let known = self.site.known(WORSE);
        wait_until("take-over", || self.site.is_active(WORSE));
        self.judge("cut", &known);

        self.rest();
        self.client.look();
        let known = self.site.known(BETTER);
        self.site.heal(BETTER);
        wait_until("end of the partition", || !self.site.is_active(WORSE));
        self.judge("heal", &known);
    }

    /// The operator lets the other director take over, and later the better one again.
    pub(crate) fn hand_over(&mut self) {
        self.rest();
        self.client.look();
        let known = self.site.known(WORSE);
        self.better.hand_over();
        wait_until("take-over", || self.site.is_active(WORSE) && !self.site.is_active(BETTER));
        self.judge("handover", &known);

        self.rest();
        self.client.look();
        let known = self.site.known(BETTER);
        self.better.take_back(&self.worse);
        wait_until("take-over", || self.site.is_active(BETTER) && !self.site.is_active(WORSE));
        self.judge("handover back", &known);
    }

    /// From now on no kernel tells another of a connection.
    pub(crate) fn tell_nothing(&self) {
        [BETTER, WORSE].into_iter().for_each(|director| self.site.tells_nothing(director));
    }

    /// The better director's daemon is stopped and at once started.
    pub(crate) fn restart(&mut self) {
        self.rest();
        self.client.look();
        let there = self.site.known(WORSE);
        self.better.stop();
        let contender = self.contender;
        self.better = self.site.at(BETTER, || contender.start(BETTER));
        let mut known = self.taken_over(BETTER);
        // The other took over in between.
        known.retain(|name, server| there.get(name) == Some(server));
        self.judge("restart", &known);
    }

    /// The better director's daemon reads its configuration again.
    pub(crate) fn reload(&mut self, round: u8) {
        self.rest();
        self.client.look();
        let known = self.site.known(BETTER);
        self.better.reload(round);
        self.judge("reload", &known);
    }

    fn rest(&self) {
        sleep(REST);
    }

    /// Waits until only this director is active, and returns what it knew before: it learns
    /// of others by their datagrams then, and gives them to any server.
    fn taken_over(&self, director: u8) -> Known {
        let mut known = Known::new();
        let mut last = Known::new();
        wait_until("take-over", || {
            known = std::mem::replace(&mut last, self.site.known(director));
            self.site.is_active(director)
        });
        let other = if director == BETTER { WORSE } else { BETTER };
        wait_until("end of the other", || !self.site.is_active(other));
        known
    }

    /// Waits until all that will be answered is, and notes what became of it.
    fn judge(&mut self, scenario: &'static str, known: &Known) {
        let start = Instant::now();
        while start.elapsed() < SETTLED || (!self.client.is_served() && start.elapsed() < ENOUGH) {
            sleep(Duration::from_millis(50));
        }
        let (fates, requests) = self.client.judge();
        let outcome = Outcome::new(scenario, self.contender.name(), &fates, requests, known);
        eprintln!("{outcome}");
        self.outcomes.push(outcome);
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < MOST, "no {what}");
        sleep(Duration::from_millis(20));
    }
}
