//! Exports: the rows of a pane, all of them, as JSON, CSV, Markdown or text. The verbs write with the same words
//! (`search --format`, `events query --format`), so that a pane and a verb that are asked the same give the same bytes.
//!
//! Times are RFC 3339 in UTC whatever the console shows: a file is read elsewhere. JSON and CSV hold texts as they are,
//! JSON by its own escapes; Markdown and text are for reading, and show what a terminal would act on as its picture. A CSV
//! cell that begins with `=`, `+`, `-` or `@` is written as it is: who opens the file as a sheet looks after formulas.

pub mod gather;
mod rows;

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

pub use gather::{Gathered, ROWS_MAX};
pub use rows::{DecisionRow, EventRow, FleetRow, JobRow, MemoryRow, Record};

use crate::{
    console::model::At,
    door::{Caller, DecisionPage, Door, EventQuery, ListOrder, SearchRequest},
    model::{Code, DecisionFilter, Fault, MemoryFilter},
};

/// Names tried for the file that an export is written into first: one is left by each export that was killed.
const BESIDE_MAX: u32 = 100;

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
    /// All memories, in this order.
    List(MemoryFilter, ListOrder),
    Events(Box<EventQuery>),
    Decisions(Box<DecisionFilter>),
    /// All jobs, or those of these names.
    Jobs(Option<Vec<String>>),
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
    /// The hubs that are asked, with their names; none: the chosen one alone.
    pub hubs: Vec<(At, String)>,
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
        What::List(filter, order) => {
            let found = gather::list(door, caller, filter, order, limit, tell).await?;
            Ok((format.text(&found.rows)?, found.rows.len() as u64, found.more))
        }
        What::Events(query) => {
            let found = gather::events(door, caller, *query, limit, tell).await?;
            Ok((format.text(&found.rows)?, found.rows.len() as u64, found.more))
        }
        What::Decisions(filter) => {
            let found = gather::decisions(door, caller, *filter, limit, tell).await?;
            let text = match format {
                Format::Json => {
                    let decisions = found.rows.iter().map(|row| row.0.clone()).collect();
                    document(&DecisionPage { decisions, next: None })?
                }
                format => format.text(&found.rows)?,
            };
            Ok((text, found.rows.len() as u64, found.more))
        }
        What::Jobs(slugs) => {
            let mut jobs = door.jobs(caller).await?;
            jobs.retain(|view| slugs.as_ref().is_none_or(|slugs| slugs.contains(&view.job.slug)));
            let rows = jobs.len() as u64;
            let text = match format {
                Format::Json => document(&serde_json::json!({ "jobs": jobs }))?,
                format => format.text(&jobs.into_iter().map(JobRow).collect::<Vec<_>>())?,
            };
            Ok((text, rows, false))
        }
    }
}

/// As [`text`], of several hubs, each row with the name of its own.
pub async fn fleet_text(
    doors: &[(String, Arc<dyn Door>)],
    caller: &Caller,
    what: What,
    format: Format,
    limit: usize,
    tell: impl FnMut(u64),
) -> Result<(String, u64, bool), Fault> {
    let memories = match what {
        What::Events(query) => {
            let found = gather::fleet_events(doors, caller, *query, limit, tell).await?;
            return Ok((format.text(&found.rows)?, found.rows.len() as u64, found.more));
        }
        What::Search(request) => gather::fleet_hits(doors, caller, *request, limit, tell).await?,
        What::List(filter, order) => gather::fleet_list(doors, caller, (filter, order), limit, tell).await?,
        What::Decisions(_) | What::Jobs(_) => {
            return Err(Fault::new(Code::Unsupported, "these are exported of one hub at a time"));
        }
    };
    Ok((format.text(&memories.rows)?, memories.rows.len() as u64, memories.more))
}

/// One document on one line, as the verbs print it for programs.
fn document(value: &impl serde::Serialize) -> Result<String, Fault> {
    let text = serde_json::to_string(value);
    text.map(|text| text + "\n").map_err(|error| Fault::bug("this does not go into JSON").cause(error))
}

/// Writes a whole file or none. What is there is only replaced when that was asked for.
pub fn write(path: &Path, text: &str, replace: bool) -> io::Result<()> {
    if replace {
        write_beside(path, text, |beside| fs::rename(beside, path))
    } else {
        write_new(path, text, |beside| fs::hard_link(beside, path))
    }
}

/// Unlike a rename, a link is refused where there is something. Where there are no links, the file is written in its
/// place, and taken away if that fails.
fn write_new(path: &Path, text: &str, link: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    match write_beside(path, text, link) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) =>
        {
            let file = fs::File::create_new(path)?;
            fill(file, text).inspect_err(|_| clear(path))
        }
        done => done,
    }
}

/// Writes the text into a file of its own beside the path; `put` then brings it there.
fn write_beside(path: &Path, text: &str, put: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let (beside, file) = create_beside(path)?;
    let done = fill(file, text).and_then(|()| put(&beside));
    clear(&beside);
    done
}

/// A new file, hidden, under the first name that nobody has.
fn create_beside(path: &Path) -> io::Result<(PathBuf, fs::File)> {
    let name = path.file_name().ok_or_else(|| io::Error::other("this is no name of a file"))?;
    for n in 1..=BESIDE_MAX {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{n}.part"));
        let beside = path.with_file_name(hidden);
        match fs::File::create_new(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return Ok((beside, created?)),
        }
    }
    Err(io::Error::other("too many files of former exports stand beside it, named .….part"))
}

fn fill(mut file: fs::File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Takes away what was written on the way; a rename has done so already.
fn clear(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a part of an export stays");
    }
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
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        write(&path, "two", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(write(Path::new("/"), "x", true).is_err());
    }

    #[test]
    fn what_bears_the_name_of_a_part_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("out.csv"), dir.path().join("other"));
        fs::write(&other, "theirs").unwrap();
        std::os::unix::fs::symlink(&other, dir.path().join(".out.csv.1.part")).unwrap();
        fs::write(dir.path().join(".out.csv.2.part"), "theirs too").unwrap();
        write(&path, "one", false).unwrap();
        write(&path, "two", true).unwrap();
        let texts = ["out.csv", "other", ".out.csv.1.part", ".out.csv.2.part"]
            .map(|name| fs::read_to_string(dir.path().join(name)).unwrap());
        assert_eq!(texts, ["two", "theirs", "theirs", "theirs too"]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4);
    }

    #[test]
    fn without_links_a_new_file_is_written_all_the_same() {
        for kind in [io::ErrorKind::Unsupported, io::ErrorKind::PermissionDenied] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("out.csv");
            write_new(&path, "one", |_| Err(kind.into())).unwrap();
            let again = write_new(&path, "two", |_| Err(kind.into())).unwrap_err();
            assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&path).unwrap(), "one");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        }
    }
}
