//! The log, the record view and what keeps them whole.
//!
//! Separate because it is the only room that knows files: above it there are commits, positions and records, and no
//! database type, no transaction and no closure run inside one. The log is the truth; the record view is made from
//! it and can be thrown away.
//!
//! **Invariant:** an acknowledged commit is on disk, at the place it was told, with every one before it.

mod cleaner;
mod compact;
mod core;
pub mod disk;
mod frame;
mod fsck;
mod keeper;
mod kept;
mod log;
mod queue;
mod records;
mod repair;
mod scan;
mod segment;
mod sidecar;
mod snapshot;
mod stall;
mod window;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use tokio::sync::watch;

use self::{
    core::Core,
    disk::{Disk, RealDisk},
    frame::Gone,
    keeper::Keeper,
    log::{LogError, Recovered},
    records::Found,
    window::Window,
    writer::Writer,
};
use crate::{
    door::{EventGap, FsckReport, LIST_PAGE_MAX, ListRequest, MemoryPage, ViewState, Writes},
    model::{
        Change, Commit, Cursor, Entry, Fault, Id, LogId, Memory, Project, Projects, Sequence, Severity, Time,
    },
    tasks::Clock,
    telemetry::Latency,
};

pub use self::{
    cleaner::{Cleaned, CleanedPart, Overseer, Retention},
    frame::BODY_BYTES_MAX as FRAME_BYTES_MAX,
    keeper::Taken as SnapshotTaken,
    kept::{Place, Runs},
    log::Rewrote,
    queue::QUEUE_BYTES_MAX,
    repair::Repaired,
    scan::{Scan, Scanned},
};

/// A segment is closed when it has grown to this.
pub const SEGMENT_BYTES: u64 = 64 << 20;
/// Bounds what a start after a power cut has to read again.
pub const FLUSH_AFTER: Duration = Duration::from_secs(2);
/// And when the log has grown by a quarter: a snapshot is worth what it saves of the log.
pub const SNAPSHOT_AFTER: u64 = 100_000;
/// A list without a limit gets this many.
const LIST_PAGE_DEFAULT: usize = 100;
/// How long a write waits for a view that is opening or catching up.
const OPEN_PATIENCE: Duration = Duration::from_secs(5);

/// In a list, in the place of a body that the log has lost.
const UNREADABLE: &str = "(its body cannot be read from the log: `wheelhouse fsck` names the damage)";

/// How a store is opened.
#[derive(Clone)]
pub struct StoreOptions {
    pub clock: Clock,
    /// The log goes on in a new file when one has grown to this. [`SEGMENT_BYTES`] but in tests.
    pub segment_bytes: u64,
    /// The record view is flushed this soon after a change: [`FLUSH_AFTER`] but in tests.
    pub flush_after: Duration,
    /// The record view's snapshot is taken after so many events: [`SNAPSHOT_AFTER`] but in tests.
    pub snapshot_after: u64,
    /// What the log's files are on; a test makes it fail.
    pub disk: Arc<dyn Disk>,
}

impl StoreOptions {
    pub fn new(clock: Clock) -> StoreOptions {
        StoreOptions {
            clock,
            segment_bytes: SEGMENT_BYTES,
            flush_after: FLUSH_AFTER,
            snapshot_after: SNAPSHOT_AFTER,
            disk: Arc::new(RealDisk),
        }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreError(#[from] LogError);

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        log_fault(error.0)
    }
}

fn log_fault(error: LogError) -> Fault {
    match &error {
        LogError::Io { source, .. } => Fault::unavailable(error.to_string()).cause(source),
        LogError::Newer { .. } | LogError::UnknownKind { .. } => {
            Fault::new(crate::model::Code::Unsupported, error.to_string())
                .hint("open it with the version that wrote it, or a newer one")
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("what".to_owned(), other)]),
    }
}

