//! What there is to import: the files under the given paths, in order, each once.
//!
//! A folder gives what import knows by its ending, without what the folder itself says to leave out: hidden files,
//! `.git`, what `.gitignore` names, other checkouts of the same repository. A file named by itself is looked at whatever
//! it is called. Links are not followed: a link inside leads to what is found anyway, a link outside is not the
//! folder's.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use ignore::{DirEntry, WalkBuilder};

use super::{Skipped, skipped};
use crate::model::{Code, Fault};

/// Files in one import. More are refused, before anything is taken.
const FILES_MAX: usize = 2_000_000;

const MARKDOWN: [&str; 3] = ["md", "markdown", "mdx"];
const TEXT: [&str; 5] = ["txt", "text", "rst", "adoc", "org"];
const LINES: [&str; 2] = ["jsonl", "ndjson"];

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Markdown,
    Text,
    JsonLines,
}

impl Form {
    /// By its ending; none for what a folder's import leaves alone.
    fn of(path: &Path) -> Option<Form> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        let is = |list: &[&str]| list.contains(&ending.as_str());
        if is(&MARKDOWN) {
            Some(Form::Markdown)
        } else if is(&TEXT) {
            Some(Form::Text)
        } else {
            is(&LINES).then_some(Form::JsonLines)
        }
    }
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Canonical.
    pub path: PathBuf,
    pub form: Form,
    pub bytes: u64,
}

/// Everything there is to import.
#[derive(Debug, Default)]
pub struct Walk {
    pub files: Vec<Found>,
    pub bytes: u64,
    pub skipped: Vec<Skipped>,
    /// Files of other kinds.
    pub others: u64,
    /// The canonical paths that were asked for.
    pub roots: Vec<PathBuf>,
    seen: BTreeSet<PathBuf>,
}

/// Looks through the paths; `each` is told the number found so far, and stops the walk by `false`. A path that is
/// not there is refused before anything is looked at.
pub fn walk(paths: &[PathBuf], each: &mut dyn FnMut(&Walk) -> bool) -> Result<Walk, Fault> {
    let mut walk = Walk::default();
    if paths.is_empty() {
        return Err(Fault::invalid("nothing to import").hint("name files or folders"));
    }
    walk.roots = paths.iter().map(|path| canonical(path)).collect::<Result<_, _>>()?;
    for root in walk.roots.clone() {
        walk.look(&root, each)?;
    }
    Ok(walk)
}

fn canonical(path: &Path) -> Result<PathBuf, Fault> {
    fs::canonicalize(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Fault::invalid(format!("there is no {}", path.display()))
            .hint("give files or folders that are there; quote names with spaces"),
        _ => Fault::invalid(format!("{} cannot be opened", path.display()))
            .cause(said(&error))
            .hint("check its permissions, and those of the folders it is in"),
    })
}

impl Walk {
    fn look(&mut self, root: &Path, each: &mut dyn FnMut(&Walk) -> bool) -> Result<(), Fault> {
        if !root.is_dir() {
            let form = Form::of(root).unwrap_or(Form::Text);
            match fs::metadata(root) {
                Ok(meta) if meta.is_file() => self.add(root, form, meta.len())?,
                Ok(_) => self.skipped.push(skipped(root, "not a file")),
                Err(error) => self.skipped.push(skipped(root, said(&error))),
            }
            return Ok(());
        }
        let entries = WalkBuilder::new(root)
            .require_git(false)
            .filter_entry(|entry| entry.depth() == 0 || !is_other_checkout(entry))
            .sort_by_file_name(Ord::cmp)
            .build();
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry, root)?,
                Err(error) => self.skipped.push(unreadable(root, &error)),
            }
            if !each(self) {
                break;
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry, root: &Path) -> Result<(), Fault> {
        let Some(kind) = entry.file_type() else { return Ok(()) };
        if kind.is_dir() {
            return Ok(());
        }
        let path = entry.path();
        if kind.is_symlink() {
            // What it leads to inside is found by itself; what is no text would not be taken either.
            let outside = fs::canonicalize(path).is_ok_and(|target| !target.starts_with(root));
            if outside && Form::of(path).is_some() {
                self.skipped.push(skipped(path, "a link that leads out of the folder"));
            } else {
                self.others += 1;
            }
            return Ok(());
        }
        let Some(form) = Form::of(path).filter(|_| kind.is_file()) else {
            self.others += 1;
            return Ok(());
        };
        match entry.metadata() {
            Ok(meta) => self.add(path, form, meta.len()),
            Err(error) => {
                self.skipped.push(unreadable(path, &error));
                Ok(())
            }
        }
    }

    fn add(&mut self, path: &Path, form: Form, bytes: u64) -> Result<(), Fault> {
        if self.files.len() >= FILES_MAX {
            return Err(Fault::new(Code::Invalid, format!("more than {FILES_MAX} files"))
                .hint("import the folders in it one by one"));
        }
        if self.seen.insert(path.to_owned()) {
            self.bytes += bytes;
            self.files.push(Found { path: path.to_owned(), form, bytes });
        }
        Ok(())
    }
}

