//! Masks: which memories a query may see, by shard; and the statistics of exactly those.
//!
//! **Invariant**: filters act here, before anything is ranked or counted. What a mask leaves out moves no score, no
//! total and no completion.

use super::{
    document::Field,
    plan::{Not, Plan, Sieve},
    shard::{Bits, IndexError, Positions, Seat},
};

/// Shard by shard the memories to see, and what they come to.
pub(super) struct Mask {
    pub seen: Vec<Bits>,
    pub memories: u64,
    chunks: u64,
    length: u64,
}

impl Mask {
    pub(super) fn of(seats: &[Seat<'_>], sieve: &Sieve) -> Result<Mask, IndexError> {
        let mut mask = Mask { seen: Vec::new(), memories: 0, chunks: 0, length: 0 };
        for seat in seats {
            let seen = sift(seat, sieve)?;
            let table = seat.shard.table();
            mask.memories += seen.count();
            for (memory, length) in table.memory_of.iter().zip(&table.length) {
                if seen.has(*memory) {
                    mask.chunks += 1;
                    mask.length += u64::from(*length);
                }
            }
            mask.seen.push(seen);
        }
        Ok(mask)
    }

    /// The mean length of a chunk.
    pub(super) fn mean_length(&self) -> f32 {
        if self.length == 0 { 1.0 } else { (self.length as f64 / self.chunks as f64) as f32 }
    }

    /// How many of the memories hold a term.
    pub(super) fn documents(&self, seats: &[Seat<'_>], field: Field, term: &str) -> Result<u64, IndexError> {
        let mut count = 0;
        for (seat, seen) in seats.iter().zip(&self.seen) {
            let memory_of = &seat.shard.table().memory_of;
            let mut last = u32::MAX;
            seat.shard.postings(field, term, &mut |chunks, _| {
                for chunk in chunks {
                    let memory = memory_of[*chunk as usize];
                    if memory != last && seen.has(memory) {
                        count += 1;
                    }
                    last = memory;
                }
            })?;
        }
        Ok(count)
    }
}

fn sift(seat: &Seat<'_>, sieve: &Sieve) -> Result<Bits, IndexError> {
    let table = seat.shard.table();
    let mut seen = Bits::full(table.memories());
    seen.and_not(seat.dead);
    for any_of in &sieve.all {
        seen.and(&holding(seat, Field::Facet, any_of)?);
    }
    if let Some(prefix) = &sieve.begins {
        let mut facets = Vec::new();
        seat.shard.terms(Field::Facet, prefix, &mut |facet, _| {
            facets.push(facet.to_owned());
            true
        })?;
        seen.and(&holding(seat, Field::Facet, &facets)?);
    }
    if !sieve.none.is_empty() {
        seen.and_not(&holding(seat, Field::Facet, &sieve.none)?);
    }
    if sieve.since.is_some() || sieve.until.is_some() {
        for (memory, time) in table.updated_at.iter().enumerate() {
            let inside = sieve.since.is_none_or(|since| *time >= since)
                && sieve.until.is_none_or(|until| *time < until);
            if !inside {
                seen.unset(memory as u32);
            }
        }
    }
    Ok(seen)
}

/// The memories of a shard that hold any of these terms.
fn holding(seat: &Seat<'_>, field: Field, any_of: &[String]) -> Result<Bits, IndexError> {
    let table = seat.shard.table();
    let mut memories = Bits::empty(table.memories());
    for term in any_of {
        seat.shard.postings(field, term, &mut |chunks, _| {
            for chunk in chunks {
                memories.set(table.memory_of[*chunk as usize]);
            }
        })?;
    }
    Ok(memories)
}

/// The memories of a shard that the plan's phrases and exclusions let through; none where it has none.
pub(super) fn strict(seat: &Seat<'_>, plan: &Plan) -> Result<Option<Bits>, IndexError> {
    if plan.phrases.is_empty() && plan.nots.is_empty() {
        return Ok(None);
    }
    let mut through = Bits::full(seat.shard.table().memories());
    for phrase in &plan.phrases {
        through.and(&with_phrase(seat, phrase)?);
    }
    for not in &plan.nots {
        through.and_not(&match not {
            Not::Stem(stem) => holding(seat, Field::Stem, std::slice::from_ref(stem))?,
            Not::Phrase(phrase) => with_phrase(seat, phrase)?,
        });
    }
    Ok(Some(through))
}

/// The memories of a shard with these words one after another.
fn with_phrase(seat: &Seat<'_>, words: &[String]) -> Result<Bits, IndexError> {
    let table = seat.shard.table();
    let mut memories = Bits::empty(table.memories());
    let mut walks: Vec<Box<dyn Positions + '_>> = Vec::with_capacity(words.len());
    for word in words {
        match seat.shard.positions(word)? {
            Some(walk) => walks.push(walk),
            None => return Ok(memories),
        }
    }
    let (mut starts, mut next) = (Vec::new(), Vec::new());
    let mut target = 0;
    'chunks: loop {
        for walk in &mut walks {
            walk.seek(target);
            match walk.chunk() {
                Some(chunk) if chunk == target => {}
                Some(chunk) => {
                    target = chunk;
                    continue 'chunks;
                }
                None => return Ok(memories),
            }
        }
        let memory = table.memory_of[target as usize];
        if !memories.has(memory) {
            for (offset, walk) in walks.iter_mut().enumerate() {
                walk.read(&mut next);
                if offset == 0 {
                    starts.clone_from(&next);
                } else {
                    starts.retain(|start| next.binary_search(&(start + offset as u32)).is_ok());
                }
            }
            if !starts.is_empty() {
                memories.set(memory);
            }
        }
        target += 1;
    }
}
