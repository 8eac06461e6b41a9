//! Files of keys.

use crate::peer::Key;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// A file of this name with this text and mode, and what is said of it.
fn said(name: &str, text: &[u8], mode: u32) -> Result<Key, String> {
    let path = path(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    let read = Key::read(&path).map_err(|error| error.to_string());
    fs::remove_file(&path).unwrap();
    read
}

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("ipvs-sync-key-{}-{name}", std::process::id()))
}

#[test]
fn a_key_is_64_hexadecimal_digits() {
    let text = "00ff".repeat(16);
    let key = said("good", text.as_bytes(), 0o600).unwrap();
    assert_eq!(*key.bytes(), [0, 255].repeat(16)[..]);
    assert_eq!(format!("{key:?}"), "Key(…)");
    let with_newline = said("newline", format!("{text}\n").as_bytes(), 0o400).unwrap();
    assert_eq!(with_newline.bytes(), key.bytes());
    let rule = "key file: it must have 64 hexadecimal digits and nothing else";
    for (name, text) in [
        ("empty", String::new()),
        ("short", "00ff".repeat(15)),
        ("long", "00ff".repeat(17)),
        ("newlines", format!("{text}\n\n")),
        ("other", "xyz0".repeat(16)),
    ] {
        assert_eq!(said(name, text.as_bytes(), 0o600).unwrap_err(), rule, "{name}");
    }
}

#[test]
fn a_file_that_others_have_access_to_is_not_taken() {
    for mode in [0o640, 0o604, 0o660, 0o610, 0o606] {
        assert_eq!(
            said(&format!("{mode:o}"), "00ff".repeat(16).as_bytes(), mode).unwrap_err(),
            format!(
                "key file: its mode is {mode:04o}: only its owner may have access (0600 or 0400)"
            )
        );
    }
    let missing = Key::read(&path("missing")).unwrap_err().to_string();
    assert_eq!(missing, "key file: No such file or directory (os error 2)");
    let directory = Key::read(&std::env::temp_dir()).unwrap_err().to_string();
    assert_eq!(directory, "key file: it is no regular file");
}
