//! The program's own log: to a file in the data directory, never to the terminal.
//!
//! Lines are written by a thread of its own, so that logging waits for no disk; what it still holds is
//! written when the [`Guard`] goes. No log is no reason to stop: where the file cannot be made, nothing is logged.

use std::{fs, os::unix::fs::DirBuilderExt, path::Path};

use tracing_appender::{
    non_blocking::{NonBlockingBuilder, WorkerGuard},
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::EnvFilter;

/// Days of log that are kept, one file each.
const LOG_FILES_MAX: usize = 7;
/// Lines waiting to be written; more are dropped and counted by the writer.
const LINES_WAITING_MAX: usize = 8_192;

/// Writes out what is still waiting when it goes.
#[must_use = "the log ends when this is dropped"]
pub struct Guard {
    _writer: Option<WorkerGuard>,
}

/// Starts logging to `logs/wheelhouse.<day>.log` under the data directory, at a level or by directives.
pub fn start(data_dir: &Path, level: &str) -> Guard {
    let writer = open(&data_dir.join("logs")).map(|file| {
        let (lines, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(LINES_WAITING_MAX)
            .thread_name("wheelhouse-log")
            .finish(file);
        let filter = EnvFilter::try_new(filter(level)).unwrap_or_else(|_| EnvFilter::new(filter("info")));
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_target(true)
            .with_writer(lines)
            .finish();
        // A second start (tests in one process) keeps the first one's log.
        if tracing::subscriber::set_global_default(subscriber).is_err() {
            tracing::debug!("the log was already started");
        }
        guard
    });
    Guard { _writer: writer }
}

/// A level alone is for this program; the libraries under it say only what is wrong.
fn filter(level: &str) -> String {
    match level {
        "off" => "off".to_owned(),
        "error" | "warn" | "info" | "debug" | "trace" => format!("warn,sled=error,wheelhouse={level}"),
        directives => directives.to_owned(),
    }
}

fn open(dir: &Path) -> Option<RollingFileAppender> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).ok()?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("wheelhouse")
        .filename_suffix("log")
        .max_log_files(LOG_FILES_MAX)
        .build(dir)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_was_logged_is_in_the_file_when_the_guard_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let guard = start(dir.path(), "info");
        tracing::info!("kept for later");
        drop(guard);
        let file = fs::read_dir(dir.path().join("logs")).unwrap().next().unwrap().unwrap().path();
        assert!(fs::read_to_string(file).unwrap().contains("kept for later"));
        drop(start(Path::new("/dev/null/none"), "info"));
    }
}
