//! What a backup that asks for the addresses is told.

use super::{Answer, Report};

/// The questions and answers of a silence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Answers {
    last: Option<Answer>,
    /// How often it has asked since the last answer, up to [`UNANSWERED`].
    asked: u8,
    /// Where the address is that keeps it from taking over, as it was reported.
    reported: Option<[u8; 6]>,
}

impl Answers {
    /// It asks.
    pub(super) fn ask(&mut self) {
        self.asked = (self.asked + 1).min(UNANSWERED);
    }

    /// Somebody has an address. What comes before it asked, or a second time, is no answer.
    pub(super) fn take(&mut self, answer: Answer) {
        if self.asked > 0 {
            self.last = Some(answer);
            self.asked = 0;
        }
    }

    /// Who has the addresses though he is not heard.
    pub(super) fn holder(&self) -> Option<Answer> {
        self.last.filter(|_| self.asked < UNANSWERED)
    }

    /// What is to be reported of that, unless it was.
    pub(super) fn report(&mut self, holder: Answer) -> Option<Report> {
        let reported = self.reported.replace(holder.mac);
        (reported != Some(holder.mac)).then_some(Report::AddressAnswered(holder))
    }
}

/// How many questions in a row are not answered by one that is gone. One can be lost, or
/// its answer, where the other was paused with its machine, or this one was.
const UNANSWERED: u8 = 2;
