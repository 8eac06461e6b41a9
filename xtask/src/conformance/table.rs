//! The table, and what must be so for it to be written.

use super::LIST;
use super::requirement::{Note, Requirement};
use super::tag::Tag;
use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The table, with links from `ipvs-sync`.
///
/// # Errors
/// A line for each tag that is above no test or names no requirement, and for each
/// requirement with neither a test nor a reason, or with both.
pub(crate) fn write(requirements: &[Requirement], tags: &[Tag]) -> Result<String> {
    let shown = |requirement: &Requirement| -> Vec<&Tag> {
        tags.iter().filter(|tag| tag.id == requirement.id).collect()
    };
    let rows: Vec<Row<'_>> = requirements
        .iter()
        .map(|requirement| Row { requirement, shown: shown(requirement) })
        .collect();
    let mut wrong: Vec<String> = tags.iter().filter_map(|tag| of_no_use(tag, &rows)).collect();
    wrong.extend(rows.iter().filter_map(Row::contradiction));
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(format!("{HEAD}{}{}", totals(&rows), tables(&rows)))
}

/// A requirement and what shows it.
struct Row<'a> {
    requirement: &'a Requirement,
    shown: Vec<&'a Tag>,
}

/// What a tag does not show, and why.
fn of_no_use(tag: &Tag, rows: &[Row<'_>]) -> Option<String> {
    let Tag { id, file, line, test } = tag;
    match test {
        Err(instead) => Some(format!("{file}:{line}: the tag is above {instead}")),
        Ok(_) if rows.iter().all(|row| row.requirement.id != *id) => {
            Some(format!("{file}:{line}: {id} is not in {LIST}"))
        }
        Ok(_) => None,
    }
}

impl Row<'_> {
    fn note(&self) -> Option<Note> {
        self.requirement.note.as_ref().map(|(note, _)| *note)
    }

    /// Why it is neither shown nor not.
    fn contradiction(&self) -> Option<String> {
        let has_reason = matches!(self.note(), Some(Note::NotOurs | Note::NotMet));
        let Requirement { line, id, .. } = self.requirement;
        match (self.shown.first(), has_reason) {
            (None, false) => {
                Some(format!("{LIST}:{line}: {id} has neither a test nor a reason why not"))
            }
            (Some(Tag { file, line: tag, .. }), true) => Some(format!(
                "{LIST}:{line}: {id} has a reason why it is not shown, and a test: {file}:{tag}"
            )),
            _ => None,
        }
    }

    /// The last cell.
    fn shown_by(&self) -> String {
        let mut parts: Vec<String> = self.shown.iter().map(|tag| link(tag)).collect();
        if let Some((note, text)) = &self.requirement.note {
            let key = match note {
                Note::But => "But",
                Note::NotOurs => "Not ours",
                Note::NotMet => "**Not met**",
            };
            parts.push(format!("{key}: {text}"));
        }
        parts.join("<br>")
    }
}

fn link(tag: &Tag) -> String {
    let name = tag.test.as_deref().unwrap_or_default();
    match tag.file.strip_prefix("ipvs-sync/") {
        Some(file) => format!("[`{name}`]({file})"),
        None => format!("[`{name}`](../{})", tag.file),
    }
}

/// How many requirements of each RFC are what.
fn totals(rows: &[Row<'_>]) -> String {
    let mut counts: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for row in rows {
        let column = match row.note() {
            None => 0,
            Some(Note::But) => 1,
            Some(Note::NotOurs) => 2,
            Some(Note::NotMet) => 3,
        };
        if let Some(count) = counts.entry(row.requirement.rfc()).or_default().get_mut(column) {
            *count += 1;
        }
    }
    let mut text = "| | shown | shown, but | not ours | not met | all |\n\
                    |---|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for (rfc, [shown, but, not_ours, not_met]) in counts.iter().rev() {
        let all = shown + but + not_ours + not_met;
        let row = format!("| RFC {rfc} | {shown} | {but} | {not_ours} | {not_met} | {all} |\n");
        text.push_str(&row);
    }
    text
}

