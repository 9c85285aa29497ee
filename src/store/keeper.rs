//! The keeper of the record view: opens it, catches it up, rebuilds it when in doubt, flushes it when it changed.
//!
//! A view that cannot be opened, or panics while it is, is set aside and made anew from the newest whole snapshot and the
//! log; the log knows all.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    Note,
    core::{Core, View, sound},
    log::FIRST_EPOCH,
    object,
    records::{Applying, Dirs, Filling, Meta, Records, RecordsError},
    snapshot::{self, Head, SnapshotError},
    spawn,
    window::Window,
    writer::{records_fault, write_fault},
};
use crate::{
    door::{Refusal, ViewState, Writes},
    model::{Entry, Fault, Sequence, Severity},
};

/// A closed sled may hold its file lock a moment longer.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(5);
pub const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// A view that cannot be had, for want of room or else, is tried again after this, then after twice, and so on.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
const RETRY_PAUSES_MAX: u32 = 30;
/// A view that was set aside is named so, and some hex digits.
const SET_ASIDE: &str = "records.damaged-";
/// Written and removed to see whether there is room.
const ROOM: &str = "room";
const ROOM_BYTES: usize = 1 << 20;
/// Events applied at a time while catching up.
pub const STEP_EVENTS: usize = 1_000;
/// Steps read from the log while a view is filled with those before.
const READ_AHEAD_STEPS: usize = 2;
/// Rows taken from a snapshot before the progress is told again.
const RESTORE_STEP: u128 = 1_000;
/// An empty view that has more than this before it is said to be rebuilt, and writes do not wait for it.
const REBUILT_EVENTS_MIN: u64 = 10_000;

pub struct Keeper {
    pub core: Arc<Core>,
    pub snapshot_after: u64,
}

/// A snapshot that is being taken.
struct Snapshotting {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Snapshotting {
    /// Gives it up, unless it is done.
    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.thread.join().is_err() {
            tracing::error!("the thread of a snapshot panicked");
        }
    }
}

enum Opened {
    View(Arc<View>),
    /// The store closes.
    Closed,
}

impl Keeper {
    /// Until the store closes.
    pub fn run(self) {
        let mut fresh = false;
        while let Opened::View(view) = self.open(fresh) {
            fresh = self.keep(view);
            if self.core.wishes().close {
                break;
            }
        }
        // Who waits for a swap hears that there is none.
        self.core.wishes().swap = None;
    }

    /// Flushes until something else is wished for; answers whether the view is to be made anew.
    fn keep(&self, view: Arc<View>) -> bool {
        let mut view = view;
        let mut snapshotting = None;
        // A view that could not be flushed for want of room takes nothing more, and reads only what is in memory.
        let mut wedged = false;
        let mut wishes = self.core.wishes();
        loop {
            if wedged {
                // Not with the wishes in hand: the disk may take its time.
                drop(wishes);
                let room = self.has_room();
                wishes = self.core.wishes();
                wishes.reopen |= room;
            }
            if let Some(swap) = wishes.swap.take() {
                drop(wishes);
                view = self.swap(view, swap);
                wishes = self.core.wishes();
                continue;
            }
            if wishes.close || wishes.reopen || wishes.rebuild {
                let rebuild = std::mem::take(&mut wishes.rebuild);
                let reopen = std::mem::take(&mut wishes.reopen);
                drop(wishes);
                snapshotting.take().into_iter().for_each(Snapshotting::end);
                if !reopen && !rebuild {
                    // What was not flushed is applied again from the log.
                    drop(self.flush(&view));
                }
                let still = sound(self.core.gate.lock());
                *sound(self.core.view.write()) = None;
                if rebuild || reopen {
                    self.core.set_records(ViewState::Opening);
                }
                drop(still);
                return rebuild;
            }
            if !wishes.dirty {
                wishes = self.core.wait_wish(wishes, None);
                continue;
            }
            let due = Instant::now() + if wedged { RETRY_PAUSE } else { self.core.flush_after };
            while Instant::now() < due
                && !(wishes.close || wishes.reopen || wishes.rebuild || wishes.swap.is_some())
            {
                wishes = self.core.wait_wish(wishes, Some(due.saturating_duration_since(Instant::now())));
            }
            wishes.dirty = wedged;
            if wedged {
                continue;
            }
            drop(wishes);
            if let Err(Trouble::Room(why, fault)) = self.flush(&view) {
                wedged = true;
                self.core.wedged.store(true, Ordering::Release);
                self.core.set_writes(Writes::Refused { why, fault });
                self.core.wishes().dirty = true;
            }
            if snapshotting.as_ref().is_none_or(|running: &Snapshotting| running.thread.is_finished()) {
                snapshotting = self.snapshot(&view);
            }
            wishes = self.core.wishes();
        }
    }