/// As a gap says it.
fn reason(why: Option<Gone>) -> &'static str {
    match why {
        Some(Gone::Cleaned { .. }) => "cleaned",
        Some(Gone::Damaged) | None => "damaged",
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

impl Committed {
    fn repeated(entry: Arc<Entry>) -> Committed {
        let (first, last, recorded_at) = (entry.first(), entry.last(), entry.recorded_at());
        Committed { first, last, recorded_at, applied: true, repeated: true, entry }
    }
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
    /// As the last write left it.
    pub writes: Writes,
    /// A write of the log that began then has not come back; those after it wait.
    pub stalled: Option<Time>,
    /// What new writes get while room is held back: see [`Store::hold`].
    pub held: Option<Fault>,
    /// None while the record view is not there to count.
    pub memories: Option<u64>,
    pub forgotten: Option<u64>,
    pub decisions: Option<u64>,
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
    core: Arc<Core>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Store {
    /// Copies what proves whole of a data directory that nobody has open into another one, which must not be there.
    pub fn repair(from: &Path, to: &Path, clock: &Clock) -> Result<Repaired, StoreError> {
        repair::repair(from, to, &mut || core::salt(clock))
    }

    /// Recovers the log and returns; the record view opens, catches up or is rebuilt on its own thread.
    pub fn open(dir: &Path, options: StoreOptions) -> Result<Store, StoreError> {
        let StoreOptions { clock, segment_bytes, flush_after, snapshot_after, disk } = options;
        let at = dir.join("log");
        let making = |source| LogError::Io { doing: "make", file: at.display().to_string(), source };
        if !at.is_dir() {
            std::fs::create_dir_all(&at).map_err(making)?;
            // A log whose directory goes with the power was never there.
            for above in at.ancestors().skip(1).take(2) {
                disk.sync_dir(above).map_err(making)?;
            }
        }
        let fresh = LogId(uuid::Uuid::from_bytes(*clock.id().as_bytes()));
        let salts = clock.clone();
        let salt = Box::new(move || core::salt(&salts));
        let Recovered { log, appender, notes, recorded_at, closed } =
            log::recover(&at, &dir.join("sidecars"), disk, segment_bytes, fresh, salt)?;
        let recorded_at = match log.read_back(log.head().next(), 1)?.first() {
            Some(last) => recorded_at.max(last.recorded_at()),
            None => recorded_at,
        };
        let core =
            Arc::new(Core::new(dir.to_owned(), clock, flush_after, segment_bytes, log, notes, recorded_at));
        let writer = Writer { core: core.clone(), appender, recorded_at };
        let keeper = Keeper { core: core.clone(), snapshot_after };
        let (log, watched) = (core.log.clone(), core.clone());
        let threads = [
            spawn("store-writer", move || writer.run()),
            spawn("store-keeper", move || keeper.run()),
            spawn("store-sidecars", move || log.write_sidecars(&closed)),
            spawn("store-stall", move || stall::run(&watched)),
        ];
        let threads = threads.into_iter().collect::<std::io::Result<Vec<_>>>();
        let threads = threads.map_err(|source| LogError::Io {
            doing: "start a thread for",
            file: "log".to_owned(),
            source,
        })?;
        Ok(Store { core, threads: Arc::new(Mutex::new(threads)) })
    }

    /// Appends a commit: on disk and applied when this returns. Dropping the future does not undo it.
    ///
    /// While the view opens or catches up this waits; while it is rebuilt it is refused as `unavailable`. A
    /// precondition that does not hold is `not_found` or `conflict`.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, Fault> {
        self.view_opened().await?;
        if !commit.may_pass_a_hold()
            && let Some(fault) = self.core.state.borrow().held.clone()
        {
            return Err(fault);
        }
        let began = Instant::now();
        let answer = self.core.queue.push(commit)?;
        let committed = answer
            .await
            .unwrap_or_else(|_| Err(Fault::bug("the writer stopped: outcome unknown until restart")))?;
        self.core.commits.record(began.elapsed());
        Ok(committed)
    }

    /// Refuses new writes with this fault, until it is none: what the hub does by itself and what only takes away still
    /// goes through. For who sees that room runs out before it has.
    pub fn hold(&self, fault: Option<Fault>) {
        self.core.state.send_if_modified(|state| {
            let changed = state.held.is_some() != fault.is_some();
            state.held = fault;
            changed
        });
    }

    /// How long commits take.
    pub fn commits(&self) -> &Latency {
        &self.core.commits
    }

    /// Commits that wait for the disk, and their bytes.
    pub fn waiting(&self) -> (usize, usize) {
        self.core.queue.waiting()
    }

    /// Events of severity `error`, since it was opened.
    pub fn errors(&self) -> u64 {
        self.core.errors.load(Ordering::Relaxed)
    }

    /// When the last entry was recorded, by the clock of then.
    pub fn recorded_at(&self) -> Time {
        Time::from_unix_ms(self.core.recorded_at.load(Ordering::Relaxed))
    }

    async fn view_opened(&self) -> Result<(), Fault> {
        let mut state = self.core.state.subscribe();
        let settled = state
            .wait_for(|state| !matches!(state.records, ViewState::Opening | ViewState::CatchingUp { .. }));
        let settled = tokio::time::timeout(OPEN_PATIENCE, settled).await;
        match settled {
            Ok(Ok(state)) if state.records.is_ready() => Ok(()),
            _ => Err(self.core.write_unavailable()),
        }
    }

    /// The memory, hidden or not.
    pub fn get(&self, id: Id) -> Result<Option<Stored>, Fault> {
        let view = self.core.view()?;
        match view.records.get(id).map_err(|error| self.core.unreadable(error))? {
            Some(found) => self.whole(found).map(Some),
            None => self.core.complete_view().map(|_| None),
        }
    }

    /// A page by a secondary index. `projects` is the caller's wall, inside of which the request's filter holds.
    pub fn list(&self, request: &ListRequest, projects: &Projects) -> Result<MemoryPage, Fault> {
        let limit = match request.limit {
            0 => LIST_PAGE_DEFAULT,
            n if n <= LIST_PAGE_MAX => n,
            n => {
                return Err(Fault::invalid(format!("limit is {n}, at most {LIST_PAGE_MAX} fit in a page"))
                    .hint("pass `next` back to read on"));
            }
        };
        let view = self.core.complete_view()?;
        let page =
            view.records.list(request, projects, limit).map_err(|error| self.core.unreadable(error))?;
        let memories = page.found.into_iter().map(|found| self.listed(found));
        Ok(MemoryPage { memories: memories.collect::<Result<_, _>>()?, next: page.next })
    }

    /// The memory imported from this place, hidden or not.
    pub fn by_url(&self, project: &Project, url: &str) -> Result<Option<Stored>, Fault> {
        let view = self.core.complete_view()?;
        let found = view.records.by_url(project, url).map_err(|error| self.core.unreadable(error))?;
        found.map(|found| self.whole(found)).transpose()
    }

    /// Memories with this content that are not hidden, oldest id first.
    pub fn by_hash(&self, hash: &str) -> Result<Vec<Id>, Fault> {
        self.core.complete_view()?.records.by_hash(hash).map_err(|error| self.core.unreadable(error))
    }

    /// Entries that made, changed, hid or restored it, oldest first.
    pub fn history(&self, id: Id) -> Result<Vec<Arc<Entry>>, Fault> {
        let firsts =
            self.core.complete_view()?.records.touched(id).map_err(|error| self.core.unreadable(error))?;
        let mut entries = Vec::with_capacity(firsts.len());
        for first in firsts {
            entries.extend(self.core.log.entry_at(first).map_err(log_fault)?);
        }
        Ok(entries)
    }

    /// The commit that used this idempotency key within the last day.
    pub fn committed_by(&self, key: &str) -> Result<Option<Committed>, Fault> {
        let now = self.core.clock.now();
        let first =
            self.core.view()?.records.idempotent(key, now).map_err(|error| self.core.unreadable(error))?;
        let entry =
            first.map(|first| self.core.log.entry_at(first).map_err(log_fault)).transpose()?.flatten();
        Ok(entry.map(Committed::repeated))
    }

    /// Whole entries after a place, oldest first, until they hold at least `limit_events`.
    pub fn read_log(&self, after: Sequence, limit_events: usize) -> Result<Vec<Arc<Entry>>, Fault> {
        self.core.log.read(after, limit_events).map_err(log_fault)
    }

    /// As [`Store::read_log`], for who reads on, a little at a time.
    pub fn read_log_on(&self, after: Sequence, limit_events: usize) -> Result<Vec<Arc<Entry>>, Fault> {
        self.core.log.read_on(after, limit_events).map_err(log_fault)
    }

    /// As [`Store::read_log_on`], where that is in memory. Does not block.
    pub fn read_recent(&self, after: Sequence, limit_events: usize) -> Option<Vec<Arc<Entry>>> {
        self.core.log.read_recent(after, limit_events)
    }

    /// Events that match, in the order that was asked for; what cannot match is passed over unread. Blocks.
    pub fn scan_log(&self, scan: &Scan<'_>) -> Result<Scanned, Fault> {
        self.core.log.scan(scan).map_err(log_fault)
    }

    /// The last place that is on disk and applied (or flagged as not applied); announced as it grows.
    pub fn head(&self) -> watch::Receiver<Sequence> {
        self.core.head.subscribe()
    }

    /// A place of this log.
    pub fn cursor(&self, sequence: Sequence) -> Cursor {
        self.core.log.cursor(sequence)
    }

    pub fn log_id(&self) -> LogId {
        self.core.log.id
    }

    pub fn state(&self) -> watch::Receiver<StoreState> {
        self.core.state.subscribe()
    }

    /// What was found or done since this was last asked. Ask after opening and whenever [`Store::state`] changes.
    pub fn recovered(&self) -> Vec<Note> {
        self.core.take_notes()
    }

    /// Takes a snapshot of the record view now; none where the newest says the same, or when stopped. Blocks.
    pub fn snapshot(&self, stop: &dyn Fn() -> bool) -> Result<Option<SnapshotTaken>, Fault> {
        keeper::snapshot_now(&self.core, stop)
    }

    /// Throws the record view away and builds it anew; returns at once, [`Store::state`] shows the progress.
    pub fn rebuild_records(&self) -> Result<(), Fault> {
        self.core.complete_view()?;
        self.core.rebuild();
        Ok(())
    }

    /// Reads every frame of the log and holds every record of the view against it. Blocks for long.
    pub fn fsck(&self) -> Result<FsckReport, Fault> {
        fsck::fsck(&self.core)
    }

    /// What was hidden until this moment and is still there, latest first, so many at most.
    pub fn hidden_until(&self, time: Time, max: usize) -> Result<Vec<Id>, Fault> {
        self.core
            .complete_view()?
            .records
            .hidden_until(time, max)
            .map_err(|error| self.core.unreadable(error))
    }

    /// What is being erased.
    pub fn erasing(&self) -> Result<Vec<Id>, Fault> {
        let erasing =
            self.core.complete_view()?.records.erasing().map_err(|error| self.core.unreadable(error))?;
        Ok(erasing.into_keys().collect())
    }

    /// Takes from the log what is no longer kept, packs what is, and erases what is to be erased from log, snapshots and
    /// record view. Blocks for long; reads and writes go on.
    pub fn clean(&self, retention: &Retention, overseer: &Overseer<'_>) -> Result<Cleaned, Fault> {
        cleaner::clean(&self.core, retention, overseer)
    }

    /// Why no event bears this number, as a gap says it.
    pub fn why_missing(&self, sequence: Sequence) -> Result<&'static str, Fault> {
        let why = self.core.log.why_gone(&[sequence]).map_err(log_fault)?;
        Ok(reason(why.first().copied().flatten()))
    }

    /// What is missing of what a scan looked at, at most one gap between two of its events. Blocks.
    pub fn gaps(&self, scan: &Scan<'_>, scanned: &Scanned) -> Result<Vec<EventGap>, Fault> {
        let mut events: Vec<Sequence> = scanned.events.iter().map(|event| event.sequence).collect();
        events.sort_unstable();
        let missing = self.core.log.missing(scan, scanned.next, &events).map_err(log_fault)?;
        let firsts: Vec<Sequence> = missing.iter().map(|missing| missing.from).collect();
        let reasons = self.core.log.why_gone(&firsts).map_err(log_fault)?;
        let gaps = missing.into_iter().zip(reasons).map(|(missing, why)| EventGap {
            from: missing.from,
            to: missing.to,
            missing: missing.count,
            reason: reason(why).to_owned(),
        });
        Ok(gaps.collect())
    }

    /// Shows every record, hidden ones too; `false` stops. One whose body cannot be read is passed over, and told in the
    /// end.
    pub fn scan(&self, f: &mut dyn FnMut(&Stored) -> bool) -> Result<(), Fault> {
        let view = self.core.complete_view()?;
        let mut fault = None;
        let shown = view.records.scan(&mut |found| match self.whole(found) {
            Ok(stored) => f(&stored),
            Err(failed) => {
                fault.get_or_insert(failed);
                true
            }
        });
        shown.map_err(|error| self.core.unreadable(error))?;
        fault.map_or(Ok(()), Err)
    }

    /// Ends the log with a horizon, flushes the view and joins the threads. Commits after it are refused.
    pub fn close(&self) {
        let _window = Window::begin("close");
        self.core.queue.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for (i, thread) in threads.into_iter().enumerate() {
            if i == 1 {
                // The writer is done: the keeper may close the view after it.
                self.core.wish(|wishes| wishes.close = true);
                self.core.stall.close();
            }
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
        self.core.set_writes(Writes::Waiting);
    }

    /// A record of a list: where its body cannot be read, that stands in its place, and the others are shown.
    fn listed(&self, found: Found) -> Result<Memory, Fault> {
        let without = found.stored.memory.clone();
        match self.whole(found) {
            Err(fault) if fault.code == crate::model::Code::Damaged => {
                Ok(Memory { content: UNREADABLE.to_owned(), ..without })
            }
            found => found.map(|stored| stored.memory),
        }
    }

    /// A record with its body, which stays in the log when it is long.
    fn whole(&self, found: Found) -> Result<Stored, Fault> {
        let Found { mut stored, body_in } = found;
        let Some(first) = body_in else { return Ok(stored) };
        let id = stored.memory.id;
        let entry = self.core.log.entry_at(first).map_err(log_fault)?;
        let body = entry.iter().flat_map(|entry| &entry.changes).find_map(|change| match change {
            Change::Put { memory } | Change::Restore { memory } if memory.id == id => {
                Some(memory.content.clone())
            }
            _ => None,
        });
        stored.memory.content = body.ok_or_else(|| {
            Fault::new(
                crate::model::Code::Damaged,
                format!("the body of memory {id} cannot be read from the log"),
            )
            .hint("`wheelhouse fsck` names the damage")
        })?;
        Ok(stored)
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}
