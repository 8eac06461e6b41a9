//! One connection of the client that is watched closely.

use crate::flow::{Carrier, Flow, Kind};
use crate::site::{CLIENT, Method, Site};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// A masqueraded connection over TCP. It goes on as long as the process.
pub(crate) struct Stream(Arc<Mutex<Seen>>);

/// What the client sees of it.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// A mark for each message: answered in time, or later, or never.
    pub(crate) marks: String,
    pub(crate) messages: u32,
    pub(crate) wrong: usize,
}

/// Between two messages.
pub(crate) const PERIOD: Duration = Duration::from_millis(100);

impl Stream {
    pub(crate) fn start(site: &Site) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let to = Arc::clone(&seen);
        // A thread is where the one is that starts it.
        site.at(CLIENT, || thread::spawn(move || run(&to)));
        Self(seen)
    }

    /// What was seen, with the marks since the last time.
    pub(crate) fn take(&self) -> Seen {
        let mut seen = self.0.lock().unwrap();
        let taken = seen.clone();
        seen.marks.clear();
        taken
    }
}

/// In the client's namespace.
fn run(seen: &Mutex<Seen>) {
    let kind = Kind { carrier: Carrier::Tcp, method: Method::Masquerade };
    let mut flow = Flow::open(kind, PERIOD, Instant::now());
    let mut next = Instant::now() + PERIOD;
    loop {
        let now = Instant::now();
        let done = flow.send(now).and_then(|_| flow.receive(now));
        let mut seen = seen.lock().unwrap();
        if done.is_err() {
            seen.marks.push('✗');
            return;
        }
        if next <= now {
            next += PERIOD;
            let is_late = flow.waiting.is_some_and(|since| now - since > PERIOD);
            seen.marks.push(if is_late { '·' } else { '█' });
        }
        (seen.messages, seen.wrong) = (flow.messages(), flow.tally.wrong);
        drop(seen);
        sleep(PERIOD / 10);
    }
}
