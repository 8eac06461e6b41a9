//! How cost grows with the size of a table: both scales are logarithmic.

use super::results::{Entry, Results};
use super::svg::{WIDTH, picture};
use std::fmt::Write as _;

const HEIGHT: f64 = 420.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 30.0;
const COLOURS: [&str; 5] = ["gray", "royalblue", "seagreen", "darkorange", "firebrick"];

/// A picture for each of these kinds of measurements of which several sizes were
/// measured; none if there is none.
pub(crate) fn svg(results: &Results, kinds: &[&str]) -> Option<String> {
    let mut body = String::new();
    let mut y = 0.0;
    for kind in kinds {
        let points: Vec<Point<'_>> = results
            .by_name()
            .flat_map(|(_, ways)| ways)
            .filter_map(|entry| Point::of(entry, kind))
            .collect();
        let (Some(x_range), Some(y_range)) = (
            Range::of(points.iter().map(|p| p.objects)),
            Range::of(points.iter().map(|p| p.millis)),
        ) else {
            continue;
        };
        let _ = writeln!(body, r#"<g transform="translate(0,{y})">"#);
        panel(&mut body, kind, &points, x_range, y_range);
        let _ = writeln!(body, "</g>");
        y += HEIGHT;
    }
    let svg = picture(y, 13, "", &body);
    (y > 0.0).then_some(svg)
}

fn panel(body: &mut String, kind: &str, points: &[Point<'_>], objects: Range, millis: Range) {
    let x = |value: f64| LEFT + objects.place(value) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - millis.place(value) * (HEIGHT - TOP - BOTTOM);
    let _ = writeln!(
        body,
        r#"<text x="{LEFT}" y="20" font-weight="bold" font-size="15">{kind}: ms by services and destinations</text>"#
    );
    for power in objects.powers() {
        let (x, end) = (x(power), HEIGHT - BOTTOM);
        let _ = writeln!(
            body,
            r##"<path d="M{x:.1},{TOP}V{end}" stroke="#ddd"/><text x="{x:.1}" y="{}" text-anchor="middle">{power}</text>"##,
            end + 18.0
        );
    }
    for power in millis.powers() {
        let (y, end) = (y(power), WIDTH - RIGHT);
        let _ = writeln!(
            body,
            r##"<path d="M{LEFT},{y:.1}H{end}" stroke="#ddd"/><text x="{}" y="{:.1}" text-anchor="end">{power}</text>"##,
            LEFT - 6.0,
            y + 4.0
        );
    }
    let mut ways: Vec<&str> = Vec::new();
    for point in points {
        if !ways.contains(&point.way) {
            ways.push(point.way);
        }
    }
    let mut labels = Vec::new();
    for (way, colour) in ways.iter().zip(COLOURS.iter().cycle()) {
        let mut of_way: Vec<&Point<'_>> = points.iter().filter(|point| point.way == *way).collect();
        of_way.sort_by(|a, b| a.objects.total_cmp(&b.objects));
        let places: Vec<String> =
            of_way.iter().map(|p| format!("{:.1},{:.1}", x(p.objects), y(p.millis))).collect();
        let _ = writeln!(
            body,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            places.join(" ")
        );
        if let Some(last) = of_way.last() {
            labels.push((y(last.millis) + 4.0, colour, way));
        }
    }
    labels.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut free = f64::MAX;
    for (place, colour, way) in labels {
        // Lines that end close together have their names one above the other.
        let (x, y) = (WIDTH - RIGHT + 8.0, place.min(free));
        free = y - 15.0;
        let _ = writeln!(body, r#"<text x="{x}" y="{y:.1}" fill="{colour}">{way}</text>"#);
    }
}

/// What a table of so many objects took.
struct Point<'a> {
    way: &'a str,
    objects: f64,
    millis: f64,
}

impl<'a> Point<'a> {
    /// Of tables with two destinations to a service: `restore/333x2`.
    fn of(entry: &'a Entry, kind: &str) -> Option<Self> {
        let services = entry.name.strip_prefix(kind)?.strip_prefix('/')?.strip_suffix("x2")?;
        let objects = services.parse::<u32>().ok()? * 3;
        let objects = f64::from(objects);
        let units = if entry.unit == "change" { objects } else { 1.0 };
        Some(Self { way: &entry.way, objects, millis: entry.median() * units / 1_000.0 })
    }
}

/// Powers of ten around all values.
#[derive(Clone, Copy)]
struct Range {
    from: f64,
    to: f64,
}

impl Range {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let (least, most) = (values.clone().reduce(f64::min)?, values.reduce(f64::max)?);
        // One size is no growth.
        (least < most).then(|| Self { from: least.log10().floor(), to: most.log10().ceil() })
    }

    fn place(self, value: f64) -> f64 {
        (value.log10() - self.from) / (self.to - self.from)
    }

    fn powers(self) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(self.from), |power| Some(power + 1.0))
            .take_while(move |power| *power <= self.to)
            .map(|power| 10_f64.powf(power))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_a_kind_has_a_line_over_its_sizes() {
        let line = |name: &str, way: &str, us: f64| {
            format!(
                "{{\"name\":\"{name}\",\"way\":\"{way}\",\"kind\":\"ours\",\"unit\":\"change\",\
                 \"us\":[{us}],\"user_us\":0.0,\"system_us\":0.0}}\n"
            )
        };
        let lines = line("restore/3x2", "floor", 10.0)
            + &line("restore/3x2", "plan", 20.0)
            + &line("restore/333x2", "floor", 9.0)
            + &line("restore/333x2", "plan", 18.0)
            + &line("restore/1000x10", "floor", 9.0);
        let svg = svg(&Results::read(&lines).unwrap(), &["restore", "list"]).unwrap();
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert_eq!(svg.matches("<g ").count(), 1);
        assert!(svg.contains(">plan</text>"), "{svg}");
    }

    #[test]
    fn one_size_is_no_growth() {
        let lines = "{\"name\":\"list/3x2\",\"way\":\"floor\",\"kind\":\"floor\",\"unit\":\"table\",\
                     \"us\":[1.0],\"user_us\":0.0,\"system_us\":0.0}";
        assert_eq!(svg(&Results::read(lines).unwrap(), &["list"]), None);
    }
}
