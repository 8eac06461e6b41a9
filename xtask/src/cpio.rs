//! The kernel's initramfs format: uncompressed `newc` cpio, and only that.

use anyhow::{Context as _, Result};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// An archive under construction. Archives may be concatenated; a later file
/// replaces an earlier one of the same name.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds a directory.
    pub(crate) fn directory(&mut self, path: &str) -> Result<()> {
        self.entry(path, 0o040_755, b"")
    }

    /// Adds a regular file.
    pub(crate) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.entry(path, 0o100_000 | mode, content)
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, path: &str, target: &str) -> Result<()> {
        self.entry(path, 0o120_777, target.as_bytes())
    }

    /// Adds a directory's content below `path`, in a stable order.
    pub(crate) fn tree(&mut self, path: &str, from: &Path) -> Result<()> {
        self.directory(path)?;
        let entries = fs::read_dir(from).with_context(|| format!("list {}", from.display()))?;
        let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let path = format!("{path}/{}", name.to_str().context("a name in UTF-8")?);
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.tree(&path, &entry.path())?;
            } else if kind.is_symlink() {
                let target = fs::read_link(entry.path())?;
                self.entry(&path, 0o120_777, target.as_os_str().as_bytes())?;
            } else {
                self.file(&path, 0o644, &fs::read(entry.path())?)?;
            }
        }
        Ok(())
    }

    /// Ends the archive.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, b"")?;
        // The next archive in a concatenation starts on a multiple of four.
        debug_assert_eq!(self.bytes.len() % 4, 0);
        Ok(self.bytes)
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        let size = u32::try_from(content.len()).context("a file above 4 GiB")?;
        let name_size = u32::try_from(path.len() + 1).context("a very long name")?;
        self.entries += 1;
        self.bytes.extend_from_slice(b"070701");
        // inode, mode, uid, gid, links, mtime, size, device and special device
        // numbers (major, minor each), size of the name, checksum (unused).
        for field in [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0] {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_header_a_padded_name_and_padded_content() {
        let mut archive = Archive::default();
        archive.file("bin/x", 0o755, b"abcde").unwrap();
        let expected = concat!(
            "070701",
            "00000001",
            "000081ed",
            "00000000",
            "00000000",
            "00000001",
            "00000000",
            "00000005",
            "00000000",
            "00000000",
            "00000000",
            "00000000",
            "00000006",
            "00000000",
            "bin/x\0",
            "abcde\0\0\0",
        );
        assert_eq!(String::from_utf8(archive.bytes).unwrap(), expected);
    }

    #[test]
    fn archives_of_any_content_end_aligned_so_that_they_can_be_concatenated() {
        for length in 0..8 {
            let mut archive = Archive::default();
            archive.link("sh", "busybox").unwrap();
            archive.file("f", 0o644, &vec![7; length]).unwrap();
            let bytes = archive.finish().unwrap();
            assert_eq!(bytes.len() % 4, 0);
            assert!(bytes.windows(10).any(|window| window == b"TRAILER!!!"));
        }
    }
}
