//! What tests show: `// shows: ID, ID` above them.

/// A requirement that a test is said to show.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The requirement.
    pub(crate) id: String,
    /// The file, in the workspace.
    pub(crate) file: String,
    /// The line in it, from 1.
    pub(crate) line: usize,
    /// The test below it, or what is there instead.
    pub(crate) test: Result<String, &'static str>,
}

impl Tag {
    /// All of a file.
    pub(crate) fn all(file: &str, text: &str) -> Vec<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let mut tags = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let Some(ids) = line.strip_prefix("// shows:") else { continue };
            let test = test_below(lines.iter().skip(at)).map(str::to_owned);
            for id in ids.split(',') {
                let (id, file) = (id.trim().to_owned(), file.to_owned());
                tags.push(Self { id, file, line: at + 1, test: test.clone() });
            }
        }
        tags
    }
}

/// The test whose comments and attributes these lines begin with.
fn test_below<'a>(lines: impl Iterator<Item = &'a &'a str>) -> Result<&'a str, &'static str> {
    let mut is_test = false;
    for line in lines {
        if *line == "#[test]" {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            return Err("a test that is ignored");
        } else if !(line.starts_with("//") || line.starts_with("#[")) {
            let name = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            return name.filter(|_| is_test).ok_or("nothing that is a test");
        }
    }
    Err("nothing that is a test")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, usize, Result<String, &'static str>)> {
        let tags = Tag::all("src/a.rs", text).into_iter();
        tags.map(|tag| (tag.id, tag.line, tag.test)).collect()
    }

    #[test]
    fn a_tag_names_requirements_and_is_of_the_test_below_it() {
        let text = "mod tests {\n    // shows: 9568-5-1, 9568-5-2\n    // shows: 3768-5-1\n    \
                    /// More.\n    #[test]\n    #[should_panic]\n    fn it_is_so() {\n    }\n}\n";
        let test = || Ok("it_is_so".to_owned());
        let expected = [("9568-5-1", 2), ("9568-5-2", 2), ("3768-5-1", 3)];
        let expected = expected.map(|(id, line)| (id.to_owned(), line, test()));
        assert_eq!(found(text), expected);
    }

    #[test]
    fn a_tag_above_no_test_is_found_out() {
        for below in
            ["", "fn helper() {}", "#[expect(dead_code)]\nfn helper() {}", "\n#[test]\nfn it() {}"]
        {
            let text = format!("// shows: 9568-5-1\n{below}\n");
            assert_eq!(found(&text)[0].2, Err("nothing that is a test"), "{below}");
        }
        let text = "// shows: 9568-5-1\n#[test]\n#[ignore = \"slow\"]\nfn it() {}\n";
        assert_eq!(found(text)[0].2, Err("a test that is ignored"));
    }
}
