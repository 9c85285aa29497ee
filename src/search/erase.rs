//! Erasing: what is no longer in the index goes from its files as well.
//!
//! What was deleted from a segment stays in it (terms, positions, text) until it is merged, and the vectors' files keep
//! those of texts that are gone. Here all of it is rewritten at once, beside searches and the feed:
//!
//! ```text
//! commit ─ rewrite what holds deletions ─ show searches the new segments ─ wait until the old files are unlinked
//!        └ vectors of no live text: forgotten, overwritten, their files closed up
//! ```
//!
//! **Invariant**: no answer changes. Killed anywhere, the index opens as it was or as it will be, and the next time begins
//! from the start.

use std::{collections::HashSet, sync::PoisonError, thread, time::Duration};

use rustc_hash::FxHashSet;
use tantivy::index::SegmentId;

use super::{
    Lexical, analysis,
    disk::Rewritten,
    meaning::{Key, Places},
    shard::IndexError,
    writer::{Shared, Writer},
};
use crate::model::{Fault, Sequence};

/// Updates delete too: after so many rounds of rewriting what was deleted from meanwhile, somebody asks again later.
const ROUNDS_MAX: usize = 16;
/// How often one who waits for another's merge looks whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

impl Lexical {
    /// Erases from the index's files all that the log up to `to` deleted; when this returns, none of them holds it.
    /// `progress` is told of segments done, and of how many.
    ///
    /// Takes as long as rewriting the segments does, and blocks meanwhile. Refused as unavailable where the index has not
    /// applied `to`, is begun anew meanwhile, or `stop` said so: to be asked again, nothing is lost.
    pub fn erase(
        &self,
        to: Sequence,
        stop: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Fault> {
        let shared = &*self.shared;
        let _one = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        shared.wait_until(|control| control.opened);
        let (generation, applied) = {
            let content = shared.read();
            (content.generation, content.applied)
        };
        let state = shared.state();
        if !state.is_ready() || applied < to {
            let message = format!("the search index is {} and cannot erase yet", state.words());
            return Err(Fault::unavailable(message).hint("ask again when it is ready"));
        }
        let erasing = Erasing { shared, generation, stop };
        erasing.on_writer(move |writer| writer.refresh(generation, applied))?;
        erasing.rewrite(progress)?;
        if let Some(why) = shared.control().no_meaning.clone() {
            return Err(Fault::unavailable("the vectors cannot be erased").cause(why));
        }
        erasing.vectors()?;
        analysis::forget_words();
        if let Some(meaning) = shared.meaning() {
            meaning.forget_asked();
        }
        erasing.is_the_same()
    }
}

/// Gives back the space of the vectors' files, where most of it is of texts that are gone.
pub(super) fn shrink(shared: &Shared) {
    let Some(meaning) = shared.meaning() else { return };
    let (generation, live) = {
        let content = shared.read();
        (content.generation, content.live_keys().count())
    };
    if !meaning.is_wasteful(live) || !shared.state().is_ready() {
        return;
    }
    let erasing = Erasing { shared, generation, stop: &|| false };
    match erasing.vectors() {
        Ok(()) => tracing::info!(texts = live, "the vectors' files were closed up"),
        Err(fault) => tracing::warn!(%fault, cause = ?fault.cause, "the vectors' files were not closed up"),
    }
}

struct Erasing<'a> {
    shared: &'a Shared,
    /// Of the index that is to be erased from.
    generation: u64,
    stop: &'a dyn Fn() -> bool,
}

impl Erasing<'_> {
    fn rewrite(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Fault> {
        let (mut old, mut new) = (HashSet::new(), HashSet::new());
        let mut done = 0;
        let mut rounds = 0;
        while rounds < ROUNDS_MAX {
            let but = new.clone();
            let rewrites = self.on_writer(move |writer| writer.disk()?.rewrite(&but))?;
            if rewrites.is_empty() {
                return self.unlink(old);
            }
            let of = done + rewrites.len() as u64;
            let mut in_vain = false;
            for rewrite in rewrites {
                old.insert(rewrite.of);
                match rewrite.wait(self.stop).map_err(failed)? {
                    Rewritten::Into(segment) => {
                        new.extend(segment);
                        done += 1;
                        progress(done, of);
                    }
                    Rewritten::InVain => in_vain = true,
                    Rewritten::Stopped => return Err(stopped()),
                }
            }
            match in_vain {
                // Refused at once while the other merge goes on: what comes of it is looked at then.
                true => thread::park_timeout(LOOK),
                false => rounds += 1,
            }
        }
        Err(Fault::unavailable("too much was deleted from the search index while it was erasing"))
    }

    /// Waits until there are no files of these segments, nor of what a merge that read them was writing: it ends in vain,
    /// as they are no part of the index any more.
    fn unlink(&self, segments: HashSet<SegmentId>) -> Result<(), Fault> {
        let generation = self.generation;
        self.on_writer(move |writer| writer.refresh(generation, Sequence::ZERO))?;
        let mut awaited = segments;
        for _ in 0..2 {
            awaited = loop {
                let left = self.on_writer(|writer| writer.disk()?.sweep())?;
                if left.is_disjoint(&awaited) {
                    break left;
                }
                thread::park_timeout(LOOK);
            };
        }
        Ok(())
    }

    /// Erases the vectors that no live text has. A text that comes back meanwhile may lose its own: it is made again.
    fn vectors(&self) -> Result<(), Fault> {
        let Some(meaning) = self.shared.meaning() else { return Ok(()) };
        let _still = self.shared.backlog.hold();
        let live: FxHashSet<Key> = self.shared.read().live_keys().collect();
        self.is_the_same()?;
        if let Some(places) = meaning.without(|key| live.contains(key)) {
            self.move_vectors(places)?;
        }
        if let Some(places) = meaning.closed_up().map_err(failed)? {
            self.move_vectors(places)?;
        }
        meaning.wipe().map_err(failed)
    }

    fn move_vectors(&self, places: Places) -> Result<(), Fault> {
        let generation = self.generation;
        match self.on_writer(move |writer| Ok(writer.move_vectors(generation, &places)))? {
            true => Ok(()),
            false => Err(begun_anew()),
        }
    }

    fn is_the_same(&self) -> Result<(), Fault> {
        let same = self.shared.read().generation == self.generation;
        if same { Ok(()) } else { Err(begun_anew()) }
    }

    fn on_writer<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Writer) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, Fault> {
        if (self.stop)() {
            return Err(stopped());
        }
        self.is_the_same()?;
        self.shared.on_writer(job).map_err(failed)
    }
}

fn failed(why: impl std::fmt::Display) -> Fault {
    Fault::unavailable("the search index could not erase what is gone from it").cause(why)
}

fn stopped() -> Fault {
    Fault::unavailable("erasing from the search index was stopped")
}

fn begun_anew() -> Fault {
    Fault::unavailable("the search index was begun anew while it was erasing")
        .hint("ask again when it is ready")
}
