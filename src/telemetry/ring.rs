//! The newest of what is logged, in memory, for a console to show.
//!
//! Whoever logs never waits and never allocates without bound: an entry is cut to size, and past the bound of the ring
//! the oldest goes and is counted. What is taken out is the taker's.

use std::{
    fmt::{self, Write as _},
    sync::atomic::{AtomicU64, Ordering},
};

use crossbeam_queue::ArrayQueue;
use serde::Serialize;
use tokio::sync::Notify;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use crate::{model::Time, tasks::Clock};

/// Entries that wait for the console: some seconds of a busy hub at the finest level.
pub const ENTRIES_MAX: usize = 4_096;
/// Bytes of a message or of a field's value, and of all of them together; what is longer is cut and says so.
const TEXT_BYTES_MAX: usize = 4_096;
const ENTRY_BYTES_MAX: usize = 8_192;
/// Fields of an entry.
const FIELDS_MAX: usize = 32;
/// Stands where a text was cut.
const CUT: &str = "…";

/// How much an entry matters, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    pub const ALL: [Level; 5] = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];

    pub fn word(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

impl From<tracing::Level> for Level {
    fn from(level: tracing::Level) -> Level {
        match level {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG => Level::Debug,
            tracing::Level::TRACE => Level::Trace,
        }
    }
}

/// One thing that was logged. Displayed as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub time: Time,
    pub level: Level,
    /// The module that said it.
    pub target: &'static str,
    pub message: String,
    pub fields: Vec<(&'static str, String)>,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level.word().to_ascii_uppercase();
        write!(f, "{} {level:>5} {}: {}", self.time, self.target, self.message)?;
        self.fields.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// What came out of the ring.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// Oldest first.
    pub entries: Vec<Entry>,
    /// Entries that went before they were taken, since the last time.
    pub dropped: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Ring {
    entries: ArrayQueue<Entry>,
    dropped: AtomicU64,
    arrived: Notify,
    clock: Clock,
}

impl Ring {
    pub fn new(clock: Clock) -> Ring {
        Ring {
            entries: ArrayQueue::new(ENTRIES_MAX),
            dropped: AtomicU64::new(0),
            arrived: Notify::new(),
            clock,
        }
    }

    pub fn push(&self, entry: Entry) {
        if self.entries.force_push(entry).is_some() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.arrived.notify_one();
    }

    /// All that is there; what arrives meanwhile may wait for the next time.
    pub fn take(&self) -> Taken {
        let entries = std::iter::from_fn(|| self.entries.pop()).take(ENTRIES_MAX).collect();
        Taken { entries, dropped: self.dropped.swap(0, Ordering::Relaxed) }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Ends when something has arrived since the last time this ended.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

/// What logs into a ring.
pub(super) struct RingLayer(pub std::sync::Arc<Ring>);

impl<S: Subscriber> Layer<S> for RingLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut texts = Texts { room: ENTRY_BYTES_MAX, message: String::new(), fields: Vec::new() };
        event.record(&mut texts);
        let meta = event.metadata();
        self.0.push(Entry {
            time: self.0.clock.now(),
            level: (*meta.level()).into(),
            target: meta.target(),
            message: texts.message,
            fields: texts.fields,
        });
    }
}

struct Texts {
    /// Bytes that are left.
    room: usize,
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Texts {
    fn keep(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = text;
        } else if self.fields.len() < FIELDS_MAX {
            self.fields.push((field.name(), text));
        }
    }
}

impl Visit for Texts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = Bounded { room: self.room.min(TEXT_BYTES_MAX), text: String::new() };
        let whole = write!(text, "{value:?}").is_ok();
        self.room -= text.text.len();
        if !whole {
            text.text.push_str(CUT);
        }
        self.keep(field, text.text);
    }
}

/// Takes so many bytes and refuses the rest, so that not even what is cut off is ever written out.
struct Bounded {
    room: usize,
    text: String,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.floor_char_boundary(self.room.min(text.len()));
        self.text.push_str(&text[..end]);
        self.room -= end;
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn logged(log: impl FnOnce()) -> Taken {
        let ring = Arc::new(Ring::new(Clock::fixed(Time::from_unix_ms(0))));
        let subscriber = tracing_subscriber::registry().with(RingLayer(Arc::clone(&ring)));
        tracing::subscriber::with_default(subscriber, log);
        ring.take()
    }

    #[test]
    fn an_entry_holds_what_was_said_as_the_file_has_it() {
        let taken = logged(|| tracing::warn!(took_ms = 12, path = %"/a b", "slow {}", "disk"));
        let [entry] = taken.entries.as_slice() else { panic!("{taken:?}") };
        assert_eq!(
            entry.to_string(),
            "1970-01-01T00:00:00.000Z  WARN wheelhouse::telemetry::ring::tests: slow disk took_ms=12 path=/a b"
        );
        assert_eq!((entry.level, taken.dropped), (Level::Warn, 0));
    }

    #[test]
    fn a_long_text_is_cut_where_a_character_ends() {
        let taken = logged(|| tracing::info!(text = "é".repeat(TEXT_BYTES_MAX), "{}", "x".repeat(1 << 20)));
        let entry = &taken.entries[0];
        assert_eq!(entry.message.len(), TEXT_BYTES_MAX + CUT.len());
        assert!(entry.fields[0].1.ends_with(CUT) && entry.fields[0].1.len() <= TEXT_BYTES_MAX + CUT.len());

        let text = "x".repeat(TEXT_BYTES_MAX);
        let taken = logged(|| tracing::info!(a = text, b = text, c = text, d = text, "all of it"));
        let fields = &taken.entries[0].fields;
        assert!(
            fields.iter().map(|(_, value)| value.len()).sum::<usize>() <= ENTRY_BYTES_MAX + 4 * CUT.len()
        );
    }

    #[test]
    fn a_million_entries_take_no_more_room_than_the_last_ones_and_are_counted() {
        const WRITERS: u64 = 4;
        const EACH: u64 = 250_000;
        let ring = Arc::new(Ring::new(Clock::fixed(Time::from_unix_ms(0))));
        let entry = |number: u64| Entry {
            time: Time::from_unix_ms(number as i64),
            level: Level::Info,
            target: "test",
            message: String::new(),
            fields: vec![],
        };
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let ring = Arc::clone(&ring);
                std::thread::spawn(move || (0..EACH).for_each(|number| ring.push(entry(number))))
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        let taken = ring.take();
        assert_eq!(taken.entries.len(), ENTRIES_MAX);
        assert_eq!(taken.dropped, WRITERS * EACH - ENTRIES_MAX as u64);
        assert!(ring.is_empty() && ring.take() == Taken::default());
        // The oldest went: what each writer said last is there.
        assert!(taken.entries.iter().any(|entry| entry.time.unix_ms() == EACH as i64 - 1));
    }
}
