//! How many connections go on after each event, as bars.

use super::connections::{Line, SCENARIOS, WAYS};
use super::svg::{WIDTH, picture};
use std::fmt::Write as _;

const LEFT: f64 = 180.0;
const RIGHT: f64 = 170.0;
const BAR: f64 = 14.0;
const TITLE: f64 = 34.0;

/// A picture of all events, with the connections of TCP and of UDP.
pub(crate) fn svg(lines: &[Line]) -> String {
    let mut body = String::from(
        "<text x=\"10\" y=\"18\">Of the connections that were established: blue go on, orange are \
         lost and the director that took over did not know them, red it did.</text>\n",
    );
    let mut y = 24.0;
    for (scenario, title) in SCENARIOS {
        y += TITLE;
        let _ = writeln!(body, r#"<text class="t" x="10" y="{}">{title}</text>"#, y - 8.0);
        for carrier in ["TCP", "UDP"] {
            for way in WAYS {
                let of = lines.iter().filter(|line| {
                    line.scenario == scenario && line.way == way && line.kind.starts_with(carrier)
                });
                bar(&mut body, &format!("{carrier} {way}"), y, Share::of(of));
                y += BAR + 3.0;
            }
        }
    }
    y += 10.0;
    picture(y, 12, "text.t{font-weight:bold;font-size:14px}", &body)
}

/// What became of so many.
#[derive(Clone, Copy, Default)]
struct Share {
    established: u64,
    lost_unknown: u64,
    lost_known: u64,
}

impl Share {
    fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Self {
        lines.fold(Self::default(), |sum, line| Self {
            established: sum.established + line.count("established"),
            lost_unknown: sum.lost_unknown + line.count("lost_unknown"),
            lost_known: sum.lost_known + line.count("lost_known"),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are not so many connections")]
fn bar(body: &mut String, label: &str, y: f64, share: Share) {
    let Share { established, lost_unknown, lost_known } = share;
    let lost = lost_unknown + lost_known;
    let middle = y + BAR - 3.0;
    let _ = writeln!(
        body,
        r#"<text x="{}" y="{middle}" text-anchor="end">{label}</text><text x="{}" y="{middle}">{lost} of {established} lost</text>"#,
        LEFT - 8.0,
        WIDTH - RIGHT + 8.0
    );
    let scale = (WIDTH - LEFT - RIGHT) / (established.max(1) as f64);
    let parts = [
        (established.saturating_sub(lost), "royalblue"),
        (lost_unknown, "darkorange"),
        (lost_known, "firebrick"),
    ];
    let mut x = LEFT;
    for (count, colour) in parts {
        let length = count as f64 * scale;
        let _ = writeln!(
            body,
            r#"<rect x="{x:.1}" y="{y}" width="{length:.1}" height="{BAR}" fill="{colour}"/>"#
        );
        x += length;
    }
}

#[cfg(test)]
mod tests {
    use super::super::connections::{Line, tests::LINES};
    use super::*;

    #[test]
    fn every_event_has_a_bar_of_each_contender() {
        let lines = LINES.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<Line> = lines.map(|line| Line::read(line).unwrap()).collect();
        let svg = svg(&lines);
        assert_eq!(svg.matches(" lost</text>").count(), SCENARIOS.len() * 4);
        assert!(svg.contains(">3 of 42 lost<"), "{svg}");
        assert!(svg.contains(">1 of 21 lost<"), "{svg}");
    }
}
