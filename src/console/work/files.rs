//! A person's own keys and themes: read again when their files are no longer what they were.
//!
//! They are looked at when the terminal's window gets the keys back (whoever edited them was elsewhere), and when help,
//! palette or settings open; never by a timer and without a watch, so that an idle console stays asleep.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use super::{Work, themes};
use crate::{
    console::{
        keymap,
        msg::{Answer, Msg},
    },
    tasks::blocking,
};

/// More files than a person has themes are not looked at.
const FILES_MAX: usize = 200;

/// What tells one state of files from another.
type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    keymap: Stamp,
    themes: Stamp,
}

/// The files as they were when they were read last.
pub struct Files(Arc<Mutex<Seen>>);

impl Files {
    pub fn seen(keymap: &Path, themes_dir: &Path) -> Files {
        Files(Arc::new(Mutex::new(look(keymap, themes_dir))))
    }
}

impl Work {
    pub(super) fn look_at_files(&self) {
        let (keys, dir) = (self.keymap.clone(), self.themes_dir.clone());
        let (seen, send, token) = (Arc::clone(&self.files.0), self.send.clone(), self.tasks.token());
        self.tasks.spawn(async move {
            let looked = blocking(move || {
                let now = look(&keys, &dir);
                let before =
                    std::mem::replace(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
                let mut answers = Vec::new();
                if now.keymap != before.keymap {
                    answers.push(Answer::Keymap(keymap::read(&keys)));
                }
                if now.themes != before.themes {
                    answers.push(Answer::Themes(themes(&dir)));
                }
                Ok(answers)
            });
            for answer in looked.await.unwrap_or_default() {
                tokio::select! {
                    // Nobody listens any more: the console ends.
                    sent = send.send(Msg::Answer(answer)) => drop(sent),
                    () = token.cancelled() => return,
                }
            }
        });
    }
}

fn look(keymap: &Path, themes_dir: &Path) -> Seen {
    let mut themes: Stamp = fs::read_dir(themes_dir)
        .into_iter()
        .flatten()
        .flatten()
        .take(FILES_MAX)
        .flat_map(|entry| stamp(&entry.path()))
        .collect();
    themes.sort();
    Seen { keymap: stamp(keymap).into_iter().collect(), themes }
}

fn stamp(path: &Path) -> Option<(PathBuf, Option<SystemTime>, u64)> {
    let meta = fs::metadata(path).ok()?;
    Some((path.to_owned(), meta.modified().ok(), meta.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_came_changed_or_went_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let (keymap, themes) = (dir.path().join("keymap.toml"), dir.path().join("themes"));
        let none = look(&keymap, &themes);
        assert_eq!(none, Seen::default());
        fs::write(&keymap, "version = 1\n").unwrap();
        let one = look(&keymap, &themes);
        assert!(one != none && one == look(&keymap, &themes));
        fs::write(&keymap, "version = 1\n[global]\n").unwrap();
        let two = look(&keymap, &themes);
        assert!(two.keymap != one.keymap && two.themes == one.themes);
        fs::create_dir(&themes).unwrap();
        fs::write(themes.join("reef.toml"), "version = 1\n").unwrap();
        let three = look(&keymap, &themes);
        assert!(three.keymap == two.keymap && three.themes != two.themes);
        fs::remove_file(&keymap).unwrap();
        assert_eq!(look(&keymap, &themes).keymap, none.keymap);
    }
}
