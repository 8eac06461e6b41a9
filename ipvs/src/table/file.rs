//! A table from a file.

use super::Table;
use super::error::{Object, TableError, TableProblem};
use std::fs;
use std::path::Path;

impl Table {
    /// Reads a file: `.toml` and `.json` by their names, any other as
    /// [`ipvsadm` lines](Self::from_ipvsadm).
    ///
    /// # Errors
    ///
    /// That the file cannot be read, or the first thing that is wrong in it, as
    /// `web.toml:7:12: …`.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TableError> {
        let path = path.as_ref();
        let unreadable =
            |reason| TableError::new(Object::Table, TableProblem::Unreadable { reason });
        let text = fs::read_to_string(path)
            .map_err(|error| unreadable(error.to_string()).in_file(path))?;
        let table = match path.extension().and_then(|extension| extension.to_str()) {
            #[cfg(feature = "toml")]
            Some("toml") => Self::from_toml(&text),
            #[cfg(feature = "json")]
            Some("json") => Self::from_json(&text),
            #[cfg(not(feature = "toml"))]
            Some("toml") => Err(unreadable("built without the feature `toml`".to_owned())),
            #[cfg(not(feature = "json"))]
            Some("json") => Err(unreadable("built without the feature `json`".to_owned())),
            _ => Self::from_ipvsadm(&text),
        };
        table.map_err(|error| error.in_file(path))
    }
}
