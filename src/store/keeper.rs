//! The keeper of the record view: opens it, catches it up, rebuilds it when in doubt, flushes it when it changed.
//!
//! A view that cannot be opened, or panics while it is, is set aside and made anew from the log; the log knows all.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    Note,
    core::{Core, View, sound},
    object,
    records::{Meta, Records, RecordsError},
    window::Window,
};
use crate::{
    door::{ViewState, Writes},
    model::{Sequence, Severity},
};

/// A closed sled may hold its file lock a moment longer.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// A view that cannot be opened for want of room is tried again this often.
const ROOM_PAUSE: Duration = Duration::from_secs(1);
/// A view that was set aside is named so, and some hex digits.
const SET_ASIDE: &str = "records.damaged-";
/// Events applied at a time while catching up.
const STEP_EVENTS: usize = 1_000;

pub struct Keeper {
    pub core: Arc<Core>,
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
        loop {
            match self.open(fresh) {
                Opened::View(view) => fresh = self.keep(&view),
                Opened::Closed => return,
            }
            if self.core.wishes().close {
                return;
            }
        }
    }

    /// Flushes until something else is wished for; answers whether the view is to be made anew.
    fn keep(&self, view: &Arc<View>) -> bool {
        let mut wishes = self.core.wishes();
        loop {
            if wishes.close || wishes.reopen || wishes.rebuild {
                let rebuild = std::mem::take(&mut wishes.rebuild);
                let reopen = std::mem::take(&mut wishes.reopen);
                drop(wishes);
                if !reopen {
                    self.flush(view);
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
            let due = Instant::now() + self.core.flush_after;
            while Instant::now() < due && !(wishes.close || wishes.reopen || wishes.rebuild) {
                wishes = self.core.wait_wish(wishes, Some(due.saturating_duration_since(Instant::now())));
            }
            wishes.dirty = false;
            drop(wishes);
            self.flush(view);
            wishes = self.core.wishes();
        }
    }

    fn flush(&self, view: &View) {
        let now = self.core.clock.now();
        let done =
            catch_unwind(AssertUnwindSafe(|| view.records.prune(now).and_then(|()| view.records.flush())));
        match done {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the record view was not flushed; the log holds what it holds")
            }
            Err(_) => self.core.wish(|wishes| wishes.reopen = true),
        }
    }

    /// Opens, catches up, and shows the view; a view that cannot be had is made anew.
    fn open(&self, fresh: bool) -> Opened {
        let _window = Window::begin("open");
        let dir = self.core.dir.join("records");
        let mut fresh = fresh;
        loop {
            if self.core.wishes().close {
                return Opened::Closed;
            }
            if fresh {
                self.set_aside(&dir);
            }
            match self.open_once(&dir) {
                Ok((records, meta)) => {
                    let rebuilding = fresh;
                    match self.catch_up(records, meta, rebuilding) {
                        Ok(Some(view)) => {
                            self.remove_set_aside();
                            return Opened::View(view);
                        }
                        Ok(None) => return Opened::Closed,
                        Err(Trouble::Room) => self.pause(),
                        Err(Trouble::Damage(why)) => {
                            self.tell_rebuild(&why);
                            fresh = true;
                        }
                    }
                }
                Err(Trouble::Room) => self.pause(),
                Err(Trouble::Damage(why)) => {
                    self.tell_rebuild(&why);
                    fresh = true;
                }
            }
        }
    }

    fn pause(&self) {
        let wishes = self.core.wishes();
        drop(self.core.wait_wish(wishes, Some(ROOM_PAUSE)));
    }

    fn tell_rebuild(&self, why: &str) {
        tracing::warn!(why, "the record view is rebuilt from the log");
        self.core.note(Note {
            kind: "hub.view_rebuilt",
            severity: Severity::Warn,
            data: object(json!({ "view": "records", "why": why })),
        });
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

    fn open_once(&self, dir: &Path) -> Result<(Records, Meta), Trouble> {
        let cursor = self.core.log.cursor(Sequence::ZERO);
        let deadline = Instant::now() + LOCK_PATIENCE;
        loop {
            let opened = catch_unwind(AssertUnwindSafe(|| Records::open(dir, cursor.log, cursor.epoch)));
            match opened {
                Ok(Ok((records, meta))) => {
                    let head = self.core.log.head();
                    if meta.applied > head {
                        self.tell_lost(meta.applied, head);
                        return Err(Trouble::Damage("it knows of more than the log holds".to_owned()));
                    }
                    if meta.epoch != cursor.epoch {
                        return Err(Trouble::Damage("the log's history changed".to_owned()));
                    }
                    return Ok((records, meta));
                }
                Ok(Err(error)) if is_locked(&error) && Instant::now() < deadline => {
                    std::thread::sleep(LOCK_PAUSE)
                }
                Ok(Err(error)) => return Err(trouble(&error)),
                Err(_) => return Err(Trouble::Damage("it panicked while it was opened".to_owned())),
            }
        }
    }

    /// Applies what the log holds after the view; `None` when the store closes meanwhile.
    fn catch_up(&self, records: Records, meta: Meta, rebuilding: bool) -> Result<Option<Arc<View>>, Trouble> {
        let view = Arc::new(View { records, meta: Mutex::new(meta), complete: AtomicBool::new(false) });
        let mut meta = meta;
        *sound(self.core.view.write()) = Some(view.clone());
        loop {
            let head = self.core.log.head();
            if meta.applied >= head {
                break;
            }
            self.core.set_records(if rebuilding {
                ViewState::Rebuilding { applied: meta.applied, head }
            } else {
                ViewState::CatchingUp { applied: meta.applied, head }
            });
            if self.core.wishes().close {
                *sound(self.core.view.write()) = None;
                return Ok(None);
            }
            let entries = self
                .core
                .log
                .read(meta.applied, STEP_EVENTS)
                .map_err(|error| Trouble::Damage(error.to_string()))?;
            if entries.is_empty() {
                // Only damaged frames are left: their loss has been told.
                meta.applied = head;
                break;
            }
            let applied = catch_unwind(AssertUnwindSafe(|| view.records.apply(&entries, &mut meta)));
            match applied {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(trouble(&error)),
                Err(_) => return Err(Trouble::Damage("it panicked while it caught up".to_owned())),
            }
            self.core.set_counts(&meta);
        }
        *sound(view.meta.lock()) = meta;
        view.complete.store(true, Ordering::Release);
        self.core.set_counts(&meta);
        self.core.head.send_if_modified(|head| {
            let moved = *head != self.core.log.head();
            *head = self.core.log.head();
            moved
        });
        self.core.set_records(ViewState::Ready);
        self.core.set_writes(Writes::Open);
        if rebuilding {
            self.core.wish(|wishes| wishes.dirty = true);
        }
        Ok(Some(view))
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

enum Trouble {
    /// The disk is full or read-only: the view itself may be sound.
    Room,
    Damage(String),
}

fn io_kind(error: &RecordsError) -> Option<io::ErrorKind> {
    match error {
        RecordsError::Sled(sled::Error::Io(error)) | RecordsError::Io(error) => Some(error.kind()),
        _ => None,
    }
}

fn is_locked(error: &RecordsError) -> bool {
    let text = error_text(error);
    io_kind(error) == Some(io::ErrorKind::WouldBlock) || text.contains("could not acquire lock")
}

fn trouble(error: &RecordsError) -> Trouble {
    match io_kind(error) {
        Some(
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::ReadOnlyFilesystem,
        ) => Trouble::Room,
        _ => Trouble::Damage(error_text(error)),
    }
}

fn error_text(error: &RecordsError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
