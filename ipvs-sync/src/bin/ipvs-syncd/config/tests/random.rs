//! Any text that looks like a configuration.

use super::*;
use fastrand::Rng;

/// As README.md has it, with more keys.
const EXAMPLE: &str = r#"
tables = ["web.toml"]            # the table of IPVS
metrics = "127.0.0.1:9890"
log = { format = "json", level = "debug" }

[[virtual-router]]
name = "web"
interface = "eth0"
vrid = 7
priority = 150                   # 100 on the other director
interval = "100ms"
addresses = ["10.0.0.7/24"]
track = [{ interface = "eth1", lower = 60 }]

[[virtual-router]]
name = "six"
interface = "eth0"
vrid = 8
version = 3
addresses = ["fe80::7", "2001:db8::7"]
preempt-delay = "1.5s"
hmac = { keys = [{ id = 1, file = "key" }] }

[[hook]]
command = ["/usr/local/bin/told"]
timeout = "5s"

[sync]
interface = "eth1"               # of the kernel's sync daemons
id = 7
listen = "10.5.0.1:8849"         # 10.5.0.2 on the other, and the reverse below
peers = ["10.5.0.2:8849"]
key = "key"
"#;

/// What is put in the place of others, beside what the text has.
const ODD: [char; 23] = [
    '[',
    ']',
    '{',
    '}',
    '=',
    '"',
    '\'',
    '\\',
    ',',
    '.',
    '#',
    '\n',
    '\r',
    '\t',
    '\0',
    '-',
    '+',
    '_',
    '0',
    '9',
    'é',
    '\u{feff}',
    '\u{1f980}',
];

/// Another text: something is deleted, doubled, replaced or swapped in it.
fn mutated(text: &str, rng: &mut Rng) -> String {
    let mut all: Vec<char> = text.chars().collect();
    let from = rng.usize(..all.len());
    let to = (from + rng.usize(..12)).min(all.len());
    match rng.u8(..5) {
        0 => drop(all.drain(from..to)),
        1 => {
            let part = all[from..to].to_vec();
            let at = rng.usize(..all.len());
            drop(all.splice(at..at, part));
        }
        2 => all[from] = rng.choice(ODD).unwrap(),
        3 => all[from] = all[rng.usize(..all.len())],
        _ => {
            let between = if rng.bool() { "\n\n" } else { "\n" };
            let mut parts: Vec<&str> = text.split(between).collect();
            let (one, other) = (rng.usize(..parts.len()), rng.usize(..parts.len()));
            parts.swap(one, other);
            return parts.join(between);
        }
    }
    all.into_iter().collect()
}

#[test]
fn any_text_is_read_or_each_error_is_at_a_place_of_it() {
    let table = "[[service]]\nkey = \"tcp 10.0.0.1:80\"\n";
    let key = "0123456789abcdef".repeat(4);
    let folder = Folder::new("random", &[("web.toml", table), ("key", &key)]);
    assert_eq!(told_in(EXAMPLE, &folder.0), "");
    let (mut good, mut wrong, mut of_rules) = (0, 0, 0);
    for seed in 0..5_000 {
        let mut rng = Rng::with_seed(seed);
        let mut text = EXAMPLE.to_owned();
        for _ in 0..rng.u8(1..=4) {
            text = mutated(&text, &mut rng);
        }
        let Err(problems) = Config::parse(&text, &folder.0) else {
            good += 1;
            continue;
        };
        wrong += 1;
        of_rules += u32::from(problems.iter().any(|problem| !problem.what.is_empty()));
        assert!(!problems.is_empty(), "seed {seed}: {text}");
        for problem in problems {
            let Place { line, column } = problem.place.expect(&text);
            let found = text.split('\n').nth(line - 1);
            let is_within = found.is_some_and(|found| column <= found.chars().count() + 1);
            assert!(is_within, "seed {seed}: {problem}: {text}");
            assert!(
                !problem.to_string().contains(char::is_control),
                "seed {seed}: {problem}: {text}"
            );
        }
    }
    // None is so rare that it is hardly tried.
    assert!(good > 500 && wrong > 500 && of_rules > 500, "{good}, {wrong}, {of_rules}");
}
