//! Writing the record view into a fresh directory beside the one in use: sled's files never shrink, and what was deleted
//! from them can still be read there.
//!
//! The rows are copied while writes go on, the log from before the copy is applied to it, and the keeper lets it take the
//! place of the other while writes stand still for a moment. Reads are answered all the while.

use std::{
    sync::{Arc, Mutex, atomic::AtomicBool, mpsc},
    time::Instant,
};

use super::{
    cleaner::{CleanedPart, Overseer, stopped},
    core::{Core, Swap, View, sound},
    keeper::{Keeper, LOCK_PATIENCE, LOCK_PAUSE, STEP_EVENTS},
    log_fault,
    records::{Applying, Dirs, Filling, Meta, Records, RecordsError},
    snapshot::{self, SnapshotError},
    window::Window,
    writer::records_fault,
};
use crate::model::{Fault, Sequence};

/// Rows copied before the progress is told again.
const COPY_STEP: u64 = 1_000;

impl Core {
    /// Writes the record view anew where that is worth it, or has to be; then its snapshots too. Answers whether it was.
    pub fn renew_view(&self, must: bool, overseer: &Overseer<'_>) -> Result<bool, Fault> {
        let view = self.complete_view()?;
        if !must && !view.records.is_bloated().map_err(records_fault)? {
            return Ok(false);
        }
        if must {
            self.renew_snapshot(&view, overseer)?;
        }
        let (records, meta) = self.copy(&view, overseer)?;
        drop(view);
        let (reply, swapped) = mpsc::sync_channel(1);
        self.wish(|wishes| {
            if !wishes.close {
                wishes.swap = Some(Swap { records, meta, reply });
            }
        });
        swapped.recv().map_err(|_| Fault::unavailable("the store closes"))??;
        Ok(true)
    }

    /// Where there are snapshots, one of now takes the place of all.
    fn renew_snapshot(&self, view: &View, overseer: &Overseer<'_>) -> Result<(), Fault> {
        let _one = sound(self.snapshotting.lock());
        if snapshot::all(&self.dir).is_empty() {
            return Ok(());
        }
        let failed = |error: &dyn std::error::Error| {
            Fault::unavailable("no snapshot could be written in the place of those that are to go")
                .cause(error)
        };
        let head = sound(view.meta.lock()).head();
        let rows = |each: &mut snapshot::Each<'_>| {
            let shown = view.records.primary(&mut |key, value| !(overseer.stop)() && each(key, value));
            match shown {
                Ok(()) if !(overseer.stop)() => Ok(()),
                _ => Err(SnapshotError::Stopped),
            }
        };
        snapshot::write(&self.dir, &head, rows).map_err(|error| failed(&error))?;
        snapshot::keep_from(&self.dir, &head).map_err(|error| failed(&error))
    }

    /// The view as it is now, in a directory of its own, on disk.
    fn copy(&self, view: &View, overseer: &Overseer<'_>) -> Result<(Records, Meta), Fault> {
        let _window = Window::begin("compact");
        let dir = Dirs::of(&self.dir).fresh().map_err(|error| records_fault(error.into()))?;
        let cursor = self.log.cursor(Sequence::ZERO);
        let head = sound(view.meta.lock()).head();
        let of = self.state.borrow().memories.unwrap_or(0);
        let (records, empty) = Records::open(&dir, cursor.log, cursor.epoch).map_err(records_fault)?;
        let mut filling = Filling::begin(&records, empty).map_err(records_fault)?;
        let (mut rows, mut failed) = (0, None);
        let shown = view.records.primary(&mut |key, value| {
            if rows % COPY_STEP == 0 {
                (overseer.progress)(CleanedPart::Records, rows.min(of), of);
            }
            rows += 1;
            failed = filling.restore(key, value).err();
            failed.is_none() && !(overseer.stop)()
        });
        shown.and(failed.map_or(Ok(()), Err)).map_err(records_fault)?;
        if (overseer.stop)() {
            return Err(stopped());
        }
        filling.restored(head.applied);
        let meta = filling.finish(&|| !(overseer.stop)()).map_err(records_fault)?.ok_or_else(stopped)?;
        let meta = self.follow_log(&records, meta)?;
        records.flush(&meta).map_err(records_fault)?;
        Ok((records, meta))
    }

    fn follow_log(&self, records: &Records, mut meta: Meta) -> Result<Meta, Fault> {
        let head = self.log.head();
        while meta.applied < head {
            let entries = self.log.read(meta.applied, STEP_EVENTS).map_err(log_fault)?;
            if entries.is_empty() {
                break;
            }
            Applying::apply(records, &entries, &mut meta).map_err(records_fault)?;
        }
        Ok(meta.at(head))
    }
}

impl Keeper {
    /// Lets a fresh view take the place of the old one; answers the one that is in use then.
    pub fn swap(&self, old: Arc<View>, swap: Swap) -> Arc<View> {
        let Swap { records, meta, reply } = swap;
        let done = self.take_place(records, meta);
        let (view, done) = match done {
            Ok(view) => {
                let removed = self.let_go(old, &view);
                (view, removed)
            }
            Err(fault) => (old, Err(fault)),
        };
        // Who asked may have gone.
        drop(reply.send(done));
        view
    }

    fn take_place(&self, records: Records, meta: Meta) -> Result<Arc<View>, Fault> {
        let standing_still = sound(self.core.gate.lock());
        if meta.epoch != self.core.log.cursor(Sequence::ZERO).epoch {
            return Err(Fault::unavailable("the log's history changed while the record view was copied"));
        }
        let meta = self.core.follow_log(&records, meta)?;
        records.flush(&meta).map_err(records_fault)?;
        Dirs::of(&self.core.dir)
            .settle(records.dir())
            .map_err(|error| records_fault(RecordsError::from(error)))?;
        let view = Arc::new(View { records, meta: Mutex::new(meta), complete: AtomicBool::new(true) });
        *sound(self.core.view.write()) = Some(view.clone());
        self.core.set_counts(&meta);
        drop(standing_still);
        Ok(view)
    }

    /// Removes the old one when its last reader is done with it.
    fn let_go(&self, old: Arc<View>, new: &View) -> Result<(), Fault> {
        let deadline = Instant::now() + LOCK_PATIENCE;
        while Arc::strong_count(&old) > 1 {
            if Instant::now() > deadline {
                return Err(Fault::unavailable("the record view that was replaced is still being read"));
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        drop(old);
        Dirs::of(&self.core.dir)
            .keep_only_dir(new.records.dir())
            .map_err(|error| records_fault(RecordsError::from(error)))
    }
}
