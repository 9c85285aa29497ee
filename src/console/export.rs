//! Exports: the rows of a pane, all of them, as JSON, CSV, Markdown or text. The verbs write with the same words
//! (`search --format`, `events query --format`), so that a pane and a verb that are asked the same give the same bytes.
//!
//! Times are RFC 3339 in UTC whatever the console shows: a file is read elsewhere. JSON and CSV hold texts as they are,
//! JSON by its own escapes; Markdown and text are for reading, and show what a terminal would act on as its picture. A CSV
//! cell that begins with `=`, `+`, `-` or `@` is written as it is: who opens the file as a sheet looks after formulas.

pub mod gather;
mod rows;

use std::{
    io,
    path::{Path, PathBuf},
};

pub use gather::{Gathered, ROWS_MAX};
pub use rows::{EventRow, MemoryRow, Record};

use crate::{
    door::{Caller, Door, EventQuery, SearchRequest},
    model::{Fault, MemoryFilter},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    Json,
    #[default]
    Csv,
    Markdown,
    Text,
}

impl Format {
    pub const ALL: [Format; 4] = [Format::Json, Format::Csv, Format::Markdown, Format::Text];

    /// As a flag names it; the end of a file's name too.
    pub fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Markdown => "md",
            Format::Text => "text",
        }
    }

    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Format::Json => "JSON",
            Format::Csv => "CSV",
            Format::Markdown => "Markdown",
            Format::Text => "text",
        }
    }

    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Text => "txt",
            format => format.name(),
        }
    }

    /// The rows in this form, whole.
    pub fn text<R: Record>(self, rows: &[R]) -> Result<String, Fault> {
        match self {
            Format::Json => rows::json(rows),
            Format::Csv => rows::csv(rows),
            Format::Markdown => Ok(rows::markdown(rows)),
            Format::Text => Ok(rows.iter().map(Record::line).collect()),
        }
    }
}

/// What a pane shows, as a door is asked for it.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Search(Box<SearchRequest>),
    /// The newest memories.
    Recent(MemoryFilter),
    Events(Box<EventQuery>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    File { path: PathBuf, replace: bool },
    Clipboard,
}

/// One export, as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub what: What,
    pub format: Format,
    pub to: Target,
}

/// One that is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    pub rows: u64,
    /// There were more than [`ROWS_MAX`].
    pub more: bool,
    pub went: Went,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Went {
    File(PathBuf),
    Clipboard(String),
}

/// All rows in the form asked for, their number, and whether there are more. `tell` hears how many there are so far.
pub async fn text(
    door: &dyn Door,
    caller: &Caller,
    what: What,
    format: Format,
    limit: usize,
    tell: impl FnMut(u64),
) -> Result<(String, u64, bool), Fault> {
    match what {
        What::Search(request) => {
            let found = gather::hits(door, caller, *request, limit, tell).await?;
            Ok((format.text(&found.rows)?, found.rows.len() as u64, found.more))
        }
        What::Recent(filter) => {
            let found = gather::recent(door, caller, filter, limit, tell).await?;
            Ok((format.text(&found.rows)?, found.rows.len() as u64, found.more))
        }
        What::Events(query) => {
            let found = gather::events(door, caller, *query, limit, tell).await?;
            Ok((format.text(&found.rows)?, found.rows.len() as u64, found.more))
        }
    }
}

/// Writes a whole file or none. What is there is only replaced when that was asked for.
pub fn write(path: &Path, text: &str, replace: bool) -> io::Result<()> {
    use std::io::Write;
    let beside = beside(path)?;
    let write = || {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if replace {
            std::fs::rename(&beside, path)
        } else {
            // Unlike a rename, a link is refused where there is something.
            std::fs::hard_link(&beside, path)
        }
    };
    let done = write();
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => done.and(Err(error)),
        _ => done,
    }
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("this is no name of a file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".part");
    Ok(path.with_file_name(hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_never_written_over_unasked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        write(&path, "one", false).unwrap();
        let again = write(&path, "two", false).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        write(&path, "two", true).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(write(Path::new("/"), "x", true).is_err());
    }
}