/// A worktree: its `.git` is a file that leads to another checkout, which holds the same texts.
fn is_other_checkout(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_dir())
        && fs::read_to_string(entry.path().join(".git"))
            .is_ok_and(|text| text.starts_with("gitdir:") && text.contains("/worktrees/"))
}

fn unreadable(path: &Path, error: &ignore::Error) -> Skipped {
    let path = match error {
        ignore::Error::WithPath { path, .. } => path,
        ignore::Error::WithDepth { err, .. } => match &**err {
            ignore::Error::WithPath { path, .. } => path,
            _ => path,
        },
        _ => path,
    };
    match error.io_error() {
        Some(error) => skipped(path, said(error)),
        None => skipped(path, error.to_string()),
    }
}

/// An error of the system without its number.
pub fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "not readable by this user".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[track_caller]
    fn check(dir: &Path, paths: &[&str], files: &[&str], others: u64, left: &[&str]) {
        let paths: Vec<_> = paths.iter().map(|path| dir.join(path)).collect();
        let found = walk(&paths, &mut |_| true).unwrap();
        let dir = dir.canonicalize().unwrap();
        let names: Vec<_> = found
            .files
            .iter()
            .map(|file| file.path.strip_prefix(&dir).unwrap().display().to_string())
            .collect();
        assert_eq!(names, files);
        assert_eq!(found.others, others);
        let why: Vec<_> = found
            .skipped
            .iter()
            .map(|skipped| {
                format!("{}: {}", Path::new(&skipped.path).file_name().unwrap().display(), skipped.why)
            })
            .collect();
        assert_eq!(why, left);
    }

    #[test]
    fn a_folder_gives_its_texts_and_not_what_it_leaves_out() {
        let dir = tree(&[
            ("a.md", ""),
            ("b/c.TXT", ""),
            ("b/d.rs", ""),
            ("e.jsonl", ""),
            (".hidden.md", ""),
            (".git/description.md", ""),
            ("drafts/no.md", ""),
            (".gitignore", "drafts/\n"),
            ("side/.git", "gitdir: /repo/.git/worktrees/side\n"),
            ("side/twice.md", ""),
            ("sub/.git", "gitdir: ../.git/modules/sub\n"),
            ("sub/kept.md", ""),
        ]);
        check(dir.path(), &["."], &["a.md", "b/c.TXT", "e.jsonl", "sub/kept.md"], 1, &[]);
    }

    #[test]
    fn a_file_named_by_itself_is_looked_at_and_each_only_once() {
        let dir = tree(&[("a.md", ""), ("notes", ""), (".hidden.md", "")]);
        check(dir.path(), &["notes", ".", "a.md", ".hidden.md"], &["notes", "a.md", ".hidden.md"], 1, &[]);
    }

    #[test]
    fn links_are_not_followed_and_what_is_missing_is_refused() {
        let dir = tree(&[("in/a.md", ""), ("out/b.md", "")]);
        symlink(dir.path().join("out/b.md"), dir.path().join("in/link.md")).unwrap();
        symlink(dir.path().join("in/a.md"), dir.path().join("in/same.md")).unwrap();
        symlink(dir.path().join("out"), dir.path().join("in/folder")).unwrap();
        check(dir.path(), &["in"], &["in/a.md"], 2, &["link.md: a link that leads out of the folder"]);
        let paths = [dir.path().join("in"), dir.path().join("nowhere")];
        let fault = walk(&paths, &mut |_| panic!("nothing is looked at")).unwrap_err();
        assert_eq!(fault.code, Code::Invalid);
        assert!(fault.message.contains("nowhere") && fault.hint.is_some(), "{fault:?}");
    }
}