    /// Begins a snapshot where one is due. It reads beside everything else.
    fn snapshot(&self, view: &Arc<View>) -> Option<Snapshotting> {
        let head = sound(view.meta.lock()).head();
        let last = snapshot::all(&self.core.dir).first().and_then(|path| snapshot::place_of(path));
        let last = last.filter(|(epoch, _)| *epoch == head.epoch).map(|(_, applied)| applied.0);
        // After a loss the log cannot answer for all that the view holds.
        let alone = last.is_none() && head.epoch > FIRST_EPOCH;
        let last = last.unwrap_or(0);
        if !alone && head.applied.0.saturating_sub(last) < self.snapshot_after.max(last / 4) {
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (core, view, stopped) = (self.core.clone(), view.clone(), stop.clone());
        match spawn("store-snapshot", move || {
            let stop = || stopped.load(Ordering::Relaxed);
            if let Err(fault) = take_snapshot(&core, &view, &head, &stop) {
                tracing::warn!(%fault, cause = ?fault.cause, "no snapshot was taken");
            }
        }) {
            Ok(thread) => Some(Snapshotting { stop, thread }),
            Err(error) => {
                tracing::warn!(%error, "no thread for a snapshot");
                None
            }
        }
    }

    fn flush(&self, view: &View) -> Result<(), Trouble> {
        let now = self.core.clock.now();
        let done = catch_unwind(AssertUnwindSafe(|| {
            let meta = *sound(view.meta.lock());
            view.records.prune(now).and_then(|()| view.records.flush(&meta))
        }));
        match done {
            Ok(flushed) => flushed.map_err(|error| {
                tracing::warn!(%error, "the record view was not flushed; the log holds what it holds");
                Trouble::from(error)
            }),
            Err(_) => {
                self.core.wish(|wishes| wishes.reopen = true);
                Ok(())
            }
        }
    }

    /// Whether the disk takes again what a view needs to be opened.
    fn has_room(&self) -> bool {
        let path = Dirs::of(&self.core.dir).root().join(ROOM);
        let room = std::fs::write(&path, vec![0; ROOM_BYTES]).is_ok();
        // It may not have come to be.
        drop(std::fs::remove_file(&path));
        room
    }

    /// Opens, catches up, and shows the view; a view that cannot be had is made anew, and that is tried for as long as
    /// the store is open.
    fn open(&self, fresh: bool) -> Opened {
        let _window = Window::begin("open");
        let dirs = Dirs::of(&self.core.dir);
        let mut fresh = fresh;
        let mut failures = 0;
        loop {
            if self.core.wishes().close {
                return Opened::Closed;
            }
            if fresh {
                self.set_aside(dirs.root());
            }
            let opened = self
                .open_once(&dirs)
                .and_then(|(records, meta)| self.catch_up(records, meta, fresh))
                .and_then(|view| settled(&dirs, view));
            let trouble = match opened {
                Ok(Some(view)) => {
                    self.remove_set_aside();
                    return Opened::View(view);
                }
                Ok(None) => return Opened::Closed,
                Err(trouble) => trouble,
            };
            // Nobody asks a view that failed, and its files are let go of.
            *sound(self.core.view.write()) = None;
            match trouble {
                Trouble::Room(why, fault) => {
                    self.core.set_records(ViewState::Failed { reason: why.words().to_owned() });
                    self.core.set_writes(Writes::Refused { why, fault });
                }
                Trouble::Log(reason) => self.core.set_records(ViewState::Failed { reason }),
                Trouble::Damage(why) => {
                    self.core.tell_rebuild(&why);
                    if fresh {
                        self.core.set_records(ViewState::Failed { reason: why });
                    } else {
                        fresh = true;
                        continue;
                    }
                }
            }
            failures += 1;
            self.pause(failures);
        }
    }

    fn pause(&self, failures: u32) {
        let wishes = self.core.wishes();
        if !wishes.close {
            drop(self.core.wait_wish(wishes, Some(RETRY_PAUSE * failures.min(RETRY_PAUSES_MAX))));
        }
    }

    /// What a view has applied was acknowledged once: a log that ends before it has lost something.
    fn tell_lost(&self, applied: Sequence, head: Sequence) {
        self.core.log.lose(applied);
        self.core.note(Note {
            kind: "hub.damaged",
            severity: Severity::Error,
            data: object(json!({
                "file": "log",
                "what": format!("the log ends at {head}, and {applied} was acknowledged once: what lies between is lost"),
            })),
        });
    }

    fn open_once(&self, dirs: &Dirs) -> Result<(Records, Meta), Trouble> {
        let dir = dirs.current().map_err(RecordsError::from)?;
        let cursor = self.core.log.cursor(Sequence::ZERO);
        let deadline = Instant::now() + LOCK_PATIENCE;
        loop {
            let opened = catch_unwind(AssertUnwindSafe(|| Records::open(&dir, cursor.log, cursor.epoch)));
            match opened {
                Ok(Ok((records, meta))) => {
                    let head = self.core.log.head();
                    if meta.applied > head {
                        self.tell_lost(meta.applied, head);
                    }
                    let epoch = self.core.log.cursor(Sequence::ZERO).epoch;
                    if meta.epoch == epoch {
                        return Ok((records, meta));
                    }
                    // What the log lost later, the view still holds: it was acknowledged.
                    if !self.core.log.goes_on_from(meta.epoch, meta.applied) {
                        return Err(Trouble::Damage("the log's history changed".to_owned()));
                    }
                    let meta = records.adopt(meta, epoch)?;
                    return Ok((records, meta));
                }
                Ok(Err(error)) if is_locked(&error) && Instant::now() < deadline => thread::sleep(LOCK_PAUSE),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => return Err(Trouble::Damage("it panicked while it was opened".to_owned())),
            }
        }
    }

    /// Applies what the log holds after the view; `None` when the store closes meanwhile.
    fn catch_up(&self, records: Records, meta: Meta, fresh: bool) -> Result<Option<Arc<View>>, Trouble> {
        let view = Arc::new(View { records, meta: Mutex::new(meta), complete: AtomicBool::new(false) });
        *sound(self.core.view.write()) = Some(view.clone());
        let empty = meta.applied == Sequence::ZERO;
        let rebuilding = fresh || (empty && self.core.log.head().0 > REBUILT_EVENTS_MIN);
        let caught_up = catch_unwind(AssertUnwindSafe(|| {
            if empty { self.fill(&view.records, meta, rebuilding) } else { self.follow(&view.records, meta) }
        }));
        let Some(meta) = caught_up
            .unwrap_or_else(|_| Err(Trouble::Damage("it panicked while it caught up".to_owned())))?
        else {
            *sound(self.core.view.write()) = None;
            return Ok(None);
        };
        *sound(view.meta.lock()) = meta;
        view.complete.store(true, Ordering::Release);
        self.core.set_counts(&meta);
        self.core.head.send_if_modified(|head| {
            let moved = *head != self.core.log.head();
            *head = self.core.log.head();
            moved
        });
        self.core.set_records(ViewState::Ready);
        self.core.wedged.store(false, Ordering::Release);
        self.core.set_writes(Writes::Open);
        if view.records.is_dirty() {
            self.core.wish(|wishes| wishes.dirty = true);
        }
        Ok(Some(view))
    }

    /// Makes an empty view.
    fn fill(&self, records: &Records, meta: Meta, rebuilding: bool) -> Result<Option<Meta>, Trouble> {
        if self.core.log.head() == meta.applied {
            return Ok(Some(meta));
        }
        let mut filling = Filling::begin(records, meta)?;
        if !self.restore(&mut filling)? {
            return Ok(None);
        }
        let after = filling.meta().applied;
        let (read, steps) = mpsc::sync_channel(READ_AHEAD_STEPS);
        thread::scope(|scope| {
            // Reading and decoding the log takes about as long as planning what becomes of it.
            scope.spawn(move || self.read_ahead(after, &read));
            self.fill_with(filling, steps, rebuilding)
        })
    }

    /// Hands out the log after a place until its end, or until nobody takes it.
    fn read_ahead(&self, mut after: Sequence, steps: &SyncSender<Result<Vec<Arc<Entry>>, Trouble>>) {
        while let Some(step) = self.next_step(after).transpose() {
            after = step.iter().flatten().last().map_or(after, |entry| entry.last());
            let failed = step.is_err();
            if steps.send(step).is_err() || failed {
                return;
            }
        }
    }

    fn fill_with(
        &self,
        mut filling: Filling<'_>,
        steps: Receiver<Result<Vec<Arc<Entry>>, Trouble>>,
        rebuilding: bool,
    ) -> Result<Option<Meta>, Trouble> {
        self.tell_progress(filling.meta().applied, rebuilding);
        for entries in steps {
            if self.core.wishes().close {
                return Ok(None);
            }
            filling.apply(&entries?)?;
            self.core.set_counts(&filling.meta());
            self.tell_progress(filling.meta().applied, rebuilding);
        }
        let meta = filling.finish(&|| !self.core.wishes().close)?;
        Ok(meta.map(|meta| meta.at(self.core.log.head())))
    }

    /// Takes the rows of the newest snapshot that is whole; `false` when the store closes meanwhile.
    fn restore(&self, filling: &mut Filling<'_>) -> Result<bool, Trouble> {
        let log_head = self.core.log.head();
        for path in snapshot::all(&self.core.dir) {
            let (head, count) = match snapshot::check(&path) {
                Ok(whole) => whole,
                Err(error) => {
                    self.tell_bad_snapshot(&path, &error);
                    continue;
                }
            };
            let ours = Head { epoch: head.epoch, applied: head.applied, ..filling.meta().head() };
            if head != ours
                || head.applied > log_head
                || !self.core.log.goes_on_from(head.epoch, head.applied)
            {
                continue;
            }
            let (mut done, mut failed) = (0, None);
            let read = snapshot::read(&path, &mut |key, value| {
                if done % RESTORE_STEP == 0 {
                    if self.core.wishes().close {
                        return false;
                    }
                    let applied =
                        Sequence((u128::from(head.applied.0) * done / u128::from(count.max(1))) as u64);
                    self.core.set_records(ViewState::Rebuilding { applied, head: log_head });
                }
                done += 1;
                failed = filling.restore(key, value).err();
                failed.is_none()
            });
            if let Some(error) = failed {
                return Err(error.into());
            }
            match read {
                Ok(_) => {
                    filling.restored(head.applied);
                    tracing::info!(file = snapshot::name_of(&path), rows = count, "restored from a snapshot");
                    return Ok(true);
                }
                Err(SnapshotError::Stopped) => return Ok(false),
                // It had its checksums, and some of its rows are in the view: begun again, it is not met a second time.
                Err(error) => {
                    self.tell_bad_snapshot(&path, &error);
                    return Err(Trouble::Damage(format!("{}: {error}", snapshot::name_of(&path))));
                }
            }
        }
        Ok(true)
    }

    /// A snapshot that is of no use is told, and goes: the log holds all of it.
    fn tell_bad_snapshot(&self, path: &Path, error: &SnapshotError) {
        self.core.note(Note {
            kind: "hub.damaged",
            severity: Severity::Warn,
            data: object(json!({
                "file": snapshot::name_of(path),
                "offset": error.offset(),
                "what": format!("{error}; the records are made anew without it"),
            })),
        });
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!(%error, "removing a damaged snapshot");
        }
    }

