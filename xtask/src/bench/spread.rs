//! Every single figure as a dot, on a logarithmic scale of milliseconds.

use super::results::{Entry, Results};
use super::svg::{WIDTH, picture};
use std::fmt::Write as _;

const LEFT: f64 = 180.0;
const RIGHT: f64 = 36.0;
const ROW: f64 = 15.0;
const TITLE: f64 = 44.0;
/// From one millisecond to ten seconds.
const POWERS: i32 = 4;
const WAYS: [(&str, &str); 2] = [("ours", "royalblue"), ("keepalived", "darkorange")];

/// A picture of these events, each with its title, at these intervals; with a line where
/// the backup's timer runs out.
pub(crate) fn svg(results: &Results, events: &[(&str, &str)], intervals: &[(&str, f64)]) -> String {
    let mut body = String::from(
        "<text x=\"10\" y=\"18\">Each dot is one fault; the gray lines are where the backup's timer \
         runs out.</text>\n",
    );
    let mut y = 20.0;
    for (event, title) in events {
        y += TITLE;
        let top = y - 10.0;
        let _ = writeln!(body, r#"<text class="t" x="10" y="{}">{title}</text>"#, top - 8.0);
        let mut rows = String::new();
        for (interval, timer) in intervals {
            let _ = writeln!(rows, r#"<text x="10" y="{}">every {interval}</text>"#, y + ROW);
            for (way, colour) in WAYS {
                if let Some(entry) = results.find(&format!("{event}/{interval}"), way) {
                    let _ = writeln!(
                        rows,
                        r#"<text x="{}" y="{}" text-anchor="end" fill="{colour}">{way}</text>"#,
                        LEFT - 8.0,
                        y + 4.0
                    );
                    dots(&mut rows, entry, y, colour);
                }
                y += ROW;
            }
            let (x, from) = (place(*timer), y - 2.0 * ROW - 7.0);
            let _ = writeln!(rows, r#"<path d="M{x:.1},{from}v{}" stroke="gray"/>"#, 2.0 * ROW);
            y += 6.0;
        }
        for power in 0..=POWERS {
            let x = place(10_f64.powi(power));
            let _ = writeln!(
                body,
                r##"<path d="M{x:.1},{top}V{y}" stroke="#ddd"/><text x="{x:.1}" y="{}" text-anchor="middle" fill="gray">{} ms</text>"##,
                y + 10.0,
                10_u32.pow(power.unsigned_abs()),
            );
        }
        body += &rows;
        y += 10.0;
    }
    y += 10.0;
    picture(y, 12, "text.t{font-weight:bold;font-size:14px}", &body)
}

fn dots(rows: &mut String, entry: &Entry, y: f64, colour: &str) {
    let _ = write!(rows, r#"<g fill="{colour}" fill-opacity="0.4">"#);
    for us in &entry.us {
        let _ = write!(rows, r#"<circle cx="{:.1}" cy="{y}" r="4"/>"#, place(us / 1_000.0));
    }
    let _ = writeln!(rows, "</g>");
}

/// Where a number of milliseconds is; less than one is where one is.
fn place(millis: f64) -> f64 {
    LEFT + 10.0 + millis.max(1.0).log10() / f64::from(POWERS) * (WIDTH - LEFT - RIGHT - 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_a_dot() {
        let lines = "{\"name\":\"cut/1s\",\"way\":\"ours\",\"kind\":\"ours\",\"unit\":\"event\",\
                     \"us\":[1000.0,10000000.0]}\n\
                     {\"name\":\"cut/1s\",\"way\":\"keepalived\",\"kind\":\"peer\",\
                     \"unit\":\"event\",\"us\":[-50.0]}";
        let results = Results::read(lines).unwrap();
        let svg = svg(&results, &[("cut", "Cut off")], &[("1s", 3_609.0)]);
        for end in ["cx=\"190.0\"", "cx=\"864.0\""] {
            assert!(svg.contains(end), "{svg}");
        }
        assert_eq!(svg.matches("<circle ").count(), 3);
    }
}
