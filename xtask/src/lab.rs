//! Where the lab keeps what it builds, and the rule for rebuilding it.

use crate::progress::{note, step};
use anyhow::{Context as _, Result};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The workspace and the lab's directory in it.
#[derive(Debug)]
pub(crate) struct Lab {
    /// The workspace's root.
    pub(crate) root: PathBuf,
    /// Everything the lab downloads, unpacks and builds.
    pub(crate) dir: PathBuf,
}

impl Lab {
    /// The lab of this workspace.
    pub(crate) fn open() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask is not inside a workspace")?
            .to_owned();
        let dir = root.join("target/lab");
        fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        Ok(Self { root, dir })
    }

    /// Keeps other runs out of the set-up until the guard is dropped.
    pub(crate) fn lock(&self) -> Result<Flock<File>> {
        let path = self.dir.join("lock");
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => return Ok(locked),
            Err((file, _)) => file,
        };
        note("waiting for another run's set-up");
        Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, errno)| errno)
            .with_context(|| format!("lock {}", path.display()))
    }

    /// Returns the directory `name`, filled by `build`.
    ///
    /// A stamp that holds `recipe` is written last: a directory without it was
    /// left half-finished, one with another was made by another recipe, and
    /// both are made again. A finished one is not looked at, so a warm run
    /// neither computes nor downloads anything.
    pub(crate) fn once(
        &self,
        name: &str,
        recipe: &str,
        build: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let dir = self.dir.join(name);
        let stamp = dir.join(".finished");
        if fs::read_to_string(&stamp).is_ok_and(|found| found == recipe) {
            return Ok(dir);
        }
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
        }
        fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        step(&format!("set up {name}"), || build(&dir))?;
        fs::write(&stamp, recipe).with_context(|| format!("write {}", stamp.display()))?;
        Ok(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn what_was_left_half_finished_is_made_again_and_what_is_finished_is_not() {
        let dir = std::env::temp_dir().join(format!("xtask-lab-{}", std::process::id()));
        let lab = Lab { root: dir.clone(), dir: dir.clone() };
        let failed = lab.once("thing", "1", |dir| {
            fs::write(dir.join("half"), "")?;
            bail!("no network")
        });
        assert!(failed.is_err());
        let made = lab.once("thing", "1", |dir| Ok(fs::write(dir.join("whole"), "")?)).unwrap();
        assert!(made.join("whole").exists() && !made.join("half").exists());
        lab.once("thing", "1", |_| bail!("made twice")).unwrap();
        assert!(lab.once("thing", "2", |_| bail!("another recipe")).is_err());
        fs::remove_dir_all(dir).unwrap();
    }
}
