//! A shard: a part of the index with chunk numbers of its own. One on disk (a tantivy segment) and one in memory (what
//! is newer) have the same face, so that ranking, filters and statistics are written once, over all of them.
//!
//! **Invariant**: the chunks of a memory are neighbours, in order; the first of them carries the facets, all of them its
//! id. A memory is live in at most one shard: every other occurrence of it is in that shard's `dead`.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::{
    document::{Field, Shown},
    meaning::{Key, Meaning, Places, Slot},
};
use crate::model::{Id, Time};

/// What went wrong while reading or writing the index; every such answer is a reason to build it anew.
#[derive(Debug, thiserror::Error)]
pub(super) enum IndexError {
    #[error("the index: {0}")]
    Tantivy(#[from] tantivy::TantivyError),
    #[error("the index's files: {0}")]
    File(#[from] std::io::Error),
    #[error("the index holds {0} that does not fit the rest")]
    Torn(&'static str),
}

/// A seat of a shard in the index: the shard, and which of its memories no longer count.
#[derive(Clone, Copy)]
pub(super) struct Seat<'a> {
    pub shard: &'a dyn Shard,
    pub dead: &'a Bits,
}

pub(super) trait Shard: Send + Sync {
    fn table(&self) -> &Table;

    /// Blocks of chunks that hold a term, ascending, with how often.
    fn postings(
        &self,
        field: Field,
        term: &str,
        each: &mut dyn FnMut(&[u32], &[u32]),
    ) -> Result<(), IndexError>;

    /// A term of the word field with its positions; none where no chunk holds it.
    fn positions(&self, term: &str) -> Result<Option<Box<dyn Positions + '_>>, IndexError>;

    /// Terms that begin with `prefix` and how many chunks hold each (dead ones too), until `each` answers `false`.
    fn terms(
        &self,
        field: Field,
        prefix: &str,
        each: &mut dyn FnMut(&str, u32) -> bool,
    ) -> Result<(), IndexError>;

    fn shown(&self, chunk: u32) -> Result<Shown, IndexError>;
}

/// A walk over the chunks that hold a term.
pub(super) trait Positions {
    /// The chunk it stands at; none past the last.
    fn chunk(&self) -> Option<u32>;

    /// On to the first chunk at or after this one.
    fn seek(&mut self, chunk: u32);

    /// Where in the chunk the term stands, ascending.
    fn read(&mut self, out: &mut Vec<u32>);
}

/// What ranking needs of every chunk and memory, in plain arrays.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// By chunk: its memory.
    pub memory_of: Vec<u32>,
    /// By chunk: how long it counts as.
    pub length: Vec<u32>,
    /// By memory.
    pub first_chunk: Vec<u32>,
    pub ids: Vec<Id>,
    pub updated_at: Vec<Time>,
    /// By chunk: the hash of what the model reads of it, and where its vector lies, as far as it has one.
    pub keys: Vec<Key>,
    slots: Vec<AtomicU32>,
    /// Chunks whose vectors were looked for when they came.
    looked_for: AtomicUsize,
}

/// No vector yet.
const NO_SLOT: u32 = u32::MAX;

impl Table {
    pub(super) fn memories(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn chunks(&self) -> usize {
        self.memory_of.len()
    }

    /// Takes in the next memory; its chunks follow.
    pub(super) fn begin(&mut self, id: Id, updated_at: Time) {
        self.first_chunk.push(self.memory_of.len() as u32);
        self.ids.push(id);
        self.updated_at.push(updated_at);
    }

    /// The next chunk of the memory begun last.
    pub(super) fn push_chunk(&mut self, length: u32, key: Key) {
        self.memory_of.push(self.ids.len().saturating_sub(1) as u32);
        self.length.push(length);
        self.keys.push(key);
        self.slots.push(AtomicU32::new(NO_SLOT));
    }

    /// The chunks of a memory.
    pub(super) fn chunks_of(&self, memory: u32) -> std::ops::Range<u32> {
        let first = self.first_chunk[memory as usize];
        let end = self.first_chunk.get(memory as usize + 1).copied();
        first..end.unwrap_or(self.memory_of.len() as u32)
    }

    /// Where a chunk's vector lies.
    #[inline]
    pub(super) fn slot(&self, chunk: u32) -> Option<Slot> {
        let slot = self.slots[chunk as usize].load(Ordering::Relaxed);
        (slot != NO_SLOT).then_some(slot)
    }

    pub(super) fn set_slot(&self, chunk: u32, slot: Slot) {
        self.slots[chunk as usize].store(slot, Ordering::Relaxed);
    }

    /// All vectors are gone.
    pub(super) fn lose_vectors(&self) {
        self.slots.iter().for_each(|slot| slot.store(NO_SLOT, Ordering::Relaxed));
    }

    /// Vectors are elsewhere.
    pub(super) fn follow(&self, places: &Places) {
        for slot in &self.slots {
            let old = slot.load(Ordering::Relaxed);
            if old != NO_SLOT {
                slot.store(places.of(old).unwrap_or(NO_SLOT), Ordering::Relaxed);
            }
        }
    }

    /// Finds the vectors of chunks that came since the last time: a text that was here before has one.
    pub(super) fn look_for(&self, meaning: &Meaning) {
        let from = self.looked_for.swap(self.chunks(), Ordering::Relaxed);
        let found = meaning.slots(self.keys[from..].iter());
        for (chunk, slot) in found.into_iter().enumerate() {
            if let Some(slot) = slot {
                self.set_slot((from + chunk) as u32, slot);
            }
        }
    }
}

/// A set of small numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn empty(len: usize) -> Bits {
        Bits(vec![0; len.div_ceil(64)])
    }

    /// All numbers below `len`.
    pub(super) fn full(len: usize) -> Bits {
        let mut bits = Bits(vec![u64::MAX; len.div_ceil(64)]);
        if let Some(last) = bits.0.last_mut().filter(|_| !len.is_multiple_of(64)) {
            *last = (1 << (len % 64)) - 1;
        }
        bits
    }

    #[inline]
    pub(super) fn has(&self, i: u32) -> bool {
        self.0.get(i as usize / 64).is_some_and(|word| word >> (i % 64) & 1 == 1)
    }

    /// Takes in `i`, growing where needed.
    pub(super) fn set(&mut self, i: u32) {
        let at = i as usize / 64;
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (i % 64);
    }

    pub(super) fn unset(&mut self, i: u32) {
        if let Some(word) = self.0.get_mut(i as usize / 64) {
            *word &= !(1 << (i % 64));
        }
    }

    pub(super) fn and(&mut self, other: &Bits) {
        for (i, word) in self.0.iter_mut().enumerate() {
            *word &= other.0.get(i).copied().unwrap_or(0);
        }
    }

    pub(super) fn and_not(&mut self, other: &Bits) {
        for (word, not) in self.0.iter_mut().zip(&other.0) {
            *word &= !not;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros())?;
                word &= word - 1;
                Some(at as u32 * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_numbers() {
        let mut bits = Bits::full(70);
        assert_eq!((bits.count(), bits.has(69), bits.has(70)), (70, true, false));
        bits.unset(3);
        let mut odd = Bits::empty(70);
        (0..70).filter(|i| i % 2 == 1).for_each(|i| odd.set(i));
        bits.and(&odd);
        assert_eq!(bits.iter().take(3).collect::<Vec<_>>(), [1, 5, 7]);
        bits.and_not(&odd);
        assert_eq!(bits.count(), 0);
        bits.set(200);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [200]);
    }
}
