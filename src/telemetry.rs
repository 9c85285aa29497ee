//! The program's own log: to a file in the data directory; a console also gets it in memory, a daemon on standard error.
//!
//! Lines are written by a thread of its own, so that logging waits for no disk; what it still holds is
//! written when the [`Guard`] goes. No log is no reason to stop: where the file cannot be made, none is written.

mod latency;
mod ring;

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tracing::Subscriber;
use tracing_appender::{
    non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard},
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, registry::LookupSpan, reload};

pub use latency::{Latency, StepLatency};
pub use ring::{Entry, Level, Ring, Taken};

use crate::{config::LogFormat, model::Time};
use ring::RingLayer;

/// Days of log that are kept, one file each.
const LOG_FILES_MAX: usize = 7;
/// Lines waiting to be written; more are dropped and counted by the writer.
const LINES_WAITING_MAX: usize = 8_192;

const PREFIX: &str = "wheelhouse";
const SUFFIX: &str = "log";

/// Where the log goes, and how it is written.
pub struct LogOptions<'a> {
    pub data_dir: &'a Path,
    /// A level, or directives as tracing has them.
    pub level: &'a str,
    pub format: LogFormat,
    /// For whoever shows it.
    pub ring: Option<Arc<Ring>>,
    /// To standard error too, where no screen is.
    pub to_stderr: bool,
}

/// Writes out what is still waiting when it goes.
#[must_use = "the log ends when this is dropped"]
pub struct Guard {
    file: Option<WorkerGuard>,
    _stderr: Option<WorkerGuard>,
    filter: reload::Handle<EnvFilter, Registry>,
}

impl Guard {
    /// Whether there is a file.
    pub fn is_written(&self) -> bool {
        self.file.is_some()
    }

    /// Goes on at another level.
    pub fn set_level(&self, level: &str) {
        if let Err(error) = self.filter.reload(filter_of(level)) {
            tracing::warn!(%error, "the log goes on at the level it had");
        }
    }
}

/// Starts logging to [`file()`] and wherever else the options say.
pub fn start(options: LogOptions<'_>) -> Guard {
    let LogOptions { data_dir, level, format, ring, to_stderr } = options;
    let (lines, file) = open(&logs(data_dir)).map(in_background).unzip();
    let (said, stderr) = to_stderr.then(|| in_background(io::stderr())).unzip();
    let (filter, handle) = reload::Layer::new(filter_of(level));
    let written: Vec<_> = lines.into_iter().chain(said).map(|to| written(to, format)).collect();
    let subscriber = tracing_subscriber::registry().with(filter).with(written).with(ring.map(RingLayer));
    // A second start (tests in one process) keeps the first one's log.
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("the log was already started");
    }
    Guard { file, _stderr: stderr, filter: handle }
}

fn in_background(to: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_WAITING_MAX)
        .thread_name("wheelhouse-log")
        .finish(to)
}

fn written<S>(to: NonBlocking, format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_target(true).with_writer(to);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    }
}

fn filter_of(level: &str) -> EnvFilter {
    EnvFilter::try_new(filter(level)).unwrap_or_else(|_| EnvFilter::new(filter("info")))
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
        let options = |data_dir, ring| LogOptions {
            data_dir,
            level: "info",
            format: LogFormat::Text,
            ring,
            to_stderr: false,
        };
        let guard = start(options(dir.path(), Some(Arc::clone(&ring))));
        tracing::info!("kept for later");
        assert!(guard.is_written());
        drop(guard);
        // The day may have turned meanwhile.
        let file = fs::read_dir(dir.path().join("logs")).unwrap().next().unwrap().unwrap().path();
        assert!(fs::read_to_string(&file).unwrap().contains("kept for later"));
        assert_eq!(file.parent(), super::file(dir.path(), clock.now()).parent());
        assert!(ring.take().entries.iter().any(|entry| entry.message == "kept for later"));
        assert!(!start(options(Path::new("/dev/null/none"), None)).is_written());
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
