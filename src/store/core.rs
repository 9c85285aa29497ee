//! What the store's threads and handles share.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
        mpsc::SyncSender,
    },
    time::Duration,
};

use tokio::sync::watch;

use super::{
    Note, StoreState,
    log::Log,
    queue::Queue,
    records::{Meta, Records},
    stall::Stall,
};
use crate::{
    door::{ViewState, Writes},
    model::{Fault, Sequence, Time},
    tasks::Clock,
    telemetry::Latency,
};

/// An open record view.
pub struct View {
    pub records: Records,
    pub meta: Mutex<Meta>,
    /// Everything up to the head is in it: what is not found is not there.
    pub complete: AtomicBool,
}

/// What the keeper of the view is asked to do.
#[derive(Default)]
pub struct Wishes {
    pub dirty: bool,
    pub reopen: bool,
    pub rebuild: bool,
    pub close: bool,
    /// A fresh view is to take the place of the one in use.
    pub swap: Option<Swap>,
}

/// A view that was filled beside the one in use.
pub struct Swap {
    pub records: Records,
    pub meta: Meta,
    pub reply: SyncSender<Result<(), Fault>>,
}

pub struct Core {
    pub dir: std::path::PathBuf,
    pub clock: Clock,
    /// After a change, the view is flushed this soon.
    pub flush_after: Duration,
    pub log: Arc<Log>,
    pub queue: Queue,
    pub head: watch::Sender<Sequence>,
    pub state: watch::Sender<StoreState>,
    pub view: RwLock<Option<Arc<View>>>,
    /// Held by the writer for each batch, and by who needs it to stand still.
    pub gate: Mutex<()>,
    /// Held by who cleans: one at a time.
    pub cleaning: Mutex<()>,
    /// Held while a snapshot is taken.
    pub snapshotting: Mutex<()>,
    pub segment_bytes: u64,
    pub stall: Stall,
    /// The view could not be flushed for want of room: it takes nothing more until it is opened anew.
    pub wedged: AtomicBool,
    /// How long commits took that were acknowledged, as who asked for them waited.
    pub commits: Latency,
    /// Events that tell of an error, since it was opened.
    pub errors: AtomicU64,
    /// Of the last entry.
    pub recorded_at: AtomicI64,
    notes: Mutex<Vec<Note>>,
    wishes: Mutex<Wishes>,
    wished: Condvar,
}

/// Of a segment: the random part of an id.
pub fn salt(clock: &Clock) -> u64 {
    let id = *clock.id().as_bytes();
    u64::from_le_bytes(id[8..].try_into().expect("8 bytes"))
}

pub fn sound<T>(locked: Result<T, PoisonError<T>>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    pub fn new(
        dir: std::path::PathBuf,
        clock: Clock,
        flush_after: Duration,
        segment_bytes: u64,
        log: Arc<Log>,
        notes: Vec<Note>,
        recorded_at: Time,
    ) -> Core {
        let head = log.head();
        let state = StoreState {
            records: ViewState::Opening,
            writes: Writes::Waiting,
            stalled: None,
            held: None,
            memories: None,
            forgotten: None,
            decisions: None,
        };
        Core {
            dir,
            clock,
            flush_after,
            log,
            queue: Queue::default(),
            head: watch::Sender::new(head),
            state: watch::Sender::new(state),
            view: RwLock::new(None),
            gate: Mutex::new(()),
            cleaning: Mutex::new(()),
            snapshotting: Mutex::new(()),
            segment_bytes,
            stall: Stall::default(),
            wedged: AtomicBool::new(false),
            commits: Latency::default(),
            errors: AtomicU64::new(0),
            recorded_at: AtomicI64::new(recorded_at.unix_ms()),
            notes: Mutex::new(notes),
            wishes: Mutex::default(),
            wished: Condvar::new(),
        }
    }

    /// A fresh one for a segment.
    pub fn salt(&self) -> u64 {
        salt(&self.clock)
    }

    pub fn note(&self, note: Note) {
        sound(self.notes.lock()).push(note);
    }

    pub fn take_notes(&self) -> Vec<Note> {
        let mut notes = std::mem::take(&mut *sound(self.notes.lock()));
        notes.extend(self.log.take_hurts());
        notes
    }

    /// The view, if there is one to ask; what is missing in it may still come while it is not complete.
    pub fn view(&self) -> Result<Arc<View>, Fault> {
        sound(self.view.read()).clone().ok_or_else(|| self.view_unavailable())
    }

    /// The view, if all of the log is in it.
    pub fn complete_view(&self) -> Result<Arc<View>, Fault> {
        let view = self.view()?;
        if view.complete.load(Ordering::Acquire) { Ok(view) } else { Err(self.view_unavailable()) }
    }

    pub fn view_unavailable(&self) -> Fault {
        let words = self.state.borrow().records.words();
        Fault::unavailable(format!("the records are {words}")).hint("`wheelhouse status` shows the progress")
    }

    /// As [`Core::view_unavailable`], for a write: the view may be missing for the same reason.
    pub fn write_unavailable(&self) -> Fault {
        let writes = self.state.borrow().writes.clone();
        match writes {
            Writes::Refused { fault, .. } => fault,
            _ => self.view_unavailable(),
        }
    }

    pub fn set_records(&self, records: ViewState) {
        self.state.send_if_modified(|state| {
            let changed = state.records != records;
            state.records = records;
            changed
        });
    }

    pub fn set_writes(&self, writes: Writes) {
        self.state.send_if_modified(|state| {
            let changed = state.writes != writes;
            state.writes = writes;
            changed
        });
    }

    pub fn set_stalled(&self, since: Option<Time>) {
        self.state.send_modify(|state| state.stalled = since);
    }

    pub fn set_counts(&self, meta: &Meta) {
        self.state.send_if_modified(|state| {
            let counts = (Some(meta.memories), Some(meta.forgotten), Some(meta.decisions));
            let changed = (state.memories, state.forgotten, state.decisions) != counts;
            (state.memories, state.forgotten, state.decisions) = counts;
            changed
        });
    }

    pub fn wish(&self, wish: impl FnOnce(&mut Wishes)) {
        let mut wishes = sound(self.wishes.lock());
        wish(&mut wishes);
        drop(wishes);
        self.wished.notify_all();
    }

    pub fn wishes(&self) -> MutexGuard<'_, Wishes> {
        sound(self.wishes.lock())
    }

    /// Until something is wished for.
    pub fn wait_wish<'a>(
        &self,
        wishes: MutexGuard<'a, Wishes>,
        patience: Option<Duration>,
    ) -> MutexGuard<'a, Wishes> {
        match patience {
            None => sound(self.wished.wait(wishes)),
            Some(patience) => sound(self.wished.wait_timeout(wishes, patience)).0,
        }
    }
}
