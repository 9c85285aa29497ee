//! Former queries on disk: `<data>/queries`, one on a line, the newest last. They are a person's own and in no log.
//!
//! The file is read, changed and written whole for each of them, beside its place and renamed into it, so that several
//! consoles on one directory add to one another's. One task does it, in the order it was asked for.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tokio::sync::mpsc;

use crate::{
    config::write_whole,
    console::{
        msg::{Answer, Msg},
        widgets::line::LINE_BYTES_MAX,
    },
    model::Fault,
    tasks::{Tasks, blocking},
};

/// The oldest beyond it are let go.
pub const QUERIES_MAX: usize = 500;
/// More than any of ours: such a file is someone else's.
const FILE_BYTES_MAX: u64 = (QUERIES_MAX * (LINE_BYTES_MAX + 1)) as u64;
/// Asked for and not yet done.
const QUEUE_MAX: usize = 64;
const FILE: &str = "queries";

enum Job {
    Keep(String),
    Drop(String),
    Load,
}

pub struct Queries(mpsc::Sender<Job>);

impl Queries {
    pub fn start(data_dir: PathBuf, send: mpsc::Sender<Msg>, tasks: &Tasks) -> Queries {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        // Ends when the queue is closed, not by the token: what was asked last is still kept.
        tasks.spawn(work(data_dir, jobs, send));
        Queries(queue)
    }

    pub fn keep(&self, query: String) {
        self.push(Job::Keep(query));
    }

    pub fn drop(&self, query: String) {
        self.push(Job::Drop(query));
    }

    pub fn load(&self) {
        self.push(Job::Load);
    }

    fn push(&self, job: Job) {
        if self.0.try_send(job).is_err() {
            tracing::warn!("the disk is so slow that a query was not kept");
        }
    }
}

async fn work(dir: PathBuf, mut jobs: mpsc::Receiver<Job>, send: mpsc::Sender<Msg>) {
    while let Some(job) = jobs.recv().await {
        let at = dir.clone();
        let is_load = matches!(job, Job::Load);
        let done = blocking(move || perform(&at, job).map_err(|error| failed(&at, error))).await;
        let answer = match done {
            Ok(Some(queries)) => Answer::Queries(Ok(queries)),
            Ok(None) => continue,
            // Whoever asked for them waits for them.
            Err(fault) if is_load => Answer::Queries(Err(fault)),
            Err(fault) => Answer::Failed { what: "the former queries", fault },
        };
        if send.send(Msg::Answer(answer)).await.is_err() {
            tracing::debug!("the console ended before it heard of its queries");
        }
    }
}

fn failed(dir: &Path, error: io::Error) -> Fault {
    Fault::unavailable(format!("{} cannot be read or written", dir.join(FILE).display())).cause(error)
}

/// Answers the queries, newest first, when they were asked for.
fn perform(dir: &Path, job: Job) -> io::Result<Option<Vec<String>>> {
    let mut queries = read(dir)?;
    match job {
        Job::Load => {
            queries.reverse();
            return Ok(Some(queries));
        }
        Job::Keep(query) if queries.last() == Some(&query) => return Ok(None),
        Job::Keep(query) => {
            queries.retain(|known| *known != query);
            queries.push(query);
            let old = queries.len().saturating_sub(QUERIES_MAX);
            queries.drain(..old);
        }
        Job::Drop(query) => queries.retain(|known| *known != query),
    }
    write(dir, &queries)?;
    Ok(None)
}

fn read(dir: &Path) -> io::Result<Vec<String>> {
    let path = dir.join(FILE);
    let bytes = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        meta => meta?.len(),
    };
    if bytes > FILE_BYTES_MAX {
        return Err(io::Error::other("the file is too large to be ours"));
    }
    // What was torn or written by hand is left out, not all of it lost.
    let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
    let mut queries: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && line.len() <= LINE_BYTES_MAX) {
        queries.retain(|known| known != line);
        queries.push(line.chars().filter(|c| !c.is_control()).collect());
    }
    let old = queries.len().saturating_sub(QUERIES_MAX);
    queries.drain(..old);
    Ok(queries)
}

fn write(dir: &Path, queries: &[String]) -> io::Result<()> {
    let mut text = queries.join("\n");
    text.push('\n');
    write_whole(&dir.join(FILE), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(dir: &Path) -> Vec<String> {
        perform(dir, Job::Load).unwrap().unwrap()
    }

    fn keep(dir: &Path, query: &str) {
        perform(dir, Job::Keep(query.into())).unwrap();
    }

    #[test]
    fn the_newest_is_first_and_none_stands_twice() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()), [""; 0]);
        for query in ["deploy lock", "tag:db", "why 漢字", "deploy lock"] {
            keep(dir.path(), query);
        }
        assert_eq!(load(dir.path()), ["deploy lock", "why 漢字", "tag:db"]);
        perform(dir.path(), Job::Drop("why 漢字".into())).unwrap();
        assert_eq!(load(dir.path()), ["deploy lock", "tag:db"]);
    }

    #[test]
    fn the_oldest_beyond_the_bound_are_let_go() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..QUERIES_MAX + 3 {
            keep(dir.path(), &format!("query {n}"));
        }
        let queries = load(dir.path());
        assert_eq!((queries.len(), queries.last().unwrap().as_str()), (QUERIES_MAX, "query 3"));
    }

    #[test]
    fn what_is_damaged_takes_nothing_else_along() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), b"one\n\n  \ntwo\x1b[31m\n\xff\xfe\none\n").unwrap();
        assert_eq!(load(dir.path()), ["one", "\u{fffd}\u{fffd}", "two[31m"]);
        fs::write(dir.path().join(FILE), vec![b'x'; FILE_BYTES_MAX as usize + 1]).unwrap();
        assert!(perform(dir.path(), Job::Keep("a".into())).is_err(), "what is not ours is not written over");
    }

    #[tokio::test]
    async fn a_load_that_fails_is_an_answer_to_the_load() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(FILE)).unwrap();
        let (send, mut messages) = mpsc::channel(2);
        let queries = Queries::start(dir.path().to_owned(), send, &Tasks::new());
        queries.load();
        let said = messages.recv().await;
        assert!(matches!(said, Some(Msg::Answer(Answer::Queries(Err(_))))));
        queries.keep("deploy".into());
        let said = messages.recv().await;
        assert!(matches!(said, Some(Msg::Answer(Answer::Failed { .. }))));
    }
}
