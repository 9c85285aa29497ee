//! The program's own log: to a file in the data directory, never to the terminal; a console also gets it in memory.
//!
//! Lines are written by a thread of its own, so that logging waits for no disk; what it still holds is
//! written when the [`Guard`] goes. No log is no reason to stop: where the file cannot be made, none is written.

mod latency;
mod ring;

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tracing_appender::{
    non_blocking::{NonBlockingBuilder, WorkerGuard},
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt};

pub use latency::{Latency, StepLatency};
pub use ring::{Entry, Level, Ring, Taken};

use crate::model::Time;
use ring::RingLayer;

/// Days of log that are kept, one file each.
const LOG_FILES_MAX: usize = 7;
/// Lines waiting to be written; more are dropped and counted by the writer.
const LINES_WAITING_MAX: usize = 8_192;

const PREFIX: &str = "wheelhouse";
const SUFFIX: &str = "log";

/// Writes out what is still waiting when it goes.
#[must_use = "the log ends when this is dropped"]
pub struct Guard {
    writer: Option<WorkerGuard>,
}

impl Guard {
    /// Whether there is a file.
    pub fn is_written(&self) -> bool {
        self.writer.is_some()
    }
}

/// Starts logging to [`file()`], at a level or by directives, and into `ring` for whoever shows it.
pub fn start(data_dir: &Path, level: &str, ring: Option<Arc<Ring>>) -> Guard {
    let file = open(&logs(data_dir)).map(|file| {
        NonBlockingBuilder::default()
            .buffered_lines_limit(LINES_WAITING_MAX)
            .thread_name("wheelhouse-log")
            .finish(file)
    });
    let (lines, writer) = file.unzip();
    let filter = EnvFilter::try_new(filter(level)).unwrap_or_else(|_| EnvFilter::new(filter("info")));
    let to_file = lines
        .map(|lines| tracing_subscriber::fmt::layer().with_ansi(false).with_target(true).with_writer(lines));
    let subscriber = tracing_subscriber::registry().with(filter).with(to_file).with(ring.map(RingLayer));
    // A second start (tests in one process) keeps the first one's log.
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("the log was already started");
    }
    Guard { writer }
}

/// A level alone is for this program; the libraries under it say only what is wrong.
fn filter(level: &str) -> String {
    match level {
        "off" => "off".to_owned(),
        "error" | "warn" | "info" | "debug" | "trace" => format!("warn,sled=error,wheelhouse={level}"),
        directives => directives.to_owned(),
    }
}

fn logs(data_dir: &Path) -> PathBuf {
    data_dir.join("logs")
}

/// The file that is written at this moment; a new one begins with each day in UTC.
pub fn file(data_dir: &Path, now: Time) -> PathBuf {
    logs(data_dir).join(format!("{PREFIX}.{}.{SUFFIX}", now.utc().format("%Y-%m-%d")))
}

fn open(dir: &Path) -> Option<RollingFileAppender> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).ok()?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(PREFIX)
        .filename_suffix(SUFFIX)
        .max_log_files(LOG_FILES_MAX)
        .build(dir)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::Clock;

    #[test]
    fn a_level_is_for_this_program_and_directives_are_for_all() {
        assert_eq!(filter("debug"), "warn,sled=error,wheelhouse=debug");
        assert_eq!(filter("off"), "off");
        assert_eq!(filter("wheelhouse::store=trace,info"), "wheelhouse::store=trace,info");
        for level in ["off", "info", "wheelhouse::store=trace,info"] {
            assert!(EnvFilter::try_new(filter(level)).is_ok(), "{level}");
        }
    }

    #[test]
    fn what_was_logged_is_in_the_file_when_the_guard_is_gone_and_in_the_ring() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let ring = Arc::new(Ring::new(clock.clone()));
        let guard = start(dir.path(), "info", Some(Arc::clone(&ring)));
        tracing::info!("kept for later");
        assert!(guard.is_written());
        drop(guard);
        // The day may have turned meanwhile.
        let file = fs::read_dir(dir.path().join("logs")).unwrap().next().unwrap().unwrap().path();
        assert!(fs::read_to_string(&file).unwrap().contains("kept for later"));
        assert_eq!(file.parent(), super::file(dir.path(), clock.now()).parent());
        assert!(ring.take().entries.iter().any(|entry| entry.message == "kept for later"));
        assert!(!start(Path::new("/dev/null/none"), "info", None).is_written());
    }

    #[test]
    fn the_file_is_the_one_that_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let (before, file, after) = (clock.now(), open(dir.path()), clock.now());
        assert!(file.is_some());
        let name = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().file_name();
        let names = [before, after].map(|time| super::file(dir.path(), time).file_name().unwrap().to_owned());
        assert!(names.contains(&name), "{names:?} {name:?}");
    }
}
