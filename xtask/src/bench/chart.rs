//! Bars on a logarithmic scale, one for all that has the same unit.

use super::results::{Entry, Results};
use super::svg::{WIDTH, picture};
use std::fmt::Write as _;

const LABELS: f64 = 190.0;
const NUMBERS: f64 = 130.0;
const BAR: f64 = 18.0;
const GAP: f64 = 6.0;
const TITLE: f64 = 30.0;

/// A picture of every way that has others beside it.
pub(crate) fn svg(results: &Results) -> String {
    let groups: Vec<_> = results.by_name().filter(|(_, ways)| ways.len() > 1).collect();
    let mut y = 30.0;
    let mut body = String::from(
        "<text x=\"10\" y=\"18\">Medians, on a logarithmic scale: gray is the least that user space \
         can do, blue is ours, orange are others.</text>\n",
    );
    for (name, ways) in groups {
        let _ = writeln!(body, r#"<text class="t" x="10" y="{}">{name}</text>"#, y + 18.0);
        y += TITLE;
        let unit = ways.first().map_or("", |way| &way.unit);
        let (from, scale) = scale(results, unit);
        for way in ways {
            let length = (way.median().log10() - from) * scale;
            let class = match &*way.kind {
                "floor" => "f",
                "ours" => "o",
                _ => "p",
            };
            let middle = y + BAR - 5.0;
            let _ = writeln!(
                body,
                r#"<text x="{}" y="{middle}" text-anchor="end">{}</text><rect class="{class}" x="{LABELS}" y="{y}" width="{length:.1}" height="{BAR}"/><text x="{:.1}" y="{middle}">{}</text>"#,
                LABELS - 8.0,
                way.way,
                LABELS + length + 6.0,
                micros(way.median()),
            );
            y += BAR + GAP;
        }
        y += 8.0;
    }
    picture(
        y,
        13,
        "rect.f{fill:gray}rect.o{fill:royalblue}rect.p{fill:orange}text.t{font-weight:bold;font-size:15px}",
        &body,
    )
}

/// Where the scale of a unit begins, as a power of ten, and how long the next is.
fn scale(results: &Results, unit: &str) -> (f64, f64) {
    let ways = results.by_name().filter(|(_, ways)| ways.len() > 1).flat_map(|(_, ways)| ways);
    let medians = ways.filter(|way| way.unit == unit).map(Entry::median);
    let (least, most) = medians
        .fold((f64::MAX, 0.0_f64), |(least, most), median| (least.min(median), most.max(median)));
    // From the power below the least, so that the least has a bar too.
    let from = least.log10().floor();
    (from, (WIDTH - LABELS - NUMBERS) / (most.log10() - from).max(0.1))
}

fn micros(us: f64) -> String {
    if us >= 10_000.0 { format!("{:.1} ms", us / 1_000.0) } else { format!("{us:.1} µs") }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::LINES;
    use super::*;

    #[test]
    fn every_way_beside_others_has_a_bar_and_a_number() {
        let svg = svg(&Results::read(LINES).unwrap());
        // And one behind all.
        assert_eq!(svg.matches("<rect ").count(), 3 + 1);
        assert!(svg.contains(">3.0 µs</text>"), "{svg}");
        assert!(!svg.contains(">b<"), "{svg}");
    }
}
