//! Ranking: BM25 (k1 1.2, b 0.5; Robertson and Zaragoza 2009) over chunks, term after term, with the statistics of the
//! memories that the query may see. A memory's score is its best chunk's.
//!
//! tantivy's own scorer has a fixed b and counts deleted documents and walled-off projects; its postings scored here
//! give one function for disk and memory, and the same scores however the index is cut into shards.
//!
//! **Invariant**: a chunk's score is a sum in the order of the plan's terms, so it is the same to the bit in every
//! cutting. The order is total: score, newest, id.

use std::{cmp::Ordering, collections::BinaryHeap};

use rustc_hash::FxHashMap;

use super::{
    document::Field,
    mask::{Mask, strict},
    plan::{Plan, What},
    shard::{IndexError, Seat},
};
use crate::model::{Id, Time};

const K1: f32 = 1.2;
const B: f32 = 0.5;
/// Completions of an unfinished word that rank.
const COMPLETIONS_MAX: usize = 20;
/// Terms of the dictionaries looked at for them.
const DICTIONARY_MAX: usize = 20_000;
/// Chunks looked at while choosing and scoring them.
const COMPLETION_CHUNKS_MAX: u64 = 100_000;

/// What orders hits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Key {
    pub score: f32,
    pub updated_at: Time,
    pub id: Id,
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    /// What comes first is less.
    fn cmp(&self, other: &Key) -> Ordering {
        other
            .score
            .total_cmp(&self.score)
            .then(other.updated_at.cmp(&self.updated_at))
            .then(self.id.cmp(&other.id))
    }
}

/// A memory at its place in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub key: Key,
    pub shard: usize,
    /// The best one.
    pub chunk: u32,
}

/// The answer of the lexical leg.
pub(super) struct Ranked {
    pub found: Vec<Found>,
    pub total: usize,
    /// By the plan's terms.
    pub terms: Vec<Scored>,
    pub memories: u64,
    pub mean_length: f32,
}

impl Ranked {
    /// Nothing was asked by words.
    pub(super) fn nothing(mask: &Mask) -> Ranked {
        Ranked {
            found: Vec::new(),
            total: 0,
            terms: Vec::new(),
            memories: mask.memories,
            mean_length: mask.mean_length(),
        }
    }
}

/// How a term was scored.
#[derive(Debug, Clone, Default)]
pub(super) struct Scored {
    /// Memories that hold it, of those the query may see.
    pub documents: u64,
    /// Terms of the word field that a prefix stood for.
    pub completions: Vec<String>,
    /// Weight by inverse document frequency.
    pub worth: f32,
}

impl Scored {
    /// What the term gives a chunk of this length that holds it so often.
    pub(super) fn score(&self, count: f32, length: u32, mean_length: f32) -> f32 {
        self.worth * saturated(count, length, mean_length)
    }
}

#[inline]
fn saturated(count: f32, length: u32, mean_length: f32) -> f32 {
    let norm = K1 * (1.0 - B) + K1 * B / mean_length * length as f32;
    count * (K1 + 1.0) / (count + norm)
}

pub(super) fn inverse_document_frequency(documents: u64, memories: u64) -> f32 {
    let (documents, memories) = (documents as f64, memories as f64);
    (1.0 + (memories - documents + 0.5) / (documents + 0.5)).ln() as f32
}

