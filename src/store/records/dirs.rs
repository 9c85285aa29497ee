//! Where the record view lies: numbered directories in one, so that a fresh one can be filled beside the one in use.
//!
//! A directory is whole when an empty file with its number says so; the highest that is whole counts. Files that sled has
//! open are never renamed: it writes some of them by their path.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Ends the name of the file that says that the directory of that number is whole.
const WHOLE: &str = "whole";

pub struct Dirs(PathBuf);

impl Dirs {
    pub fn of(data_dir: &Path) -> Dirs {
        Dirs(data_dir.join("records"))
    }

    pub fn root(&self) -> &Path {
        &self.0
    }

    /// The directory that counts; everything beside it is removed.
    pub fn current(&self) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.0)?;
        let numbers = self.numbers()?;
        let whole = numbers.iter().rev().find(|number| self.marker(**number).exists());
        let current = *whole.or(numbers.last()).unwrap_or(&1);
        self.keep_only(current)?;
        Ok(self.dir(current))
    }

    /// The one after the one that counts.
    pub fn fresh(&self) -> io::Result<PathBuf> {
        let last = self.numbers()?.last().copied().unwrap_or(0);
        Ok(self.dir(last + 1))
    }

    /// From here on this one counts, unless a higher one is whole.
    pub fn settle(&self, dir: &Path) -> io::Result<()> {
        let marker = dir.with_extension(WHOLE);
        if marker.exists() {
            return Ok(());
        }
        File::create(marker)?.sync_all()?;
        File::open(&self.0)?.sync_all()
    }

    /// Removes all but this one.
    pub fn keep_only_dir(&self, dir: &Path) -> io::Result<()> {
        self.keep_only(number_of(dir).unwrap_or(0))
    }

    fn keep_only(&self, current: u64) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            if path == self.dir(current) || path == self.marker(current) {
                continue;
            }
            // The word that it is whole goes first: a part of it must not be taken for all.
            let marker = path.with_extension(WHOLE);
            if path.is_dir() && marker.exists() {
                fs::remove_file(marker)?;
                File::open(&self.0)?.sync_all()?;
            }
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let entries = fs::read_dir(&self.0)?.collect::<io::Result<Vec<_>>>()?;
        let dirs = entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir());
        let mut numbers: Vec<u64> = dirs.filter_map(|path| number_of(&path)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn dir(&self, number: u64) -> PathBuf {
        self.0.join(number.to_string())
    }

    fn marker(&self, number: u64) -> PathBuf {
        self.dir(number).with_extension(WHOLE)
    }
}

fn number_of(dir: &Path) -> Option<u64> {
    dir.file_name()?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dirs: &Dirs) -> Vec<String> {
        let entries = fs::read_dir(dirs.root()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_highest_whole_one_counts_and_the_rest_goes() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::of(home.path());
        let first = dirs.current().unwrap();
        fs::create_dir(&first).unwrap();
        assert_eq!(dirs.current().unwrap(), first, "not whole, and the only one");
        dirs.settle(&first).unwrap();

        // Filled half, and the program ended.
        let second = dirs.fresh().unwrap();
        fs::create_dir(&second).unwrap();
        assert_eq!((dirs.current().unwrap(), names(&dirs)), (first, vec!["1".into(), "1.whole".into()]));

        // Filled whole, and the program ended before the other one was removed.
        fs::create_dir(&second).unwrap();
        dirs.settle(&second).unwrap();
        fs::write(dirs.root().join("conf"), "of an older layout").unwrap();
        assert_eq!((dirs.current().unwrap(), names(&dirs)), (second, vec!["2".into(), "2.whole".into()]));
    }
}
