//! What the console is left as and found as again: one file in the data directory, `<data>/console.json`, of parts by
//! name. Each part is its owner's own shape, written and read by its owner alone; a part that nobody here knows stays.
//!
//! ```text
//! { "session": { "focus": "timeline", … }, "deck": { … } }
//! ```
//!
//! Invariant: a kill at any moment leaves the old file or the new one. A file, or a part of it, that cannot be read is as
//! if it were not there, and [`read`] says so.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::config::write_whole;

/// In the data directory.
const FILE: &str = "console.json";
/// Larger files are none of ours.
const BYTES_MAX: u64 = 256 << 10;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct State(BTreeMap<String, Value>);

impl State {
    /// A part as its owner left it; none when it was never left, or has another shape now.
    pub fn get<T: DeserializeOwned>(&self, part: &str) -> Option<T> {
        serde_json::from_value(self.0.get(part)?.clone()).ok()
    }

    pub fn set<T: Serialize>(&mut self, part: &str, value: &T) {
        match serde_json::to_value(value) {
            Ok(value) => {
                self.0.insert(part.to_owned(), value);
            }
            Err(error) => tracing::warn!(part, %error, "a part of the console's state does not go into JSON"),
        }
    }
}

/// The state left last on this data directory; `Err` says why there is none though there is a file.
pub fn read(data_dir: &Path) -> Result<State, String> {
    let path = data_dir.join(FILE);
    let said = |why: &dyn std::fmt::Display| format!("{} cannot be read: {why}", path.display());
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::default()),
        Err(error) => return Err(said(&error)),
        Ok(meta) if meta.len() > BYTES_MAX => return Err(said(&format!("it has {} bytes", meta.len()))),
        Ok(_) => {}
    }
    let bytes = fs::read(&path).map_err(|error| said(&error))?;
    serde_json::from_slice(&bytes).map(State).map_err(|error| said(&error))
}

/// Keeps the state for the next start.
pub fn keep(data_dir: &Path, state: &State) -> io::Result<()> {
    write_whole(&data_dir.join(FILE), &serde_json::to_vec(&state.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_read_back_and_those_of_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), Ok(State::default()));
        let mut state = State::default();
        state.set("deck", &(50, 30));
        state.set("other", &"unknown here");
        keep(dir.path(), &state).unwrap();
        let mut found = read(dir.path()).unwrap();
        assert_eq!(found.get::<(u16, u16)>("deck"), Some((50, 30)));
        assert_eq!(found.get::<String>("deck"), None, "another shape is none");
        found.set("deck", &(10, 90));
        keep(dir.path(), &found).unwrap();
        let again = read(dir.path()).unwrap();
        assert_eq!(again.get::<(u16, u16)>("deck"), Some((10, 90)));
        assert_eq!(again.get::<String>("other").as_deref(), Some("unknown here"));
    }

    #[test]
    fn a_damaged_file_says_so() {
        let dir = tempfile::tempdir().unwrap();
        for damaged in ["{\"deck\":", "[1]", "\u{0}"] {
            fs::write(dir.path().join(FILE), damaged).unwrap();
            assert!(read(dir.path()).unwrap_err().contains("console.json cannot be read"), "{damaged:?}");
        }
        fs::write(dir.path().join(FILE), vec![b' '; BYTES_MAX as usize + 1]).unwrap();
        assert!(read(dir.path()).unwrap_err().ends_with("it has 262145 bytes"));
    }
}