    /// Brings a view up to the head.
    fn follow(&self, records: &Records, mut meta: Meta) -> Result<Option<Meta>, Trouble> {
        while let Some(entries) = self.next_step(meta.applied)? {
            self.tell_progress(meta.applied, false);
            if self.core.wishes().close {
                return Ok(None);
            }
            Applying::apply(records, &entries, &mut meta)?;
            self.core.set_counts(&meta);
        }
        Ok(Some(meta.at(self.core.log.head())))
    }

    fn tell_progress(&self, applied: Sequence, rebuilding: bool) {
        let head = self.core.log.head();
        self.core.set_records(if rebuilding {
            ViewState::Rebuilding { applied, head }
        } else {
            ViewState::CatchingUp { applied, head }
        });
    }

    /// What comes after this place; nothing when the head is reached, or when only damage, which is told, is left.
    fn next_step(&self, applied: Sequence) -> Result<Option<Vec<Arc<Entry>>>, Trouble> {
        if applied >= self.core.log.head() {
            return Ok(None);
        }
        let entries =
            self.core.log.read(applied, STEP_EVENTS).map_err(|error| Trouble::Log(error_text(&error)))?;
        Ok(Some(entries).filter(|entries| !entries.is_empty()))
    }

    /// Renames the directory: sled may still hold its files for a moment.
    fn set_aside(&self, dir: &Path) {
        let aside = self.core.dir.join(format!("{SET_ASIDE}{}", self.core.clock.id().short(12)));
        match std::fs::rename(dir, &aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "setting the record view aside")
            }
            _ => {}
        }
    }

    /// Once the view is whole again, what was set aside for it goes, also what an earlier start left.
    fn remove_set_aside(&self) {
        let Ok(entries) = std::fs::read_dir(&self.core.dir) else { return };
        for entry in
            entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(SET_ASIDE))
        {
            if let Err(error) = std::fs::remove_dir_all(entry.path()) {
                tracing::warn!(%error, dir = %entry.path().display(), "removing a view that was set aside");
            }
        }
    }
}

