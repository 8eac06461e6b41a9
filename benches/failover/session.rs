//! Two routers and a client on a LAN, and what befalls them.

use crate::client::{ADDRESS, Client};
use crate::contender::{Contender, Router};
use crate::host::{PORT, run};
use crate::lan::Lan;
use crate::samples::Sample;
use ipvs_sync::net::now;
use ipvs_sync::vrrp::Time;
use std::thread::sleep;
use std::time::Duration;

/// The hosts, by their numbers: the backup, the active router if all is well, and the
/// client.
const WORSE: u8 = 1;
const BETTER: u8 = 2;
const CLIENT: u8 = 3;

const WORSE_PRIORITY: u8 = 100;
const BETTER_PRIORITY: u8 = 150;

/// One LAN.
pub(crate) struct Session<'a> {
    lan: Lan,
    client: Client,
    contender: &'a Contender,
    interval: Duration,
    better: Router,
    worse: Router,
    samples: Vec<Sample>,
}

impl<'a> Session<'a> {
    /// Starts both, and waits until the better one is active.
    pub(crate) fn start(contender: &'a Contender, interval: Duration) -> Self {
        let lan = Lan::new(3);
        let client = Client::start(&lan, CLIENT);
        let start = |host, priority| lan.at(host, || contender.start(host, interval, priority));
        let worse = start(WORSE, WORSE_PRIORITY);
        let better = start(BETTER, BETTER_PRIORITY);
        let session = Self { lan, client, contender, interval, better, worse, samples: Vec::new() };
        session.settle();
        session
    }

    /// Waits until the active router has finished announcing the address: what it announces
    /// later would help clients that are lost.
    pub(crate) fn rest(&self) {
        self.settle();
        sleep(ANNOUNCES);
    }

    /// What was measured. The routers end.
    pub(crate) fn finish(self) -> Vec<Sample> {
        self.samples
    }

    /// The active router can reach nobody any more, and later can again: at these parts of
    /// an interval after an advertisement. Its link stays up.
    pub(crate) fn partition(&mut self, part: f64) {
        self.settle();
        self.sample("quiet", self.gap(before(SETTLED), now()));
        self.wait_for_part(BETTER, part);
        let cut = now();
        self.lan.cut(BETTER);
        self.wait_until_served("take-over", || self.is_active(WORSE, cut));
        self.sample("cut", self.gap(cut, now()));
        let TakeOver { heard, due, .. } = self.take_over(cut);
        // What came before that the active router has answered.
        let served = self.client.first_answered(heard + self.interval * 2);
        self.sample("cut, after the timer", difference(served, due));

        self.wait_for_part(WORSE, part);
        let heal = now();
        self.lan.heal(BETTER);
        sleep(self.interval * 4);
        self.wait_until_served("end of the partition", || self.is_as_it_should_be());
        self.sample("heal", self.gap(heal, now()));
    }

    /// The active router's process is killed. Its host keeps the address.
    pub(crate) fn crash(&mut self, part: f64) {
        self.settle();
        self.wait_for_part(BETTER, part);
        let crash = now();
        self.better.crash();
        self.wait_until_served("take-over", || self.is_active(WORSE, crash));
        self.sample("crash", self.gap(crash, now()));
        let TakeOver { due, advertised, .. } = self.take_over(crash);
        self.sample("crash, after the timer", difference(advertised, due));
        // As if the host had started anew.
        self.lan.at(BETTER, || run(&format!("ip addr del {ADDRESS}/32 dev {PORT}")));
        self.start_better();
    }

    /// The active router is told to end.
    pub(crate) fn stop(&mut self, part: f64) {
        self.settle();
        self.wait_for_part(BETTER, part);
        let stop = now();
        self.better.stop();
        self.wait_until_served("take-over", || self.is_active(WORSE, stop));
        self.sample("stop", self.gap(stop, now()));
        self.start_better();
    }

    /// The active router of ours hands over, and later that one back, as directors do that know
    /// each other: when it has resigned, the other is told to take over.
    pub(crate) fn hand_over(&mut self, part: f64) {
        if let Contender::Keepalived = self.contender {
            return;
        }
        self.settle();
        self.wait_for_part(BETTER, part);
        let start = now();
        self.better.order("resign");
        self.wait_for_resignation(BETTER);
        self.worse.order("promote");
        self.wait_until_served("handover", || self.is_active(WORSE, start));
        self.sample("handover", self.gap(start, now()));
        self.worse.order("resign");
        self.wait_for_resignation(WORSE);
        self.better.order("promote");
    }

    fn wait_for_resignation(&self, host: u8) {
        while self.client.last(host).is_some() {
            sleep(Duration::from_micros(100));
        }
    }