/// The best `limit` memories that come after `after`.
pub(super) fn rank(
    seats: &[Seat<'_>],
    plan: &Plan,
    mask: &Mask,
    limit: usize,
    after: Option<Key>,
) -> Result<Ranked, IndexError> {
    let mut ranked = Ranked::nothing(mask);
    if plan.hopeless {
        return Ok(ranked);
    }
    let mut scores: Vec<Vec<f32>> = seats
        .iter()
        .map(|seat| vec![0.0; if plan.ranks() { seat.shard.table().chunks() } else { 0 }])
        .collect();
    for term in &plan.terms {
        let mut scored = Scored::default();
        let mut terms = match &term.what {
            What::Stem(stem) => gather(seats, mask, Field::Stem, stem, &mut scored)?,
            What::Word(word) => gather(seats, mask, Field::Word, word, &mut scored)?,
            What::Prefix(prefix) => gather_completions(seats, mask, prefix, &mut scored)?,
        };
        scored.worth = term.weight * inverse_document_frequency(scored.documents, mask.memories);
        for ((seat, scores), postings) in seats.iter().zip(&mut scores).zip(&mut terms) {
            let length = &seat.shard.table().length;
            for (chunk, count) in postings.iter() {
                let length = length[*chunk as usize];
                scores[*chunk as usize] += scored.score(*count as f32, length, ranked.mean_length);
            }
        }
        ranked.terms.push(scored);
    }
    let mut best = Best { heap: BinaryHeap::with_capacity(limit + 1), limit, after };
    for (shard, seat) in seats.iter().enumerate() {
        let strict = strict(seat, plan)?;
        let passes = |memory: u32| strict.as_ref().is_none_or(|through| through.has(memory));
        let table = seat.shard.table();
        let key = |score, memory: u32| Key {
            score,
            updated_at: table.updated_at[memory as usize],
            id: table.ids[memory as usize],
        };
        if !plan.ranks() {
            for memory in mask.seen[shard].iter().filter(|memory| passes(*memory)) {
                ranked.total += 1;
                best.offer(Found { key: key(0.0, memory), shard, chunk: table.first_chunk[memory as usize] });
            }
            continue;
        }
        let scores = &scores[shard];
        let mut chunk = 0;
        while chunk < scores.len() {
            let memory = table.memory_of[chunk];
            let end = table.first_chunk.get(memory as usize + 1).map_or(scores.len(), |end| *end as usize);
            let mut top = chunk;
            for other in chunk + 1..end {
                if scores[other] > scores[top] {
                    top = other;
                }
            }
            if scores[top] > 0.0 && passes(memory) {
                ranked.total += 1;
                if best.could_take(scores[top]) {
                    best.offer(Found { key: key(scores[top], memory), shard, chunk: top as u32 });
                }
            }
            chunk = end;
        }
    }
    ranked.found = best.heap.into_sorted_vec();
    Ok(ranked)
}

/// The first `limit` of what is offered.
struct Best {
    heap: BinaryHeap<Found>,
    limit: usize,
    after: Option<Key>,
}

impl Best {
    fn could_take(&self, score: f32) -> bool {
        self.heap.len() < self.limit || self.heap.peek().is_some_and(|last| score >= last.key.score)
    }

    fn offer(&mut self, found: Found) {
        if self.after.is_some_and(|after| found.key <= after) {
            return;
        }
        if self.heap.len() < self.limit {
            self.heap.push(found);
        } else if self.heap.peek().is_some_and(|last| found < *last) {
            self.heap.pop();
            self.heap.push(found);
        }
    }
}

/// By shard the visible chunks that hold a term, with how often.
type Postings = Vec<Vec<(u32, u32)>>;

/// The postings of a term; counts the memories into `scored`.
fn gather(
    seats: &[Seat<'_>],
    mask: &Mask,
    field: Field,
    term: &str,
    scored: &mut Scored,
) -> Result<Postings, IndexError> {
    let mut postings = vec![Vec::new(); seats.len()];
    gather_into(&mut postings, seats, mask, field, term)?;
    count(seats, &postings, scored);
    Ok(postings)
}

/// The postings of the most frequent words that begin so and that a visible memory holds, as those of one term.
fn gather_completions(
    seats: &[Seat<'_>],
    mask: &Mask,
    prefix: &str,
    scored: &mut Scored,
) -> Result<Postings, IndexError> {
    let mut postings = vec![Vec::new(); seats.len()];
    for term in most_held(seats, Field::Word, prefix)? {
        if scored.completions.len() == COMPLETIONS_MAX {
            break;
        }
        if gather_into(&mut postings, seats, mask, Field::Word, &term)? {
            scored.completions.push(term);
        }
    }
    if scored.completions.len() > 1 {
        for (seat, postings) in seats.iter().zip(&mut postings) {
            merge(postings, seat.shard.table().chunks());
        }
    }
    count(seats, &postings, scored);
    Ok(postings)
}

/// Adds a term's postings; answers whether there were any.
fn gather_into(
    all: &mut Postings,
    seats: &[Seat<'_>],
    mask: &Mask,
    field: Field,
    term: &str,
) -> Result<bool, IndexError> {
    let mut any = false;
    for ((seat, seen), postings) in seats.iter().zip(&mask.seen).zip(all) {
        let memory_of = &seat.shard.table().memory_of;
        let before = postings.len();
        seat.shard.postings(field, term, &mut |chunks, counts| {
            let pairs = chunks.iter().copied().zip(counts.iter().copied());
            postings.extend(pairs.filter(|(chunk, _)| seen.has(memory_of[*chunk as usize])));
        })?;
        any |= postings.len() > before;
    }
    Ok(any)
}

/// How many memories hold it.
fn count(seats: &[Seat<'_>], all: &Postings, scored: &mut Scored) {
    for (seat, postings) in seats.iter().zip(all) {
        let memory_of = &seat.shard.table().memory_of;
        let mut last = u32::MAX;
        for (chunk, _) in postings {
            let memory = memory_of[*chunk as usize];
            scored.documents += u64::from(memory != last);
            last = memory;
        }
    }
}

/// Sorts by chunk and adds up what is there twice.
fn merge(postings: &mut Vec<(u32, u32)>, chunks: usize) {
    if postings.len() * 8 < chunks {
        postings.sort_unstable_by_key(|(chunk, _)| *chunk);
        postings.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 += later.1;
            }
            same
        });
        return;
    }
    let mut counts = vec![0u32; chunks];
    for (chunk, count) in postings.drain(..) {
        counts[chunk as usize] += count;
    }
    let held = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    postings.extend(held.map(|(chunk, count)| (chunk as u32, *count)));
}

/// The words of visible memories that begin with `prefix`, with how many hold each, most frequent first.
///
/// Chosen by how many chunks hold them in all (dead and hidden ones too), then counted among the visible: a word that
/// no visible memory holds is never answered.
pub(super) fn frequent(
    seats: &[Seat<'_>],
    mask: &Mask,
    prefix: &str,
    max: usize,
) -> Result<Vec<(String, u64)>, IndexError> {
    frequent_in(seats, mask, Field::Word, prefix, max)
}

pub(super) fn frequent_in(
    seats: &[Seat<'_>],
    mask: &Mask,
    field: Field,
    prefix: &str,
    max: usize,
) -> Result<Vec<(String, u64)>, IndexError> {
    let mut frequent = Vec::new();
    for term in most_held(seats, field, prefix)? {
        if frequent.len() == max {
            break;
        }
        let documents = mask.documents(seats, field, &term)?;
        if documents > 0 {
            frequent.push((term, documents));
        }
    }
    frequent.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(frequent)
}

/// The terms that begin with `prefix`, those held by the most chunks (dead and hidden ones too) first, as many as may be
/// looked at.
fn most_held(
    seats: &[Seat<'_>],
    field: Field,
    prefix: &str,
) -> Result<impl Iterator<Item = String>, IndexError> {
    let mut chunks_by_term = FxHashMap::<String, u64>::default();
    for seat in seats {
        let mut left = DICTIONARY_MAX;
        seat.shard.terms(field, prefix, &mut |term, chunks| {
            match chunks_by_term.get_mut(term) {
                Some(all) => *all += u64::from(chunks),
                None => drop(chunks_by_term.insert(term.to_owned(), u64::from(chunks))),
            }
            left -= 1;
            left > 0
        })?;
    }
    let mut terms: Vec<(String, u64)> = chunks_by_term.into_iter().collect();
    terms.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut budget = COMPLETION_CHUNKS_MAX;
    let affordable = terms.into_iter().take_while(move |(_, chunks)| {
        let left = budget > 0;
        budget = budget.saturating_sub(*chunks);
        left
    });
    Ok(affordable.map(|(term, _)| term))
}