/// A view that is whole, said on disk too.
fn settled(dirs: &Dirs, view: Option<Arc<View>>) -> Result<Option<Arc<View>>, Trouble> {
    if let Some(view) = &view {
        dirs.settle(view.records.dir()).map_err(RecordsError::from)?;
    }
    Ok(view)
}

/// A snapshot that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub to: Sequence,
    pub bytes: u64,
}

/// Takes a snapshot now; none where the newest says the same, or when stopped.
pub fn snapshot_now(core: &Core, stop: &dyn Fn() -> bool) -> Result<Option<Taken>, Fault> {
    let view = core.complete_view()?;
    let head = sound(view.meta.lock()).head();
    let last = snapshot::all(&core.dir).first().and_then(|path| snapshot::place_of(path));
    if last == Some((head.epoch, head.applied)) {
        return Ok(None);
    }
    take_snapshot(core, &view, &head, stop)
}

fn take_snapshot(
    core: &Core,
    view: &View,
    head: &Head,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Taken>, Fault> {
    let _one = sound(core.snapshotting.lock());
    let _window = Window::begin("snapshot");
    let began = Instant::now();
    let mut hurt = None;
    let taken = catch_unwind(AssertUnwindSafe(|| {
        snapshot::write(&core.dir, head, |each| {
            let rows = view.records.primary(&mut |key, value| !stop() && each(key, value));
            if let Err(error) = rows {
                hurt = Some(Trouble::from(error));
                return Err(SnapshotError::Stopped);
            }
            if stop() { Err(SnapshotError::Stopped) } else { Ok(()) }
        })
    }));
    let done = match taken {
        Ok(Ok(bytes)) => {
            core.note(Note {
                kind: "hub.snapshot",
                severity: Severity::Info,
                data: object(json!({
                    "of": "records",
                    "to": head.applied,
                    "bytes": bytes,
                    "took_ms": began.elapsed().as_millis() as u64,
                })),
            });
            Ok(Some(Taken { to: head.applied, bytes }))
        }
        Ok(Err(SnapshotError::Stopped)) => Ok(None),
        Ok(Err(error)) => Err(Fault::unavailable("no snapshot was taken").cause(error)),
        Err(_) => {
            hurt = Some(Trouble::Damage("it panicked while it was read".to_owned()));
            Err(Fault::unavailable("the records could not be read"))
        }
    };
    if let Some(Trouble::Damage(why)) = hurt {
        tracing::warn!(why, "the record view is damaged");
        core.wish(|wishes| wishes.rebuild = true);
    }
    done
}

impl Core {
    /// What a reader is told of a view that cannot be read. It is damaged, and made anew; unless the disk just takes
    /// nothing, which the keeper sees to.
    pub fn unreadable(&self, error: RecordsError) -> Fault {
        let state = self.state.borrow().clone();
        let refused = matches!(state.writes, Writes::Refused { .. });
        if state.records == ViewState::Ready && !refused && is_damage(&error) {
            self.tell_rebuild(&error_text(&error));
            self.rebuild();
        }
        records_fault(error)
    }

    /// Has the view made anew. It is told before the keeper gets to it, so that who waits for `ready` does not see the
    /// old one.
    pub fn rebuild(&self) {
        self.set_records(ViewState::Rebuilding { applied: Sequence::ZERO, head: self.log.head() });
        self.wish(|wishes| wishes.rebuild = true);
    }

    pub fn tell_rebuild(&self, why: &str) {
        tracing::warn!(why, "the record view is rebuilt from the log");
        self.note(Note {
            kind: "hub.view_rebuilt",
            severity: Severity::Warn,
            data: object(json!({ "view": "records", "why": why })),
        });
    }
}

enum Trouble {
    /// The disk is full or read-only, or no file can be opened: the view itself may be sound.
    Room(Refusal, Fault),
    /// The log cannot be read: no view can be made of it now.
    Log(String),
    Damage(String),
}

impl From<RecordsError> for Trouble {
    fn from(error: RecordsError) -> Trouble {
        match io_error(&error).map(write_fault) {
            Some((why @ (Refusal::DiskFull | Refusal::ReadOnly | Refusal::NoFiles), fault)) => {
                Trouble::Room(why, fault)
            }
            _ => Trouble::Damage(error_text(&error)),
        }
    }
}

/// Whether it is the view that is at fault, and neither the question nor the disk.
fn is_damage(error: &RecordsError) -> bool {
    let wrong = match error {
        RecordsError::Page(_) => return false,
        error => io_error(error).map(write_fault),
    };
    !matches!(wrong, Some((Refusal::DiskFull | Refusal::ReadOnly | Refusal::NoFiles, _)))
}

fn io_error(error: &RecordsError) -> Option<&io::Error> {
    match error {
        RecordsError::Sled(sled::Error::Io(error)) | RecordsError::Io(error) => Some(error),
        _ => None,
    }
}

fn is_locked(error: &RecordsError) -> bool {
    let text = error_text(error);
    io_error(error).is_some_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        || text.contains("could not acquire lock")
}

fn error_text(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
