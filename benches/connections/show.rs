//! One failover, and the way back, as a person sees it.

use crate::contender::Contender;
use crate::outcome::Outcome;
use crate::session::Session;
use crate::site::{BETTER, Known, WORSE};
use crate::stream::{Seen, Stream};
use std::process::exit;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What is shown: a line each second.
struct Show {
    session: Session,
    stream: Stream,
    start: Instant,
    lines: u32,
    has_power: bool,
}

/// Shows it on standard output. The process fails if a connection is lost that was known.
pub(crate) fn run() {
    let session = Session::start(Contender::Ours);
    let stream = Stream::start(&session.site);
    let mut show = Show { session, stream, start: Instant::now(), lines: 0, has_power: true };
    println!(
        "Two directors balance over two servers. A client has connections of all ages, over\n\
         TCP and UDP, masqueraded and direct-routed, and one that is shown: a message every\n\
         tenth of a second, █ if it is answered in time, · if the client still waits.\n\n\
         \u{20}     director 1              director 2              the client's connection"
    );
    show.watch(8);

    println!("\n      The power of director 1 fails.\n");
    show.session.client.look();
    let known = show.session.power_off();
    show.has_power = false;
    show.watch_until(|show| show.session.site.is_active(WORSE));
    show.watch(6);
    let is_well = show.tell("crash", &known);
    show.watch(3);

    println!("\n      Director 1 has power again, and its kernel knows nothing.\n");
    show.session.client.look();
    show.has_power = true;
    show.session.power_on();
    let mut known = Known::new();
    show.watch_until(|show| {
        let is_back = show.session.site.is_active(BETTER);
        if !is_back {
            known = show.session.site.known(BETTER);
        }
        is_back
    });
    show.watch(4);
    let is_well = show.tell("return", &known) && is_well;
    let Seen { messages, wrong, .. } = show.stream.take();
    println!("\nThe client's connection had {messages} messages, and {wrong} bytes were wrong.");
    if !is_well || wrong > 0 {
        exit(1);
    }
}

impl Show {
    fn watch(&mut self, seconds: u32) {
        let until = self.lines + seconds;
        self.watch_until(|show| show.lines >= until);
    }

    /// Until this is so, and the second that has begun is over.
    fn watch_until(&mut self, mut condition: impl FnMut(&Self) -> bool) {
        let mut is_over = false;
        while !is_over {
            let next = Duration::from_secs((self.lines + 1).into());
            while self.start.elapsed() < next {
                is_over = is_over || condition(self);
                sleep(Duration::from_millis(50));
            }
            self.lines += 1;
            self.line();
            is_over = is_over || condition(self);
            assert!(self.lines < 120, "no end of this");
        }
    }

    fn line(&self) {
        let [better, worse] = [BETTER, WORSE].map(|director| self.director(director));
        println!("{:>4}  {better:<22}  {worse:<22}  {}", self.lines, self.stream.take().marks);
    }

    fn director(&self, director: u8) -> String {
        let site = &self.session.site;
        if director == BETTER && !self.has_power {
            return "no power".to_owned();
        }
        let state = if site.is_active(director) { "ACTIVE" } else { "backup" };
        format!("{state}, {} known", site.known(director).len())
    }

    /// Tells what became of the connections, and whether all went on that were known.
    fn tell(&self, scenario: &'static str, known: &Known) -> bool {
        let (fates, requests) = self.session.client.judge();
        let outcome = Outcome::new(scenario, "ours", &fates, requests, known);
        let [established, unknown, known] = outcome.counts();
        println!(
            "\n      Of {established} established connections {} go on; the longest wait was {:.1} s.",
            established - unknown - known,
            outcome.longest().as_secs_f32()
        );
        if unknown > 0 {
            println!("      {unknown} were not known to the director that took over.");
        }
        if known > 0 {
            println!("      {known} were known to it and lost all the same.");
        }
        known == 0
    }
}