    /// The active router's priority is changed so often while it runs, and stays the
    /// highest.
    pub(crate) fn change(&mut self, times: u8) {
        self.settle();
        for time in 0..times {
            self.change_once(time, "change", "change, take-overs");
        }
    }

    /// The same while the machine is busy, and before that nothing for as long.
    pub(crate) fn change_under_load(&mut self, times: u8) {
        self.settle();
        for _ in 0..times {
            self.look(now(), "load", "load, take-overs");
        }
        self.settle();
        for time in 0..times {
            self.change_once(time, "change under load", "change under load, take-overs");
        }
    }

    fn change_once(&mut self, time: u8, gap: &'static str, take_overs: &'static str) {
        let start = now();
        self.better.set_priority(BETTER_PRIORITY + 1 + time % 2);
        self.look(start, gap, take_overs);
    }

    /// What the client sees until the next change, and whether the backup advertises.
    fn look(&mut self, start: Time, gap: &'static str, take_overs: &'static str) {
        sleep((self.interval * 4).max(SHORTEST_CHANGE));
        let end = now();
        self.sample(gap, self.gap(start, end));
        let taken_over = self.client.first(WORSE, start, end).is_some();
        self.sample(take_overs, i64::from(taken_over));
    }

    fn start_better(&mut self) {
        let (contender, interval) = (self.contender, self.interval);
        self.better = self.lan.at(BETTER, || contender.start(BETTER, interval, BETTER_PRIORITY));
    }

    fn settle(&self) {
        self.wait_until("rest", || self.is_as_it_should_be() && self.is_served());
    }

    fn is_as_it_should_be(&self) -> bool {
        let recently = before(self.interval * 2 + Duration::from_millis(100));
        self.is_active(BETTER, recently) && !self.is_active(WORSE, recently)
    }

    /// Whether a host has advertised since then, and has not resigned.
    fn is_active(&self, host: u8, since: Time) -> bool {
        self.client.last(host).is_some_and(|last| last.arrival > since)
    }

    fn is_served(&self) -> bool {
        let gap = self.client.longest_gap(before(SETTLED), now());
        gap.is_some_and(|gap| gap < Duration::from_millis(100))
    }

    /// Waits until this part of an interval after one of a host's advertisements.
    fn wait_for_part(&self, host: u8, part: f64) {
        let last = self.client.last(host).expect("an active router");
        let mut when = last.arrival + self.interval.mul_f64(part);
        while when <= now() {
            when = when + self.interval;
        }
        sleep(when - now());
    }

    /// In microseconds.
    fn gap(&self, from: Time, to: Time) -> i64 {
        micros(self.client.longest_gap(from, to).expect("an answer before"))
    }

    fn take_over(&self, since: Time) -> TakeOver {
        let first = self.client.first(WORSE, since, now()).expect("a take-over");
        let advertised = first.arrival;
        let last = self.client.last_before(BETTER, advertised).expect("an active router");
        let heard = last.arrival;
        let skew = self.interval * (256 - u32::from(WORSE_PRIORITY)) / 256;
        TakeOver { heard, due: heard + self.interval * 3 + skew, advertised }
    }

    /// Waits for something, and from then on until the client is served again.
    fn wait_until_served(&self, what: &str, condition: impl Fn() -> bool) {
        self.wait_until(what, condition);
        sleep(SETTLED);
        self.wait_until("answers", || self.is_served());
    }

    fn wait_until(&self, what: &str, condition: impl Fn() -> bool) {
        let start = now();
        while !condition() {
            let waited = now() - start;
            assert!(waited < MOST, "{} at {:?}: no {what}", self.contender.name(), self.interval);
            sleep(Duration::from_millis(5));
        }
    }

    fn sample(&mut self, name: &'static str, value: i64) {
        let (way, interval) = (self.contender.name(), self.interval);
        self.samples.push(Sample { name, interval, way, value });
    }
}

/// A take-over by the backup, by what the client heard.
struct TakeOver {
    /// When the active router last advertised.
    heard: Time,
    /// When the backup's timer ran out: three intervals and the skew later (RFC 9568 §6.1).
    due: Time,
    /// When the backup first advertised.
    advertised: Time,
}

/// After how long both announce the address for the last time, and a second.
const ANNOUNCES: Duration = Duration::from_secs(6);

/// How long a client that is served again has been so.
const SETTLED: Duration = Duration::from_secs(1);

/// keepalived takes a while to read its configuration.
const SHORTEST_CHANGE: Duration = Duration::from_millis(300);

/// Longer than anything here takes.
const MOST: Duration = Duration::from_secs(60);

/// So long ago.
fn before(duration: Duration) -> Time {
    Time::ZERO + (now() - Time::ZERO).saturating_sub(duration)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap()
}

/// In microseconds, less than nothing if it was before.
fn difference(time: Time, earlier: Time) -> i64 {
    micros(time - earlier) - micros(earlier - time)
}
