//! Meaning: vectors of texts by a model in this binary, where they are kept, and how near two are.
//!
//! ```text
//! text ─ pieces ─ encoder ─ vector ─ store (memory-mapped)
//!           └──────── rows ─ maxsim
//! ```
//!
//! A view of the log at one remove: vectors are known by the text they were made of. Nothing here knows of memories.

mod encoder;
pub(super) mod maxsim;
pub(super) mod pieces;
pub mod store;
pub mod vector;
pub(super) mod weights;

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use rustc_hash::FxHashMap;

pub(super) use self::store::{Key, Places, Records, Slot};
use self::{
    encoder::{Encoder, Lane},
    pieces::Piece,
    store::Store,
    vector::{DIMENSIONS, Vector},
};

use super::counted::Counted;
use crate::door::CacheStatus;

/// Vectors of queries kept.
const ASKED_MAX: u64 = 1_000;

/// The key of a text, as the model reads it.
pub fn key(text: &str) -> Key {
    let hash = blake3::hash(text.as_bytes());
    let mut key = Key::default();
    key.copy_from_slice(&hash.as_bytes()[..16]);
    key
}

/// A cheap handle.
#[derive(Clone)]
pub(super) struct Meaning(Arc<Inner>);

struct Inner {
    store: RwLock<Store>,
    /// Held by who changes the files, so that the store is not: a search does not wait for the disk.
    writing: Mutex<()>,
    encoder: OnceLock<Result<Encoder, String>>,
    asked: Counted<String, Arc<Vector>>,
    rows: RwLock<FxHashMap<Piece, Vector>>,
    /// Counts how often searches got to see new vectors.
    learned: AtomicU64,
}

/// Why the model has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mute(pub String);

impl Meaning {
    pub(super) fn open(dir: &Path) -> io::Result<Meaning> {
        Ok(Meaning(Arc::new(Inner {
            store: RwLock::new(Store::open(dir)?),
            writing: Mutex::default(),
            encoder: OnceLock::new(),
            asked: Counted::new(ASKED_MAX),
            rows: RwLock::default(),
            learned: AtomicU64::new(0),
        })))
    }

    /// Begins anew without a vector.
    pub(super) fn reset(&self) -> io::Result<()> {
        let _one = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.store.write().unwrap_or_else(PoisonError::into_inner).reset()
    }

    pub(super) fn cache(&self) -> CacheStatus {
        self.0.asked.status("queries")
    }

    /// Lets go of what was asked.
    pub(super) fn forget_asked(&self) {
        self.0.asked.clear();
    }

    fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.0.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether vectors that so few texts need take more than twice their space.
    pub(super) fn is_wasteful(&self, live: usize) -> bool {
        self.read().is_wasteful(live)
    }

    /// See [`Store::without`].
    pub(super) fn without(&self, live: impl Fn(&Key) -> bool) -> Option<Places> {
        self.read().without(live)
    }

    /// See [`Store::closed_up`].
    pub(super) fn closed_up(&self) -> io::Result<Option<Places>> {
        self.read().closed_up()
    }

    /// See [`Store::adopt`].
    pub(super) fn adopt(&self, places: &Places) {
        self.0.store.write().unwrap_or_else(PoisonError::into_inner).adopt(places);
    }

    /// See [`Store::wipe`].
    pub(super) fn wipe(&self) -> io::Result<()> {
        self.read().wipe()
    }

    /// Searches see new vectors from now on.
    pub(super) fn published(&self) {
        self.0.learned.fetch_add(1, Ordering::Relaxed);
    }

    /// Changes whenever searches see other vectors.
    pub(super) fn learned(&self) -> u64 {
        self.0.learned.load(Ordering::Relaxed)
    }