/// A table for each RFC, in the order of the list.
fn tables(rows: &[Row<'_>]) -> String {
    let mut text = String::new();
    let mut rfc = "";
    for row in rows {
        let Requirement { id, level, says, .. } = row.requirement;
        if row.requirement.rfc() != rfc {
            rfc = row.requirement.rfc();
            // A string takes whatever is written.
            let _ = write!(
                text,
                "\n## RFC {rfc}\n\n| id | level | required | shown by, or why not |\n\
                 |---|---|---|---|\n"
            );
        }
        let _ = writeln!(text, "| {id} | {level} | {says} | {} |", row.shown_by());
    }
    text
}

const HEAD: &str = "\
# Conformance to the VRRP standards

Every MUST, MUST NOT, SHOULD and SHOULD NOT of RFC 9568 (version 3) with its errata 7947,
7949 and 8298 to 8301, and of RFC 3768 (version 2) where it differs, in our own words, with
the tests that show it or the reason why not. A `rule` is what they ask for without such a
word: the steps of the state machine, formats, formulas, defaults.

The second number of an id is the section. Written by `cargo xtask conformance` from
[`conformance.txt`](conformance.txt) and the lines `// shows:` above the tests; do not edit
it.

";

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "9568-5-1 MUST It is.\n\
                        9568-5-2 MUST It is too.\n    but: Not always.\n\
                        9568-5-3 SHOULD It may be.\n    not ours: Theirs.\n\
                        3768-5-1 MUST NOT It was.\n    not met: It is.\n";

    const TAGGED: &str = "// shows: 9568-5-1, 9568-5-2\n#[test]\nfn it_is() {}\n";

    fn written(list: &str, file: &str, text: &str) -> Result<String> {
        write(&Requirement::all(list).unwrap(), &Tag::all(file, text))
    }

    #[test]
    fn each_requirement_has_a_row_with_its_tests_or_its_reason() {
        let table = written(LIST, "ipvs-sync/src/a.rs", TAGGED).unwrap();
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
        let expected = [
            "| | shown | shown, but | not ours | not met | all |",
            "|---|--:|--:|--:|--:|--:|",
            "| RFC 9568 | 1 | 1 | 1 | 0 | 3 |",
            "| RFC 3768 | 0 | 0 | 0 | 1 | 1 |",
            "| id | level | required | shown by, or why not |",
            "|---|---|---|---|",
            "| 9568-5-1 | MUST | It is. | [`it_is`](src/a.rs) |",
            "| 9568-5-2 | MUST | It is too. | [`it_is`](src/a.rs)<br>But: Not always. |",
            "| 9568-5-3 | SHOULD | It may be. | Not ours: Theirs. |",
            "| id | level | required | shown by, or why not |",
            "|---|---|---|---|",
            "| 3768-5-1 | MUST NOT | It was. | **Not met**: It is. |",
        ];
        assert_eq!(rows, expected);
        let table = written(LIST, "tests/netns/a.rs", TAGGED).unwrap();
        assert!(table.contains("| [`it_is`](../tests/netns/a.rs) |"), "{table}");
    }

    #[test]
    fn all_that_contradicts_itself_is_told_at_once() {
        let list = "9568-5-1 MUST It is.\n9568-5-2 MUST It is too.\n    but: Not always.\n\
                    9568-5-3 MUST It is.\n    not met: It is not.\n";
        let text = "// shows: 9568-5-3\n#[test]\nfn it_is() {}\n\
                    // shows: 9568-5-1\nfn helper() {}\n\
                    // shows: 9568-5-9\n#[test]\nfn it_is_so() {}\n";
        let told = written(list, "tests/a.rs", text).unwrap_err().to_string();
        let told: Vec<&str> = told.lines().collect();
        let expected = [
            "tests/a.rs:4: the tag is above nothing that is a test",
            "tests/a.rs:6: 9568-5-9 is not in ipvs-sync/conformance.txt",
            "ipvs-sync/conformance.txt:2: 9568-5-2 has neither a test nor a reason why not",
            "ipvs-sync/conformance.txt:4: 9568-5-3 has a reason why it is not shown, and a test: \
             tests/a.rs:1",
        ];
        assert_eq!(told, expected);
    }
}
