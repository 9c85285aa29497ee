//! Import: folders of Markdown, plain text and JSONL become memories, once each, however often it is asked.
//!
//! A file is known by its canonical path (`origin.url`), so a second import changes nothing, an edited file
//! changes its memory, and a removed file is told, never deleted. A bad file never stops the rest. The import keeps
//! nothing of its own: what is in the hub is where it goes on after a kill.

pub mod adr;
mod decided;
mod fields;
mod front_matter;
mod lines;
mod note;
mod pace;
mod read;
mod split;
mod url;
mod walk;
mod write;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    door::{Caller, Door},
    model::{Code, Fault, Project},
    tasks::blocking,
};

pub use self::{read::shown, url::path as path_of_url};

/// Files between two words about the progress while folders are looked through.
const FOUND_STEP: usize = 64;

/// What to import.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImportRequest {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Where memories go that do not say so themselves.
    pub project: Option<Project>,
}

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// Files to look at; grows while folders are still read.
    pub found: u64,
    /// Files that are in the hub or skipped.
    pub done: u64,
    /// Bytes of the files done, and of all that were found.
    pub bytes: u64,
    pub bytes_found: u64,
    pub taken: u64,
    pub changed: u64,
    pub unchanged: u64,
    pub skipped: u64,
    /// Files a second, over the last seconds.
    pub rate_per_s: f64,
    pub eta: Option<Duration>,
    /// The file looked at now.
    pub current: String,
    pub finished: bool,
}

/// A file that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skipped {
    pub path: String,
    pub why: String,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ImportReport {
    pub taken: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// Imported before, not there any more.
    pub removed: Vec<String>,
    pub skipped: Vec<Skipped>,
    /// Files of other kinds that a folder also held.
    #[serde(skip)]
    pub others: u64,
    /// Stopped before the end; the same import goes on from there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
}

/// Imports files and folders through a door. Cancelled, it finishes what is on its way and answers with
/// what was done.
pub async fn import(
    door: Arc<dyn Door>,
    caller: Caller,
    request: ImportRequest,
    progress: watch::Sender<Progress>,
    token: CancellationToken,
) -> Result<ImportReport, Fault> {
    let started = Instant::now();
    let ImportRequest { paths, project } = request;
    if let Some(project) = project.as_ref().filter(|project| !caller.projects.see(project)) {
        return Err(Fault::new(Code::Denied, format!("project {project} is not open to this caller")));
    }
    let walk = {
        let (progress, token) = (progress.clone(), token.clone());
        blocking(move || {
            walk::walk(&paths, &mut |walk| {
                if walk.files.len().is_multiple_of(FOUND_STEP) {
                    progress.send_modify(|progress| found(progress, walk));
                }
                !token.is_cancelled()
            })
        })
        .await?
    };
    progress.send_modify(|progress| found(progress, &walk));

    let (batches, received) = mpsc::channel(read::BATCHES_AHEAD);
    let walk = Arc::new(walk);
    let reader = {
        let (walk, token, project) = (walk.clone(), token.clone(), project.clone());
        blocking(move || {
            read::read(&walk.files, project.as_ref(), batches, &token);
            Ok(())
        })
    };
    let writer = write::Writer { door, caller, project, progress, token, started };
    let (read, written) = tokio::join!(reader, writer.run(received, &walk));
    read.and(written)
}

fn found(progress: &mut Progress, walk: &walk::Walk) {
    progress.found = walk.files.len() as u64;
    progress.bytes_found = walk.bytes;
    progress.skipped = walk.skipped.len() as u64;
    if let Some(file) = walk.files.last() {
        progress.current = file.path.display().to_string();
    }
}

fn skipped(path: &Path, why: impl Into<String>) -> Skipped {
    Skipped { path: path.display().to_string(), why: why.into() }
}