    /// Where the vectors of these texts lie, as far as there are any.
    pub(super) fn slots<'a>(&self, keys: impl Iterator<Item = &'a Key>) -> Vec<Option<Slot>> {
        let store = self.read();
        keys.map(|key| store.slot(key)).collect()
    }

    pub(super) fn records(&self) -> Records {
        self.read().records()
    }

    /// Loads the model, if it is not loaded.
    pub(super) fn load(&self) {
        if let Err(Mute(why)) = self.run(|_| Ok(())) {
            tracing::warn!(why, "the model was not loaded");
        }
    }

    /// Makes and keeps the vector of a text.
    pub(super) fn learn(&self, key: Key, text: &str) -> Result<(), LearnError> {
        let vector = self.run(|encoder| encoder.embed(text, Lane::Text)).map_err(LearnError::Mute)?;
        let _one = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let room = {
            let store = self.0.store.read().unwrap_or_else(PoisonError::into_inner);
            if store.slot(&key).is_some() {
                return Ok(());
            }
            store.room()
        };
        let written = room.write(key, &vector).map_err(LearnError::File)?;
        self.0.store.write().unwrap_or_else(PoisonError::into_inner).keep(key, written);
        Ok(())
    }

    /// The vector of a query.
    pub(super) fn ask(&self, query: &str) -> Result<Arc<Vector>, Mute> {
        let words = query.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        if let Some(known) = self.0.asked.get(&words, |_| true) {
            return Ok(known);
        }
        let vector = Arc::new(self.run(|encoder| encoder.embed(&words, Lane::Question))?);
        self.0.asked.put(words, Arc::clone(&vector));
        Ok(vector)
    }

    /// The model's own embedding of each piece, kept once it was asked for: there are 30,522, of 400 bytes.
    pub(super) fn rows(&self, pieces: &[Piece]) -> Result<Vec<Vector>, Mute> {
        let known = self.0.rows.read().unwrap_or_else(PoisonError::into_inner);
        let mut unknown: Vec<Piece> =
            pieces.iter().copied().filter(|piece| !known.contains_key(piece)).collect();
        drop(known);
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            let rows = self.run(|encoder| encoder.rows(&unknown))?;
            let mut known = self.0.rows.write().unwrap_or_else(PoisonError::into_inner);
            let rows = rows.chunks_exact(DIMENSIONS).filter_map(Vector::of);
            known.extend(unknown.into_iter().zip(rows));
        }
        let known = self.0.rows.read().unwrap_or_else(PoisonError::into_inner);
        let row = |piece| known.get(piece).cloned().ok_or_else(|| Mute("it left out a piece".to_owned()));
        pieces.iter().map(row).collect()
    }

    /// Asks the model, which is loaded for the first question. What panics there is an answer too.
    fn run<T>(&self, ask: impl FnOnce(&Encoder) -> Result<T, encoder::EncoderError>) -> Result<T, Mute> {
        let guarded = AssertUnwindSafe(|| {
            let loaded = self.0.encoder.get_or_init(|| Encoder::load().map_err(|error| error.to_string()));
            let encoder = loaded.as_ref().map_err(|why| Mute(why.clone()))?;
            ask(encoder).map_err(|error| Mute(error.to_string()))
        });
        catch_unwind(guarded).unwrap_or_else(|panic| Err(Mute(panic_words(&*panic).to_owned())))
    }
}

/// Why a text has no vector.
#[derive(Debug)]
pub(super) enum LearnError {
    Mute(Mute),
    File(io::Error),
}

/// What a panic said.
pub(super) fn panic_words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_panics_is_mute_and_answers_again() {
        let dir = tempfile::tempdir().unwrap();
        let meaning = Meaning::open(dir.path()).unwrap();
        let dead = meaning.run(|_| -> Result<(), encoder::EncoderError> { panic!("its thread was killed") });
        assert_eq!(dead, Err(Mute("its thread was killed".into())));
        assert!(meaning.ask("still there?").is_ok());
        assert_eq!(meaning.ask(" STILL  there?"), meaning.ask("still there?"));
        assert_eq!((meaning.cache().hits, meaning.cache().misses), (2, 1));
    }
}
