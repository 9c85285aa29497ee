//! The content of the index: the shards on disk, the one being written to disk, and the fresh one in memory.
//!
//! **Invariant**: of every memory at most one revision is live over all shards, the newest applied. What is applied
//! grows entry by entry, without holes.

use std::sync::Arc;

use super::{
    disk::DiskShard,
    document::Document,
    meaning::Key,
    memory::MemoryShard,
    shard::{Bits, IndexError, Seat, Shard},
};
use crate::model::{Change, Id, Sequence};

/// What is fresh is written when it is so many memories, or so many bytes of text.
const FRESH_MEMORIES_GOOD: f32 = 1_000.0;
const FRESH_BYTES_GOOD: f32 = (4 << 20) as f32;
/// So many times as much of what no search looks into: it is small, and fewer commits are less work.
const PASSING_TIMES: f32 = 8.0;

/// What an entry does to the index.
pub(super) enum Step {
    Put(Document),
    Take(Id),
}

impl Step {
    pub(super) fn of(change: &Change) -> Option<Step> {
        match change {
            Change::Put { memory } | Change::Restore { memory } => Some(Step::Put(Document::of(memory))),
            Change::Decide { decision } => Some(Step::Put(Document::of_decision(decision))),
            Change::Forget { id } | Change::Erase { id } => Some(Step::Take(*id)),
            Change::Accessed { .. }
            | Change::Counted { .. }
            | Change::Erased { .. }
            | Change::Define { .. }
            | Change::Stand { .. }
            | Change::Run { .. }
            | Change::Key { .. }
            | Change::Pass { .. } => None,
        }
    }
}

#[derive(Default)]
pub(super) struct Content {
    disk: Vec<(Arc<DiskShard>, Bits)>,
    sealed: Option<Sealed>,
    fresh: MemoryShard,
    fresh_dead: Bits,
    /// Records put and taken since the index was opened.
    pub changes: u64,
    /// What a search sees.
    pub applied: Sequence,
    /// What is committed to disk.
    pub durable: Sequence,
    /// Counts how often the index began anew: who works on an older one drops what it did.
    pub generation: u64,
}

/// What is being written to disk.
#[derive(Clone)]
pub(super) struct Sealed {
    pub shard: Arc<MemoryShard>,
    pub dead: Bits,
    pub sequence: Sequence,
    pub generation: u64,
}

impl Content {
    /// What a search sees.
    pub(super) fn seats(&self) -> Vec<Seat<'_>> {
        let disk = self.disk.iter().map(|(shard, dead)| Seat { shard: &**shard, dead });
        let sealed = self.sealed.iter().filter(|sealed| !sealed.shard.is_passing());
        let sealed = sealed.map(|sealed| Seat { shard: &*sealed.shard, dead: &sealed.dead });
        let fresh = Some(Seat { shard: &self.fresh, dead: &self.fresh_dead });
        let fresh = fresh.filter(|_| !self.fresh.is_empty() && !self.fresh.is_passing());
        disk.chain(sealed).chain(fresh).collect()
    }

    /// Something is applied that no search sees before it is on disk.
    pub(super) fn is_passing(&self) -> bool {
        let sealed = self.sealed.as_ref().is_some_and(|sealed| sealed.shard.is_passing());
        sealed || self.fresh.is_passing() && !self.fresh.is_empty()
    }

    /// `passing`: nobody will search it before it is on disk, which saves half of the work.
    pub(super) fn apply(&mut self, step: Step, passing: bool) -> Result<(), IndexError> {
        self.changes += 1;
        if self.fresh.is_empty() && self.fresh.is_passing() != passing {
            self.fresh = if passing { MemoryShard::passing() } else { MemoryShard::default() };
        }
        let id = match step {
            Step::Put(document) => {
                let id = document.id;
                self.fresh.put(document, &mut self.fresh_dead);
                id
            }
            Step::Take(id) => {
                self.fresh.take(id, &mut self.fresh_dead);
                id
            }
        };
        if let Some(sealed) = &mut self.sealed
            && let Some(Some(memory)) = sealed.shard.touched().get(&id)
        {
            sealed.dead.set(*memory);
        }
        for (shard, dead) in &mut self.disk {
            shard.shadow(id, dead)?;
        }
        Ok(())
    }

    /// Live texts that have no vector yet.
    pub(super) fn without_vector(&self) -> u64 {
        let of = |Seat { shard, dead }: Seat<'_>| {
            let table = shard.table();
            let live = |chunk: &u32| !dead.has(table.memory_of[*chunk as usize]);
            (0..table.chunks() as u32).filter(|chunk| table.slot(*chunk).is_none()).filter(live).count()
                as u64
        };
        self.seats().into_iter().map(of).sum()
    }

    /// The live chunks' texts, whether a search sees them yet or not.
    pub(super) fn live_keys(&self) -> impl Iterator<Item = Key> {
        let disk = self.disk.iter().map(|(shard, dead)| (shard.table(), dead));
        let sealed = self.sealed.iter().map(|sealed| (sealed.shard.table(), &sealed.dead));
        let fresh = (self.fresh.table(), &self.fresh_dead);
        disk.chain(sealed).chain([fresh]).flat_map(|(table, dead)| {
            let chunks = table.keys.iter().zip(&table.memory_of);
            chunks.filter(|(_, memory)| !dead.has(**memory)).map(|(key, _)| *key)
        })
    }

    /// How much only memory holds and nobody writes yet, in parts of what is good to write at once.
    pub(super) fn fullness(&self) -> f32 {
        let more = if self.fresh.is_passing() { PASSING_TIMES } else { 1.0 };
        let memories = self.fresh.touched().len() as f32 / FRESH_MEMORIES_GOOD;
        (memories.max(self.fresh.bytes() as f32 / FRESH_BYTES_GOOD)) / more
    }

    pub(super) fn is_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.sealed.is_some()
    }

    /// Sets what is fresh aside to be written; what was set aside before and failed comes first.
    pub(super) fn seal(&mut self) -> Sealed {
        let sealed = self.sealed.get_or_insert_with(|| Sealed {
            shard: Arc::new(std::mem::take(&mut self.fresh)),
            dead: std::mem::take(&mut self.fresh_dead),
            sequence: self.applied,
            generation: self.generation,
        });
        sealed.clone()
    }

    pub(super) fn shards(&self) -> Vec<Arc<DiskShard>> {
        self.disk.iter().map(|(shard, _)| Arc::clone(shard)).collect()
    }

    /// Takes in the shards of a commit up to `sequence`, which hold what was sealed.
    pub(super) fn committed(
        &mut self,
        shards: Vec<Arc<DiskShard>>,
        sequence: Sequence,
    ) -> Result<(), IndexError> {
        self.disk.clear();
        for shard in shards {
            let mut dead = shard.gone().clone();
            for id in self.fresh.touched().keys() {
                shard.shadow(*id, &mut dead)?;
            }
            self.disk.push((shard, dead));
        }
        self.sealed = None;
        self.durable = sequence;
        self.applied = self.applied.max(sequence);
        Ok(())
    }

    /// Nothing is held, nothing is applied.
    pub(super) fn begin_anew(&mut self) {
        *self = Content { generation: self.generation + 1, changes: self.changes + 1, ..Content::default() };
    }
}
