//! The lines that are printed: columns with spaces between them, `-` where
//! there is nothing.

use crate::sample::Series;

/// Prints what the columns are.
pub(crate) fn heading() {
    println!(
        "{:<36} {:<11} {:>12} {:>12} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "name",
        "unit",
        "floor_us",
        "ours_us",
        "ratio",
        "floor_±%",
        "ours_±%",
        "floor_snd",
        "floor_rcv",
        "ours_snd",
        "ours_rcv",
    );
}

/// Prints one measurement: of the floor, of ours, or of both.
pub(crate) fn line(name: &str, unit: &str, floor: Option<&Series>, ours: Option<&Series>) {
    let [floor_us, floor_spread, floor_sends, floor_receives] = cells(floor);
    let [ours_us, ours_spread, ours_sends, ours_receives] = cells(ours);
    let ratio = ours.zip(floor).map(|(ours, floor)| ours.median() / floor.median());
    let ratio = ratio.map_or_else(nothing, |ratio| format!("{ratio:.3}"));
    println!(
        "{name:<36} {unit:<11} {floor_us:>12} {ours_us:>12} {ratio:>7} {floor_spread:>9} \
         {ours_spread:>9} {floor_sends:>9} {floor_receives:>9} {ours_sends:>9} {ours_receives:>9}"
    );
}

/// Microseconds, spread, sends, receives.
fn cells(series: Option<&Series>) -> [String; 4] {
    let Some(series) = series else { return [(); 4].map(|()| nothing()) };
    let calls = series.calls();
    let count = |count: Option<u64>| count.map_or_else(|| "varies".to_owned(), |n| n.to_string());
    [
        format!("{:.3}", series.median()),
        format!("{:.1}", series.spread()),
        count(calls.map(|calls| calls.sends)),
        count(calls.map(|calls| calls.receives)),
    ]
}

fn nothing() -> String {
    "-".to_owned()
}
